"""
Log files to one DuckDB view of canonical columns, ``log``.

Text files are read once, into a table of canonical columns; a Parquet file stays where it is and is scanned when
asked. Prompts are hashed on the way in. Nothing is fetched that was not named and no extension is loaded.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from breakeven.errors import LogError, NoLogError
from breakeven.usage.calls import EARLIEST_US, LATEST_US, PROMPT_COLUMNS, SPAN_COLUMNS, TYPES, ZERO_COST
from breakeven.usage.checks import MACROS, SETTINGS, timestamp_us
from breakeven.usage.column_map import ColumnMap
from breakeven.usage.cube import MAY_BE_ABSENT, Cube
from breakeven.usage.cube_file import is_cube, read_cube
from breakeven.usage.fields import JsonLine, TableRow, quoted
from breakeven.usage.following import followed, reading
from breakeven.usage.inputs import LogFile, as_log
from breakeven.usage.layout import NO_ROWS, Layout, head_of, knows, layout_of, reader_of, registered
from breakeven.usage.lines import Chunk
from breakeven.usage.mapping import RESPONSE_ID, absent_columns, canonical_query, raw_columns, run
from breakeven.usage.nesting import BENIGN, count_each_call_once
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.prompt_columns import has_prompts
from breakeven.usage.readers import find_reader, table
from breakeven.usage.readers.reader import Reader
from breakeven.usage.same_calls import count_logged_twice_once
from breakeven.usage.sample import key_of_parquet, key_of_text
from breakeven.usage.sources import Reject, Skipped, Source
from breakeven.usage.sums_file import READER as SUMS
from breakeven.usage.sums_file import is_sums, read_sums
from breakeven.usage.whole_json import WholeLine, read_whole

__all__ = ["Reject", "Scan", "Skipped", "Source", "open_engine", "scan_files"]

MEMORY = "1GB"
THREADS = 2
MAX_REJECTS = 1000
INTERRUPTED = "Query interrupted"
"""What the engine says on Ctrl-C, which it swallows."""


@dataclass
class Scan:
    """
    Log files as the view ``log`` of an engine.

    engine : connection with the view.
    sources : the files that were read, in the order given.
    skipped : those that hold no log.
    faults : (number of file, line, reason) of lines that could not even be handed to the engine, some of them; all of
        them are in the engine's table ``faults``.
    fault_counts : number of such lines by (number of file, reason), all of them.
    cubes : those of the files that are cubes, and their names.
    queries : queries of canonical columns, which the view is made of.
    spans_us : for each file that is not read into the table ``calls`` its first and last time, None where it has none.
        [us]
    absent : columns of ``cube.MAY_BE_ABSENT`` that no file has.
    unread : rows of Parquet that is scanned where it is, when the view is asked.
    in_place : whether every file is Parquet that is scanned where it is.
    has_prompts : whether some file holds prompts.
    with_ids : number of a file whose rows carry ids of responses -> number and query with ``response`` in ``queries``;
        None where they are in the table ``calls``.
    notes : what should be known of the reading, in whole sentences.
    has_spans : whether the rows of some file lie inside one another.
    by_row : numbers of the files whose rows are numbered, not their lines.
    keys : reader -> the metadata key that names tasks in its files, None where none does; only of readers asked.
    """

    engine: duckdb.DuckDBPyConnection
    sources: list[Source] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    faults: list[tuple[int, int, str]] = field(default_factory=list)
    fault_counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    cubes: list[tuple[str, Cube]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    spans_us: list[tuple[int | None, int | None]] = field(default_factory=list)
    absent: frozenset[str] = frozenset(MAY_BE_ABSENT)
    unread: int = 0
    in_place: bool = True
    has_prompts: bool = False
    with_ids: dict[int, tuple[int, str] | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    has_spans: bool = False
    by_row: set[int] = field(default_factory=set)
    keys: dict[str, str | None] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Log rows in all files, rejected ones included."""
        return sum(source.rows for source in self.sources)

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Every row of the files, in canonical columns."""
        return self.engine.sql("SELECT * FROM log")

    def span_us(self) -> tuple[int | None, int | None]:
        """First and last possible time in the files, those of rejected rows too; None where there is no time. [us]"""
        spans = [
            *self.spans_us,
            *self.engine.execute("SELECT min(at_us), max(at_us) FROM calls WHERE NOT faulty").fetchall(),
        ]
        times = [min(max(time, EARLIEST_US), LATEST_US) for span in spans for time in span if time is not None]
        return min(times, default=None), max(times, default=None)

    def note_faults(self, number: int, faults: Sequence[tuple[int, str]]) -> None:
        """Keep (line, reason) of lines of a file that cannot be rows."""
        if not faults:
            return
        self.fault_counts.update((number, reason) for _, reason in faults)
        room = max(0, MAX_REJECTS - len(self.faults))
        self.faults.extend((number, line, reason) for line, reason in faults[:room])
        lines, reasons = zip(*faults, strict=True)
        self.engine.execute("CREATE TABLE IF NOT EXISTS faults (file INTEGER, line BIGINT, reason VARCHAR)")
        with registered(self.engine, Chunk({"reason": list(reasons)}, list(lines))):
            self.engine.execute(f"INSERT INTO faults SELECT {number}, line, reason FROM chunk")

    def rejected(self, good: int) -> tuple[tuple[Reject, ...], Counter[tuple[int, str]]]:
        """
        Rows that are not calls: at most ``MAX_REJECTS`` of them by file and line, and how many by (number of file,
        reason).

        Those that are as they should be, such as the spans of tools, come after all others.

        Parameters
        ----------
        good : int
            Number of good rows; where that is all of them, the engine is not asked.
        """
        found, counts = list(self.faults), Counter(self.fault_counts)
        if good + counts.total() < self.rows:
            bad = "FROM log WHERE faulty"
            for file, reason, rows in self.engine.execute(
                f"SELECT file, reason, count(*) {bad} GROUP BY 1, 2"
            ).fetchall():
                counts[file, reason] += rows
            order = f"reason IN {BENIGN}, file, line"
            first = f"SELECT file, line, reason {bad} ORDER BY {order} LIMIT {MAX_REJECTS}"
            found += self.engine.execute(first).fetchall()
        found.sort(key=lambda reject: (reject[2] in BENIGN, reject))
        rejects = (
            Reject(self.sources[file].name, line, reason, "row" if file in self.by_row else "line")
            for file, line, reason in found[:MAX_REJECTS]
        )
        return tuple(rejects), counts


@contextmanager
def open_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory, with limits; what it must put on disk goes to a folder of its own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="breakeven-") as folder:
        engine = duckdb.connect(
            config={
                "threads": THREADS,
                "memory_limit": MEMORY,
                "temp_directory": folder,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
        )
        try:
            engine.execute(SETTINGS)
            for macro in MACROS:
                engine.execute(f"CREATE TEMP MACRO {macro}")
            yield engine
        except RuntimeError as error:
            if str(error) != INTERRUPTED:
                raise
            raise KeyboardInterrupt from None
        finally:
            engine.close()


def scan_files(
    engine: duckdb.DuckDBPyConnection,
    files: Sequence[Path | LogFile],
    *,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
    column_map: ColumnMap | None = None,
    find_keys: bool = False,
) -> Scan:
    """
    Read log files into the view ``log``.

    Parameters
    ----------
    files : sequence of Path or LogFile
        Any mix of formats, and cubes. One that holds no log is skipped if there are others. Without any log, there
        is no view.
    task_by : str, optional
        Path or column that names the task, in place of the format's own; "prompt" groups by a hash of the system
        prompt (or the first message).
    reader : str, optional
        Name of the reader to use for every file, in place of the one that claims it.
    columns : mapping, optional
        Name of ``table.NAMES`` -> the file's own column; implies the table reader.
    column_map : ColumnMap, optional
        Reads every file that has the columns it names, in place of the reader that claims it.
    find_keys : bool
        Whether to look for a metadata key that names tasks, where a format's own field does not; the first file of
        each reader decides.

    Raises
    ------
    LogError
        A file is missing, damaged, or lacks a column it must have; no file holds a log.
    """
    result = Scan(engine)
    kinds = TYPES | {ZERO_COST: "BOOLEAN"}
    engine.execute(f"CREATE TABLE calls ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
    if columns and reader not in (None, table.READER.name):
        raise LogError(f"Columns can be named for the reader {table.READER.name!r} only, not for {reader!r}")
    chosen = table.READER.name if columns else reader
    how = _How(find_reader(chosen) if chosen else None, column_map, task_by, columns, find_keys and not task_by)
    logs = [as_log(file) for file in files]
    how = replace(how, several=len(logs) > 1)
    for file in logs:
        try:
            _read(result, file, how)
        except NoLogError as error:
            if len(logs) == 1:
                raise
            result.skipped.append(Skipped(file.name, error.reason))
    if not result.sources:
        if result.cubes:
            return result
        first = result.skipped[0]
        raise LogError(f"None of the {len(logs)} files holds a log that can be read; {first.file}: {first.reason}")
    if column_map is not None and not any(source.reader == column_map.name for source in result.sources):
        raise LogError(f"{column_map.name}: no file has the columns it names: {', '.join(column_map.needed)}")
    if result.has_spans:
        count_each_call_once(engine, name_judges=task_by is None)
    result.notes += count_logged_twice_once(engine, result.with_ids, result.queries, result.sources)
    if len(result.queries) < len(result.sources):
        result.queries.append(f"SELECT {', '.join(_columns(result.has_prompts))} FROM calls")
    engine.execute(f"CREATE TEMP VIEW log AS {' UNION ALL '.join(result.queries)}")
    return result


@dataclass(frozen=True)
class _How:
    """How every file is to be read; as the parameters of ``scan_files``."""

    reader: Reader | None
    column_map: ColumnMap | None
    task_by: str | None
    columns: Mapping[str, str] | None
    find_keys: bool
    several: bool = False


def _read(result: Scan, file: LogFile, how: _How) -> None:
    """Read one file. Raises NoLogError."""
    engine, number = result.engine, len(result.sources)
    known = knows(engine, file, how.reader, how.column_map, how.columns)
    head, form = head_of(file, lambda head: known(head) or SUMS.accepts(head, file.name))
    if head.startswith(PARQUET) and not how.columns and is_cube(engine, file):
        result.cubes.append((file.name, read_cube(engine, file)))
        return
    if is_sums(engine, file, head):
        result.cubes.append((file.name, read_sums(engine, file)))
        return
    reader = reader_of(engine, file, head, how.reader, how.column_map)
    find_key = how.find_keys and reader.name not in result.keys
    if head.startswith(PARQUET):
        if find_key:
            result.keys[reader.name] = key_of_parquet(engine, file, reader, how.columns)
        rows = _parquet(result, number, file, reader, how)
    else:
        layout = layout_of(file, head, reader, form)
        if find_key:
            result.keys[reader.name] = key_of_text(engine, layout, reader, how.columns)
        rows = _text(result, number, layout, reader, how)
    if not rows:
        raise NoLogError(f"{file}: holds no rows", NO_ROWS)
    if form is not None or head.startswith(PARQUET):
        result.by_row.add(number)
    result.sources.append(Source(file.name, reader.name, rows, file.sha256()))


def _text(result: Scan, number: int, layout: Layout, reader: Reader, how: _How) -> int:
    """Read a file of JSON lines or delimited text, into ``calls`` or a table of its own; how many rows it holds."""
    row, file = layout.row(), layout.file
    result.in_place = False
    key = result.keys.get(reader.name)
    raw = raw_columns(reader, layout.names, how.task_by, how.columns, file, row, key, ids=True)
    if isinstance(row, JsonLine) and not (layout.form or layout.expand) and raw["span"] == "NULL":

        def raw_of(line: WholeLine) -> dict[str, str]:
            return raw_columns(reader, layout.names, how.task_by, how.columns, file, line, key, ids=True)

        if whole := read_whole(result.engine, number, file, layout.head, row.paths, raw_of, in_order=how.several):
            _note_columns(result, number, whole.raw)
            result.with_ids.pop(number, None)
            if whole.ids:
                result.with_ids[number] = (len(result.queries), whole.ids)
            result.queries.append(whole.query)
            result.spans_us.append(whole.span_us)
            if file.watch is not None:
                file.watch.rows(whole.rows)
            return whole.rows
    kept = _note_columns(result, number, raw)
    rows, insert = 0, ""
    for chunk in layout.chunks(row):
        if chunk.lines:
            with registered(result.engine, chunk):
                insert = (
                    insert
                    or f"INSERT INTO calls BY NAME {canonical_query(result.engine, number, raw, row, 'chunk', kept)}"
                )
                run(result.engine, insert, f"{file}: lines {chunk.lines[0]} to {chunk.lines[-1]} cannot be read")
        rows += len(chunk.lines) + len(chunk.faults)
        result.note_faults(number, chunk.faults)
        if file.watch is not None:
            file.watch.rows(len(chunk.lines) + len(chunk.faults))
    return rows


def _parquet(result: Scan, number: int, file: LogFile, reader: Reader, how: _How) -> int:
    """Note a query of the rows of a Parquet file, or read them into ``calls``, hashed once; how many it holds."""
    rows_of, types = parquet_rows(result.engine, file)
    count: int = run(result.engine, f"SELECT count(*) FROM {rows_of}", f"{file}: not a Parquet file that can be read")[
        0
    ][0]
    row = TableRow(types, tidy=False)
    key = result.keys.get(reader.name)
    raw = raw_columns(reader, list(types), how.task_by, how.columns, file, row, key, ids=True)
    kept = _note_columns(result, number, raw)
    numbered = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})"
    query = canonical_query(result.engine, number, raw, row, numbered, kept)
    if kept is None or raw["span"] != "NULL":
        result.in_place = False
        with followed(result.engine, reading(file, count)):
            run(result.engine, f"INSERT INTO calls BY NAME {query}", f"{file}: the rows cannot be read")
        return count
    result.unread += count
    result.spans_us.append(_parquet_span(result.engine, raw["instant"], types, rows_of, query))
    if number in result.with_ids:
        with_ids = f"SELECT {', '.join(_columns(False))}, response FROM ({query})"
        result.with_ids[number] = (len(result.queries), with_ids)
    result.queries.append(f"SELECT {', '.join(_columns(False))} FROM ({query})")
    return count


def _note_columns(result: Scan, number: int, raw: Mapping[str, str]) -> dict[str, str] | None:
    """
    Remember what this file adds to the columns that the files have, and make room for its ids and what is kept of its
    prompts.

    Returns no columns for a file without prompts, as null ones take room too, and None, meaning all, for others.
    """
    result.absent &= absent_columns(raw)
    if raw["span"] != "NULL" and not result.has_spans:
        result.has_spans = True
        _add_columns(result.engine, SPAN_COLUMNS)
    result.with_ids.pop(number, None)  # of a file of this number that had no rows
    if raw[RESPONSE_ID] != "NULL":
        _add_columns(result.engine, {"response": "UBIGINT"})
        result.with_ids[number] = None
    if not has_prompts(raw):
        return {}
    if not result.has_prompts:
        result.has_prompts = True
        _add_columns(result.engine, dict.fromkeys(PROMPT_COLUMNS, "UBIGINT"))
    return None


def _add_columns(engine: duckdb.DuckDBPyConnection, kinds: Mapping[str, str]) -> None:
    for name, kind in kinds.items():
        engine.execute(f"ALTER TABLE calls ADD COLUMN IF NOT EXISTS {name} {kind}")


def _columns(has_prompts: bool) -> list[str]:
    """SQL of the columns of ``log``; those of prompts are null where a source does not have them."""
    prompts = PROMPT_COLUMNS if has_prompts else (f"CAST(NULL AS UBIGINT) AS {name}" for name in PROMPT_COLUMNS)
    return [*TYPES, ZERO_COST, *prompts]


def _parquet_span(
    engine: duckdb.DuckDBPyConnection, instant: str, types: Mapping[str, str], rows_of: str, query: str
) -> tuple[int | None, int | None]:
    """First and last time of a Parquet file; of a column of timestamps from the file's own statistics. [us]"""
    kinds = {quoted(name): kind for name, kind in types.items()}
    kind = kinds.get(instant, "")
    stamped = kind.startswith(("TIMESTAMP", "DATE"))
    first, last = (timestamp_us(f"{end}({instant})", kind) for end in ("min", "max"))
    asked = f"{first}, {last} FROM {rows_of}"
    if not stamped:
        asked = f"min(at_us), max(at_us) FROM ({query})"
    first, last = run(engine, f"SELECT {asked}", "the times cannot be read")[0]
    return first, last
