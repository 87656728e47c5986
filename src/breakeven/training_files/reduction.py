"""How many fewer output tokens a model writes that answers as a training file does, against what a log was billed."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Z = 1.96
"""Standard deviations that hold 95 % of a normal distribution. [1]"""


class Reduction(NamedTuple):
    """
    Output tokens a call in a log and in a file made of it, and the share by which the latter are fewer.

    Means and medians in tokens; ``low`` and ``high`` bound the share with 95 % confidence, negative where the file's
    answers are longer.
    """

    logged_mean: float
    logged_median: float
    file_mean: float
    file_median: float
    mean: float
    mean_low: float
    mean_high: float
    median: float
    median_low: float
    median_high: float


def reduction(
    logged: Sequence[int], counted: Sequence[int], ratio: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Reduction | None:
    """
    The reduction that a file implies, None where there is nothing to compare.

    Parameters
    ----------
    logged : sequence
        Billed output tokens of each call, reasoning included. [tokens]
    counted : sequence
        Tokens of each answer in the file. [tokens]
    ratio : tuple
        Tokens of the logged model per counted token: value, low and high. [1]

    Notes
    -----
    ``1 - mean(file) / mean(logged)``; its error by the delta method for a ratio of independent means. The median's
    bounds are order statistics at ``n / 2 -+ 1.96 sqrt(n) / 2``, combined so that the share is bounded on both sides.
    """
    if not logged or not counted:
        return None
    before, after = np.asarray(logged, float), np.asarray(counted, float)
    value, low, high = ratio
    if before.mean() <= 0:
        return None
    share = float(after.mean() / before.mean())
    spread = math.sqrt(_relative_variance(before) + _relative_variance(after))
    before_low, before_high = _median_bounds(before)
    after_low, after_high = _median_bounds(after)
    middle = float(np.median(before))

    def fewer(over: float, under: float) -> float:
        return 1 - over / under if under > 0 else 1.0 if over == 0 else -math.inf

    return Reduction(
        logged_mean=float(before.mean()),
        logged_median=middle,
        file_mean=float(after.mean()) * value,
        file_median=float(np.median(after)) * value,
        mean=1 - share * value,
        mean_low=1 - share * high * (1 + Z * spread),
        mean_high=1 - share * low * max(0.0, 1 - Z * spread),
        median=fewer(float(np.median(after)) * value, middle),
        median_low=fewer(after_high * high, before_low),
        median_high=fewer(after_low * low, before_high),
    )


def _relative_variance(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Variance of a mean over its square. [1]"""
    mean = float(values.mean())
    if len(values) < 2 or mean <= 0:
        return 0.0
    return float(values.var(ddof=1)) / len(values) / mean**2


def _median_bounds(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float]:
    ordered = np.sort(values)
    half = Z * math.sqrt(len(ordered)) / 2
    first = max(0, math.floor(len(ordered) / 2 - half))
    last = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + half))
    return float(ordered[first]), float(ordered[last])
