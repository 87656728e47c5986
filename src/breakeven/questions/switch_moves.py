"""What comes of each move: its cost and saving over time, its break-even, its verdict, and what would make it even."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import known_to_be_sold, model_retirement
from breakeven.options.hosted import month_start
from breakeven.options.lines import Option
from breakeven.projection.closed_form import calls_to_break_even, root_of_line
from breakeven.projection.paths import alive
from breakeven.questions.compare import Comparison, compare, word_for
from breakeven.questions.statement import finite, statement_line
from breakeven.questions.switch_answer import Move, Staying, SwitchWord
from breakeven.questions.switch_targets import Candidates, Target

if TYPE_CHECKING:
    from breakeven.questions.switch import SwitchQuestion

Floats = NDArray[np.float64]


def moves_from(question: "SwitchQuestion", found: Candidates, catalogue: Catalogue) -> tuple[Staying, list[Move]]:
    """
    Staying, and every move against it, those that can be made first, the least cost over the horizon first.

    A saving counts while both models are served. Over the horizon a move costs its own price while it is served, and
    today's after that, if today's model is then still served.
    """
    horizon = found.horizon
    options = [each for target in found.targets for each in (target.option, target.low, target.high)]
    lives = [_shorter(option.life_months, found.life_months) for option in options]
    compared = compare(
        [replace(option, life_months=life) for option, life in zip(options, lives, strict=True)],
        found.stay,
        found.stay,
        horizon,
    )
    moves = [
        _move(question, found, target, options, compared, 3 * place, catalogue)
        for place, target in enumerate(found.targets)
    ]
    moves.sort(key=lambda move: (move.why_unavailable is not None, move.horizon_usd, move.model))
    within = compared.stay_usd[: horizon.months]
    served = alive(np.inf if found.life_months is None else found.life_months, horizon.months)
    per_call = found.stay.at_least("per call")
    success = question.success_rate
    stay = Staying(
        model=found.today.id,
        monthly_usd=float(within[0]),
        horizon_usd=None if found.forced else float(within.sum()),
        until_retired_usd=float((within * served).sum()),
        usd_per_call=per_call,
        usd_per_successful_call=finite(per_call / success) if success else None,
        lines=[statement_line(line, horizon.calls_per_month) for line in found.stay.lines],
    )
    return stay, moves


def _shorter(one: float | None, other: float | None) -> float | None:
    lives = [each for each in (one, other) if each is not None]
    return min(lives) if lives else None


def _move(
    question: "SwitchQuestion",
    found: Candidates,
    target: Target,
    options: list[Option],
    compared: Comparison,
    row: int,
    catalogue: Catalogue,
) -> Move:
    """One move; ``row`` is its place in the comparison, those of the ends of its band follow."""
    months, option = found.horizon.months, target.option
    stay_usd, usd = compared.stay_usd[:months], compared.option_usd[row, :months]
    upfront = float(compared.upfront_usd[row])

    def served(life: float | None) -> Floats:
        return alive(np.inf if life is None else life, months)

    today, new = served(found.life_months), served(option.life_months)
    # A month in which neither is served is billed at the new model's price.
    now = usd * new + (1.0 - new) * (stay_usd * today + usd * (1.0 - today))
    wait = stay_usd * today + usd * (1.0 - today)
    words = [
        _word(options[place], float(compared.break_even[place]), found, catalogue) for place in range(row, row + 3)
    ]
    per_call, stay_per_call = (_all_in_usd(each, found) for each in (option, found.stay))
    success = target.success_rate
    saving = float(stay_usd[0] - usd[0])
    end = model_retirement(catalogue, target.model)
    return Move(
        model=target.model.id,
        verdict=words[0],
        why_unavailable=option.why_unavailable,
        break_even_months=finite(float(compared.break_even[row])) if option.why_unavailable is None else None,
        monthly_usd=float(usd[0]),
        monthly_low_usd=float(compared.option_usd[row + 1, 0]) if target.estimated else None,
        monthly_high_usd=float(compared.option_usd[row + 2, 0]) if target.estimated else None,
        verdict_low=words[1] if target.estimated else None,
        verdict_high=words[2] if target.estimated else None,
        monthly_saving_usd=saving,
        saving_share=saving / float(stay_usd[0]) if stay_usd[0] > 0 else None,
        upfront_usd=upfront,
        saving_usd=float(compared.saving_usd[row, :months].sum()) - upfront,
        horizon_usd=float(now.sum()) + upfront,
        wait_horizon_usd=float(wait.sum()) + upfront if found.forced and not found.forced.over else None,
        calls_to_break_even=finite(float(calls_to_break_even(upfront, stay_per_call - per_call))),
        counts=target.counts,
        input_ratio=target.input_ratio.ratio,
        output_ratio=target.output_ratio.ratio,
        output_change=target.output_change,
        input_tokens=target.workload.input_tokens,
        output_tokens=target.workload.output_tokens,
        usd_per_call=per_call,
        success_rate=success,
        usd_per_successful_call=finite(per_call / success) if success else None,
        failure_usd_at_parity=_parity_failure_usd(question, found, target),
        success_rate_at_parity=_parity_success(question, found, target),
        retires=end.day.isoformat() if end else None,
        life_months=option.life_months,
        sold_checked=known_to_be_sold(catalogue, target.model),
        months_usd=now.tolist(),
        notes=list(_notes(question, found, target, end.day if end else None, catalogue)),
        lines=[statement_line(line, found.horizon.calls_per_month) for line in option.lines],
    )


def _word(option: Option, break_even: float, found: Candidates, catalogue: Catalogue) -> SwitchWord:
    """The verdict against staying; "forced" where staying ends before the move has paid back."""
    word: SwitchWord = word_for(option, break_even, catalogue)
    return "forced" if word == "never" and found.forced else word


def _all_in_usd(option: Option, found: Candidates) -> float:
    """A call of month 1 with its part of what is paid each month, such as rented GPUs. [USD/call]"""
    return option.at_least("per call") + option.at_least("per month") / found.horizon.calls_per_month


def _gain(found: Candidates, target: Target) -> float:
    """What a call saves but for its failures. [USD/call]"""
    stay, new = (
        _all_in_usd(option, found) - sum(line.usd or 0.0 for line in option.of("per call") if line.part == "failure")
        for option in (found.stay, target.option)
    )
    return stay - new


def _parity_failure_usd(question: "SwitchQuestion", found: Candidates, target: Target) -> float | None:
    """
    What a failed call must cost for both models to cost the same: ``gain / (success - new success)``. [USD]

    Null where rates are not given or equal, or where no cost of zero or more does it.
    """
    if question.success_rate is None or target.success_rate is None:
        return None
    gain = _gain(found, target)
    usd = float(root_of_line(gain, gain + target.success_rate - question.success_rate))
    return finite(usd) if usd >= 0 else None


def _parity_success(question: "SwitchQuestion", found: Candidates, target: Target) -> float | None:
    """
    The share of calls that must succeed at the new model for both to cost the same: ``success - gain / failure``.

    Null where no failure cost or rate is given, or where no share from 0 to 1 does it.
    """
    if question.success_rate is None or not question.failure_usd:
        return None
    share = question.success_rate - _gain(found, target) / question.failure_usd
    return share if 0 <= share <= 1 else None


def _notes(
    question: "SwitchQuestion", found: Candidates, target: Target, end: dt.date | None, catalogue: Catalogue
) -> Iterator[str]:
    """What a reader should see beside a move."""
    if target.option.why_unavailable:
        yield target.option.why_unavailable
        return
    if end is not None and end < month_start(question.as_of, question.horizon_months + 1):
        yield f"retires {end} itself"
    if not known_to_be_sold(catalogue, target.model):
        yield "listed, not checked to be sold still"
    if target.option.later:
        yield f"its list price changes in month {target.option.later[0][0]}"
    if any("batch at standard" in line.name for line in target.option.lines):
        yield "no batch price published"
    if target.option.fleet:
        yield target.option.label
        yield from target.option.unknowns
