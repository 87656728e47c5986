"""What would flip an answer: the value of one input, all others as given, at which break-even falls to a month."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from breakeven.options.lines import Fleet, Option, known_usd
from breakeven.projection.closed_form import root_of_line
from breakeven.projection.paths import SEARCH_MONTHS, alive, months_due
from breakeven.questions.compare import Comparison, Horizon, is_unknown, per_call_usd
from breakeven.questions.statement import Flips

Floats = NDArray[np.float64]

INPUT_PARTS = ("input", "cached_input", "cache_write")
OUTPUT_PARTS = ("output",)
TOKEN_PARTS = (*INPUT_PARTS, *OUTPUT_PARTS, "request")
"""Parts of a cost that a tuning premium multiplies."""

FEW_STEPS, MOST_STEPS = 100, 10_000
"""So many purchases of one more machine are looked through first, and at most, over all months."""


def find_flips(
    options: list[Option],
    horizon: Horizon,
    compared: Comparison,
    reductions: tuple[float, float],
    today_at_tuned_tokens: Option,
    at_months: float,
) -> list[Flips]:
    """
    Where each input would bring break-even to ``at_months``, or to the end of an option's life if that is sooner.

    The saving added up to that month is linear in each input taken alone, so each flip is the root of a line. Only
    where whole machines are bought as calls grow is it a staircase, see ``volume_of_fleet``.

    Parameters
    ----------
    compared : Comparison
        Of the same options, in the same order.
    reductions : (float, float)
        Share of input and of output tokens already removed in the options' lines.
    today_at_tuned_tokens : Option
        Calls of the tuned size at today's prices, which a premium multiplies.
    """
    lives = np.array([np.inf if option.life_months is None else option.life_months for option in options])
    target = np.minimum(at_months, lives)
    weight = alive(target, SEARCH_MONTHS)
    calls = weight * compared.calls
    now = (weight * (compared.stay_usd - compared.option_usd)).sum(axis=-1) - compared.upfront_usd
    retrainings = weight @ months_due(horizon.retrain_every_months, SEARCH_MONTHS)
    run = np.array([option.retrain_usd or 0.0 for option in options])
    hosting = np.array([option.at_least("per month") for option in options])
    spent_once = retrainings * run + compared.upfront_usd
    fixed = weight.sum(axis=-1) * hosting + spent_once
    tokens = _spent(options, calls, TOKEN_PARTS)
    today = calls @ per_call_usd(today_at_tuned_tokens, TOKEN_PARTS)
    runs = horizon.runs + retrainings
    with np.errstate(divide="ignore", invalid="ignore"):
        volume = np.where((fixed > 0) & (now + fixed > 0), horizon.calls_per_month * fixed / (now + fixed), np.nan)
    for i, option in enumerate(options):
        if option.fleet:
            rented = hosting[i] + option.fleet.beyond_usd(
                compared.calls if horizon.growth_month else compared.calls[:1]
            )
            gain = now[i] + float((weight[i] * rented).sum()) + spent_once[i]
            running = hosting[i] - option.fleet.counted * option.fleet.usd_per_unit
            still = spent_once[i] + weight[i].sum() * running
            calls_needed = volume_of_fleet(option.fleet, weight[i], compared.calls, gain, float(still))
            volume[i] = np.nan if calls_needed is None else calls_needed
    found = {
        "calls_per_month": volume,
        "input_reduction": _reduction(now, _spent(options, calls, INPUT_PARTS), reductions[0]),
        "output_reduction": _reduction(now, _spent(options, calls, OUTPUT_PARTS), reductions[1]),
        "premium": _zero_or_more(root_of_line(now + tokens, now + tokens - today)),
        "training_usd": _zero_or_more(root_of_line(now + runs * run, now + runs * (run - 1.0))),
    }
    answerable = [bool(option.lines) and not is_unknown(option) and target[i] > 0 for i, option in enumerate(options)]
    return [
        Flips(
            at_months=float(target[i]),
            **{
                name: float(values[i]) if answerable[i] and np.isfinite(values[i]) else None
                for name, values in found.items()
            },
        )
        for i in range(len(options))
    ]


def volume_of_fleet(
    fleet: Fleet, weight: ArrayLike, calls: ArrayLike, gain_usd: float, fixed_usd: float
) -> float | None:
    """
    The fewest calls in month 1 whose gain pays for the machines they need and for what is fixed; None if none do.

    Between two steps the machines stay the same while the gain grows with the calls, so the balance is best just
    before a step: the first step up to which it turns positive holds the root.

    Parameters
    ----------
    weight, calls : shape (months,)
        Share of each month that counts; calls of each month as asked.
    gain_usd : float
        What the calls asked about save before machines and fixed costs, up to the target month. [USD]
    fixed_usd : float
        What is paid whatever the calls, machines aside. [USD]
    """
    weight, calls = np.asarray(weight, float), np.asarray(calls, float)
    months = np.flatnonzero(weight > 0)
    if gain_usd <= 0 or not months.size:
        return None
    if len(fleet.profile) == 1 and np.ptp(calls[months]) == 0:
        return _level_volume(fleet, float(weight[months].sum()), float(calls[0]), gain_usd, fixed_usd)
    # Months of the same volume need the same machines.
    growth, place = np.unique(calls[months] / calls[0], return_inverse=True)
    weights = np.bincount(place, weight[months])
    multiples = np.array([multiple for multiple, _ in fleet.profile if multiple > 0])
    # Most options pay with few machines or never do; only the others are looked through to the end.
    for most in (FEW_STEPS, MOST_STEPS):
        whole = np.arange(1, 1 + max(1, most // (growth.size * multiples.size)))
        steps = np.sort((whole * fleet.calls_per_unit / np.multiply.outer(growth, multiples)[..., np.newaxis]).ravel())
        machines = (fleet.units(steps[:, np.newaxis] * growth) * fleet.usd_per_unit) @ weights
        needed = (machines + fixed_usd) * calls[0] / gain_usd
        reached = np.flatnonzero(needed <= steps * (1 + 1e-9))
        if reached.size:
            first = int(reached[0])
            return float(max(needed[first], steps[first - 1] if first else 0.0))
    return None


def _level_volume(fleet: Fleet, months: float, calls: float, gain_usd: float, fixed_usd: float) -> float | None:
    """
    ``volume_of_fleet`` where every month has the same calls and machines are up all the time: no search is needed.

    ``k`` machines pay before the next one is needed if ``months * usd * k + fixed <= gain * (k - spare) * full``, with
    ``full`` the calls that fill one; that is linear in ``k``.
    """
    gain, rent = gain_usd / calls, months * fleet.usd_per_unit
    full = fleet.calls_per_unit / fleet.profile[0][0]
    least = fleet.least + fleet.spare
    balance = (rent * least + fixed_usd) / gain
    if balance <= (least - fleet.spare) * full:
        return balance
    if gain * full <= rent:
        return None
    machines = math.ceil(round((fixed_usd + gain * full * fleet.spare) / (gain * full - rent), 9))
    return max((rent * machines + fixed_usd) / gain, (machines - fleet.spare - 1) * full)


def _spent(options: list[Option], calls: Floats, parts: tuple[str, ...]) -> Floats:
    """What each option spends on some parts of its calls up to its target month. [USD]"""
    counted = calls.sum(axis=-1)
    usd = [
        float(calls[i] @ per_call_usd(option, parts))
        if option.later
        else counted[i] * known_usd(line for line in option.of("per call") if line.part in parts)
        for i, option in enumerate(options)
    ]
    return np.array(usd, dtype=float)


def _reduction(now: Floats, spent: Floats, removed: float) -> Floats:
    """The share of tokens that must go, NaN outside 0 <= share < 1. ``removed`` of them are gone in ``spent``."""
    share = root_of_line(now + spent - spent / (1.0 - removed), now + spent)
    share = np.where(np.abs(share) < 1e-12, 0.0, share)
    return np.asarray(np.where((share >= 0.0) & (share < 1.0), share, np.nan))


def _zero_or_more(values: Floats) -> Floats:
    return np.asarray(np.where(values >= 0.0, values, np.nan))
