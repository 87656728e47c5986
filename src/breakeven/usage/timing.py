"""When calls were made: by hour of the week and by day, as integers; the weekly shape and the trend that follow."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.usage.cells import task_name

HOUR_US = 3_600_000_000
DAY_HOURS = 24
DAY_US = DAY_HOURS * HOUR_US
WEEK_HOURS = 168
MONDAY = 72
"""Hours from the Monday before 1970 to 1970, a Thursday. [h]"""

LEAST_CALLS_HOUR = 10
"""A busiest hour is told where an hour of the week has so many calls on average; below, chance alone makes a peak."""

LEAST_WEEKS = 5
"""A trend is told from so many whole weeks on: a line leaves that many less two to judge it by."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class TaskTimes:
    """
    Calls of one task with a known time.

    week_hours : calls by hour of the week, UTC, 168 of them from Monday 00:00.
    days : (day since 1970, calls), ascending, days without calls left out.
    """

    task: str
    week_hours: tuple[int, ...]
    days: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """
    A straight line through the calls of whole weeks, by least squares.

    weeks : how many, the last ones of the log without its first and last day.
    calls_week : mean. [calls/week]
    change_week : slope. [calls/week per week]
    low, high : its 95 % interval, from the spread of the weeks around the line (Student's t). Weeks that hang
        together make it too narrow. [calls/week per week]
    """

    weeks: int
    calls_week: float
    change_week: float
    low: float
    high: float


def hours(log: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """
    Query of calls by UTC hour: columns ``task``, ``hour`` (since 1970), ``calls``.

    Of the good rows alone of which it is known when, and how many calls, they are.
    """
    log = log.filter(~nw.col("faulty") & ~nw.col("at_us").is_null() & (nw.col("calls") > 0))
    at, calls = (nw.col(name).cast(nw.Int64) for name in ("at_us", "calls"))
    return log.with_columns(hour=at // HOUR_US, calls=calls).group_by("task", "hour").agg(nw.col("calls").sum())


def count_times(
    log: nw.LazyFrame[Any], rows_of: Callable[[nw.LazyFrame[Any]], list[tuple[Any, ...]]]
) -> tuple[TaskTimes, ...]:
    """The times of a log, by task."""
    return times_of(rows_of(hours(log)))


def times_of(rows: Iterable[Sequence[Any]]) -> tuple[TaskTimes, ...]:
    """The times that rows of ``hours`` say, by task."""
    weeks: dict[str, Counter[int]] = defaultdict(Counter)
    days: dict[str, Counter[int]] = defaultdict(Counter)
    for task, hour, calls in rows:
        name = task_name(task)
        weeks[name][(int(hour) + MONDAY) % WEEK_HOURS] += int(calls)
        days[name][int(hour) // DAY_HOURS] += int(calls)
    return tuple(_times(task, weeks[task], days[task]) for task in sorted(weeks))


def added_times(parts: Iterable[TaskTimes]) -> tuple[TaskTimes, ...]:
    """Times added up by task."""
    weeks: dict[str, Counter[int]] = defaultdict(Counter)
    days: dict[str, Counter[int]] = defaultdict(Counter)
    for each in parts:
        weeks[each.task].update(dict(enumerate(each.week_hours)))
        days[each.task].update(dict(each.days))
    return tuple(_times(task, weeks[task], days[task]) for task in sorted(weeks))


def _times(task: str, week: Counter[int], days: Counter[int]) -> TaskTimes:
    return TaskTimes(task, tuple(week[hour] for hour in range(WEEK_HOURS)), tuple(sorted(days.items())))


def week_rates(week: tuple[int, ...], first_us: int, last_us: int) -> tuple[float, ...] | None:
    """
    Calls in each hour of the week over those in a mean hour, UTC, from Monday 00:00. [1]

    Each hour of the week counts by how often it occurred from the first call to the last. None where that is less
    than a week, or too few calls (``LEAST_CALLS_HOUR``).
    """
    first, last = first_us // HOUR_US, last_us // HOUR_US
    hours, calls = last - first + 1, sum(week)
    if hours < WEEK_HOURS or calls < LEAST_CALLS_HOUR * WEEK_HOURS:
        return None
    whole, rest = divmod(hours, WEEK_HOURS)
    start = (first + MONDAY) % WEEK_HOURS
    times = [whole + ((hour - start) % WEEK_HOURS < rest) for hour in range(WEEK_HOURS)]
    return tuple(count / often * hours / calls for count, often in zip(week, times, strict=True))


def peak_to_mean(week: tuple[int, ...], first_us: int, last_us: int) -> float | None:
    """Calls in the busiest hour of the week over those in a mean hour; None as ``week_rates``. [1]"""
    rates = week_rates(week, first_us, last_us)
    return None if rates is None else max(rates)


def trend(by_day: Mapping[int, int]) -> Trend | None:
    """
    The line through the weekly calls of a task; None with fewer than ``LEAST_WEEKS`` whole weeks.

    Parameters
    ----------
    by_day : mapping
        Day since 1970 -> calls. Its first and last day are taken as cut short and left out.
    """
    if not by_day:
        return None
    last = max(by_day) - 1
    count = (last - min(by_day)) // 7
    if count < LEAST_WEEKS:
        return None
    weeks = [sum(by_day.get(last - 7 * back - day, 0) for day in range(7)) for back in reversed(range(count))]
    mean, middle = sum(weeks) / count, (count - 1) / 2
    spread = sum((number - middle) ** 2 for number in range(count))
    slope = sum((number - middle) * calls for number, calls in enumerate(weeks)) / spread
    left = sum((calls - mean - slope * (number - middle)) ** 2 for number, calls in enumerate(weeks))
    reach = t_quantile((1 + CONFIDENCE) / 2, count - 2) * math.sqrt(left / (count - 2) / spread)
    return Trend(count, mean, slope, slope - reach, slope + reach)


def t_quantile(share: float, freedom: int) -> float:
    """
    Quantile of Student's t, to 0.2 % from three degrees of freedom on. [1]

    Expansion around the normal quantile: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    z: float = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))
