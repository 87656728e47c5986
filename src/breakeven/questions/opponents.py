"""What tuning has to beat: today's choice, and untuned alternatives to it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import known_to_be_sold, model_retirement, months_until, untuned_models
from breakeven.catalogue.records import Source
from breakeven.errors import PriceNotFoundError
from breakeven.options.hosted import (
    TokenPrices,
    announced_changes,
    list_prices,
    listed_option,
    month_start,
    token_lines,
)
from breakeven.options.levers import with_batch, with_cache
from breakeven.options.lines import CostLine, Option, Workload

if TYPE_CHECKING:
    from breakeven.questions.finetune import FinetuneQuestion

QUALITY = "quality not compared"


@dataclass(frozen=True)
class UntunedChoice:
    """An untuned way to serve the calls; only ``counted`` ones may become the best untuned choice."""

    option: Option
    model: str | None
    counted: bool
    condition: str


def today_prices(
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


def stay_option(
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
            lambda day: token_lines(workload, today_prices(question, catalogue, today, day)[0]),
        )
    notes = tuple(f"list price changes in month {month}" for month, _ in later)
    end = model_retirement(catalogue, today) if today else None
    failures = failure_lines(question, question.success_rate)
    return Option(
        id="stay",
        label=f"stay on {today.id}" if today else "stay as today",
        kind="stay",
        lines=(*token_lines(workload, prices), *failures),
        later=later,
        life_months=None if end is None else months_until(catalogue, question.as_of, end.day),
        notes=notes,
        sources=sources,
    )


def failure_lines(question: "FinetuneQuestion", success: float | None) -> tuple[CostLine, ...]:
    """The cost of failed calls, where the user gave one: ``(1 - success) * failure_usd`` per call."""
    if success is None or not question.failure_usd:
        return ()
    return (
        CostLine("Failed calls", 1.0 - success, "failed call", question.failure_usd, "per call", "failure", "yours"),
    )


def stay_unknowns(
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


def untuned_choices(
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
            stay_option(question, catalogue, today, best_load, prices, stay.sources),
            label=f"{today.id if today else 'today'}, {' and '.join(levers)}",
        )
        yield UntunedChoice(option, today.id if today else None, True, " and ".join(levers))
    if question.batchable_share is None and prices.batch and question.batch_share < 1:
        option = stay_option(question, catalogue, today, with_batch(workload, batch_share=1.0), prices, stay.sources)
        option = replace(option, label=f"{today.id if today else 'today'}, all calls in batches")
        yield UntunedChoice(
            option, today.id if today else None, False, "if every call can wait; give --batchable-share"
        )
    one_call, failures = replace(best_load, calls_per_month=0.0), failure_lines(question, question.success_rate)
    for model, condition in _other_models(question, catalogue, today):
        try:
            option = _other_model(catalogue, model, one_call, question.as_of, failures)
        except PriceNotFoundError:
            if condition != QUALITY:
                raise
            continue
        comparable = stay.is_known("per call") and option.is_known("per call")
        if condition == QUALITY and not (comparable and option.at_least("per call") <= stay.at_least("per call")):
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


@lru_cache(maxsize=4096)
def _other_model(
    catalogue: Catalogue, model: ListModel, one_call: Workload, as_of: dt.date, failures: tuple[CostLine, ...]
) -> Option:
    """Another listed model serving the same calls, token counts taken as equal; the number of calls does not matter."""
    option = listed_option(catalogue, model, one_call, as_of, option_id=f"untuned/{model.id}")
    return replace(
        option,
        lines=(*option.lines, *failures),
        notes=("quality not compared; token counts taken as equal", *option.notes),
    )
