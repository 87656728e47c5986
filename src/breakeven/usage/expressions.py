"""
The rules of ``checks.py`` as Narwhals expressions: one wording for every engine, with what all of them do alike.

Every condition is null-free, as engines disagree on null in comparisons; regular expressions have no backslash, as
SQL dialects disagree on it in text; text is cast to a number only after it was seen to be one, as no engine but
DuckDB is asked to try.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.usage.calls import EARLIEST_US, LATEST_US, MAX_TOKENS
from breakeven.usage.checks import EMPTY, FAILED, STANDARD_TIERS, TRUE
from breakeven.usage.timing import DAY_US

Frame = nw.LazyFrame[Any] | nw.DataFrame[Any]

NUMBER = "^[+-]?([0-9]{1,99}[.]?[0-9]{0,99}|[.][0-9]{1,99})(e[+-]?[0-9]{1,2})?$"
"""Text that every engine makes a number of: some refuse one that is too large or too near 0 to be held."""

MOMENT = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}([t ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?(z|utc|[+-][0-9]{2}(:?[0-9]{2})?))?)?$"
)
"""A day, or a day and a time, with or without an offset, after ISO 8601; lower case."""


def text(x: nw.Expr) -> nw.Expr:
    """Anything as text without blanks around it."""
    return x.cast(nw.String).str.strip_chars()


def among(x: nw.Expr, words: Sequence[str]) -> nw.Expr:
    """Whether a text is one of some words; false for null."""
    return false(reduce(or_, [x == word for word in words]))


def false(condition: nw.Expr) -> nw.Expr:
    """A condition with null taken as false."""
    return condition.fill_null(nw.lit(False))


def known(x: nw.Expr) -> nw.Expr:
    """Whether a value is there."""
    return ~x.is_null()


def choose(condition: nw.Expr, value: nw.Expr, otherwise: nw.Expr) -> nw.Expr:
    """One value where a condition holds, else the other."""
    return nw.when(condition).then(value).otherwise(otherwise)


def added(frame: Frame, *columns: nw.Expr) -> Frame:
    """The frame with columns, which may be none."""
    return frame.with_columns(*columns) if columns else frame


def masked(frame: Frame, kinds: Mapping[str, str]) -> Frame:
    """
    A pandas frame with columns of types that have a null of their own, any other as it is.

    pandas makes an integer a float where one is missing, and cannot divide those of Arrow.
    """
    if not frame.implementation.is_pandas():
        return frame
    made: Frame = nw.from_native(frame.to_native().astype(dict(kinds)))
    return made


def only(condition: nw.Expr, value: nw.Expr) -> nw.Expr:
    """A value where a condition holds, else null; a null written as such has no type that pandas can hold."""
    return nw.when(condition).then(value)


def numbers(frame: Frame, names: Sequence[str]) -> Frame:
    """
    Columns of any type as Float64, null where there is no number, integers as they are.

    Beside each ``x`` stands ``x_bad``: something is there that is no number. Text is lower case without blanks around.
    """
    schema = frame.collect_schema()
    words = [name for name in names if not schema[name].is_numeric()]
    col = nw.col
    if words:
        frame = frame.with_columns(
            *(known(col(name)).alias(f"{name}_bad") & ~among(col(name), EMPTY) for name in words),
            *(false(col(name).str.contains(NUMBER)).alias(f"{name}_numeric") for name in words),
        )
        frame = frame.with_columns(
            *(choose(col(f"{name}_numeric"), col(name), nw.lit("0")).cast(nw.Float64).alias(name) for name in words)
        )
        frame = frame.with_columns(
            *(only(col(f"{name}_numeric"), col(name)).alias(name) for name in words),
            *((col(f"{name}_bad") & ~col(f"{name}_numeric")).alias(f"{name}_bad") for name in words),
        )
    others = [name for name in names if name not in words]
    floats = [name for name in others if not schema[name].is_integer()]
    frame = added(
        frame,
        *(col(name).cast(nw.Float64) for name in floats),
        *(nw.lit(False).alias(f"{name}_bad") for name in others),
    )
    return added(frame, *(only(false(~col(name).is_nan()), col(name)).alias(name) for name in floats))


def wholes(frame: Frame, least: Mapping[str, int]) -> Frame:
    """
    Counts, after ``numbers``, as Int64; ``x_bad`` also where one is no whole number from ``least`` to ``MAX_TOKENS``.
    """
    schema, col = frame.collect_schema(), nw.col

    def fits(name: str) -> nw.Expr:
        return false((col(name) >= least[name]) & (col(name) <= MAX_TOKENS)).alias(f"{name}_inside")

    def whole(name: str) -> nw.Expr:
        small = choose(col(f"{name}_inside"), col(name), nw.lit(0.0))
        return (col(f"{name}_inside") & (small == small.floor())).alias(f"{name}_inside")

    frame = frame.with_columns(*(fits(name) for name in least))
    # only what fits is rounded: in some engines that makes an integer of 64 bits, or an error
    frame = added(frame, *(whole(name) for name in least if not schema[name].is_integer()))
    return frame.with_columns(
        *((col(f"{name}_bad") | (known(col(name)) & ~col(f"{name}_inside"))).alias(f"{name}_bad") for name in least),
        *(
            only(col(f"{name}_inside"), choose(col(f"{name}_inside"), col(name), nw.lit(0)).cast(nw.Int64)).alias(name)
            for name in least
        ),
    )


def truth(name: str, dtype: nw.dtypes.DType, otherwise: bool) -> nw.Expr:
    """A boolean given as one, or as a number or lower-case word; ``otherwise`` where there is none."""
    x = nw.col(name)
    if dtype == nw.Boolean:
        return x.fill_null(nw.lit(otherwise))
    yes = false(x == 1) if dtype.is_numeric() else among(x, TRUE)
    return choose(known(x), yes, nw.lit(otherwise))


def succeeded(name: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Whether a status, given as a number or lower-case word, means success."""
    x = nw.col(name)
    if dtype == nw.Boolean:
        return x.fill_null(nw.lit(True))
    if dtype.is_numeric():
        if dtype.is_float():  # NaN, which is above any number in some engines
            x = only(false(~x.is_nan()), x)
        return ~false((x < 0) | (x > 399))
    code = choose(false(x.str.contains(NUMBER)), x, nw.lit("0")).cast(nw.Float64)
    return ~((code < 0) | (code > 399) | among(x, FAILED))


def tier_name(name: str) -> nw.Expr:
    """The name of a service tier, given in lower case, null for the standard one."""
    x = nw.col(name)
    return only(known(x) & ~among(x, STANDARD_TIERS), x.str.replace_all("on_demand_", "", literal=True))


def unix_us(n: nw.Expr) -> nw.Expr:
    """
    Unix seconds, milliseconds, microseconds or nanoseconds, by their size, as Float64; below 0 for what is none. [us]

    None are null and numbers that some engine cannot round.
    """
    n = choose(false((n >= 0) & (n < 1e20)), n, nw.lit(-1.0))
    scaled = choose(n < 1e11, n * 1e6, choose(n < 1e14, n * 1e3, choose(n < 1e17, n, n / 1e3)))
    return (scaled + 0.5).floor()


def in_range(us: nw.Expr) -> nw.Expr:
    """Whether a time lies from 2000 to 2099."""
    return false((us >= EARLIEST_US) & (us <= LATEST_US))


def civil_us(
    year: nw.Expr, month: nw.Expr, day: nw.Expr, hour: nw.Expr, minute: nw.Expr, second: nw.Expr, micro: nw.Expr
) -> nw.Expr:
    """
    Microseconds since 1970 of a Gregorian day and time, without any zone.

    Days are counted from March, so that the odd month is the last of a year (Howard Hinnant, "chrono-compatible
    low-level date algorithms").
    """
    in_march = choose(month > 2, nw.lit(0), nw.lit(1))
    years = year - in_march
    months = month - 3 + in_march * 12
    days = years * 365 + years // 4 - years // 100 + years // 400 + (months * 153 + 2) // 5 + day - 1 - 719_468
    return days.cast(nw.Int64) * DAY_US + ((hour * 60 + minute) * 60 + second).cast(nw.Int64) * 1_000_000 + micro


def days_in_month(year: nw.Expr, month: nw.Expr) -> nw.Expr:
    """Days of a Gregorian month."""
    fourth, hundredth, four_hundredth = (year // step * step == year for step in (4, 100, 400))
    leap = fourth & (~hundredth | four_hundredth)
    short = reduce(or_, [month == each for each in (4, 6, 9, 11)])
    return choose(month == 2, choose(leap, nw.lit(29), nw.lit(28)), choose(short, nw.lit(30), nw.lit(31)))
