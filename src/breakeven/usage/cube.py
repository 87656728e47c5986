"""
The cube: integer sums of a log, small, private, and all that pricing needs.

Cost is linear in tokens once a call's price is settled, and what settles it is few: model, provider, an interval of
time without price change, a part of the day, an interval of request sizes, batch, service tier. So one scan sums
the counts over these keys and no price, month, join or quantile is worked out in the user's engine. The functions
``cells`` and ``histograms`` run unchanged on any engine that Narwhals knows, and give the same integers.
"""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw

from breakeven.usage.calls import ALL_TASKS, BUCKETS, INPUT_BUCKETS, TOKENS
from breakeven.usage.models import Finder
from breakeven.usage.sources import Reject, Source

if TYPE_CHECKING:
    from breakeven.usage.timing import TaskTimes

DAY_US = 86_400_000_000
UNKNOWN_TIME = -1
"""Epoch and part of the day of a call without a time."""

KEYS = ("task", "model", "provider", "epoch", "day_part", "tier", "batch", "service_tier", "ok")
SUMS = ("rows", "calls", *TOKENS, "reported_cost_nano", "reported_calls")

MAY_BE_ABSENT = (
    "provider",
    "service_tier",
    *(name for name in TOKENS if name not in ("input_tokens", "output_tokens")),
    "calls",
    "reported_cost_nano",
)
"""Columns that a log may not have, and that then cost nothing."""

STEP = 1.05
"""Width of a histogram bucket: each begins 5 % above the one before."""

ZERO_BUCKET = -1
"""Bucket of calls with no tokens at all; bucket 0 begins at one token."""


class Cell(NamedTuple):
    """
    Sums over all good log rows alike in what a price can depend on.

    since_us : start of the epoch, UTC, from the cube's ``cuts_us``; None where the time is unknown. [us]
    day_part : number of ``day_edges_us`` at or before the time of day; -1 where there are such edges and the time is
        unknown.
    tier : number of ``thresholds`` below the input tokens of one call; 0 where the calls are unknown.
    rows, calls : log rows, and calls they stand for as far as that is known.
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
    A log as integers, without any text but the names of files, tasks, models, providers and tiers.

    cells : all good rows, summed; sorted by their keys.
    cuts_us : the instants that bound epochs: month starts, and days on which some price changes. [us]
    day_edges_us : times of day at which some price changes; none where no model of the log has such prices. [us
        since midnight UTC]
    thresholds : request sizes above which some price changes. [input tokens]
    histograms : the sizes of calls by task and model.
    sources : the files.
    rows_in : log rows read, rejected ones included.
    rejects : rows that could not be counted, at most 1000, by file and line.
    reject_counts : (reason, rows), commonest first, over all of them.
    times : calls of each task by hour of the week and by day.
    """

    cells: tuple[Cell, ...]
    cuts_us: tuple[int, ...]
    day_edges_us: tuple[int, ...]
    thresholds: tuple[int, ...]
    histograms: tuple[Histogram, ...] = ()
    sources: tuple[Source, ...] = ()
    rows_in: int = 0
    rejects: tuple[Reject, ...] = ()
    reject_counts: tuple[tuple[str, int], ...] = ()
    times: "tuple[TaskTimes, ...]" = ()


def cells(
    log: nw.LazyFrame[Any],
    cuts_us: Sequence[int],
    day_edges_us: Sequence[int],
    thresholds: Sequence[int],
    absent: Collection[str] = (),
) -> nw.LazyFrame[Any]:
    """
    Query of the cube's cells: columns ``KEYS``, ``SUMS``, ``first_us`` and ``last_us``.

    Parameters
    ----------
    log : LazyFrame
        Rows in canonical columns; faulty ones are left out.
    cuts_us : sequence of int
        Ascending instants; ``epoch`` is the number of them at or before the call. [us]
    day_edges_us : sequence of int
        Ascending times of day; ``day_part`` is the number of them at or before the call, 0 throughout without any.
        [us since midnight UTC]
    thresholds : sequence of int
        Ascending sizes; ``tier`` is the number of them below the input of one call. [tokens]
    absent : collection of str
        Columns of ``MAY_BE_ABSENT`` that are the same in every row: null, 0, or 1 for ``calls``. The engine is not
        asked for them; the result is the same.
    """
    col = nw.col
    at, known = col("at_us"), ~col("at_us").is_null()
    keys = [name for name in KEYS if name not in absent]
    sums = [name for name in (*TOKENS, "calls", "reported_cost_nano") if name not in absent]
    calls = nw.lit(1) if "calls" in absent else col("calls")
    log = log.filter(~col("faulty"))
    log = log.with_columns(*(col(name).cast(nw.Int64) for name in ("at_us", *sums)))
    size = _total([name for name in INPUT_BUCKETS if name not in absent])
    counted = nw.when(calls > 0).then(calls).otherwise(nw.lit(1))
    one = nw.when(calls > 0).then(size // counted).otherwise(nw.lit(0))
    log = log.with_columns(
        size=size if "calls" in absent else one,
        time_us=at % DAY_US,
        reported_calls=nw.when(~col("reported_cost_nano").is_null()).then(calls).otherwise(nw.lit(0)),
    )
    log = log.with_columns(
        epoch=nw.when(known).then(_intervals(lambda cut: at < cut, cuts_us)).otherwise(nw.lit(UNKNOWN_TIME)),
        day_part=nw.when(known)
        .then(_intervals(lambda edge: col("time_us") < edge, day_edges_us))
        .otherwise(nw.lit(UNKNOWN_TIME))
        if day_edges_us
        else nw.lit(0),
        tier=_intervals(lambda threshold: col("size") <= threshold, thresholds),
    )
    if "reported_cost_nano" not in absent:
        sums.append("reported_calls")
    summed = log.group_by(*keys).agg(
        nw.len().alias("rows"),
        *(col(name).sum() for name in sums),
        at.min().alias("first_us"),
        at.max().alias("last_us"),
    )
    missing = {name: nw.lit(0) for name in SUMS if name not in ("rows", *sums)}
    missing |= {name: nw.lit(None, nw.String) for name in KEYS if name in absent}
    if "calls" in absent:
        missing["calls"] = col("rows")
    names = (*KEYS, *SUMS, "first_us", "last_us")
    return summed.select(*(missing.get(name, col(name)).alias(name) for name in names))


def histograms(log: nw.LazyFrame[Any], tokens: str) -> nw.LazyFrame[Any]:
    """
    Query of calls by size: columns ``task``, ``model``, ``bucket``, ``calls``.

    Parameters
    ----------
    tokens : str
        "size" for all input tokens of a call, or a canonical count; a row of many calls counts at their mean size.
    """
    col = nw.col
    log = log.filter(~col("faulty"))
    log = log.with_columns(*(col(name).cast(nw.Int64) for name in (*BUCKETS, "calls")))
    log = log.filter(col("ok") & (col("calls") > 0) & (_total(BUCKETS) > 0))
    log = log.with_columns(
        size=_total(INPUT_BUCKETS) // col("calls"), output_tokens=col("output_tokens") // col("calls")
    )
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


RowsOf = Callable[[nw.LazyFrame[Any]], list[tuple[Any, ...]]]
"""Runs a query in its engine and returns its rows as tuples of Python values."""


def build(
    log: nw.LazyFrame[Any],
    rows_of: RowsOf,
    find: Finder,
    span_us: tuple[int | None, int | None],
    absent: Collection[str] = (),
) -> Cube:
    """
    The cells of a log, cut where the prices of a table change.

    Days are cut by time of day only where some model of the log has such prices: it multiplies the cells.

    Parameters
    ----------
    log : LazyFrame
        Rows in canonical columns; faulty ones are left out.
    rows_of : callable
        How to run a query.
    find : Finder
        With the table.
    span_us : (int, int)
        First and last time of the log, or times before and after them; None where no time is known. [us]
    absent : collection of str
        As for ``cells``.
    """
    table = find.table
    cuts, sizes = cut_instants(*span_us, table.since_days), tuple(table.thresholds)
    edges: tuple[int, ...] = ()
    found = _cells(rows_of(cells(log, cuts, edges, sizes, absent)), cuts)
    models = [find(*names) for names in {(cell.model, cell.provider) for cell in found}]
    if any(len(model.day_parts()) > 1 for model in models if not isinstance(model, str)):
        edges = tuple(time_us(edge) for edge in table.day_edges)
        found = _cells(rows_of(cells(log, cuts, edges, sizes, absent)), cuts)
    return Cube(cells=found, cuts_us=cuts, day_edges_us=edges, thresholds=sizes)


def count_sizes(log: nw.LazyFrame[Any], rows_of: RowsOf) -> tuple[Histogram, ...]:
    """The histograms of a log, by task and model."""
    counted: dict[tuple[str, str | None], tuple[Counter[int], Counter[int]]] = {}
    for side, tokens in enumerate(("size", "output_tokens")):
        for task, model, bucket, calls in rows_of(histograms(log, tokens)):
            names = task_name(task), name_or_none(model)
            counted.setdefault(names, (Counter(), Counter()))[side][int(bucket)] += int(calls)
    return tuple(
        Histogram(*names, *(tuple(sorted(side.items())) for side in counted[names]))
        for names in sorted(counted, key=_order)
    )


def task_name(text: str | None) -> str:
    """A task as it is shown: without blanks around it, "all" where there is nothing."""
    return (text or "").strip() or ALL_TASKS


def name_or_none(text: str | None) -> str | None:
    """A model or provider without blanks around it, None where there is nothing."""
    return (text or "").strip() or None


def _cells(rows: Iterable[Sequence[Any]], cuts: Sequence[int]) -> tuple[Cell, ...]:
    """Rows of ``cells`` as sorted Cells; those whose names differ by blanks only are added up."""
    summed: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for task, model, provider, epoch, *others in rows:
        since = None if epoch == UNKNOWN_TIME else cuts[epoch - 1]
        key = (task_name(task), name_or_none(model), name_or_none(provider), since, *others[:5])
        sums = tuple(others[5:])
        summed[key] = _add(summed[key], sums) if key in summed else sums
    return tuple(Cell._make((*key, *summed[key])) for key in sorted(summed, key=_order))


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sorts a None before everything else in its place."""
    return tuple((value is not None, value) for value in key)


def _add(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sums added, the earlier first time and the later last time."""
    *sums, first, last = zip(one, other, strict=True)
    known_first, known_last = ([value for value in pair if value is not None] for pair in (first, last))
    return (*(a + b for a, b in sums), min(known_first, default=None), max(known_last, default=None))


def _total(names: Sequence[str]) -> nw.Expr:
    """The sum of a row's counts of these names."""
    total = nw.col(names[0])
    for name in names[1:]:
        total = total + nw.col(name)
    return total


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
