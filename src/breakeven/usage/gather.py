"""Log files and cubes, in any mix, to one cube."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import duckdb
import narwhals.stable.v2 as nw

from breakeven.errors import InputError, LogError, nearest
from breakeven.usage.columns import cells_of_query, sizes_of_query
from breakeven.usage.cube import UTC, Cube, build, count_sizes
from breakeven.usage.cube_file import is_cube, read_cube
from breakeven.usage.lines import read_head
from breakeven.usage.merge import merged, refuse_twice
from breakeven.usage.models import Finder
from breakeven.usage.prefix import shared_prefixes
from breakeven.usage.scan import scan_files

LOGS = "the logs given beside it"


def gather(
    engine: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    find: Finder,
    *,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
    billing_zone: str | None = None,
    count_twice: bool = False,
) -> Cube:
    """
    One cube of log files and cube files.

    Parameters
    ----------
    engine : connection
        As ``scan.open_engine`` gives it.
    find : Finder
        With the table whose price changes the logs are cut at.
    billing_zone : str, optional
        Zone whose months are told apart; that of the cubes if not given, or UTC.
    count_twice : bool
        Whether cubes that hold the same source may be added up, or one beside that source.
    task_by, reader, columns
        As for ``scan_files``; not for cubes.

    Raises
    ------
    LogError
        As ``scan_files``, ``read_cube`` and ``merge.merged``, or the cubes' months are of another zone.
    """
    if billing_zone is not None and billing_zone not in available_timezones():
        close = nearest(billing_zone, available_timezones())
        raise InputError(f"No time zone {billing_zone!r}.{close} Write an IANA name", "billing_zone")
    cubes: list[tuple[str, Cube]] = []
    logs = []
    for file in files:
        if read_head(file).startswith(b"PAR1") and not columns and is_cube(engine, file):
            cubes.append((file.name, read_cube(engine, file)))
        else:
            logs.append(file)
    for name, cube in cubes:
        if billing_zone not in (None, cube.billing_zone):
            raise LogError(
                f"{name}: has months of {cube.billing_zone}; build it again with --billing-zone {billing_zone}"
            )
    if not count_twice:
        refuse_twice(cubes)
    known = merged(cubes, find) if cubes else None
    if not logs:
        if known is None:
            raise LogError("No log file was given")
        return known
    zone = billing_zone or (known.billing_zone if known else UTC)
    found = scan_files(engine, logs, task_by=task_by, reader=reader, columns=columns)
    log = nw.from_native(found.relation()).lazy()
    cube = build(
        log,
        fetch,
        find,
        found.span_us(),
        found.absent,
        billing_zone=zone,
        cells_of=lambda query, cuts: cells_of_query(engine, query, cuts, found.absent),
        beside=known,
    )
    rejects, reject_counts = found.rejected(cube.cells.total("rows"))
    cube = replace(
        cube,
        histograms=count_sizes(log, fetch, lambda query, side: sizes_of_query(engine, query, side)),
        sources=tuple(found.sources),
        rows_in=found.rows,
        rejects=rejects,
        reject_counts=reject_counts,
        prefixes=shared_prefixes(engine) if found.has_prompts else (),
    )
    if not cubes:
        return cube
    if not count_twice:
        refuse_twice([*cubes, (LOGS, cube)])
    return merged([*cubes, (LOGS, cube)], find)


def fetch(query: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    """Rows of a query on DuckDB. Narwhals' own ``collect`` would need pyarrow."""
    rows: list[tuple[Any, ...]] = query.to_native().fetchall()
    return rows
