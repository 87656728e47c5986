"""What a log says about each task: how many calls, how large, how they spread, and what they cost."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from breakeven.usage.calls import GATEWAY_CACHE
from breakeven.usage.cells import Cell
from breakeven.usage.cube import EPOCH, Cube, quantile
from breakeven.usage.facts import TaskFacts
from breakeven.usage.price import DIGITS, Bill
from breakeven.usage.sizes import Histogram

NANO = Decimal("1e-9")


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


@dataclass(slots=True)
class _Priced:
    """A cell and what the bill says of it."""

    cell: Cell
    usd: Decimal | None
    reason: str
    priced_as: str


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
    groups: dict[tuple[str, str | None], list[_Priced]] = defaultdict(list)
    for cell, usd, reason, priced_as in zip(cube.cells, bill.usd, bill.reasons, bill.priced_as, strict=True):
        groups[cell.task, cell.model].append(_Priced(cell, usd, reason, priced_as))
    zone = ZoneInfo(cube.billing_zone)
    sizes = {(histogram.task, histogram.model): histogram for histogram in cube.histograms}
    with localcontext() as context:
        context.prec = DIGITS
        made = [_profile(group, sizes.get(key), facts.get(key[0]), zone) for key, group in groups.items()]
    return tuple(sorted(made, key=lambda each: (-(each.cost_usd or 0), -each.calls, each.task, each.model or "")))


def _profile(group: list[_Priced], sizes: Histogram | None, facts: TaskFacts | None, zone: dt.tzinfo) -> TaskProfile:
    cells = [each.cell for each in group]
    good = [cell for cell in cells if cell.ok]
    calls = sum(cell.calls for cell in cells)
    tokens, answered = _tokens(cells), _tokens(good)
    first = min((cell.first_us for cell in cells if cell.first_us is not None), default=None)
    last = max((cell.last_us for cell in cells if cell.last_us is not None), default=None)
    unpriced: Counter[str] = Counter()
    for each in group:
        if each.usd is None:
            unpriced[each.reason] += each.cell.calls
    reported_calls = sum(cell.reported_calls for cell in cells)
    reported_nano = sum(cell.reported_cost_nano for cell in cells)
    input_calls, output_calls = (sizes.input_calls, sizes.output_calls) if sizes else ((), ())
    output = _sizes(answered.output, output_calls)
    return TaskProfile(
        task=cells[0].task,
        model=cells[0].model,
        priced_as=", ".join(sorted({each.priced_as for each in group} - {""})),
        calls=calls,
        failed=sum(cell.calls for cell in cells if not cell.ok),
        gateway_cached=sum(cell.calls for cell in cells if cell.service_tier == GATEWAY_CACHE),
        months=_months(group, zone),
        first=_moment(first),
        last=_moment(last),
        span_days=(last - first) / 86_400e6 if first is not None and last is not None else None,
        tokens=tokens,
        input=_sizes(answered.all_input, input_calls),
        output=output,
        output_spread=output.p95 / output.p50 if output.p50 and output.p95 is not None else None,
        cached_share=tokens.cache_read / tokens.all_input if tokens.all_input else None,
        batch_share=sum(cell.calls for cell in cells if cell.batch) / calls if calls else 0.0,
        cost_usd=_cost(group),
        reported_cost_usd=reported_nano * NANO if reported_calls or reported_nano else None,
        reported_calls=reported_calls,
        unpriced_calls=sum(unpriced.values()),
        unpriced_reason=min(unpriced, key=lambda reason: (-unpriced[reason], reason), default=""),
        prefix_share=facts.prompts.prefix_share if facts and facts.prompts else None,
        facts=facts,
    )


def _tokens(cells: list[Cell]) -> Tokens:
    columns = zip(*(cell[11:17] for cell in cells), strict=True)
    return Tokens(*(sum(column) for column in columns)) if cells else Tokens(0, 0, 0, 0, 0, 0)


def _sizes(total: int, counted: tuple[tuple[int, int], ...]) -> Sizes:
    calls = sum(calls for _, calls in counted)
    return Sizes(total / calls if calls else None, quantile(counted, 0.5), quantile(counted, 0.95))


def _cost(group: list[_Priced]) -> Decimal | None:
    """Cost of the cells that have a price; None where none of those with tokens has one. [USD]"""
    known = [each.usd for each in group if each.usd is not None]
    empty = all(each.usd is None or not any(each.cell[11:16]) for each in group)
    unknown = len(known) < len(group)
    return None if unknown and empty else sum(known, Decimal(0))


def _months(group: list[_Priced], zone: dt.tzinfo) -> tuple[Month, ...]:
    by_month: dict[str, list[_Priced]] = defaultdict(list)
    for each in group:
        since = _moment(each.cell.since_us)
        if since is not None:
            by_month[f"{since.astimezone(zone):%Y-%m}"].append(each)
    return tuple(
        Month(month, sum(each.cell.calls for each in within), _cost(within))
        for month, within in sorted(by_month.items())
    )


def _moment(at_us: int | None) -> dt.datetime | None:
    return None if at_us is None else EPOCH + dt.timedelta(microseconds=at_us)
