"""
A large file of JSON lines, read by the engine itself where every line of it is a good call.

The engine reads lines many times faster than Python does, but stops at the first that is no JSON and does not number
them. So this way is tried first; a file with anything wrong in it is then read line by line, which names each fault.
So is one of a format with keys that differ in case alone, which the engine takes for one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from breakeven.errors import LogError
from breakeven.usage.calls import PROMPT_COLUMNS, TOKENS, TYPES, ZERO_COST
from breakeven.usage.fields import JsonLine, literal, path_parts
from breakeven.usage.following import followed, reading
from breakeven.usage.inputs import LogFile
from breakeven.usage.line_shape import Rows, sample, shape_of
from breakeven.usage.mapping import RESPONSE_ID, absent_columns, canonical_query
from breakeven.usage.parquet import pattern_of
from breakeven.usage.prompt_columns import has_prompts, prompt_columns
from breakeven.usage.same_calls import repeated

LEAST_BYTES = 8 * 1024 * 1024
"""A smaller file is read line by line at once: that takes a fraction of a second."""

PACKINGS = {b"\x1f\x8b": "gzip"}
"""First bytes of a file -> how the engine is to unpack it."""

UNLIKE = "unlike"
"""Column that says whether a line is unlike the sample of its file."""

FAULTY = "a line is no call"
"""What the engine is told to say of one, so that it stops there."""

CONSTANT = {"line": "0", "reason": "NULL", "faulty": "false"}
"""What is the same in every row of a file without faults; lines are numbered only to name faults."""


BOOLEANS = ("true", "false")

NUMERIC = ("instant", "calls", *TOKENS)
"""Raw columns that may be numbers."""


@dataclass(frozen=True, slots=True)
class Whole:
    """
    Rows of a file, a query of them in canonical columns, their first and last time. [us]

    ids : the same query with ``line``, by the order of rows, and ``response``; "" where there are no ids of responses,
        or no row has that of another.
    raw : the raw columns that were read.
    """

    rows: int
    query: str
    ids: str
    span_us: tuple[int | None, int | None]
    raw: Mapping[str, str]


class WholeLine(JsonLine):
    """
    Fields of a JSON object, its outermost keys being columns: what a line does not have is not looked for inside it.

    Parameters
    ----------
    paths : sequence of str
        Every path that will be asked for.
    rows : sequence of mappings, optional
        Some lines of the file: what these do not have is taken to be null in all, and a line where it is not comes
        back as broken. The objects they have are read as structures, and a line with another value there is an error
        of the engine.
    """

    def __init__(self, paths: Sequence[str], rows: Rows | None = None) -> None:
        super().__init__()
        self.paths = list(paths)
        self.shape = shape_of(paths, rows)

    def take_numbers(self, raw: Mapping[str, str]) -> None:
        """Read as numbers those fields that are such in the sample, where the raw columns make nothing else of them."""
        for sql in self.shape.above_one:
            counted = re.compile(rf"whole\({re.escape(sql)}\)|{re.escape(sql)} IS( NOT)? NULL")
            given = [text for name, text in raw.items() if sql in text and not (name in NUMERIC and text == sql)]
            used = given or any(text == sql for text in raw.values())
            if used and not any(sql in counted.sub("", text) for text in given):
                self.shape.numbers.append(sql)
                if sql in self.shape.counts and any(f"whole({sql})" in text for text in given):
                    self.shape.whole.append(sql)
        self.whole = self.shape.whole

    def source(self, chunk: str) -> str:
        """A query of the lines of ``chunk``, options of ``read_json`` but for the columns."""
        fields = [f"{sql} AS {name}" for name, sql in self.shape.lists.items()]
        return self.unpack(
            f"SELECT {', '.join(['*', '0 AS line', f'{self.shape.unlike()} AS broken', *fields])}"
            f" FROM read_json({chunk}, format = 'newline_delimited', columns = {self.shape.columns()})"
        )

    def _path(self, name: str) -> str | None:
        return None if super()._path(name) is None else self.shape.fields[tuple(path_parts(name) or [""])]


def folded(engine: duckdb.DuckDBPyConnection, raw: Mapping[str, str]) -> dict[str, str]:
    """The raw columns with every one that no field has a part in, being null, true or false, as just that."""
    words = {None: "NULL", True: "true", False: "false"}
    found = {name: sql.replace("whole(NULL)", "NULL") for name, sql in raw.items()}
    for name, sql in found.items():
        try:
            value = engine.execute(f"SELECT {sql}").fetchall()[0][0]
        except duckdb.BinderException:
            continue
        if value is None or isinstance(value, bool):
            found[name] = words[value]
    return found


def read_whole(
    engine: duckdb.DuckDBPyConnection,
    number: int,
    file: LogFile,
    head: bytes,
    paths: Sequence[str],
    raw_of: Callable[[WholeLine], Mapping[str, str]],
    *,
    in_order: bool,
) -> Whole | None:
    """
    Read a file of JSON lines into a table of its own; None where it is small, not on this machine, or some line of it
    is no call.

    It is read as a sample of it suggests; where lines turn out not to be like that, once more without. So it is where
    ids of responses are repeated and the rows were not in order, as lines must then be named.

    Parameters
    ----------
    number : int
        Position of the file among those read, from 0.
    head : bytes
        Its beginning.
    paths : sequence of str
        Every path that the raw columns ask for.
    raw_of : callable
        What the fields are in a line -> the raw columns.
    in_order : bool
        Whether rows that have ids must be in order in any case: rows of other files may have the same ones.
    """
    if file.path is None or (file.size or 0) < LEAST_BYTES:
        return None
    for rows in (sample(file, head), None):
        row = WholeLine(paths, rows)
        raw = folded(engine, raw_of(row))
        row.take_numbers(raw)
        try:
            whole = _read(engine, number, file, file.path, raw, row, in_order=in_order)
            if not whole.ids or in_order:
                return whole
            if not len(repeated(engine, whole.ids, whole.rows, exactly=False)):
                return replace(whole, ids="")
            engine.execute(f"DROP TABLE calls_{number}")
            return _read(engine, number, file, file.path, raw, row, in_order=True)
        except (duckdb.Error, LogError) as error:
            if FAULTY in str(error):
                break
    return None


def _read(
    engine: duckdb.DuckDBPyConnection,
    number: int,
    file: LogFile,
    path: Path,
    raw: Mapping[str, str],
    row: WholeLine,
    *,
    in_order: bool,
) -> Whole:
    """
    The rows of a file, those that have ids of responses in order if that is wanted.

    Raises duckdb.Error at one that is unlike the sample of it, or ``FAULTY``, being no call.
    """
    with path.open("rb") as handle:
        packing = PACKINGS.get(handle.read(2), "none")
    lines = f"{pattern_of(path)}, compression = '{packing}'"
    absent = absent_columns(raw)
    constant = CONSTANT | {"file": str(number)} | dict.fromkeys(absent, "NULL")
    constant |= {name: "0" for name in absent if name.endswith("_tokens")}
    if "calls" in absent:
        constant["calls"] = "1"
    if "service_tier" in absent and raw["batch"] in BOOLEANS:
        constant["batch"] = raw["batch"]
    if raw["status"] == "NULL" and raw["ok"] in BOOLEANS:
        constant["ok"] = raw["ok"]
    if "reported_cost_nano" in absent:
        constant[ZERO_COST] = "false"
    kept = prompt_columns(raw) if has_prompts(raw) else {}
    if not kept:
        constant |= dict.fromkeys(PROMPT_COLUMNS, "NULL")
    kinds = TYPES | {ZERO_COST: "BOOLEAN"} | dict.fromkeys(PROMPT_COLUMNS, "UBIGINT")
    stored = [name for name in kinds if name not in constant]
    has_ids = raw[RESPONSE_ID] != "NULL"
    stored += ["response"] if has_ids else []
    table = f"calls_{number}"
    query = canonical_query(engine, number, raw, row, lines, kept | {UNLIKE: "broken"}, all_good=True)
    fault = f"error(CASE WHEN {UNLIKE} THEN {literal(UNLIKE)} ELSE {literal(FAULTY)} END)"
    checked = f"* REPLACE (CASE WHEN faulty THEN {fault} ELSE at_us END AS at_us)"
    engine.execute(f"SET preserve_insertion_order = {str(in_order and has_ids).lower()}")
    try:
        with followed(engine, reading(file)):
            engine.execute(f"CREATE TABLE {table} AS SELECT {', '.join(stored)} FROM (SELECT {checked} FROM ({query}))")
    finally:
        engine.execute("SET preserve_insertion_order = true")
    rows, first, last = engine.execute(f"SELECT count(*), min(at_us), max(at_us) FROM {table}").fetchall()[0]
    columns = [
        f"CAST({constant[name]} AS {kind}) AS {name}" if name in constant else name for name, kind in kinds.items()
    ]
    query = f"SELECT {', '.join(columns)} FROM {table}"
    numbered = f"SELECT rowid AS n, {', '.join(columns)}, response FROM {table}"
    ids = f"SELECT * EXCLUDE (n) REPLACE (n + 1 AS line) FROM ({numbered})" if has_ids else ""
    return Whole(rows, query, ids, (first, last), raw)
