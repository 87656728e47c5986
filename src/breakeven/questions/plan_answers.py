"""Combinations of levers as an answer states them, and what each lever of the cheapest one is worth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from breakeven.projection.attribution import shapley
from breakeven.projection.paths import SEARCH_MONTHS, break_even_months
from breakeven.questions.plans import Floats, Plans
from breakeven.questions.statement import finite, part
from breakeven.questions.tables import Cell

LEAST_SAVING_USD = 1e-6
"""A lever that saves less saves nothing but rounding."""


@part
class Plan:
    """
    One combination. Money for month 1 unless the name says otherwise. [USD]

    running_usd : the horizon without what is paid upfront. saving_usd : over the horizon against staying, upfront paid.
    """

    levers: list[str]
    served_by: str
    upfront_usd: float
    monthly_usd: float
    running_usd: float
    saving_usd: float
    break_even_months: float | None


@part
class LeverAnswer:
    """
    What one lever saves over the horizon, its own effort paid. [USD]

    alone_usd : with nothing else changed. on_top_usd : added last to the cheapest combination, null where it is not in
    it. share_usd : its Shapley share of what that combination saves, independent of the order; null where not in it.
    """

    lever: str
    words: str
    alone_usd: float
    on_top_usd: float | None
    share_usd: float | None


def pulls_its_weight(cost: Floats) -> NDArray[np.bool_]:
    """Which combinations, shape (sets, candidates), would cost more without any one of their levers. [USD]"""
    useful = np.isfinite(cost)
    for number in range(cost.shape[0]):
        for bit in range(cost.shape[0].bit_length() - 1):
            if number >> bit & 1:
                useful[number] &= ~(cost[number ^ (1 << bit)] <= cost[number] + LEAST_SAVING_USD)
    return useful


def plan_rows(plans: Sequence[Plan]) -> list[list[Cell]]:
    return [
        [
            f"{plan.served_by}: {', '.join(plan.levers) or 'nothing else'}",
            plan.upfront_usd,
            plan.monthly_usd,
            plan.running_usd,
            plan.saving_usd,
            plan.break_even_months,
        ]
        for plan in plans
    ]


def stated(plans: Plans, at: tuple[int, int]) -> Plan:
    """One combination against staying as today."""
    number, place = at
    stay = plans.usd[0, 0]
    usd_months, upfront = plans.usd[number, place], float(plans.upfront_usd[number, place])
    longest = np.concatenate([stay - usd_months, np.repeat((stay - usd_months)[-1:], SEARCH_MONTHS)])
    return Plan(
        levers=[lever.words for bit, lever in enumerate(plans.levers) if number >> bit & 1],
        served_by=plans.candidates[place].label,
        upfront_usd=upfront,
        monthly_usd=float(usd_months[0]),
        running_usd=float(usd_months.sum()),
        saving_usd=float((stay - usd_months).sum() - upfront),
        break_even_months=None if at == (0, 0) else finite(float(break_even_months(upfront, longest))),
    )


def worth(plans: Plans, best: tuple[int, int]) -> list[LeverAnswer]:
    """What each lever saves alone, on top of the others, and as its share; the move to another model is one of them."""
    number, place = best
    cost = plans.horizon_usd()
    players = [bit for bit in range(len(plans.levers)) if number >> bit & 1]
    moved = place != 0
    size = len(players) + moved
    values = np.empty(1 << size)
    for subset in range(1 << size):
        bits = sum(1 << bit for at, bit in enumerate(players) if subset >> at & 1)
        values[subset] = cost[0, 0] - cost[bits, place if moved and subset >> len(players) & 1 else 0]
    shares = shapley(values)
    whole = values[-1]
    found = []
    for bit, lever in enumerate(plans.levers):
        at = players.index(bit) if bit in players else None
        found.append(
            LeverAnswer(
                lever=lever.key,
                words=lever.words,
                alone_usd=float(cost[0, 0] - cost[1 << bit, 0]),
                on_top_usd=None if at is None else float(whole - values[-1 - (1 << at)]),
                share_usd=None if at is None else float(shares[at]),
            )
        )
    if moved:
        tuned = plans.candidates[place].tuned
        found.append(
            LeverAnswer(
                lever="fine_tune" if tuned else "model",
                words=plans.candidates[place].label,
                alone_usd=float(cost[0, 0] - cost[0, place]),
                on_top_usd=float(whole - values[(1 << len(players)) - 1]),
                share_usd=float(shares[-1]),
            )
        )
    return sorted(found, key=lambda each: -(each.share_usd or 0.0))
