"""
Exact mean and spread of what a flow of random steps costs, told apart by how it ends.

What a step costs is random, and whether it ends well depends on the same chance: a call that had to be tried again
costs more. So the cost X is kept in two parts, one for each end, each as the three numbers ``P(end)``, ``E[X; end]``
and ``E[X**2; end]`` (the expectation counts that end only). They are the first terms of ``E[exp(u X); end]``::

    P(end) + E[X; end] u + E[X**2; end] u**2 / 2

so that adding independent costs multiplies these terms. Sequences, retries, loops and random sums (Wald's and the
law of total variance among them) are then sums and products, and none of them is approximated.

Terms are arrays whose last axis holds the three numbers; leading axes broadcast.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-15
"""A probability below this is dropped from a count's distribution. [1]"""

ROUNDING = 1e-13
"""A variance below this share of the mean square is what rounding leaves of none. [1]"""


class Outcome(NamedTuple):
    """
    What something costs and how it ends: terms of a good end, and of a bad one.

    done, failed : shape S + (3,). ``[1]``, ``[USD]`` and ``[USD**2]`` along the last axis.
    """

    done: Floats
    failed: Floats


def terms(usd: ArrayLike) -> Floats:
    """Terms of a cost that is certain: ``1, x, x**2``. Shape S gives S + (3,)."""
    x = np.asarray(usd, float)
    found = np.ones((*x.shape, 3))
    found[..., 1] = x
    found[..., 2] = x * x
    return found


def product(one: Floats, other: Floats) -> Floats:
    """Terms of the sum of two independent costs."""
    p, m, q = one[..., 0], one[..., 1], one[..., 2]
    r, n, s = other[..., 0], other[..., 1], other[..., 2]
    zeroth = p * r
    found = np.empty((*np.shape(zeroth), 3))
    found[..., 0] = zeroth
    found[..., 1] = p * n + m * r
    found[..., 2] = p * s + 2.0 * m * n + q * r
    return found


def power(one: Floats, count: int) -> Floats:
    """Terms of the sum of ``count`` independent costs that are distributed alike."""
    found, square = np.broadcast_to(terms(0.0), one.shape), one
    while count:
        if count & 1:
            found = product(found, square)
        square, count = product(square, square), count >> 1
    return found


NOTHING = Outcome(terms(0.0), np.zeros(3))
"""Costs nothing, ends well."""


def then(one: Outcome, other: Outcome) -> Outcome:
    """One after another: the second is paid for only where the first ended well."""
    return Outcome(product(one.done, other.done), one.failed + product(one.done, other.failed))


def beside(one: Outcome, other: Outcome) -> Outcome:
    """Side by side: both are paid for, and both must end well."""
    done = product(one.done, other.done)
    return Outcome(done, product(one.done + one.failed, other.done + other.failed) - done)


def mixed(parts: Sequence[tuple[float, Outcome]]) -> Outcome:
    """One of several, with these probabilities."""
    sure = next((part for share, part in parts if share == 1.0), None)
    if sure is not None:
        return sure
    return Outcome(
        np.asarray(sum(share * part.done for share, part in parts)),
        np.asarray(sum(share * part.failed for share, part in parts)),
    )


def forgiven(one: Outcome) -> Outcome:
    """The same cost, a bad end counted as a good one."""
    return Outcome(one.done + one.failed, np.zeros_like(one.failed))


def retried(attempt: Outcome, retries: int) -> Outcome:
    """
    Tried again after a bad end, at most ``retries`` times; each attempt is paid for.

    The number of attempts is geometric, cut at ``retries + 1``: ``done * (1 + F + F**2 + ...)`` where F are the terms
    of a bad end.
    """
    if not retries or not attempt.failed.any():
        return attempt
    series = np.broadcast_to(terms(0.0), attempt.failed.shape)
    last = attempt.failed
    for _ in range(retries):
        series = terms(0.0) + product(attempt.failed, series)
        last = product(last, attempt.failed)
    return Outcome(product(attempt.done, series), last)


def in_a_row(one: Outcome, count: int) -> Outcome:
    """``count`` times, one after another, the rest not begun after a bad end."""
    found, square = Outcome(np.broadcast_to(terms(0.0), one.done.shape), np.zeros_like(one.failed)), one
    while count:
        if count & 1:
            found = then(found, square)
        square, count = then(square, square), count >> 1
    return found


def at_once(one: Outcome, count: int) -> Outcome:
    """``count`` times side by side: all are paid for, and all must end well."""
    done = power(one.done, count)
    return Outcome(done, power(one.done + one.failed, count) - done)


def whole_counts(mean: float) -> list[tuple[float, int]]:
    """A count of this mean with the least spread: the whole numbers around it, with their probabilities."""
    low = int(mean)
    above = mean - low
    return [(share, count) for share, count in ((1.0 - above, low), (above, low + 1)) if share > NEGLIGIBLE]


def going_on(turns: float, repeat_probability: float | None) -> Floats:
    """
    Probability that turn 2, 3, ... follows the turn before it.

    Without ``repeat_probability`` there are ``turns`` turns, a fraction being the probability of one more; with it a
    further turn follows with this probability, up to ``turns``. Shape (most - 1,).
    """
    most = int(np.ceil(turns - NEGLIGIBLE))
    if repeat_probability is not None:
        return np.full(most - 1, repeat_probability)
    return np.clip(turns - np.arange(1, most), 0.0, 1.0)


def looped(turns: Sequence[Outcome], following: Floats) -> Outcome:
    """
    Turns one after another, each followed by the next with the probability given.

    Parameters
    ----------
    turns : sequence of Outcome, length n
    following : ndarray, shape (n - 1,)
        As of ``going_on``.
    """
    found = turns[-1]
    for turn, share in zip(reversed(turns[:-1]), reversed(following.tolist()), strict=True):
        found = then(turn, mixed([(1.0 - share, NOTHING), (share, found)]))
    return found


def mean_and_sd(outcome: Outcome) -> tuple[float, float]:
    """Mean and standard deviation of the cost, whatever the end. [USD]"""
    _, mean, square = (outcome.done + outcome.failed).tolist()
    variance = square - mean * mean
    return mean, float(np.sqrt(variance)) if variance > ROUNDING * square else 0.0
