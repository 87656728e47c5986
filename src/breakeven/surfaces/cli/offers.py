"""``breakeven offers``."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.catalogue.query import offers_for_model, retirement, why_unavailable
from breakeven.catalogue.records import Buyer, Offer
from breakeven.errors import InputError, nearest
from breakeven.surfaces.cli.output import Format, show

if TYPE_CHECKING:
    from rich.console import Console


def offers(
    *,
    model: Annotated[str | None, Parameter(help="Only offers for this model, offer id or provider.")] = None,
    as_of: Annotated[str | None, Parameter(help="Day of the offers (default: today).", metavar="DATE")] = None,
    buyer: Annotated[Buyer, Parameter(help="What you are to the provider: new, existing or invitation.")] = "new",
    prices: Annotated[Path | None, Parameter(help="YAML file with your own offers.")] = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
) -> None:
    """Fine-tuning offers: prices, who may buy, until when, with source and day seen."""
    catalogue = load_catalogue(prices)
    day = parse_day(as_of)
    chosen = select(catalogue, model)
    document = {
        "schema": "breakeven/offers/1",
        "as_of": day.isoformat(),
        "buyer": buyer,
        "offers": [offer_row(catalogue, offer, day, buyer) for offer in chosen],
    }

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.catalogue import draw_offers

        draw_offers(catalogue, chosen, day, buyer, console)

    show(document, draw, format_, None)


def parse_day(text: str | None) -> dt.date:
    """A day given on the command line, today without one. Raises InputError."""
    try:
        return dt.date.today() if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of is {text!r}; it must be a date like 2026-11-23", "as_of") from None


def select(catalogue: Catalogue, model: str | None) -> list[Offer]:
    """Offers for a model name, of a provider, or of one id; all without a name. Raises InputError."""
    if model is None:
        return list(catalogue.offers.values())
    name = model.lower()
    chosen = [offer for offer in catalogue.offers.values() if offer.id == name or offer.id.startswith(f"{name}/")]
    chosen = chosen or list(offers_for_model(catalogue, name))
    if not chosen:
        names = {prefix for offer in catalogue.offers.values() for prefix in offer.answers_for}
        close = nearest(name, [*names, *catalogue.offers])
        raise InputError(f"No offer and no finding for {model!r}.{close} See: breakeven offers", "model")
    return chosen


def offer_row(catalogue: Catalogue, offer: Offer, day: dt.date, buyer: Buyer) -> dict[str, Any]:
    """One offer as JSON: its record, whether this buyer can order it on the day, and when it ends."""
    reason = why_unavailable(offer, day, buyer)
    end = retirement(offer)
    provider = offer.id.split("/", 1)[0]
    return {
        "available": reason is None,
        "why_unavailable": reason,
        "retires": end.day.isoformat() if end else None,
        "seller": catalogue.sellers.get(provider, provider),
        "yours": offer.id in catalogue.own_offers,
        **offer.model_dump(mode="json"),
    }
