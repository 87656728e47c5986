"""A tuned model someone else serves: from a catalogue offer, from the user's own prices, or from a premium."""

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import months_until, offers_for_model, retirement, why_unavailable
from breakeven.catalogue.records import Buyer, Figure, Offer, Source
from breakeven.options.hosted import MTOK, TokenPrices, announced_changes, list_prices, token_lines
from breakeven.options.hosting import YOURS, hosting_of, rents_gpus, yours
from breakeven.options.lines import CostLine, Option, Workload, total_usd
from breakeven.options.selfhost import Terms

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
    base: str | None = None,
    terms: Terms | None = None,
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
    base : str, optional
        Open-weights model to count where the offer is for several; else the one it names.
    terms : Terms, optional
        How rented GPUs are run; the usual assumptions if not given.
    """
    if rents_gpus(offer):
        return _from_offer(catalogue, offer.id, workload, plan, as_of, buyer, prices, today, base, terms)
    # What an average call costs does not depend on how many there are; only rented GPUs must hold the load.
    return _from_offer(catalogue, offer.id, _one_call(workload), plan, as_of, buyer, prices, today, None, None)


@lru_cache(maxsize=64)
def _one_call(workload: Workload) -> Workload:
    """The calls, however many there are."""
    return replace(workload, calls_per_month=0.0)


@lru_cache(maxsize=4096)
def _from_offer(
    catalogue: Catalogue,
    offer_id: str,
    workload: Workload,
    plan: TrainingPlan,
    as_of: dt.date,
    buyer: Buyer,
    prices: TokenPrices | None,
    today: str | None,
    base: str | None,
    terms: Terms | None,
) -> Option:
    offer = catalogue.offers[offer_id]
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
    once, retrain, once_sources, once_unknowns = training_lines(offer, plan)
    hosting = hosting_of(catalogue, offer, plan.hosting_usd_month, workload, base, terms)
    standing = _standing(catalogue, offer.id, as_of, buyer)
    return Option(
        id=offer.id,
        label=offer.label,
        kind="tuned_hosted" if offer.kind == "tokens" else "tuned_dedicated",
        lines=(*per_call, *hosting.lines, *once),
        later=later,
        fleet=hosting.fleet,
        retrain_usd=retrain,
        life_months=standing.life_months,
        why_unavailable=standing.why_unavailable,
        unknowns=(*unknowns, *once_unknowns, *hosting.unknowns),
        notes=(*standing.notes, *hosting.notes),
        caution="" if today and today == offer.list_model else OTHER_BASE,
        sources=(*sources, *standing.sources, *once_sources, *hosting.sources),
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
    once, retrain, _, unknowns = training_lines(None, plan)
    hosting = plan.hosting_usd_month
    monthly = (yours(hosting),) if hosting else ()
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
        words = f"{factor:g} x {base.source_of('')}, {published.base_multiple.words}"
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
        origin=tuple((bucket, figure.words if figure else "not published") for bucket, figure in figures.items()),
    )


def training_lines(
    offer: Offer | None, plan: TrainingPlan, own_run: CostLine | None = None
) -> tuple[tuple[CostLine, ...], float | None, tuple[Source, ...], tuple[str, ...]]:
    """
    What is paid once, what one retraining costs, the sources, and what is not known.

    ``own_run`` is one training run on GPUs of one's own, which counts where the user gave no bill and no price.
    """
    terms = offer.training if offer else None
    run: list[CostLine] = []
    sources: list[Source] = []
    unknowns: list[str] = []

    def line(name: str, quantity: float, unit: str, usd: float | None, source: str, low: float, high: float) -> None:
        run.append(CostLine(name, quantity, unit, usd, "once", "training", source, low, high))

    if plan.training_usd is not None:
        line("Training run", 1.0, "run", plan.training_usd, YOURS, 1.0, 1.0)
    elif own_run is not None and plan.training_price_usd_mtok is None:
        run.append(own_run)
    elif terms and terms.usd_per_hour and plan.training_price_usd_mtok is None:
        hourly = terms.usd_per_hour
        sources.append(hourly.source)
        if plan.training_hours is None:
            unknowns.append("training is billed by the hour and its hours are not known; give --training-hours")
            line("Training hours", 1.0, "run", None, hourly.words, 1.0, 1.0)
        else:
            line("Training hours", plan.training_hours, "h", float(hourly.value), hourly.words, 1.0, 1.0)
    else:
        figure = terms.usd_per_mtok if terms else None
        usd = plan.training_price_usd_mtok if plan.training_price_usd_mtok is not None else None
        source, price_low, price_high = YOURS, 1.0, 1.0
        if usd is None and figure is not None:
            usd, source = float(figure.value), figure.words
            price_low, price_high = figure.band
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
            line("Top-up to the minimum charge", 1.0, "run", missing, minimum.words, low / missing, high / missing)
    once = [each if plan.runs == 1 else replace(each, quantity=each.quantity * plan.runs) for each in run]
    for name, usd, part in (
        ("Training data and labels", plan.data_usd, "data"),
        ("People", plan.people_usd, "people"),
    ):
        if usd:
            once.append(CostLine(name, 1.0, "once", usd, "once", part, YOURS))
    return tuple(once), total_usd(run), tuple(sources), tuple(unknowns)
