"""Where the time of a log is cut: at the months of a billing zone, and wherever a price changes."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo, available_timezones

from breakeven.errors import InputError, nearest
from breakeven.usage.timing import DAY_US

UTC = "UTC"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def check_zone(name: str) -> None:
    """Raise InputError, naming the nearest ones, for a billing zone that is none."""
    if name not in available_timezones():
        raise InputError(
            f"No time zone {name!r}.{nearest(name, available_timezones())} Write an IANA name", "billing_zone"
        )


def cut_instants(
    first_us: int | None,
    last_us: int | None,
    price_days: Iterable[dt.date],
    billing_zone: str = UTC,
    others_us: Iterable[int] = (),
) -> tuple[int, ...]:
    """
    Instants that cut a log, from the start of its first month to its last time. [us]

    They are the month starts in a zone, the UTC midnights that begin price days, and ``others_us``.
    """
    if first_us is None or last_us is None:
        return ()
    zone = ZoneInfo(billing_zone)
    month = (EPOCH + dt.timedelta(microseconds=first_us)).astimezone(zone).date().replace(day=1)
    start = _month_us(month, zone)
    cuts = {midnight_us(day) for day in price_days} | set(others_us)
    while (begins := _month_us(month, zone)) <= last_us:
        cuts.add(begins)
        month = (month + dt.timedelta(days=31)).replace(day=1)
    return tuple(sorted(cut for cut in cuts if start <= cut <= last_us))


def _month_us(day: dt.date, zone: ZoneInfo) -> int:
    """The midnight that begins a day in a zone. [us]"""
    begins = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
    return (begins - EPOCH) // dt.timedelta(microseconds=1)


def midnight_us(day: dt.date) -> int:
    """The UTC midnight that begins a day. [us since 1970]"""
    return (day - dt.date(1970, 1, 1)).days * DAY_US


def time_us(time: dt.time) -> int:
    """A time of day. [us since midnight]"""
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond
