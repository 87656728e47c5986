"""
Usage: log files in, one frozen answer out: what was called, how often, how large, and what it cost.

Every log row is counted once: as priced, as unpriced with the reason, or as rejected with its line and the reason.

The package can be called too: ``breakeven.usage(frame, columns=...)`` is ``of_frame.usage_of``.
"""

import datetime as dt
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.catalogue.table import PriceTable
from breakeven.usage.accounts import FileRows, by_file, by_source, write_rejects
from breakeven.usage.column_map import ColumnMap
from breakeven.usage.cube import Cube
from breakeven.usage.facts import TaskFacts, task_facts
from breakeven.usage.gather import fetch, gather
from breakeven.usage.inputs import LogFile, Watch, find_logs
from breakeven.usage.models import Finder
from breakeven.usage.nesting import ELSEWHERE
from breakeven.usage.price import Bill, price_cube
from breakeven.usage.price_check import PriceCheck, check_cube, check_prices
from breakeven.usage.profile import TaskProfile, profiles
from breakeven.usage.readers import gives_ids
from breakeven.usage.report_check import check_reports
from breakeven.usage.scan import open_engine
from breakeven.usage.sources import Reject, Skipped, Source
from breakeven.usage.task_names import TaskNames

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
    "summary",
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
    billing_zone: str | None = None,
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
        Zstandard) or Parquet, in any mix of the formats of ``readers``; LiteLLM's spend table in PostgreSQL; or cubes
        of such logs, see ``cube_file``.
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
    billing_zone : str, optional
        IANA name of the zone whose months are told apart; UTC if not given, or that of the cubes among the files.
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
        format, or of several. Among several files such a one is left out, and is in ``skipped``. Or
        cubes cannot be added up.
    """
    logs = find_logs([files] if isinstance(files, str | PathLike) else files)
    find = Finder(table)
    with open_engine() as engine:
        got = gather(
            engine,
            logs,
            find,
            task_by=task_by,
            reader=reader,
            columns=columns,
            column_map=column_map,
            tasks=tasks,
            billing_zone=billing_zone,
            watch=watch,
        )
        if rejects is not None:
            write_rejects(got.scan, rejects)
        bill = price_cube(got.cube, find, as_of)
        accounts: tuple[FileRows, ...] = ()
        if got.logs is not got.cube:
            accounts = by_source(got.cube, bill)
        if got.logs is not None:
            own = bill if got.logs is got.cube else price_cube(got.logs, find, as_of)
            accounts = accounts[: len(accounts) - len(got.logs.sources)]
            accounts += by_file(got.scan, got.logs, own, got.lost, fetch, find, as_of)
        if got.logs is got.cube:
            log = nw.from_native(got.scan.relation()).lazy()
            checks = check_prices(log, got.scan.absent, got.cube, bill, fetch, find, as_of)
        else:
            checks = check_cube(got.cube, bill, find, as_of)
    checks += check_reports(got.cube, bill, find, as_of)
    return summary(
        got.cube, bill, as_of, notes=got.notes, files=accounts, skipped=got.scan.skipped, price_checks=checks
    )


def summary(
    cube: Cube,
    bill: Bill,
    as_of: dt.date,
    *,
    notes: Iterable[str] = (),
    files: Iterable[FileRows] | None = None,
    skipped: Iterable[Skipped] = (),
    price_checks: Iterable[PriceCheck] = (),
) -> Usage:
    """
    What a priced cube says.

    Parameters
    ----------
    bill : Bill
        Of this cube, at this day.
    notes, files, skipped, price_checks
        What is known beside it, as in ``Usage``; files are told by the cube where they are not given.
    """
    accounts = by_source(cube, bill) if files is None else tuple(files)
    facts = task_facts(cube)
    made = profiles(cube, bill, {each.task: each for each in facts})
    rejected = sum(rows for _, rows in cube.reject_counts)
    good = cube.rows_in - rejected
    reported = [profile.reported_cost_usd for profile in made if profile.reported_cost_usd is not None]
    return Usage(
        as_of=as_of,
        rows=Rows(cube.rows_in, good - bill.unpriced_rows, bill.unpriced_rows, rejected),
        calls=cube.cells.total("calls"),
        profiles=made,
        cube=cube,
        bill=bill,
        notes=(*_same_content(accounts), *notes, *bill.notes),
        cost_usd=bill.total_usd,
        reported_cost_usd=sum(reported, Decimal(0)) if reported else None,
        facts=facts,
        files=accounts,
        skipped=tuple(skipped),
        price_checks=tuple(price_checks),
    )


def _same_content(sources: Iterable[FileRows]) -> list[str]:
    """A note for each file whose content was already given."""
    seen: dict[str, str] = {}
    notes = []
    for source in sources:
        if source.sha256 and source.sha256 in seen:
            by_id = sum(rows for reason, rows in source.reasons if reason == ELSEWHERE)
            counted = "both are counted" if not by_id else f"{by_id:,} of its {source.rows:,} rows are counted once"
            counted = "its rows are counted once" if gives_ids(source.reader) else counted
            notes.append(f"{source.name} has the same content as {seen[source.sha256]}; {counted}")
        seen.setdefault(source.sha256, source.name)
    return notes


class _Package(ModuleType):
    """This package, which a name of its parent cannot be beside: importing any module of it would take the name."""

    def __call__(self, frame: Any, **options: Any) -> Usage:
        """What the calls in a frame cost: ``of_frame.usage_of``, which lists the options."""
        from breakeven.usage.of_frame import usage_of

        return usage_of(frame, **options)


sys.modules[__name__].__class__ = _Package
