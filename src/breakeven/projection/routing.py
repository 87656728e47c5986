"""
Which model serves what: the cheapest assignment above a quality floor, mixes, cascades, bounds and their intervals.

``cost_usd`` and ``score`` are arrays of shape (groups, models): what an item of a group costs and scores on a model,
a group being a task or a single item. ``weight`` of shape (groups,) is the share or number of items in each.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

ROUNDING = 1e-9
"""Scores that differ by less than this are the same. [score]"""

RULE_OF_THREE = 3.0
"""
What was not seen in n items still happens in up to 3/n of all, at 95 %.

Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983), 1743-1745.
"""

CASCADE_THRESHOLDS = 40
"""Thresholds that are tried for each pair of a cascade: values of its signal, evenly spaced in rank."""


def blended_usd(share: ArrayLike, usd_per_call: ArrayLike, router_usd_call: ArrayLike = 0.0) -> Any:
    """
    Cost of an average call of a mix: ``sum(share * usd_per_call) + router``. [USD/call]

    ``share`` and ``usd_per_call`` have shape S + (tiers,); the router's cost broadcasts with S.
    """
    return np.sum(np.asarray(share, float) * np.asarray(usd_per_call, float), axis=-1) + np.asarray(router_usd_call)


def leaving_share(target_saving: float, saving_of_leaving: float, router_over_premium: float = 0.0) -> float:
    """
    Share of a premium model's bill that must leave it for a saving of ``target_saving``. [1]

    A bill that leaves saves ``saving_of_leaving`` of itself on average and the router takes ``router_over_premium`` of
    the whole bill: ``target = x * saving_of_leaving - router``. ``inf`` where more than all of it would have to leave.
    """
    if saving_of_leaving <= 0:
        return np.inf
    needed = (target_saving + router_over_premium) / saving_of_leaving
    return max(0.0, needed) if needed <= 1 + ROUNDING else np.inf


def dominated(cost_usd: ArrayLike, score: ArrayLike) -> Bools:
    """Whether another choice costs no more and scores no less, and is better in one of the two. Shape (models,)."""
    cost, quality = np.asarray(cost_usd, float), np.asarray(score, float)
    no_dearer = cost[np.newaxis, :] <= cost[:, np.newaxis]
    no_worse = quality[np.newaxis, :] >= quality[:, np.newaxis]
    better = (cost[np.newaxis, :] < cost[:, np.newaxis]) | (quality[np.newaxis, :] > quality[:, np.newaxis])
    return np.asarray((no_dearer & no_worse & better).any(axis=1))


def cheapest_assignment(
    cost_usd: ArrayLike,
    score: ArrayLike,
    weight: ArrayLike,
    floor_score: float,
    fixed_usd: ArrayLike | None = None,
) -> Ints | None:
    """
    The model of each group that makes the whole cheapest, its weighted mean score at or above a floor.

    Parameters
    ----------
    cost_usd, score : array_like, shape (groups, models)
        Of an item. NaN where a model cannot serve a group. [USD, score]
    weight : array_like, shape (groups,)
        Items in each group.
    floor_score : float
        Least weighted mean score. [score]
    fixed_usd : array_like, shape (models,), optional
        Cost of using a model at all, such as its hosting, over all items weighted. [USD]

    Returns
    -------
    ndarray of int, shape (groups,), or None where no assignment reaches the floor.

    Notes
    -----
    Mixed-integer programme, solved by HiGHS to a gap of zero [1]_: minimise ``sum w c x + sum f y`` over binary ``x``
    (groups, models) and ``y`` (models), with ``sum_m x = 1``, ``x <= y`` where ``f > 0`` and ``sum w s x >= floor``.

    References
    ----------
    .. [1] Huangfu and Hall, "Parallelizing the dual revised simplex method", Math. Prog. Comp. 10 (2018).
    """
    solved = _solve(cost_usd, score, weight, floor_score, fixed_usd, integral=True)
    return None if solved is None else np.asarray(solved.argmax(axis=1))


def cheapest_split(cost_usd: ArrayLike, score: ArrayLike, weight: ArrayLike, floor_score: float) -> Floats | None:
    """
    Shares of each group's items over models that make the whole cheapest above a floor. Shape (groups, models).

    Linear programme: a bound on every assignment, and at most one group is truly split. Groups of one item make it the
    oracle's: the least that any router can pay for that score, knowing every result beforehand. None where no split
    reaches the floor.
    """
    return _solve(cost_usd, score, weight, floor_score, None, integral=False)


def _solve(
    cost_usd: ArrayLike,
    score: ArrayLike,
    weight: ArrayLike,
    floor_score: float,
    fixed_usd: ArrayLike | None,
    *,
    integral: bool,
) -> Floats | None:
    """Share of each group that each model serves. Shape (groups, models), or None."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack, kron

    cost, quality = np.asarray(cost_usd, float), np.asarray(score, float)
    parts = np.asarray(weight, float) / np.sum(weight)
    groups, models = cost.shape
    usable = np.isfinite(cost) & np.isfinite(quality)
    if not usable.any(axis=1).all() or best_score(quality, parts, usable) < floor_score - ROUNDING:
        return None
    fixed = np.zeros(models) if fixed_usd is None else np.asarray(fixed_usd, float)
    # Costs are scaled, because a solver's tolerances are absolute and a call may cost a millionth of a dollar.
    scale = max(float(np.abs(cost[usable]).max()), float(np.abs(fixed).max()), np.finfo(float).tiny)
    weighted = np.where(usable, cost, 0.0) * parts[:, np.newaxis] / scale
    scored = np.where(usable, quality, 0.0) * parts[:, np.newaxis]
    pairs = groups * models
    one_each = hstack([kron(eye_array(groups), np.ones((1, models))), csr_array((groups, models))])
    above = csr_array(np.concatenate([scored.ravel(), np.zeros(models)])[np.newaxis, :])
    constraints = [LinearConstraint(one_each, 1, 1), LinearConstraint(above, floor_score - ROUNDING, np.inf)]
    if fixed.any():
        opened = hstack([eye_array(pairs), -kron(np.ones((groups, 1)), eye_array(models))])
        constraints.append(LinearConstraint(opened, -np.inf, 0))
    found = milp(
        np.concatenate([weighted.ravel(), fixed / scale]),
        integrality=np.full(pairs + models, int(integral)),
        bounds=Bounds(0, np.concatenate([usable.ravel().astype(float), np.ones(models)])),
        constraints=constraints,
        options={"mip_rel_gap": 0.0},
    )
    return None if found.x is None else np.asarray(found.x[:pairs].reshape(groups, models))


def best_score(score: Floats, parts: Floats, usable: Bools) -> float:
    """The weighted mean of each group's best score."""
    return float(parts @ np.where(usable, score, -np.inf).max(axis=1))


def frontier(
    cost_usd: ArrayLike, score: ArrayLike, weight: ArrayLike, levels: int, fixed_usd: ArrayLike | None = None
) -> list[Ints]:
    """
    Assignments from the cheapest to the best, each the cheapest at one of ``levels`` evenly spaced floors.

    Dominated and repeated ones are left out, so that cost and score both rise along the list.
    """
    cost, quality = np.asarray(cost_usd, float), np.asarray(score, float)
    parts = np.asarray(weight, float) / np.sum(weight)
    usable = np.isfinite(cost) & np.isfinite(quality)
    fixed = np.zeros(cost.shape[1]) if fixed_usd is None else np.asarray(fixed_usd, float)
    cheapest = cheapest_assignment(cost, quality, parts, -np.inf, fixed)
    if cheapest is None:
        return []
    rows = np.arange(len(parts))
    low, high = float(parts @ quality[rows, cheapest]), best_score(quality, parts, usable)
    found = [cheapest]
    for floor in np.linspace(low, high, levels)[1:]:
        each = cheapest_assignment(cost, quality, parts, float(floor), fixed)
        if each is not None and not any(np.array_equal(each, other) for other in found):
            found.append(each)
    usd = np.array([parts @ cost[rows, each] + fixed[np.unique(each)].sum() for each in found])
    scores = np.array([parts @ quality[rows, each] for each in found])
    kept = ~dominated(usd, scores)
    return [found[place] for place in np.argsort(usd, kind="stable") if kept[place]]


def cheapest_mix(cost_usd: ArrayLike, score: ArrayLike, floor_score: float) -> Floats | None:
    """
    Shares of models by which calls sent at random cost least, their mean score at or above a floor.

    ``cost_usd`` and ``score`` have shape (models,): means over all items. No router is needed for it, so a router must
    beat it. At most two models have a share. None where no model reaches the floor.
    """
    cost, quality = np.asarray(cost_usd, float), np.asarray(score, float)
    best: tuple[float, float, Floats] | None = None
    for one in range(len(cost)):
        for other in range(len(cost)):
            if quality[other] < floor_score - ROUNDING:
                continue
            lift = quality[other] - quality[one]
            part = 1.0 if lift <= 0 or one == other else min(1.0, max(0.0, (floor_score - quality[one]) / lift))
            usd = part * cost[other] + (1.0 - part) * cost[one]
            shares = np.zeros(len(cost))
            shares[one] += 1.0 - part
            shares[other] += part
            key = (float(usd), -float(shares @ quality))
            if best is None or key < best[:2]:
                best = (*key, shares)
    return None if best is None else best[2]


class Outcome(NamedTuple):
    """What each item costs and scores, on average over chance, and how often it is escalated. Shape (items,)."""

    cost_usd: Floats
    score: Floats
    escalated: Floats


def cascade(
    cost_usd: ArrayLike, score: ArrayLike, signal: ArrayLike, threshold: float, judge_error: float = 0.0
) -> Outcome:
    """
    Try the first model, escalate to the second where the signal is below a threshold, and pay for both then.

    Parameters
    ----------
    cost_usd, score : array_like, shape (items, 2)
        Of the first and the second model.
    signal : array_like, shape (items,)
        What is known of the first answer before the second is asked for.
    judge_error : float
        Share of answers of which the wrong thing is done: good ones escalated, bad ones kept. [1]
    """
    cost, quality = np.asarray(cost_usd, float), np.asarray(score, float)
    below = np.asarray(signal, float) < threshold
    escalated = np.where(below, 1.0 - judge_error, judge_error)
    return Outcome(
        cost[:, 0] + escalated * cost[:, 1],
        (1.0 - escalated) * quality[:, 0] + escalated * quality[:, 1],
        escalated,
    )


class Cascade(NamedTuple):
    """A pair of models, by position, and the threshold of the first one's signal."""

    first: int
    second: int
    threshold: float


def cheapest_cascade(
    cost_usd: Floats,
    score: Floats,
    signal: Floats,
    floor_score: float,
    judge_error: float = 0.0,
    extra_usd: ArrayLike = 0.0,
) -> Cascade | None:
    """
    The pair and threshold that cost least with a mean score at or above a floor, over items. None where none does.

    Arrays of shape (items, models). ``extra_usd`` of shape (models,) is added to a pair for each of the two, per item.
    """
    extra = np.broadcast_to(np.asarray(extra_usd, float), (cost_usd.shape[1],))
    best: tuple[float, Cascade] | None = None
    for first in range(cost_usd.shape[1]):
        values = np.unique(signal[:, first])[1:]
        if len(values) > CASCADE_THRESHOLDS:
            values = values[np.linspace(0, len(values) - 1, CASCADE_THRESHOLDS).round().astype(int)]
        for second in range(cost_usd.shape[1]):
            if first == second:
                continue
            pair = [first, second]
            for threshold in values:
                found = cascade(cost_usd[:, pair], score[:, pair], signal[:, first], threshold, judge_error)
                usd = float(found.cost_usd.mean() + extra[pair].sum())
                if found.score.mean() >= floor_score - ROUNDING and (best is None or usd < best[0]):
                    best = (usd, Cascade(first, second, float(threshold)))
    return None if best is None else best[1]


def imperfect(values: Floats, choice: Ints, accuracy: float) -> Floats:
    """
    Expected value of each item when a router finds its choice with probability ``accuracy``. Shape (items,).

    ``values`` is of shape (items, models), ``choice`` of shape (items,). Otherwise the item goes, with equal chances,
    to another of the models that are chosen at all; with one such model there is nothing to confuse.
    """
    right = values[np.arange(len(choice)), choice]
    used = np.unique(choice)
    if len(used) == 1:
        return right
    wrong = (values[:, used].sum(axis=1) - right) / (len(used) - 1)
    return np.asarray(accuracy * right + (1.0 - accuracy) * wrong)


def halves(strata: Sequence[str], seed: int) -> Bools:
    """
    Whether each item is on the first half, at random but half of each stratum. Shape (items,).

    Items must come in an order of their own, such as sorted by name, for the split to depend on the seed alone.
    """
    rng = np.random.default_rng(seed)
    names = np.asarray(strata)
    first = np.zeros(len(names), dtype=bool)
    spare = 0
    for name in np.unique(names):
        places = rng.permutation(np.flatnonzero(names == name))
        # The odd item of a stratum goes to each half in turn.
        take = (len(places) + spare) // 2
        spare = (len(places) + spare) % 2
        first[places[:take]] = True
    return first


def resampled_means(values: Floats, draws: int, seed: int) -> Floats:
    """
    Bootstrap: the mean of each row over items drawn with replacement, the same items for all rows.

    ``values`` of shape (rows, items) gives shape (draws, rows).
    """
    rng = np.random.default_rng(seed)
    items = values.shape[1]
    block = max(1, 2_000_000 // items)
    means = [
        rng.multinomial(items, np.full(items, 1.0 / items), size=min(block, draws - start)) @ values.T / items
        for start in range(0, draws, block)
    ]
    return np.concatenate(means)


def interval(means: Floats, middle: float, least_width: float = 0.0, level: float = 0.95) -> tuple[float, float]:
    """
    Percentile interval of bootstrap means, on each side at least ``least_width`` from ``middle``.

    A bootstrap of items that all agree has no width, however few they are; ``RULE_OF_THREE / items`` times the range of
    the score is then what is not known.
    """
    low, high = np.quantile(means, [(1.0 - level) / 2, (1.0 + level) / 2])
    return min(float(low), middle - least_width), max(float(high), middle + least_width)
