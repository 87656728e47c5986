"""Ways of routing, chosen on one half of an evaluation's items and measured on the other."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.projection import routing
from breakeven.projection.paths import SEARCH_MONTHS, break_even_months, calls_by_month
from breakeven.questions.route_fields import RouteQuestion
from breakeven.questions.route_options import router_monthly
from breakeven.questions.route_rules import (
    Rule,
    Study,
    assigned,
    by_task,
    cascades,
    cheapest_single,
    choice_of_tasks,
    frontier,
    oracle,
    random_mix,
    single,
)
from breakeven.questions.route_table import Matrix, matrix, named
from breakeven.questions.statement import finite, part

Floats = NDArray[np.float64]
Met = Literal["yes", "not proven", "no"]

LEAST_ITEMS = 20
"""Items below which an evaluation is not split: nothing could be chosen on one half and seen on the other."""


@part
class Measured:
    """
    A way of serving the calls, as measured on the second half of the items; money for month 1. [USD]

    chosen_usd_per_call, chosen_score : what it promised on the half it was chosen on.
    kind : a rule that can be followed; one with an assumed judge or router, not measured; or a bound, which uses
        results that no router can know.
    floor_met : whether its score is above the floor; "not proven" where the interval holds the floor.
    *_low, *_high : 95 % intervals over the items; null for bounds worked out on all of them.
    """

    name: str
    how: str
    models: list[str]
    kind: Literal["rule", "assumed", "bound"]
    chosen_usd_per_call: float | None
    chosen_score: float | None
    usd_per_call: float
    usd_per_call_low: float | None
    usd_per_call_high: float | None
    monthly_usd: float
    saving_share: float
    saving_share_low: float | None
    saving_share_high: float | None
    score: float
    score_low: float | None
    score_high: float | None
    floor_met: Met


@part
class TaskChoice:
    """
    What one task is sent to, and what that changes on the second half against the premium model.

    items : of the task, on the second half. score_change_low, score_change_high : 95 % interval.
    """

    task: str
    items: int
    model: str
    usd_per_call: float
    premium_usd_per_call: float
    score: float
    premium_score: float
    score_change: float
    score_change_low: float
    score_change_high: float
    verdict: Literal["better", "not proven", "worse", "same model"]


@part
class ModelScore:
    """
    One model for all items of the second half; ``dominated``: another costs no more and scores no less.

    score_low, score_high : null where the table has no items.
    """

    model: str
    usd_per_call: float
    score: float
    score_low: float | None
    score_high: float | None
    dominated: bool


@part
class AddedModel:
    """
    What adding a tuned model brings: tasks assigned with it and without it, each at the same floor. [USD]

    saving_monthly_usd : month 1, its hosting counted. break_even_months : null where it never repays upfront_usd.
    """

    model: str
    tasks: list[str]
    with_monthly_usd: float
    without_monthly_usd: float
    saving_monthly_usd: float
    saving_monthly_low_usd: float
    saving_monthly_high_usd: float
    upfront_usd: float
    break_even_months: float | None
    break_even_low_months: float | None
    break_even_high_months: float | None


@part
class Evaluated:
    """
    What the evaluation says.

    rows : in = used + left_out. first_items were chosen on, second_items measured on. chosen : the strategy that was
    cheapest on the first half. accuracy_needed : of a router by item, for its score to reach the floor, null where
    none does.
    """

    premium: str
    floor_score: float
    rows: dict[str, int]
    left_out: dict[str, int]
    first_items: int
    second_items: int
    tasks_named: bool
    chosen: str | None
    strategies: list[Measured]
    frontier: list[Measured]
    tasks: list[TaskChoice]
    models: list[ModelScore]
    added: list[AddedModel]
    accuracy_needed: float | None
    notes: list[str]


def evaluated(question: RouteQuestion, catalogue: Catalogue) -> Evaluated:
    """
    Choose on the first half of the items, measure on the second.

    Raises InputError where the evaluation cannot be used.
    """
    table = matrix(question, catalogue)
    if not table.paired:
        return _whole_runs(question, table)
    if len(table.items) < LEAST_ITEMS:
        raise InputError(
            f"The evaluation has {len(table.items)} items that all its models were scored on; {LEAST_ITEMS} are needed,"
            " to choose on one half and measure on the other",
            "evaluation",
        )
    calls = question.calls_per_month
    router = float(router_monthly(question, catalogue)[0][0]) / calls
    study = Study(question, table, _premium(question, table), router)
    rules = [single("premium model", study.premium, study)]
    floor = study.floor(True)
    rules += [rule for rule in (cheapest_single(study, floor), random_mix(study, floor), by_task(study, floor)) if rule]
    rules += list(cascades(study, floor))
    limits, needed = oracle(study)
    measured = _measure(study, [*rules, *limits])
    candidates = [each for each in measured if each.kind == "rule"]
    chosen = min(candidates, key=lambda each: each.chosen_usd_per_call or 0.0, default=None)
    notes = list(table.notes)
    if table.listed_models:
        notes.append(f"costs from tokens at list prices: {', '.join(table.listed_models)}")
    return Evaluated(
        premium=table.models[study.premium],
        floor_score=study.floor(False),
        rows={"in": table.rows_in, "used": table.used, "left_out": sum(table.left_out.values())},
        left_out=table.left_out,
        first_items=int(study.first.sum()),
        second_items=int((~study.first).sum()),
        tasks_named=len(study.task_names) > 1,
        chosen=chosen.name if chosen else None,
        strategies=measured,
        frontier=_measure(study, frontier(study)),
        tasks=_task_choices(study, floor),
        models=_model_scores(study),
        added=list(_added(study, floor)),
        accuracy_needed=needed,
        notes=notes,
    )


def _whole_runs(question: RouteQuestion, table: Matrix) -> Evaluated:
    """A table of whole runs: its models side by side, and nothing chosen."""
    usd, score = table.cost_usd.mean(axis=0), table.score.mean(axis=0)
    premium = table.models.index(named(question, question.model, set(table.models))) if question.model else -1
    best = premium if premium >= 0 else int(score.argmax())
    out = routing.dominated(usd, score)
    floor = question.kept_share * float(score[best]) if question.floor_score is None else question.floor_score
    return Evaluated(
        premium=table.models[best],
        floor_score=floor,
        rows={"in": table.rows_in, "used": table.used, "left_out": sum(table.left_out.values())},
        left_out=table.left_out,
        first_items=0,
        second_items=0,
        tasks_named=False,
        chosen=None,
        strategies=[],
        frontier=[],
        tasks=[],
        models=[
            ModelScore(
                model=table.models[m],
                usd_per_call=float(usd[m]),
                score=float(score[m]),
                score_low=None,
                score_high=None,
                dominated=bool(out[m]),
            )
            for m in np.argsort(usd, kind="stable")
        ],
        added=[],
        accuracy_needed=None,
        notes=[
            *table.notes,
            "the table has no items: its costs are of whole runs, and nothing can be chosen on one half of them and"
            " measured on the other",
        ],
    )


def _premium(question: RouteQuestion, table: Matrix) -> int:
    """The premium model's column: as named, or the best one of the first half."""
    if question.model is not None:
        model = named(question, question.model, set(table.models))
        return table.models.index(model)
    first = routing.halves(table.tasks, question.seed)
    return int(table.score[first].mean(axis=0).argmax())


def _measure(study: Study, rules: list[Rule]) -> list[Measured]:
    """Each rule on the second half, with intervals over the same resampled items."""
    if not rules:
        return []
    question = study.question
    premium_cost, premium_score = (
        study.half(values, False)[:, study.premium] for values in (study.table.cost_usd, study.table.score)
    )
    base = premium_cost + study.fixed_usd[study.premium]
    extra = [study.fixed_usd[rule.models].sum() + (study.router_usd if rule.routed else 0.0) for rule in rules]
    costs = np.array([rule.second[0] + each for rule, each in zip(rules, extra, strict=True)])
    scores = np.array([rule.second[1] for rule in rules])
    kept = question.kept_share * premium_score if question.floor_score is None else question.floor_score
    above = scores - kept
    means = routing.resampled_means(
        np.concatenate([costs, scores, above, base[np.newaxis]]), question.draws, question.seed
    )
    least = routing.RULE_OF_THREE / len(premium_score) * study.span
    number = len(rules)
    found = []
    for place, rule in enumerate(rules):
        usd = float(costs[place].mean())
        score = float(scores[place].mean())
        saving = 1.0 - usd / float(base.mean())
        usd_low, usd_high = routing.interval(means[:, place], usd)
        save_low, save_high = routing.interval(1.0 - means[:, place] / means[:, -1], saving)
        score_low, score_high = routing.interval(means[:, number + place], score, least)
        over = float(above[place].mean())
        unseen = 0.0 if rule.models == [study.premium] else least
        over_low, over_high = routing.interval(means[:, 2 * number + place], over, unseen)
        promised = None if rule.first is None else [float(values.mean()) for values in rule.first]
        found.append(
            Measured(
                name=rule.name,
                how=rule.how,
                models=[study.table.models[m] for m in rule.models],
                kind=rule.kind,
                chosen_usd_per_call=None if promised is None else promised[0] + float(extra[place]),
                chosen_score=None if promised is None else promised[1],
                usd_per_call=usd,
                usd_per_call_low=usd_low,
                usd_per_call_high=usd_high,
                monthly_usd=usd * question.calls_per_month,
                saving_share=saving,
                saving_share_low=save_low,
                saving_share_high=save_high,
                score=score,
                score_low=score_low,
                score_high=score_high,
                floor_met="yes" if over_low >= -routing.ROUNDING else "no" if over_high < 0 else "not proven",
            )
        )
    return found


def _task_choices(study: Study, floor: float) -> list[TaskChoice]:
    """What each task is sent to, and whether it loses quality by it."""
    choice = choice_of_tasks(study, floor)
    if choice is None:
        return []
    tasks = study.task_of[~study.first]
    cost, score = (study.half(values, False) for values in (study.table.cost_usd, study.table.score))
    found = []
    for number, name in enumerate(study.task_names):
        mine, model = tasks == number, int(choice[number])
        items = int(mine.sum())
        change = score[mine, model] - score[mine, study.premium]
        mean = float(change.mean())
        means = routing.resampled_means(change[np.newaxis], study.question.draws, study.question.seed)[:, 0]
        low, high = routing.interval(means, mean, routing.RULE_OF_THREE / items * study.span)
        same = model == study.premium
        found.append(
            TaskChoice(
                task=name,
                items=items,
                model=study.table.models[model],
                usd_per_call=float(cost[mine, model].mean()),
                premium_usd_per_call=float(cost[mine, study.premium].mean()),
                score=float(score[mine, model].mean()),
                premium_score=float(score[mine, study.premium].mean()),
                score_change=mean,
                score_change_low=0.0 if same else low,
                score_change_high=0.0 if same else high,
                verdict="same model" if same else "better" if low > 0 else "worse" if high < 0 else "not proven",
            )
        )
    return found


def _model_scores(study: Study) -> list[ModelScore]:
    """Every model alone on the second half, the cheapest first."""
    cost, score = (study.half(values, False) for values in (study.table.cost_usd, study.table.score))
    usd, mean = cost.mean(axis=0) + study.fixed_usd, score.mean(axis=0)
    out = routing.dominated(usd, mean)
    means = routing.resampled_means(score.T, study.question.draws, study.question.seed)
    least = routing.RULE_OF_THREE / len(score) * study.span
    return [
        ModelScore(
            model=study.table.models[m],
            usd_per_call=float(usd[m]),
            score=float(mean[m]),
            score_low=(ends := routing.interval(means[:, m], float(mean[m]), least))[0],
            score_high=ends[1],
            dominated=bool(out[m]),
        )
        for m in np.argsort(usd, kind="stable")
    ]


def _added(study: Study, floor: float) -> Iterable[AddedModel]:
    """Each model with hosting or an upfront cost: what the assignment of tasks costs with and without it."""
    question, table = study.question, study.table
    calls = calls_by_month(question.calls_per_month, question.growth_month, SEARCH_MONTHS)
    for model in np.flatnonzero((table.fixed_usd_month > 0) | (table.upfront_usd > 0)):
        choices = [choice_of_tasks(study, floor), choice_of_tasks(study, floor, int(model))]
        if choices[0] is None or choices[1] is None:
            continue
        rules = [assigned("", choice, study) for choice in choices if choice is not None]
        costs = np.array([rule.second[0] for rule in rules])
        hosting = [float(table.fixed_usd_month[rule.models].sum()) for rule in rules]
        saving = costs[1] - costs[0]
        means = routing.resampled_means(saving[np.newaxis], question.draws, question.seed)[:, 0]
        ends = (float(saving.mean()), *routing.interval(means, float(saving.mean())))
        more = hosting[0] - hosting[1]
        upfront = float(table.upfront_usd[model])
        months = [finite(break_even_months(upfront, each * calls - more)) for each in ends]
        monthly = [each * question.calls_per_month - more for each in ends]
        yield AddedModel(
            model=table.models[model],
            tasks=[task for task, own in zip(study.task_names, choices[0], strict=True) if own == model],
            with_monthly_usd=float(costs[0].mean()) * question.calls_per_month + hosting[0],
            without_monthly_usd=float(costs[1].mean()) * question.calls_per_month + hosting[1],
            saving_monthly_usd=monthly[0],
            saving_monthly_low_usd=monthly[1],
            saving_monthly_high_usd=monthly[2],
            upfront_usd=upfront,
            break_even_months=months[0],
            break_even_low_months=months[2],
            break_even_high_months=months[1],
        )
