"""Options to arrays: costs and savings by month, break-even, present value, and the verdict word of every option."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.options.lines import CostLine, Option, known_usd
from breakeven.projection.paths import (
    SEARCH_MONTHS,
    alive,
    break_even_months,
    calls_by_month,
    months_due,
    present_value_usd,
    return_month,
)
from breakeven.questions.statement import Word

Floats = NDArray[np.float64]


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
    """NaN for options that cannot be ordered or have unknown prices."""


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


def monthly_usd(options: list[Option], horizon: Horizon, months: int = SEARCH_MONTHS) -> Floats:
    """Cost of each month, retraining in the months it is due. Shape (options, months). [USD/month]"""
    calls = calls_by_month(horizon.calls_per_month, horizon.growth_month, months)
    due = months_due(horizon.retrain_every_months, months)
    per_call = np.array([option.at_least("per call") for option in options])
    per_month = np.array([option.at_least("per month") for option in options])
    retrain = np.array([option.retrain_usd or 0.0 for option in options])
    fixed = per_month[:, np.newaxis] + retrain[:, np.newaxis] * due
    usd = per_call[:, np.newaxis] * calls + fixed
    for index, option in enumerate(options):
        if option.later:
            usd[index] = calls * per_call_usd(option)[:months] + fixed[index]
        if option.fleet:
            usd[index] += option.fleet.beyond_usd(calls if horizon.growth_month else calls[:1])
    return np.asarray(usd)


def compare(options: list[Option], stay: Option, best: Option, horizon: Horizon) -> Comparison:
    """Every option against staying and against the best untuned choice."""
    calls = calls_by_month(horizon.calls_per_month, horizon.growth_month, SEARCH_MONTHS)
    stay_usd, best_usd = monthly_usd([stay, best], horizon)
    option_usd = monthly_usd(options, horizon)
    life = [np.inf if option.life_months is None else option.life_months for option in options]
    served = alive(np.array(life), SEARCH_MONTHS)
    orderable = [option.why_unavailable is None and not is_unknown(option) for option in options]
    upfront = np.array([option.at_least("once") for option in options])
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
        irr_month=return_month(np.where(orderable, upfront, np.nan), within),
    )


def is_unknown(option: Option) -> bool:
    """Whether some line of the option has no price."""
    return not option.is_known()


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
