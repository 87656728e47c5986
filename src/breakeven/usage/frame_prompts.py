"""
A frame with its prompts: hashed by the same SQL in our own engine as those of a log file, and no text is kept.

Engines have no hash in common. Rows of a frame in memory, of DuckDB, and of an Ibis table pass through ours, some
thousand at a time. A Spark cluster runs that SQL on its workers, and only whole numbers come from there, see
``spark_prompts.py``.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import numpy as np

from breakeven.errors import LogError
from breakeven.usage.calls import ALL_TASKS, PROMPT_COLUMNS, TYPES, ZERO_COST
from breakeven.usage.fields import TableRow
from breakeven.usage.frame_cube import fault_of, plain_rows
from breakeven.usage.frames import canonical_frame, opened
from breakeven.usage.prompt_columns import ABSENT, prompt_columns
from breakeven.usage.readers.reader import of_chat
from breakeven.usage.scan import Scan
from breakeven.usage.sources import Source
from breakeven.usage.spark_prompts import hashed_tables

LOCAL = ("polars", "pandas", "pyarrow")
CHUNK_ROWS = 10_000
MOST_FETCHED = 1_000_000
"""Prompts that are fetched from a warehouse at most. [rows]"""

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
) -> tuple[Scan, bool]:
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

    Returns
    -------
    Scan, and whether its rows are numbered by the frame, or by a column of it.

    Raises
    ------
    LogError
        As ``canonical_frame``; the frame has no rows or no such column, its engine fails, or it is a warehouse's and
        has more rows than ``MOST_FETCHED``.
    """
    given = opened(frame)
    where = given.implementation.value
    prompt = columns["prompt"]
    others = {key: own for key, own in columns.items() if key != "prompt"}
    kinds = KINDS | dict.fromkeys(PROMPT_COLUMNS, "UBIGINT")
    engine.execute(f"CREATE TABLE calls ({', '.join(f'{each} {kind}' for each, kind in kinds.items())})")
    if where in LOCAL:
        given = given.collect() if isinstance(given, nw.LazyFrame) else given
        if prompt not in given.columns:
            raise LogError(f"The frame has no column {prompt!r}")
        log = canonical_frame(given.to_native(), others, zone=zone, task_by=task_by)
    else:
        log = canonical_frame(frame, others, zone=zone, task_by=task_by, prompt=prompt)
    names = log.rows.collect_schema().names()
    nested = where not in LOCAL and log.rows.collect_schema()["prompt"].is_nested()
    query = hashing_query([each for each in names if each in KINDS], nested=nested)
    if where in LOCAL:
        for part in _parts(log.rows, given[prompt]):
            _insert(engine, part, query)
    elif where.startswith("pyspark"):
        for table in hashed_tables(log.rows.to_native(), query):
            _insert(engine, table, "FROM chunk")
    else:
        _insert_stream(engine, log.rows, query)
    ((rows,),) = engine.execute("SELECT count(*) FROM calls").fetchall()
    if not rows:
        raise LogError(f"The {name} holds no rows")
    numbered = "*" if "line" in names else "* REPLACE (rowid + 1 AS line)"
    engine.execute(f"CREATE TEMP VIEW log AS SELECT {numbered} FROM calls")
    scan = Scan(engine, sources=[Source(name, log.engine, rows, "")], absent=log.absent, has_prompts=True)
    return scan, "line" in names


def hashing_query(names: Collection[str], *, nested: bool = False) -> str:
    """
    The query of rows with their prompts hashed over ``chunk``.

    Parameters
    ----------
    names : collection
        Those columns of ``KINDS`` that ``chunk`` has, beside its ``prompt``.
    nested : bool
        Whether prompts are lists or structures, and no text.
    """
    chat = TableRow({"prompt": "VARCHAR"}, tidy=False)
    asked = {name: chat.resolve(sql) for name, sql in of_chat(["prompt"]).items()}
    given = {name: name for name in names} | {"file": "0"}
    given |= {name: f"nullif({name}, {NULL})" for name in ("at_us", "reported_cost_nano") if name in names}
    given["task"] = f"nullif(task, '{ALL_TASKS}')"
    selected = [f"CAST({sql} AS {KINDS[name]}) AS {name}" for name, sql in given.items()]
    selected += [f"{sql} AS {name}" for name, sql in prompt_columns(ABSENT | asked).items()]
    text = f"CAST({'to_json(prompt)' if nested else 'prompt'} AS VARCHAR)"
    said = rf"CASE WHEN regexp_matches({text}, '\S') THEN {text} END"
    unpacked = chat.unpack(f"SELECT * REPLACE ({said} AS prompt) FROM chunk")
    return f"SELECT {', '.join(selected)} FROM ({unpacked})"


def _insert(engine: duckdb.DuckDBPyConnection, chunk: Any, query: str) -> None:
    """What a query makes of some rows, into the table ``calls``."""
    engine.register("chunk", chunk)
    try:
        engine.execute(f"INSERT INTO calls BY NAME {query}")
    finally:
        engine.unregister("chunk")


def _insert_stream(engine: duckdb.DuckDBPyConnection, rows: nw.LazyFrame[Any], query: str) -> None:
    """The same of all rows of a query of DuckDB or Ibis, as they come from its engine. Raises as ``scan_frame``."""
    where, native = rows.implementation.value, rows.to_native()
    most = None
    try:
        if where == "ibis" and native.get_backend().name == "duckdb":
            native = native.get_backend().con.sql(str(import_module("ibis").to_sql(native, dialect="duckdb")))
            where = "duckdb"
        if where == "duckdb":
            _insert(engine, _Stream(native), query)
        else:
            most = MOST_FETCHED
            batches = native.limit(most + 1).to_pyarrow_batches(chunk_size=CHUNK_ROWS)
            _insert(engine, batches, query)
    except Exception as error:
        fault = fault_of(error)
    else:
        if most and engine.execute("SELECT count(*) FROM calls").fetchall()[0][0] > most:
            raise LogError(
                f"columns: prompts are fetched from a warehouse for {most:,} rows at most, and there are more;"
                " leave the column out and name one of tasks, or give a part of the table"
            )
        return
    raise LogError(f"{where} could not give the prompts ({fault}); see whether the frame can be read there at all")


class _Stream:
    """A DuckDB relation to be read by another connection than its own, a few thousand rows at a time."""

    def __init__(self, relation: Any) -> None:
        self.relation = relation

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Its rows as a stream of Arrow, by the Arrow PyCapsule interface."""
        if not hasattr(self.relation, "to_arrow_reader"):  # DuckDB 1 would have all rows in memory first
            return self.relation.fetch_record_batch(CHUNK_ROWS).__arrow_c_stream__()
        return self.relation.__arrow_c_stream__()


def _parts(rows: nw.LazyFrame[Any], prompts: Any) -> Iterator[dict[str, Any]]:
    """Arrays of the rows of a frame in memory and of a column of their prompts, some at a time."""
    names = [*rows.collect_schema().names(), "prompt"]
    values = plain_rows(rows)
    for start in range(0, len(values), CHUNK_ROWS):
        end = start + CHUNK_ROWS
        columns = [*zip(*values[start:end], strict=True), map(_text, prompts[start:end].to_list())]
        yield {name: _array(each, KINDS.get(name, "VARCHAR")) for name, each in zip(names, columns, strict=True)}


def _array(values: Iterable[Any], kind: str) -> Any:
    if kind == "VARCHAR":
        return np.array(list(values), object)
    if kind == "BOOLEAN":
        return np.array([bool(value) for value in values], np.bool_)
    return np.array([NULL if value is None else value for value in values], np.int64)


def _text(value: Any) -> str | None:
    """A prompt as text: as it is, or messages as the JSON that our engine would make of them."""
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ == "NAType" or value != value:
        return None
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
