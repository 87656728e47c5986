"""
The result of a printed SQL statement (``sums.py``), as a file, to a cube: CSV, JSON lines or Parquet.

It went through hands and tools, so nothing is taken for granted: every row must belong to one statement, counts must be
whole numbers that nothing rounded, the cells must be as many rows as the statement counted, and the calls by size and
by hour those of the cells. A result that was cut short, sorted together with another or edited is refused.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import duckdb
import numpy as np

from breakeven.errors import LogError
from breakeven.usage.calls import ALL_TASKS, NO_TASK
from breakeven.usage.cells import SUMS, UNKNOWN_TIME, name_or_none
from breakeven.usage.columns import load_cells, load_sizes
from breakeven.usage.cube import Cube, FoundTask, from_log
from breakeven.usage.cube_file import impossible
from breakeven.usage.cuts import EPOCH
from breakeven.usage.documents import Form
from breakeven.usage.fields import JsonLine, TableRow, literal
from breakeven.usage.inputs import LogFile
from breakeven.usage.layout import head_of, layout_of, registered
from breakeven.usage.mapping import run
from breakeven.usage.models import Finder
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.readers.reader import Reader
from breakeven.usage.sizes import INPUT, OUTPUT
from breakeven.usage.sources import Source
from breakeven.usage.sums import (
    CELL,
    COLUMNS,
    HOUR,
    HOW,
    INPUT_SIZE,
    MARK,
    NUMBERS,
    OUTPUT_SIZE,
    PARTS,
    ROWS,
    TEXTS,
    TRUTHS,
    ZERO,
    How,
    hash_of,
    how_of,
)
from breakeven.usage.timing import times_of

READER = Reader("sql", "result of a printed SQL statement", lambda head, _: MARK.encode() in head.lower(), lambda _: {})

WHOLE = "-?[0-9]{1,19}([.]0*)?"

NULLS = ("", "null", "nan", r"\n")
"""Words, in lower case, that tools write for null in text."""

AGAIN = "run the statement again and save its whole result as CSV, JSON lines or Parquet"

TABLE = "sums"


def is_sums(engine: duckdb.DuckDBPyConnection, file: LogFile, head: bytes) -> bool:
    """Whether a file, of which the beginning is given, is such a result."""
    if head.startswith(PARQUET):
        return MARK in map(str.lower, parquet_rows(engine, file)[1])
    return READER.accepts(head.split(b"\n", 1)[0], file.name)


def head_of_sums(file: LogFile) -> tuple[bytes, Form | None]:
    """As ``layout.head_of``, of a file that is such a result if it can be read."""
    return head_of(file, lambda head: READER.accepts(head, file.name))


def read_sums(engine: duckdb.DuckDBPyConnection, file: LogFile) -> Cube:
    """
    The cube of a result.

    Raises
    ------
    LogError
        The file is none, or not whole; the message says what is wrong and where.
    """
    try:
        _load(engine, file)
        how = _how(engine, file)
        _check_numbers(engine, file)
        return _cube(engine, file, how)
    finally:
        engine.execute(f"DROP TABLE IF EXISTS {TABLE}")


def whole_days_where_equal(cube: Cube, find: Finder) -> Cube:
    """The cube with those cells alone cut by the time of day whose model has prices by the hour."""
    parts = cube.cells.columns["day_part"]
    pairs, pair_of = cube.cells.pairs()
    hourly = np.array([not isinstance(model, str) and model.hourly for model in (find(*pair) for pair in pairs)], bool)
    flat = (parts != UNKNOWN_TIME) & ~hourly[pair_of] if len(pairs) else np.zeros(0, bool)
    if not flat.any():
        return cube
    return replace(cube, cells=cube.cells.with_column(day_part=np.where(flat, UNKNOWN_TIME, parts)))


def _load(engine: duckdb.DuckDBPyConnection, file: LogFile) -> None:
    """Every row of the file as text in ``TABLE``, with its line."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} (line BIGINT, {', '.join(f'{c} VARCHAR' for c in COLUMNS)})")
    head, form = head_of_sums(file)
    words = f"{file}: cannot be read as the result of a printed statement"
    if head.startswith(PARQUET):
        rows_of, types = parquet_rows(engine, file)
        row = TableRow(types, tidy=False)
        query = _texts(file, row, list(types), f"(SELECT *, file_row_number + 1 AS line FROM {rows_of})")
        run(engine, f"INSERT INTO {TABLE} {query}", words)
        return
    layout = layout_of(file, head, READER, form)
    fields = layout.row()
    query = _texts(file, fields, layout.names, "chunk")
    for chunk in layout.chunks(fields):
        for line, reason in chunk.faults:
            raise LogError(f"{file}: line {line}: {reason}; {AGAIN}")
        if chunk.lines:
            with registered(engine, chunk):
                run(engine, f"INSERT INTO {TABLE} {query}", words)


def _texts(file: LogFile, row: JsonLine | TableRow, names: Sequence[str], rows: str) -> str:
    """Query of ``COLUMNS`` as text, the words that tools write for null as null."""
    own = {name.strip().lower(): name for name in names}
    missing = [name for name in COLUMNS if name not in own]
    if missing and isinstance(row, TableRow):
        raise LogError(f"{file}: has no column {missing[0]!r} of the statement's result; {AGAIN}")
    fields = [row.resolve("{" + own.get(name, name) + "}") for name in COLUMNS]
    texts = (f"trim(CAST({field} AS VARCHAR))" for field in fields)
    cleaned = (f"CASE WHEN lower({text}) NOT IN ({', '.join(map(literal, NULLS))}) THEN {text} END" for text in texts)
    return f"SELECT line, {', '.join(cleaned)} FROM ({row.source(rows)})"


def _how(engine: duckdb.DuckDBPyConnection, file: LogFile) -> How:
    """What the statement was made with. Raises LogError where rows are not all of one statement."""
    found = engine.execute(f"SELECT {MARK} FROM {TABLE} WHERE part = {literal(HOW)}").fetchall()
    if len(found) != 1:
        how_many = "does not have the row" if not found else f"has {len(found)} rows"
        raise LogError(
            f"{file}: {how_many} with part {HOW!r} that says what it was made with; import the whole result of one"
            " statement at a time"
        )
    try:
        how = how_of(found[0][0])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LogError(f"{file}: its row with part {HOW!r} was changed, or is of another version; {AGAIN}") from None
    strange = engine.execute(
        f"SELECT line, part IS NULL OR part NOT IN {PARTS} FROM {TABLE}"
        f" WHERE part IS DISTINCT FROM {literal(HOW)} AND ({MARK} IS DISTINCT FROM {literal(hash_of(found[0][0]))}"
        f" OR part IS NULL OR part NOT IN {PARTS}) ORDER BY line LIMIT 1"
    ).fetchall()
    if strange:
        line, is_unknown = strange[0]
        why = "its part is none that a statement gives" if is_unknown else "is of another statement than the others"
        raise LogError(f"{file}: line {line}: {why}; {AGAIN}")
    return how


def _check_numbers(engine: duckdb.DuckDBPyConnection, file: LogFile) -> None:
    """Raise LogError for a number that is not whole, and a truth value that is none."""
    faults = [(name, f"{_whole(name)} IS NULL AND {name} IS NOT NULL") for name in NUMBERS]
    needed = {
        ROWS: ("rows", "calls", "reported_calls"),
        ZERO: ("calls",),
        CELL: ("epoch", "day_part", "tier", *SUMS),
        INPUT_SIZE: ("bucket", "calls"),
        OUTPUT_SIZE: ("bucket", "calls"),
        HOUR: ("hour", "calls"),
        HOW: ("rows",),
    }
    faults += [(name, f"part = {literal(part)} AND {name} IS NULL") for part in needed for name in needed[part]]
    faults += [(name, f"part = {literal(CELL)} AND {_truth(name)} IS NULL") for name in TRUTHS]
    met = " ".join(f"WHEN {when} THEN {literal(name)}" for name, when in faults)
    found = engine.execute(
        f"SELECT line, fault FROM (SELECT line, CASE {met} END AS fault FROM {TABLE}) WHERE fault IS NOT NULL"
        " ORDER BY line LIMIT 1"
    ).fetchall()
    if found:
        line, name = found[0]
        kind = "true or false" if name in TRUTHS else "a whole number with all its digits"
        raise LogError(f"{file}: line {line}: {name} is not {kind}; {AGAIN}")


def _cube(engine: duckdb.DuckDBPyConnection, file: LogFile, how: How) -> Cube:
    typed = ", ".join(
        [*(name for name in TEXTS), *(f"{_truth(name)} AS {name}" for name in TRUTHS)]
        + [f"{_whole(name)} AS {name}" for name in NUMBERS]
    )
    source = f"(SELECT {typed} FROM {TABLE})"

    def part(name: str, columns: str = "*") -> str:
        return f"(SELECT {columns} FROM {source} WHERE part = {literal(name)})"

    _check_epochs(engine, file, how, part(CELL))
    cells = load_cells(engine, part(CELL), since_us=[None, *how.cuts_us])
    sides = [
        f"SELECT *, {side} AS side FROM {part(name)}" for name, side in ((INPUT_SIZE, INPUT), (OUTPUT_SIZE, OUTPUT))
    ]
    sizes = load_sizes(engine, f"({' UNION ALL '.join(sides)})")
    counts: Counter[str | None] = Counter()
    sized = unpriced = 0
    by_reason = f"SELECT reason, rows, calls, reported_calls FROM {part(ROWS)}"
    for reason, rows, calls, free in engine.execute(by_reason).fetchall():
        counts[reason] += rows
        if reason is None:
            sized, unpriced = sized + calls, unpriced + free
    zeros = engine.execute(f"SELECT model, calls FROM {part(ZERO)} ORDER BY 1 NULLS FIRST").fetchall()
    (read,), *_ = engine.execute(f"SELECT rows FROM {part(HOW)}").fetchall()
    hour_calls = dict(engine.execute(f"SELECT task, sum(calls) FROM {part(HOUR)} GROUP BY 1").fetchall())
    timed = f"SELECT task, sum(calls) FROM {part(CELL)} WHERE epoch >= 0 GROUP BY 1 HAVING sum(calls) > 0"
    timed_calls = dict(engine.execute(timed).fetchall())
    calls, on_side = sizes.columns["calls"], sizes.columns["side"]
    for words, found, told in (
        ("rows by reason", counts.total(), read),
        ("rows in cells", cells.total("rows"), counts[None]),
        ("calls by size of the input", int(calls[on_side == INPUT].sum()), sized),
        ("calls by size of the output", int(calls[on_side == OUTPUT].sum()), sized),
        ("calls by hour", sum(hour_calls.values()), sum(timed_calls.values())),
        ("calls with a stated cost of 0", sum(calls for _, calls in zeros), unpriced),
        ("tasks with hours", len(hour_calls.items() & timed_calls.items()), len(timed_calls)),
    ):
        if found != told:
            raise LogError(
                f"{file}: is not the whole result of the statement: its {words} are {found:,} where {told:,} were"
                f" counted; {AGAIN}"
            )
    if not read:
        raise LogError(f"{file}: the table {how.table} held no rows")
    good = counts.pop(None, 0)
    tasks = (
        FoundTask(task, "none" if task in (ALL_TASKS, NO_TASK) else how.found_by, (task,))
        for task in cells.values["task"]
    )
    cube = Cube(
        cells=cells,
        cuts_us=how.cuts_us,
        day_edges_us=how.day_edges_us,
        thresholds=how.thresholds,
        histograms=sizes,
        sources=(Source(how.table, READER.name, read, file.sha256()),),
        rows_in=read,
        reject_counts=tuple(sorted(((str(r), n) for r, n in counts.items()), key=lambda item: (-item[1], item[0]))),
        times=times_of(engine.execute(f"SELECT task, hour, calls FROM {part(HOUR)}").fetchall()),
        found=tuple(each for each in tasks if each != from_log(each.task)),
        zero_calls=tuple((name_or_none(model), calls) for model, calls in zeros),
        billing_zone=how.billing_zone,
    )
    wrong = impossible(cube)
    if wrong or good < 0:
        raise LogError(f"{file}: is damaged: {wrong or 'a count is below 0'}; {AGAIN}")
    return cube


def _check_epochs(engine: duckdb.DuckDBPyConnection, file: LogFile, how: How, cells: str) -> None:
    """Raise LogError where calls lie before or after what the statement tells apart."""
    first, last, before, after = engine.execute(
        f"SELECT min(first_us), max(last_us), count(*) FILTER (epoch = 0),"
        f" count(*) FILTER (last_us >= {how.until_us}) FROM {cells}"
    ).fetchall()[0]
    if before or after:
        flag, at_us = ("--since", first) if before else ("--as-of", last)
        day = (EPOCH + dt.timedelta(microseconds=int(at_us))).date() if at_us is not None else "an earlier day"
        raise LogError(
            f"{file}: has calls of {day}, {'before the first' if before else 'after the last'} month that the statement"
            f" tells apart; print it again with {flag} {day}"
        )
    bounds = f"{[*how.cuts_us, how.until_us]}"
    outside = f"first_us < {bounds}[epoch] OR last_us >= {bounds}[epoch + 1] OR last_us < first_us OR first_us IS NULL"
    ((wrong,),) = engine.execute(
        f"SELECT count(*) FROM {cells} WHERE epoch > {len(how.cuts_us)} OR epoch < {UNKNOWN_TIME}"
        f" OR (epoch > 0 AND ({outside} OR last_us IS NULL))"
    ).fetchall()
    if wrong:
        raise LogError(f"{file}: is damaged: {wrong:,} cells have a time outside their epoch; {AGAIN}")


def _whole(name: str) -> str:
    """SQL of a text as a whole number, null where it is none."""
    return (
        f"CASE WHEN regexp_full_match({name}, {literal(WHOLE)}) THEN TRY_CAST(split_part({name}, '.', 1) AS BIGINT) END"
    )


def _truth(name: str) -> str:
    """SQL of a text as true or false, null where it is neither."""
    word = f"lower({name})"
    return f"CASE WHEN {word} IN ('true', 't', '1') THEN true WHEN {word} IN ('false', 'f', '0') THEN false END"
