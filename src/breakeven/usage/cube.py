"""
The cube: integer sums of a log, small, private, and all that pricing needs.

Cost is linear in tokens once a call's price is settled, and what settles it is few: model, provider, an interval of
time without price change, a part of the day, an interval of request sizes, batch, service tier. So one scan sums
the counts over these keys and no price, month, join or quantile is worked out in the user's engine. The functions
``cells`` and ``histograms`` run unchanged on any engine that Narwhals knows, and give the same integers.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.usage.calls import BUCKETS, INPUT_BUCKETS, TOKENS
from breakeven.usage.cells import MAX_DOUBLE, NO_CODES, SUMS, UNKNOWN_TIME, Cells, Codes, name_or_none
from breakeven.usage.cuts import UTC, cut_instants, time_us
from breakeven.usage.models import Finder
from breakeven.usage.prompt_facts import PromptFacts
from breakeven.usage.sizes import INPUT, OUTPUT, Histograms
from breakeven.usage.sources import Reject, Source, SourceRows
from breakeven.usage.timing import DAY_US, TaskTimes

KEYS = ("task", "model", "provider", "epoch", "day_part", "tier", "batch", "service_tier", "ok")

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


@dataclass(frozen=True, slots=True)
class FoundTask:
    """
    Where the name of a task is from.

    found_by : as ``facts.TaskFacts.found_by``.
    members : the found names that the user merged into it, else its own.
    """

    task: str
    found_by: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Cube:
    """
    A log as integers, without any text but the names of files, tasks, models, providers and tiers.

    cells : all good rows, summed; sorted by their keys.
    cuts_us : the instants that bound epochs: month starts, and days on which some price changes. [us]
    day_edges_us : times of day at which some price changes. [us since midnight UTC]
    thresholds : request sizes above which some price changes. [input tokens]
    histograms : the sizes of calls by task and model.
    times : calls of each task by hour of the week and by day, of tasks with times.
    prompts : what the prompts of each task say about it, of tasks with prompts.
    found : where the names of tasks are from, of those that are not from the log.
    billing_zone : where months begin at midnight.
    sources : the files.
    rows_in : log rows read, rejected ones included.
    rejects : rows that could not be counted, at most 1000, by file and line.
    reject_counts : (reason, rows), commonest first, over all of them.
    source_rows : of each source, None where that is not known; none are needed where there is one source.
    zero_calls : (model, calls) of those that state a cost of 0 though tokens were billed.
    """

    cells: Cells
    cuts_us: tuple[int, ...]
    day_edges_us: tuple[int, ...]
    thresholds: tuple[int, ...]
    histograms: Histograms = field(default_factory=lambda: Histograms.of_rows(()))
    sources: tuple[Source, ...] = ()
    rows_in: int = 0
    rejects: tuple[Reject, ...] = ()
    reject_counts: tuple[tuple[str, int], ...] = ()
    times: tuple[TaskTimes, ...] = ()
    prompts: tuple[PromptFacts, ...] = ()
    found: tuple[FoundTask, ...] = ()
    billing_zone: str = UTC
    source_rows: tuple[SourceRows | None, ...] = ()
    zero_calls: tuple[tuple[str | None, int], ...] = ()

    def found_tasks(self) -> tuple[FoundTask, ...]:
        """Where the name of every task is from."""
        known = {each.task: each for each in self.found}
        return tuple(known.get(task) or from_log(task) for task in self.cells.values["task"])

    def span_us(self) -> tuple[int | None, int | None]:
        """First and last time; None where no time is known. [us]"""
        timed = self.cells.columns["first_us"] != UNKNOWN_TIME
        if not timed.any():
            return None, None
        return int(self.cells.columns["first_us"][timed].min()), int(self.cells.columns["last_us"][timed].max())


def from_log(task: str) -> FoundTask:
    """A task that the log names."""
    return FoundTask(task, "log", (task,))


def cells(
    log: nw.LazyFrame[Any],
    cuts_us: Sequence[int],
    day_edges_us: Sequence[int],
    thresholds: Sequence[int],
    absent: Collection[str] = (),
    *,
    hourly: Collection[str] | None = None,
    coded: Collection[str] = (),
    in_doubles: bool = False,
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
    hourly : collection of str, optional
        Models, as the log spells them, that are cut by the time of day; all if not given. ``day_part`` of the others
        is -1.
    coded : collection of str
        Keys for which the log has a column of numbers, such as ``task_code``: the result has these in their place.
    in_doubles : bool
        Add up as floating point, which takes less room for each cell; a sum below ``MAX_DOUBLE`` is exact.
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
        day_part=_day_part(day_edges_us, hourly),
        tier=_intervals(lambda threshold: col("size") <= threshold, thresholds),
    )
    if "reported_cost_nano" not in absent:
        sums.append("reported_calls")
    if coded:
        log = log.with_columns(*(col(f"{name}_code").alias(name) for name in coded))
    if in_doubles:
        log = log.with_columns(*(col(name).cast(nw.Float64) for name in sums))
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


def middle(bucket: int) -> float:
    """The mean of the first and last whole number in a bucket. [tokens]"""
    if bucket == ZERO_BUCKET:
        return 0.0
    first, end = math.ceil(STEP**bucket - 1e-9), STEP ** (bucket + 1)
    return (first + math.ceil(end - 1e-9) - 1) / 2


RowsOf = Callable[[nw.LazyFrame[Any]], list[tuple[Any, ...]]]
"""Runs a query in its engine and returns its rows as tuples of Python values."""


CellsOf = Callable[[nw.LazyFrame[Any], Sequence[int]], Cells]
"""Runs a query of ``cells`` in its engine, given the cuts, and returns them."""


def build(
    log: nw.LazyFrame[Any],
    rows_of: RowsOf,
    find: Finder,
    span_us: tuple[int | None, int | None],
    absent: Collection[str] = (),
    *,
    billing_zone: str = UTC,
    cells_of: CellsOf | None = None,
    codes: Codes = NO_CODES,
    likely: Sequence[tuple[Any, ...]] = (),
    beside: Cube | None = None,
) -> Cube:
    """
    The cells of a log, cut where the prices of a table change.

    They are cut at the price days of the models of good rows, and by time of day only for those models that have such
    prices: every cut multiplies the cells.

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
    billing_zone : str
        IANA name of the time zone whose months are told apart.
    cells_of : callable, optional
        A faster way than ``rows_of`` to get the cells.
    codes : mapping, optional
        What the numbers in columns such as ``task_code`` mean; cells are found by them, and ``cells_of`` knows them.
    likely : sequence of (model,) or (model, provider)
        What some rows of the log name. It is cut for these at once; for all that it names, again, where that is not
        the same.
    beside : Cube, optional
        A cube that the result is to be added to; the log is cut where that one is, too.
    """
    get = cells_of or (lambda query, cuts: cells_of_rows(rows_of(query), cuts))
    names = [name for name in ("model", "provider") if name not in absent]
    sizes, edges = tuple(find.table.thresholds), tuple(time_us(edge) for edge in find.table.day_edges)
    if beside is not None:
        sizes, edges = (tuple(sorted({*a, *b})) for a, b in ((sizes, beside.thresholds), (edges, beside.day_edges_us)))

    def cuts_for(spelled: Iterable[Sequence[Any]]) -> tuple[tuple[int, ...], list[str]]:
        """Where to cut for the prices of these models, and those of them with prices by the hour."""
        listed = [(row[0], find(name_or_none(row[0]), name_or_none(row[1]) if row[1:] else None)) for row in spelled]
        known = [(name, model) for name, model in listed if not isinstance(model, str)]
        days = {day for _, model in known for day in model.since_days()}
        cuts = cut_instants(*span_us, days, billing_zone, beside.cuts_us if beside else ())
        return cuts, sorted({name for name, model in known if model.hourly})

    def ask(cuts: tuple[int, ...], hourly: list[str]) -> Cube:
        query = partial(cells, log, cuts, edges, sizes, absent, hourly=hourly, coded=codes)
        found = get(query(in_doubles=bool(codes)), cuts)
        if codes and any(int(found.columns[name].max(initial=0)) >= MAX_DOUBLE for name in SUMS):
            found = get(query(in_doubles=False), cuts)
        return Cube(cells=found, cuts_us=cuts, day_edges_us=edges, thresholds=sizes, billing_zone=billing_zone)

    coded = [(name,) for name in codes["model"].values()] if names == ["model"] and "model" in codes else None
    if coded or likely:
        at_us, hourly = cuts_for(coded or likely)
        cube = ask(at_us, hourly)
        met = cuts_for(cube.cells.pairs()[0])
        if coded:  # which may name models of faulty rows alone
            return cube if met[0] == at_us else ask(met[0], hourly)
        if met == (at_us, []):
            return cube
    good = log.filter(~nw.col("faulty"))
    return ask(*cuts_for(rows_of(good.group_by(*names).agg(nw.len()).select(*names))))


def cells_of_rows(rows: Iterable[Sequence[Any]], cuts: Sequence[int]) -> Cells:
    """Rows of ``cells`` as Cells; those whose names differ by blanks only are added up."""
    return Cells.of_rows((*row[:3], since_us(row[3], cuts), *row[4:]) for row in rows)


def since_us(epoch: int, cuts: Sequence[int]) -> int | None:
    """The start of an epoch, None where the time is unknown. [us]"""
    return None if epoch == UNKNOWN_TIME else cuts[epoch - 1]


SizesOf = Callable[[nw.LazyFrame[Any], int], Histograms]
"""Runs a query of ``histograms`` in its engine, for one side, and returns them."""


def count_sizes(log: nw.LazyFrame[Any], rows_of: RowsOf, sizes_of: SizesOf | None = None) -> Histograms:
    """The histograms of a log, by task and model; ``sizes_of`` is a faster way than ``rows_of`` to get them."""

    def by_rows(query: nw.LazyFrame[Any], side: int) -> Histograms:
        return Histograms.of_rows(
            (task, model, side, int(bucket), int(calls)) for task, model, bucket, calls in rows_of(query)
        )

    get = sizes_of or by_rows
    return Histograms.joined(
        [get(histograms(log, tokens), side) for tokens, side in (("size", INPUT), ("output_tokens", OUTPUT))]
    )


def _total(names: Sequence[str]) -> nw.Expr:
    """The sum of a row's counts of these names."""
    total = nw.col(names[0])
    for name in names[1:]:
        total = total + nw.col(name)
    return total


def _day_part(edges: Sequence[int], hourly: Collection[str] | None) -> nw.Expr:
    """The part of the day of a call, for some models or for all."""
    if hourly is not None and not hourly:
        return nw.lit(UNKNOWN_TIME)
    if not edges:
        return nw.lit(0)
    known = ~nw.col("at_us").is_null()
    if hourly is not None:
        known = known & nw.col("model").is_in(sorted(hourly))
    part = _intervals(lambda edge: nw.col("time_us") < edge, edges)
    return nw.when(known).then(part).otherwise(nw.lit(UNKNOWN_TIME))


def _intervals(below: Callable[[int], nw.Expr], edges: Sequence[int], offset: int = 0) -> nw.Expr:
    """In which interval between ascending edges a value lies, as a balanced tree of comparisons."""
    if not edges:
        return nw.lit(offset)
    half = len(edges) // 2
    left = _intervals(below, edges[:half], offset)
    right = _intervals(below, edges[half + 1 :], offset + half + 1)
    return nw.when(below(edges[half])).then(left).otherwise(right)
