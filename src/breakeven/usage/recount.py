"""
The texts of one task of a log, counted again in other vocabularies.

A log is read a second time, only for those rows that became calls of the task. Their texts are held a piece at a
time, counted, and dropped: what comes back are sums of integers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import duckdb

from breakeven.errors import LogError
from breakeven.usage.calls import ALL_TASKS, GATEWAY_CACHE, INPUT_BUCKETS, TOKENS
from breakeven.usage.fields import JsonLine, TableRow, literal
from breakeven.usage.inputs import LogFile, find_logs
from breakeven.usage.layout import head_of, layout_of, reader_of, registered
from breakeven.usage.mapping import TEXTS, raw_columns, run, span_hash
from breakeven.usage.naming import name_tasks
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.prompt_file import Around
from breakeven.usage.readers import find_reader, table
from breakeven.usage.scan import Scan, open_engine, scan_files
from breakeven.usage.spoken import spoken
from breakeven.usage.task_names import TaskNames
from breakeven.usage.tokens import Vocabulary, counter

ROWS_AT_ONCE = 500

BLANKS = r"' ' || chr(9) || chr(10) || chr(13)"


@dataclass(frozen=True, slots=True)
class Side:
    """
    What was sent, or what came back.

    calls : calls with a text. logged_tokens : what the log says of them, without reasoning. [tokens]
    counted : vocabulary -> tokens of their texts; for what was sent, those around messages included. [tokens]
    """

    calls: int
    logged_tokens: int
    counted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Recount:
    """
    One task of a log on one model, counted again.

    calls : its calls that succeeded and were billed, with or without texts.
    left_out : kinds of content that are billed but are no text.
    """

    calls: int
    asked: Side
    answered: Side
    left_out: tuple[str, ...]


Row: TypeAlias = tuple[str | None, str | None, int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How files are read: the reader, None where each file says its own, and the user's names of columns."""

    reader: str | None
    columns: Mapping[str, str] | None


@dataclass
class _Sums:
    calls: int = 0
    logged: int = 0
    counted: dict[str, int] = field(default_factory=dict)

    def add(self, logged: int, counted: Mapping[str, int]) -> None:
        self.calls += 1
        self.logged += logged
        for name, tokens in counted.items():
            self.counted[name] = self.counted.get(name, 0) + tokens

    def side(self) -> Side:
        return Side(self.calls, self.logged, dict(self.counted))


def recount(
    files: Sequence[str | Path | LogFile],
    *,
    task: str,
    model: str | None,
    vocabularies: Sequence[Vocabulary],
    around: Around,
    task_by: str | None = None,
    tasks: TaskNames | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Recount:
    """
    Count the prompts and answers of one task again.

    Parameters
    ----------
    task, model : str
        As in the ``TaskProfile`` that ``read_usage`` made of the same files, with the same ``task_by``, ``tasks``,
        ``reader`` and ``columns``.
    around : Around
        What a chat adds to its texts.

    Raises
    ------
    InputError
        The package that counts is missing.
    LogError
        As ``read_usage``.
    """
    counters = {vocabulary: counter(vocabulary) for vocabulary in vocabularies}
    asked, answered, left_out = _Sums(), _Sums(), set[str]()
    named = Wanted(table.READER.name if columns else reader, columns)
    with open_engine() as engine:
        logs = find_logs(files)
        found = scan_files(engine, logs, task_by=task_by, reader=reader, columns=columns, find_keys=True)
        name_tasks(found, task_by, tasks)
        calls = _want(found, task, model)
        skipped = {each.file for each in found.skipped}
        read = [log for log in logs if log.name not in skipped]
        for sent, came, given, made in _texts(engine, read, named):
            prompt = spoken(sent)
            left_out |= prompt.left_out
            if prompt.texts:
                extra = around.tokens(prompt)
                asked.add(given, {name: sum(map(count, prompt.texts)) + extra for name, count in counters.items()})
            answer = spoken(came, roles=False)
            if answer.texts:
                answered.add(made, {name: sum(map(count, answer.texts)) for name, count in counters.items()})
    return Recount(calls, asked.side(), answered.side(), tuple(sorted(left_out)))


def _texts(engine: duckdb.DuckDBPyConnection, files: Sequence[LogFile], named: Wanted) -> Iterator[Row]:
    """What was sent, what came back, and the logged input and output tokens of each call of a task."""
    for number, file in enumerate(files):
        head, is_array = head_of(file)
        chosen = reader_of(engine, file, head, find_reader(named.reader) if named.reader else None, None)
        if head.startswith(PARQUET):
            rows_of, types = parquet_rows(engine, file)
            row: JsonLine | TableRow = TableRow(types, tidy=False)
            raw = raw_columns(chosen, list(types), None, named.columns, file, row, texts=True)
            rows = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})"
            yield from _fetched(engine, _joined(number, raw, row, rows), file)
            continue
        layout = layout_of(file, head, chosen, is_document=is_array)
        row = layout.row()
        raw = raw_columns(chosen, layout.names, None, named.columns, file, row, texts=True)
        if raw["asked"] == raw["answered"] == "NULL":
            continue
        for chunk in layout.chunks(row):
            if chunk.lines:
                with registered(engine, chunk):
                    yield from _fetched(engine, _joined(number, raw, row, "chunk"), file)


def _want(found: Scan, task: str, model: str | None) -> int:
    """
    Make the table ``wanted`` of those rows that are calls of a task: file, line, id and counts; how many they are.

    A row that stands for several calls is left out, and a call that a gateway answered from what it had kept.
    """
    of_model = "IS NULL" if model is None else f"= {literal(model)}"
    ours = (
        f"NOT faulty AND ok AND calls = 1 AND service_tier IS DISTINCT FROM '{GATEWAY_CACHE}'"
        f" AND coalesce(nullif(trim(task, {BLANKS}), ''), '{ALL_TASKS}') = {literal(task)}"
        f" AND nullif(trim(model, {BLANKS}), '') {of_model}"
    )
    counts = f"{' + '.join(INPUT_BUCKETS)} AS given, output_tokens - coalesce(reasoning_tokens, 0) AS made"
    log = f"SELECT file, line, {', '.join(TOKENS)}, {counts} FROM log WHERE {ours}"
    span, join = "CAST(NULL AS UBIGINT)", ""
    if found.has_spans:
        same = " AND ".join(f"kept.{name} IS NOT DISTINCT FROM log.{name}" for name in ("file", "line", *TOKENS))
        span, join = "kept.span", f" LEFT JOIN calls AS kept ON {same} AND NOT kept.faulty"
    query = f"SELECT DISTINCT log.file, log.line, {span} AS span, log.given, log.made FROM ({log}) AS log{join}"
    run(found.engine, f"CREATE TEMP TABLE wanted AS {query}", "the calls of the task cannot be read")
    return int(run(found.engine, "SELECT count(*) FROM wanted", "the calls of the task cannot be read")[0][0])


def _joined(number: int, raw: Mapping[str, str], row: JsonLine | TableRow, rows: str) -> str:
    """SQL: texts and counts of those rows that are wanted; rows of one line that no id tells apart are left out."""
    span = "CAST(NULL AS UBIGINT)" if raw["span"] == "NULL" else span_hash(raw["span"])
    said = ", ".join(f"CAST({raw[name]} AS VARCHAR) AS {name}" for name in TEXTS)
    texts = f"SELECT line, {span} AS span, {said} FROM ({row.source(rows)})"
    alone = "QUALIFY count(*) OVER (PARTITION BY line, span) = 1"
    wanted = f"SELECT line, span, given, made FROM wanted WHERE file = {number} {alone}"
    same = "texts.line = wanted.line AND texts.span IS NOT DISTINCT FROM wanted.span"
    return (
        f"SELECT asked, answered, given, made FROM (SELECT * FROM ({texts}) {alone}) AS texts"
        f" JOIN ({wanted}) AS wanted ON {same}"
    )


def _fetched(engine: duckdb.DuckDBPyConnection, sql: str, file: LogFile) -> Iterator[Row]:
    """Rows of a query, some at a time. A fault of the engine becomes one line without its message, as in ``run``."""
    try:
        found = engine.execute(sql)
        while rows := found.fetchmany(ROWS_AT_ONCE):
            yield from rows
        return
    except duckdb.Error as error:
        kind = type(error).__name__
    raise LogError(f"{file}: its texts cannot be read ({kind})")
