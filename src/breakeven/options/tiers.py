"""A model's prices by the size of the request, for callers whose calls differ in size: announced changes by day."""

import datetime as dt
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.records import Source
from breakeven.options.hosted import MTOK, TokenPrices, list_prices

Row = tuple[float, float, float, float, float]
"""Of input, cached input, cache writes and output [USD/token], and of a request [USD/call]."""


class Tiers(NamedTuple):
    """
    Prices by size of the request.

    above : a request of more input tokens than ``above[k]`` is billed whole at ``rows[k + 1]``. [tokens]
    origin : where the prices come from, as people read it.
    """

    above: tuple[int, ...]
    rows: tuple[Row, ...]
    origin: str
    source: Source | None


def listed_tiers(catalogue: Catalogue, model: ListModel, day: dt.date, batch_share: float) -> Tiers:
    """
    A listed model's prices on a day, a share of the calls at its batch price where one is published.

    Raises PriceNotFoundError where the model has no price for input or output tokens.
    """
    entries = (*model.entries, *model.variants)
    above = tuple(sorted({size for entry in entries for rate in entry.rates.values() for size, _ in rate.tiers}))
    found = [list_prices(catalogue, model, day, size) for size in (0, *(edge + 1 for edge in above))]
    rows = tuple(_row(prices, batch_share) for prices, _ in found)
    return Tiers(above, rows, found[0][0].source_of(""), found[0][1])


def price_days(model: ListModel, as_of: dt.date) -> set[dt.date]:
    """Days after ``as_of`` on which the model's prices change, as announced."""
    return {entry.since for entry in (*model.entries, *model.variants) if entry.since and entry.since > as_of}


def _row(prices: TokenPrices, batch_share: float) -> Row:
    standard, batch = _usd(prices), _usd(prices.batch or prices)
    one, two, three, four, five = (
        (1.0 - batch_share) * each + batch_share * other for each, other in zip(standard, batch, strict=True)
    )
    return one, two, three, four, five


def _usd(prices: TokenPrices) -> tuple[float, ...]:
    """Prices per token; list prices have every bucket filled."""
    buckets = (prices.input, prices.cached_input, prices.cache_write, prices.output)
    return (*((usd or 0.0) / MTOK for usd in buckets), prices.request)
