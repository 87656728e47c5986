"""The question "what is the cheapest way to serve these calls?": its fields, and its answer."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import known_to_be_sold, untuned_models, why_unavailable
from breakeven.errors import InputError
from breakeven.options.hosted import listed_option, month_start
from breakeven.options.lines import Workload
from breakeven.projection.attribution import undominated
from breakeven.questions.candidates import training_plan
from breakeven.questions.compare import Horizon
from breakeven.questions.fields import MOST, Count, Number, Question, ask, field, name, share, tokens, usd
from breakeven.questions.finetune import FinetuneQuestion
from breakeven.questions.kind import Kind
from breakeven.questions.plan_answers import LeverAnswer, Plan, plan_rows, pulls_its_weight, stated, worth
from breakeven.questions.plans import Candidate, Lever, Plans, Strengths, enumerate_plans, hit_share
from breakeven.questions.statement import Cited, cite, part
from breakeven.questions.tables import Cell, Column, Table, echo, origins_of, price_list
from breakeven.questions.workload import workload_of

USAGE, TODAY, LEVERS, EFFORT = "Your usage", "Today's model", "What may be changed", "What it takes once"
LIMITS, SPAN = "What must hold", "Time"

Name = Annotated[str, StringConstraints(max_length=99)]
SHOWN_PLANS = 12
CENTS = 6
"""Digits of a dollar to which costs are compared: what differs by less is rounding."""


class ModelScore(BaseModel):
    """How well a model or a tuned offer does your task, on any scale, higher is better."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Name = Field(description="Model, or offer of tuning.")
    score: float = Field(description="Its score in your evaluation.")


class OptimizeQuestion(Question):
    """What is the cheapest way to serve these calls, with the changes you allow?"""

    command: ClassVar[str] = "optimize"
    front: ClassVar[tuple[str, ...]] = (
        "model", "calls_per_month", "input_tokens", "output_tokens", "cacheable_share", "batchable_share",
        "shorter_prompt", "shorter_output", "repeated_share", "other_models", "fine_tune", "quality_floor",
        "budget_usd", "horizon_months",
    )  # fmt: skip
    example: ClassVar[Mapping[str, str]] = {
        "model": "gpt-4.1", "calls_per_month": "50000", "input_tokens": "2000", "output_tokens": "400",
        "cacheable_share": "0.6", "batchable_share": "0.3",
    }  # fmt: skip

    # fmt: off
    model: str = name(..., TODAY, "Model you pay for today, e.g. gpt-5-mini, openai/gpt-5-mini.", max_length=99)
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number = tokens(..., USAGE, "Input tokens of an average call, cached ones included.", 1e8)
    output_tokens: Number = tokens(..., USAGE, "Output tokens of an average call, reasoning included.", 1e8)
    cached_share: Number = share(0.0, USAGE, "Share of input tokens read from the provider's cache today.")
    cache_write_share: Number = share(0.0, USAGE, "Share of input tokens written to the provider's cache today.")
    batch_share: Number = share(0.0, USAGE, "Share of calls sent through the batch interface today.")
    cacheable_share: Number | None = share(
        None, LEVERS, "Share of input tokens that is the same from call to call; no caching if not given.")
    cache_hit_share: Number | None = share(
        None, LEVERS, "Share of calls that find it in the cache; worked out from the volume if not given.")
    batchable_share: Number | None = share(None, LEVERS, "Share of calls that can wait; no batches if not given.")
    shorter_prompt: Number | None = field(
        None, "Share of input tokens you can do without.", unit="share", group=LEVERS, ge=0, lt=1)
    shorter_output: Number | None = field(
        None, "Share of output tokens you can do without.", unit="share", group=LEVERS, ge=0, lt=1)
    repeated_share: Number | None = field(
        None, "Share of calls that repeat another and can be answered from a store of your own.", unit="share",
        group=LEVERS, ge=0, lt=1)
    other_models: bool = name(True, LEVERS, "Whether other models of today's provider may serve the calls.")
    also: tuple[Name, ...] = name(
        (), LEVERS, "Other model that may serve the calls, of any provider; may be given several times.",
        title="Further models", max_length=50)
    fine_tune: bool = name(True, LEVERS, "Whether tuned models may serve the calls.", title="Fine-tuning")
    tuned_input_reduction: Number = field(
        0.0, "Share of input tokens that tuning itself saves.", unit="share", group=LEVERS, ge=0, lt=1)
    tuned_output_reduction: Number = field(
        0.0, "Share of output tokens that tuning itself saves.", unit="share", group=LEVERS, ge=0, lt=1)
    cache_usd: Number = usd(0.0, EFFORT, "Work to order prompts for the cache.", title="Caching")
    batch_usd: Number = usd(0.0, EFFORT, "Work to send calls in batches.", title="Batches")
    prompt_usd: Number = usd(0.0, EFFORT, "Work to shorten the prompt.", title="Shorter prompt")
    output_usd: Number = usd(0.0, EFFORT, "Work to shorten the output.", title="Shorter output")
    responses_usd: Number = usd(0.0, EFFORT, "Work to answer repeated calls from a store.", title="Response store")
    migration_usd: Number = usd(0.0, EFFORT, "Work to move to another model.", title="Another model")
    training_usd: Number | None = usd(
        None, EFFORT, "Bill of one training run; estimated if not given.", title="One training run")
    data_usd: Number = usd(0.0, EFFORT, "Data, labels and evaluation for tuning.", title="Data and evaluation")
    tuning_people_usd: Number = usd(0.0, EFFORT, "People's time for tuning.", title="People's time for tuning")
    scores: tuple[ModelScore, ...] = name(
        (), LIMITS, "How well models do: a list of model and score, from your evaluation.", max_length=200)
    quality_floor: Number | None = field(
        None, "Least score of a model that may be chosen.", unit="score", group=LIMITS)
    latency: Literal["batch", "interactive"] = name(
        "batch", LIMITS, "Whether some calls may wait; with interactive no call is sent in a batch.")
    providers: tuple[Name, ...] = name(
        (), LIMITS, "Provider that may be used; may be given several times. All if not given.", max_length=50)
    budget_usd: Number | None = usd(None, LIMITS, "What you can pay upfront.", title="Upfront budget")
    growth_month: Number = field(
        0.0, "Growth of the calls; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=SPAN, gt=-1, le=1)
    horizon_months: Count = field(12, "Months to look at.", unit="months", group=SPAN, ge=1, le=120)
    as_of: dt.date = name(
        ..., SPAN, "Day of prices and offers.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on


@part
class OptimizeAnswer:
    """
    The cheapest combination, the frontier of cost against effort, and what each lever is worth.

    plans : the cheapest first, without those that are no dearer with one lever less.
    frontier : no other combination has both less effort and lower running cost.
    evaluated : combinations looked at. left_out : reason -> combinations or models left out for it.
    """

    schema: Literal["breakeven/optimize/1"] = "breakeven/optimize/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    stay: Plan
    best: Plan
    plans: list[Plan]
    frontier: list[Plan]
    levers: list[LeverAnswer]
    cache_hit_share: float | None
    evaluated: int
    left_out: dict[str, int]
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/optimize/1``."""
        return dataclasses.asdict(self)

    def tables(self) -> list[Table]:
        """The cheapest combinations, the frontier, and each lever."""
        columns = [
            Column(title="Combination"),
            Column(title="upfront", unit="usd"),
            Column(title="a month", unit="usd"),
            Column(title=f"{self.question['horizon_months']} months, running", unit="usd"),
            Column(title="saves", unit="usd"),
            Column(title="break-even, months", unit="months"),
        ]
        out = "; ".join(f"{count:,} {reason}" for reason, count in self.left_out.items())
        note = f"{self.evaluated:,} combinations were evaluated" + (f"; left out: {out}." if out else ".")
        lever_columns = [
            Column(title="Lever"),
            Column(title="alone saves", unit="usd"),
            Column(title="on top of the rest", unit="usd"),
            Column(title="its share", unit="usd"),
        ]
        levers: list[list[Cell]] = [
            [each.words, each.alone_usd, each.on_top_usd, each.share_usd] for each in self.levers
        ]
        frontier = "Each next row costs more once and less after that; every other combination is worse in both."
        shares = "Over the horizon, effort paid. Shares add up to what the cheapest combination saves; ? is not in it."
        return [
            Table(
                name="plans", title="The cheapest combinations", columns=columns, rows=plan_rows(self.plans), note=note
            ),
            Table(
                name="frontier",
                title="Effort against cost",
                columns=columns,
                rows=plan_rows(self.frontier),
                note=frontier,
            ),
            Table(name="levers", title="What each lever is worth", columns=lever_columns, rows=levers, note=shares),
        ]


def answer(question: OptimizeQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> OptimizeAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Every set of the levers allowed is evaluated on every model and offer allowed. Raises InputError for names that the
    catalogue does not know and for fields that do not fit together.
    """
    _check(question)
    today = catalogue.prices.find(question.model)
    workload = workload_of(question)
    stay = listed_option(catalogue, today, workload, question.as_of)
    horizon = Horizon(
        calls_per_month=question.calls_per_month,
        growth_month=question.growth_month,
        months=question.horizon_months,
        discount_rate_year=0.0,
        retrain_every_months=None,
        runs=1,
    )
    left_out: Counter[str] = Counter()
    candidates = list(_candidates(question, catalogue, today, left_out))
    levers = _levers(question)
    hit = question.cache_hit_share
    hit = hit_share(catalogue, question.calls_per_month) if hit is None else hit
    reach = Strengths(
        cache=question.cacheable_share or 0.0,
        batch=question.batchable_share or 0.0,
        prompt=question.shorter_prompt or 0.0,
        output=question.shorter_output or 0.0,
        responses=question.repeated_share or 0.0,
        hit=hit,
        cache_minimum_tokens=catalogue.assume("cache_minimum_prompt_tokens"),
    )
    tuning, tuning_unknowns = _tuning(question, catalogue)
    reductions = (question.tuned_input_reduction, question.tuned_output_reduction)
    plans = enumerate_plans(
        catalogue, workload, stay, today, candidates, levers, reach, tuning, reductions, horizon, question.as_of
    )
    cost = plans.horizon_usd()
    evaluated = int(np.isfinite(cost).sum())
    left_out["without a price for every line"] += int(cost.size - evaluated)
    if question.budget_usd is not None:
        above = np.isfinite(cost) & (plans.upfront_usd > question.budget_usd)
        left_out["above the upfront budget"] += int(above.sum())
        cost = np.where(above, np.nan, cost)
    shown = np.where(pulls_its_weight(cost), cost, np.nan)
    order = [int(each) for each in np.argsort(shown, axis=None, kind="stable") if np.isfinite(shown.flat[each])]
    first = order[0]
    flat = [divmod(each, len(candidates)) for each in order]
    running = np.where(np.isfinite(cost), plans.usd.sum(axis=-1).round(CENTS), np.nan)
    edge = [divmod(int(each), len(candidates)) for each in undominated(plans.upfront_usd.ravel(), running.ravel())]
    best = divmod(first, len(candidates))
    used = plans.options[best]
    return OptimizeAnswer(
        question=echo(question),
        origins=origins_of(question, origins or {}),
        headline=_headline(stated(plans, (0, 0)), stated(plans, best), question.horizon_months),
        stay=stated(plans, (0, 0)),
        best=stated(plans, best),
        plans=[stated(plans, each) for each in flat[:SHOWN_PLANS]],
        frontier=[stated(plans, each) for each in edge],
        levers=worth(plans, best),
        cache_hit_share=hit if question.cacheable_share else None,
        evaluated=evaluated,
        left_out={reason: count for reason, count in left_out.most_common() if count},
        unknowns=_unknowns(question, plans, best, tuning_unknowns, hit),
        sources=cite([("stay", each) for each in stay.sources] + [("best", each) for each in used.sources]),
        prices=price_list(catalogue, question.as_of),
    )


def _check(question: OptimizeQuestion) -> None:
    if question.cached_share + question.cache_write_share > 1:
        raise InputError("--cached-share and --cache-write-share add up to more than all input tokens", "cached_share")
    if question.quality_floor is not None and not question.scores:
        raise InputError(
            "--quality-floor needs scores: --evaluation, or a list of model and score in a file given with --file",
            "quality_floor",
        )


def _candidates(
    question: OptimizeQuestion, catalogue: Catalogue, today: ListModel, left_out: Counter[str]
) -> list[Candidate]:
    """Today's model, then the other models and the offers that hold what must hold."""
    scores = {each.model.lower(): each.score for each in question.scores}
    found = [Candidate(label=today.id)]

    def allowed(provider: str, *names: str) -> bool:
        if question.providers and provider not in {each.lower() for each in question.providers}:
            left_out["of a provider that is not allowed"] += 1
            return False
        if question.quality_floor is None:
            return True
        score = next((scores[each.lower()] for each in names if each.lower() in scores), None)
        if score is None or score < question.quality_floor:
            left_out["without a score" if score is None else "below the quality floor"] += 1
            return False
        return True

    models: list[ListModel] = []
    if question.other_models:
        until = month_start(question.as_of, question.horizon_months + 1)
        for model in untuned_models(catalogue, today, question.as_of, until):
            if known_to_be_sold(catalogue, model):
                models.append(model)
            else:
                left_out["not checked to be sold still"] += 1
    models += [catalogue.prices.find(each) for each in question.also]
    for model in {each.id: each for each in models if each.id != today.id}.values():
        if allowed(model.provider, model.id, model.model):
            found.append(Candidate(label=model.id, model=model, upfront_usd=question.migration_usd))
    for offer in catalogue.offers.values() if question.fine_tune else ():
        if offer.kind == "none":
            continue
        if why_unavailable(offer, question.as_of, "new") is not None:
            left_out["cannot be ordered"] += 1
        elif allowed(offer.id.split("/", 1)[0], offer.id):
            found.append(Candidate(label=offer.label, offer=offer))
    return found


def _levers(question: OptimizeQuestion) -> list[Lever]:
    """The levers that may be pulled: those whose reach was given and is not zero."""
    rows = (
        ("cache", question.cacheable_share, "prompt caching", question.cache_usd),
        ("batch", question.batchable_share if question.latency == "batch" else None, "batches", question.batch_usd),
        ("prompt", question.shorter_prompt, "a shorter prompt", question.prompt_usd),
        ("output", question.shorter_output, "a shorter output", question.output_usd),
        ("responses", question.repeated_share, "a store of responses", question.responses_usd),
    )
    return [Lever(key, words, effort) for key, reach, words, effort in rows if reach]


def _tuning(question: OptimizeQuestion, catalogue: Catalogue) -> tuple[Any, list[str]]:
    """What tuning costs once, as the finetune question works it out."""
    fields: dict[str, Any] = {
        "model": question.model,
        "calls_per_month": question.calls_per_month,
        "input_tokens": question.input_tokens,
        "output_tokens": question.output_tokens,
        "training_usd": question.training_usd,
        "data_usd": question.data_usd,
        "people_usd": question.tuning_people_usd,
        "as_of": question.as_of,
    }
    asked = ask(FinetuneQuestion, {name: value for name, value in fields.items() if value is not None})
    tuned = Workload(question.calls_per_month, question.input_tokens, question.output_tokens)
    plan, _, _, unknowns = training_plan(asked, catalogue, tuned)
    return plan, [each for each in unknowns if "training tokens" in each]


def _headline(stay: Plan, best: Plan, months: int) -> str:
    if best == stay or best.saving_usd <= 0:
        return f"Nothing allowed is cheaper than today: ${stay.monthly_usd:,.2f} a month."
    how = ", ".join(best.levers)
    served = best.served_by + (f" with {how}" if how else "")
    return (
        f"{served} is the cheapest of what you allow: ${best.monthly_usd:,.2f} a month in place of"
        f" ${stay.monthly_usd:,.2f}, ${best.saving_usd:,.2f} less over {months} months."
    )


def _unknowns(
    question: OptimizeQuestion, plans: Plans, best: tuple[int, int], tuning: list[str], hit: float
) -> list[str]:
    unknowns = []
    if best[1] and question.quality_floor is None:
        unknowns.append("quality is not compared; give scores and --quality-floor, or --no-other-models")
    if question.cacheable_share and question.cache_hit_share is None:
        unknowns.append(
            f"{hit:.1%} of the calls are taken to find the cache, from the volume spread evenly; give --cache-hit-share"
        )
    if plans.candidates[best[1]].offer is not None:
        unknowns += tuning
    if not any(lever.effort_usd for lever in plans.levers) and plans.levers:
        unknowns.append("what each lever takes once is counted as 0 until you give it")
    return unknowns


KIND = Kind(
    name="optimize",
    title="What is the cheapest way to serve these calls?",
    short="Optimize",
    question=OptimizeQuestion,
    document=OptimizeAnswer,
    answer=answer,
)
