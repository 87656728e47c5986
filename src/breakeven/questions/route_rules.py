"""Ways of routing an evaluation's items: each chosen on the first half, and what it makes of both halves."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.projection import routing
from breakeven.projection.closed_form import root_of_line
from breakeven.questions.route_fields import RouteQuestion
from breakeven.questions.route_table import Matrix

Floats = NDArray[np.float64]
Kind = Literal["rule", "assumed", "bound"]


@dataclass(frozen=True)
class Study:
    """The arrays of one evaluation, split, with what everything below needs."""

    question: RouteQuestion
    table: Matrix
    premium: int
    router_usd: float

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        return routing.halves(self.table.tasks, self.question.seed)

    @cached_property
    def task_names(self) -> list[str]:
        return sorted(set(self.table.tasks))

    @cached_property
    def task_of(self) -> NDArray[np.intp]:
        places = {task: number for number, task in enumerate(self.task_names)}
        return np.array([places[task] for task in self.table.tasks])

    @cached_property
    def fixed_usd(self) -> Floats:
        """Hosting of each model over the calls of month 1. [USD/call]"""
        return np.asarray(self.table.fixed_usd_month / self.question.calls_per_month)

    def half(self, values: Floats, first: bool) -> Floats:
        return np.asarray(values[self.first == first])

    def floor(self, first: bool) -> float:
        """The least mean score on one half: a share of the premium model's there, or as given."""
        if self.question.floor_score is not None:
            return self.question.floor_score
        return float(self.question.kept_share * self.half(self.table.score, first)[:, self.premium].mean())

    def by_task(self, values: Floats) -> Floats:
        """Means of the first half by task. Shape (tasks, models)."""
        tasks = self.task_of[self.first]
        return np.array(
            [self.half(values, True)[tasks == number].mean(axis=0) for number in range(len(self.task_names))]
        )

    @cached_property
    def weights(self) -> Floats:
        return np.bincount(self.task_of[self.first], minlength=len(self.task_names)).astype(float)

    @cached_property
    def span(self) -> float:
        """Range of the score: 1 for shares and for right or wrong, else as seen."""
        low, high = float(self.table.score.min()), float(self.table.score.max())
        return 1.0 if low >= 0 and high <= 1 else high - low


@dataclass(frozen=True)
class Rule:
    """A way of serving: what each item of a half costs and scores under it, without and with what its models cost."""

    name: str
    how: str
    models: list[int]
    routed: bool
    kind: Kind
    first: tuple[Floats, Floats] | None
    second: tuple[Floats, Floats]


def single(name: str, model: int, study: Study) -> Rule:
    halves = [
        (study.half(study.table.cost_usd, f)[:, model], study.half(study.table.score, f)[:, model])
        for f in (True, False)
    ]
    return Rule(name, study.table.models[model], [model], False, "rule", halves[0], halves[1])


def cheapest_single(study: Study, floor: float) -> Rule | None:
    """One model for all, the cheapest above the floor."""
    cost = study.half(study.table.cost_usd, True).mean(axis=0) + study.fixed_usd
    score = study.half(study.table.score, True).mean(axis=0)
    able = np.flatnonzero(score >= floor - routing.ROUNDING)
    return single("cheapest single model", int(able[cost[able].argmin()]), study) if able.size else None


def random_mix(study: Study, floor: float) -> Rule | None:
    """Calls sent at random to two models."""
    cost, score = (study.half(values, True).mean(axis=0) for values in (study.table.cost_usd, study.table.score))
    shares = routing.cheapest_mix(cost + study.fixed_usd, score, floor)
    if shares is None:
        return None
    used = np.flatnonzero(shares)
    how = " + ".join(f"{shares[m]:.0%} {study.table.models[m]}" for m in used)
    halves = [
        (study.half(study.table.cost_usd, f) @ shares, study.half(study.table.score, f) @ shares) for f in (True, False)
    ]
    return Rule("random mix, no router", how, used.tolist(), False, "rule", halves[0], halves[1])


def assigned(name: str, choice: NDArray[np.intp], study: Study) -> Rule:
    """Each task to its model."""
    halves = []
    for first in (True, False):
        places = choice[study.task_of[study.first == first]]
        rows = np.arange(len(places))
        halves.append(
            (study.half(study.table.cost_usd, first)[rows, places], study.half(study.table.score, first)[rows, places])
        )
    used = sorted(set(choice.tolist()))
    how = "; ".join(
        f"{study.table.models[m]}: {some(study.task_names[t] for t in np.flatnonzero(choice == m))}" for m in used
    )
    routed = len(used) > 1
    return Rule(name, how if routed else f"{study.table.models[used[0]]} for all", used, routed, "rule", *halves)


def some(names: Iterable[str]) -> str:
    """A few names, and how many more there are."""
    all_names = list(names)
    return ", ".join(all_names) if len(all_names) <= 3 else f"{', '.join(all_names[:2])} and {len(all_names) - 2} more"


def by_task(study: Study, floor: float, without: int | None = None) -> Rule | None:
    """The cheapest assignment of tasks above the floor; None without tasks."""
    choice = choice_of_tasks(study, floor, without)
    return None if choice is None or len(study.task_names) < 2 else assigned("by task", choice, study)


def choice_of_tasks(study: Study, floor: float, without: int | None = None) -> NDArray[np.intp] | None:
    cost = study.by_task(study.table.cost_usd)
    if without is not None:
        cost[:, without] = np.nan
    return routing.cheapest_assignment(cost, study.by_task(study.table.score), study.weights, floor, study.fixed_usd)


def frontier(study: Study) -> list[Rule]:
    """Assignments of tasks from the cheapest to the best of the first half."""
    found = routing.frontier(
        study.by_task(study.table.cost_usd),
        study.by_task(study.table.score),
        study.weights,
        study.question.levels,
        study.fixed_usd,
    )
    return [assigned(f"point {number}", choice, study) for number, choice in enumerate(found, 1)]


def cascades(study: Study, floor: float) -> Iterable[Rule]:
    """Try a cheap model, escalate below a threshold, paying twice: with a perfect judge, and with an imperfect one."""
    table, error = study.table, study.question.judge_error
    real = table.signal is not None
    signal = table.score if table.signal is None else table.signal
    errors = [0.0] if real else [0.0, error]
    for each in errors:
        cost, score, own = (study.half(values, True) for values in (table.cost_usd, table.score, signal))
        best = routing.cheapest_cascade(cost, score, own, floor, each, study.fixed_usd)
        if best is None:
            continue
        pair = [best.first, best.second]
        halves = []
        share = 0.0
        for first in (True, False):
            cost, score, own = (study.half(values, first) for values in (table.cost_usd, table.score, signal))
            found = routing.cascade(cost[:, pair], score[:, pair], own[:, best.first], best.threshold, each)
            halves.append((found.cost_usd, found.score))
            share = float(found.escalated.mean())
        first_name, second_name = (table.models[place] for place in pair)
        judge = "cascade" if real else "cascade, perfect judge" if not each else f"cascade, judge wrong in {each:.0%}"
        below = f"below {best.threshold:.3g}" + ("" if real else " of its score")
        how = f"{first_name}, then {second_name} {below}: {share:.0%} of items"
        kind: Kind = "rule" if real else "assumed" if each else "bound"
        yield Rule(judge, how, pair, True, kind, halves[0], halves[1])


def oracle(study: Study) -> tuple[list[Rule], float | None]:
    """
    The bound of every router by item on the second half, and what an imperfect router would make of it.

    Both know the results they are measured on, so they are limits. Also the accuracy at which an imperfect router
    reaches the floor.
    """
    cost, score = (study.half(values, False) for values in (study.table.cost_usd, study.table.score))
    floor = study.floor(False)
    split = routing.cheapest_split(cost, score, np.ones(len(cost)), floor)
    if split is None:
        return [], None
    choice = np.asarray(split.argmax(axis=1))
    used = sorted(set(choice.tolist()))
    names = some(study.table.models[m] for m in used)
    accuracy = study.question.router_accuracy
    perfect = Rule("oracle by item", names, used, True, "bound", None, ((split * cost).sum(1), (split * score).sum(1)))
    halves = (routing.imperfect(cost, choice, accuracy), routing.imperfect(score, choice, accuracy))
    name = f"router by item, {accuracy:.0%} right"
    at = [float(routing.imperfect(score, choice, each).mean()) - floor for each in (0.0, 1.0)]
    needed = 0.0 if at[0] >= 0 else float(root_of_line(*at))
    return [perfect, Rule(name, names, used, True, "assumed", None, halves)], needed if 0 <= needed <= 1 else None
