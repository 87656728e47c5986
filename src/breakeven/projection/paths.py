"""Month by month: volumes, cumulative savings, the month in which they reach zero, present value, rate of return."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SEARCH_MONTHS = 600
"""How far a break-even is looked for. [months]"""


def calls_by_month(calls_per_month: float, growth_month: float, months: int) -> Floats:
    """Calls in months 1..``months``: ``N (1 + g)**(m - 1)``. Shape (months,). [calls/month]"""
    return np.asarray(calls_per_month * (1.0 + growth_month) ** np.arange(months), dtype=float)


def months_due(every_months: int | None, months: int) -> Floats:
    """1 in each month that is a multiple of ``every_months``, else 0. Shape (months,)."""
    month = np.arange(1, months + 1)
    return np.zeros(months) if every_months is None else (month % every_months == 0).astype(float)


def alive(life_months: ArrayLike, months: int) -> Floats:
    """
    Share of each month in which an option is still served.

    ``life_months`` of shape S (``inf`` = no end announced) gives shape S + (months,), values 0..1: 1 while it lives,
    a fraction in its last month, then 0.
    """
    life = np.asarray(life_months, float)[..., np.newaxis]
    return np.asarray(np.clip(life - np.arange(months), 0.0, 1.0))


def cumulative_usd(upfront_usd: ArrayLike, saving_usd: ArrayLike) -> Floats:
    """
    Savings added up, less the upfront cost, at the end of each month. [USD]

    ``upfront_usd`` of shape S and ``saving_usd`` of shape S + (months,) give shape S + (months,).
    """
    return np.asarray(
        np.cumsum(np.asarray(saving_usd, float), axis=-1) - np.asarray(upfront_usd, float)[..., np.newaxis]
    )


def break_even_months(upfront_usd: ArrayLike, saving_usd: ArrayLike) -> Any:
    """
    The first moment at which the savings have repaid the upfront cost, linear inside its month.

    Parameters
    ----------
    upfront_usd : array_like, shape S
        One-off cost, zero or more. [USD]
    saving_usd : array_like, shape S + (months,)
        Saving of each month, negative where the option costs more. [USD/month]

    Returns
    -------
    ndarray of shape S, or float where S is (). [months]
        ``inf`` where it does not happen within the months given. With nothing to repay it is 0 if the first month
        saves something.
    """
    saving = np.asarray(saving_usd, float)
    cumulative = cumulative_usd(upfront_usd, saving)
    reached = (cumulative >= 0) & (saving > 0)
    first = np.argmax(reached, axis=-1)
    at = np.take_along_axis(cumulative, first[..., np.newaxis], -1)[..., 0]
    gain = np.take_along_axis(saving, first[..., np.newaxis], -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = np.clip(1.0 - at / gain, 0.0, 1.0)
    months = np.where(reached.any(axis=-1), first + inside, np.inf)
    return months if months.ndim else float(months)


def present_value_usd(upfront_usd: ArrayLike, saving_usd: ArrayLike, rate_year: float) -> Floats:
    """
    Net present value of the savings less the upfront cost. [USD]

    Each month's saving counts at its end, at the monthly rate ``(1 + rate_year)**(1/12) - 1``.
    """
    saving = np.asarray(saving_usd, float)
    factors = (1.0 + rate_year) ** (-np.arange(1, saving.shape[-1] + 1) / 12.0)
    return np.asarray(saving @ factors - np.asarray(upfront_usd, float))


def return_month(upfront_usd: ArrayLike, saving_usd: ArrayLike) -> Floats:
    """
    Internal rate of return per month: the rate at which the present value is zero. [1/month]

    NaN where the cash flow changes sign never or has no real rate above -1. Where there are several, the one nearest
    to zero. Found as roots of the cash-flow polynomial (eigenvalues of its companion matrix, all options at once).
    """
    saving = np.atleast_2d(np.asarray(saving_usd, float))
    upfront = np.atleast_1d(np.asarray(upfront_usd, float))
    rates = np.full(upfront.shape, np.nan)
    last = saving.shape[-1]
    known = np.isfinite(upfront) & np.isfinite(saving).all(axis=-1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        ratios = saving / upfront[:, np.newaxis]
    usable = np.flatnonzero(known & (upfront > 0) & (saving > 0).any(axis=-1) & np.isfinite(ratios).all(axis=-1))
    if usable.size:
        # -upfront * q**n + s_1 * q**(n-1) + ... + s_n = 0 with q = 1 + rate
        companion = np.zeros((usable.size, last, last))
        companion[:, 0, :] = ratios[usable]
        companion[:, np.arange(1, last), np.arange(last - 1)] = 1.0
        roots = np.linalg.eigvals(companion)
        real = np.where((np.abs(roots.imag) < 1e-9) & (roots.real > 1e-9), roots.real - 1.0, np.inf)
        nearest = np.take_along_axis(real, np.argmin(np.abs(real), axis=-1)[:, np.newaxis], -1)[:, 0]
        rates[usable] = np.where(np.isfinite(nearest), nearest, np.nan)
    return rates.reshape(np.shape(upfront_usd)) if np.shape(upfront_usd) else rates[0]
