"""Questions asked of the catalogue: who may buy what on a day, how long it lives, what else could serve a call."""

import datetime as dt
from decimal import Decimal
from functools import lru_cache

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.records import Buyer, Day, Offer
from breakeven.errors import InputError, PriceNotFoundError, nearest

BUYERS: dict[Buyer, str] = {
    "new": "new customers",
    "existing": "existing customers",
    "invitation": "customers by invitation",
}

OWN = "own"
"""Stands for the provider where a model runs on GPUs rented by the user."""


def find_offer(catalogue: Catalogue, offer_id: str) -> Offer:
    """The offer of this id. Raises InputError naming the nearest ids."""
    offer = catalogue.offers.get(offer_id.lower())
    if offer is None:
        close = nearest(offer_id, catalogue.offers)
        raise InputError(f"No fine-tuning offer {offer_id!r}.{close} See: breakeven offers", "tuned_model")
    return offer


@lru_cache(maxsize=1024)
def offers_for_model(catalogue: Catalogue, name: str) -> tuple[Offer, ...]:
    """
    The offers that answer "can this model be tuned?", by the longest prefix in ``answers_for``.

    Parameters
    ----------
    name : str
        A model name as typed, with or without ``provider/``.
    """
    plain = name.lower().rsplit("/", 1)[-1]
    fits = {
        offer.id: max((len(prefix) for prefix in offer.answers_for if plain.startswith(prefix)), default=0)
        for offer in catalogue.offers.values()
    }
    longest = max(fits.values(), default=0)
    return tuple(offer for offer in catalogue.offers.values() if longest and fits[offer.id] == longest)


def why_unavailable(offer: Offer, as_of: dt.date, buyer: Buyer) -> str | None:
    """
    Why this buyer cannot order on this day, or None where they can.

    A model already retired cannot be ordered whatever the windows say.
    """
    if offer.kind == "none":
        return offer.why_not
    end = retirement(offer)
    if end is not None and end.day <= as_of:
        return f"the model was retired on {end.day}"
    window = offer.sold_to.get(buyer)
    if window is None:
        return f"sold to {' and '.join(BUYERS[other] for other in offer.sold_to)} only"
    if window.holds(as_of):
        return None
    if window.first_day is not None and as_of < window.first_day:
        return f"opens to {BUYERS[buyer]} on {window.first_day}"
    others = [BUYERS[other] for other, open_to in offer.sold_to.items() if other != buyer and open_to.holds(as_of)]
    still = f"; still open to {' and '.join(others)}" if others else ""
    return f"closed to {BUYERS[buyer]} after {window.last_day}{still}"


def retirement(offer: Offer) -> Day | None:
    """
    The day the tuned model stops being served, None where nothing is announced.

    The tuned model's own day where one is published (Azure serves tuned models longer than their base),
    otherwise the base model's: a fine-tune dies with its base. "Not before" days announce nothing.
    """
    for end in (offer.tuned_retires, offer.base_retires):
        if end is not None and not end.earliest:
            return end
    return None


def model_retirement(catalogue: Catalogue, model: ListModel) -> Day | None:
    """The announced last day of a listed model, None where nothing is known."""
    life = catalogue.lives.get(model.id)
    return life.retires if life is not None and life.retires is not None and not life.retires.earliest else None


def known_to_be_sold(catalogue: Catalogue, model: ListModel) -> bool:
    """Whether there is evidence that a model is still sold: a check of ours, or a price of the user's own."""
    life = catalogue.lives.get(model.id)
    return bool(model.yours) or model.provider == OWN or (life is not None and life.checked is not None)


def released_by(catalogue: Catalogue, model: ListModel, day: dt.date) -> bool:
    """Whether a listed model could be called on a day; True where its release day is not known."""
    life = catalogue.lives.get(model.id)
    return life is None or life.released is None or life.released.day <= day


def check_day(catalogue: Catalogue, model: ListModel, as_of: dt.date) -> None:
    """
    Raise PriceNotFoundError where a model had no price yet on this day.

    Its first price or release day decides where one is known, otherwise the earliest dated fact of the catalogue.
    """
    life = catalogue.lives.get(model.id)
    known = [day for day in (model.first_day(), life.released.day if life and life.released else None) if day]
    earliest = min(known) if known else _first_fact(catalogue)
    if earliest is not None and as_of < earliest:
        what = f"{model.id} has no price before {earliest}" if known else f"no price is dated before {earliest}"
        raise PriceNotFoundError(f"--as-of {as_of}: {what}. Give a later day, or prices of your own", "as_of")


def check_any_price(catalogue: Catalogue, as_of: dt.date) -> None:
    """Raise PriceNotFoundError for a day before any dated fact of the catalogue."""
    earliest = _first_fact(catalogue)
    if earliest is not None and as_of < earliest:
        raise PriceNotFoundError(
            f"--as-of {as_of}: no price is dated before {earliest}. Give a later day, or prices of your own", "as_of"
        )


@lru_cache(maxsize=16)
def _first_fact(catalogue: Catalogue) -> dt.date | None:
    """The earliest day that any price or release of the catalogue has."""
    releases = [each.released.day for each in catalogue.lives.values() if each.released]
    return min([*releases, *catalogue.prices.since_days[:1]], default=None)


def months_until(catalogue: Catalogue, as_of: dt.date, end: dt.date) -> float:
    """Months from one day to another, never below 0: days / 30.4375 (a twelfth of 365.25). [months]"""
    return max(0.0, (end - as_of).days / catalogue.assume("days_per_month"))


NOT_TEXT = ("audio", "image", "realtime", "tts", "transcribe", "search", "live", "embed", "moderation", "computer-use")
"""Parts of names of models that are priced per token but do not answer text with text."""


@lru_cache(maxsize=256)
def untuned_models(catalogue: Catalogue, today: ListModel, as_of: dt.date, until: dt.date) -> tuple[ListModel, ...]:
    """
    Text models of today's provider that could be called instead, untuned; quality is not compared.

    Left out: tuned models, models that are no text models by name or price, deprecated ones, those released after
    ``as_of`` or retired on or before ``until``, and, where today's model has a price for cached input, models
    without one (retired models, and open-weights models listed under its name that others serve).
    """
    at = dt.datetime.combine(as_of, dt.time(12), dt.UTC)
    wanted = {"input_tokens", "output_tokens"} | ({"cache_read_tokens"} & today.rates(at).keys())

    def fits(model: ListModel) -> bool:
        rates = model.rates(at)
        end = model_retirement(catalogue, model)
        return (
            wanted <= rates.keys()
            and rates["input_tokens"].usd > Decimal(0)
            and not model.deprecated
            and "ft:" not in model.model
            and ".ft-" not in model.model
            and not any(part in model.model for part in NOT_TEXT)
            and (end is None or end.day > until)
            and released_by(catalogue, model, as_of)
            and model.id != today.id
        )

    return tuple(
        catalogue.prices.with_own(model) for model in catalogue.prices.of_provider(today.provider) if fits(model)
    )
