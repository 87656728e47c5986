"""Exact moments of random sums, retries and loops: known answers, and properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.projection.moments import (
    NOTHING,
    Outcome,
    at_once,
    beside,
    forgiven,
    going_on,
    in_a_row,
    looped,
    mean_and_sd,
    mixed,
    power,
    product,
    retried,
    terms,
    then,
    whole_counts,
)

costs = st.floats(0, 100)
shares = st.floats(0, 1)


def coin(usd: float, error_rate: float = 0.0, failed_usd: float | None = None) -> Outcome:
    """Costs ``usd`` and ends well, or ``failed_usd`` (the same if not given) and ends badly."""
    return Outcome((1 - error_rate) * terms(usd), error_rate * terms(usd if failed_usd is None else failed_usd))


def total(outcome: Outcome) -> list[float]:
    found: list[float] = (outcome.done + outcome.failed).tolist()
    return found


def same(one: Outcome, other: Outcome) -> bool:
    return np.allclose(one.done, other.done, rtol=1e-9, atol=1e-9) and np.allclose(
        one.failed, other.failed, rtol=1e-9, atol=1e-9
    )


def test_a_die_thrown_twice() -> None:
    # mean 3.5, variance 35/12; two: 7 and 35/6
    die = mixed([(1 / 6, coin(face)) for face in range(1, 7)])
    mean, sd = mean_and_sd(then(die, die))
    assert (mean, sd) == pytest.approx((7, math.sqrt(35 / 6)))


def test_a_random_sum_follows_wald_and_the_law_of_total_variance() -> None:
    # N is 2 or 5 with equal probability: E = 3.5, Var = 2.25; X is 1 or 3: E = 2, Var = 1
    x = mixed([(0.5, coin(1)), (0.5, coin(3))])
    mean, sd = mean_and_sd(mixed([(0.5, in_a_row(x, 2)), (0.5, in_a_row(x, 5))]))
    assert mean == pytest.approx(3.5 * 2)
    assert sd**2 == pytest.approx(3.5 * 1 + 2.25 * 2**2)


@pytest.mark.parametrize(("error_rate", "retries"), [(0.1, 0), (0.25, 2), (0.5, 10)])
def test_retries_are_a_geometric_number_of_attempts(error_rate: float, retries: int) -> None:
    found = retried(coin(2.0, error_rate), retries)
    attempts = sum(error_rate**k for k in range(retries + 1))
    squares = sum((k + 1) ** 2 * error_rate**k * (1 - error_rate) for k in range(retries + 1))
    squares += (retries + 1) ** 2 * error_rate ** (retries + 1)
    assert total(found) == pytest.approx([1, 2 * attempts, 4 * squares])
    assert found.failed[0] == pytest.approx(error_rate ** (retries + 1))


def test_attempts_without_end_cost_one_over_the_success_rate() -> None:
    # geometric: mean 1 / (1 - e), variance e / (1 - e)**2
    mean, sd = mean_and_sd(retried(coin(1.0, 0.2), 100))
    assert (mean, sd**2) == pytest.approx((1 / 0.8, 0.2 / 0.8**2))


def test_a_loop_that_goes_on_with_a_probability() -> None:
    mean, sd = mean_and_sd(looped([coin(1.0)] * 400, going_on(400, 0.75)))
    assert (mean, sd**2) == pytest.approx((4, 0.75 / 0.25**2))


def test_turns_that_are_no_whole_number() -> None:
    assert going_on(2.25, None).tolist() == [1, 0.25]
    assert going_on(1, None).tolist() == []
    assert mean_and_sd(looped([coin(1.0)] * 3, going_on(2.25, None))) == pytest.approx((2.25, math.sqrt(0.25 * 0.75)))


def test_a_failure_ends_a_row_but_not_what_runs_side_by_side() -> None:
    # ends at the first failure: 1 + 0.9 + 0.81 calls; side by side: 3
    assert mean_and_sd(in_a_row(coin(1.0, 0.1), 3))[0] == pytest.approx(2.71)
    assert mean_and_sd(at_once(coin(1.0, 0.1), 3))[0] == pytest.approx(3)
    assert in_a_row(coin(1.0, 0.1), 3).done[0] == pytest.approx(0.729) == at_once(coin(1.0, 0.1), 3).done[0]


def test_failed_attempts_that_cost_less() -> None:
    # fails half of the time at 1 USD, works at 4; one retry: 0.5 x 4 + 0.25 x 5 + 0.25 x 2
    assert mean_and_sd(retried(coin(4.0, 0.5, 1.0), 1))[0] == pytest.approx(3.75)


def test_whole_counts_keep_the_mean() -> None:
    assert whole_counts(3) == [(1.0, 3)]
    assert whole_counts(0.25) == [(0.75, 0), (0.25, 1)]


@given(costs, costs, shares, shares, st.integers(0, 5))
def test_probability_is_conserved(x: float, y: float, e: float, f: float, count: int) -> None:
    one, other = coin(x, e, y), coin(y, f, x)
    for found in (
        then(one, other),
        beside(one, other),
        retried(one, count),
        in_a_row(one, count),
        at_once(one, count),
        forgiven(one),
        looped([one, other, one], np.array([e, f])),
    ):
        assert total(found)[0] == pytest.approx(1)
        _, mean, square = total(found)
        assert square >= mean * mean - 1e-6 * (1 + square)


@given(costs, costs, shares, shares)
def test_laws_of_the_algebra(x: float, y: float, e: float, f: float) -> None:
    one, other = coin(x, e, y), coin(y, f)
    assert same(then(one, NOTHING), one)
    assert same(then(NOTHING, one), one)
    assert same(beside(one, other), beside(other, one))
    assert same(then(then(one, other), one), then(one, then(other, one)))
    assert same(in_a_row(one, 3), then(one, then(one, one)))
    assert same(at_once(one, 3), beside(one, beside(one, one)))
    assert same(in_a_row(forgiven(one), 4), at_once(forgiven(one), 4))
    assert np.allclose(power(one.done, 3), product(one.done, product(one.done, one.done)))


@given(costs, st.floats(0, 0.95), st.integers(0, 20))
def test_retries_raise_the_cost_and_the_rate_of_good_ends(x: float, e: float, retries: int) -> None:
    less, more = retried(coin(x, e), retries), retried(coin(x, e), retries + 1)
    assert total(more)[1] >= total(less)[1] - 1e-9
    assert more.done[0] >= less.done[0] - 1e-12
