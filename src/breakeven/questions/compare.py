"""Options to arrays, arrays to numbers: savings by month, break-even, flips and the verdict word of every option."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.options.lines import CostLine, Option, known_usd, total_usd
from breakeven.projection.closed_form import root_of_line
from breakeven.projection.paths import (
    SEARCH_MONTHS,
    alive,
    break_even_months,
    calls_by_month,
    months_due,
    present_value_usd,
    return_month,
)
from breakeven.questions.statement import Flips, Word

Floats = NDArray[np.float64]

TOKEN_PARTS = ("input", "cached_input", "cache_write", "output", "request")
"""Parts of a cost that a tuning premium multiplies."""


@dataclass(frozen=True)
class Horizon:
    """Over which time, at which growth and rate, and with which retraining options are compared."""

    calls_per_month: float
    growth_month: float
    months: int
    discount_rate_year: float
    retrain_every_months: int | None
    runs: int


@dataclass(frozen=True)
class Comparison:
    """
    Arrays over options, in the order given; unknown prices count as zero here, so costs are "at least".

    option_usd, saving_usd, saving_vs_best_usd : shape (options, SEARCH_MONTHS); an option that is no longer served
        costs what its opponent costs. [USD/month]
    """

    calls: Floats
    stay_usd: Floats
    best_usd: Floats
    upfront_usd: Floats
    option_usd: Floats
    served: Floats
    saving_usd: Floats
    saving_vs_best_usd: Floats
    break_even: Floats
    break_even_vs_best: Floats
    npv_usd: Floats
    irr_month: Floats


def per_call_usd(option: Option, parts: tuple[str, ...] = ()) -> Floats:
    """
    Cost of a call in each month, announced price changes included. Shape (SEARCH_MONTHS,). [USD/call]

    ``parts`` keeps only lines of those parts; () keeps all.
    """

    def usd_of(lines: Iterable[CostLine]) -> float:
        return known_usd(line for line in lines if not parts or line.part in parts)

    usd = np.full(SEARCH_MONTHS, usd_of(option.of("per call")))
    for month, lines in option.later:
        failures = [line for line in option.of("per call") if line.part == "failure"]
        usd[month - 1 :] = usd_of([*lines, *failures])
    return usd


def monthly_usd(option: Option, horizon: Horizon) -> Floats:
    """Cost of each month, retraining in the months it is due. Shape (SEARCH_MONTHS,). [USD/month]"""
    calls = calls_by_month(horizon.calls_per_month, horizon.growth_month, SEARCH_MONTHS)
    retrain = (option.retrain_usd or 0.0) * months_due(horizon.retrain_every_months, SEARCH_MONTHS)
    return np.asarray(calls * per_call_usd(option) + known_usd(option.of("per month")) + retrain)


def compare(options: list[Option], stay: Option, best: Option, horizon: Horizon) -> Comparison:
    """Every option against staying and against the best untuned choice."""
    calls = calls_by_month(horizon.calls_per_month, horizon.growth_month, SEARCH_MONTHS)
    stay_usd, best_usd = monthly_usd(stay, horizon), monthly_usd(best, horizon)
    option_usd = np.array([monthly_usd(option, horizon) for option in options]).reshape(len(options), SEARCH_MONTHS)
    life = [np.inf if option.life_months is None else option.life_months for option in options]
    served = alive(np.array(life), SEARCH_MONTHS)
    upfront = np.array([known_usd(option.of("once")) for option in options])
    saving = served * (stay_usd - option_usd)
    saving_vs_best = served * (best_usd - option_usd)
    within = saving[:, : horizon.months]
    return Comparison(
        calls=calls,
        stay_usd=stay_usd,
        best_usd=best_usd,
        upfront_usd=upfront,
        option_usd=option_usd,
        served=served,
        saving_usd=saving,
        saving_vs_best_usd=saving_vs_best,
        break_even=break_even_months(upfront, saving),
        break_even_vs_best=break_even_months(upfront, saving_vs_best),
        npv_usd=present_value_usd(upfront, within, horizon.discount_rate_year),
        irr_month=return_month(upfront, within),
    )


def is_unknown(option: Option) -> bool:
    """Whether some line of the option has no price."""
    return total_usd(option.lines) is None


def word_for(option: Option, break_even: float, catalogue: Catalogue) -> Word:
    """
    The verdict word of an option, from a break-even computed with unknown prices at zero.

    Below 6 months a clear win, 6 to 12 (both included) worth considering, above that not worth it; the two bounds are
    the article's and stand in the assumptions. An option with unknown prices is "never" if it does not pay back even
    with them at zero, otherwise "unknown".
    """
    if option.why_unavailable is not None:
        return "unavailable"
    if not np.isfinite(break_even):
        return "never"
    if is_unknown(option):
        return "unknown"
    months = round(break_even, 9)
    if months < catalogue.assume("clear_win_months"):
        return "clear_win"
    return "worth_considering" if months <= catalogue.assume("not_worth_months") else "not_worth_it"


def find_flips(
    option: Option,
    stay: Option,
    horizon: Horizon,
    comparison: Comparison,
    index: int,
    reductions: tuple[float, float],
    today_at_tuned_tokens: Option,
    at_months: float,
) -> Flips:
    """
    Where each input would bring break-even to ``at_months``, or to the end of the option's life if that is sooner.

    The saving added up to that month is linear in each input taken alone, so each flip is the root of a line.

    Parameters
    ----------
    reductions : (float, float)
        Share of input and of output tokens already removed in the option's lines.
    today_at_tuned_tokens : Option
        Calls of the tuned size at today's prices, which a premium multiplies.
    """
    target = at_months if option.life_months is None else min(at_months, option.life_months)
    if not option.lines or is_unknown(option) or target <= 0:
        return _no_flips(target)
    weight = alive(np.array(target), SEARCH_MONTHS)
    calls = weight * comparison.calls
    upfront = float(comparison.upfront_usd[index])
    now = float(weight @ (comparison.stay_usd - comparison.option_usd[index])) - upfront
    retrainings = float(weight @ months_due(horizon.retrain_every_months, SEARCH_MONTHS))
    training_run = option.retrain_usd or 0.0
    fixed = float(weight.sum()) * known_usd(option.of("per month")) + retrainings * training_run + upfront
    from_calls = now + fixed
    part = {
        "input": float(calls @ per_call_usd(option, ("input", "cached_input", "cache_write"))),
        "output": float(calls @ per_call_usd(option, ("output",))),
        "tokens": float(calls @ per_call_usd(option, TOKEN_PARTS)),
        "tokens today": float(calls @ per_call_usd(today_at_tuned_tokens, TOKEN_PARTS)),
    }

    def root(at_zero: float, at_one: float) -> float:
        return float(root_of_line(at_zero, at_one))

    def reduction(of: str, removed: float) -> float:
        whole = part[of] / (1.0 - removed)
        value = root(now + part[of] - whole, now + part[of])
        value = 0.0 if abs(value) < 1e-12 else value
        return value if 0.0 <= value < 1.0 else np.nan

    premium = root(now + part["tokens"], now + part["tokens"] - part["tokens today"])
    training = root(
        now + (horizon.runs + retrainings) * training_run,
        now + (horizon.runs + retrainings) * (training_run - 1.0),
    )
    volume = horizon.calls_per_month * fixed / from_calls if from_calls > 0 and fixed > 0 else np.nan
    return Flips(
        at_months=target,
        calls_per_month=volume,
        input_reduction=reduction("input", reductions[0]),
        output_reduction=reduction("output", reductions[1]),
        premium=premium if premium >= 0 else np.nan,
        training_usd=training if training >= 0 else np.nan,
    )


def _no_flips(at_months: float) -> Flips:
    return Flips(
        at_months=max(0.0, at_months),
        calls_per_month=None,
        output_reduction=None,
        input_reduction=None,
        premium=None,
        training_usd=None,
    )
