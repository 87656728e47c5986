"""The first rows of a file, looked at before it is read: which of its fields names the task."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from breakeven.usage.calls import INPUT_BUCKETS
from breakeven.usage.fields import JsonLine, TableRow, quoted
from breakeven.usage.inputs import LogFile
from breakeven.usage.layout import Layout, registered
from breakeven.usage.lines import Chunk
from breakeven.usage.mapping import canonical_query, field_sql, raw_columns, run
from breakeven.usage.parquet import parquet_rows
from breakeven.usage.readers.reader import Reader, json_object
from breakeven.usage.task_keys import LEAST_COVERAGE, METADATA, SAMPLE_ROWS, candidates, choose, table_candidates

LOOKED_AT = 200
"""Rows of a sample whose keys are listed."""


def key_of_text(
    engine: duckdb.DuckDBPyConnection, layout: Layout, reader: Reader, own: Mapping[str, str] | None
) -> str | None:
    """
    The metadata key, as a reader writes a field, that names the tasks of a text file; None where the format's own
    field does, or none can. Raises LogError as reading the file would.
    """
    row = layout.row()
    paths: list[str] = []
    if isinstance(row, TableRow):
        paths = table_candidates(layout.names)
        if not paths:
            return None
        row.wanted += layout.names
    chunk = next((chunk for chunk in layout.chunks(row) if chunk.lines), None)
    if chunk is None:
        return None
    texts = {name: column[:SAMPLE_ROWS] for name, column in chunk.texts.items()}
    if isinstance(row, JsonLine):
        paths = candidates([found for text in texts["raw"][:LOOKED_AT] if (found := json_object(text)) is not None])
    with registered(engine, Chunk(texts, chunk.lines[:SAMPLE_ROWS])):
        return _chosen(engine, layout.file, layout.names, reader, own, row, paths, "chunk") if paths else None


def key_of_parquet(
    engine: duckdb.DuckDBPyConnection, file: LogFile, reader: Reader, own: Mapping[str, str] | None
) -> str | None:
    """The same of a Parquet file."""
    rows_of, types = parquet_rows(engine, file)
    names = list(types)
    paths = table_candidates(names, _metadata(engine, file, rows_of, [name for name in names if name in METADATA]))
    source = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of} LIMIT {SAMPLE_ROWS})"
    row = TableRow(types, tidy=False)
    return _chosen(engine, file, names, reader, own, row, paths, source) if paths else None


def _metadata(
    engine: duckdb.DuckDBPyConnection, file: LogFile, rows_of: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    """What stands in these columns of the first rows, as text; structures, maps and lists as JSON."""
    if not names:
        return []
    kinds = ", ".join(f"CAST(to_json({quoted(name)}) AS VARCHAR)" for name in names)
    found = run(engine, f"SELECT {kinds} FROM {rows_of} LIMIT {LOOKED_AT}", f"{file}: its first rows cannot be read")
    return [
        {name: _value(json.loads(text)) for name, text in zip(names, row, strict=True) if text is not None}
        for row in found
    ]


def _value(value: Any) -> Any:
    """A value, or what it is the JSON text of."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _chosen(
    engine: duckdb.DuckDBPyConnection,
    file: LogFile,
    names: Sequence[str],
    reader: Reader,
    own: Mapping[str, str] | None,
    row: JsonLine | TableRow,
    paths: list[str],
    source: str,
) -> str | None:
    raw = raw_columns(reader, names, None, own, file, row)
    keys = {f"key_{number}": row.resolve(field_sql(path)) for number, path in enumerate(paths)}
    query = canonical_query(engine, 0, raw, row, source, keys)
    size = " + ".join(INPUT_BUCKETS)
    asked = f"SELECT task, model, {size}, output_tokens, {', '.join(keys)} FROM ({query}) WHERE NOT faulty"
    calls = run(engine, asked, f"{file}: its first rows cannot be read")
    named = sum(bool((task or "").strip()) for task, *_ in calls)
    if not calls or named >= LEAST_COVERAGE * len(calls):
        return None
    return choose(paths, [call[1:] for call in calls])
