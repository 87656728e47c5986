"""What a cube costs, exactly: integer token sums times decimal prices, one price per kind of cell."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from breakeven.catalogue.prices import (
    BATCH,
    ListModel,
    TokenRates,
    mean_token_rates,
    token_rates,
)
from breakeven.catalogue.table import PriceTable
from breakeven.errors import LogError, PriceNotFoundError
from breakeven.usage.calls import COST_ONLY, GATEWAY_CACHE, LONG_CONTEXT
from breakeven.usage.cube import Cell, Cube, midnight_us, time_us
from breakeven.usage.models import Finder

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

STANDARD = "no price for that is on record, so they are priced at the standard rate"
EVEN = "are priced as if spread evenly over the day, which its price depends on"

LONG_CONTEXT_TOKENS = 200_001
"""Input of a request that a report counts as long: above 200k, where the report draws the line. [tokens]"""

DIGITS = 60
"""Enough that a product of a token sum and a price, and any sum of them, is exact."""


@dataclass(frozen=True)
class Bill:
    """
    The price of each cell of a cube, in the cube's order.

    usd : None where it is unknown. [USD]
    reasons : why a price is unknown, "" where it is known.
    priced_as : ``provider/model`` of the list price used, "" where none was.
    notes : what was assumed, in whole sentences.
    rates : prices per token, None where it costs nothing or its price is unknown.
    """

    usd: tuple[Decimal | None, ...]
    reasons: tuple[str, ...]
    priced_as: tuple[str, ...]
    notes: tuple[str, ...]
    rates: tuple[TokenRates | None, ...] = ()

    @property
    def total_usd(self) -> Decimal:
        """Sum of the known prices: the least the log cost. [USD]"""
        with localcontext() as context:
            context.prec = DIGITS
            return sum((usd for usd in self.usd if usd is not None), Decimal(0))


@dataclass(frozen=True, slots=True)
class _Tariff:
    """What one kind of cell is billed by: rates or the reason there are none, the model, and what was assumed."""

    rates: TokenRates | None = None
    reason: str = ""
    priced_as: str = ""
    assumed: str = ""


def price_cube(cube: Cube, table: PriceTable | Finder, as_of: dt.date) -> Bill:
    """
    What the calls of a cube cost at the list prices of their time.

    Parameters
    ----------
    cube : Cube
        Cut where this table's prices change.
    table : PriceTable or Finder
        List prices, with the user's own laid over them.
    as_of : date
        The day whose prices calls without a time are billed at.

    Returns
    -------
    Bill
        A call without a model, or of a model without token prices, has no price. Failed calls without tokens and
        answers from a gateway's own cache cost 0.

    Raises
    ------
    LogError
        The table's prices change on a day or at a size where the cube was not cut: the log must be read again.
    """
    return _bill(cube, table if isinstance(table, Finder) else Finder(table), as_of, None)


def reprice(cube: Cube, table: PriceTable, as_of: dt.date, model: ListModel) -> Bill:
    """
    What the same calls would have cost with another model, token for token. As ``price_cube`` otherwise.

    Where that model's price depends on the time of day and the cube was not cut there, calls are taken as spread
    evenly over the day, and a note says so.
    """
    return _bill(cube, Finder(table), as_of, model)


def _bill(cube: Cube, find: Finder, as_of: dt.date, model: ListModel | None) -> Bill:
    _check_cuts(cube, find.table)
    tariffs: dict[tuple[object, ...], _Tariff] = {}
    used: list[_Tariff] = []
    assumed: Counter[tuple[str, str]] = Counter()
    without_time = 0
    for cell in cube.cells:
        tariff = _FREE
        if not _is_free(cell):
            key = cell[1:8]
            if key not in tariffs:
                tariffs[key] = _tariff(cube, cell, find.table, as_of, model or find(cell.model, cell.provider))
            tariff = tariffs[key]
        used.append(tariff)
        if tariff.assumed:
            assumed[tariff.assumed, tariff.priced_as] += cell.calls
        if cell.since_us is None and tariff.rates is not None:
            without_time += cell.calls
    with localcontext() as context:
        context.prec = DIGITS
        usd = tuple(_cost(cell, tariff) for cell, tariff in zip(cube.cells, used, strict=True))
    notes = [f"{_some(calls)} priced as {name} {what}" for (what, name), calls in sorted(assumed.items())]
    if without_time:
        notes.append(f"{without_time:,} calls without a time were priced as of {as_of}")
    return Bill(
        usd=usd,
        reasons=tuple(tariff.reason for tariff in used),
        priced_as=tuple(tariff.priced_as for tariff in used),
        notes=tuple(notes),
        rates=tuple(tariff.rates for tariff in used),
    )


def _some(calls: int) -> str:
    return f"{calls:,} calls" if calls else "calls of unknown number"


_FREE = _Tariff()


def _is_free(cell: Cell) -> bool:
    """Whether nobody bills this cell: answers from a gateway's cache, failed calls without tokens."""
    return cell.service_tier == GATEWAY_CACHE or not (cell.ok or any(cell[11:16]))


def _cost(cell: Cell, tariff: _Tariff) -> Decimal | None:
    """Price of a cell; None where it is unknown. [USD]"""
    rates = tariff.rates
    if rates is None:
        return None if tariff.reason else Decimal(0)
    return (
        cell.input_tokens * rates.input
        + cell.cache_read_tokens * rates.cache_read
        + cell.cache_write_short_tokens * rates.cache_write_short
        + cell.cache_write_long_tokens * rates.cache_write_long
        + (cell.output_tokens - cell.reasoning_tokens) * rates.output
        + cell.reasoning_tokens * rates.reasoning
        + cell.calls * rates.request
    )


def _tariff(cube: Cube, cell: Cell, table: PriceTable, as_of: dt.date, model: ListModel | str) -> _Tariff:
    if cell.service_tier == COST_ONLY:
        return _Tariff(reason="the log states its cost and no token counts")
    if isinstance(model, str):
        return _Tariff(reason=model)
    if cell.service_tier == "provisioned_throughput":
        return _Tariff(reason="provisioned throughput is not billed by tokens")
    size = cube.thresholds[cell.tier - 1] + 1 if cell.tier else 0
    if cell.service_tier == LONG_CONTEXT:
        size = LONG_CONTEXT_TOKENS
    at = _instant(cube, cell) or dt.datetime.combine(as_of, dt.time(), dt.UTC)
    context, assumed = _context(model, cell, at)
    try:
        if cell.since_us is not None and cube.day_edges_us:
            rates = token_rates(model, at, size, context)
        else:
            rates = mean_token_rates(model, at.date(), size, context)
    except PriceNotFoundError as error:
        return _Tariff(reason=str(error))
    if not assumed and cell.since_us is not None and not cube.day_edges_us and len(model.day_parts()) > 1:
        assumed = EVEN
    return _Tariff(rates=rates, priced_as=model.id, assumed=assumed)


def _instant(cube: Cube, cell: Cell) -> dt.datetime | None:
    """An instant inside the cell's epoch and part of the day, None where its time is unknown."""
    if cell.since_us is None:
        return None
    start = cube.day_edges_us[cell.day_part - 1] if cell.day_part else 0
    return EPOCH + dt.timedelta(microseconds=cell.since_us + start)


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


def _check_cuts(cube: Cube, table: PriceTable) -> None:
    """Raise LogError where the table's prices change inside an interval of the cube."""
    last = max((cell.last_us for cell in cube.cells if cell.last_us is not None), default=None)
    if cube.cuts_us and last is not None:
        days = [day for day in table.since_days if cube.cuts_us[0] <= midnight_us(day) <= last]
        uncut = [str(day) for day in days if midnight_us(day) not in cube.cuts_us]
    else:
        uncut = []
    if cube.day_edges_us:
        uncut += [f"{edge} UTC" for edge in table.day_edges if time_us(edge) not in cube.day_edges_us]
    uncut += [f"{threshold:,} input tokens" for threshold in table.thresholds if threshold not in cube.thresholds]
    if uncut:
        raise LogError(
            f"These prices change at {', '.join(uncut)}, where this log was not cut; read it again with them"
        )
