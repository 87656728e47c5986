"""What a log says about each task: how many calls, how large, how they spread, and what they cost."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import numpy as np

from breakeven.usage.calls import BUCKETS, GATEWAY_CACHE, TOKENS
from breakeven.usage.cells import MAX_SUM, UNKNOWN_TIME, Array, Cells, distinct, group_sums, packed
from breakeven.usage.cube import Cube, middle
from breakeven.usage.cuts import EPOCH
from breakeven.usage.facts import TaskFacts
from breakeven.usage.group_costs import group_costs
from breakeven.usage.price import DIGITS, Bill
from breakeven.usage.sizes import INPUT, OUTPUT
from breakeven.usage.timing import DAY_US

NANO = Decimal("1e-9")

SHARES = (0.5, 0.95)
"""Quantiles of the sizes of calls. [1]"""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Totals of the disjoint buckets; ``reasoning`` lies inside ``output``. [tokens]"""

    input: int
    cache_read: int
    cache_write_short: int
    cache_write_long: int
    output: int
    reasoning: int

    @property
    def all_input(self) -> int:
        """Everything the model read, cached or not. [tokens]"""
        return self.input + self.cache_read + self.cache_write_short + self.cache_write_long


@dataclass(frozen=True, slots=True)
class Sizes:
    """Mean, median and 95th percentile of a call, quantiles to within 2.5 %; None without calls. [tokens]"""

    mean: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Month:
    """A billing month: ``YYYY-MM``, its calls, and their cost (None where no call with tokens has a price). [USD]"""

    month: str
    calls: int
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class TaskProfile:
    """
    One task on one model.

    model : as logged, None where the log does not say.
    priced_as : ``provider/model`` of the list prices used, "" where there are none; joined by ", " where several.
    calls : failed ones and answers from a gateway's cache included; 0 where the log does not say how many.
    failed : calls that failed.
    gateway_cached : calls a gateway answered from its own cache, not billed.
    months : ascending; calls without a time are in none of them.
    first, last : time of the first and last call, None where no time is known.
    span_days : from first to last. [days]
    tokens : totals over all calls. [tokens]
    input, output : sizes of those calls that succeeded and were billed; all input, cached or not. [tokens]
    output_spread : p95 / p50 of the output, None where p50 is 0. [1]
    cached_share : of all input tokens, read from the provider's cache; None without input. [1]
    batch_share : of the calls, sent in batches. [1]
    cost_usd : exact, of the calls that have a price; None where no call with tokens has one. [USD]
    reported_cost_usd : what the log states, for ``reported_calls`` of the calls; None where it states nothing. [USD]
    unpriced_calls, unpriced_reason : calls without a price and the commonest reason, "" where there are none.
    prefix_share : of the prompt characters of the task, on any model, a beginning shared with its other calls, see
        ``prefix.py``; None where the log holds no prompts. [1]
    facts : of the task on all its models.
    """

    task: str
    model: str | None
    priced_as: str
    calls: int
    failed: int
    gateway_cached: int
    months: tuple[Month, ...]
    first: dt.datetime | None
    last: dt.datetime | None
    span_days: float | None
    tokens: Tokens
    input: Sizes
    output: Sizes
    output_spread: float | None
    cached_share: float | None
    batch_share: float
    cost_usd: Decimal | None
    reported_cost_usd: Decimal | None
    reported_calls: int
    unpriced_calls: int
    unpriced_reason: str
    prefix_share: float | None
    facts: TaskFacts | None = None


@dataclass(frozen=True)
class _Groups:
    """
    The cells of a cube by task and model.

    of : for each cell the number of its group.
    first : for each group one of its cells.
    """

    cells: Cells
    of: Array
    first: Array

    def sums(self, name: str, where: Array | None = None) -> list[int]:
        """The sum of a count for each group, over some of the cells or all."""
        counts = self.cells.columns[name]
        return group_sums(counts if where is None else np.where(where, counts, 0), self.of, len(self.first))

    def ends(self, name: str, end: np.ufunc, unknown: int) -> list[int | None]:
        """The least or greatest known time of each group, None where none is known. [us]"""
        found = np.full(len(self.first), unknown, np.int64)
        known = self.cells.columns[name] != UNKNOWN_TIME
        end.at(found, self.of[known], self.cells.columns[name][known])
        return [None if at == unknown else at for at in found.tolist()]


def profiles(cube: Cube, bill: Bill, facts: Mapping[str, TaskFacts]) -> tuple[TaskProfile, ...]:
    """
    A profile of each task and model, the dearest first.

    Parameters
    ----------
    cube, bill
        The cube, and the price of each of its cells.
    facts : mapping
        Task -> what is known of it as a whole.
    """
    columns, values = cube.cells.columns, cube.cells.values
    groups = _Groups(cube.cells, *distinct(packed([columns["task"], columns["model"]])))
    tasks = [values["task"][code] for code in columns["task"][groups.first].tolist()]
    models = [values["model"][code] for code in columns["model"][groups.first].tolist()]
    is_cached = np.array([tier == GATEWAY_CACHE for tier in values["service_tier"]], np.bool_)
    calls, failed = groups.sums("calls"), groups.sums("calls", ~columns["ok"])
    gateway = groups.sums("calls", is_cached[columns["service_tier"]])
    batched = groups.sums("calls", columns["batch"])
    reported, reported_nano = groups.sums("reported_calls"), groups.sums("reported_cost_nano")
    tokens = [Tokens(*counts) for counts in zip(*(groups.sums(name) for name in TOKENS), strict=True)]
    good = list(zip(*(groups.sums(name, columns["ok"]) for name in BUCKETS), strict=True))
    ends = groups.ends("first_us", np.minimum, MAX_SUM), groups.ends("last_us", np.maximum, UNKNOWN_TIME)
    sizes = cube.histograms.quantiles(SHARES)
    costs, months = group_costs(bill, groups.of, len(tasks)), _months(groups, bill, cube.billing_zone)
    unpriced, priced_as = _unpriced(groups, bill), _priced_as(groups, bill)
    made = []
    for each, (task, model) in enumerate(zip(tasks, models, strict=True)):
        first, last = ends[0][each], ends[1][each]
        output = _sizes(good[each][-1], sizes.get((task, model, OUTPUT)))
        told = facts.get(task)
        made.append(
            TaskProfile(
                task=task,
                model=model,
                priced_as=priced_as[each],
                calls=calls[each],
                failed=failed[each],
                gateway_cached=gateway[each],
                months=months[each],
                first=_moment(first),
                last=_moment(last),
                span_days=(last - first) / DAY_US if first is not None and last is not None else None,
                tokens=tokens[each],
                input=_sizes(sum(good[each][:-1]), sizes.get((task, model, INPUT))),
                output=output,
                output_spread=output.p95 / output.p50 if output.p50 and output.p95 is not None else None,
                cached_share=tokens[each].cache_read / tokens[each].all_input if tokens[each].all_input else None,
                batch_share=batched[each] / calls[each] if calls[each] else 0.0,
                cost_usd=costs[each],
                reported_cost_usd=_usd(reported_nano[each]) if reported[each] or reported_nano[each] else None,
                reported_calls=reported[each],
                unpriced_calls=unpriced[each][1],
                unpriced_reason=unpriced[each][0],
                prefix_share=told.prompts.prefix_share if told and told.prompts else None,
                facts=told,
            )
        )
    return tuple(sorted(made, key=lambda each: (-(each.cost_usd or 0), -each.calls, each.task, each.model or "")))


def _sizes(total: int, found: tuple[int, tuple[int, ...]] | None) -> Sizes:
    if found is None:
        return Sizes(None, None, None)
    calls, (median, high) = found
    return Sizes(total / calls, middle(median), middle(high))


def _months(groups: _Groups, bill: Bill, billing_zone: str) -> list[tuple[Month, ...]]:
    """The months of each group, ascending."""
    zone = ZoneInfo(billing_zone)
    starts = [_moment(at_us) for at_us in groups.cells.values["since_us"]]
    names = ["" if at is None else f"{at.astimezone(zone):%Y-%m}" for at in starts]
    ordered = sorted(set(names))
    month_of = np.array([ordered.index(name) for name in names], np.intp)[groups.cells.columns["since_us"]]
    codes, first = distinct(packed([groups.of, month_of]))
    calls = group_sums(groups.cells.columns["calls"], codes, len(first))
    costs = group_costs(bill, codes, len(first))
    found: list[list[Month]] = [[] for _ in groups.first]
    for group, month, count, usd in zip(groups.of[first].tolist(), month_of[first].tolist(), calls, costs, strict=True):
        if ordered[month]:
            found[group].append(Month(ordered[month], count, usd))
    return [tuple(each) for each in found]


def _unpriced(groups: _Groups, bill: Bill) -> list[tuple[str, int]]:
    """The commonest reason for which calls of each group have no price, "" if none has it, and how many have none."""
    reasons = [tariff.reason if tariff.rates is None else "" for tariff in bill.tariffs]
    ordered = sorted(set(reasons))
    reason_of = np.array([ordered.index(reason) for reason in reasons], np.intp)[bill.tariff_of]
    codes, first = distinct(packed([groups.of, reason_of]))
    calls = group_sums(groups.cells.columns["calls"], codes, len(first))
    found: list[Counter[str]] = [Counter() for _ in groups.first]
    for group, reason, count in zip(groups.of[first].tolist(), reason_of[first].tolist(), calls, strict=True):
        if ordered[reason]:
            found[group][ordered[reason]] += count
    return [(min(each, key=lambda reason: (-each[reason], reason), default=""), each.total()) for each in found]


def _priced_as(groups: _Groups, bill: Bill) -> list[str]:
    """What each group is priced as, joined by ", "."""
    names = sorted({tariff.priced_as for tariff in bill.tariffs})
    place = {name: number for number, name in enumerate(names)}
    name_of = np.array([place[tariff.priced_as] for tariff in bill.tariffs], np.intp)[bill.tariff_of]
    _, first = distinct(packed([groups.of, name_of]))
    found: list[list[str]] = [[] for _ in groups.first]
    for group, name in zip(groups.of[first].tolist(), name_of[first].tolist(), strict=True):
        if names[name]:
            found[group].append(names[name])
    return [", ".join(each) for each in found]


def _usd(nano: int) -> Decimal:
    with localcontext() as context:
        context.prec = DIGITS
        return nano * NANO


def _moment(at_us: int | None) -> dt.datetime | None:
    return None if at_us is None else EPOCH + dt.timedelta(microseconds=at_us)
