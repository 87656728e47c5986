"""Hours of the week, days, peak and trend: by hand, against numpy, and the same on another engine."""

import datetime as dt
import itertools
import random

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.usage.timing import (
    HOUR_US,
    TaskTimes,
    added_times,
    count_times,
    hours,
    peak_to_mean,
    t_quantile,
    trend,
)

DAY_US = 24 * HOUR_US
MOMENTS = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2099, 12, 31))


def frame(calls: list[tuple[str, dt.datetime | None, int, bool]]) -> nw.LazyFrame[pl.LazyFrame]:
    at = [
        None if moment is None else int(moment.replace(tzinfo=dt.UTC).timestamp()) * 10**6 for _, moment, _, _ in calls
    ]
    columns = {
        "task": [task for task, *_ in calls],
        "at_us": pl.Series(at, dtype=pl.Int64),
        "calls": pl.Series([count for _, _, count, _ in calls], dtype=pl.Int64),
        "faulty": pl.Series([faulty for *_, faulty in calls], dtype=pl.Boolean),
    }
    return nw.from_native(pl.DataFrame(columns).lazy())


def counted(calls: list[tuple[str, dt.datetime | None, int, bool]]) -> dict[str, TaskTimes]:
    found = count_times(frame(calls), lambda query: query.collect().rows())
    return {each.task: each for each in found}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | MOMENTS, st.integers(1, 5), st.booleans()), max_size=30))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_the_calendar(calls: list[tuple[str, dt.datetime | None, int, bool]]) -> None:
    found = counted(calls)
    good = [(task, moment, count) for task, moment, count, faulty in calls if moment is not None and not faulty]
    assert found.keys() == {task for task, *_ in good}
    for task, times in found.items():
        week, by_day = [0] * 168, dict[int, int]()
        for other, moment, count in good:
            if other == task:
                week[moment.weekday() * 24 + moment.hour] += count
                day = (moment.date() - dt.date(1970, 1, 1)).days
                by_day[day] = by_day.get(day, 0) + count
        assert times.week_hours == tuple(week)
        assert dict(times.days) == by_day


def test_duckdb_gives_the_same() -> None:
    import duckdb

    seeded = random.Random(1)
    start = dt.datetime(2026, 3, 1)
    calls = [("t", start + dt.timedelta(minutes=seeded.randrange(10**6)), 1, False) for _ in range(2000)]
    native = frame(calls).collect().to_native()
    relation = duckdb.sql("SELECT * FROM native")
    assert native.height == 2000
    rows = hours(nw.from_native(relation).lazy()).to_native().fetchall()
    assert sorted(rows) == sorted(hours(frame(calls)).collect().rows())


@given(st.lists(st.tuples(st.sampled_from("ab"), MOMENTS, st.integers(0, 5), st.just(False)), max_size=20))
@settings(max_examples=20, deadline=None)
def test_times_of_parts_add_up(calls: list[tuple[str, dt.datetime | None, int, bool]]) -> None:
    parts = [*counted(calls[::2]).values(), *counted(calls[1::2]).values()]
    assert {each.task: each for each in added_times(parts)} == counted(calls)


def test_peak() -> None:
    # two weeks from a Monday: 10 calls in every hour, 40 on Mondays at 9: mean (336 * 10 + 2 * 30) / 336 = 10.179
    monday = int(dt.datetime(2026, 11, 2, tzinfo=dt.UTC).timestamp()) * 10**6
    week = [20] * 168
    week[9] = 80
    found = peak_to_mean(tuple(week), monday, monday + 14 * DAY_US - 1)
    assert found == pytest.approx(40 / (3420 / 336))


def test_peak_counts_how_often_an_hour_occurred() -> None:
    # eight days from a Monday: its hours came twice, so twice the calls there are no peak
    monday = int(dt.datetime(2026, 11, 2, tzinfo=dt.UTC).timestamp()) * 10**6
    week = tuple([40] * 24 + [20] * 144)
    assert peak_to_mean(week, monday, monday + 8 * DAY_US - 1) == pytest.approx(1)
    assert peak_to_mean(week, monday, monday + 6 * DAY_US) is None  # less than a week
    assert peak_to_mean(tuple([9] * 168), monday, monday + 7 * DAY_US - 1) is None  # too few calls


def test_trend_by_hand_and_by_numpy() -> None:
    # five whole weeks of 7, 14, 21, 28, 42 calls between a cut first and last day
    weeks = [7, 14, 21, 28, 42]
    by_day = {0: 99, 36: 99} | {1 + 7 * week + day: calls // 7 for week, calls in enumerate(weeks) for day in range(7)}
    found = trend(by_day)
    assert found is not None
    assert (found.weeks, found.calls_week) == (5, 112 / 5)
    (slope, _), covariance = np.polyfit(range(5), weeks, 1, cov="unscaled")
    left = np.sum((np.polyval(np.polyfit(range(5), weeks, 1), range(5)) - weeks) ** 2) / 3
    assert found.change_week == pytest.approx(slope)
    assert found.high - found.change_week == pytest.approx(3.18245 * np.sqrt(covariance[0, 0] * left), rel=2e-3)
    assert found.low + found.high == pytest.approx(2 * slope)


def test_no_trend_from_few_weeks() -> None:
    assert trend({}) is None
    assert trend(dict.fromkeys(range(36), 1)) is None
    assert trend(dict.fromkeys(range(37), 1)) is not None


@pytest.mark.parametrize(
    ("freedom", "table"), [(3, 3.18245), (5, 2.57058), (10, 2.22814), (30, 2.04227), (1000, 1.96234)]
)
def test_student_s_t(freedom: int, table: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(table, rel=2e-3)


def test_the_interval_holds_the_true_slope_as_often_as_it_says() -> None:
    seeded = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        calls = seeded.normal(1000 + 20 * np.arange(12), 60)
        by_day = {0: 1, 85: 1} | {
            1 + 7 * week + day: int(calls[week] / 7) for week, day in itertools.product(range(12), range(7))
        }
        found = trend(by_day)
        assert found is not None
        held += found.low <= 20 <= found.high
    assert 0.92 <= held / 400 <= 0.98
