"""Finding models and offers by a part of their name, for form fields, the API and MCP."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal, TypeVar

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel, mean_token_rates
from breakeven.catalogue.query import known_to_be_sold, model_retirement, why_unavailable
from breakeven.catalogue.records import Figure, Offer
from breakeven.errors import BreakevenError
from breakeven.questions.statement import part

MOST = 100
"""Largest number of rows that one search returns."""

LONGEST = 99
"""Longest text to search for. [characters]"""

TOKENS_PER_PRICE = 1_000_000
TEXT_UNITS = {"input_tokens", "output_tokens"}


@part
class FoundModel:
    """
    A listed model, with its price on the day. [USD per 1M tokens]

    ``price_day`` is the day the price began, or that of the price list where that is not known. ``retires`` is null
    where no last day is announced.
    """

    id: str
    label: str
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    price_day: str
    price: str
    retires: str | None


@part
class FoundModels:
    """Models whose name holds every word asked for, the best fit first; ``total`` counts those left out too."""

    schema: Literal["breakeven/found-models/1"] = "breakeven/found-models/1"
    as_of: str
    total: int
    models: list[FoundModel]


@part
class FoundOffer:
    """
    A fine-tuning offer, with the price of the tuned model where one is published. [USD per 1M tokens]

    ``available`` says whether a new customer can order on the day; ``why_unavailable`` why not.
    """

    id: str
    label: str
    seller: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    price_day: str | None
    price: str
    available: bool
    why_unavailable: str | None


@part
class FoundOffers:
    """Offers whose name holds every word asked for, the best fit first; ``total`` counts those left out too."""

    schema: Literal["breakeven/found-offers/1"] = "breakeven/found-offers/1"
    as_of: str
    total: int
    offers: list[FoundOffer]


AnyRow = TypeVar("AnyRow", ListModel, Offer)


class Lookup:
    """Names of a catalogue, made ready for searching once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        listed = {model.id: model for model in catalogue.prices} | {
            model.id: model for model in catalogue.prices.own.values()
        }
        priced = [model for model in listed.values() if model.entries[-1].rates.keys() >= TEXT_UNITS]
        priced.sort(key=lambda model: (not known_to_be_sold(catalogue, model), len(model.id), model.id))
        self._models = [(f"{model.id} {model.name}".lower(), model) for model in priced]
        self._offers = [
            (f"{offer.id} {offer.label} {offer.base_model} {self._seller(offer)}".lower(), offer)
            for offer in catalogue.offers.values()
        ]

    def models(self, words: str, limit: int, as_of: dt.date) -> FoundModels:
        """Models that have a price for input and output tokens."""
        found = _search(self._models, words)
        rows = [self._model(model, as_of) for model in found[:limit]]
        return FoundModels(as_of=as_of.isoformat(), total=len(found), models=rows)

    def offers(self, words: str, limit: int, as_of: dt.date) -> FoundOffers:
        """Fine-tuning offers, and findings that a model cannot be tuned."""
        found = _search(self._offers, words)
        rows = [self._offer(offer, as_of) for offer in found[:limit]]
        return FoundOffers(as_of=as_of.isoformat(), total=len(found), offers=rows)

    def model_words(self, name: str, as_of: dt.date) -> str:
        """What a model is and costs, "" for a name or a day without a price."""
        try:
            found = self._model(self.catalogue.prices.find(name), as_of)
        except BreakevenError:
            return ""
        return f"{found.label}: {found.price}" + (f"; retires {found.retires}" if found.retires else "")

    def offer_words(self, name: str, as_of: dt.date) -> str:
        """What an offer is and costs, and why a new customer cannot order it; "" for an unknown id."""
        offer = self.catalogue.offers.get(name.lower())
        if offer is None:
            return ""
        found = self._offer(offer, as_of)
        return f"{found.label}: {found.price}" + ("" if found.available else f"; {found.why_unavailable}")

    def _model(self, model: ListModel, as_of: dt.date) -> FoundModel:
        rates = mean_token_rates(model, as_of)
        begun = [entry.since for entry in model.entries if entry.since and entry.since <= as_of]
        input_usd, output_usd = rates.input * TOKENS_PER_PRICE, rates.output * TOKENS_PER_PRICE
        day = str(max(begun)) if begun else self.catalogue.price_source(as_of).seen
        dated = f"{'since' if begun else 'list of'} {day}"
        end = model_retirement(self.catalogue, model)
        return FoundModel(
            id=model.id,
            label=model.name,
            input_usd_per_mtok=float(input_usd),
            output_usd_per_mtok=float(output_usd),
            price_day=day,
            price=f"{_usd(input_usd)} in, {_usd(output_usd)} out per 1M tokens, {dated}",
            retires=end.day.isoformat() if end else None,
        )

    def _offer(self, offer: Offer, as_of: dt.date) -> FoundOffer:
        reason = why_unavailable(offer, as_of, "new")
        prices = offer.inference
        figures = [each for each in (prices.input, prices.output, prices.base_multiple) if each is not None]
        return FoundOffer(
            id=offer.id,
            label=offer.label,
            seller=self._seller(offer),
            input_usd_per_mtok=_number(prices.input),
            output_usd_per_mtok=_number(prices.output),
            price_day=figures[0].source.seen if figures else None,
            price=_offer_price(offer),
            available=reason is None,
            why_unavailable=reason,
        )

    def _seller(self, offer: Offer) -> str:
        provider = offer.id.split("/", 1)[0]
        return self.catalogue.sellers.get(provider, provider)


def _search(rows: Iterable[tuple[str, AnyRow]], words: str) -> list[AnyRow]:
    """Rows whose text holds every word: first the one of that very id, then where it begins a part of the id."""
    wanted = words.lower().split()
    if not wanted:
        return [row for _, row in rows]
    first = wanted[0]

    def place(text: str) -> int:
        name = text.partition(" ")[0]
        if first in (name, name.partition("/")[2]):
            return 0
        return 1 if name.startswith(first) or f"/{first}" in name else 2

    found = [(place(text), row) for text, row in rows if all(word in text for word in wanted)]
    return [row for _, row in sorted(found, key=lambda each: each[0])]


def _offer_price(offer: Offer) -> str:
    """What the tuned model costs per token, in words."""
    if offer.kind == "none":
        return "cannot be tuned"
    if offer.kind == "hours":
        return "billed by the hour, not by tokens"
    prices = offer.inference
    if prices.input is not None and prices.output is not None:
        seen = prices.input.source.seen
        return f"{_usd(prices.input.value)} in, {_usd(prices.output.value)} out per 1M tokens, seen {seen}"
    if prices.base_multiple is not None:
        return f"{prices.base_multiple.value:g} x the base model's price, seen {prices.base_multiple.source.seen}"
    return "price not published"


def _number(figure: Figure | None) -> float | None:
    return None if figure is None else float(figure.value)


def _usd(amount: Decimal) -> str:
    """Dollars with as many digits as the price has, two at least."""
    text = f"{amount.normalize():f}"
    return f"${amount:.2f}" if len(text.partition(".")[2]) < 2 else f"${text}"
