"""
A large file of JSON lines, read by the engine itself where every line of it is a good call.

The engine reads lines many times faster than Python does, but stops at the first that is no JSON and does not number
them. So this way is tried first; a file with anything wrong in it is then read line by line, which names each fault.
So is one of a format with keys that differ in case alone, which the engine takes for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from breakeven.errors import LogError
from breakeven.usage.calls import PROMPT_COLUMNS, TYPES, ZERO_COST
from breakeven.usage.fields import JsonLine, literal, path_parts, quoted
from breakeven.usage.inputs import LogFile
from breakeven.usage.mapping import RESPONSE_ID, absent_columns, canonical_query
from breakeven.usage.parquet import pattern_of

LEAST_BYTES = 8 * 1024 * 1024
"""A smaller file is read line by line at once: that takes a fraction of a second."""

PACKINGS = {b"\x1f\x8b": "gzip"}
"""First bytes of a file -> how the engine is to unpack it."""

CONSTANT = {"line": "0", "reason": "NULL", "faulty": "false"}
"""What is the same in every row of a file without faults; lines are numbered only to name faults."""


@dataclass(frozen=True, slots=True)
class Whole:
    """
    Rows of a file, a query of them in canonical columns, their first and last time. [us]

    ids : the same query with ``line``, by the order of rows, and ``response``; "" where there are no ids of responses.
    """

    rows: int
    query: str
    ids: str
    span_us: tuple[int | None, int | None]


class WholeLine(JsonLine):
    """
    Fields of a JSON object, its outermost keys being columns: what a line does not have is not looked for inside it.

    Parameters
    ----------
    paths : sequence of str
        Every path that will be asked for.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__()
        self.paths = list(paths)
        self.keys: dict[str, list[str]] = {}
        for path in paths:
            key, rest = _split(path)
            self.keys.setdefault(key, []).append(rest)

    def source(self, chunk: str) -> str:
        """A query of the lines of ``chunk``, options of ``read_json`` but for the columns."""
        types = ", ".join(f"{quoted(key)}: {literal(self._type(key))}" for key in self.keys)
        fields = [
            f"json_extract_string({quoted(key)}, [{', '.join(map(literal, rests))}]) AS key_{number}"
            if self._type(key) == "JSON"
            else f"{quoted(key)} AS key_{number}"
            for number, (key, rests) in enumerate(self.keys.items())
        ]
        return self.unpack(
            f"SELECT 0 AS line, false AS broken, {', '.join(fields)}"
            f" FROM read_json({chunk}, format = 'newline_delimited', columns = {{{types}}})"
        )

    def _type(self, key: str) -> str:
        return "VARCHAR" if self.keys[key] == ["$"] else "JSON"

    def _path(self, name: str) -> str | None:
        if super()._path(name) is None:
            return None
        key, rest = _split(name)
        number = list(self.keys).index(key)
        return f"key_{number}" + (f"[{self.keys[key].index(rest) + 1}]" if self._type(key) == "JSON" else "")


def _split(path: str) -> tuple[str, str]:
    """The first key of a path, and the JSON path inside what it leads to."""
    first, *rest = path_parts(path) or [""]
    inside = "".join(f"[{part}]" if isinstance(part, int) else f'."{part}"' for part in rest)
    return str(first), f"${inside}"


def read_whole(
    engine: duckdb.DuckDBPyConnection,
    number: int,
    file: LogFile,
    raw: Mapping[str, str],
    row: WholeLine,
    kept: Mapping[str, str] | None,
) -> Whole | None:
    """
    Read a file of JSON lines into a table of its own; None where it is small, not on this machine, or some line of it
    is no call.

    Parameters
    ----------
    number : int
        Position of the file among those read, from 0.
    raw, row, kept
        As for ``mapping.canonical_query``, which calls the last one ``keys``.
    """
    if file.path is None or (file.size or 0) < LEAST_BYTES:
        return None
    with file.path.open("rb") as handle:
        packing = PACKINGS.get(handle.read(2), "none")
    lines = f"{pattern_of(file.path)}, compression = '{packing}'"
    absent = absent_columns(raw)
    constant = CONSTANT | {"file": str(number)} | dict.fromkeys(absent, "NULL")
    constant |= {name: "0" for name in absent if name.endswith("_tokens")}
    if "calls" in absent:
        constant["calls"] = "1"
    if "reported_cost_nano" in absent:
        constant[ZERO_COST] = "false"
    if kept is not None:
        constant |= dict.fromkeys(PROMPT_COLUMNS, "NULL")
    kinds = TYPES | {ZERO_COST: "BOOLEAN"} | dict.fromkeys(PROMPT_COLUMNS, "UBIGINT")
    stored = [name for name in kinds if name not in constant]
    stored += ["response"] if raw[RESPONSE_ID] != "NULL" else []
    table = f"calls_{number}"
    try:
        engine.execute("BEGIN")
        query = canonical_query(engine, number, raw, row, lines, kept)
        engine.execute(f"CREATE TABLE {table} AS SELECT {', '.join([*stored, 'faulty'])} FROM ({query})")
        rows, good, first, last = engine.execute(
            f"SELECT count(*), count(*) FILTER (NOT faulty), min(at_us), max(at_us) FROM {table}"
        ).fetchall()[0]
        engine.execute("COMMIT" if rows == good else "ROLLBACK")
    except (duckdb.Error, LogError):
        engine.execute("ROLLBACK")
        return None
    if rows != good:
        return None
    columns = [
        f"CAST({constant[name]} AS {kind}) AS {name}" if name in constant else name for name, kind in kinds.items()
    ]
    query = f"SELECT {', '.join(columns)} FROM {table}"
    numbered = f"SELECT rowid AS n, {', '.join(columns)}, response FROM {table}"
    ids = f"SELECT * EXCLUDE (n) REPLACE (n + 1 AS line) FROM ({numbered})"
    return Whole(rows, query, ids if "response" in stored else "", (first, last))
