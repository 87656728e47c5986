"""A tuned model someone else serves: from a catalogue offer, from the user's own prices, or from a premium."""

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import months_until, offers_for_model, retirement, why_unavailable
from breakeven.catalogue.records import Buyer, Figure, Offer, Source
from breakeven.options.hosted import MTOK, TokenPrices, announced_changes, list_prices, token_lines
from breakeven.options.lines import CostLine, Option, Workload, total_usd

YOURS = "yours"
OTHER_BASE = "a tuned model on another base is not compared with today's"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """
    What will be trained, and what else is paid once.

    training_usd : the whole bill of one run, None to compute it from tokens. [USD]
    training_tokens, epochs : billed tokens of one run are their product. [tokens, 1]
    epochs_given : whether the user gave the epochs; an offer's own default counts only where not.
    validation_tokens : billed where the provider bills them, evaluations included. [tokens]
    training_price_usd_mtok : the user's price, in place of the offer's. [USD per 1M tokens]
    training_hours : for offers that bill training by the hour. [h]
    hosting_usd_month : the user's bill for hosting, in place of the offer's. [USD/month]
    token_band : low and high of the training tokens as multiples, (1, 1) unless they are estimated.
    """

    training_usd: float | None = None
    training_tokens: float = 0.0
    epochs: float = 1.0
    epochs_given: bool = True
    validation_tokens: float = 0.0
    training_price_usd_mtok: float | None = None
    training_hours: float | None = None
    runs: int = 1
    data_usd: float = 0.0
    people_usd: float = 0.0
    hosting_usd_month: float | None = None
    token_band: tuple[float, float] = (1.0, 1.0)

    @property
    def estimated(self) -> bool:
        """Whether the training tokens are an estimate of ours."""
        return self.token_band != (1.0, 1.0)


def from_offer(
    catalogue: Catalogue,
    offer: Offer,
    workload: Workload,
    plan: TrainingPlan,
    as_of: dt.date,
    buyer: Buyer,
    prices: TokenPrices | None = None,
    today: str | None = None,
) -> Option:
    """
    One catalogue offer as an option.

    Parameters
    ----------
    workload : Workload
        As the tuned model would see it, token reductions applied.
    prices : TokenPrices, optional
        The user's prices for the tuned model, in place of the offer's.
    today : str, optional
        ``provider/model`` of today's model; tuning another base is cautioned about.
    """
    unknowns: list[str] = []
    sources: list[Source] = []
    if offer.kind == "none":
        return Option(
            id=offer.id,
            label=offer.label,
            kind="not_offered",
            lines=(),
            retrain_usd=None,
            why_unavailable=offer.why_not,
            notes=(*offer.notes, f"Instead: {'; '.join(offer.alternatives)}"),
            sources=(offer.finding.source,) if offer.finding else (),
        )
    per_call: tuple[CostLine, ...] = ()
    later: tuple[tuple[int, tuple[CostLine, ...]], ...] = ()
    if prices is not None or offer.kind == "tokens":
        tuned, tuned_sources = (
            (prices, ()) if prices else _offer_prices(catalogue, offer.id, as_of, workload.request_input_tokens)
        )
        per_call = token_lines(workload, tuned)
        sources += tuned_sources
        if any(line.usd_per_unit is None for line in per_call):
            unknowns.append("the tuned price per token is not published; give --tuned-price-input and -output")
        if workload.batch_share and not tuned.batch:
            unknowns.append("no batch price is known for the tuned model; batch calls are priced as standard ones")
        if prices is None and offer.inference.base_multiple and offer.list_model:
            later = announced_changes(
                catalogue.prices.find(offer.list_model),
                as_of,
                lambda day: token_lines(
                    workload, _offer_prices(catalogue, offer.id, day, workload.request_input_tokens)[0]
                ),
            )
    once, retrain, once_sources, once_unknowns = _training_lines(offer, plan)
    monthly, monthly_sources, monthly_unknowns = _hosting_lines(catalogue, offer, plan, workload)
    standing = _standing(catalogue, offer.id, as_of, buyer)
    return Option(
        id=offer.id,
        label=offer.label,
        kind="tuned_hosted" if offer.kind == "tokens" else "tuned_dedicated",
        lines=(*per_call, *monthly, *once),
        later=later,
        retrain_usd=retrain,
        life_months=standing.life_months,
        why_unavailable=standing.why_unavailable,
        unknowns=(*unknowns, *once_unknowns, *monthly_unknowns),
        notes=standing.notes,
        caution="" if today and today == offer.list_model else OTHER_BASE,
        sources=(*sources, *standing.sources, *once_sources, *monthly_sources),
    )


class Standing(NamedTuple):
    """What holds of an offer on a day for a kind of buyer, whatever the calls."""

    life_months: float | None
    why_unavailable: str | None
    notes: tuple[str, ...]
    sources: tuple[Source, ...]


@lru_cache(maxsize=4096)
def _standing(catalogue: Catalogue, offer_id: str, as_of: dt.date, buyer: Buyer) -> Standing:
    offer = catalogue.offers[offer_id]
    end = retirement(offer)
    notes = list(offer.notes)
    sources = [] if end is None else [end.source]
    for day in (offer.tuned_retires, offer.base_retires):
        if day is not None and day.earliest:
            notes.append(f"not retired before {day.day}")
    window = offer.sold_to.get(buyer)
    if window is not None:
        sources.append(window.source)
        if window.note:
            notes.append(window.note)
        if window.last_day is not None and window.last_day >= as_of:
            notes.append(f"can be ordered until {window.last_day}")
    return Standing(
        life_months=None if end is None else months_until(catalogue, as_of, end.day),
        why_unavailable=why_unavailable(offer, as_of, buyer),
        notes=tuple(notes),
        sources=tuple(sources),
    )


def from_own_prices(
    option_id: str,
    label: str,
    workload: Workload,
    plan: TrainingPlan,
    prices: TokenPrices,
    *,
    later: tuple[tuple[int, tuple[CostLine, ...]], ...] = (),
    life_months: float | None = None,
    notes: tuple[str, ...] = (),
    sources: tuple[Source, ...] = (),
) -> Option:
    """A tuned model at prices the user states, or at today's prices times the user's premium."""
    once, retrain, _, unknowns = _training_lines(None, plan)
    hosting = plan.hosting_usd_month
    monthly = (_hosting_of_yours(hosting),) if hosting else ()
    return Option(
        id=option_id,
        label=label,
        kind="tuned_yours",
        lines=(*token_lines(workload, prices), *monthly, *once),
        later=later,
        retrain_usd=retrain,
        life_months=life_months,
        unknowns=unknowns,
        notes=notes,
        sources=sources,
    )


def sold_today(catalogue: Catalogue, model: str, as_of: dt.date, buyer: Buyer) -> tuple[list[Offer], list[str]]:
    """The offers for one model that this buyer can order on this day, and why not for each of the others."""
    offers = offers_for_model(catalogue, model)
    reasons = {offer.id: why_unavailable(offer, as_of, buyer) for offer in offers}
    return (
        [offer for offer in offers if reasons[offer.id] is None],
        [f"{offer.id}: {reasons[offer.id]}" for offer in offers if reasons[offer.id] is not None],
    )


@lru_cache(maxsize=4096)
def _offer_prices(
    catalogue: Catalogue, offer_id: str, day: dt.date, request_input_tokens: int
) -> tuple[TokenPrices, tuple[Source, ...]]:
    """The tuned model's prices as published, or as a multiple of its base model's list price on the day."""
    offer = catalogue.offers[offer_id]
    published = offer.inference
    if published.base_multiple is not None and offer.list_model is not None:
        base, source = list_prices(catalogue, catalogue.prices.find(offer.list_model), day, request_input_tokens)
        factor = float(published.base_multiple.value)
        words = f"{factor:g} x {base.source_of('')}, {_words(published.base_multiple)}"
        return base.times(factor, words), (source, published.base_multiple.source)
    figures = [figure for figure in (published.input, published.cached_input, published.output) if figure]
    batch = None
    if published.batch_input is not None and published.batch_output is not None:
        batch = _published(published.batch_input, published.batch_cached_input, published.batch_output)
    prices = _published(published.input, published.cached_input, published.output)
    return replace(prices, batch=batch), tuple(figure.source for figure in figures)


def _published(fresh: Figure | None, cached: Figure | None, output: Figure | None) -> TokenPrices:
    """Published figures as prices; without a cached price, cached tokens cost what input tokens cost."""
    usd = None if fresh is None else float(fresh.value)
    figures = {"input": fresh, "cached_input": cached or fresh, "cache_write": fresh, "output": output}
    return TokenPrices(
        input=usd,
        cached_input=usd if cached is None else float(cached.value),
        cache_write=usd,
        output=None if output is None else float(output.value),
        origin=tuple((bucket, _words(figure) if figure else "not published") for bucket, figure in figures.items()),
    )


def _words(figure: Figure) -> str:
    """Where a figure comes from, in a few words."""
    return f"{figure.source.title}, seen {figure.source.seen}, {figure.source.confidence}"


def _band(figure: Figure) -> tuple[float, float]:
    """Low and high of a figure as multiples of its value."""
    if not figure.value:
        return 1.0, 1.0
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    return float(low / figure.value), float(high / figure.value)


def _training_lines(
    offer: Offer | None, plan: TrainingPlan
) -> tuple[tuple[CostLine, ...], float | None, tuple[Source, ...], tuple[str, ...]]:
    """What is paid once, what one retraining costs, the sources, and what is not known."""
    terms = offer.training if offer else None
    run: list[CostLine] = []
    sources: list[Source] = []
    unknowns: list[str] = []

    def line(name: str, quantity: float, unit: str, usd: float | None, source: str, low: float, high: float) -> None:
        run.append(CostLine(name, quantity, unit, usd, "once", "training", source, low, high))

    if plan.training_usd is not None:
        line("Training run", 1.0, "run", plan.training_usd, YOURS, 1.0, 1.0)
    elif terms and terms.usd_per_hour and plan.training_price_usd_mtok is None:
        hourly = terms.usd_per_hour
        sources.append(hourly.source)
        if plan.training_hours is None:
            unknowns.append("training is billed by the hour and its hours are not known; give --training-hours")
            line("Training hours", 1.0, "run", None, _words(hourly), 1.0, 1.0)
        else:
            line("Training hours", plan.training_hours, "h", float(hourly.value), _words(hourly), 1.0, 1.0)
    else:
        figure = terms.usd_per_mtok if terms else None
        usd = plan.training_price_usd_mtok if plan.training_price_usd_mtok is not None else None
        source, price_low, price_high = YOURS, 1.0, 1.0
        if usd is None and figure is not None:
            usd, source = float(figure.value), _words(figure)
            price_low, price_high = _band(figure)
            sources.append(figure.source)
        if usd is None:
            source = "not published" if offer else "not given"
            unknowns.append(f"the price of training is {source}; give --training-usd")
        low, high = plan.token_band
        default = terms.default_epochs if terms and not plan.epochs_given else None
        mtok = plan.training_tokens * (float(default.value) if default else plan.epochs) / MTOK
        line("Training tokens", mtok, "1M tokens", usd, source, low * price_low, high * price_high)
        if plan.validation_tokens and (offer is None or (terms and terms.validation_billed)):
            mtok = plan.validation_tokens / MTOK
            line("Validation tokens", mtok, "1M tokens", usd, source, price_low, price_high)
        bill = total_usd(run)
        minimum = terms.minimum_usd if terms else None
        if minimum is not None and bill is not None and bill < float(minimum.value):
            sources.append(minimum.source)
            least = float(minimum.value)
            low, high = (
                max(0.0, least - sum((each.usd or 0.0) * getattr(each, end) for each in run)) for end in ("low", "high")
            )
            missing = least - bill
            line("Top-up to the minimum charge", 1.0, "run", missing, _words(minimum), low / missing, high / missing)
    once = [each if plan.runs == 1 else replace(each, quantity=each.quantity * plan.runs) for each in run]
    for name, usd, part in (
        ("Training data and labels", plan.data_usd, "data"),
        ("People", plan.people_usd, "people"),
    ):
        if usd:
            once.append(CostLine(name, 1.0, "once", usd, "once", part, YOURS))
    return tuple(once), total_usd(run), tuple(sources), tuple(unknowns)


def _hosting_of_yours(usd_month: float) -> CostLine:
    return CostLine("Hosting", 1.0, "month", usd_month, "per month", "hosting", YOURS)


def _hosting_lines(
    catalogue: Catalogue, offer: Offer, plan: TrainingPlan, workload: Workload
) -> tuple[tuple[CostLine, ...], tuple[Source, ...], tuple[str, ...]]:
    """Charges that run whether or not a call is made, their sources, and what is not known about them."""
    if plan.hosting_usd_month is not None:
        return ((_hosting_of_yours(plan.hosting_usd_month),) if plan.hosting_usd_month else ()), (), ()
    lines: list[CostLine] = []
    sources: list[Source] = []
    unknowns: list[str] = []
    hourly, storage = offer.hosting.usd_per_hour, offer.hosting.storage_usd_month
    if hourly is not None and hourly.value:
        low, high = _band(hourly)
        hours = catalogue.assume("hours_per_month") * offer.hosting.units
        name = "Hosting" if offer.hosting.units == 1 else f"Hosting, {offer.hosting.units} units"
        lines.append(CostLine(name, hours, "h", float(hourly.value), "per month", "hosting", _words(hourly), low, high))
        sources.append(hourly.source)
    if hourly is None and offer.kind == "hours":
        lines.append(CostLine("Hosting", 1.0, "month", None, "per month", "hosting", "not published"))
        unknowns.append("what hosting costs is not published; give --hosting-usd-month")
    elif offer.kind == "hours":
        peak, most = _peak_load(catalogue, workload), catalogue.assume("gpu_tokens_per_second") * offer.hosting.units
        load = f"the load peaks at about {peak:,.0f} tokens a second"
        if peak > most:
            lines.append(CostLine("Further units", 1.0, "month", None, "per month", "hosting", "not known"))
            unknowns.append(f"{load}, more than {offer.hosting.units} unit(s) can serve; give --hosting-usd-month")
        else:
            unknowns.append(
                f"{load}; whether {offer.hosting.units} unit(s) can serve that at your latency is not checked"
            )
        sources += [catalogue.assumptions[name].source for name in ("gpu_tokens_per_second", "peak_factor")]
    if storage is not None and storage.value:
        lines.append(CostLine("Storage", 1.0, "month", float(storage.value), "per month", "hosting", _words(storage)))
        sources.append(storage.source)
    return tuple(lines), tuple(sources), tuple(unknowns)


def _peak_load(catalogue: Catalogue, workload: Workload) -> float:
    """Input and output tokens of the busiest time: the mean of month 1 times ``peak_factor``. [tokens/s]"""
    tokens = workload.calls_per_month * (workload.input_tokens + workload.output_tokens)
    return tokens / (catalogue.assume("hours_per_month") * 3600) * catalogue.assume("peak_factor")
