"""Who earned what: shares of a joint saving, and choices that no other choice beats. Numbers in, numbers out."""

from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def shapley(values: ArrayLike) -> Floats:
    """
    Each player's share of a joint value, independent of the order in which they join.

    Parameters
    ----------
    values : array_like, shape (2**n,)
        Value of each set of players: bit i of the index says whether player i is in it.

    Returns
    -------
    ndarray of shape (n,)
        Sums to ``values[-1] - values[0]``; a player who never changes the value gets 0.

    Raises
    ------
    ValueError
        The length is no power of two.

    Notes
    -----
    ``phi_i = sum over sets S without i of |S|! (n - |S| - 1)! / n! * (v(S + i) - v(S))`` [1]_.

    References
    ----------
    .. [1] L. S. Shapley, "A Value for n-Person Games", Contributions to the Theory of Games II, 1953.

    Examples
    --------
    >>> shapley([0, 10, 20, 60])
    array([25., 35.])
    """
    value = np.asarray(values, float)
    players = value.size.bit_length() - 1
    if value.size != 1 << players:
        raise ValueError(f"values must have a length of 2**n, got {value.size}")
    sets = np.arange(value.size)
    sizes = np.array([int(each).bit_count() for each in sets])
    weights = np.array([factorial(size) * factorial(players - size - 1) for size in range(players)], float)
    weights /= factorial(players)
    shares = np.zeros(players)
    for player in range(players):
        without = sets[(sets >> player) & 1 == 0]
        shares[player] = np.sum(weights[sizes[without]] * (value[without | (1 << player)] - value[without]))
    return shares


def undominated(effort: ArrayLike, cost: ArrayLike) -> NDArray[np.int64]:
    """
    Positions of the choices that no other one beats in effort and cost at once, by rising effort.

    Of choices equal in both, the first is kept. NaN in either is never kept.
    """
    efforts, costs = np.asarray(effort, float), np.asarray(cost, float)
    order = np.lexsort((np.arange(efforts.size), costs, efforts))
    kept: list[int] = []
    least = np.inf
    for index in order:
        if np.isfinite(efforts[index]) and costs[index] < least:
            kept.append(int(index))
            least = costs[index]
    return np.array(kept, dtype=np.int64)


def cache_hit_share(calls_per_minute: ArrayLike, minutes_kept: float) -> Floats:
    """
    Share of calls that find a prompt in the cache, where each read keeps it for some minutes more.

    Calls come evenly at random (a Poisson process), so a call finds it if the gap before it is shorter than
    ``minutes_kept``: ``1 - exp(-rate * minutes)``. Bunched calls find it more often: this is a lower bound for them.
    """
    rate = np.asarray(calls_per_minute, float)
    return np.asarray(-np.expm1(-rate * minutes_kept))
