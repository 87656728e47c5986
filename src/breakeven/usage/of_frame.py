"""``breakeven.usage(frame)``: what the calls in a frame cost, whichever engine holds them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.catalogue.load import load_catalogue
from breakeven.catalogue.table import PriceTable
from breakeven.usage import Usage, summary
from breakeven.usage.cuts import UTC, check_zone
from breakeven.usage.frame_cube import frame_cube, plain_rows
from breakeven.usage.frame_prompts import scan_frame
from breakeven.usage.frames import canonical_frame
from breakeven.usage.gather import cube_of_logs, fetch
from breakeven.usage.models import Finder
from breakeven.usage.naming import Named, name_tasks
from breakeven.usage.price import price_cube
from breakeven.usage.price_check import check_prices, zero_calls
from breakeven.usage.scan import open_engine


def usage_of(
    frame: Any,
    *,
    as_of: dt.date | None = None,
    columns: Mapping[str, str] | None = None,
    table: PriceTable | None = None,
    zone: str | None = None,
    task_by: str | None = None,
    billing_zone: str | None = None,
    name: str = "frame",
) -> Usage:
    """
    Price and summarise the calls of a frame, whose rows stay in the engine that holds them.

    ``breakeven.usage(frame, columns=...)`` is this function.

    Parameters
    ----------
    frame : native frame
        A Polars DataFrame or LazyFrame, pandas DataFrame, PyArrow Table, DuckDB relation, Ibis table or PySpark
        DataFrame; one row per call, or per group of calls.
    as_of : date, optional
        The day whose prices calls without a time are billed at; today if not given.
    columns : mapping, optional
        Name of ``frames.NAMES`` -> the frame's own column, or ``column.field`` of a structure; the others are found
        by the names of ``readers.table``. ``prompt`` is never looked for: it may be named, and is hashed as that of a
        log is, see ``frame_prompts.py``.
    table : PriceTable, optional
        Prices; the list prices where it is not given.
    zone : str, optional
        "UTC", an offset such as "+02:00", or an IANA name: of times that have no zone. Such a column needs it.
    task_by : str, optional
        Column that names the task.
    billing_zone : str, optional
        IANA name of the zone whose months are told apart; UTC if not given.
    name : str
        What messages and ``sources`` call the frame.

    Raises
    ------
    LogError
        It is no frame or holds no rows; a column is missing or cannot hold what it should; times are naive and no
        zone is declared.
    """
    if table is None:
        table = load_catalogue().prices
    as_of = as_of or dt.date.today()
    find = Finder(table)
    if columns and "prompt" in columns:
        return _with_prompts(frame, columns, find, as_of, zone, task_by, billing_zone or UTC, name)
    log = canonical_frame(frame, columns, zone=zone, task_by=task_by)
    cube = frame_cube(log, find, name, billing_zone=billing_zone or UTC)
    named = Named("field" if task_by else "log")
    zeros = zero_calls(log.rows, log.absent, plain_rows)
    cube = replace(cube, found=named.found(cube.cells.values["task"]), zero_calls=zeros)
    bill = price_cube(cube, find, as_of)
    checks = check_prices(log.rows, log.absent, cube, bill, plain_rows, find, as_of)
    return summary(cube, bill, as_of, price_checks=checks)


def _with_prompts(
    frame: Any,
    columns: Mapping[str, str],
    find: Finder,
    as_of: dt.date,
    zone: str | None,
    task_by: str | None,
    billing_zone: str,
    name: str,
) -> Usage:
    """The same of a frame whose prompts are looked at, as those of a log file are."""
    check_zone(billing_zone)
    with open_engine() as engine:
        scan, numbered = scan_frame(engine, frame, columns, name=name, zone=zone, task_by=task_by)
        named = name_tasks(scan, task_by, None)
        cube, _ = cube_of_logs(engine, scan, find, named, billing_zone, None)
        if not numbered:
            cube = replace(cube, rejects=())
        bill = price_cube(cube, find, as_of)
        log = nw.from_native(scan.relation()).lazy()
        checks = check_prices(log, scan.absent, cube, bill, fetch, find, as_of)
    return summary(cube, bill, as_of, notes=named.notes, price_checks=checks)
