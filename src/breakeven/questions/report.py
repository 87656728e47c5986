"""Compared options to the parts of an answer: statements of cost, option by option, and the months."""

import math
from dataclasses import dataclass

import numpy as np

from breakeven.catalogue.load import Catalogue
from breakeven.options.lines import Option
from breakeven.projection.closed_form import payback_months
from breakeven.questions.candidates import Candidates
from breakeven.questions.compare import Comparison, Horizon, monthly_usd, word_for
from breakeven.questions.flips import find_flips
from breakeven.questions.statement import (
    Flips,
    Month,
    Opponent,
    OptionAnswer,
    Untuned,
    Word,
    finite,
    statement_line,
)
from breakeven.questions.words import reasons

RANK: dict[Word, int] = {
    "clear_win": 0,
    "worth_considering": 0,
    "not_worth_it": 0,
    "never": 1,
    "unknown": 2,
    "unavailable": 3,
}
"""Order of options: those with a known outcome by their saving, then unknown ones, then those nobody can buy."""


def opponent(
    option: Option, model: str | None, horizon: Horizon, horizon_usd: float, success_rate: float | None
) -> Opponent:
    """The statement of staying, or of the best untuned choice."""
    per_call = option.at_least("per call")
    return Opponent(
        label=option.label,
        model=model,
        monthly_usd=monthly_at_start(option, horizon),
        horizon_usd=horizon_usd,
        usd_per_call=per_call,
        usd_per_successful_call=finite(per_call / success_rate) if success_rate else None,
        lines=[statement_line(line, horizon.calls_per_month) for line in option.lines],
        notes=list(option.notes),
    )


def untuned_rows(found: Candidates, horizon: Horizon) -> list[Untuned]:
    """Every untuned choice that was looked at, in the order of ``found.untuned``."""
    months = monthly_usd([choice.option for choice in found.untuned], horizon)
    return [
        Untuned(
            label=choice.option.label,
            model=choice.model,
            monthly_usd=float(usd[0]),
            horizon_usd=float(usd[: horizon.months].sum()),
            counted=choice.counted,
            condition=choice.condition,
        )
        for choice, usd in zip(found.untuned, months, strict=True)
    ]


def option_answers(
    found: Candidates, horizon: Horizon, compared: Comparison, catalogue: Catalogue
) -> tuple[list[OptionAnswer], list[int]]:
    """Answers for every tuned option, the leading one first, and their positions in ``found.tuned``."""
    words = [word_for(option, float(compared.break_even[i]), catalogue) for i, option in enumerate(found.tuned)]
    within = slice(0, horizon.months)
    saving = compared.saving_usd[:, within].sum(axis=-1) - compared.upfront_usd
    versus = compared.saving_vs_best_usd[:, within].sum(axis=-1) - compared.upfront_usd
    target = catalogue.assume("not_worth_months")
    flips = find_flips(found.tuned, horizon, compared, found.reductions, found.today_at_tuned_tokens, target)
    simple = payback_months(
        compared.upfront_usd,
        compared.stay_usd[0] - np.array([monthly_at_start(option, horizon) for option in found.tuned]),
    )

    def place(index: int) -> tuple[bool, int, float]:
        named = found.tuned[index].id in found.asked_for
        return not named, RANK[words[index]], -float(saving[index])

    order = sorted(range(len(found.tuned)), key=place)
    answers = []
    for index in order:
        outcome = Outcome(
            word=words[index],
            break_even=float(compared.break_even[index]),
            break_even_vs_best=float(compared.break_even_vs_best[index]),
            simple=float(simple[index]),
            saving_usd=float(saving[index]),
            saving_vs_best_usd=float(versus[index]),
            npv_usd=float(compared.npv_usd[index]),
            irr_month=float(compared.irr_month[index]),
            flips=flips[index],
        )
        stay_usd = monthly_at_start(found.stay, horizon)
        answers.append(_option_answer(found.tuned[index], outcome, horizon, stay_usd, found.success_rates[1]))
    return answers, order


@dataclass(frozen=True, slots=True)
class Outcome:
    """One option's numbers, unknown prices counted as zero; infinity stands for never."""

    word: Word
    break_even: float
    break_even_vs_best: float
    simple: float
    saving_usd: float
    saving_vs_best_usd: float
    npv_usd: float
    irr_month: float
    flips: Flips


def _option_answer(
    option: Option, outcome: Outcome, horizon: Horizon, stay_usd: float, success_rate: float | None
) -> OptionAnswer:
    """One option as the answer states it: what rests on an unknown price becomes null."""
    once = option.of("once")
    offered = bool(option.lines)
    spent = option.at_least("once")
    upfront = spent if offered and option.is_known("once") else None
    at_least = monthly_at_start(option, horizon)
    monthly_known = offered and option.is_known("per call", "per month")
    monthly = at_least if monthly_known else None
    saving = None if monthly is None else stay_usd - monthly
    simple = None if upfront is None or saving is None else finite(outcome.simple)
    known = upfront is not None and monthly_known
    high = None if upfront is None else sum((line.usd or 0.0) * line.high for line in once)
    per_success = monthly / horizon.calls_per_month / success_rate if monthly is not None and success_rate else math.inf

    def if_known(value: float) -> float | None:
        return finite(value) if known else None

    return OptionAnswer(
        id=option.id,
        label=option.label,
        kind=option.kind,
        available=option.why_unavailable is None,
        why_unavailable=option.why_unavailable,
        verdict=outcome.word,
        upfront_usd=upfront,
        upfront_low_usd=sum((line.usd or 0.0) * line.low for line in once) if offered else None,
        upfront_high_usd=high,
        at_least_upfront_usd=spent,
        monthly_usd=monthly,
        at_least_monthly_usd=at_least,
        monthly_saving_usd=saving,
        usd_per_successful_call=finite(per_success),
        break_even_months=if_known(outcome.break_even),
        break_even_months_vs_best_untuned=if_known(outcome.break_even_vs_best),
        simple_break_even_months=simple,
        saving_usd=if_known(outcome.saving_usd),
        saving_usd_vs_best_untuned=if_known(outcome.saving_vs_best_usd),
        roi=finite(outcome.saving_usd / spent) if known and spent > 0 else None,
        npv_usd=if_known(outcome.npv_usd),
        irr_month=if_known(outcome.irr_month),
        life_months=option.life_months,
        estimated=any((line.low, line.high) != (1.0, 1.0) for line in option.lines),
        reasons=reasons(option, outcome.word, upfront, saving, simple, outcome.flips, outcome.break_even),
        notes=list(option.notes),
        unknowns=list(option.unknowns),
        lines=[statement_line(line, horizon.calls_per_month) for line in option.lines],
        flips=outcome.flips,
    )


def monthly_at_start(option: Option, horizon: Horizon) -> float:
    """Cost of month 1, without a retraining that may be due in it. [USD]"""
    return horizon.calls_per_month * option.at_least("per call") + option.at_least("per month")


def month_rows(compared: Comparison, leading: int | None, known: bool, horizon: Horizon) -> list[Month]:
    """The months of the horizon for the leading option; [] without one. ``known`` says whether its prices are."""
    if leading is None:
        return []
    served = compared.served[leading]
    blended = served * compared.option_usd[leading] + (1.0 - served) * compared.stay_usd
    cumulative = np.cumsum(compared.stay_usd - blended) - compared.upfront_usd[leading]
    return [
        Month(
            month=m + 1,
            calls=float(compared.calls[m]),
            stay_usd=float(compared.stay_usd[m]),
            best_untuned_usd=float(compared.best_usd[m]),
            option_usd=float(blended[m]) if known else None,
            cumulative_saving_usd=float(cumulative[m]) if known else None,
            served=float(served[m]),
        )
        for m in range(horizon.months)
    ]
