"""Parquet files as DuckDB reads them."""

from pathlib import Path

import duckdb

from breakeven.usage.fields import literal
from breakeven.usage.mapping import run

PARQUET = b"PAR1"


def parquet_rows(engine: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, dict[str, str]]:
    """
    A Parquet file as SQL, with a ``file_row_number``, and its columns with their DuckDB types.

    Raises LogError where it is no Parquet file that can be read.
    """
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in str(file.absolute()))
    rows = f"read_parquet({literal(pattern)}, file_row_number = true)"
    what = f"{file}: not a Parquet file that can be read"
    described = run(engine, f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {rows}", what)
    return rows, {name: kind for name, kind, *_ in described}
