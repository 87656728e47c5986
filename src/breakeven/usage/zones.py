"""
From naive times of a zone to UTC, as comparisons of whole numbers: no engine's own idea of a zone has a part in it.

A zone with a name has another offset after each of its transitions; these are worked out here, from the zone data that
Python uses. Where a clock is set back, an hour occurs twice: its times are taken as the first. A time that a clock
skips is taken as if the clock had not been set yet. Both is what Python does.
"""

import datetime as dt
import re
from collections.abc import Sequence
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import narwhals.stable.v2 as nw

from breakeven.errors import LogError, nearest
from breakeven.usage.calls import EARLIEST_US, LATEST_US
from breakeven.usage.expressions import choose, false
from breakeven.usage.timing import DAY_US

SECOND_US = 1_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@cache
def offsets(zone: str) -> tuple[tuple[int, int], ...]:
    """
    (naive time since 1970 from which it holds, offset from UTC) of a zone, ascending; the first holds before too. [us]

    Parameters
    ----------
    zone : str
        "UTC", an offset such as "+02:00", or an IANA name.

    Raises
    ------
    LogError
        It is none of these.
    """
    if zone.upper() in ("UTC", "Z"):
        return ((EARLIEST_US, 0),)
    fixed = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", zone)
    if fixed and int(fixed[3]) <= 59 and int(fixed[2]) <= 14:
        sign = 1 if fixed[1] == "+" else -1
        return ((EARLIEST_US, sign * (int(fixed[2]) * 60 + int(fixed[3])) * 60 * SECOND_US),)
    if zone not in available_timezones():
        raise LogError(
            f"zone is {zone!r}; it must be UTC, an offset such as +02:00, or an IANA name."
            f"{nearest(zone, available_timezones())}"
        )
    info = ZoneInfo(zone)
    found = [(EARLIEST_US, _offset_us(info, EARLIEST_US))]
    for day in range(EARLIEST_US, LATEST_US, DAY_US):
        before, after = found[-1][1], _offset_us(info, day + DAY_US)
        if after != before:
            low, high = day, day + DAY_US
            while high - low > SECOND_US:
                middle = (low + high) // 2 // SECOND_US * SECOND_US
                low, high = (middle, high) if _offset_us(info, middle) == before else (low, middle)
            found.append((high + max(before, after), after))
    return tuple(found)


def to_utc(local_us: nw.Expr, zone: str) -> nw.Expr:
    """Naive times of a zone, as if they were UTC, to what they are in UTC. [us]"""
    return local_us - _chosen(local_us, offsets(zone))


def _chosen(local_us: nw.Expr, steps: Sequence[tuple[int, int]]) -> nw.Expr:
    """The offset that holds at a naive time, as a balanced tree of comparisons."""
    if len(steps) == 1:
        return nw.lit(steps[0][1])
    half = len(steps) // 2
    early, late = _chosen(local_us, steps[:half]), _chosen(local_us, steps[half:])
    return choose(false(local_us < steps[half][0]), early, late)


def _offset_us(info: ZoneInfo, at_us: int) -> int:
    found = (EPOCH + dt.timedelta(microseconds=at_us)).astimezone(info).utcoffset()
    return (found or dt.timedelta()) // dt.timedelta(microseconds=1)
