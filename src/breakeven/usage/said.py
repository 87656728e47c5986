"""
The texts of those calls that a table ``wanted`` names, read from their files a second time, a piece at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from breakeven.errors import LogError
from breakeven.usage.calls import TOKENS
from breakeven.usage.fields import JsonLine, TableRow
from breakeven.usage.inputs import LogFile
from breakeven.usage.layout import head_of, knows, layout_of, reader_of, registered
from breakeven.usage.mapping import TEXTS, raw_columns, run, span_hash
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.readers import find_reader
from breakeven.usage.scan import Scan

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    How files are read: the reader, None where each file says its own, and the user's names of columns.

    score : field of a row that holds a score, "" for none. kept : columns of ``wanted`` that come with the texts.
    """

    reader: str | None
    columns: Mapping[str, str] | None
    kept: tuple[str, ...]
    score: str = ""


def want(found: Scan, where: str, kept: Mapping[str, str]) -> int:
    """
    Make the table ``wanted`` of rows of a scan: file, line, id, and ``kept``, name -> SQL; how many rows it has.

    Parameters
    ----------
    where : str
        Which rows of the scan's table ``log``, as SQL.
    """
    columns = ", ".join(f"{sql} AS {name}" for name, sql in kept.items())
    log = f"SELECT file, line, {', '.join(TOKENS)}, {columns} FROM log WHERE {where}"
    span, join = "CAST(NULL AS UBIGINT)", ""
    if found.has_spans:
        same = " AND ".join(f"kept.{name} IS NOT DISTINCT FROM log.{name}" for name in ("file", "line", *TOKENS))
        span, join = "kept.span", f" LEFT JOIN calls AS kept ON {same} AND NOT kept.faulty"
    names = ", ".join(f"log.{name}" for name in kept)
    query = f"SELECT DISTINCT log.file, log.line, {span} AS span, {names} FROM ({log}) AS log{join}"
    run(found.engine, f"CREATE TEMP TABLE wanted AS {query}", "the calls of the task cannot be read")
    return int(run(found.engine, "SELECT count(*) FROM wanted", "the calls of the task cannot be read")[0][0])


def texts_of(engine: duckdb.DuckDBPyConnection, files: Sequence[LogFile], named: Wanted) -> Iterator[tuple[Any, ...]]:
    """
    What was sent, what came back, the score if a field for it was named, and the kept columns of each wanted call.

    Rows of one line that no id tells apart are left out.
    """
    for number, file in enumerate(files):
        forced = find_reader(named.reader) if named.reader else None
        head, form = head_of(file, knows(engine, file, forced, None, named.columns))
        chosen = reader_of(engine, file, head, forced, None)
        if head.startswith(PARQUET):
            rows_of, types = parquet_rows(engine, file)
            row: JsonLine | TableRow = TableRow(types, tidy=False)
            raw = raw_columns(chosen, list(types), None, named.columns, file, row, texts=True)
            score = _score(named, row)
            rows = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})"
            yield from _fetched(engine, _joined(number, raw | score, row, rows, named), file)
            continue
        layout = layout_of(file, head, chosen, form)
        row = layout.row()
        raw = raw_columns(chosen, layout.names, None, named.columns, file, row, texts=True)
        score = _score(named, row)
        if raw["asked"] == raw["answered"] == "NULL":
            continue
        for chunk in layout.chunks(row):
            if chunk.lines:
                with registered(engine, chunk):
                    yield from _fetched(engine, _joined(number, raw | score, row, "chunk", named), file)


def _score(named: Wanted, row: JsonLine | TableRow) -> dict[str, str]:
    """SQL of the field that holds a score."""
    return {"score": row.resolve("{" + named.score + "}") if named.score else "NULL"}


def _joined(number: int, raw: Mapping[str, str], row: JsonLine | TableRow, rows: str, named: Wanted) -> str:
    """SQL: texts and kept columns of wanted rows; rows of one line that no id tells apart are left out."""
    span = "CAST(NULL AS UBIGINT)" if raw["span"] == "NULL" else span_hash(raw["span"])
    said = ", ".join(f"CAST({raw[name]} AS VARCHAR) AS {name}" for name in (*TEXTS, "score"))
    texts = f"SELECT line, {span} AS span, {said} FROM ({row.source(rows)})"
    alone = "QUALIFY count(*) OVER (PARTITION BY line, span) = 1"
    kept = ", ".join(named.kept)
    wanted = f"SELECT line, span, {kept} FROM wanted WHERE file = {number} {alone}"
    same = "texts.line = wanted.line AND texts.span IS NOT DISTINCT FROM wanted.span"
    score = "score, " if named.score else ""
    columns = ", ".join(f"wanted.{name}" for name in named.kept)
    return (
        f"SELECT asked, answered, {score}{columns} FROM (SELECT * FROM ({texts}) {alone}) AS texts"
        f" JOIN ({wanted}) AS wanted ON {same}"
    )


def _fetched(engine: duckdb.DuckDBPyConnection, sql: str, file: LogFile) -> Iterator[tuple[Any, ...]]:
    """Rows of a query, some at a time. A fault of the engine becomes one line without its message, as in ``run``."""
    try:
        found = engine.execute(sql)
        while rows := found.fetchmany(ROWS_AT_ONCE):
            yield from rows
        return
    except duckdb.Error as error:
        kind = type(error).__name__
    raise LogError(f"{file}: its texts cannot be read ({kind})")
