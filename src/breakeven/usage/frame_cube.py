"""The cube of a frame: what is asked of its engine, and plain Python values of what it answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.errors import LogError
from breakeven.usage.calls import TOKENS
from breakeven.usage.cube import Cube, RowsOf, build, count_sizes
from breakeven.usage.cuts import UTC, check_zone
from breakeven.usage.frames import FrameLog
from breakeven.usage.models import Finder
from breakeven.usage.scan import INTERRUPTED
from breakeven.usage.sources import Reject, Source
from breakeven.usage.timing import count_times

MAX_REJECTS = 1000
MAX_SUM = 2**63 - 2**53
"""Engines add 64-bit integers without a word when they overflow; a sum near this is refused. [tokens or nano-USD]"""

Fetch = Callable[[nw.LazyFrame[Any]], Iterable[Sequence[Any]]]
"""Runs a query in its engine and returns its rows, in whatever types the engine has."""


def frame_cube(
    log: FrameLog, find: Finder, name: str = "frame", fetch: Fetch | None = None, *, billing_zone: str = UTC
) -> Cube:
    """
    The cube of a frame. Its engine is asked six times, and once more where rows are rejected and it numbers them.

    Parameters
    ----------
    name : str
        What to call the frame in messages and sources.
    fetch : callable, optional
        How to get the rows of a query, in place of its engine's own way.
    billing_zone : str
        IANA name of the zone whose months are told apart.

    Raises LogError where the frame holds no rows, sums pass what 64-bit integers hold, or rows changed meanwhile.
    """

    def rows_of(query: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        return plain_rows(query, fetch or fetch_rows)

    check_zone(billing_zone)
    counts, span = _surveyed(log, rows_of)
    rows_in = sum(counts.values())
    if not rows_in:
        raise LogError(f"The {name} holds no rows")
    good = counts.pop(None, 0)
    cube = build(log.rows, rows_of, find, span, log.absent, billing_zone=billing_zone)
    found = cube.cells.total("rows")
    if found != good:
        raise LogError(f"The {name} changed while it was read: {good:,} good rows, then {found:,}; keep it still")
    rejects: list[Reject] = []
    if counts and "line" in log.rows.collect_schema().names():
        bad = log.rows.filter(nw.col("faulty")).select("line", "reason").sort("line", "reason").head(MAX_REJECTS)
        rejects = [Reject(name, int(line or 0), reason) for line, reason in rows_of(bad)]
    return replace(
        cube,
        histograms=count_sizes(log.rows, rows_of),
        times=count_times(log.rows, rows_of) if span[0] is not None else (),
        sources=(Source(name, log.engine, rows_in, ""),),
        rows_in=rows_in,
        rejects=tuple(rejects),
        reject_counts=tuple(
            sorted(((str(reason), rows) for reason, rows in counts.items()), key=lambda r: (-r[1], r[0]))
        ),
    )


def fetch_rows(query: nw.LazyFrame[Any]) -> Iterable[Sequence[Any]]:
    """
    The rows of a query from the engine it belongs to, by a way that needs no further package.

    Raises LogError where the engine fails, with its own name of the fault and none of its words: they may quote rows.
    """
    engine = query.implementation.value
    try:
        if engine == "duckdb":
            rows: list[Sequence[Any]] = query.to_native().fetchall()
            return rows
        if engine.startswith("pyspark"):
            return [tuple(row) for row in query.to_native().collect()]
        return query.collect().rows()
    except Exception as error:
        fault = fault_of(error)
    raise LogError(f"{engine} could not add the frame up ({fault}); see whether it can be read there at all")


def fault_of(error: Exception) -> str:
    """An engine's own name of a fault, without its message. Raises KeyboardInterrupt where DuckDB was interrupted."""
    if isinstance(error, RuntimeError) and str(error) == INTERRUPTED:
        raise KeyboardInterrupt from None
    condition = getattr(error, "getCondition", lambda: None)()
    return str(condition or type(error).__name__)


def plain_rows(query: nw.LazyFrame[Any], fetch: Fetch = fetch_rows) -> list[tuple[Any, ...]]:
    """The rows of a query as plain Python values: None, int, bool and str."""
    kinds = [bool if name in ("batch", "ok") else None for name in query.collect_schema().names()]
    return [tuple(_plain(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in fetch(query)]


def _plain(value: Any, kind: type | None) -> Any:
    """A value without the engine's own types: pandas has NaN and NA for null, DuckDB a decimal for a sum."""
    if value is None or isinstance(value, str):
        return value
    if type(value).__name__ == "NAType" or value != value:
        return None
    if kind is bool:
        return bool(value)
    if isinstance(value, Decimal | float) or not isinstance(value, int | bool):
        return int(value)
    return value


def _surveyed(log: FrameLog, rows_of: RowsOf) -> tuple[dict[str | None, int], tuple[int | None, int | None]]:
    """Rows by reason (None: good), and the first and last time of the good ones, by one group-by."""
    summed = [name for name in (*TOKENS, "calls", "reported_cost_nano") if name not in log.absent]
    rows = log.rows.with_columns(*(nw.col(name).cast(nw.Float64).alias(f"{name}_sum") for name in summed))
    query = rows.group_by("reason").agg(
        nw.len().alias("rows"),
        nw.col("at_us").min().alias("first_us"),
        nw.col("at_us").max().alias("last_us"),
        *(nw.col(f"{name}_sum").sum() for name in summed),
    )
    counts: dict[str | None, int] = {}
    span: tuple[int | None, int | None] = (None, None)
    for reason, count, first, last, *sums in rows_of(query):
        counts[reason] = count
        if reason is None:
            span = (first, last)
            over = [name for name, total in zip(summed, sums, strict=True) if (total or 0) > MAX_SUM]
            if over:
                raise LogError(f"The sum of {over[0]} passes what a 64-bit integer holds; read the frame in parts")
    return counts, span
