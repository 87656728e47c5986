"""
A frame in this machine's memory with its prompts: hashed as those of a log file are, inside our own engine.

Engines have no hash in common, so the rows come here. That is done only where a column of prompts is named, and only
for frames that are in memory anyway: of a cluster or a warehouse no prompt is fetched.
"""

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import numpy as np

from breakeven.errors import LogError
from breakeven.usage.calls import ALL_TASKS, PROMPT_COLUMNS, TYPES, ZERO_COST
from breakeven.usage.fields import TableRow
from breakeven.usage.frame_cube import plain_rows
from breakeven.usage.frames import canonical_frame
from breakeven.usage.prompt_columns import ABSENT, prompt_columns
from breakeven.usage.readers.reader import of_chat
from breakeven.usage.scan import Scan
from breakeven.usage.sources import Source

LOCAL = ("polars", "pandas", "pyarrow")
CHUNK_ROWS = 50_000
NULL = -1
"""Stands for an unknown whole number until it is in the engine; none that is known is below 0."""

KINDS = TYPES | {ZERO_COST: "BOOLEAN"}


def scan_frame(
    engine: duckdb.DuckDBPyConnection,
    frame: Any,
    columns: Mapping[str, str],
    *,
    name: str,
    zone: str | None = None,
    task_by: str | None = None,
) -> Scan:
    """
    The rows of a frame as the view ``log``, with what is kept of their prompts.

    Parameters
    ----------
    columns : mapping
        As for ``canonical_frame``, and ``prompt``: a column of text, or of messages, as JSON text or as a list of
        structures.
    name : str
        What to call the frame.
    zone, task_by
        As for ``canonical_frame``.

    Raises
    ------
    LogError
        As ``canonical_frame``; the frame is not in memory, has no rows or no such column.
    """
    given = nw.from_native(frame, pass_through=True)
    where = given.implementation.value if isinstance(given, nw.DataFrame | nw.LazyFrame) else ""
    if where not in LOCAL:
        raise LogError(
            "columns: a column of prompts is read from Polars, pandas and PyArrow frames alone; leave it out, or"
            " collect the frame first"
        )
    given = given.collect() if isinstance(given, nw.LazyFrame) else given
    column = columns["prompt"]
    if column not in given.columns:
        raise LogError(f"The frame has no column {column!r}")
    others = {key: own for key, own in columns.items() if key != "prompt"}
    log = canonical_frame(given.to_native(), others, zone=zone, task_by=task_by)
    if not len(given):
        raise LogError(f"The {name} holds no rows")
    names = log.rows.collect_schema().names()
    rows = plain_rows(log.rows)
    kinds = KINDS | dict.fromkeys(PROMPT_COLUMNS, "UBIGINT")
    engine.execute(f"CREATE TABLE calls ({', '.join(f'{each} {kind}' for each, kind in kinds.items())})")
    for start in range(0, len(rows), CHUNK_ROWS):
        part = dict(zip(names, zip(*rows[start : start + CHUNK_ROWS], strict=True), strict=True))
        part["prompt"] = tuple(map(_text, given[column][start : start + CHUNK_ROWS].to_list()))
        _insert(engine, part, start)
    engine.execute("CREATE TEMP VIEW log AS FROM calls")
    source = Source(name, log.engine, len(rows), "")
    return Scan(engine, sources=[source], absent=log.absent, has_prompts=True)


def _insert(engine: duckdb.DuckDBPyConnection, part: Mapping[str, tuple[Any, ...]], start: int) -> None:
    """Some rows into the table ``calls``, their prompts hashed."""
    count = len(part["prompt"])
    values = {"line": tuple(range(start + 1, start + count + 1)), "faulty": (False,) * count, **part}
    arrays = {name: _array(values[name], KINDS.get(name, "VARCHAR")) for name in values}
    chat = TableRow({"prompt": "VARCHAR"}, tidy=False)
    asked = {name: chat.resolve(sql) for name, sql in of_chat(["prompt"]).items()}
    kept = prompt_columns(ABSENT | asked)
    given = {name: name for name in KINDS if name in arrays} | {"file": "0"}
    given |= {name: f"nullif({name}, {NULL})" for name in ("at_us", "reported_cost_nano") if name in arrays}
    given["task"] = f"nullif(task, '{ALL_TASKS}')"
    selected = ", ".join(f"CAST({sql} AS {KINDS[name]}) AS {name}" for name, sql in given.items())
    hashed = ", ".join(f"{sql} AS {name}" for name, sql in kept.items())
    engine.register("chunk", arrays)
    try:
        engine.execute(f"INSERT INTO calls BY NAME SELECT {selected}, {hashed} FROM ({chat.unpack('FROM chunk')})")
    finally:
        engine.unregister("chunk")


def _array(values: tuple[Any, ...], kind: str) -> Any:
    if kind == "VARCHAR":
        return np.array(values, object)
    if kind == "BOOLEAN":
        return np.array([bool(value) for value in values], np.bool_)
    return np.array([NULL if value is None else value for value in values], np.int64)


def _text(value: Any) -> str | None:
    """A prompt as text: as it is, or messages as JSON."""
    if value is None or isinstance(value, str) or type(value).__name__ == "NAType" or value != value:
        return value if isinstance(value, str) and value.strip() else None
    return json.dumps(value, default=str)
