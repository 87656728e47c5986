"""
What a cube costs, exactly: integer token sums times decimal prices, one price per kind of cell.

Cells are sorted into kinds by arrays, each kind is priced once, and its token sums are added as whole numbers, so
that a cube of millions of cells is priced in a second and to the last digit. Prices are taken at the time of a cell's
calls: where a price changes between its first and its last call, in the middle of its part of the day or of its
interval of sizes, the cube does not say how many calls fall on each side. Such a cell has no price, and the bill says
from which logs' cube to build again.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from breakeven.catalogue.prices import BATCH, ListModel, TokenRates, mean_token_rates, token_rates
from breakeven.catalogue.table import PriceTable
from breakeven.errors import PriceNotFoundError
from breakeven.usage.calls import BUCKETS, COST_ONLY, GATEWAY_CACHE, LONG_CONTEXT
from breakeven.usage.cells import UNKNOWN_TIME, Array, Cell, Cells, distinct, group_sums, packed
from breakeven.usage.cube import Cube
from breakeven.usage.cuts import EPOCH, midnight_us, time_us
from breakeven.usage.models import Finder
from breakeven.usage.timing import DAY_US

STANDARD = "no price for that is on record, so they are priced at the standard rate"
EVEN = "are priced as if spread evenly over the day, which its price depends on"

LONG_CONTEXT_TOKENS = 200_001
"""Input of a request that a report counts as long: above 200k, where the report draws the line. [tokens]"""

DIGITS = 60
"""Enough that a product of a token sum and a price, and any sum of them, is exact."""

COUNTS = (*BUCKETS, "reasoning_tokens", "calls")

Chooser = Callable[[str | None, str | None], ListModel | str]
"""Model and provider as logged -> the listed model to price as, or why there is none."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """
    What one kind of cell is billed by.

    rates : None where there are none; then ``reason`` says why, or the cell costs nothing.
    priced_as : ``provider/model`` of the list price used.
    assumed : what was assumed, "" if nothing.
    uncut : where the price changes though the cube is not cut there, "" if nowhere.
    """

    rates: TokenRates | None = None
    reason: str = ""
    priced_as: str = ""
    assumed: str = ""
    uncut: str = ""

    def usd(self, counts: Iterable[int]) -> Decimal | None:
        """Price of these ``COUNTS``; None where it is unknown. [USD]"""
        rates = self.rates
        if rates is None:
            return None if self.reason else Decimal(0)
        fresh, read, short, long, output, reasoning, calls = counts
        return (
            fresh * rates.input
            + read * rates.cache_read
            + short * rates.cache_write_short
            + long * rates.cache_write_long
            + (output - reasoning) * rates.output
            + reasoning * rates.reasoning
            + calls * rates.request
        )


@dataclass(frozen=True, slots=True)
class Uncut:
    """Calls without a price because the cube is not cut where their price changes: the log must be read again."""

    model: str
    where: str
    calls: int
    rows: int


@dataclass(frozen=True, eq=False)
class Bill:
    """
    The price of each cell of a cube, in the cube's order.

    total_usd : sum of the known prices: the least the log cost. [USD]
    unpriced_rows : log rows without a price.
    notes : what was assumed, in whole sentences.
    uncut : calls that a newly built cube would price, by model.
    cells, tariffs, tariff_of : what was priced; the kinds of cell; for each cell the number of its kind.
    """

    total_usd: Decimal
    unpriced_rows: int
    notes: tuple[str, ...]
    uncut: tuple[Uncut, ...]
    cells: Cells = field(repr=False)
    tariffs: tuple[Tariff, ...] = field(repr=False)
    tariff_of: Array = field(repr=False)

    @cached_property
    def usd(self) -> tuple[Decimal | None, ...]:
        """The price of each cell, None where it is unknown. [USD]"""
        counts = zip(*(self.cells.columns[name].tolist() for name in COUNTS), strict=True)
        with localcontext() as context:
            context.prec = DIGITS
            return tuple(self.tariffs[kind].usd(each) for kind, each in zip(self.tariff_of, counts, strict=True))

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why the price of each cell is unknown, "" where it is known."""
        return tuple(self.tariffs[kind].reason for kind in self.tariff_of)

    @cached_property
    def rates(self) -> tuple[TokenRates | None, ...]:
        """Prices per token of each cell, None where it costs nothing or its price is unknown. [USD/token]"""
        return tuple(self.tariffs[kind].rates for kind in self.tariff_of)

    @cached_property
    def priced_as(self) -> tuple[str, ...]:
        """``provider/model`` of the list price of each cell, "" where none was used."""
        return tuple(self.tariffs[kind].priced_as for kind in self.tariff_of)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bill):
            return NotImplemented
        parts = ("total_usd", "unpriced_rows", "notes", "uncut", "usd", "reasons", "priced_as")
        return all(getattr(self, name) == getattr(other, name) for name in parts)


def price_cube(cube: Cube, table: PriceTable | Finder, as_of: dt.date) -> Bill:
    """
    What the calls of a cube cost at the list prices of their time.

    Parameters
    ----------
    cube : Cube
        Of any catalogue; what this one would have cut further and now cannot price is in ``Bill.uncut``.
    table : PriceTable or Finder
        List prices, with the user's own laid over them.
    as_of : date
        The day whose prices calls without a time are billed at.

    Returns
    -------
    Bill
        A call without a model, or of a model without token prices, has no price. Failed calls without tokens and
        answers from a gateway's own cache cost 0.
    """
    return _bill(cube, table if isinstance(table, Finder) else Finder(table), as_of, whole_days=False)


def reprice(cube: Cube, table: PriceTable, as_of: dt.date, model: ListModel) -> Bill:
    """
    What the same calls would have cost with another model, token for token. As ``price_cube`` otherwise.

    Where that model's price depends on the time of day and cells hold whole days, calls are taken as spread evenly
    over the day, and a note says so.
    """
    return _bill(cube, lambda _model, _provider: model, as_of, whole_days=True)


def what_if(cube: Cube, table: PriceTable, as_of: dt.date, models: Iterable[ListModel]) -> dict[str, Bill]:
    """
    ``reprice`` for many models: ``provider/model`` -> bill. The bills are of the cube added up over its tasks.

    The cells are added up once over everything but what any price can depend on, so that each model takes a
    millisecond or so; totals are those of ``reprice``, to the last digit.
    """
    small = replace(cube, cells=_added_up(cube.cells, table))
    return {model.id: reprice(small, table, as_of, model) for model in models}


def _added_up(cells: Cells, table: PriceTable) -> Cells:
    """Cells without task, model and provider; those whose calls lie between other price days stay apart."""
    days = np.array([midnight_us(day) for day in table.since_days], np.int64)
    periods = [np.searchsorted(days, cells.columns[name], "right") for name in ("first_us", "last_us")]
    silent = cells.columns["output_tokens"] == 0
    codes, _ = distinct(packed([cells.columns["since_us"], *periods, ~_is_free(cells), silent]))
    groups = np.arange(int(codes.max()) + 1) if len(cells) else np.arange(0)
    values = cells.values | {"task": tuple(f"{group}" for group in groups), "model": (None,), "provider": (None,)}
    none = np.zeros(len(cells), np.int32)
    return Cells.of(cells.columns | {"task": codes, "model": none, "provider": none}, values)


def _bill(cube: Cube, choose: Chooser, as_of: dt.date, *, whole_days: bool) -> Bill:
    cells = cube.cells
    columns = cells.columns
    pairs, pair_of = cells.pairs()
    chosen = [choose(*pair) for pair in pairs]
    timed = columns["first_us"] != UNKNOWN_TIME
    first, last = _periods(cells, chosen, pair_of, as_of)
    keys = [pair_of, first, last, timed, *(columns[name] for name in ("day_part", "tier", "batch", "service_tier"))]
    input_only = np.array([not isinstance(model, str) and model.input_only for model in chosen], np.bool_)
    silent = input_only[pair_of] & (columns["output_tokens"] == 0)
    kinds, where = distinct(packed([*keys, _is_free(cells), silent]))
    tariffs = [_tariff(cube, cells[int(at)], chosen[pair_of[at]], as_of, whole_days=whole_days) for at in where]
    sums = list(zip(*(group_sums(columns[name], kinds, len(tariffs)) for name in COUNTS), strict=True))
    rows = group_sums(columns["rows"], kinds, len(tariffs))
    assumed: Counter[tuple[str, str]] = Counter()
    uncut: dict[tuple[str, str], list[int]] = {}
    without_time = unpriced = 0
    total = Decimal(0)
    with localcontext() as context:
        context.prec = DIGITS
        for tariff, counts, in_rows, at in zip(tariffs, sums, rows, where, strict=True):
            usd, calls = tariff.usd(counts), counts[-1]
            total += usd or 0
            unpriced += in_rows if usd is None else 0
            if tariff.assumed:
                assumed[tariff.assumed, tariff.priced_as] += calls
            if tariff.uncut:
                met = uncut.setdefault((tariff.priced_as, tariff.uncut), [0, 0])
                met[0], met[1] = met[0] + calls, met[1] + in_rows
            if tariff.rates is not None and not timed[at]:
                without_time += calls
    notes = [f"{_some(calls)} priced as {name} {what}" for (what, name), calls in sorted(assumed.items())]
    if without_time:
        notes.append(f"{without_time:,} calls without a time were priced as of {as_of}")
    missed = tuple(Uncut(*names, *counted) for names, counted in sorted(uncut.items()))
    notes += [
        f"{_some(each.calls)} of {each.model} have no price: it changes at {each.where}, where the cube is not cut;"
        " build the cube again from its logs"
        for each in missed
    ]
    return Bill(total, unpriced, tuple(notes), missed, cells, tuple(tariffs), kinds)


def _some(calls: int) -> str:
    return f"{calls:,} calls" if calls else "calls of unknown number"


def _is_free(cells: Cells) -> Array:
    """Whether nobody bills a cell: answers from a gateway's cache, failed calls without tokens."""
    tiers = np.array([tier == GATEWAY_CACHE for tier in cells.values["service_tier"]], np.bool_)
    tokens = np.zeros(len(cells), np.bool_)
    for name in BUCKETS:
        tokens |= cells.columns[name] > 0
    return tiers[cells.columns["service_tier"]] | ~(cells.columns["ok"] | tokens)


def _periods(cells: Cells, chosen: list[ListModel | str], pair_of: Array, as_of: dt.date) -> tuple[Array, Array]:
    """For each cell the number of its model's price days at or before its first call, and before its last."""
    own = [[] if isinstance(model, str) else model.since_days() for model in chosen]
    days = sorted({day for each in own for day in each})
    instants = np.array([midnight_us(day) for day in days], np.int64)
    passed = np.zeros((len(chosen), len(days) + 1), np.int64)
    for number, each in enumerate(own):
        passed[number, 1:] = np.cumsum([day in each for day in days]) if days else ()
    found = []
    for name in ("first_us", "last_us"):
        at_us = cells.columns[name]
        if (at_us == UNKNOWN_TIME).any():
            at_us = np.where(at_us == UNKNOWN_TIME, midnight_us(as_of), at_us)
        found.append(passed[pair_of, np.searchsorted(instants, at_us, "right")])
    return found[0], found[1]


_FREE = Tariff()


def _tariff(cube: Cube, cell: Cell, model: ListModel | str, as_of: dt.date, *, whole_days: bool) -> Tariff:
    """The tariff of every cell alike in model, period, size, hours, batch and service tier, from one of them."""
    if cell.service_tier == GATEWAY_CACHE or not (cell.ok or any(cell[11:16])):
        return _FREE
    if cell.service_tier == COST_ONLY:
        return Tariff(reason="the log states its cost and no token counts")
    if isinstance(model, str):
        return Tariff(reason=model)
    if cell.service_tier == "provisioned_throughput":
        return Tariff(reason="provisioned throughput is not billed by tokens")
    days = [as_of]
    if cell.first_us is not None and cell.last_us is not None:
        days = [_day(cell.first_us)]
        days += [day for day in model.since_days() if cell.first_us < midnight_us(day) <= cell.last_us]
    least = cube.thresholds[cell.tier - 1] if cell.tier else -1
    most = cube.thresholds[cell.tier] if cell.tier < len(cube.thresholds) else None
    sizes = [least + 1, *(t + 1 for t in model.thresholds() if t > least and (most is None or t < most))]
    if cell.service_tier == LONG_CONTEXT:
        sizes = [LONG_CONTEXT_TOKENS]
    hours: list[dt.time | None] = [None]
    if model.hourly and cell.first_us is not None:
        hours = _hours(cube, cell, model, whole_days=whole_days)
    try:
        found = {
            (day, size, hour): _rates(model, cell, day, size, hour) for day in days for size in sizes for hour in hours
        }
    except PriceNotFoundError as error:
        return Tariff(reason=str(error))
    (rates, assumed), *others = found.values()
    if any(other != rates for other, _ in others):
        uncut = _where(found)
        reason = f"the price changes at {uncut}, where the cube is not cut; build it again from its logs"
        return Tariff(reason=reason, priced_as=model.id, uncut=uncut)
    if not assumed and hours == [None] and model.hourly and cell.first_us is not None:
        assumed = EVEN
    return Tariff(rates=rates, priced_as=model.id, assumed=assumed)


def _hours(cube: Cube, cell: Cell, model: ListModel, *, whole_days: bool) -> list[dt.time | None]:
    """A time in each part of the day with its own price that the calls of a cell may lie in; None for all day."""
    if cell.day_part == UNKNOWN_TIME:
        return [None] if whole_days else [start for start, _ in model.day_parts()]
    edges = (0, *cube.day_edges_us, DAY_US)
    start, end = edges[cell.day_part], edges[cell.day_part + 1]
    return [_time(start), *(part for part, _ in model.day_parts() if start < time_us(part) < end)]


def _rates(model: ListModel, cell: Cell, day: dt.date, size: int, hour: dt.time | None) -> tuple[TokenRates, str]:
    """The rates of a cell at a time and size, and what was assumed."""
    at = dt.datetime.combine(day, hour or dt.time(), dt.UTC)
    context, assumed = _context(model, cell, at)
    silent = cell.output_tokens == 0 and model.input_only
    if hour is None:
        return mean_token_rates(model, day, size, context, no_output=silent), assumed
    return token_rates(model, at, size, context, no_output=silent), assumed


def _where(found: Mapping[tuple[Any, ...], tuple[TokenRates, str]]) -> str:
    """In words, at which days, sizes and hours the rates of a cell change."""
    words = []
    for place, name in enumerate(("{}", "{:,} input tokens", "{} UTC")):
        by_rest: dict[tuple[Any, ...], list[tuple[Any, TokenRates]]] = {}
        for key, (rates, _) in found.items():
            by_rest.setdefault((*key[:place], *key[place + 1 :]), []).append((key[place], rates))
        changes = {
            point - 1 if place == 1 else point
            for line in by_rest.values()
            for (_, before), (point, after) in pairwise(line)
            if before != after
        }
        words += [name.format(change) for change in sorted(changes)]
    return ", ".join(words)


def _context(model: ListModel, cell: Cell, at: dt.datetime) -> tuple[Mapping[str, str] | None, str]:
    """The facts that select a published price of the model, and what has none ("" if nothing)."""
    if cell.batch:
        return (BATCH, "") if model.has_variant(at, BATCH) else (None, f"were sent in batches; {STANDARD}")
    if cell.service_tier in (None, LONG_CONTEXT):
        return None, ""
    for key in ("service_tier", "speed"):
        context = {key: cell.service_tier}
        if model.has_variant(at, context):
            return context, ""
    return None, f"were served in tier {cell.service_tier!r}; {STANDARD}"


def _day(at_us: int) -> dt.date:
    return (EPOCH + dt.timedelta(microseconds=at_us)).date()


def _time(at_us: int) -> dt.time:
    return (EPOCH + dt.timedelta(microseconds=at_us)).time()
