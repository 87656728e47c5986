"""From the fields of ``switch`` to what it compares: staying, and each model to move to as an option."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.families import Conversion, conversion, tokenizer_of
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import (
    check_day,
    model_retirement,
    months_until,
    released_by,
)
from breakeven.catalogue.records import Source
from breakeven.errors import InputError, nearest
from breakeven.options.hosted import listed_option, month_start
from breakeven.options.lines import CostLine, Option, Workload
from breakeven.options.selfhost import rental_terms
from breakeven.options.served import find_model, model_option
from breakeven.questions.compare import Horizon
from breakeven.questions.switch_answer import Forced
from breakeven.questions.workload import workload_of

if TYPE_CHECKING:
    from breakeven.questions.switch import ModelTerms, SwitchQuestion

Floats = NDArray[np.float64]

YOURS = "yours"
SAME, ESTIMATED = "same tokenizer", "estimated"


@dataclass(frozen=True)
class Target:
    """
    One model to move to.

    input_ratio, output_ratio : its tokens over today's, of the same text, with their band.
    counts : where they come from, in words.
    success_rate : None where it is not given, of today's calls either.
    low, high : the option with token counts at either end of the band; the option itself where there is none.
    """

    model: ListModel
    terms: "ModelTerms | None"
    input_ratio: Conversion
    output_ratio: Conversion
    counts: str
    output_change: float
    output_known: bool
    success_rate: float | None
    workload: Workload
    option: Option
    low: Option
    high: Option

    @property
    def estimated(self) -> bool:
        """Whether its token counts are."""
        return any(
            (ratio.low, ratio.high) != (ratio.ratio, ratio.ratio) for ratio in (self.input_ratio, self.output_ratio)
        )


@dataclass(frozen=True)
class Candidates:
    """Everything a switch question compares. ``life_months`` is that of today's model, None without an end."""

    today: ListModel
    stay: Option
    targets: list[Target]
    forced: Forced | None
    life_months: float | None
    horizon: Horizon


def gather(question: "SwitchQuestion", catalogue: Catalogue) -> Candidates:
    """The options of a question. Raises InputError for what the catalogue does not know."""
    today = catalogue.prices.find(question.model)
    check_day(catalogue, today, question.as_of)
    workload = workload_of(question)
    models = list({model.id: model for model in (find_model(catalogue, each, "to") for each in question.to)}.values())
    if any(model.id == today.id for model in models):
        raise InputError(f"--to names {today.id}, which is today's model", "to")
    terms: dict[str, ModelTerms] = {}
    for place, each in enumerate(question.by_model):
        model_id = find_model(catalogue, each.model, "by_model").id
        if model_id not in {model.id for model in models} or model_id in terms:
            what = "is named twice" if model_id in terms else "is not among the models of --to"
            close = "" if model_id in terms else nearest(model_id, [model.id for model in models])
            raise InputError(f"by_model.{place}.model: {model_id} {what}.{close}", "by_model")
        terms[model_id] = each
    stay = listed_option(catalogue, today, workload, question.as_of, option_id="stay")
    stay = replace(
        stay,
        label=f"stay on {today.id}",
        kind="stay",
        lines=(*stay.lines, *_failures(question, question.success_rate)),
    )
    horizon = Horizon(
        calls_per_month=question.calls_per_month,
        growth_month=question.growth_month,
        months=question.horizon_months,
        discount_rate_year=0.0,
        retrain_every_months=None,
        runs=1,
    )
    recorded = model_retirement(catalogue, today)
    end = question.retires_on or (recorded.day if recorded else None)
    life = None if end is None else months_until(catalogue, question.as_of, end)
    forced = None
    if end is not None and life is not None and end < month_start(question.as_of, question.horizon_months + 1):
        source = "yours" if question.retires_on or recorded is None else recorded.source.title
        forced = Forced(retires=end.isoformat(), months_left=life, over=end <= question.as_of, source=source)
        if recorded is not None and not question.retires_on:
            stay = replace(stay, sources=(*stay.sources, recorded.source))
    return Candidates(
        today=today,
        stay=stay,
        targets=[_target(question, catalogue, today, model, terms.get(model.id), workload) for model in models],
        forced=forced,
        life_months=life,
        horizon=horizon,
    )


def _target(
    question: "SwitchQuestion",
    catalogue: Catalogue,
    today: ListModel,
    model: ListModel,
    terms: "ModelTerms | None",
    workload: Workload,
) -> Target:
    """One model to move to, its own terms laid over those of all."""

    def given(name: str, otherwise: float) -> float:
        own = getattr(terms, name, None)
        return otherwise if own is None else float(own)

    by_family = conversion(catalogue, today.id, model.id)
    shared = by_family if question.token_ratio is None else _exactly(question.token_ratio)
    ratios = [_exactly(own) if (own := given(f"{side}_ratio", 0.0)) else shared for side in ("input", "output")]
    change = given("output_change", question.output_change)
    success = None
    if question.success_rate is not None:
        new = question.success_rate if question.new_success_rate is None else question.new_success_rate
        success = given("success_rate", new)
    once = [
        CostLine(words, 1.0, "once", usd, "once", part_, YOURS)
        for words, part_, usd in (
            ("Rewriting prompts", "prompts", given("rewriting_usd", question.rewriting_usd)),
            ("Evaluation", "evaluation", given("evaluation_usd", question.evaluation_usd)),
            ("People", "people", given("people_usd", question.people_usd)),
        )
        if usd
    ]

    def load(end: str) -> Workload:
        into, out = (float(getattr(ratio, end)) for ratio in ratios)
        return replace(
            workload,
            input_tokens=workload.input_tokens * into,
            output_tokens=workload.output_tokens * out * (1.0 + change),
        )

    def option(load: Workload) -> Option:
        made = model_option(catalogue, model, load, question.as_of, rental_terms(question, catalogue))
        return replace(
            made,
            lines=(*made.lines, *_failures(question, success), *once),
            why_unavailable=made.why_unavailable or _why_not(question, catalogue, model, load),
        )

    middle = load("ratio")
    return Target(
        model=model,
        terms=terms,
        input_ratio=ratios[0],
        output_ratio=ratios[1],
        counts=_counts(question, catalogue, today, model, terms),
        output_change=change,
        output_known="output_change" in question.model_fields_set or getattr(terms, "output_change", None) is not None,
        success_rate=success,
        workload=middle,
        option=option(middle),
        low=option(load("low")),
        high=option(load("high")),
    )


def _exactly(ratio: float) -> Conversion:
    return Conversion(ratio, ratio, ratio, False)


def _counts(
    question: "SwitchQuestion", catalogue: Catalogue, today: ListModel, model: ListModel, terms: "ModelTerms | None"
) -> str:
    """Where a model's token counts come from, in words."""
    same = tokenizer_of(catalogue, today.id).name == tokenizer_of(catalogue, model.id).name
    scaled = YOURS if question.token_ratio is not None else SAME if same else ESTIMATED
    if terms is not None and terms.recounted_calls and terms.recounted:
        counted = f"recounted from {terms.recounted_calls:,} calls"
        other = "output" if terms.recounted == "input" else "input"
        return counted if terms.recounted == "both" else f"{terms.recounted} {counted}, {other} {scaled}"
    if terms is not None and (terms.input_ratio or terms.output_ratio):
        return YOURS if terms.input_ratio and terms.output_ratio else f"yours, else {scaled}"
    return scaled


def _failures(question: "SwitchQuestion", success: float | None) -> tuple[CostLine, ...]:
    """The cost of failed calls, where one was given: ``(1 - success) * failure_usd`` per call."""
    if success is None or not question.failure_usd:
        return ()
    return (CostLine("Failed calls", 1.0 - success, "failed call", question.failure_usd, "per call", "failure", YOURS),)


def _why_not(question: "SwitchQuestion", catalogue: Catalogue, model: ListModel, load: Workload) -> str | None:
    """Why a model cannot be moved to, None where it can."""
    end = model_retirement(catalogue, model)
    if end is not None and end.day <= question.as_of:
        return f"retired on {end.day}"
    if not released_by(catalogue, model, question.as_of):
        return "not released by that day"
    needed = load.input_tokens + load.output_tokens
    if model.context_tokens is not None and needed > model.context_tokens:
        return f"a mean call of {needed:,.0f} tokens does not fit its context window of {model.context_tokens:,}"
    return None


def uses(found: Candidates, catalogue: Catalogue) -> Iterator[tuple[str, Source]]:
    """Who used which source."""
    yield from (("stay", source) for source in found.stay.sources)
    for target in found.targets:
        yield from ((target.model.id, source) for source in target.option.sources)
        end = model_retirement(catalogue, target.model)
        if end is not None:
            yield target.model.id, end.source
        if target.estimated:
            for model in (found.today, target.model):
                yield target.model.id, tokenizer_of(catalogue, model.id).source
    yield "assumptions", catalogue.assumptions["clear_win_months"].source
