"""Months: lives, retraining, break-even inside a month, present value and rate of return."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.projection.paths import (
    alive,
    break_even_months,
    calls_by_month,
    cumulative_usd,
    months_due,
    present_value_usd,
    return_month,
)

savings = st.lists(st.floats(-1000, 1000), min_size=1, max_size=40)


def test_calls_grow_from_the_second_month() -> None:
    assert calls_by_month(100, 0.1, 3) == pytest.approx([100, 110, 121])


def test_a_life_ends_inside_a_month() -> None:
    assert alive(1.75, 4).tolist() == [1, 0.75, 0, 0]
    assert alive([math.inf, 0], 2).tolist() == [[1, 1], [0, 0]]


def test_retraining_is_due_in_multiples() -> None:
    assert months_due(3, 7).tolist() == [0, 0, 1, 0, 0, 1, 0]
    assert months_due(None, 3).tolist() == [0, 0, 0]


def test_break_even_is_linear_inside_its_month() -> None:
    # -100, then 40 and 80: 60 are missing when the second month begins, 60 / 80 of it is needed
    assert break_even_months(100, [40, 80]) == 1.75


def test_never_within_the_months_given() -> None:
    assert break_even_months(100, [10] * 9) == math.inf
    assert break_even_months(100, [10] * 10) == 10


def test_an_early_loss_is_made_good_later() -> None:
    # -50, -20, then +100 a month: 50 + 20 = 70 of the third month's 100... -50 - 20 = -70 -> month 2.7
    assert break_even_months(0, [-50, -20, 100]) == pytest.approx(2.7)


@given(st.floats(0, 5000), savings)
def test_break_even_put_back_into_the_sum_gives_zero(upfront: float, saving: list[float]) -> None:
    months = break_even_months(upfront, saving)
    if math.isfinite(months):
        whole = int(months)
        earned = sum(saving[:whole]) + (saving[whole] * (months - whole) if whole < len(saving) else 0.0)
        assert earned - upfront == pytest.approx(0, abs=1e-6) or (months <= 1 and upfront == 0)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-50, 50)), min_size=1, max_size=6))
def test_scalar_equals_array_element(cases: list[tuple[float, float]]) -> None:
    upfront = np.array([case[0] for case in cases])
    saving = np.array([[case[1]] * 24 for case in cases])
    together = break_even_months(upfront, saving)
    for index, (one, each) in enumerate(cases):
        alone = break_even_months(one, [each] * 24)
        assert together[index] == alone or (math.isinf(together[index]) and math.isinf(alone))


def test_present_value_by_hand() -> None:
    # 1 % a month: 101 / 1.01 + 102.01 / 1.0201 - 150 = 50
    assert present_value_usd(150.0, [101.0, 102.01], 1.01**12 - 1) == pytest.approx(50)


@given(st.floats(1, 1e4), st.lists(st.floats(0.1, 1e3), min_size=1, max_size=36))
def test_the_rate_of_return_makes_the_present_value_zero(upfront: float, saving: list[float]) -> None:
    rate = float(return_month(upfront, saving))
    assert math.isfinite(rate)
    value = sum(each / (1 + rate) ** (month + 1) for month, each in enumerate(saving)) - upfront
    assert value == pytest.approx(0, abs=1e-5 * upfront)


def test_no_rate_of_return_without_a_change_of_sign() -> None:
    assert math.isnan(return_month(100.0, [-1.0, -2.0]))
    assert math.isnan(return_month(0.0, [1.0, 2.0]))


def test_cumulative_of_options_keeps_its_shape() -> None:
    assert cumulative_usd(np.array([1.0, 2.0]), np.ones((2, 3))).shape == (2, 3)


def test_a_return_beyond_all_numbers_is_not_known() -> None:
    assert np.isnan(return_month([5e-324], [[1.0, 1.0]])).all()
