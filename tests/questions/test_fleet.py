"""Whole machines bought as calls grow: what they cost, and the volume at which they pay."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.options.lines import CostLine, Fleet, Option
from breakeven.questions.compare import Horizon, compare, monthly_usd
from breakeven.questions.flips import find_flips

# A unit carries 100,000 calls a month; the peak is 3 times the mean, so one is full at 33,333 calls a month.
PEAK = Fleet(calls_per_unit=100_000, usd_per_unit=1_000, counted=1, profile=((3.0, 1.0),))
HORIZON = Horizon(
    calls_per_month=10_000, growth_month=0, months=12, discount_rate_year=0, retrain_every_months=None, runs=1
)


def stay(usd_call: float) -> Option:
    return Option("stay", "stay", "stay", (CostLine("Calls", 1, "call", usd_call, "per call", "input", ""),))


def own(upfront_usd: float, fleet: Fleet = PEAK) -> Option:
    lines = (
        CostLine("GPUs", fleet.counted, "unit", fleet.usd_per_unit, "per month", "hosting", ""),
        CostLine("Training", 1, "run", upfront_usd, "once", "training", ""),
    )
    return Option("own", "own", "tuned_own", lines, fleet=fleet)


def volume(upfront_usd: float, usd_call: float = 0.04, horizon: Horizon = HORIZON, fleet: Fleet = PEAK) -> float | None:
    """The calls a month at which break-even falls to 12 months."""
    today, option = stay(usd_call), own(upfront_usd, fleet)
    compared = compare([option], today, today, horizon)
    return find_flips([option], horizon, compared, (0, 0), today, 12)[0].calls_per_month


def test_units_are_whole_and_bought_when_the_last_one_is_full() -> None:
    assert PEAK.units([0, 33_333, 33_334, 100_000, 100_001]).tolist() == [1, 1, 2, 3, 4]
    assert PEAK.units(100_000 / 3) == 1, "a load that fills a unit exactly needs no second one"
    assert dataclasses.replace(PEAK, spare=1).units(1) == 2
    assert dataclasses.replace(PEAK, least=0).units(0) == 0


def test_a_fleet_that_follows_the_load_is_up_for_a_part_of_the_time() -> None:
    # Half of the time at twice the mean, half of it with no call: 2 x 100,000 fill two units, then the least, one.
    half = Fleet(100_000, 1_000, 1, ((2.0, 0.5), (0.0, 0.5)))
    assert half.units(100_000) == 1.5
    assert half.beyond_usd(100_000) == 500


def test_growing_calls_buy_the_next_unit_in_the_month_they_need_it() -> None:
    # 20,000 calls growing by 30 %: 20,000, 26,000, 33,800, 43,940 and one unit is full at 33,333.
    horizon = dataclasses.replace(HORIZON, calls_per_month=20_000, growth_month=0.3)
    assert monthly_usd([own(0)], horizon, 4)[0].tolist() == pytest.approx([1_000, 1_000, 2_000, 2_000])


def test_break_even_volume_lies_inside_the_units_it_needs() -> None:
    # 12 months x 0.04 = 0.48 saved per call a month. One unit: (12,000 + 500) / 0.48 = 26,042, and it carries 33,333.
    assert volume(500) == pytest.approx(12_500 / 0.48)
    # With 5,000 upfront, 17,000 / 0.48 = 35,417 is more than one unit carries; two: 29,000 / 0.48 = 60,417 of 66,667.
    assert volume(5_000) == pytest.approx(29_000 / 0.48)
    # With 4,300 upfront, 16,300 / 0.48 = 33,958 needs the second unit, whose rent asks for 28,300 / 0.48 = 58,958.
    assert volume(4_300) == pytest.approx(28_300 / 0.48)


def test_units_that_never_earn_their_rent_have_no_break_even_volume() -> None:
    # A full unit saves 33,333 x 0.029 = 967 a month and costs 1,000.
    assert volume(0, usd_call=0.029) is None


@given(
    st.floats(0, 50_000),
    st.floats(0.005, 1),
    st.floats(-0.05, 0.1),
    st.sampled_from([((3.0, 1.0),), ((2.5, 0.25), (0.5, 0.75)), ((1.0, 1.0),)]),
)
def test_the_break_even_volume_does_break_even_and_just_below_does_not(
    upfront_usd: float, usd_call: float, growth: float, profile: tuple[tuple[float, float], ...]
) -> None:
    fleet = dataclasses.replace(PEAK, profile=profile)
    horizon = dataclasses.replace(HORIZON, growth_month=growth)
    found = volume(upfront_usd, usd_call, horizon, fleet)

    def balance(calls: float) -> float:
        months = calls * (1 + growth) ** np.arange(12)
        at = dataclasses.replace(horizon, calls_per_month=calls)
        return float(months.sum() * usd_call - monthly_usd([own(0, fleet)], at, 12).sum() - upfront_usd)

    if found is None:
        assert balance(1e7) < 0 or balance(2e7) < 0
    else:
        assert balance(found * (1 + 1e-6)) >= -1 or balance(found) >= -1
        assert balance(found * 0.999) < balance(found) + 1e-6 or fleet.units(found) > fleet.units(found * 0.999)
        for part in (0.2, 0.5, 0.9, 0.99):
            assert balance(found * part) <= 1e-6 * (1 + upfront_usd)
