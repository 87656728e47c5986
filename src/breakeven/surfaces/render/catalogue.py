"""Offers and list prices as text, each figure with its source and the day it was seen."""

import datetime as dt
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import BUYERS, retirement, why_unavailable
from breakeven.catalogue.records import Buyer, Figure, Offer

DETAILED = 3
"""Up to so many offers are shown with every figure; more are shown as a table."""


def draw_offers(catalogue: Catalogue, offers: list[Offer], day: dt.date, buyer: Buyer, console: Console) -> None:
    """Print offers as seen by one kind of buyer on one day."""
    console.print(Text(f"Fine-tuning offers for {BUYERS[buyer]} on {day}", style="bold"))
    if len(offers) > DETAILED:
        _offer_table(offers, day, buyer, console)
        return
    for offer in offers:
        console.print()
        _offer(catalogue, offer, day, buyer, console)


def _offer_table(offers: list[Offer], day: dt.date, buyer: Buyer, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("offer", no_wrap=True)
    for column in ("train /1M", "input /1M", "output /1M", "hosting /h", "retires"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("methods")
    reasons = {offer.id: why_unavailable(offer, day, buyer) for offer in offers}
    for offer in offers:
        if reasons[offer.id] is not None:
            continue
        end, hourly, multiple = retirement(offer), offer.training.usd_per_hour, offer.inference.base_multiple
        rule = f"{multiple.value:g} x base" if multiple else None
        table.add_row(
            offer.id,
            f"{_cell(hourly)}/h" if hourly else _cell(offer.training.usd_per_mtok),
            rule or _cell(offer.inference.input, per_hour=offer.kind == "hours"),
            rule or _cell(offer.inference.output, per_hour=offer.kind == "hours"),
            _cell(offer.hosting.usd_per_hour),
            str(end.day) if end else "",
            ", ".join(offer.methods),
        )
    console.print(table)
    words = "USD per 1M tokens and per hour. '?' was looked for and not established; '-' is paid by the hour instead."
    console.print(Text(words, style="dim"))
    closed = {offer_id: reason for offer_id, reason in reasons.items() if reason is not None}
    if closed:
        console.print()
        console.print(Text("Cannot be ordered", style="bold"))
        for offer_id, reason in closed.items():
            console.print(Padding(Text.assemble(f"{offer_id}: ", (reason, "dim")), (0, 0, 0, 2)))
    console.print(Text("One offer in full, with its sources: breakeven offers --model NAME", style="dim"))


def _cell(figure: Figure | None, *, per_hour: bool = False) -> str:
    if figure is None:
        return "-" if per_hour else "?"
    return f"{figure.value:f}"


def _offer(catalogue: Catalogue, offer: Offer, day: dt.date, buyer: Buyer, console: Console) -> None:
    seller = catalogue.sellers.get(offer.id.split("/", 1)[0], "your own offer")
    reason = why_unavailable(offer, day, buyer)
    console.print(Text(f"{offer.id}: {offer.label} ({seller})", style="bold"))
    console.print(
        Text(f"  {'cannot be ordered: ' + reason if reason else 'can be ordered'}", style="dim" if reason else "green")
    )
    if offer.methods:
        console.print(f"  methods: {', '.join(offer.methods)}")
    for name, unit, figure in (
        ("training", "USD per 1M tokens", offer.training.usd_per_mtok),
        ("training", "USD per hour", offer.training.usd_per_hour),
        ("minimum charge", "USD per job", offer.training.minimum_usd),
        ("tuned price", "x base price", offer.inference.base_multiple),
        ("input", "USD per 1M tokens", offer.inference.input),
        ("cached input", "USD per 1M tokens", offer.inference.cached_input),
        ("output", "USD per 1M tokens", offer.inference.output),
        ("batch input", "USD per 1M tokens", offer.inference.batch_input),
        ("batch cached input", "USD per 1M tokens", offer.inference.batch_cached_input),
        ("batch output", "USD per 1M tokens", offer.inference.batch_output),
        ("hosting", f"USD per hour x {offer.hosting.units}", offer.hosting.usd_per_hour),
        ("storage", "USD per month", offer.hosting.storage_usd_month),
    ):
        if figure is not None:
            band = f" ({figure.low:f} to {figure.high:f})" if figure.low is not None and figure.high is not None else ""
            _cited(f"{name}: {figure.value:f}{band} {unit}", figure, console)
    for kind, window in offer.sold_to.items():
        days = f"from {window.first_day or 'the start'} until {window.last_day or 'further notice'}"
        _cited(f"sold to {BUYERS[kind]} {days}", window, console)
    for name, retires in (("base model", offer.base_retires), ("tuned model", offer.tuned_retires)):
        if retires is not None:
            _cited(f"{name} retires {'not before ' if retires.earliest else ''}{retires.day}", retires, console)
    if offer.finding is not None:
        _cited(offer.why_not, offer.finding, console)
        console.print(Padding(Text(f"instead: {'; '.join(offer.alternatives)}"), (0, 0, 0, 2)))
    for note in offer.notes:
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))


def _cited(words: str, cited: Any, console: Console) -> None:
    source = cited.source
    note = f" {cited.note}" if cited.note else ""
    text = Text(words)
    text.append(f"  [{source.url}, seen {source.seen}, {source.confidence}]{note}", style="dim")
    console.print(Padding(text, (0, 0, 0, 2)))


def draw_prices(document: dict[str, Any], console: Console) -> None:
    """Print the prices of ``cli.prices.price_document``."""
    console.print(Text(f"{document['model']} ({document['name']}) on {document['as_of']}", style="bold"))
    if document["retires"]:
        console.print(f"  retires {document['retires']}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("unit", "USD", "per", "holds", "in force"):
        table.add_column(column, justify="right" if column in ("USD", "per") else "left", overflow="fold")
    for entry in (*document["prices"], *document["variants"]):
        for unit, rate in entry["usd"].items():
            table.add_row(unit, rate["usd"], f"{rate['per']:,}", _when(entry), "yes" if entry["in_force"] else "no")
            for tier in rate["tiers"]:
                above = f"  above {tier['above_input_tokens']:,} input tokens"
                table.add_row(
                    above, tier["usd"], f"{rate['per']:,}", _when(entry), "yes" if entry["in_force"] else "no"
                )
    console.print(table)
    listed = f"{document['package']}, newest price change {document['seen']}, {document['url']}"
    where = f"your file {document['yours']}" if document["yours"] else listed
    console.print(Text(f"Source: {where}", style="dim"))


def _when(entry: dict[str, Any]) -> str:
    parts = [f"{key}={value}" for key, value in entry["when"].items()]
    if entry["since"]:
        parts.append(f"since {entry['since']}")
    if entry["daily_utc"]:
        parts.append(f"{'-'.join(entry['daily_utc'])} UTC")
    return ", ".join(parts) or "always"
