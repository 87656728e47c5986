"""How calls spread over the hours: what a fleet carries at its peak, and what one that follows the load costs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_HOURS = 24
WEEK_HOURS = 168


class Scaled(NamedTuple):
    """
    A fleet that follows the load.

    units : units up in each hour. [1]
    starts : units started in one pass over the hours.
    """

    units: Floats
    starts: float


def day_of(peak_to_mean: float) -> Floats:
    """
    Calls of each hour of a day over their mean, where nothing but the busiest hour is known. Shape (24,). [1]

    One smooth wave a day, ``exp(k cos t)`` over its mean (the shape of the von Mises density), with ``k`` such that
    its top is ``peak_to_mean``. At 2 the quietest hour has a sixth of the calls of the busiest one.

    Raises ValueError for less than 1, or more than a wave over 24 hours can reach (20).
    """
    if not 1 <= peak_to_mean <= 20:
        raise ValueError(f"peak_to_mean must be 1 to 20, got {peak_to_mean:g}")
    angles = 2 * np.pi * np.arange(DAY_HOURS) / DAY_HOURS

    def wave(k: float) -> Floats:
        raw = np.exp(k * (np.cos(angles) - 1))
        return np.asarray(raw / raw.mean())

    if peak_to_mean == 1:
        return np.ones(DAY_HOURS)
    from scipy.optimize import brentq

    return wave(float(brentq(lambda k: float(wave(k)[0]) - peak_to_mean, 0, 500)))


def hours_of(counts: Sequence[float]) -> Floats:
    """
    Calls of each hour over their mean, from calls by hour of the day (24) or of the week (168), on any scale. [1]

    Raises ValueError for another number of hours, a negative or infinite count, or none above 0.
    """
    hours = np.asarray(counts, float)
    if hours.size not in (DAY_HOURS, WEEK_HOURS):
        raise ValueError(f"calls by hour must be {DAY_HOURS} or {WEEK_HOURS} numbers, got {hours.size}")
    if not np.isfinite(hours).all() or (hours < 0).any() or not hours.any():
        raise ValueError("calls by hour must be numbers of 0 or more, not all of them 0")
    return np.asarray(hours / hours.mean())


def follow(hours: Floats, load: float, least: int, spare: int = 0) -> Scaled:
    """
    Units up in each hour when the fleet follows the load, hour after hour without end.

    Parameters
    ----------
    hours : shape (n,)
        Load of each hour over the mean, bursts inside the hour included. [1]
    load : float
        Mean load in units: 1.0 keeps one unit as busy as it may be. [1]
    """
    # A load that fills a unit to the last call needs no second one: rounding must not buy it.
    units = np.maximum(least, np.ceil(np.round(load * hours, 9))) + spare
    return Scaled(units, float(np.maximum(0.0, units - np.roll(units, 1)).sum()))
