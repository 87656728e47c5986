"""Shares of a joint saving, and choices that no other one beats."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.projection.attribution import cache_hit_share, shapley, undominated

values = st.integers(0, 4).flatmap(
    lambda players: st.lists(st.floats(-1e6, 1e6), min_size=2**players, max_size=2**players)
)


@given(values)
def test_shares_are_means_over_every_order(value: list[float]) -> None:
    players = len(value).bit_length() - 1
    want = np.zeros(players)
    orders = list(itertools.permutations(range(players)))
    for order in orders:
        joined = 0
        for player in order:
            want[player] += value[joined | 1 << player] - value[joined]
            joined |= 1 << player
    assert shapley(value) == pytest.approx(want / len(orders), abs=1e-6)


@given(values)
def test_shares_add_up(value: list[float]) -> None:
    assert shapley(value).sum() == pytest.approx(value[-1] - value[0], abs=1e-6)


def test_the_glove_game() -> None:
    # One left glove (player 0) and two right ones: a pair is worth 1. Known answer: 2/3, 1/6, 1/6.
    value = [float(bool(each & 1) and bool(each & 6)) for each in range(8)]
    assert shapley(value) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_a_length_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="2"):
        shapley([1, 2, 3])


pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


@given(pairs)
def test_the_frontier_is_what_nothing_beats(choices: list[tuple[int, int]]) -> None:
    efforts, costs = [each[0] for each in choices], [each[1] for each in choices]
    kept = set(undominated(efforts, costs).tolist())
    for at, (effort, cost) in enumerate(choices):
        beaten = any(
            (e <= effort and c < cost) or (e < effort and c <= cost) or ((e, c) == (effort, cost) and i < at)
            for i, (e, c) in enumerate(choices)
        )
        assert (at in kept) == (not beaten)


def test_what_is_not_known_is_on_no_frontier() -> None:
    assert undominated([0, np.nan, 1], [np.nan, 1, 5]).tolist() == [2]


def test_cache_hits() -> None:
    # Half of all gaps of a Poisson process are shorter than ln 2 / rate.
    assert cache_hit_share(0.1, np.log(2) / 0.1) == pytest.approx(0.5)
    assert cache_hit_share(0.0, 5.0) == 0
    # Against seeded gaps: 0.3 calls a minute, kept for 5 minutes after the last.
    gaps = np.random.default_rng(7).exponential(1 / 0.3, 200_000)
    assert cache_hit_share(0.3, 5.0) == pytest.approx(float((gaps < 5).mean()), abs=0.003)
