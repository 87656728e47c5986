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
from typing import Any

import duckdb
import numpy as np

from breakeven.errors import LogError, nearest
from breakeven.usage.calls import NO_TASK, PREFIX_COLUMNS, PREFIX_LENGTHS, TYPES
from breakeven.usage.checks import DEFAULTS, MACROS, SETTINGS, canonical
from breakeven.usage.fields import Fields, JsonLine, TableRow, literal
from breakeven.usage.lines import BLANK, Chunk, csv_chunks, csv_names, json_chunks, read_head
from breakeven.usage.readers import find_reader, identify, table
from breakeven.usage.readers.reader import Columns, Reader, json_rows
from breakeven.usage.sources import Reject, Source

__all__ = ["Reject", "Scan", "Source", "open_engine", "scan_files"]

MEMORY = "1GB"
THREADS = 2
MAX_REJECTS = 1000
CONSTANTS = ("true", "false", "1")
COLUMNS = (*TYPES, *PREFIX_COLUMNS)


@dataclass
class Scan:
    """
    Log files as the view ``log`` of an engine.

    engine : connection with the view.
    sources : the files, in the order given.
    faults : (number of file, line, reason) of lines that could not even be handed to the engine, some of them.
    fault_counts : number of such lines by reason, all of them.
    has_prompts : whether some file holds prompts.
    """

    engine: duckdb.DuckDBPyConnection
    sources: list[Source] = field(default_factory=list)
    faults: list[tuple[int, int, str]] = field(default_factory=list)
    fault_counts: Counter[str] = field(default_factory=Counter)
    has_prompts: bool = False

    @property
    def rows(self) -> int:
        """Log rows in all files, rejected ones included."""
        return sum(source.rows for source in self.sources)

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Every row of the files, in canonical columns."""
        return self.engine.sql("SELECT * FROM log")

    def rejected(self, good: int) -> tuple[tuple[Reject, ...], tuple[tuple[str, int], ...]]:
        """
        Rows that are not calls: at most ``MAX_REJECTS`` of them by file and line, and (reason, rows), commonest first.

        Parameters
        ----------
        good : int
            Number of good rows; where that is all of them, the engine is not asked.
        """
        found, counts = list(self.faults), Counter(self.fault_counts)
        if good + counts.total() < self.rows:
            bad = "FROM log WHERE faulty"
            counts.update(dict(self.engine.execute(f"SELECT reason, count(*) {bad} GROUP BY 1").fetchall()))
            first = f"SELECT file, line, reason {bad} ORDER BY file, line LIMIT {MAX_REJECTS}"
            found += self.engine.execute(first).fetchall()
        rejects = (Reject(self.sources[file].name, line, reason) for file, line, reason in sorted(found)[:MAX_REJECTS])
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
    kinds = TYPES | dict.fromkeys(PREFIX_COLUMNS, "UBIGINT")
    engine.execute(f"CREATE TABLE calls ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
    if columns and reader not in (None, table.READER.name):
        raise LogError(f"Columns can be named for the reader {table.READER.name!r} only, not for {reader!r}")
    queries = []
    for number, file in enumerate(files):
        head = read_head(file)
        if not head.strip(BLANK):
            raise LogError(f"{file}: holds no rows")
        forced = table.READER.name if columns else reader
        chosen = find_reader(forced) if forced else identify(head, file.name)
        if head.startswith(b"PAR1"):
            rows, query = _parquet(result, number, file, chosen, task_by, columns)
            queries.append(query)
        else:
            rows = _text(result, number, file, head, chosen, task_by, columns)
        if not rows:
            raise LogError(f"{file}: holds no rows")
        with file.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        result.sources.append(Source(file.name, chosen.name, rows, digest))
    if len(queries) < len(files):
        queries.append(f"SELECT {', '.join(COLUMNS)} FROM calls")
    engine.execute(f"CREATE TEMP VIEW log AS {' UNION ALL '.join(queries)}")
    return result


def _text(
    result: Scan,
    number: int,
    file: Path,
    head: bytes,
    reader: Reader,
    task_by: str | None,
    own: Mapping[str, str] | None,
) -> int:
    """Read a file of JSON lines or delimited text into ``calls``; how many rows it holds."""
    is_json = head.lstrip(BLANK)[:1] == b"{" or bool(json_rows(head))
    names = list(dict.fromkeys(key for row in json_rows(head) for key in row)) if is_json else csv_names(head)
    row: JsonLine | TableRow = JsonLine() if is_json else TableRow(dict.fromkeys(names, "VARCHAR"), tidy=True)
    raw = _raw_columns(reader, names, task_by, own, file, row)
    result.has_prompts |= raw["prompt"] != "NULL"
    chunks = json_chunks(file) if is_json else csv_chunks(file, head, row.wanted)  # type: ignore[union-attr]
    rows, insert = 0, ""
    for chunk in chunks:
        if chunk.lines:
            with _registered(result.engine, chunk):
                insert = insert or f"INSERT INTO calls BY NAME {_canonical(result.engine, number, raw, row, 'chunk')}"
                _run(result.engine, insert, f"{file}: lines {chunk.lines[0]} to {chunk.lines[-1]} cannot be read")
        rows += len(chunk.lines) + len(chunk.faults)
        result.fault_counts.update(reason for _, reason in chunk.faults)
        room = max(0, MAX_REJECTS - len(result.faults))
        result.faults.extend((number, line, reason) for line, reason in chunk.faults[:room])
    return rows


def _parquet(
    result: Scan, number: int, file: Path, reader: Reader, task_by: str | None, own: Mapping[str, str] | None
) -> tuple[int, str]:
    """How many rows a Parquet file holds, and a query of their canonical columns."""
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in str(file.absolute()))
    rows_of = f"read_parquet({literal(pattern)}, file_row_number = true)"
    what = f"{file}: not a Parquet file that can be read"
    described = _run(result.engine, f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {rows_of}", what)
    count = _run(result.engine, f"SELECT count(*) FROM {rows_of}", what)[0][0]
    types = {name: kind for name, kind, *_ in described}
    row = TableRow(types, tidy=False)
    raw = _raw_columns(reader, list(types), task_by, own, file, row)
    result.has_prompts |= raw["prompt"] != "NULL"
    numbered = f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})"
    query = _canonical(result.engine, number, raw, row, numbered)
    return count, f"SELECT {', '.join(COLUMNS)} FROM ({query})"


def _raw_columns(
    reader: Reader,
    names: Sequence[str],
    task_by: str | None,
    own: Mapping[str, str] | None,
    file: Path,
    row: Fields,
) -> dict[str, str]:
    """SQL of each raw column over one file's rows, fields resolved."""
    given: Columns = reader.columns(names)
    if reader is table.READER:
        given = table.mapped(_with_own(names, own or {}, file, check=isinstance(row, TableRow)))
        missing = [name for name in ("input_tokens", "output_tokens") if name not in given]
        if missing:
            raise LogError(
                f"{file.name}: no column for {' or '.join(missing)}. Name it with --columns {missing[0]}=COLUMN,"
                " see docs/log-formats.md"
            )
    raw = {**DEFAULTS, "prompt": "NULL", "first_message": "NULL", **given}
    if task_by == "prompt":
        raw["task"] = f"coalesce('prompt-' || left(sha256({raw['first_message']}), 12), '{NO_TASK}')"
    elif task_by:
        if set(task_by) & set("{}"):
            raise LogError(f"{task_by!r} is no field to group by: it has braces")
        raw["task"] = f"coalesce(nullif(trim(CAST({{{task_by}}} AS VARCHAR)), ''), '{NO_TASK}')"
    return {name: row.resolve(sql) for name, sql in raw.items()}


def _with_own(names: Sequence[str], own: Mapping[str, str], file: Path, *, check: bool) -> dict[str, str]:
    """The table reader's columns, the user's own taking the place of those it would choose."""
    for name, column in own.items():
        if name not in table.NAMES:
            raise LogError(f"No column {name!r} to name.{nearest(name, table.NAMES)} Known: {', '.join(table.NAMES)}")
        if check and column.lower() not in {each.lower() for each in names}:
            raise LogError(f"{file.name}: has no column {column!r}.{nearest(column, names)}")
    found = table.known(names)
    if "input_uncached_tokens" in own:
        found.pop("input_tokens", None)
    return {**found, **own}


def _canonical(
    engine: duckdb.DuckDBPyConnection, number: int, raw: Mapping[str, str], row: JsonLine | TableRow, rows: str
) -> str:
    """The query of canonical columns over some rows of a file."""
    given = {name: raw[name] for name in DEFAULTS} | _prefix_columns(raw["prompt"])
    selected = ", ".join(f"{sql} AS {name}" for name, sql in given.items())
    constants = {name: sql for name, sql in given.items() if sql in CONSTANTS}
    broken = "broken" if isinstance(row, JsonLine) else "false AS broken"
    if not isinstance(row, JsonLine):
        constants["broken"] = "false"
    query = f"SELECT {number} AS file, line, {broken}, {selected} FROM ({row.source(rows)})"
    described = _run(engine, f"DESCRIBE {query}", "the columns cannot be read as those of a log")
    types = {name: kind for name, kind, *_ in described}
    return canonical(query, types, constants=constants, kept=PREFIX_COLUMNS)


def _prefix_columns(prompt: str) -> dict[str, str]:
    """SQL of what is kept of a prompt: its length, and a hash of each beginning that is not longer than it."""
    if prompt == "NULL":
        return dict.fromkeys(PREFIX_COLUMNS, "CAST(NULL AS UBIGINT)")
    hashes = {
        f"prefix_{length}": f"CASE WHEN length({prompt}) >= {length} THEN hash(left({prompt}, {length})) END"
        for length in PREFIX_LENGTHS
    }
    return {"prompt_chars": f"length({prompt})"} | hashes


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


def _run(engine: duckdb.DuckDBPyConnection, sql: str, what: str) -> list[tuple[Any, ...]]:
    """Rows of a query. A fault of the engine becomes one line without its message, which may quote the log."""
    try:
        return engine.execute(sql).fetchall()
    except duckdb.Error as error:
        kind = type(error).__name__
    raise LogError(f"{what} ({kind})")
