"""From a question's fields to the options it compares: staying, untuned alternatives, tuned candidates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import OWN, check_day, find_offer, model_retirement, months_until, offers_for_model
from breakeven.catalogue.records import Offer, Source
from breakeven.compute.layouts import solve
from breakeven.options.hosted import TokenPrices
from breakeven.options.hosting import rented_as, rents_gpus
from breakeven.options.levers import with_cache, with_fewer_tokens
from breakeven.options.lines import Option, Workload
from breakeven.options.own import own_bases, own_option
from breakeven.options.selfhost import Terms, find_open_model, lengths_of, rental_terms
from breakeven.options.tuned import TrainingPlan, from_offer, from_own_prices, sold_today
from breakeven.questions.opponents import (
    UntunedChoice,
    failure_lines,
    stay_option,
    stay_unknowns,
    today_prices,
    untuned_choices,
)
from breakeven.questions.workload import workload_of

if TYPE_CHECKING:
    from breakeven.questions.finetune import FinetuneQuestion

YOUR_PRICES = "yours/tuned-prices"
YOUR_PREMIUM = "yours/premium"


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


def gather(question: "FinetuneQuestion", catalogue: Catalogue, only: str | None = None) -> Candidates:
    """
    The options of a question. Raises InputError for models, offers or days the catalogue does not know.

    ``only`` is the id of one tuned option: no other one is made, and no untuned choices are.
    """
    as_of = question.as_of
    today = catalogue.prices.find(question.model) if question.model else None
    if today is not None and (question.price_input is None or question.price_output is None):
        check_day(catalogue, today, as_of)
    workload = workload_of(question)
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
    plan, plan_used, plan_origins, plan_unknowns = training_plan(question, catalogue, tuned_workload)
    prices, stay_sources = today_prices(question, catalogue, today, as_of)
    stay = stay_option(question, catalogue, today, workload, prices, stay_sources)
    unknowns += stay_unknowns(question, catalogue, today, prices) + plan_unknowns
    at_tuned = stay_option(question, catalogue, today, tuned_workload, prices, ())
    tuned = list(
        _tuned(
            question, catalogue, today, tuned_workload, plan, prices, at_tuned, only, rental_terms(question, catalogue)
        )
    )
    tuned_success = question.success_rate if question.tuned_success_rate is None else question.tuned_success_rate
    failures = failure_lines(question, tuned_success)
    return Candidates(
        today=today,
        workload=workload,
        tuned_workload=tuned_workload,
        reductions=(reduction_in, reduction_out),
        success_rates=(question.success_rate, tuned_success),
        stay=stay,
        untuned=[] if only else list(untuned_choices(question, catalogue, today, workload, prices, stay)),
        tuned=[replace(each, lines=(*each.lines, *failures)) if each.lines and failures else each for each in tuned],
        asked_for=frozenset({YOUR_PRICES, YOUR_PREMIUM, (question.tuned_model or "").lower()}),
        today_at_tuned_tokens=at_tuned,
        used=used | plan_used,
        origins=origins | plan_origins,
        unknowns=unknowns,
        sources=_assumption_sources(question, catalogue, plan),
    )


def training_plan(
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
            epochs_given=question.epochs is not None,
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


def _tuned(
    question: "FinetuneQuestion",
    catalogue: Catalogue,
    today: ListModel | None,
    workload: Workload,
    plan: TrainingPlan,
    prices: TokenPrices,
    today_at_tuned_tokens: Option,
    only: str | None,
    terms: Terms,
) -> Iterator[Option]:
    """The user's own candidates first, then the offer they named or every offer of the catalogue; or one of these."""
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
    if own is not None and question.tuned_model is None and only in (None, YOUR_PRICES):
        yield from_own_prices(YOUR_PRICES, "tuned, at your prices", workload, plan, own)
    if question.premium is not None and only in (None, YOUR_PREMIUM):
        yield _with_premium(question, catalogue, today, workload, plan, prices, today_at_tuned_tokens)
    if only in (YOUR_PRICES, YOUR_PREMIUM):
        return
    named = only or question.tuned_model
    if named is not None and named.lower().startswith(f"{OWN}/"):
        yield own_option(
            catalogue, find_open_model(catalogue, named[len(OWN) + 1 :], "tuned_model"), workload, plan, terms
        )
        return
    base = find_open_model(catalogue, question.base_model, "base_model") if question.base_model else None
    name = today.id if today else None
    offers = _offers(question, catalogue, base, named)
    bases = () if named is not None or not question.own_gpus else own_bases(catalogue) if base is None else (base,)
    rented = [rented_as(offer, base, terms) for offer in offers if rents_gpus(offer)]
    solve(catalogue, [*rented, *((each, terms.choice) for each in bases)], lengths_of(workload), terms.step_s_limit)
    for offer in offers:
        prices_here = own if question.tuned_model is not None else None
        yield from_offer(
            catalogue, offer, workload, plan, question.as_of, question.buyer, prices_here, name, base, terms
        )
    for model_id in bases:
        yield own_option(catalogue, model_id, workload, plan, terms)


def _offers(question: "FinetuneQuestion", catalogue: Catalogue, base: str | None, named: str | None) -> list[Offer]:
    """The offer that is named, those for one base, or every offer of the catalogue."""
    if named is not None:
        return [find_offer(catalogue, named)]
    if base is not None:
        return list(offers_for_model(catalogue, base))
    mine = {offer.id for offer in offers_for_model(catalogue, question.model)} if question.model else set()
    return [offer for offer in catalogue.offers.values() if offer.kind != "none" or offer.id in mine]


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
            notes.append("; ".join([f"the catalogue knows no seller of a tuned {today.model} on this day", *reasons]))
        end = model_retirement(catalogue, today)
        if end is not None:
            life = months_until(catalogue, question.as_of, end.day)
            sources.append(end.source)
            notes.append(f"{today.id} is retired on {end.day}, and its tuned models with it")
    words = f"{premium:g} x today's price"
    later = tuple(
        (
            month,
            tuple(replace(line, usd_per_unit=premium * (line.usd_per_unit or 0.0), source=words) for line in lines),
        )
        for month, lines in today_at_tuned_tokens.later
    )
    label = f"{today.model if today else 'your model'} tuned, {words}"
    return from_own_prices(
        YOUR_PREMIUM,
        label,
        workload,
        plan,
        prices.times(premium, words),
        later=later,
        life_months=life,
        notes=tuple(notes),
        sources=tuple(sources),
    )
