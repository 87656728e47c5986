"""
All sums of a log as one table, for an engine that cannot be reached from here: asked by one statement, whose result
comes back as a file.

Column ``part`` says what a row is: ``how`` (one row: what the statement was made with, as JSON in the column ``MARK``,
and how many rows were read), ``rows`` (by the ``reason`` they are rejected for, null for the good ones; ``calls`` of
them that are in the histograms), ``cell``,
``input size`` and ``output size`` (calls by histogram bucket), ``hour`` (calls by UTC hour since 1970), ``zero cost``
(calls of a ``model`` that state a cost of 0, of which ``rows`` has the sum in ``reported_calls``). Every row but
the first carries the JSON's hash in ``MARK``, so rows of two statements cannot pass for one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.usage.calls import BUCKETS, ZERO_COST
from breakeven.usage.cells import SUMS
from breakeven.usage.cube import KEYS, cells, histograms
from breakeven.usage.cuts import UTC
from breakeven.usage.frames import FrameLog
from breakeven.usage.timing import hours

MARK = "breakeven_sums"
SCHEMA = "breakeven/sums/1"

HOW, ROWS, CELL, INPUT_SIZE, OUTPUT_SIZE, HOUR = "how", "rows", "cell", "input size", "output size", "hour"
ZERO = "zero cost"
PARTS = (HOW, ROWS, CELL, INPUT_SIZE, OUTPUT_SIZE, HOUR, ZERO)

TEXTS = (MARK, "part", "task", "model", "provider", "service_tier", "reason")
TRUTHS = ("batch", "ok")
NUMBERS = ("epoch", "day_part", "tier", *SUMS, "first_us", "last_us", "bucket", "hour")

COLUMNS = (MARK, "part", *KEYS, *SUMS, "first_us", "last_us", "bucket", "hour", "reason")
"""Columns of the table, in order."""


@dataclass(frozen=True)
class How:
    """
    What a statement was made with, and what its result therefore means.

    table : name of the table that was asked.
    cuts_us, day_edges_us, thresholds : as in ``Cube``.
    until_us : months are told apart up to here. [us]
    found_by : where the names of tasks are from: ``log``, or ``field`` where a column of theirs was named.
    billing_zone : as in ``Cube``.
    """

    table: str
    cuts_us: tuple[int, ...]
    day_edges_us: tuple[int, ...]
    thresholds: tuple[int, ...]
    until_us: int
    found_by: str = "log"
    billing_zone: str = UTC

    def text(self) -> str:
        """As JSON, the same for the same values."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, separators=(",", ":"), sort_keys=True)


def how_of(text: str) -> How:
    """What a text of ``How.text`` says. Raises ValueError, KeyError or TypeError where it is none."""
    told = json.loads(text)
    if told["schema"] != SCHEMA:
        raise ValueError("schema")
    cuts, edges, sizes = (tuple(map(int, told[name])) for name in ("cuts_us", "day_edges_us", "thresholds"))
    if any(list(each) != sorted(set(each)) for each in (cuts, edges, sizes)):
        raise ValueError("order")
    names = (str(told[name]) for name in ("found_by", "billing_zone"))
    return How(str(told["table"]), cuts, edges, sizes, int(told["until_us"]), *names)


def hash_of(text: str) -> str:
    """What marks the rows that belong to a text of ``How.text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def all_sums(log: FrameLog, how: How) -> nw.LazyFrame[Any]:
    """
    Query of all sums, columns ``COLUMNS``.

    All models are cut by the time of day: which of them have such prices is told when the result is read.
    """
    rows, col = log.rows, nw.col
    mark = hash_of(how.text())
    parts = [
        _part(rows.select(nw.len().alias("rows")), HOW, ["rows"], how.text()),
        _part(_survey(log), ROWS, ["reason", "rows", "calls", "reported_calls"], mark),
        _part(
            cells(rows, how.cuts_us, how.day_edges_us, how.thresholds, log.absent),
            CELL,
            [*KEYS, *SUMS, "first_us", "last_us"],
            mark,
        ),
    ]
    for part, tokens in ((INPUT_SIZE, "size"), (OUTPUT_SIZE, "output_tokens")):
        parts.append(_part(histograms(rows, tokens), part, ["task", "model", "bucket", "calls"], mark))
    parts.append(_part(hours(rows), HOUR, ["task", "hour", "calls"], mark))
    if ZERO_COST in rows.collect_schema().names():
        zeros = rows.filter(col(ZERO_COST) & ~col("faulty")).group_by("model").agg(col("calls").sum())
        parts.append(_part(zeros, ZERO, ["model", "calls"], mark))
    return nw.concat(parts).select(*(col(name) for name in COLUMNS))


def _survey(log: FrameLog) -> nw.LazyFrame[Any]:
    """Rows by reason, the calls of them that have a size, and those that state a cost of 0."""
    col = nw.col
    tokens = reduce(add, [col(name).cast(nw.Int64) for name in BUCKETS])
    sized = nw.when(col("ok") & (tokens > 0)).then(col("calls").cast(nw.Int64)).otherwise(nw.lit(0))
    zero = nw.lit(0)
    if ZERO_COST in log.rows.collect_schema().names():
        zero = nw.when(col(ZERO_COST)).then(col("calls").cast(nw.Int64)).otherwise(nw.lit(0))
    return (
        log.rows.with_columns(sized=sized, zero=zero)
        .group_by("reason")
        .agg(nw.len().alias("rows"), col("sized").sum().alias("calls"), col("zero").sum().alias("reported_calls"))
    )


def _part(query: nw.LazyFrame[Any], part: str, names: Sequence[str], mark: str) -> nw.LazyFrame[Any]:
    """A query with all of ``COLUMNS``, those that it does not have null."""
    kinds: Mapping[str, Any] = dict.fromkeys(TEXTS, nw.String) | dict.fromkeys(TRUTHS, nw.Boolean)
    given = {MARK: nw.lit(mark), "part": nw.lit(part)} | {name: nw.col(name) for name in names}
    # by way of text, as what one engine or another takes for 64 bits may be unsigned, or a decimal
    given |= {name: given[name].cast(nw.String) for name in names if name in NUMBERS}
    columns = [
        given[name].cast(kinds.get(name, nw.Int64)) if name in given else nw.lit(None, kinds.get(name, nw.Int64))
        for name in COLUMNS
    ]
    return query.select(*(column.alias(name) for name, column in zip(COLUMNS, columns, strict=True)))
