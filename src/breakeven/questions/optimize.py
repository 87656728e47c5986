"""The question "what is the cheapest way to serve these calls?": its fields, and its answer."""

import dataclasses
from collections import Counter
from typing import Any, Literal

import numpy as np

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import OWN, known_to_be_sold, untuned_models, why_unavailable
from breakeven.errors import InputError
from breakeven.options.hosted import listed_option, month_start
from breakeven.options.lines import Workload
from breakeven.options.own import own_bases
from breakeven.options.selfhost import rental_terms
from breakeven.options.served import find_model
from breakeven.projection.attribution import undominated
from breakeven.questions.candidates import training_plan
from breakeven.questions.compare import Horizon
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion
from breakeven.questions.kind import Kind
from breakeven.questions.optimize_fields import OptimizeQuestion
from breakeven.questions.plan_answers import LeverAnswer, Plan, plan_rows, pulls_its_weight, stated, worth
from breakeven.questions.plans import Candidate, Lever, Plans, Strengths, enumerate_plans, hit_share
from breakeven.questions.statement import Cited, cite, part
from breakeven.questions.tables import Cell, Column, Table, echo, origins_of, price_list
from breakeven.questions.workload import workload_of

SHOWN_PLANS = 12
CENTS = 6
"""Digits of a dollar to which costs are compared: what differs by less is rounding."""


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
        catalogue,
        workload,
        stay,
        today,
        candidates,
        levers,
        reach,
        tuning,
        reductions,
        horizon,
        question.as_of,
        rental_terms(question, catalogue),
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
    if question.gpu_usd_hour is not None and len(question.gpu) != 1:
        raise InputError("--gpu-usd-hour is the price of one kind of GPU; name it with --gpu", "gpu_usd_hour")
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
    models += [find_model(catalogue, each, "also") for each in question.also]
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
    if question.fine_tune and question.own_gpus and not question.providers:
        for base in own_bases(catalogue):
            if allowed(OWN, f"{OWN}/{base}"):
                found.append(Candidate(label=f"{base} tuned, on your own GPUs", own=base))
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
    if plans.candidates[best[1]].tuned:
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
