"""Tiers as options: their calls, in their models' own tokens, at their prices; and what routing costs."""

from dataclasses import replace

import numpy as np

from breakeven.catalogue.families import conversion
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import OWN, find_offer
from breakeven.catalogue.records import Source
from breakeven.errors import InputError
from breakeven.options.hosted import TokenPrices
from breakeven.options.lines import Option, Workload
from breakeven.options.own import own_option
from breakeven.options.selfhost import find_open_model, rental_terms
from breakeven.options.served import find_model, model_option
from breakeven.options.tuned import TrainingPlan, from_offer, from_own_prices
from breakeven.projection.paths import SEARCH_MONTHS, calls_by_month
from breakeven.questions.compare import Floats, Horizon, monthly_usd
from breakeven.questions.route_fields import RouteQuestion, Tier


def workload(question: RouteQuestion, tier: Tier | None, where: str) -> Workload:
    """The calls of a tier, or of all. Raises InputError where their tokens are not known."""
    found = {}
    for each in ("input_tokens", "output_tokens"):
        own = None if tier is None else getattr(tier, each)
        value = getattr(question, each) if own is None else own
        if value is None:
            words = "" if tier is None else f", for all calls or as {where}.{each}"
            raise InputError(f"--{each.replace('_', '-')} is needed{words}", each)
        found[each] = float(value)
    return Workload(
        calls_per_month=question.calls_per_month * (1.0 if tier is None else tier.share or 0.0),
        cached_share=question.cached_share,
        cache_write_share=question.cache_write_share,
        batch_share=question.batch_share,
        **found,
    )


def horizon_of(question: RouteQuestion, part_of_calls: float) -> Horizon:
    """The time of the question, over a share of its calls."""
    return Horizon(
        calls_per_month=question.calls_per_month * part_of_calls,
        growth_month=question.growth_month,
        months=question.horizon_months,
        discount_rate_year=0.0,
        retrain_every_months=None,
        runs=1,
    )


def converted(question: RouteQuestion, catalogue: Catalogue, model: str | None, load: Workload) -> Workload:
    """The calls in a model's own tokens."""
    if question.counted_in is None or model is None:
        return load
    ratio = conversion(catalogue, catalogue.prices.find(question.counted_in).id, model).ratio
    return replace(load, input_tokens=load.input_tokens * ratio, output_tokens=load.output_tokens * ratio)


def listed(question: RouteQuestion, catalogue: Catalogue, model: str, load: Workload) -> Option:
    """A model serving calls as it is: listed, or on rented GPUs."""
    found = find_model(catalogue, model)
    load = converted(question, catalogue, found.id, load)
    return model_option(catalogue, found, load, question.as_of, rental_terms(question, catalogue))


def option_of(question: RouteQuestion, catalogue: Catalogue, tier: Tier, load: Workload, where: str) -> Option:
    """The model of a tier serving calls. Raises InputError, naming the tier, where a price of it is not known."""
    try:
        return _option_of(question, catalogue, tier, load, where)
    except InputError as error:
        if error.field == "tiers":
            raise
        raise InputError(f"{where}: {error}", "tiers") from None


def _option_of(question: RouteQuestion, catalogue: Catalogue, tier: Tier, load: Workload, where: str) -> Option:
    own = None
    if tier.price_input is not None and tier.price_output is not None:
        own = TokenPrices(
            input=tier.price_input,
            cached_input=tier.price_input,
            cache_write=tier.price_input,
            output=tier.price_output,
            origin=(("", "yours"),),
        )
    plan = _plan(catalogue, tier, load)
    if tier.tuned_model is not None and tier.tuned_model.lower().startswith(f"{OWN}/"):
        base = find_open_model(catalogue, tier.tuned_model[len(OWN) + 1 :], "tiers")
        load = converted(question, catalogue, f"{OWN}/{base}", load)
        option = own_option(catalogue, base, load, plan, rental_terms(question, catalogue))
    elif tier.tuned_model is not None:
        offer = find_offer(catalogue, tier.tuned_model)
        load = converted(question, catalogue, offer.list_model, load)
        terms = rental_terms(question, catalogue)
        option = from_offer(catalogue, offer, load, plan, question.as_of, question.buyer, own, terms=terms)
        if option.kind == "not_offered":
            raise InputError(f"{where}: {offer.id} cannot be tuned: {option.why_unavailable}", "tiers")
    elif own is not None:
        label = f"{tier.model or tier.name}, your prices"
        option = from_own_prices(f"yours/{tier.name}", label, load, plan, own)
    else:
        option = listed(question, catalogue, tier.model or "", load)
        if tier.upfront_usd or tier.hosting_usd_month:
            raise InputError(
                f"{where}: a listed model has no upfront_usd and no hosting_usd_month; give tuned_model or your prices",
                "tiers",
            )
    if not option.is_known():
        raise InputError(f"{where}: {_next_step((*option.unknowns, 'a price is not known')[0])}", "tiers")
    return option


def _next_step(words: str) -> str:
    """What is not known of an option, with the fields of a tier in place of the flags of ``finetune``."""
    fields = {
        "--tuned-price-input and -output": "price_input and price_output",
        "--hosting-usd-month": "hosting_usd_month",
        "--training-usd": "upfront_usd",
        "--training-hours": "upfront_usd",
    }
    for flag, name in fields.items():
        words = words.replace(flag, name)
    return words


def _plan(catalogue: Catalogue, tier: Tier, load: Workload) -> TrainingPlan:
    """What is paid once for a tier: as given, else the training of an offer, its tokens estimated."""
    if tier.tuned_model is None or tier.upfront_usd is not None:
        return TrainingPlan(
            training_usd=0.0, data_usd=tier.upfront_usd or 0.0, hosting_usd_month=tier.hosting_usd_month
        )
    examples, epochs = (catalogue.assumptions[each] for each in ("training_examples", "training_epochs"))
    return TrainingPlan(
        training_tokens=float(examples.value) * (load.input_tokens + load.output_tokens),
        epochs=float(epochs.value),
        epochs_given=False,
        hosting_usd_month=tier.hosting_usd_month,
        token_band=(
            float(examples.low / examples.value * epochs.low / epochs.value),
            float(examples.high / examples.value * epochs.high / epochs.value),
        ),
    )


def router_monthly(question: RouteQuestion, catalogue: Catalogue) -> tuple[Floats, list[tuple[str, Source]]]:
    """What routing costs in each month, and its sources. Shape (SEARCH_MONTHS,). [USD/month]"""
    horizon = horizon_of(question, 1.0)
    calls = calls_by_month(horizon.calls_per_month, horizon.growth_month, SEARCH_MONTHS)
    usd = np.asarray(question.router_usd_call * calls + question.router_usd_month)
    if question.router_model is None:
        return usd, []
    read = question.input_tokens if question.router_input_tokens is None else question.router_input_tokens
    if read is None:
        raise InputError("--router-input-tokens is needed: what the router's model reads of a call", "input_tokens")
    load = Workload(question.calls_per_month, read, question.router_output_tokens)
    option = listed(question, catalogue, question.router_model, load)
    return usd + monthly_usd([option], horizon)[0], [("router", source) for source in option.sources]
