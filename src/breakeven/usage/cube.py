"""
The cube: integer sums of a log, small, private, and all that pricing needs.

Cost is linear in tokens once a call's price is settled, and what settles it is few: model, provider, an interval of
time without price change, a part of the day, an interval of request sizes, batch, service tier. So one scan sums
the counts over these keys and no price, month, join or quantile is worked out in the user's engine. The functions
``cells``, ``histograms`` and ``span`` run unchanged on any engine that Narwhals knows, and give the same integers.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw

from breakeven.usage.calls import BUCKETS, INPUT_BUCKETS, TOKENS

DAY_US = 86_400_000_000
UNKNOWN_TIME = -1
"""Epoch and part of the day of a call without a time."""

KEYS = ("task", "model", "provider", "epoch", "day_part", "tier", "batch", "service_tier", "ok")
SUMS = ("rows", "calls", *TOKENS, "reported_cost_nano", "reported_calls")

STEP = 1.05
"""Width of a histogram bucket: each begins 5 % above the one before."""

ZERO_BUCKET = -1
"""Bucket of calls with no tokens at all; bucket 0 begins at one token."""


class Cell(NamedTuple):
    """
    Sums over all good log rows alike in what a price can depend on.

    since_us : start of the epoch, UTC, from the cube's ``cuts_us``; None where the time is unknown. [us]
    day_part : number of ``day_edges_us`` at or before the time of day; -1 where the time is unknown.
    tier : number of ``thresholds`` below the input tokens of one call.
    rows, calls : log rows, and calls they stand for.
    input_tokens ... reasoning_tokens : as in ``calls``. [tokens]
    reported_cost_nano, reported_calls : cost the log states, and the calls it states one for. [nano-USD]
    first_us, last_us : first and last time. [us]
    """

    task: str
    model: str | None
    provider: str | None
    since_us: int | None
    day_part: int
    tier: int
    batch: bool
    service_tier: str | None
    ok: bool
    rows: int
    calls: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_short_tokens: int
    cache_write_long_tokens: int
    output_tokens: int
    reasoning_tokens: int
    reported_cost_nano: int
    reported_calls: int
    first_us: int | None
    last_us: int | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """
    Calls of one task and model by size, in buckets of 5 %. Only calls that succeeded and were billed.

    input_calls, output_calls : (bucket, calls), ascending; bucket b holds 1.05^b to 1.05^(b+1) tokens, -1 none.
    """

    task: str
    model: str | None
    input_calls: tuple[tuple[int, int], ...]
    output_calls: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Cube:
    """
    A log as integers, without any text but the names of tasks and models.

    cuts_us : the instants that bound epochs: month starts, and days on which some price changes. [us]
    day_edges_us : times of day at which some price changes. [us since midnight UTC]
    thresholds : request sizes above which some price changes. [input tokens]
    """

    cells: tuple[Cell, ...]
    histograms: tuple[Histogram, ...]
    cuts_us: tuple[int, ...]
    day_edges_us: tuple[int, ...]
    thresholds: tuple[int, ...]


def span(log: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Query of one row: the first and the last time of a log, null where no row has one. [us]"""
    return log.select(nw.col("at_us").min().alias("first_us"), nw.col("at_us").max().alias("last_us"))


def cells(
    log: nw.LazyFrame[Any], cuts_us: Sequence[int], day_edges_us: Sequence[int], thresholds: Sequence[int]
) -> nw.LazyFrame[Any]:
    """
    Query of the cube's cells: columns ``KEYS``, ``SUMS``, ``first_us`` and ``last_us``.

    Parameters
    ----------
    log : LazyFrame
        Good rows in canonical columns.
    cuts_us : sequence of int
        Ascending instants; ``epoch`` is the number of them at or before the call. [us]
    day_edges_us : sequence of int
        Ascending times of day; ``day_part`` is the number of them at or before the call. [us since midnight UTC]
    thresholds : sequence of int
        Ascending sizes; ``tier`` is the number of them below the input of one call. [tokens]
    """
    col = nw.col
    at, known = col("at_us"), ~col("at_us").is_null()
    log = log.with_columns(*(col(name).cast(nw.Int64) for name in (*TOKENS, "calls", "at_us", "reported_cost_nano")))
    log = log.with_columns(size=_input() // col("calls"), time_us=at % DAY_US, has_cost=~col("reported_cost_nano").is_null())
    log = log.with_columns(
        epoch=nw.when(known).then(_intervals(lambda cut: at < cut, cuts_us)).otherwise(nw.lit(UNKNOWN_TIME)),
        day_part=nw.when(known)
        .then(_intervals(lambda edge: col("time_us") < edge, day_edges_us))
        .otherwise(nw.lit(UNKNOWN_TIME)),
        tier=_intervals(lambda threshold: col("size") <= threshold, thresholds),
        reported_calls=nw.when(col("has_cost")).then(col("calls")).otherwise(nw.lit(0)),
        one=nw.lit(1),
    )
    return log.group_by(*KEYS).agg(
        col("one").sum().alias("rows"),
        *(col(name).sum() for name in SUMS[1:]),
        at.min().alias("first_us"),
        at.max().alias("last_us"),
    )


def histograms(log: nw.LazyFrame[Any], tokens: str) -> nw.LazyFrame[Any]:
    """
    Query of calls by size: columns ``task``, ``model``, ``bucket``, ``calls``.

    Parameters
    ----------
    tokens : str
        "size" for all input tokens of a call, or a canonical count; a row of many calls counts at their mean size.
    """
    col = nw.col
    log = log.with_columns(*(col(name).cast(nw.Int64) for name in (*BUCKETS, "calls")))
    log = log.filter(col("ok") & ((_input() > 0) | (col("output_tokens") > 0)))
    log = log.with_columns(size=_input() // col("calls"), output_tokens=col("output_tokens") // col("calls"))
    x = col(tokens)
    # ln of a whole number is never within 1e-8 of a bucket's edge, so every engine rounds to the same bucket
    at_least_one = nw.when(x > 1).then(x).otherwise(nw.lit(1)).cast(nw.Float64)
    log = log.with_columns(above_zero=(at_least_one.log() * (1 / math.log(STEP))).floor().cast(nw.Int64))
    log = log.with_columns(bucket=nw.when(x < 1).then(nw.lit(ZERO_BUCKET)).otherwise(col("above_zero")))
    return log.group_by("task", "model", "bucket").agg(col("calls").sum())


def cut_instants(first_us: int | None, last_us: int | None, price_days: Iterable[dt.date]) -> tuple[int, ...]:
    """Every month start, and every price day, at UTC midnight, from the first time's month to the last time. [us]"""
    if first_us is None or last_us is None:
        return ()
    month = _day(first_us).replace(day=1)
    start = midnight_us(month)
    days = {midnight_us(day) for day in price_days}
    while midnight_us(month) <= last_us:
        days.add(midnight_us(month))
        month = (month + dt.timedelta(days=31)).replace(day=1)
    return tuple(sorted(day for day in days if start <= day <= last_us))


def midnight_us(day: dt.date) -> int:
    """The UTC midnight that begins a day. [us since 1970]"""
    return (day - dt.date(1970, 1, 1)).days * DAY_US


def time_us(time: dt.time) -> int:
    """A time of day. [us since midnight]"""
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond


def quantile(counted: Sequence[tuple[int, int]], share: float) -> float | None:
    """
    The size that a share of the calls does not exceed, from a histogram; None without calls. [tokens]

    The middle of the bucket that holds the call of that rank, so within 2.5 % of that call's own size.
    """
    rank = share * sum(calls for _, calls in counted)
    reached = 0
    for bucket, calls in counted:
        reached += calls
        if reached >= rank and calls:
            return middle(bucket)
    return None


def middle(bucket: int) -> float:
    """The mean of the first and last whole number in a bucket. [tokens]"""
    if bucket == ZERO_BUCKET:
        return 0.0
    first, end = math.ceil(STEP**bucket - 1e-9), STEP ** (bucket + 1)
    return (first + math.ceil(end - 1e-9) - 1) / 2


def build(
    log: nw.LazyFrame[Any],
    rows_of: Callable[[nw.LazyFrame[Any]], list[tuple[Any, ...]]],
    *,
    price_days: Iterable[dt.date],
    day_edges: Iterable[dt.time],
    thresholds: Iterable[int],
) -> Cube:
    """
    The cube of a log.

    Parameters
    ----------
    log : LazyFrame
        Good rows in canonical columns.
    rows_of : callable
        Runs a query in its engine and returns its rows as tuples of Python values.
    price_days, day_edges, thresholds
        Where prices change, from the price table.
    """
    first_us, last_us = rows_of(span(log))[0]
    cuts = cut_instants(first_us, last_us, price_days)
    edges = tuple(sorted(time_us(edge) for edge in day_edges))
    sizes = tuple(sorted(thresholds))
    found = [
        Cell._make((*row[:3], None if row[3] == UNKNOWN_TIME else cuts[int(row[3]) - 1], *row[4:]))
        for row in rows_of(cells(log, cuts, edges, sizes))
    ]
    return Cube(
        cells=tuple(sorted(found, key=lambda cell: tuple((value is not None, value) for value in cell[:9]))),
        histograms=_by_task(rows_of(histograms(log, "size")), rows_of(histograms(log, "output_tokens"))),
        cuts_us=cuts,
        day_edges_us=edges,
        thresholds=sizes,
    )


def _input() -> nw.Expr:
    """All of a row's input tokens, cached or not."""
    first, *others = (nw.col(name) for name in INPUT_BUCKETS)
    total = first
    for other in others:
        total = total + other
    return total


def _by_task(inputs: Iterable[Sequence[Any]], outputs: Iterable[Sequence[Any]]) -> tuple[Histogram, ...]:
    counted: dict[tuple[str, str | None], tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
    for side, rows in enumerate((inputs, outputs)):
        for task, model, bucket, calls in rows:
            counted.setdefault((task, model), ([], []))[side].append((bucket, int(calls)))
    return tuple(
        Histogram(task, model, tuple(sorted(sides[0])), tuple(sorted(sides[1])))
        for (task, model), sides in sorted(counted.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    )


def _intervals(below: Callable[[int], nw.Expr], edges: Sequence[int], offset: int = 0) -> nw.Expr:
    """In which interval between ascending edges a value lies, as a balanced tree of comparisons."""
    if not edges:
        return nw.lit(offset)
    half = len(edges) // 2
    left = _intervals(below, edges[:half], offset)
    right = _intervals(below, edges[half + 1 :], offset + half + 1)
    return nw.when(below(edges[half])).then(left).otherwise(right)


def _day(at_us: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=at_us // DAY_US)
