"""``breakeven prices``: show list prices, fetch newer ones, or go back to those that came with the package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from breakeven.catalogue import genai
from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.catalogue.prices import Entry, ListModel
from breakeven.catalogue.query import model_retirement
from breakeven.catalogue.table import PriceTable
from breakeven.surfaces.cli.offers import parse_day
from breakeven.surfaces.cli.output import Format
from breakeven.surfaces.cli.output import show as print_answer

if TYPE_CHECKING:
    import datetime as dt

    from rich.console import Console

app = App(name="prices", help="List prices: show a model's, or fetch newer ones.", help_format="plaintext")


@app.command
def show(
    model: Annotated[str, Parameter(help="Model, e.g. gpt-5-mini or openai/gpt-5-mini.")],
    *,
    as_of: Annotated[str | None, Parameter(help="Day of the prices (default: today).", metavar="DATE")] = None,
    prices: Annotated[Path | None, Parameter(help="YAML file with your own prices.")] = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
) -> None:
    """A model's prices on a day, with their source, the day they began, tiers and batch prices."""
    catalogue = load_catalogue(prices)
    day = parse_day(as_of)
    found = catalogue.prices.find(model)
    document = price_document(catalogue, found, day)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.catalogue import draw_prices

        draw_prices(document, console)

    print_answer(document, draw, format_, None)


@app.command
def refresh(
    *,
    url: Annotated[str | None, Parameter(help="Another address of the same price document.")] = None,
    reset: Annotated[
        bool, Parameter(help="Forget fetched prices and use the installed package's.", negative="")
    ] = False,
) -> None:
    """Fetch newer list prices over the network; until then nothing is ever fetched."""
    if reset:
        words = "Fetched prices forgotten" if genai.forget_refreshed() else "There were no fetched prices"
        print(f"{words}; in use: genai-prices {genai.load_document()['version']}")
        return
    before = _count(genai.load_document())
    after = _count(genai.refresh(url))
    print(f"Fetched {after} models (before: {before}); used from now on. Undo with: breakeven prices refresh --reset")


def _count(document: genai.Document) -> int:
    return len(list(PriceTable(document)))


def price_document(catalogue: Catalogue, model: ListModel, day: "dt.date") -> dict[str, Any]:
    """Every dated price of a model, and which of them hold on the day. Prices are exact decimals as text."""
    end = model_retirement(catalogue, model)
    standing = [entry for entry in model.entries if entry.since is None or entry.since <= day]
    dated = [entry for entry in standing if entry.daily is None]
    current = {id(entry) for entry in standing if entry.daily} | {id(dated[-1])} if dated else set()
    source = catalogue.price_source(day)
    return {
        "schema": "breakeven/prices/1",
        "model": model.id,
        "name": model.name,
        "as_of": day.isoformat(),
        "yours": model.yours or None,
        "retires": end.day.isoformat() if end else None,
        "deprecated": model.deprecated,
        "package": source.title,
        "seen": source.seen,
        "url": catalogue.prices.url(model.provider),
        "prices": [_entry(entry, id(entry) in current) for entry in model.entries],
        "variants": [_entry(entry, entry.since is None or entry.since <= day) for entry in model.variants],
    }


def _entry(entry: Entry, in_force: bool) -> dict[str, Any]:
    return {
        "in_force": in_force,
        "since": entry.since.isoformat() if entry.since else None,
        "daily_utc": [time.isoformat("minutes") for time in entry.daily] if entry.daily else None,
        "when": dict(entry.when),
        "usd": {
            unit: {
                "usd": str(rate.usd),
                "per": rate.per,
                "tiers": [{"above_input_tokens": above, "usd": str(usd)} for above, usd in rate.tiers],
            }
            for unit, rate in entry.rates.items()
        },
    }
