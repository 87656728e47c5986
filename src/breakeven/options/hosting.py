"""What runs whether or not a call is made: hours of deployments and of GPUs, storage, or the user's own bill."""

from dataclasses import replace
from typing import NamedTuple

from breakeven.catalogue.families import begins
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Figure, Offer, Source
from breakeven.compute.layouts import Choice
from breakeven.options.lines import CostLine, Fleet, Workload
from breakeven.options.selfhost import Terms, deployments, hosting_line, usual_terms, why_none

YOURS = "yours"


class Hosting(NamedTuple):
    """Lines of a month, how they change with the calls, sources, what is not known, and notes."""

    lines: tuple[CostLine, ...]
    fleet: Fleet | None = None
    sources: tuple[Source, ...] = ()
    unknowns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def yours(usd_month: float) -> CostLine:
    """The user's own bill for hosting."""
    return CostLine("Hosting", 1.0, "month", usd_month, "per month", "hosting", YOURS)


def hosting_of(
    catalogue: Catalogue,
    offer: Offer,
    usd_month: float | None,
    workload: Workload,
    base: str | None = None,
    terms: Terms | None = None,
) -> Hosting:
    """
    What an offer charges for being there.

    Parameters
    ----------
    usd_month : float, optional
        The user's bill, in place of the offer's. [USD/month]
    base : str, optional
        Open-weights model that is counted where the offer is for several.
    terms : Terms, optional
        How GPUs billed by the hour are run; the usual assumptions if not given.
    """
    if usd_month is not None:
        return Hosting((yours(usd_month),) if usd_month else ())
    hourly, storage = offer.hosting.usd_per_hour, offer.hosting.storage_usd_month
    found = Hosting(())
    if hourly is not None and hourly.value and rents_gpus(offer):
        found = _gpus(catalogue, offer, hourly, workload, base, terms or usual_terms(catalogue))
    elif hourly is not None and hourly.value:
        low, high = hourly.band
        hours = catalogue.assume("hours_per_month") * offer.hosting.units
        name = "Hosting" if offer.hosting.units == 1 else f"Hosting, {offer.hosting.units} units"
        line = CostLine(name, hours, "h", float(hourly.value), "per month", "hosting", hourly.words, low, high)
        found = Hosting((line,), sources=(hourly.source,))
        if offer.kind == "hours":
            open_line = CostLine("Further units", 1.0, "month", None, "per month", "hosting", "not known")
            load = f"how many units the load needs beyond {offer.hosting.units} is not known; give --hosting-usd-month"
            found = found._replace(lines=(line, open_line), unknowns=(load,))
    elif hourly is None and offer.kind == "hours":
        line = CostLine("Hosting", 1.0, "month", None, "per month", "hosting", "not published")
        found = Hosting((line,), unknowns=("what hosting costs is not published; give --hosting-usd-month",))
    if storage is not None and storage.value:
        line = CostLine("Storage", 1.0, "month", float(storage.value), "per month", "hosting", storage.words)
        found = found._replace(lines=(*found.lines, line), sources=(*found.sources, storage.source))
    return found


def rents_gpus(offer: Offer) -> bool:
    """Whether an offer bills hours of known GPUs for a known model, so that their number is computed."""
    return bool(offer.hosting.gpus and offer.open_model)


def rented_as(offer: Offer, base: str | None, terms: Terms) -> tuple[str, Choice]:
    """The open-weights model that an offer of GPU hours is counted with, and its GPUs."""
    model_id = base if base is not None and begins(base, offer.answers_for) else offer.open_model or ""
    return model_id, replace(terms.choice, gpus=offer.hosting.gpus)


def _gpus(
    catalogue: Catalogue, offer: Offer, hourly: Figure, workload: Workload, base: str | None, terms: Terms
) -> Hosting:
    """A dedicated endpoint: as many of the offer's GPUs as the load needs."""
    model_id, choice = rented_as(offer, base, terms)
    terms = replace(terms, gpu_usd_hour=float(hourly.value), choice=choice)
    best = next(iter(deployments(catalogue, model_id, workload, terms, most=1)), None)
    if best is None:
        line = CostLine("GPU hours", 1.0, "month", None, "per month", "hosting", hourly.words)
        why = f"{why_none(catalogue, model_id, workload, terms)}; give --hosting-usd-month"
        return Hosting((line,), sources=(hourly.source,), unknowns=(why,))
    line, notes, sources = hosting_line(catalogue, best, workload, terms, hourly)
    return Hosting((line,), best.fleet, sources, notes=(f"hosting is counted for {model_id}", *notes))
