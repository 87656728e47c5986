"""Log files and cubes, in any mix, to one cube."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import narwhals.stable.v2 as nw

from breakeven.errors import LogError
from breakeven.usage.accounts import good_rows
from breakeven.usage.calls import NO_TASK
from breakeven.usage.cells import NO_CODES, Cells
from breakeven.usage.column_map import ColumnMap
from breakeven.usage.columns import cells_of_query, likely_models, sizes_of_query, with_codes
from breakeven.usage.cube import Cube, build, count_sizes
from breakeven.usage.cuts import UTC, check_zone
from breakeven.usage.following import Tell, followed
from breakeven.usage.inputs import LogFile, Watch
from breakeven.usage.merge import merged, refuse_twice, renamed_cube
from breakeven.usage.models import Finder
from breakeven.usage.naming import Named, name_tasks
from breakeven.usage.price_check import zero_calls
from breakeven.usage.prompt_facts import prompt_facts
from breakeven.usage.scan import Scan, scan_files
from breakeven.usage.sizes import INPUT, Histograms
from breakeven.usage.sums_file import whole_days_where_equal
from breakeven.usage.task_names import TaskNames
from breakeven.usage.timing import count_times

LOGS = "the logs given beside it"


@dataclass(frozen=True)
class Gathered:
    """
    What log files and cubes hold.

    cube : all of it.
    scan : the files.
    logs : the cube of those that are no cubes; None without any.
    lost : rejected rows of these, by (number of file, reason).
    notes : how they were read and their tasks named, in whole sentences.
    """

    cube: Cube
    scan: Scan
    logs: Cube | None
    lost: Mapping[tuple[int, str], int]
    notes: tuple[str, ...]


def gather(
    engine: duckdb.DuckDBPyConnection,
    files: Sequence[LogFile],
    find: Finder,
    *,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
    column_map: ColumnMap | None = None,
    tasks: TaskNames | None = None,
    billing_zone: str | None = None,
    count_twice: bool = False,
    watch: Watch | None = None,
) -> Gathered:
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
    tasks : TaskNames, optional
        The user's names for tasks, those of cubes too.
    watch : Watch, optional
        Told how it goes on.
    task_by, reader, columns, column_map
        As for ``scan_files``; not for cubes.

    Raises
    ------
    LogError
        As ``scan_files``, ``read_cube`` and ``merge.merged``, the cubes' months are of another zone, or no row has the
        field ``task_by``.
    """
    if billing_zone is not None:
        check_zone(billing_zone)
    if not files:
        raise LogError("No log file was given")
    if watch is not None:
        sizes = [file.size for file in files]
        watch.total(None if None in sizes else sum(size for size in sizes if size is not None))
        for file in files:
            file.watch = watch
    scan = scan_files(
        engine, files, task_by=task_by, reader=reader, columns=columns, column_map=column_map, find_keys=True
    )
    if watch is not None:
        watch.step(f"adding up {scan.rows:,} rows")
    cubes = scan.cubes
    for name, cube in cubes:
        if billing_zone not in (None, cube.billing_zone):
            raise LogError(
                f"{name}: has months of {cube.billing_zone}; build it again with --billing-zone {billing_zone}"
            )
    named = name_tasks(scan, task_by, tasks, {task for _, cube in cubes for task in cube.cells.values["task"]})
    notes = (*scan.notes, *named.notes)
    cubes = [(name, whole_days_where_equal(renamed_cube(cube, named.chosen), find)) for name, cube in cubes]
    if not count_twice:
        refuse_twice(cubes)
    known = merged(cubes, find) if cubes else None
    if not scan.sources and known is not None:
        return Gathered(known, scan, None, {}, notes)
    zone = billing_zone or (known.billing_zone if known else UTC)
    logs, lost = cube_of_logs(engine, scan, find, named, zone, known, watch)
    if task_by and task_by != "prompt" and logs.cells.values["task"] == (NO_TASK,):
        raise LogError(
            f"--task-by {task_by}: no row that can be counted has this field; breakeven logs --explain FILE shows what"
            " a file holds, and a field inside another is written with dots: metadata.feature"
        )
    if known is None:
        return Gathered(logs, scan, logs, lost, notes)
    parts = [*cubes, (LOGS, logs)]
    if not count_twice:
        refuse_twice(parts)
    return Gathered(merged(parts, find), scan, logs, lost, notes)


def cube_of_logs(
    engine: duckdb.DuckDBPyConnection,
    scan: Scan,
    find: Finder,
    named: Named,
    zone: str,
    beside: Cube | None,
    watch: Watch | None = None,
) -> tuple[Cube, Mapping[tuple[int, str], int]]:
    """The cube of the files of a scan, and its rejected rows by (number of file, reason)."""

    def part(first: float, last: float, rows: int = 0) -> Tell | None:
        """Of a query that takes all from one share of the whole to another, and reads so many rows."""
        return None if watch is None else _part(watch, first, last, rows)

    unread = scan.unread

    def cells_of(query: nw.LazyFrame[Any], cuts: Sequence[int]) -> Cells:
        nonlocal unread
        rows, unread = unread, 0  # rows count once, cells may be asked for again
        with followed(engine, part(0.15, 0.5, rows)):  # it takes about as long as all that follows
            return cells_of_query(engine, query, cuts, scan.absent, codes)

    def rows_of(query: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        with followed(engine, part(0.1, 0.15)):
            return fetch(query)

    def sizes_of(query: nw.LazyFrame[Any], side: int) -> Histograms:
        with followed(engine, part(*((0.6, 0.7) if side == INPUT else (0.7, 0.8)))):
            return sizes_of_query(engine, query, side)

    log = nw.from_native(scan.relation()).lazy()
    span_us = scan.span_us()
    with followed(engine, part(0.0, 0.1)):
        coded, codes = with_codes(engine, "log") if scan.in_place else (scan.relation(), NO_CODES)
    cube = build(
        nw.from_native(coded).lazy(),
        rows_of,
        find,
        span_us,
        scan.absent,
        billing_zone=zone,
        cells_of=cells_of,
        codes=codes,
        likely=() if codes else likely_models(engine, "log", scan.absent),
        beside=beside,
    )
    with followed(engine, part(0.5, 0.6)):
        rejects, lost = scan.rejected(cube.cells.total("rows"))
    counts: Counter[str] = Counter()
    for (_, reason), rows in lost.items():
        counts[reason] += rows
    sizes = count_sizes(log, fetch, sizes_of)
    with followed(engine, part(0.8, 0.9)):
        times = count_times(log, fetch) if span_us[0] is not None else ()
    with followed(engine, part(0.9, 1.0)):
        zeros = zero_calls(log, scan.absent, fetch)
    cube = replace(
        cube,
        histograms=sizes,
        sources=tuple(scan.sources),
        rows_in=scan.rows,
        rejects=rejects,
        reject_counts=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        times=times,
        prompts=prompt_facts(engine) if scan.has_prompts else (),
        found=named.found(cube.cells.values["task"]),
        source_rows=good_rows(engine, len(scan.sources), lost),
        zero_calls=zeros,
    )
    return cube, lost


def _part(watch: Watch, first: float, last: float, rows: int) -> Tell:
    counted = 0

    def tell(share: float) -> None:
        nonlocal counted
        watch.part(first + (last - first) * share)
        watch.rows(int(rows * share) - counted)
        counted = int(rows * share)

    return tell


def fetch(query: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    """Rows of a query on DuckDB. Narwhals' own ``collect`` would need pyarrow."""
    rows: list[tuple[Any, ...]] = query.to_native().fetchall()
    return rows
