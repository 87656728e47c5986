"""Known answers and properties of the one-equation formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.projection.closed_form import calls_to_break_even, payback_months, root_of_line
from breakeven.projection.paths import break_even_months, cumulative_usd

usd = st.floats(0.01, 1e6)
growth = st.floats(-0.2, 0.3)


def test_the_article_formula() -> None:
    # 500 / 20 = 25 months
    assert payback_months(500, 20) == 25


def test_shrinking_savings_may_never_add_up() -> None:
    # at -5 % a month 1,000 approach 1,000 / 0.05 = 20,000: 12,000 after ln(0.4) / ln(0.95) = 17.86, 30,000 never
    assert payback_months([12_000, 30_000], 1_000, -0.05).round(2).tolist() == [17.86, math.inf]


def test_growing_savings_by_hand() -> None:
    # 150 + 165 + 181.5 = 496.5 are reached after exactly three months at 10 % growth
    assert payback_months(496.5, 150, 0.1) == pytest.approx(3)


@pytest.mark.parametrize(("upfront", "saving"), [(100, 0), (100, -1), (0, -1)])
def test_no_saving_never_pays(upfront: float, saving: float) -> None:
    assert payback_months(upfront, saving) == math.inf


def test_nan_in_nan_out_and_bad_input_refused() -> None:
    assert math.isnan(payback_months(math.nan, 1))
    with pytest.raises(ValueError, match="upfront_usd must be 0 or more, got -1"):
        payback_months([1, -1], 1)
    with pytest.raises(ValueError, match="growth_month must be above -1"):
        payback_months(1, 1, -1)


@given(usd, usd, growth)
def test_scalar_equals_array_element(upfront: float, saving: float, g: float) -> None:
    array = payback_months([upfront, 1.0], [saving, 1.0], [g, 0.0])
    scalar = payback_months(upfront, saving, g)
    assert array[0] == scalar or (math.isinf(array[0]) and math.isinf(scalar))


@given(usd, usd)
def test_no_growth_is_the_simple_formula(upfront: float, saving: float) -> None:
    assert payback_months(upfront, saving, 0.0) == pytest.approx(upfront / saving)


@given(usd, usd, growth)
def test_the_answer_solves_the_equation(upfront: float, saving: float, g: float) -> None:
    months = payback_months(upfront, saving, g)
    if math.isfinite(months) and months < 1000:
        earned = saving * months if abs(g) < 1e-12 else saving * math.expm1(months * math.log1p(g)) / g
        assert earned == pytest.approx(upfront, rel=1e-6)


@given(st.floats(0, 1e5), st.floats(1, 1e4), growth)
def test_months_and_formula_agree_where_the_formula_is_whole(whole: float, saving: float, g: float) -> None:
    months = 1 + int(whole) % 24
    upfront = float(np.sum(saving * (1 + g) ** np.arange(months)))
    path = saving * (1 + g) ** np.arange(60)
    assert break_even_months(upfront, path) == pytest.approx(months, abs=1e-6)
    assert payback_months(upfront, saving, g) == pytest.approx(months, rel=1e-6)


def test_volume_cannot_change_the_sign_of_a_saving() -> None:
    assert calls_to_break_even(500, -0.001) == math.inf
    assert calls_to_break_even(500, 0.01) == 50_000


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_root_of_line_is_a_root(at_zero: float, at_one: float) -> None:
    root = float(root_of_line(at_zero, at_one))
    if math.isfinite(root) and abs(at_one - at_zero) > 1e-6:
        assert at_zero + root * (at_one - at_zero) == pytest.approx(0, abs=1e-6 * (1 + abs(at_zero) + abs(root)))


def test_cumulative_starts_below_zero_by_the_upfront_cost() -> None:
    assert cumulative_usd(100.0, [30.0, 30.0]).tolist() == [-70.0, -40.0]
