"""Formulas with one equation each, for scalars or arrays. Numbers in, numbers out; no prices, no dates."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NO_GROWTH = 1e-12
"""Growth below this is no growth: the limit of the formula, whose terms cancel out there. [1/month]"""


def payback_months(upfront_usd: ArrayLike, saving_usd_month: ArrayLike, growth_month: ArrayLike = 0.0) -> Any:
    """
    Months until a cheaper option has repaid its upfront cost.

    Parameters
    ----------
    upfront_usd : array_like, shape S
        One-off cost of switching, zero or more. [USD]
    saving_usd_month : array_like, broadcasts with S
        First month's saving: cost of staying minus cost of switching. [USD/month]
    growth_month : array_like, broadcasts with S, default 0
        Growth of that saving, above -1; 0.05 is 5 % more each month. [1/month]

    Returns
    -------
    ndarray of the broadcast shape, or float if all inputs are scalar. [months]
        Fractions included; ``inf`` where the savings never add up; NaN in, NaN out.

    Raises
    ------
    ValueError
        A negative upfront cost, or growth of -1 or less.

    Notes
    -----
    Solves ``U = s * ((1 + g)**n - 1) / g`` for ``n``; at ``g = 0``, ``n = U / s``, the article's formula [1]_. With
    ``g < 0`` the savings approach ``-s / g``. Months count continuously here, while ``paths.break_even_months`` adds
    whole months and is linear inside one; the two agree at ``g = 0`` and wherever ``n`` is whole.

    References
    ----------
    .. [1] "Fine-Tuning vs API Calls", https://www.getapipulse.com/blog-fine-tuning-vs-api-2026.html, 2026-05-27.

    Examples
    --------
    >>> payback_months([12_000, 30_000], 1_000, -0.05).round(2)
    array([17.86,   inf])
    """
    upfront, saving, growth = np.broadcast_arrays(
        np.asarray(upfront_usd, float), np.asarray(saving_usd_month, float), np.asarray(growth_month, float)
    )
    if np.any(upfront < 0):
        raise ValueError(f"upfront_usd must be 0 or more, got {upfront.min()}")
    if np.any(growth <= -1):
        raise ValueError(f"growth_month must be above -1, got {growth.min()}")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = upfront / saving
        argument = growth * ratio
        level = np.abs(growth) < NO_GROWTH
        months = np.where(level, ratio, np.log1p(argument) / np.log1p(np.where(level, 1.0, growth)))
        months = np.where((saving <= 0) | (argument <= -1), np.inf, months)
    months = np.where(np.isnan(upfront) | np.isnan(saving) | np.isnan(growth), np.nan, months)
    return months if months.ndim else float(months)


def calls_to_break_even(fixed_usd: ArrayLike, saving_usd_call: ArrayLike) -> Any:
    """
    Calls after which a saving per call has paid a fixed cost. [calls]

    ``fixed / saving``; ``inf`` where a call saves nothing, whatever the volume: a cost that grows with every call
    cannot change its sign with volume.
    """
    fixed, saving = np.broadcast_arrays(np.asarray(fixed_usd, float), np.asarray(saving_usd_call, float))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        calls = np.where(saving > 0, fixed / saving, np.inf)
    return calls if calls.ndim else float(calls)


def root_of_line(at_zero: ArrayLike, at_one: ArrayLike) -> Floats:
    """
    Where a quantity that is linear in ``x`` becomes zero, from its values at x = 0 and x = 1.

    NaN where it is constant. Every flip is such a root, because the cumulative saving is linear in each input.
    """
    zero, one = np.broadcast_arrays(np.asarray(at_zero, float), np.asarray(at_one, float))
    slope = one - zero
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.where(slope == 0, np.nan, -zero / slope))
