"""
What one listed model costs: its billable units at an instant, its tokens by bucket, a request as a whole.

Counts are named as genai-prices names them (``input_tokens``,
``cache_read_tokens``, ``web_searches`` ...) and may contain one another: a cached token is also an input token.
Each count is reduced to what its more specific priced counts leave over, then multiplied by its own price.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from breakeven.errors import InputError, PriceNotFoundError

if TYPE_CHECKING:
    from breakeven.catalogue.table import PriceTable

BATCH = {"processing": "batch"}
"""Context that selects a provider's batch price."""


@dataclass(frozen=True, slots=True)
class Rate:
    """
    Price of one billable unit.

    usd : price of ``per`` units while a request holds no more input tokens than the first tier. [USD]
    tiers : ``(above_input_tokens, usd)``, ascending; the whole request is billed at the highest tier it exceeds.
    since : first day of this price, None where the package gives none.
    """

    usd: Decimal
    per: int
    tiers: tuple[tuple[int, Decimal], ...] = ()
    since: dt.date | None = None

    def usd_per_unit(self, request_input_tokens: int = 0) -> Decimal:
        """Price of one unit in a request of this many input tokens, cached ones included. [USD]"""
        usd = self.usd
        for above, tier_usd in self.tiers:
            if request_input_tokens > above:
                usd = tier_usd
        return usd / self.per


@dataclass(frozen=True, slots=True)
class Entry:
    """Prices that hold from a day on (``since``), during part of each day (``daily``, UTC), or always."""

    rates: Mapping[str, Rate]
    since: dt.date | None = None
    daily: tuple[dt.time, dt.time] | None = None
    when: Mapping[str, str] = field(default_factory=dict)

    def holds(self, at: dt.datetime) -> bool:
        """Whether this entry is in force at an instant."""
        at = at.astimezone(dt.UTC)
        if self.since is not None:
            return at.date() >= self.since
        if self.daily is not None:
            start, end = self.daily
            return start <= at.time() < end if start <= end else not end <= at.time() < start
        return True


@dataclass(frozen=True, eq=False)
class ListModel:
    """
    One model as one provider sells it.

    entries : the last one in force wins; where none is, the first stands in, as in genai-prices.
    variants : partial prices for a request context (batch, service tier); the first in force wins per unit.
    minimums : least billed count per request.
    context_tokens : most tokens of one request, None where the list does not say.
    yours : name of the user's file that sets these prices, "" for a list price.
    """

    provider: str
    model: str
    name: str
    entries: tuple[Entry, ...]
    variants: tuple[Entry, ...] = ()
    minimums: Mapping[str, int] = field(default_factory=dict)
    deprecated: bool = False
    context_tokens: int | None = None
    yours: str = ""

    @property
    def id(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"

    def rates(self, at: dt.datetime, context: Mapping[str, str] | None = None) -> dict[str, Rate]:
        """
        Price of every unit at an instant.

        Parameters
        ----------
        at : datetime
            Time of the request, with a time zone.
        context : mapping, optional
            Facts of the request that select variants, e.g. ``BATCH`` or ``{"service_tier": "flex"}``.
        """
        standing = next((entry for entry in reversed(self.entries) if entry.holds(at)), self.entries[0])
        rates = dict(standing.rates)
        if context:
            replaced: set[str] = set()
            for variant in self.variants:
                if variant.holds(at) and all(context.get(key) == value for key, value in variant.when.items()):
                    for unit, rate in variant.rates.items():
                        if unit not in replaced:
                            rates[unit] = rate
                            replaced.add(unit)
        return rates

    def has_variant(self, at: dt.datetime, context: Mapping[str, str]) -> bool:
        """Whether a price is published for this context at this instant."""
        return any(variant.when == context and variant.holds(at) for variant in self.variants)

    def first_day(self) -> dt.date | None:
        """The day its first price begins, None where it has always held."""
        undated = any(entry.since is None for entry in self.entries)
        return None if undated else min(entry.since for entry in self.entries if entry.since)

    @property
    def input_only(self) -> bool:
        """Whether it has no price of output tokens, ever, as an embedding model."""
        return not any("output_tokens" in entry.rates for entry in (*self.entries, *self.variants))

    @property
    def hourly(self) -> bool:
        """Whether its price depends on the time of day."""
        return any(entry.daily for entry in self.entries)

    def since_days(self) -> list[dt.date]:
        """Every day on which one of its prices begins, ascending."""
        return sorted({entry.since for entry in (*self.entries, *self.variants) if entry.since})

    def thresholds(self) -> list[int]:
        """Every number of input tokens above which one of its prices changes, ascending."""
        rates = (rate for entry in (*self.entries, *self.variants) for rate in entry.rates.values())
        return sorted({above for rate in rates for above, _ in rate.tiers})

    def day_parts(self) -> list[tuple[dt.time, Decimal]]:
        """Start of each part of the day with its own price, and that part's share of the day. [1]"""
        edges = sorted({dt.time(0)} | {time for entry in self.entries for time in entry.daily or ()})
        seconds = [edge.hour * 3600 + edge.minute * 60 + edge.second for edge in edges] + [86400]
        return [(edge, Decimal(seconds[i + 1] - seconds[i]) / 86400) for i, edge in enumerate(edges)]


@dataclass(frozen=True, slots=True)
class TokenRates:
    """
    Price per token of the disjoint buckets a call is billed in, and per request. [USD]

    Every bucket has a price: what the provider does not price apart costs what contains it (a cached token
    without a cache price is an input token). ``None`` throughout is not used; a model without an input or
    output price has no TokenRates at all, but for calls of which it is known that they have no output.
    """

    input: Decimal
    cache_read: Decimal
    cache_write_short: Decimal
    cache_write_long: Decimal
    output: Decimal
    reasoning: Decimal
    request: Decimal = Decimal(0)


BUCKET_COUNTS: Mapping[str, tuple[str, ...]] = {
    "input": ("input_tokens",),
    "cache_read": ("input_tokens", "cache_read_tokens"),
    "cache_write_short": ("input_tokens", "cache_write_tokens", "cache_write_5m_tokens"),
    "cache_write_long": ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    "output": ("output_tokens",),
    "reasoning": ("output_tokens", "output_reasoning_tokens"),
}
"""The counts of genai-prices that one token of each bucket adds to."""


def charge_usd(
    table: "PriceTable",
    model: ListModel,
    counts: Mapping[str, int | Decimal],
    at: dt.datetime,
    context: Mapping[str, str] | None = None,
) -> Decimal:
    """
    What one request costs, exactly. [USD]

    Parameters
    ----------
    counts : mapping
        Billable unit -> count, containers included: 10 cached of 30 input tokens are
        ``{"input_tokens": 30, "cache_read_tokens": 10}``. A unit without a price adds nothing of its own; its
        tokens are billed through the unit that contains it.

    Raises
    ------
    InputError
        More specific counts exceed the count that contains them.
    """
    rates = model.rates(at, context)
    billed = {unit: max(count, model.minimums.get(unit, 0)) if count else 0 for unit, count in counts.items()}
    left: dict[str, int | Decimal] = {}
    for unit in sorted(rates, key=lambda key: (-len(table.units[key]), key)):
        inside = [other for other in left if table.units[unit] < table.units[other]]
        left[unit] = 1 if unit == "requests" else billed.get(unit, 0) - sum(left[other] for other in inside)
        if left[unit] < 0:
            raise InputError(f"{', '.join(inside)} exceed the {unit} ({billed.get(unit, 0)}) that contain them", unit)
    size = int(counts.get("input_tokens", 0))
    return sum((rates[unit].usd_per_unit(size) * count for unit, count in left.items()), Decimal(0))


def token_rates(
    model: ListModel,
    at: dt.datetime,
    request_input_tokens: int = 0,
    context: Mapping[str, str] | None = None,
    *,
    no_output: bool = False,
) -> TokenRates:
    """
    The price of one token of each bucket, in a request of this size, at this instant.

    Parameters
    ----------
    no_output : bool
        Whether the rates are for calls without any output: then a price of output is not needed, and 0 stands for it.

    Raises
    ------
    PriceNotFoundError
        The model has no price for input or output tokens (an embedding, speech or image model).
    """
    rates = model.rates(at, context)
    for unit in ("input_tokens",) if no_output else ("input_tokens", "output_tokens"):
        if unit not in rates:
            raise PriceNotFoundError(f"{model.id} has no list price for {unit.replace('_', ' ')}", "model")

    def bucket(name: str) -> Decimal:
        priced = [unit for unit in BUCKET_COUNTS[name] if unit in rates]
        return rates[priced[-1]].usd_per_unit(request_input_tokens) if priced else Decimal(0)

    request = rates["requests"].usd_per_unit(request_input_tokens) if "requests" in rates else Decimal(0)
    return TokenRates(**{name: bucket(name) for name in BUCKET_COUNTS}, request=request)


def mean_token_rates(
    model: ListModel,
    day: dt.date,
    request_input_tokens: int = 0,
    context: Mapping[str, str] | None = None,
    *,
    no_output: bool = False,
) -> TokenRates:
    """
    ``token_rates`` for a day, calls spread evenly over its 24 hours.

    Equal to the price of any instant except for the few models whose price depends on the time of day.
    """
    parts = [
        (token_rates(model, at, request_input_tokens, context, no_output=no_output), share)
        for at, share in ((dt.datetime.combine(day, start, dt.UTC), share) for start, share in model.day_parts())
    ]
    if len(parts) == 1:
        return parts[0][0]
    names = (*BUCKET_COUNTS, "request")
    return TokenRates(**{name: sum(getattr(rates, name) * share for rates, share in parts) for name in names})
