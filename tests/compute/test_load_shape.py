"""Calls over the hours of a day."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.compute.load_shape import day_of, follow, hours_of


@given(st.floats(1, 20))
def test_a_day_has_the_peak_asked_for_and_a_mean_of_one(peak: float) -> None:
    day = day_of(peak)
    assert day.size == 24
    assert day.mean() == pytest.approx(1)
    assert day.max() == pytest.approx(peak, rel=1e-6)
    assert (day > 0).all()


def test_hours_are_over_their_mean() -> None:
    assert hours_of([1] * 23 + [25]).tolist() == [0.5] * 23 + [12.5]
    assert hours_of([3] * 168).tolist() == [1] * 168
    for wrong in ([1, 2], [0] * 24, [-1] * 24, [float("nan")] * 24):
        with pytest.raises(ValueError, match="calls by hour must be"):
            hours_of(wrong)
    with pytest.raises(ValueError, match="peak_to_mean must be"):
        day_of(0.5)


def test_following_the_load_by_hand() -> None:
    # Loads of 0.4, 1, 1.01 and 2.5 units need 1, 1, 2 and 3; back at 1 the next day, 2 units were started.
    scaled = follow(np.array([0.4, 1.0, 1.01, 2.5]), 1.0, 1)
    assert scaled.units.tolist() == [1, 1, 2, 3]
    assert scaled.starts == 2
    assert follow(np.array([0.0, 2.0]), 1.0, 0).units.tolist() == [0, 2]
    assert follow(np.ones(24), 1.0, 1, spare=1).units.tolist() == [2] * 24


@given(st.lists(st.floats(0, 5), min_size=24, max_size=24).filter(any), st.floats(0.01, 50), st.integers(0, 3))
def test_no_hour_is_short_and_none_has_a_unit_too_many(counts: list[float], load: float, least: int) -> None:
    hours = hours_of(counts)
    units = follow(hours, load, least).units
    assert (units >= hours * load - 1e-6).all()
    assert ((units - 1 < hours * load) | (units == least)).all()
