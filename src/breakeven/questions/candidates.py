"""From a question's fields to the options it compares: staying, untuned alternatives, tuned candidates."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import (
    check_day,
    find_offer,
    known_to_be_sold,
    model_retirement,
    months_until,
    offers_for_model,
    untuned_models,
)
from breakeven.catalogue.records import Source
from breakeven.errors import PriceNotFoundError
from breakeven.options.hosted import TokenPrices, announced_changes, list_prices, month_start, token_lines
from breakeven.options.levers import with_batch, with_cache, with_fewer_tokens
from breakeven.options.lines import CostLine, Option, Workload, total_usd
from breakeven.options.tuned import TrainingPlan, from_offer, from_own_prices, sold_today

if TYPE_CHECKING:
    from breakeven.questions.finetune import FinetuneQuestion

YOUR_PRICES = "yours/tuned-prices"
YOUR_PREMIUM = "yours/premium"
QUALITY = "quality not compared"


@dataclass(frozen=True)
class UntunedChoice:
    """An untuned way to serve the calls; only ``counted`` ones may become the best untuned choice."""

    option: Option
    model: str | None
    counted: bool
    condition: str


@dataclass(frozen=True)
class Candidates:
    """
    Everything a finetune question compares.

    reductions : share of input and of output tokens that tuning removes. [1]
    success_rates : of today's calls and of the tuned model's, None where not given. [1]
    asked_for : ids of tuned options the user named or priced; they lead.
    used, origins : fields whose value was filled in here, and where from.
    """

    today: ListModel | None
    workload: Workload
    tuned_workload: Workload
    reductions: tuple[float, float]
    success_rates: tuple[float | None, float | None]
    stay: Option
    untuned: list[UntunedChoice]
    tuned: list[Option]
    asked_for: frozenset[str]
    today_at_tuned_tokens: Option
    used: dict[str, object]
    origins: dict[str, str]
    unknowns: list[str]
    sources: list[Source]


def gather(question: "FinetuneQuestion", catalogue: Catalogue) -> Candidates:
    """The options of a question. Raises InputError for models, offers or days the catalogue does not know."""
    as_of = question.as_of
    today = catalogue.prices.find(question.model) if question.model else None
    if today is not None and (question.price_input is None or question.price_output is None):
        check_day(catalogue, today, as_of)
    workload = Workload(
        calls_per_month=question.calls_per_month,
        input_tokens=question.input_tokens,
        output_tokens=question.output_tokens,
        cached_share=question.cached_share,
        cache_write_share=question.cache_write_share,
        batch_share=question.batch_share,
    )
    used: dict[str, object] = {}
    origins: dict[str, str] = {}
    unknowns: list[str] = []
    reduction_in, reduction_out = question.input_reduction, question.output_reduction
    if question.task and "output_reduction" not in question.model_fields_set:
        preset = catalogue.assumptions[f"output_reduction_{question.task}"]
        reduction_out = float(preset.value)
        used["output_reduction"] = reduction_out
        origins["output_reduction"] = f"assumption: {preset.what} ({preset.low:g} to {preset.high:g})"
        unknowns.append(
            f"the output reduction of {reduction_out:.0%} is a rule of thumb for {question.task}, not your measurement"
        )
    tuned_workload = with_fewer_tokens(workload, input_reduction=reduction_in, output_reduction=reduction_out)
    if question.tuned_cached_share is not None:
        tuned_workload = with_cache(tuned_workload, cached_share=question.tuned_cached_share)
    plan, plan_used, plan_origins, plan_unknowns = _plan(question, catalogue, tuned_workload)
    prices, stay_sources = _today_prices(question, catalogue, today, as_of)
    stay = _stay(question, catalogue, today, workload, prices, stay_sources)
    unknowns += _stay_unknowns(question, catalogue, today, prices) + plan_unknowns
    at_tuned = _stay(question, catalogue, today, tuned_workload, prices, ())
    tuned = list(_tuned(question, catalogue, today, tuned_workload, plan, prices, at_tuned))
    tuned_success = question.success_rate if question.tuned_success_rate is None else question.tuned_success_rate
    failures = _failure_lines(question, tuned_success)
    return Candidates(
        today=today,
        workload=workload,
        tuned_workload=tuned_workload,
        reductions=(reduction_in, reduction_out),
        success_rates=(question.success_rate, tuned_success),
        stay=stay,
        untuned=list(_untuned(question, catalogue, today, workload, prices, stay)),
        tuned=[replace(option, lines=(*option.lines, *failures)) if option.lines else option for option in tuned],
        asked_for=frozenset({YOUR_PRICES, YOUR_PREMIUM} | ({question.tuned_model.lower()} if question.tuned_model else set())),
        today_at_tuned_tokens=at_tuned,
        used=used | plan_used,
        origins=origins | plan_origins,
        unknowns=unknowns,
        sources=_assumption_sources(question, catalogue, plan),
    )


def _plan(
    question: "FinetuneQuestion", catalogue: Catalogue, tuned: Workload
) -> tuple[TrainingPlan, dict[str, object], dict[str, str], list[str]]:
    """The training plan; what the user left open is filled from the assumptions and marked as estimated."""
    used: dict[str, object] = {}
    origins: dict[str, str] = {}
    unknowns: list[str] = []
    tokens, epochs, band = question.training_tokens, question.epochs, (1.0, 1.0)
    if question.training_usd is None:
        low = high = 1.0
        if tokens is None:
            examples = catalogue.assumptions["training_examples"]
            per_example = tuned.input_tokens + tuned.output_tokens
            tokens = float(examples.value) * per_example
            low, high = float(examples.low / examples.value), float(examples.high / examples.value)
            used["training_tokens"] = tokens
            origins["training_tokens"] = f"estimated: {examples.value} examples of {per_example:,.0f} tokens"
            unknowns.append(
                f"training tokens are estimated: {examples.value} examples ({examples.low} to {examples.high}) of"
                f" {per_example:,.0f} tokens; give --training-tokens or --training-usd"
            )
        if epochs is None:
            assumed = catalogue.assumptions["training_epochs"]
            epochs = float(assumed.value)
            low, high = low * float(assumed.low / assumed.value), high * float(assumed.high / assumed.value)
            used["epochs"] = epochs
            origins["epochs"] = f"assumption: {assumed.what} ({assumed.low:g} to {assumed.high:g})"
        band = (low, high)
    if not {"data_usd", "people_usd"} & question.model_fields_set:
        unknowns.append("data, labels, evaluation and people's time are counted as 0; give --data-usd and --people-usd")
    return (
        TrainingPlan(
            training_usd=question.training_usd,
            training_tokens=tokens or 0.0,
            epochs=1.0 if epochs is None else epochs,
            validation_tokens=question.validation_tokens,
            training_price_usd_mtok=question.training_price,
            training_hours=question.training_hours,
            runs=question.runs,
            data_usd=question.data_usd,
            people_usd=question.people_usd,
            hosting_usd_month=question.hosting_usd_month,
            token_band=band,
        ),
        used,
        origins,
        unknowns,
    )


def _assumption_sources(question: "FinetuneQuestion", catalogue: Catalogue, plan: TrainingPlan) -> list[Source]:
    """Sources of the assumptions this question rests on."""
    names = ["clear_win_months"]
    if question.task and "output_reduction" not in question.model_fields_set:
        names.append(f"output_reduction_{question.task}")
    if plan.estimated:
        names += ["training_examples", "training_epochs"]
    return [catalogue.assumptions[name].source for name in names]


def _today_prices(
    question: "FinetuneQuestion", catalogue: Catalogue, today: ListModel | None, day: dt.date
) -> tuple[TokenPrices, tuple[Source, ...]]:
    """What a call costs today: list prices on a day, the user's own laid over them bucket by bucket."""
    own = {"input": question.price_input, "cached_input": question.price_cached, "output": question.price_output}
    given = {bucket: usd for bucket, usd in own.items() if usd is not None}
    origin = tuple((bucket, f"yours: --price-{bucket.removesuffix('_input')}") for bucket in given)
    if today is None or {"input", "output"} <= given.keys():
        fresh = question.price_input
        cached = fresh if question.price_cached is None else question.price_cached
        words = (("cached_input", "yours: --price-input"), ("cache_write", "yours: --price-input"), *origin)
        return TokenPrices(fresh, cached, question.price_output, cache_write=fresh, origin=words), ()
    listed, source = list_prices(catalogue, today, day, int(question.input_tokens))
    if not given:
        return listed, (source,)
    return replace(listed, batch=None, origin=(*listed.origin, *origin), **given), (source,)


def _stay(
    question: "FinetuneQuestion",
    catalogue: Catalogue,
    today: ListModel | None,
    workload: Workload,
    prices: TokenPrices,
    sources: tuple[Source, ...],
) -> Option:
    """Today's choice, unchanged."""
    later: tuple[tuple[int, tuple[CostLine, ...]], ...] = ()
    if today is not None and sources:
        later = announced_changes(
            today,
            question.as_of,
            lambda day: token_lines(workload, _today_prices(question, catalogue, today, day)[0]),
        )
    notes = tuple(f"list price changes in month {month}" for month, _ in later)
    failures = _failure_lines(question, question.success_rate)
    return Option(
        id="stay",
        label=f"stay on {today.id}" if today else "stay as today",
        kind="stay",
        lines=(*token_lines(workload, prices), *failures),
        later=later,
        notes=notes,
        sources=sources,
    )


def _failure_lines(question: "FinetuneQuestion", success: float | None) -> tuple[CostLine, ...]:
    """The cost of failed calls, where the user gave one: ``(1 - success) * failure_usd`` per call."""
    if success is None or not question.failure_usd:
        return ()
    return (CostLine("Failed calls", 1.0 - success, "failed call", question.failure_usd, "per call", "failure", "yours"),)


def _stay_unknowns(
    question: "FinetuneQuestion", catalogue: Catalogue, today: ListModel | None, prices: TokenPrices
) -> list[str]:
    """What is not known about staying."""
    unknowns = []
    if question.batch_share and not prices.batch:
        unknowns.append("no batch price is known for today's model; batch calls are priced as standard ones")
    end = model_retirement(catalogue, today) if today else None
    if today is not None and end is not None:
        last = month_start(question.as_of, question.horizon_months + 1)
        if end.day <= question.as_of:
            unknowns.append(f"{today.id} was retired on {end.day}; staying is priced as if it were still served")
        elif end.day < last:
            unknowns.append(f"{today.id} is retired on {end.day}; staying after that day is priced as if it went on")
    return unknowns


def _untuned(
    question: "FinetuneQuestion",
    catalogue: Catalogue,
    today: ListModel | None,
    workload: Workload,
    prices: TokenPrices,
    stay: Option,
) -> Iterator[UntunedChoice]:
    """Staying first, then caching, batch, and other models; each with the shares the user said are possible."""
    yield UntunedChoice(stay, today.id if today else None, True, "as today")
    best_load, levers = _levers(question, workload)
    if levers and stay.kind == "stay":
        option = replace(
            _stay(question, catalogue, today, best_load, prices, stay.sources),
            label=f"{today.id if today else 'today'}, {' and '.join(levers)}",
        )
        yield UntunedChoice(option, today.id if today else None, True, " and ".join(levers))
    if question.batchable_share is None and prices.batch and question.batch_share < 1:
        option = _stay(question, catalogue, today, with_batch(workload, batch_share=1.0), prices, stay.sources)
        option = replace(option, label=f"{today.id if today else 'today'}, all calls in batches")
        yield UntunedChoice(option, today.id if today else None, False, "if every call can wait; give --batchable-share")
    for model, condition in _other_models(question, catalogue, today):
        try:
            option = _untuned_model(question, catalogue, model, best_load)
        except PriceNotFoundError:
            if condition != QUALITY:
                raise
            continue
        stay_usd, usd = total_usd(stay.of("per call")), total_usd(option.of("per call"))
        if condition == QUALITY and (usd is None or stay_usd is None or usd > stay_usd):
            continue
        sold = condition != QUALITY or known_to_be_sold(catalogue, model)
        unsure = "not confirmed to be sold still; count it with --also"
        yield UntunedChoice(option, model.id, sold, condition if sold else unsure)


def _levers(question: "FinetuneQuestion", workload: Workload) -> tuple[Workload, list[str]]:
    """The workload with as much caching and batching as the user said is possible."""
    levers = []
    cacheable, batchable = question.cacheable_share, question.batchable_share
    if cacheable is not None and cacheable > workload.cached_share:
        workload = with_cache(workload, cached_share=cacheable)
        levers.append(f"{cacheable:.0%} of the input cached")
    if batchable is not None and batchable > workload.batch_share:
        workload = with_batch(workload, batch_share=batchable)
        levers.append(f"{batchable:.0%} of the calls in batches")
    return workload, levers


def _other_models(
    question: "FinetuneQuestion", catalogue: Catalogue, today: ListModel | None
) -> Iterator[tuple[ListModel, str]]:
    """Models the user named, else the same provider's, and the condition under which each counts."""
    if question.also:
        for name in question.also:
            yield catalogue.prices.find(name), "you named it"
    elif today is not None and not today.provider.startswith("yours"):
        until = month_start(question.as_of, question.horizon_months + 1)
        for model in untuned_models(catalogue, today, question.as_of, until):
            yield model, QUALITY


def _untuned_model(
    question: "FinetuneQuestion", catalogue: Catalogue, model: ListModel, workload: Workload
) -> Option:
    """Another listed model serving the same calls, token counts taken as equal."""

    def prices_on(day: dt.date) -> tuple[TokenPrices, Source]:
        return list_prices(catalogue, model, day, workload.request_input_tokens)

    prices, source = prices_on(question.as_of)
    end = model_retirement(catalogue, model)
    notes = ["quality not compared; token counts taken as equal", *([f"retired on {end.day}"] if end else [])]
    return Option(
        id=f"untuned/{model.id}",
        label=model.id,
        kind="untuned",
        lines=(*token_lines(workload, prices), *_failure_lines(question, question.success_rate)),
        later=announced_changes(model, question.as_of, lambda day: token_lines(workload, prices_on(day)[0])),
        life_months=None if end is None else months_until(catalogue, question.as_of, end.day),
        notes=tuple(notes),
        sources=(source,),
    )


def _tuned(
    question: "FinetuneQuestion",
    catalogue: Catalogue,
    today: ListModel | None,
    workload: Workload,
    plan: TrainingPlan,
    prices: TokenPrices,
    today_at_tuned_tokens: Option,
) -> Iterator[Option]:
    """The user's own candidates first, then the offer they named or every offer of the catalogue."""
    own = None
    if question.tuned_price_input is not None:
        cached = question.tuned_price_cached
        own = TokenPrices(
            input=question.tuned_price_input,
            cached_input=question.tuned_price_input if cached is None else cached,
            cache_write=question.tuned_price_input,
            output=question.tuned_price_output,
            origin=(("", "yours"),),
        )
    if own is not None and question.tuned_model is None:
        yield from_own_prices(YOUR_PRICES, "tuned, at your prices", workload, plan, own)
    if question.premium is not None:
        yield _with_premium(question, catalogue, today, workload, plan, prices, today_at_tuned_tokens)
    if question.tuned_model is not None:
        offers = [find_offer(catalogue, question.tuned_model)]
    else:
        mine = {offer.id for offer in offers_for_model(catalogue, question.model)} if question.model else set()
        offers = [offer for offer in catalogue.offers.values() if offer.kind != "none" or offer.id in mine]
    for offer in offers:
        name = today.id if today else None
        yield from_offer(catalogue, offer, workload, plan, question.as_of, question.buyer, own, name)


def _with_premium(
    question: "FinetuneQuestion",
    catalogue: Catalogue,
    today: ListModel | None,
    workload: Workload,
    plan: TrainingPlan,
    prices: TokenPrices,
    today_at_tuned_tokens: Option,
) -> Option:
    """Today's model, tuned, at today's price times the user's premium. It lives as long as today's model."""
    premium = question.premium or 0.0
    notes: list[str] = []
    sources: list[Source] = []
    life = None
    if today is not None:
        open_offers, reasons = sold_today(catalogue, today.id, question.as_of, question.buyer)
        if not open_offers:
            notes.append(f"the catalogue knows no seller of a tuned {today.model} on this day" + "".join(f"; {r}" for r in reasons))
        end = model_retirement(catalogue, today)
        if end is not None:
            life = months_until(catalogue, question.as_of, end.day)
            sources.append(end.source)
            notes.append(f"{today.id} is retired on {end.day}, and its tuned models with it")
    factor_words = f"{premium:g} x today's price"
    later = tuple(
        (month, tuple(replace(line, usd_per_unit=premium * (line.usd_per_unit or 0.0), source=factor_words) for line in lines))
        for month, lines in today_at_tuned_tokens.later
    )
    label = f"{today.model if today else 'your model'} tuned, {factor_words}"
    return from_own_prices(
        YOUR_PREMIUM,
        label,
        workload,
        plan,
        prices.times(premium, factor_words),
        later=later,
        life_months=life,
        notes=tuple(notes),
        sources=tuple(sources),
    )
