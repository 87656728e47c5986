"""
Usage: log files in, one frozen answer out: what was called, how often, how large, and what it cost.

Every log row is counted once: as priced, as unpriced with the reason, or as rejected with its line and the reason.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.catalogue.table import PriceTable
from breakeven.errors import LogError
from breakeven.usage.accounts import FileRows, by_file, write_rejects
from breakeven.usage.column_map import ColumnMap
from breakeven.usage.cube import Cube, build, count_sizes
from breakeven.usage.facts import TaskFacts, task_facts
from breakeven.usage.inputs import LogFile, Watch, find_logs
from breakeven.usage.models import Finder
from breakeven.usage.naming import name_tasks
from breakeven.usage.price import Bill, price_cube
from breakeven.usage.price_check import PriceCheck, check_prices
from breakeven.usage.profile import TaskProfile, profiles
from breakeven.usage.prompt_facts import prompt_facts
from breakeven.usage.readers import gives_ids
from breakeven.usage.scan import open_engine, scan_files
from breakeven.usage.sources import Reject, Skipped, Source
from breakeven.usage.task_names import TaskNames
from breakeven.usage.timing import count_times

__all__ = [
    "Bill",
    "Cube",
    "FileRows",
    "Reject",
    "Rows",
    "Skipped",
    "Source",
    "TaskFacts",
    "TaskProfile",
    "Usage",
    "read_usage",
]


@dataclass(frozen=True, slots=True)
class Rows:
    """Log rows: ``read == priced + unpriced + rejected``, always. A row may stand for many calls."""

    read: int
    priced: int
    unpriced: int
    rejected: int


@dataclass(frozen=True)
class Usage:
    """
    What log files say.

    as_of : day whose prices calls without a time are billed at.
    rows : how many rows were read, and what became of them.
    calls : calls the good rows stand for.
    profiles : one per task and model, the dearest first.
    facts : one per task, the one with most calls first.
    cube, bill : the sums everything here is made of, and the price of each of its cells.
    notes : what was assumed, in whole sentences.
    cost_usd : exact, of the calls that have a price: the least the log cost. [USD]
    reported_cost_usd : what the log itself states, None where it states nothing. [USD]
    files : what became of the rows of each file.
    skipped : files among several that hold no log.
    price_checks : our price beside the stated cost, by model.
    """

    as_of: dt.date
    rows: Rows
    calls: int
    profiles: tuple[TaskProfile, ...]
    cube: Cube
    bill: Bill
    notes: tuple[str, ...]
    cost_usd: Decimal
    reported_cost_usd: Decimal | None
    facts: tuple[TaskFacts, ...] = ()
    files: tuple[FileRows, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    price_checks: tuple[PriceCheck, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files."""
        return self.cube.sources

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Rows that could not be counted, at most 1000, by file and line."""
        return self.cube.rejects

    @property
    def reject_counts(self) -> tuple[tuple[str, int], ...]:
        """(reason, rows), commonest first, over all rows that could not be counted."""
        return self.cube.reject_counts


def read_usage(
    files: str | PathLike[str] | Iterable[str | PathLike[str] | LogFile],
    *,
    table: PriceTable,
    as_of: dt.date,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
    column_map: ColumnMap | None = None,
    tasks: TaskNames | None = None,
    rejects: Path | None = None,
    watch: Watch | None = None,
) -> Usage:
    """
    Read, price and summarise usage logs.

    Parameters
    ----------
    files : path or iterable of paths
        Files, folders, globs, addresses or ``-``, see ``inputs.find_logs``: JSON lines, CSV, TSV (each also gzip or
        Zstandard) or Parquet, in any mix of the formats of ``readers``; or LiteLLM's spend table in PostgreSQL.
    table : PriceTable
        List prices, with the user's own laid over them.
    as_of : date
        The day whose prices calls without a time are billed at.
    task_by : str, optional
        Field that names the task, in place of the format's own: a dotted path or a column. "prompt" groups by a
        hash of the system prompt, or of the first message.
    reader : str, optional
        Name of the reader to use, in place of the one that claims a file.
    columns : mapping, optional
        For tables: name of ``readers.table.NAMES`` -> the file's own column.
    column_map : ColumnMap, optional
        Reads files of a format no reader knows, see ``column_map.read_map``.
    tasks : TaskNames, optional
        Names for tasks that are found, see ``task_names.py``.
    rejects : Path, optional
        Where to write file, line and reason of every rejected row, as CSV.
    watch : Watch, optional
        Told how reading goes on.

    Raises
    ------
    LogError
        A file is missing or lacks a column it must have; or no file holds a log, because it is empty, of no known
        format, or of several. Among several files such a one is left out, and is in ``skipped``.
    """
    logs = find_logs([files] if isinstance(files, str | PathLike) else files)
    if not logs:
        raise LogError("No log file was given")
    if watch is not None:
        sizes = [log.size for log in logs]
        watch.total(None if None in sizes else sum(size for size in sizes if size is not None))
        for each in logs:
            each.watch = watch
    find = Finder(table)
    with open_engine() as engine:
        found = scan_files(
            engine, logs, task_by=task_by, reader=reader, columns=columns, column_map=column_map, find_keys=True
        )
        if watch is not None:
            watch.step(f"adding up {found.rows:,} rows")
        named = name_tasks(found, task_by, tasks)
        log = nw.from_native(found.relation()).lazy()
        span_us = found.span_us()
        cube = build(log, _fetch, find, span_us, found.absent)
        good = sum(cell.rows for cell in cube.cells)
        rejected, lost = found.rejected(good)
        cube = replace(
            cube,
            histograms=count_sizes(log, _fetch),
            times=count_times(log, _fetch) if span_us[0] is not None else (),
            sources=tuple(found.sources),
            rows_in=found.rows,
            rejects=rejected,
            reject_counts=_by_reason(lost),
        )
        prompts = prompt_facts(engine) if found.has_prompts else {}
        bill = price_cube(cube, find, as_of)
        accounts = by_file(found, cube, bill, lost, _fetch, find, as_of)
        checks = check_prices(found, cube, bill, _fetch, find, as_of)
        if rejects is not None:
            write_rejects(found, rejects)
    facts = task_facts(cube, prompts, named.way, named.members)
    made = profiles(cube, bill, {each.task: each for each in facts})
    unpriced = sum(cell.rows for cell, usd in zip(cube.cells, bill.usd, strict=True) if usd is None)
    reported = [profile.reported_cost_usd for profile in made if profile.reported_cost_usd is not None]
    return Usage(
        as_of=as_of,
        rows=Rows(found.rows, good - unpriced, unpriced, lost.total()),
        calls=sum(cell.calls for cell in cube.cells),
        profiles=made,
        cube=cube,
        bill=bill,
        notes=(*_same_content(found.sources), *named.notes, *bill.notes),
        cost_usd=bill.total_usd,
        reported_cost_usd=sum(reported, Decimal(0)) if reported else None,
        facts=facts,
        files=accounts,
        skipped=tuple(found.skipped),
        price_checks=checks,
    )


def _by_reason(lost: Mapping[tuple[int, str], int]) -> tuple[tuple[str, int], ...]:
    """(reason, rows) of all files together, commonest first."""
    counts: Counter[str] = Counter()
    for (_, reason), rows in lost.items():
        counts[reason] += rows
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _fetch(query: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    """Rows of a query on DuckDB. Narwhals' own ``collect`` would need pyarrow."""
    rows: list[tuple[Any, ...]] = query.to_native().fetchall()
    return rows


def _same_content(sources: Iterable[Source]) -> list[str]:
    """A note for each file whose content was already given."""
    seen: dict[str, str] = {}
    notes = []
    for source in sources:
        if source.sha256 in seen:
            counted = "its rows are counted once" if gives_ids(source.reader) else "both are counted"
            notes.append(f"{source.name} has the same content as {seen[source.sha256]}; {counted}")
        seen.setdefault(source.sha256, source.name)
    return notes
