"""
Log files to one DuckDB view of canonical columns, ``log``.

Text files are read once, into a table of canonical columns; a Parquet file stays where it is and is scanned when
asked. Prompts are hashed on the way in. Nothing is fetched from a network and no extension is loaded.
"""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from breakeven.errors import LogError
from breakeven.usage.calls import EARLIEST_US, LATEST_US, PREFIX_COLUMNS, SPAN_COLUMNS, TYPES
from breakeven.usage.checks import MACROS, SETTINGS
from breakeven.usage.cube import MAY_BE_ABSENT
from breakeven.usage.documents import document_chunks, document_head, is_document
from breakeven.usage.fields import JsonLine, TableRow, literal, quoted
from breakeven.usage.lines import BLANK, Chunk, csv_chunks, csv_names, expanded, json_chunks, read_head
from breakeven.usage.mapping import absent_columns, canonical_query, raw_columns, run
from breakeven.usage.nesting import BENIGN, count_each_call_once
from breakeven.usage.readers import find_reader, identify, identify_table, table
from breakeven.usage.readers.reader import Reader, json_rows
from breakeven.usage.sources import Reject, Source
from breakeven.usage.whole_json import WholeLine, is_large, read_whole

__all__ = ["Reject", "Scan", "Source", "open_engine", "scan_files"]

MEMORY = "1GB"
THREADS = 2
MAX_REJECTS = 1000
COLUMNS = (*TYPES, *PREFIX_COLUMNS)


@dataclass
class Scan:
    """
    Log files as the view ``log`` of an engine.

    engine : connection with the view.
    sources : the files, in the order given.
    faults : (number of file, line, reason) of lines that could not even be handed to the engine, some of them.
    fault_counts : number of such lines by reason, all of them.
    queries : queries of canonical columns, which the view is made of.
    spans_us : for each file that is not read into the table ``calls`` its first and last
        time, None where it has none. [us]
    absent : columns of ``cube.MAY_BE_ABSENT`` that no file has.
    has_prompts : whether some file holds prompts.
    has_spans : whether the rows of some file lie inside one another.
    """

    engine: duckdb.DuckDBPyConnection
    sources: list[Source] = field(default_factory=list)
    faults: list[tuple[int, int, str]] = field(default_factory=list)
    fault_counts: Counter[str] = field(default_factory=Counter)
    queries: list[str] = field(default_factory=list)
    spans_us: list[tuple[int | None, int | None]] = field(default_factory=list)
    absent: frozenset[str] = frozenset(MAY_BE_ABSENT)
    has_prompts: bool = False
    has_spans: bool = False

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

    def rejected(self, good: int) -> tuple[tuple[Reject, ...], tuple[tuple[str, int], ...]]:
        """
        Rows that are not calls: at most ``MAX_REJECTS`` of them by file and line, and (reason, rows), commonest first.

        Those that are as they should be, such as the spans of tools, come after all others.

        Parameters
        ----------
        good : int
            Number of good rows; where that is all of them, the engine is not asked.
        """
        found, counts = list(self.faults), Counter(self.fault_counts)
        if good + counts.total() < self.rows:
            bad = "FROM log WHERE faulty"
            counts.update(dict(self.engine.execute(f"SELECT reason, count(*) {bad} GROUP BY 1").fetchall()))
            order = f"reason IN {BENIGN}, file, line"
            first = f"SELECT file, line, reason {bad} ORDER BY {order} LIMIT {MAX_REJECTS}"
            found += self.engine.execute(first).fetchall()
        found.sort(key=lambda reject: (reject[2] in BENIGN, reject))
        rejects = (Reject(self.sources[file].name, line, reason) for file, line, reason in found[:MAX_REJECTS])
        return tuple(rejects), tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


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
        finally:
            engine.close()


def scan_files(
    engine: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    *,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Scan:
    """
    Read log files into the view ``log``.

    Parameters
    ----------
    files : sequence of Path
        Any mix of formats.
    task_by : str, optional
        Path or column that names the task, in place of the format's own; "prompt" groups by a hash of the system
        prompt (or the first message).
    reader : str, optional
        Name of the reader to use for every file, in place of the one that claims it.
    columns : mapping, optional
        Name of ``table.NAMES`` -> the file's own column; implies the table reader.

    Raises
    ------
    LogError
        A file is missing, damaged, empty, of no known format or of several, or lacks a column it must have.
    """
    result = Scan(engine)
    kinds = TYPES | dict.fromkeys(PREFIX_COLUMNS, "UBIGINT") | SPAN_COLUMNS
    engine.execute(f"CREATE TABLE calls ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
    if columns and reader not in (None, table.READER.name):
        raise LogError(f"Columns can be named for the reader {table.READER.name!r} only, not for {reader!r}")
    for number, file in enumerate(files):
        head = read_head(file)
        if not head.strip(BLANK):
            raise LogError(f"{file}: holds no rows")
        is_array = is_document(head)
        if is_array and not head.strip(BLANK + b"[,]"):
            raise LogError(f"{file}: holds no rows")
        head = (is_array and document_head(file)) or head
        forced = table.READER.name if columns else reader
        chosen = find_reader(forced) if forced else identify(head, file.name)
        if head.startswith(b"PAR1"):
            chosen = chosen if forced else identify_table(list(_parquet_types(result.engine, file)[1]))
            rows, query = _parquet(result, number, file, chosen, task_by, columns)
            result.queries += [query] if query else []
        else:
            rows = _text(result, number, file, head, is_array, chosen, task_by, columns)
        if not rows:
            raise LogError(f"{file}: holds no rows")
        with file.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        result.sources.append(Source(file.name, chosen.name, rows, digest))
    if result.has_spans:
        count_each_call_once(engine, name_judges=task_by is None)
    if len(result.queries) < len(files):
        result.queries.append(f"SELECT {', '.join(COLUMNS)} FROM calls")
    engine.execute(f"CREATE TEMP VIEW log AS {' UNION ALL '.join(result.queries)}")
    return result


def _text(
    result: Scan,
    number: int,
    file: Path,
    head: bytes,
    is_array: bool,
    reader: Reader,
    task_by: str | None,
    own: Mapping[str, str] | None,
) -> int:
    """Read a file of JSON lines or delimited text into ``calls``; how many rows it holds."""
    is_json = head.lstrip(BLANK)[:1] == b"{" or bool(json_rows(head))
    expand = reader.expand if is_json else None
    names = list(dict.fromkeys(key for row in json_rows(head, expand) for key in row)) if is_json else csv_names(head)
    row: JsonLine | TableRow = JsonLine() if is_json else TableRow(dict.fromkeys(names, "VARCHAR"), tidy=True)
    raw = raw_columns(reader, names, task_by, own, file, row)
    _note_columns(result, raw)
    if isinstance(row, JsonLine) and is_large(file) and not (is_array or expand) and raw["span"] == "NULL":
        lines = WholeLine(row.paths)
        whole = read_whole(result.engine, number, file, raw_columns(reader, names, task_by, own, file, lines), lines)
        if whole:
            result.queries.append(whole.query)
            result.spans_us.append(whole.span_us)
            return whole.rows
    json_rows_of = document_chunks if is_array else json_chunks
    chunks = json_rows_of(file) if is_json else csv_chunks(file, head, row.wanted)  # type: ignore[union-attr]
    rows, insert = 0, ""
    for chunk in chunks:
        if expand:
            chunk = expanded(chunk, expand)
        if chunk.lines:
            with _registered(result.engine, chunk):
                insert = (
                    insert or f"INSERT INTO calls BY NAME {canonical_query(result.engine, number, raw, row, 'chunk')}"
                )
                run(result.engine, insert, f"{file}: lines {chunk.lines[0]} to {chunk.lines[-1]} cannot be read")
        rows += len(chunk.lines) + len(chunk.faults)
        result.fault_counts.update(reason for _, reason in chunk.faults)
        room = max(0, MAX_REJECTS - len(result.faults))
        result.faults.extend((number, line, reason) for line, reason in chunk.faults[:room])
    return rows


def _parquet(
    result: Scan, number: int, file: Path, reader: Reader, task_by: str | None, own: Mapping[str, str] | None
) -> tuple[int, str]:
    """How many rows a Parquet file holds, and a query of their canonical columns; "" where they are in ``calls``."""
    rows_of, types = _parquet_types(result.engine, file)
    count = run(result.engine, f"SELECT count(*) FROM {rows_of}", f"{file}: not a Parquet file that can be read")[0][0]
    row = TableRow(types, tidy=False)
    raw = raw_columns(reader, list(types), task_by, own, file, row)
    _note_columns(result, raw)
    numbered = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})"
    query = canonical_query(result.engine, number, raw, row, numbered)
    if raw["span"] != "NULL":
        run(result.engine, f"INSERT INTO calls BY NAME {query}", f"{file}: cannot be read")
        return count, ""
    result.spans_us.append(_parquet_span(result.engine, raw["instant"], types, rows_of, query))
    return count, f"SELECT {', '.join(COLUMNS)} FROM ({query})"


def _parquet_types(engine: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, dict[str, str]]:
    """A Parquet file as SQL, and its columns with their DuckDB types."""
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in str(file.absolute()))
    rows_of = f"read_parquet({literal(pattern)}, file_row_number = true)"
    what = f"{file}: not a Parquet file that can be read"
    described = run(engine, f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {rows_of}", what)
    return rows_of, {name: kind for name, kind, *_ in described}


def _note_columns(result: Scan, raw: Mapping[str, str]) -> None:
    """Remember what this file adds to the columns that the files have."""
    result.absent &= absent_columns(raw)
    result.has_prompts |= raw["prompt"] != "NULL"
    result.has_spans |= raw["span"] != "NULL"


def _parquet_span(
    engine: duckdb.DuckDBPyConnection, instant: str, types: Mapping[str, str], rows_of: str, query: str
) -> tuple[int | None, int | None]:
    """First and last time of a Parquet file; of a column of timestamps from the file's own statistics. [us]"""
    kinds = {quoted(name): kind for name, kind in types.items()}
    stamped = kinds.get(instant, "").startswith(("TIMESTAMP", "DATE"))
    first, last = (f"epoch_us(CAST({end}({instant}) AS TIMESTAMP))" for end in ("min", "max"))
    asked = f"{first}, {last} FROM {rows_of}"
    if not stamped:
        asked = f"min(at_us), max(at_us) FROM ({query})"
    first, last = run(engine, f"SELECT {asked}", "the times cannot be read")[0]
    return first, last


@contextmanager
def _registered(engine: duckdb.DuckDBPyConnection, chunk: Chunk) -> Iterator[None]:
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
