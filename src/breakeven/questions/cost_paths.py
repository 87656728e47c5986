"""What each choice costs, added up over the months, and what that is made of."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.options.lines import Option, known_usd
from breakeven.projection.paths import months_due
from breakeven.questions.compare import Comparison, Horizon, is_unknown, per_call_usd
from breakeven.questions.statement import finite, part

Floats = NDArray[np.float64]
Role = Literal["stay", "best_untuned", "option"]

MOST_MONTHS = 60
"""Paths reach past the horizon to show a later break-even, up to here. [months]"""
SHOWN_OPTIONS = 4

STAYED = "stay"
"""Part of an option's cost that is billed as staying, after the option is no longer served."""


@part
class PartCost:
    """
    What one part of a choice costs over the horizon. [USD]

    part : input, cached_input, cache_write, output, request, failure, hosting, training, data, people, or stay.
    """

    part: str
    usd: float


@part
class CostPath:
    """
    One choice's cost, added up. [USD]

    cumulative_usd : at the end of months 0, 1, ...; month 0 is what is paid upfront.
    parts : its cost over the horizon by part; adds up to ``cumulative_usd[horizon_months]``.
    break_even_months : against staying; null for never, and for the two that are not tuned.
    life_months : until it is retired; null where nothing is announced. Staying is billed on after that day.
    """

    id: str
    label: str
    role: Role
    cumulative_usd: list[float]
    parts: list[PartCost]
    break_even_months: float | None
    life_months: float | None


def cost_paths(
    options: list[Option], order: list[int], stay: Option, best: Option, compared: Comparison, horizon: Horizon
) -> list[CostPath]:
    """Staying, the best untuned choice where it is another, and the first options on sale at known prices."""
    shown = [i for i in order if options[i].why_unavailable is None and not is_unknown(options[i])][:SHOWN_OPTIONS]
    months = _months([float(compared.break_even[i]) for i in shown], horizon)
    always = np.ones(months)
    paths = [_path(stay, "stay", compared.stay_usd, 0.0, always, compared, horizon, math.inf)]
    if best is not stay:
        paths.append(_path(best, "best_untuned", compared.best_usd, 0.0, always, compared, horizon, math.inf))
    for i in shown:
        paid = float(compared.upfront_usd[i])
        served = compared.served[i, :months]
        back = float(compared.break_even[i])
        paths.append(_path(options[i], "option", compared.option_usd[i], paid, served, compared, horizon, back))
    return paths


def _months(break_evens: list[float], horizon: Horizon) -> int:
    """How far paths reach: the horizon, or a little past the leading option's break-even where that is later."""
    first = break_evens[0] if break_evens else math.inf
    wanted = math.ceil(first * 1.15) if math.isfinite(first) and first <= MOST_MONTHS else 0
    return max(horizon.months, min(wanted, MOST_MONTHS))


def _path(
    option: Option,
    role: Role,
    usd: Floats,
    upfront: float,
    served: Floats,
    compared: Comparison,
    horizon: Horizon,
    break_even: float,
) -> CostPath:
    months = served.size
    billed = served * usd[:months] + (1.0 - served) * compared.stay_usd[:months]
    return CostPath(
        id=option.id,
        label=option.label,
        role=role,
        cumulative_usd=[upfront, *(upfront + np.cumsum(billed)).tolist()],
        parts=_parts(option, served[: horizon.months], compared, horizon),
        break_even_months=finite(break_even),
        life_months=option.life_months,
    )


def _parts(option: Option, served: Floats, compared: Comparison, horizon: Horizon) -> list[PartCost]:
    """Cost over the horizon by part, in the order of the option's lines."""
    months = served.size
    calls = served * compared.calls[:months]
    usd: dict[str, float] = {}
    for name in dict.fromkeys(line.part for line in option.lines):
        once = known_usd(line for line in option.of("once") if line.part == name)
        monthly = known_usd(line for line in option.of("per month") if line.part == name)
        per_call = per_call_usd(option, (name,))[:months]
        usd[name] = once + monthly * float(served.sum()) + float(calls @ per_call)
    if option.fleet:
        usd["hosting"] = usd.get("hosting", 0.0) + float(served @ option.fleet.beyond_usd(compared.calls[:months]))
    retrained = float(served @ months_due(horizon.retrain_every_months, months)) * (option.retrain_usd or 0.0)
    if retrained:
        usd["training"] = usd.get("training", 0.0) + retrained
    stayed = float((1.0 - served) @ compared.stay_usd[:months])
    if stayed:
        usd[STAYED] = stayed
    return [PartCost(part=name, usd=amount) for name, amount in usd.items()]
