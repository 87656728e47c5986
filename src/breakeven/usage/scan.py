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

from breakeven.errors import LogError
from breakeven.usage.calls import EARLIEST_US, LATEST_US, PROMPT_COLUMNS, SPAN_COLUMNS, TYPES
from breakeven.usage.checks import MACROS, SETTINGS
from breakeven.usage.cube import MAY_BE_ABSENT
from breakeven.usage.documents import document_head, is_document
from breakeven.usage.fields import TableRow, quoted
from breakeven.usage.layout import Layout, layout_of, registered
from breakeven.usage.lines import BLANK, read_head
from breakeven.usage.mapping import absent_columns, canonical_query, raw_columns, run
from breakeven.usage.nesting import BENIGN, count_each_call_once
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.readers import find_reader, identify, identify_table, table
from breakeven.usage.readers.reader import Reader
from breakeven.usage.sample import key_of_parquet, key_of_text
from breakeven.usage.sources import Reject, Source
from breakeven.usage.spend_table import SpendTable

__all__ = ["Reject", "Scan", "Source", "open_engine", "scan_files"]

MEMORY = "1GB"
THREADS = 2
MAX_REJECTS = 1000


@dataclass
class Scan:
    """
    Log files as the view ``log`` of an engine.

    engine : connection with the view.
    sources : the files, in the order given.
    faults : (number of file, line, reason) of lines that could not even be handed to the engine, some of them.
    fault_counts : number of such lines by reason, all of them.
    spans_us : for each Parquet file the first and last time in it, None where it has none. [us]
    absent : columns of ``cube.MAY_BE_ABSENT`` that no file has.
    has_prompts : whether some file holds prompts.
    has_spans : whether the rows of some file lie inside one another.
    keys : reader -> the metadata key that names tasks in its files, None where none does; only of readers asked.
    """

    engine: duckdb.DuckDBPyConnection
    sources: list[Source] = field(default_factory=list)
    faults: list[tuple[int, int, str]] = field(default_factory=list)
    fault_counts: Counter[str] = field(default_factory=Counter)
    spans_us: list[tuple[int | None, int | None]] = field(default_factory=list)
    absent: frozenset[str] = frozenset(MAY_BE_ABSENT)
    has_prompts: bool = False
    has_spans: bool = False
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
    files: Sequence[Path | SpendTable],
    *,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
    find_keys: bool = False,
) -> Scan:
    """
    Read log files into the view ``log``.

    Parameters
    ----------
    files : sequence of Path or SpendTable
        Any mix of formats.
    task_by : str, optional
        Path or column that names the task, in place of the format's own; "prompt" groups by a hash of the system
        prompt (or the first message).
    reader : str, optional
        Name of the reader to use for every file, in place of the one that claims it.
    columns : mapping, optional
        Name of ``table.NAMES`` -> the file's own column; implies the table reader.
    find_keys : bool
        Whether to look for a metadata key that names tasks, where a format's own field does not; the first file of
        each reader decides.

    Raises
    ------
    LogError
        A file is missing, damaged, empty, of no known format or of several, or lacks a column it must have.
    """
    result = Scan(engine)
    engine.execute(f"CREATE TABLE calls ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})")
    if columns and reader not in (None, table.READER.name):
        raise LogError(f"Columns can be named for the reader {table.READER.name!r} only, not for {reader!r}")
    find_keys = find_keys and not task_by
    queries = []
    for number, file in enumerate(files):
        head, is_array, chosen = open_log_file(engine, file, table.READER.name if columns else reader)
        if head.startswith(PARQUET) and isinstance(file, Path):
            if find_keys and chosen.name not in result.keys:
                result.keys[chosen.name] = key_of_parquet(engine, file, chosen, columns)
            rows, query = _parquet(result, number, file, chosen, task_by, columns)
            queries += [query] if query else []
        else:
            layout = layout_of(file, head, chosen, is_document=is_array)
            if find_keys and chosen.name not in result.keys:
                result.keys[chosen.name] = key_of_text(engine, layout, chosen, columns)
            rows = _text(result, number, layout, chosen, task_by, columns)
        if not rows:
            raise LogError(f"{file}: holds no rows")
        result.sources.append(Source(file.name, chosen.name, rows, _sha256(file)))
    if result.has_spans:
        count_each_call_once(engine, name_judges=task_by is None)
    if len(queries) < len(files):
        queries.append(f"SELECT {', '.join([*TYPES, *_prompt_columns(result.has_prompts)])} FROM calls")
    engine.execute(f"CREATE TEMP VIEW log AS {' UNION ALL '.join(queries)}")
    return result


def open_log_file(
    engine: duckdb.DuckDBPyConnection, file: Path | SpendTable, forced: str | None
) -> tuple[bytes, bool, Reader]:
    """
    A file's beginning, whether it is JSON over several lines, and its reader, which ``forced`` may name.

    Raises LogError where it holds nothing, or no reader or several claim it.
    """
    head = read_head(file)
    if not head.strip(BLANK):
        raise LogError(f"{file}: holds no rows")
    is_array = is_document(head)
    if is_array and not head.strip(BLANK + b"[,]"):
        raise LogError(f"{file}: holds no rows")
    head = (is_array and document_head(file)) or head
    return head, is_array, find_reader(forced) if forced else _identify(engine, head, file)


def _sha256(file: Path | SpendTable) -> str:
    if isinstance(file, SpendTable):
        return file.sha256()
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _identify(engine: duckdb.DuckDBPyConnection, head: bytes, file: Path | SpendTable) -> Reader:
    """The reader that claims a file; a Parquet file by its columns, that of plain tables where no other does."""
    if not head.startswith(PARQUET) or isinstance(file, SpendTable):
        return identify(head, file.name)
    return identify_table(list(parquet_rows(engine, file)[1]), file.name)


def _text(
    result: Scan,
    number: int,
    layout: Layout,
    reader: Reader,
    task_by: str | None,
    own: Mapping[str, str] | None,
) -> int:
    """Read a file of JSON lines or delimited text into ``calls``; how many rows it holds."""
    row = layout.row()
    raw = raw_columns(reader, layout.names, task_by, own, layout.file, row, result.keys.get(reader.name))
    kept = _note_columns(result, raw)
    rows, insert = 0, ""
    for chunk in layout.chunks(row):
        if chunk.lines:
            with registered(result.engine, chunk):
                insert = (
                    insert
                    or f"INSERT INTO calls BY NAME {canonical_query(result.engine, number, raw, row, 'chunk', kept)}"
                )
                run(result.engine, insert, f"{layout.file}: lines {chunk.lines[0]} to {chunk.lines[-1]} cannot be read")
        rows += len(chunk.lines) + len(chunk.faults)
        result.fault_counts.update(reason for _, reason in chunk.faults)
        room = max(0, MAX_REJECTS - len(result.faults))
        result.faults.extend((number, line, reason) for line, reason in chunk.faults[:room])
    return rows


def _parquet(
    result: Scan, number: int, file: Path, reader: Reader, task_by: str | None, own: Mapping[str, str] | None
) -> tuple[int, str]:
    """How many rows a Parquet file holds, and a query of them; "" where they are in ``calls``, hashed once."""
    rows_of, types = parquet_rows(result.engine, file)
    count = run(result.engine, f"SELECT count(*) FROM {rows_of}", f"{file}: not a Parquet file that can be read")[0][0]
    row = TableRow(types, tidy=False)
    raw = raw_columns(reader, list(types), task_by, own, file, row, result.keys.get(reader.name))
    kept = _note_columns(result, raw)
    numbered = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})"
    query = canonical_query(result.engine, number, raw, row, numbered, kept)
    if kept is None or raw["span"] != "NULL":
        run(result.engine, f"INSERT INTO calls BY NAME {query}", f"{file}: the rows cannot be read")
        return count, ""
    result.spans_us.append(_parquet_span(result.engine, raw["instant"], types, rows_of, query))
    return count, f"SELECT {', '.join([*TYPES, *_prompt_columns(False)])} FROM ({query})"


def _note_columns(result: Scan, raw: Mapping[str, str]) -> dict[str, str] | None:
    """
    Remember what this file adds to the columns that the files have, and make room for its ids and what is kept of its
    prompts.

    Returns no columns for a file without prompts, as null ones take room too, and None, meaning all, for others.
    """
    result.absent &= absent_columns(raw)
    if raw["span"] != "NULL" and not result.has_spans:
        result.has_spans = True
        _add_columns(result.engine, SPAN_COLUMNS)
    if all(raw[name] == "NULL" for name in ("prompt", "first_message", "tools")):
        return {}
    if not result.has_prompts:
        result.has_prompts = True
        _add_columns(result.engine, dict.fromkeys(PROMPT_COLUMNS, "UBIGINT"))
    return None


def _add_columns(engine: duckdb.DuckDBPyConnection, kinds: Mapping[str, str]) -> None:
    for name, kind in kinds.items():
        engine.execute(f"ALTER TABLE calls ADD COLUMN {name} {kind}")


def _prompt_columns(present: bool) -> list[str]:
    """SQL of ``PROMPT_COLUMNS``, null where a source does not have them."""
    return [name if present else f"CAST(NULL AS UBIGINT) AS {name}" for name in PROMPT_COLUMNS]


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
