"""
A column of times as UTC microseconds, on any engine and whatever the zone of its session.

Four kinds of column are read: instants (with a time zone), naive times and days (in a zone the user declares),
numbers (Unix time in a unit told by their size), and text (ISO 8601, or a number). Narwhals has no one way to the
number of an instant on every engine, so ``_since_1970`` has one for each family; all else is arithmetic on integers.
"""

import datetime as dt
from importlib import import_module

import narwhals.stable.v2 as nw

from breakeven.errors import LogError
from breakeven.usage.calls import EARLIEST_US
from breakeven.usage.checks import EMPTY
from breakeven.usage.expressions import (
    MOMENT,
    NUMBER,
    Frame,
    among,
    choose,
    civil_us,
    days_in_month,
    false,
    in_range,
    known,
    masked,
    numbers,
    only,
    unix_us,
)
from breakeven.usage.zones import offsets, to_utc

FAMILIES = {
    "duckdb": "duckdb",
    "ibis": "ibis",
    "pyspark": "spark",
    "pyspark[connect]": "spark",
}
"""Engines whose own functions tell the number of an instant; all others can be asked for it through Narwhals."""

DELTA = ("bigquery", "clickhouse", "duckdb")
"""Dialects whose difference of two instants is exact in microseconds and knows nothing of the session's zone."""

EPOCH = ("postgres", "trino", "athena", "snowflake", "databricks")
"""Dialects for which seconds and microseconds are asked apart: their difference is in the session's zone or coarser."""

INFINITE = ("duckdb", "postgres")
"""Dialects with infinite times."""

FAR = (1990, 2110)
"""Years around those from which a log may be."""

DIALECTS = tuple(sorted((*DELTA, *EPOCH)))


def with_instants(frame: Frame, zone: str | None, column: str, dialect: str | None = None) -> Frame:
    """
    The frame with ``at_us`` (Int64, null where unknown) and ``at_bad`` (there is a time, but it cannot be used).

    Text with no zone declared also gets ``at_zoneless``: it is unusable for want of an offset alone.

    Parameters
    ----------
    frame : narwhals frame
        With the times in a column ``at``, text in lower case.
    zone : str, optional
        Of times that have none.
    column : str
        The user's name of the column, for messages.
    dialect : str, optional
        SQL dialect of an Ibis table that belongs to no connection.

    Raises
    ------
    LogError
        The times are naive and no zone is declared, or the column holds something else than times.
    """
    return masked(_with_instants(frame, zone, column, dialect), {"at_us": "Int64"})


def _with_instants(frame: Frame, zone: str | None, column: str, dialect: str | None = None) -> Frame:
    dtype = frame.collect_schema()["at"]
    if zone:
        offsets(zone)  # a fault in it is told whatever the column holds
    if isinstance(dtype, nw.Datetime | nw.Date):
        naive = not isinstance(dtype, nw.Datetime) or dtype.time_zone is None
        if naive and not zone:
            raise LogError(
                f"The times in column {column!r} have no time zone; say which they are in, e.g. zone='UTC' (--zone UTC)"
            )
        frame = frame.with_columns(at_there=known(nw.col("at")))
        frame = _since_1970(_finite(frame, dtype, dialect), dtype, naive, dialect)
        frame = frame.with_columns(at_us=nw.col("at_us").cast(nw.Int64))
        if naive and zone:
            frame = frame.with_columns(at_us=to_utc(nw.col("at_us"), zone))
        good = in_range(nw.col("at_us"))
        return frame.with_columns(
            at_bad=nw.col("at_there") & ~good,
            at_us=only(good, nw.col("at_us")),
        )
    if dtype.is_numeric():
        frame = numbers(frame, ["at"])
        frame = frame.with_columns(at_unix=unix_us(nw.col("at").cast(nw.Float64)))
        good = in_range(nw.col("at_unix"))
        return frame.with_columns(
            at_bad=known(nw.col("at")) & ~good,
            at_us=only(good, choose(good, nw.col("at_unix"), nw.lit(0.0)).cast(nw.Int64)),
        )
    if dtype != nw.String:
        raise LogError(f"Column {column!r} is of type {dtype}, which holds no times")
    return _from_text(frame, zone)


def _from_text(frame: Frame, zone: str | None) -> Frame:
    """Times written as lower-case text; one without an offset is in the declared zone, unusable where there is none."""
    col, zero = nw.col, nw.lit("0")
    frame = frame.with_columns(
        at_there=known(col("at")) & ~among(col("at"), EMPTY),
        at_numeric=false(col("at").str.contains(NUMBER)),
        at_moment=false(col("at").str.contains(MOMENT)),
    )
    midnight = "2000-01-01t00:00:00"
    word = choose(col("at_moment"), col("at"), nw.lit(midnight))
    frame = frame.with_columns(
        at_word=word,
        at_unix=unix_us(choose(col("at_numeric"), col("at"), zero).cast(nw.Float64)),
        at_timed=false(word.str.contains(":")),
        at_seconds=false(word.str.contains("^.{16}:")),
    )

    def part(start: int, length: int) -> nw.Expr:
        return col("at_word").str.slice(start, length)

    tail = choose(
        col("at_seconds"),
        col("at_word").str.slice(19),
        choose(col("at_timed"), col("at_word").str.slice(16), nw.lit("")),
    )
    frame = frame.with_columns(
        at_year=part(0, 4).cast(nw.Int64),
        at_month=part(5, 2).cast(nw.Int64),
        at_day=part(8, 2).cast(nw.Int64),
        at_hour=choose(col("at_timed"), part(11, 2), zero).cast(nw.Int64),
        at_minute=choose(col("at_timed"), part(14, 2), zero).cast(nw.Int64),
        at_second=choose(col("at_seconds"), part(17, 2), zero).cast(nw.Int64),
        at_fraction=choose(false(tail.str.contains("^[.]")), tail, nw.lit("")).str.replace_all("[z u+-].*$", ""),
        at_offset=tail.str.replace_all("^[.][0-9]+", ""),
    )
    digits = nw.concat_str(col("at_offset").str.replace_all("[^0-9]", ""), nw.lit("0000"))
    micros = nw.concat_str(col("at_fraction"), nw.lit("0000000"))
    frame = frame.with_columns(
        at_micro=choose(col("at_fraction") == "", zero, micros.str.slice(1, 6)).cast(nw.Int64),
        at_shift=digits.str.slice(0, 2).cast(nw.Int64) * 60 + digits.str.slice(2, 2).cast(nw.Int64),
        at_west=col("at_offset").str.contains("-"),
        at_placed=col("at_offset") != "",
    )
    valid = (
        (col("at_month") >= 1)
        & (col("at_month") <= 12)
        & (col("at_day") >= 1)
        & (col("at_day") <= days_in_month(col("at_year"), col("at_month")))
        & (col("at_hour") <= 23)
        & (col("at_minute") <= 59)
        & (col("at_second") <= 59)
        & (col("at_shift") < 16 * 60)
    )
    minutes = choose(col("at_west"), -col("at_shift"), col("at_shift"))
    usable = col("at_moment") & valid
    if zone is None:
        usable = usable & col("at_placed")
        frame = frame.with_columns(at_zoneless=col("at_moment") & valid & ~col("at_placed"))
    us = civil_us(*(col(f"at_{unit}") for unit in ("year", "month", "day", "hour", "minute", "second", "micro")))
    frame = frame.with_columns(at_civil=us, at_usable=usable)
    declared = to_utc(col("at_civil"), zone or "UTC")
    frame = frame.with_columns(at_civil=choose(col("at_placed"), col("at_civil") - minutes * 60_000_000, declared))
    moment_good = col("at_usable") & in_range(col("at_civil"))
    number_good = col("at_numeric") & in_range(col("at_unix"))
    counted = choose(in_range(col("at_unix")), col("at_unix"), nw.lit(float(EARLIEST_US))).cast(nw.Int64)
    return frame.with_columns(
        at_us=choose(number_good, counted, only(moment_good, col("at_civil"))),
        at_bad=col("at_there") & ~(moment_good | number_good),
    )


def _finite(frame: Frame, dtype: nw.dtypes.DType, dialect: str | None) -> Frame:
    """An Ibis table without times far off, where some may be infinite: of those no number is made."""
    if FAMILIES.get(frame.implementation.value) != "ibis":
        return frame
    ibis = import_module("ibis")
    table = frame.to_native()
    if (dialect or table.get_backend().name) not in INFINITE:
        return frame
    at = table["at"]
    if not isinstance(dtype, nw.Datetime):
        first, last = (ibis.literal(dt.date(year, 1, 1)) for year in FAR)
    else:
        kind = "timestamp('UTC')" if dtype.time_zone else "timestamp"
        zone = dt.UTC if dtype.time_zone else None
        first, last = (ibis.literal(dt.datetime(year, 1, 1, tzinfo=zone), type=kind) for year in FAR)
    made: Frame = nw.from_native(table.mutate(at=ibis.ifelse((at > first) & (at < last), at, ibis.null(at.type()))))
    return made


def _since_1970(frame: Frame, dtype: nw.dtypes.DType, naive: bool, dialect: str | None) -> Frame:
    """The frame with ``at_us``: of an instant in UTC, of a naive time as if it were UTC."""
    at = nw.col("at")
    family = FAMILIES.get(frame.implementation.value, "")
    if family == "ibis" and not naive:
        return _ibis_instants(frame, dialect)
    if family == "duckdb":
        return frame.with_columns(at_us=(at.cast(nw.Datetime("us")) if naive else at).dt.total_microseconds())
    if family in ("spark", "ibis"):
        if not naive:
            return frame.with_columns(at_us=at.cast(nw.Int64) * 1_000_000 + at.dt.microsecond())
        timed = isinstance(dtype, nw.Datetime)
        zero = nw.lit(0)
        micro = _micro_of_text(at) if dialect == "databricks" else at.dt.microsecond()
        second = at.dt.second().cast(nw.Int64)  # of Databricks it has a fraction
        clock = (at.dt.hour(), at.dt.minute(), second, micro) if timed else (zero,) * 4
        return frame.with_columns(at_us=civil_us(at.dt.year(), at.dt.month(), at.dt.day(), *clock))
    if not isinstance(dtype, nw.Datetime):
        frame = frame.with_columns(at=at.cast(nw.Datetime("us")))
    return masked(frame.with_columns(at_us=at.dt.timestamp("us")), {"at_us": "Int64"})


def _micro_of_text(at: nw.Expr) -> nw.Expr:
    """Microseconds of a naive time from its text, which has no zeros at its end, for where there is no other way."""
    digits = nw.concat_str(at.cast(nw.String).str.slice(20), nw.lit("000000"))
    return digits.str.slice(0, 6).cast(nw.Int64)


def _ibis_instants(frame: Frame, dialect: str | None) -> Frame:
    """``at_us`` of an Ibis table, written so that neither the session's zone nor a rounding has a part in it."""
    ibis = import_module("ibis")
    table = frame.to_native()
    dialect = dialect or table.get_backend().name
    if dialect not in DIALECTS:
        raise LogError(
            f"Times with a time zone are not read exactly in {dialect}, only in {', '.join(DIALECTS)}; give the table"
            " as a frame of Polars, pandas or PyArrow"
        )
    at = table["at"]
    if dialect in EPOCH:
        seconds = at.epoch_seconds().cast("float64").floor().cast("int64")
        # Databricks does not tell them, but its text of a time does, without zeros at the end
        text = (at.cast("string").substr(20) + "000000").substr(0, 6)
        micro = text if dialect == "databricks" else at.microsecond()
        us = seconds * 1_000_000 + micro.cast("int64")
    else:
        start = ibis.literal(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), type="timestamp('UTC')")
        us = at.delta(start, unit="microsecond")
    made: Frame = nw.from_native(table.mutate(at_us=us))
    return made
