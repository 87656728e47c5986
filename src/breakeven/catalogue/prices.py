"""
List prices: which model a name means, and what its billable units cost at an instant.

Reads the document of ``genai.py``. Counts are named as genai-prices names them (``input_tokens``,
``cache_read_tokens``, ``web_searches`` ...) and may contain one another: a cached token is also an input token.
Each count is reduced to what its more specific priced counts leave over, then multiplied by its own price.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from breakeven.catalogue.genai import Document
from breakeven.errors import InputError, PriceNotFoundError, UnknownModelError, nearest

BATCH = {"processing": "batch"}
"""Context that selects a provider's batch price."""

DAY = dt.timedelta(days=1)


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


@dataclass(frozen=True)
class ListModel:
    """
    One model as one provider sells it.

    entries : the last one in force wins; where none is, the first stands in, as in genai-prices.
    variants : partial prices for a request context (batch, service tier); the first in force wins per unit.
    minimums : least billed count per request.
    yours : name of the user's file that sets these prices, "" for a list price.
    """

    provider: str
    model: str
    name: str
    entries: tuple[Entry, ...]
    variants: tuple[Entry, ...] = ()
    minimums: Mapping[str, int] = field(default_factory=dict)
    deprecated: bool = False
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
    output price has no TokenRates at all.
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


class PriceTable:
    """
    All list prices, with a user's own laid over them.

    Parameters
    ----------
    document : dict
        As made by ``genai.load_document``.
    own : mapping, optional
        Models of a user's price file by the name they are asked for; they win over the list.
    """

    def __init__(self, document: Document, own: Mapping[str, ListModel] | None = None) -> None:
        self.document = document
        self.own = {name.lower(): model for name, model in (own or {}).items()}
        self._providers = {provider["id"]: provider for provider in document["providers"]}
        self._models: dict[tuple[str, int], ListModel] = {}
        self._found: dict[tuple[str, str | None], ListModel] = {}

    @property
    def version(self) -> str:
        """Version of the package the prices come from."""
        return str(self.document["version"])

    @cached_property
    def units(self) -> Mapping[str, frozenset[tuple[str, str]]]:
        """Dimensions of each billable unit; a unit contains another whose dimensions include its own."""
        return {key: frozenset(unit["dimensions"].items()) for key, unit in self.document["units"].items()}

    def containers(self, unit: str) -> list[str]:
        """The units that count ``unit`` too, itself included: ``cache_read_tokens`` -> also ``input_tokens``."""
        return [other for other, dimensions in self.units.items() if dimensions <= self.units[unit]]

    @cached_property
    def since_days(self) -> list[dt.date]:
        """Every day on which some list price begins, ascending."""
        days = {
            entry["since"]
            for provider in self.document["providers"]
            for model in provider["models"]
            for entry in (*model["prices"], *model["variants"])
            if entry["since"]
        }
        own = {entry.since for model in self.own.values() for entry in model.entries if entry.since}
        return sorted(own | {dt.date.fromisoformat(day) for day in days})

    @cached_property
    def day_edges(self) -> list[dt.time]:
        """Every UTC time of day at which some list price changes, ascending; midnight is not listed."""
        return sorted(
            {
                dt.time.fromisoformat(edge)
                for provider in self.document["providers"]
                for model in provider["models"]
                for entry in model["prices"]
                for edge in entry["daily"] or ()
            }
            - {dt.time(0)}
        )

    @cached_property
    def thresholds(self) -> list[int]:
        """Every number of input tokens above which some list price changes, ascending."""
        return sorted(
            {
                tier[0]
                for provider in self.document["providers"]
                for model in provider["models"]
                for entry in (*model["prices"], *model["variants"])
                for _, tiers in entry["usd"].values()
                for tier in tiers
            }
        )

    def find(self, name: str, provider: str | None = None) -> ListModel:
        """
        The model a name means: ``gpt-5-mini``, ``openai/gpt-5-mini``, or a dated or gateway spelling of it.

        Parameters
        ----------
        name : str
            A user's own model, ``provider/model``, or a name some provider claims.
        provider : str, optional
            The provider, where a log says it.

        Raises
        ------
        UnknownModelError
            Naming the nearest models, or the providers to choose from where several sell it.
        """
        key = (name.strip().lower(), provider.lower() if provider else None)
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def of_provider(self, provider: str) -> list[ListModel]:
        """Every model one provider lists, in the package's order."""
        models = self._providers[provider]["models"] if provider in self._providers else []
        return [self._model(self._providers[provider], index) for index in range(len(models))]

    def __iter__(self) -> Iterator[ListModel]:
        for provider in self._providers:
            yield from self.of_provider(provider)

    def names(self) -> list[str]:
        """Every name worth suggesting: own models, plain ids, and ``provider/model`` ids."""
        listed = [(provider["id"], model["id"]) for provider in self._providers.values() for model in provider["models"]]
        plain = {model: None for _, model in listed}
        return [*self.own, *plain, *(f"{provider}/{model}" for provider, model in listed)]

    def url(self, provider: str) -> str:
        """The provider's price page, "" where the package names none."""
        return str(self._providers[provider]["url"]) if provider in self._providers else ""

    def _find(self, name: str, provider: str | None) -> ListModel:
        if name in self.own:
            return self.own[name]
        model = None
        if provider:
            seller = self._provider_by_id(provider)
            model = self._in_provider(seller, name) if seller else None
        if model is None and "/" in name:
            prefix, rest = name.split("/", 1)
            seller = self._provider_by_id(prefix)
            model = self._in_provider(seller, rest) if seller else None
        if model is None:
            claims = (p for p in self._providers.values() if _matches(p["model_match"], name))
            seller = next(claims, None)
            model = self._in_provider(seller, name) if seller else None
        if model is None:
            model = self._sold_as(name)
        if model is None:
            raise UnknownModelError(
                f"No model {name!r} in the price table ({self.version}).{nearest(name, self.names())}"
                " See: breakeven prices show NAME, or give its prices with --prices FILE",
                "model",
            )
        return self.with_own(model)

    def with_own(self, model: ListModel) -> ListModel:
        """The user's terms for a listed model, or the model as listed."""
        return self.own.get(model.id.lower(), model)

    def _sold_as(self, name: str) -> ListModel | None:
        """The one provider that lists exactly this id; an error naming them where there are several."""
        sellers = [p for p in self._providers.values() if any(m["id"].lower() == name for m in p["models"])]
        if len(sellers) > 1:
            choices = ", ".join(f"{seller['id']}/{name}" for seller in sellers[:6])
            raise UnknownModelError(f"Several providers sell {name!r}; write which: {choices}", "model")
        return self._in_provider(sellers[0], name) if sellers else None

    def _provider_by_id(self, provider: str) -> dict[str, Any] | None:
        if provider in self._providers:
            return self._providers[provider]
        claims = (p for p in self._providers.values() if p["provider_match"] and _matches(p["provider_match"], provider))
        return next(claims, None)

    def _in_provider(self, provider: dict[str, Any], name: str) -> ListModel | None:
        """First model of this provider, or of those it resells, that the name matches; a compact date is retried.

        Some ids of the package match no rule of its own; such a name is taken as the id it is.
        """
        dated = re.sub(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)", r"-\1-\2-\3", name)
        for spelling in dict.fromkeys((name, dated)):
            for seller_id in (provider["id"], *provider["fallbacks"]):
                seller = self._providers.get(seller_id)
                for index, model in enumerate(seller["models"] if seller else ()):
                    if seller and _matches(model["match"], spelling):
                        return self._model(seller, index)
        ids = [model["id"].lower() for model in provider["models"]]
        return self._model(provider, ids.index(name)) if name in ids else None

    def _model(self, provider: dict[str, Any], index: int) -> ListModel:
        key = (provider["id"], index)
        if key not in self._models:
            raw = provider["models"][index]
            self._models[key] = ListModel(
                provider=provider["id"],
                model=raw["id"],
                name=raw["name"],
                entries=tuple(self._entry(entry) for entry in raw["prices"]),
                variants=tuple(self._entry(entry) for entry in raw["variants"]),
                minimums=raw["minimums"],
                deprecated=raw["deprecated"],
            )
        return self._models[key]

    def _entry(self, raw: dict[str, Any]) -> Entry:
        since = dt.date.fromisoformat(raw["since"]) if raw["since"] else None
        rates = {
            unit: Rate(
                usd=Decimal(base),
                per=self.document["units"][unit]["per"],
                tiers=tuple((above, Decimal(usd)) for above, usd in tiers),
                since=since,
            )
            for unit, (base, tiers) in raw["usd"].items()
        }
        start, end = raw["daily"] or (None, None)
        daily = (dt.time.fromisoformat(start), dt.time.fromisoformat(end)) if start and end else None
        return Entry(rates=rates, since=since, daily=daily, when=raw.get("when", {}))


def _matches(clause: list[Any] | None, text: str) -> bool:
    """Whether a match clause of the document holds for lower-case text."""
    if clause is None:
        return False
    kind, value = clause
    if kind == "or":
        return any(_matches(part, text) for part in value)
    if kind == "and":
        return all(_matches(part, text) for part in value)
    if kind == "regex":
        return re.search(value, text) is not None
    found: bool = {
        "equals": text == value,
        "starts_with": text.startswith(value),
        "ends_with": text.endswith(value),
        "contains": value in text,
    }[kind]
    return found


def charge_usd(
    table: PriceTable,
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
    table: PriceTable,
    model: ListModel,
    at: dt.datetime,
    request_input_tokens: int = 0,
    context: Mapping[str, str] | None = None,
) -> TokenRates:
    """
    The price of one token of each bucket, in a request of this size, at this instant.

    Raises
    ------
    PriceNotFoundError
        The model has no price for input or output tokens (an embedding, speech or image model).
    """
    rates = model.rates(at, context)
    for unit in ("input_tokens", "output_tokens"):
        if unit not in rates:
            raise PriceNotFoundError(f"{model.id} has no list price for {unit.replace('_', ' ')}", "model")

    def bucket(name: str) -> Decimal:
        priced = [unit for unit in BUCKET_COUNTS[name] if unit in rates]
        return rates[priced[-1]].usd_per_unit(request_input_tokens)

    request = rates["requests"].usd_per_unit(request_input_tokens) if "requests" in rates else Decimal(0)
    return TokenRates(**{name: bucket(name) for name in BUCKET_COUNTS}, request=request)


def mean_token_rates(
    table: PriceTable,
    model: ListModel,
    day: dt.date,
    request_input_tokens: int = 0,
    context: Mapping[str, str] | None = None,
) -> TokenRates:
    """
    ``token_rates`` for a day, calls spread evenly over its 24 hours.

    Equal to the price of any instant except for the few models whose price depends on the time of day.
    """
    parts = [
        (token_rates(table, model, dt.datetime.combine(day, start, dt.UTC), request_input_tokens, context), share)
        for start, share in model.day_parts()
    ]
    if len(parts) == 1:
        return parts[0][0]
    names = (*BUCKET_COUNTS, "request")
    return TokenRates(**{name: sum(getattr(rates, name) * share for rates, share in parts) for name in names})
