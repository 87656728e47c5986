"""Assignments against enumeration, mixes and cascades by hand, splits and intervals by their properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.projection import routing


def enumerated(
    cost: np.ndarray, score: np.ndarray, weight: np.ndarray, floor: float, fixed: np.ndarray
) -> float | None:
    """The least cost over every assignment, looked at one by one."""
    groups, models = cost.shape
    rows, parts = np.arange(groups), weight / weight.sum()
    found = [
        float(parts @ cost[rows, list(each)] + fixed[list(set(each))].sum())
        for each in itertools.product(range(models), repeat=groups)
        if parts @ score[rows, list(each)] >= floor - routing.ROUNDING
    ]
    return min(found, default=None)


@pytest.mark.parametrize("seed", range(25))
def test_no_assignment_is_cheaper_than_the_one_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, models = rng.integers(1, 5, 2)
    cost, score = rng.random((groups, models)) * 1e-4, rng.random((groups, models))
    weight, floor = rng.integers(1, 9, groups).astype(float), rng.random()
    fixed = rng.random(models) * 1e-5 if seed % 2 else np.zeros(models)
    best = enumerated(cost, score, weight, floor, fixed)
    choice = routing.cheapest_assignment(cost, score, weight, floor, fixed)
    if choice is None:
        assert best is None
        return
    rows, parts = np.arange(groups), weight / weight.sum()
    usd = parts @ cost[rows, choice] + fixed[np.unique(choice)].sum()
    assert usd == pytest.approx(best, rel=1e-9)
    split = routing.cheapest_split(cost, score, weight, floor)
    assert split is not None
    assert split.sum(axis=1) == pytest.approx(1)
    assert (parts[:, np.newaxis] * split * cost).sum() <= usd - fixed[np.unique(choice)].sum() + 1e-12 or fixed.any()


def test_a_model_that_cannot_serve_a_group_is_not_chosen() -> None:
    choice = routing.cheapest_assignment([[np.nan, 2.0], [1.0, 2.0]], [[1, 1], [1, 1]], [1, 1], 1.0)
    assert choice is not None
    assert choice.tolist() == [1, 0]
    assert routing.cheapest_assignment([[np.nan], [1.0]], [[1], [1]], [1, 1], 0.0) is None


def test_hosting_of_a_model_is_paid_once() -> None:
    cost, score = [[1.0, 3.0], [1.0, 3.0]], [[1, 1], [1, 1]]
    cheap, dear = (routing.cheapest_assignment(cost, score, [1, 1], 1.0, [fixed, 0.0]) for fixed in (1.9, 2.1))
    assert cheap is not None
    assert dear is not None
    assert (cheap.tolist(), dear.tolist()) == ([0, 0], [1, 1])


@given(st.integers(0, 10_000))
def test_along_the_frontier_cost_and_score_rise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, score, weight = rng.random((3, 3)), rng.random((3, 3)), rng.random(3) + 0.1
    found = routing.frontier(cost, score, weight, 5)
    rows, parts = np.arange(3), weight / weight.sum()
    usd = [float(parts @ cost[rows, each]) for each in found]
    scores = [float(parts @ score[rows, each]) for each in found]
    assert usd == sorted(usd)
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(float(parts @ score.max(axis=1)))


def test_blended_and_leaving_share_by_hand() -> None:
    # 0.5 x 0.36 + 0.5 x 5 + 0.1 = 2.78; 40 % by a bill that saves 80 % of itself, router 4 %: 0.44 / 0.8 = 0.55
    assert routing.blended_usd([0.5, 0.5], [0.36, 5.0], 0.1) == pytest.approx(2.78)
    assert routing.leaving_share(0.4, 0.8, 0.04) == pytest.approx(0.55)
    assert routing.leaving_share(0.4, 0.3) == np.inf
    assert routing.leaving_share(0.4, -1.0) == np.inf


def test_dominated_choices() -> None:
    assert routing.dominated([1, 2, 2, 3], [0.5, 0.4, 0.9, 0.9]).tolist() == [False, True, False, True]
    assert routing.dominated([1, 1], [0.5, 0.5]).tolist() == [False, False]


def test_the_cheapest_mix_lies_on_the_line_between_two_models() -> None:
    # floor 0.8 between 0.6 at 1 and 1.0 at 9: half and half costs 5; the third model is above that line
    shares = routing.cheapest_mix([1, 9, 8], [0.6, 1.0, 0.8], 0.8)
    assert shares is not None
    assert shares.tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert routing.cheapest_mix([1, 9], [0.6, 0.7], 0.8) is None
    only = routing.cheapest_mix([1, 9], [0.6, 0.7], 0.5)
    assert only is not None
    assert only.tolist() == [1.0, 0.0]


def test_a_cascade_pays_twice_for_what_it_escalates() -> None:
    cost, score = np.array([[1.0, 10.0]] * 4), np.array([[1, 1], [0, 1], [0, 0], [1, 0]], float)
    found = routing.cascade(cost, score, score[:, 0], 0.5)
    assert found.cost_usd.tolist() == [1, 11, 11, 1]
    assert found.score.tolist() == [1, 1, 0, 1]
    # a judge wrong in a tenth: a good answer is escalated in 0.1, a bad one in 0.9
    wrong = routing.cascade(cost, score, score[:, 0], 0.5, 0.1)
    assert wrong.cost_usd.tolist() == pytest.approx([2, 10, 10, 2])
    assert wrong.score.tolist() == pytest.approx([1, 0.9, 0, 0.9])


def test_the_cheapest_cascade_meets_the_floor() -> None:
    cost = np.array([[1.0, 10.0, 3.0]] * 4)
    score = np.array([[1, 1, 1], [0, 1, 0], [0, 1, 1], [1, 1, 1]], float)
    # model 0 then 2: 1 + 0.5 x 3 = 2.5, score 0.75; model 0 then 1: 1 + 0.5 x 10 = 6, score 1
    assert routing.cheapest_cascade(cost, score, score, 0.7) == (0, 2, 1.0)
    # model 2 then 1: 3 + 0.25 x 10 = 5.5, score 1
    assert routing.cheapest_cascade(cost, score, score, 1.0) == (2, 1, 1.0)
    assert routing.cheapest_cascade(cost, score * 0.5, score, 1.0) is None


def test_an_imperfect_router_lies_between_right_and_wrong() -> None:
    values, choice = np.array([[0.0, 1.0, 5.0], [1.0, 0.0, 5.0]]), np.array([1, 0])
    assert routing.imperfect(values, choice, 1.0).tolist() == [1, 1]
    assert routing.imperfect(values, choice, 0.75).tolist() == [0.75, 0.75]
    assert routing.imperfect(values, np.array([1, 1]), 0.0).tolist() == [1, 0]


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=60), st.integers(0, 99))
def test_halves_are_halves_of_each_stratum(strata: list[str], seed: int) -> None:
    first = routing.halves(strata, seed)
    assert np.array_equal(first, routing.halves(strata, seed))
    names = np.array(strata)
    for name in set(strata):
        own = first[names == name]
        assert abs(2 * int(own.sum()) - len(own)) <= 1
    assert abs(2 * int(first.sum()) - len(first)) <= 1


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for draw in range(200):
        values = (rng.random(100) < 0.7).astype(float)
        low, high = routing.interval(routing.resampled_means(values[np.newaxis], 400, draw)[:, 0], float(values.mean()))
        covered += low <= 0.7 <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_a_few_items_that_agree_prove_nothing() -> None:
    same = np.zeros((1, 6))
    means = routing.resampled_means(same, 200, 1)[:, 0]
    assert routing.interval(means, 0.0) == (0.0, 0.0)
    assert routing.interval(means, 0.0, routing.RULE_OF_THREE / 6) == (-0.5, 0.5)
