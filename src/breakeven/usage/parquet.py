"""Parquet files as DuckDB reads them."""

from pathlib import Path

import duckdb

from breakeven.errors import NoLogError
from breakeven.usage.fields import literal
from breakeven.usage.inputs import LogFile

PARQUET = b"PAR1"


def parquet_rows(engine: duckdb.DuckDBPyConnection, file: LogFile) -> tuple[str, dict[str, str]]:
    """
    A Parquet file as SQL, with a ``file_row_number``, and its columns with their DuckDB types.

    Raises NoLogError where it is no Parquet file that can be read.
    """
    rows = f"read_parquet({pattern_of(local(engine, file))}, file_row_number = true)"
    try:
        described = engine.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {rows}").fetchall()
    except duckdb.Error as error:
        kind = type(error).__name__
    else:
        return rows, {name: type_ for name, type_, *_ in described}
    fault = f"not a Parquet file that can be read ({kind})"
    raise NoLogError(f"{file}: {fault}", fault)


def local(engine: duckdb.DuckDBPyConnection, file: LogFile) -> Path:
    """Where a file is on this machine; else it is copied into the engine's own folder, which is removed at the end."""
    return file.local(Path(engine.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]))


def pattern_of(place: Path) -> str:
    """SQL text by which the engine finds just this file, whatever characters its name has."""
    return literal("".join(f"[{char}]" if char in "*?[" else char for char in str(place.absolute())))
