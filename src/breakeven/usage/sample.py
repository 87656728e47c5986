"""The first rows of a file, looked at before it is read: which of its fields names the task."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from breakeven.usage.calls import INPUT_BUCKETS
from breakeven.usage.fields import JsonLine, TableRow, literal
from breakeven.usage.lines import BLANK, Chunk, csv_chunks, csv_names, json_chunks
from breakeven.usage.mapping import canonical_query, raw_columns, run
from breakeven.usage.readers.reader import Reader, json_rows
from breakeven.usage.task_keys import LEAST_COVERAGE, SAMPLE_ROWS, candidates, choose, table_candidates

LOOKED_AT = 200
"""Rows of a sample whose keys are listed."""


def find_key(
    engine: duckdb.DuckDBPyConnection, file: Path, head: bytes, reader: Reader, own: Mapping[str, str] | None
) -> str | None:
    """
    The metadata key, as a reader writes a field, that names the tasks of a file; None where the format's own field
    does, or none can. Raises LogError as reading the file would.
    """
    row: JsonLine | TableRow
    if head.startswith(b"PAR1"):
        rows_of = parquet_rows(file)
        what = f"{file}: not a Parquet file that can be read"
        described = run(engine, f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {rows_of}", what)
        names, row = (
            [name for name, *_ in described],
            TableRow({name: kind for name, kind, *_ in described}, tidy=False),
        )
        paths = table_candidates(names)
        source = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of} LIMIT {SAMPLE_ROWS})"
        return _chosen(engine, file, reader, names, own, row, paths, source) if paths else None
    if head.lstrip(BLANK)[:1] == b"{" or json_rows(head):
        chunk = _first(json_chunks(file))
        if chunk is None:
            return None
        texts = chunk.texts["raw"][:SAMPLE_ROWS]
        seen = [found for text in texts[:LOOKED_AT] if isinstance(found := _parsed(text), dict)]
        names, row, paths = list(dict.fromkeys(key for each in seen for key in each)), JsonLine(), candidates(seen)
    else:
        names = csv_names(head)
        row, paths = TableRow(dict.fromkeys(names, "VARCHAR"), tidy=True), table_candidates(names)
        if not paths:
            return None
        chunk = _first(csv_chunks(file, head, names))
    if not paths or chunk is None:
        return None
    first = {name: texts[:SAMPLE_ROWS] for name, texts in chunk.texts.items()}
    with registered(engine, Chunk(first, chunk.lines[:SAMPLE_ROWS])):
        return _chosen(engine, file, reader, names, own, row, paths, "chunk")


def _chosen(
    engine: duckdb.DuckDBPyConnection,
    file: Path,
    reader: Reader,
    names: list[str],
    own: Mapping[str, str] | None,
    row: JsonLine | TableRow,
    paths: list[str],
    source: str,
) -> str | None:
    raw = raw_columns(reader, names, None, own, file, row)
    keys = {f"key_{number}": row.resolve("{" + path + "}") for number, path in enumerate(paths)}
    query = canonical_query(engine, 0, raw, row, source, keys)
    size = " + ".join(INPUT_BUCKETS)
    asked = f"SELECT task, model, {size}, output_tokens, {', '.join(keys)} FROM ({query}) WHERE NOT faulty"
    calls = run(engine, asked, f"{file}: its first rows cannot be read")
    named = sum(bool((task or "").strip()) for task, *_ in calls)
    if not calls or named >= LEAST_COVERAGE * len(calls):
        return None
    return choose(paths, [call[1:] for call in calls])


def parquet_rows(file: Path) -> str:
    """SQL of the rows of a Parquet file, with their number."""
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in str(file.absolute()))
    return f"read_parquet({literal(pattern)}, file_row_number = true)"


@contextmanager
def registered(engine: duckdb.DuckDBPyConnection, chunk: Chunk) -> Iterator[None]:
    """A chunk as the table ``chunk``."""
    engine.register(
        "chunk",
        {"line": np.array(chunk.lines, np.int64)}
        | {name: np.array(texts, dtype=object) for name, texts in chunk.texts.items()},
    )
    try:
        yield
    finally:
        engine.unregister("chunk")


def _first(chunks: Iterator[Chunk]) -> Chunk | None:
    """The first chunk with rows."""
    return next((chunk for chunk in chunks if chunk.lines), None)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
