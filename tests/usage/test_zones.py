"""Naive times of a zone to UTC: as Python has them, without a zone in the engine."""

import datetime as dt
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.errors import LogError
from breakeven.usage.zones import offsets, to_utc

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "Asia/Tehran")
START = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
US = dt.timedelta(microseconds=1)

TIMES = st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2099, 12, 30))


def local_us(time: dt.datetime) -> int:
    return (time.replace(tzinfo=dt.UTC) - START) // US


@settings(max_examples=30)
@given(st.sampled_from(ZONES), st.lists(TIMES, min_size=1, max_size=50))
def test_it_is_what_python_says(zone: str, times: list[dt.datetime]) -> None:
    near = [time.replace(month=month, hour=hour) for time in times for month in (3, 4, 10) for hour in (1, 2, 3)
            if time.day <= 28]  # fmt: skip
    times += near
    frame = nw.from_native(pl.DataFrame({"at": [local_us(time) for time in times]}))
    found = frame.select(to_utc(nw.col("at"), zone))["at"].to_list()
    info = ZoneInfo(zone)
    assert found == [(time.replace(tzinfo=info).astimezone(dt.UTC) - START) // US for time in times]


def test_transitions_of_a_year() -> None:
    """Berlin in 2026: on 29 March at 02:00 to 03:00, on 25 October at 03:00 to 02:00."""
    first, end = (local_us(dt.datetime(year, 1, 1)) for year in (2026, 2027))
    year = [step for step in offsets("Europe/Berlin") if first < step[0] < end]
    hour = 3_600_000_000
    assert year == [(local_us(dt.datetime(2026, 3, 29, 3)), 2 * hour), (local_us(dt.datetime(2026, 10, 25, 3)), hour)]
    assert [offset for _, offset in offsets("-05:30")] == [-5 * hour - hour // 2]
    assert [offset for _, offset in offsets("utc")] == [0]


@pytest.mark.parametrize(("zone", "hint"), [("Europe/Berln", "Did you mean Europe/Berlin"), ("+25:00", "IANA name")])
def test_a_zone_that_is_none(zone: str, hint: str) -> None:
    with pytest.raises(LogError, match=r"zone is .* an IANA name") as caught:
        offsets(zone)
    assert hint in str(caught.value)
