"""Break-even of one tuned option over two of the variables that matter: call volume and output-token reduction."""

import math

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.options.lines import Option
from breakeven.projection.paths import SEARCH_MONTHS, alive, break_even_months, calls_by_month, months_due
from breakeven.questions.candidates import gather
from breakeven.questions.compare import per_call_usd, word_for
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion
from breakeven.questions.statement import Word, finite, part

Floats = NDArray[np.float64]

REDUCTIONS = tuple(step / 10 for step in range(10))
"""Rows of the map. [share of output tokens]"""

STEPS = 6
"""Columns on either side of the question's volume, three to a factor of ten."""


@part
class BreakEvenMap:
    """
    Break-even against the better of staying and the best untuned choice, as the headline states it.

    calls_per_month : one per column, rising. [calls/month]
    output_reduction : one per row, rising. [share]
    break_even_months, words : row by row; null is never (word "never") or not known (word "unknown"). [months]
    here : the question's own volume and reduction.
    """

    option_id: str
    label: str
    calls_per_month: list[float]
    output_reduction: list[float]
    break_even_months: list[list[float | None]]
    words: list[list[Word]]
    here: tuple[float, float]


def break_even_map(question: FinetuneQuestion, answer: FinetuneAnswer, catalogue: Catalogue) -> BreakEvenMap | None:
    """
    The map of the answer's leading option; None where it has none that can be bought.

    Each cell is what the answer to the same question with that volume and reduction says of this option.
    """
    if not answer.options or not answer.options[0].available:
        return None
    leading = answer.options[0]
    volumes = _volumes(question.calls_per_month)
    rivals = _rivals(question, answer, catalogue)
    rows = [_row(question, catalogue, leading.id, rivals, reduction, volumes) for reduction in REDUCTIONS]
    return BreakEvenMap(
        option_id=leading.id,
        label=leading.label,
        calls_per_month=volumes,
        output_reduction=list(REDUCTIONS),
        break_even_months=[months for months, _ in rows],
        words=[words for _, words in rows],
        here=(question.calls_per_month, float(str(answer.question["output_reduction"]))),
    )


def _volumes(calls_per_month: float) -> list[float]:
    """Round volumes around the given one: 1, 2, 5, 10, ... [calls/month]"""
    middle = round(3 * math.log10(calls_per_month))
    steps = range(middle - STEPS, middle + STEPS + 1)
    return [float(f"{(1, 2, 5)[step % 3]}e{step // 3}") for step in steps]


def _rivals(question: FinetuneQuestion, answer: FinetuneAnswer, catalogue: Catalogue) -> Floats:
    """Cost of a call in each month, staying and at the best untuned choice. Shape (2, SEARCH_MONTHS). [USD/call]"""
    found = gather(question, catalogue)
    best = next(each.option for each in found.untuned if each.option.label == answer.best_untuned.label)
    return np.stack([per_call_usd(found.stay), per_call_usd(best)])


def _row(
    question: FinetuneQuestion,
    catalogue: Catalogue,
    option_id: str,
    rivals: Floats,
    reduction: float,
    volumes: list[float],
) -> tuple[list[float | None], list[Word]]:
    """Break-even and verdict for each volume at one reduction."""

    def option_at(volume: float) -> Option:
        fields = {"output_reduction": reduction, "calls_per_month": volume}
        return gather(question.model_copy(update=fields), catalogue, option_id).tuned[0]

    option = option_at(volumes[0])
    # Only rented machines depend on the volume; all other lines are per call, or fixed.
    rented = option.kind in ("tuned_dedicated", "tuned_own")
    by_volume = [option_at(each) for each in volumes] if rented else [option] * len(volumes)
    if rented:
        each_alone = [
            [_break_evens(one, usd, question, [volume])[0] for one, volume in zip(by_volume, volumes, strict=True)]
            for usd in rivals
        ]
        months = np.max(each_alone, axis=0)
    else:
        months = np.maximum.reduce([_break_evens(option, usd, question, volumes) for usd in rivals])
    words = [word_for(each, float(value), catalogue) for each, value in zip(by_volume, months, strict=True)]
    return [
        None if word == "unknown" else finite(float(value)) for value, word in zip(months, words, strict=True)
    ], words


def _break_evens(option: Option, rival: Floats, question: FinetuneQuestion, volumes: list[float]) -> Floats:
    """Break-even against one rival at each volume. Shape (volumes,). [months]"""
    calls = np.asarray(volumes)[:, np.newaxis] * calls_by_month(1.0, question.growth_month, SEARCH_MONTHS)
    gain = calls * (rival - per_call_usd(option))
    due = months_due(question.retrain_every_months, SEARCH_MONTHS)
    fixed = option.at_least("per month") + due * (option.retrain_usd or 0.0)
    units = option.fleet.beyond_usd(calls) if option.fleet else 0.0
    served = alive(math.inf if option.life_months is None else option.life_months, SEARCH_MONTHS)
    upfront = np.full(len(volumes), option.at_least("once"))
    return np.asarray(break_even_months(upfront, served * (gain - fixed - units)))
