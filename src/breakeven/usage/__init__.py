"""
Usage: log files in, one frozen answer out: what was called, how often, how large, and what it cost.

Every log row is counted once: as priced, as unpriced with the reason, or as rejected with its line and the reason.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from os import PathLike
from pathlib import Path

from breakeven.catalogue.table import PriceTable
from breakeven.usage.cube import Cube
from breakeven.usage.gather import gather
from breakeven.usage.models import Finder
from breakeven.usage.price import Bill, price_cube
from breakeven.usage.profile import TaskProfile, profiles
from breakeven.usage.readers import gives_ids
from breakeven.usage.scan import open_engine
from breakeven.usage.sources import Reject, Source

__all__ = ["Bill", "Cube", "Reject", "Rows", "Source", "TaskProfile", "Usage", "read_usage"]


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
    cube, bill : the sums everything here is made of, and the price of each of its cells.
    notes : what was assumed, in whole sentences.
    cost_usd : exact, of the calls that have a price: the least the log cost. [USD]
    reported_cost_usd : what the log itself states, None where it states nothing. [USD]
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
    files: str | PathLike[str] | Iterable[str | PathLike[str]],
    *,
    table: PriceTable,
    as_of: dt.date,
    task_by: str | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
    billing_zone: str | None = None,
) -> Usage:
    """
    Read, price and summarise usage logs.

    Parameters
    ----------
    files : path or iterable of paths
        JSON lines, CSV, TSV (each also gzip) or Parquet, in any mix of the formats of ``readers``; or cubes of such
        files, see ``cube_file``.
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
    billing_zone : str, optional
        IANA name of the zone whose months are told apart; UTC if not given, or that of the cubes among the files.

    Raises
    ------
    LogError
        A file is missing, damaged or empty, of no known format or of several, or lacks a column it must have; or
        cubes cannot be added up.
    """
    paths = [Path(files)] if isinstance(files, str | PathLike) else [Path(file) for file in files]
    find = Finder(table)
    with open_engine() as engine:
        cube = gather(engine, paths, find, task_by=task_by, reader=reader, columns=columns, billing_zone=billing_zone)
    return usage_of(cube, find, as_of)


def usage_of(cube: Cube, find: Finder, as_of: dt.date) -> Usage:
    """Price and summarise a cube; parameters as for ``price_cube``."""
    bill = price_cube(cube, find, as_of)
    made = profiles(cube, bill)
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
        notes=(*_same_content(cube.sources), *bill.notes),
        cost_usd=bill.total_usd,
        reported_cost_usd=sum(reported, Decimal(0)) if reported else None,
    )


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
