"""
Usage: log files in, one frozen answer out: what was called, how often, how large, and what it cost.

Every log row is counted once: as priced, as unpriced with the reason, or as rejected with its line and the reason.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.catalogue.table import PriceTable
from breakeven.errors import LogError
from breakeven.usage.cube import Cube, build, count_sizes
from breakeven.usage.models import Finder
from breakeven.usage.prefix import shared_prefixes
from breakeven.usage.price import Bill, price_cube
from breakeven.usage.profile import TaskProfile, profiles
from breakeven.usage.readers import gives_ids
from breakeven.usage.scan import open_engine, scan_files
from breakeven.usage.sources import Reject, Source

__all__ = ["Bill", "Cube", "Reject", "Rows", "Source", "TaskProfile", "Usage", "read_usage", "summary"]


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
) -> Usage:
    """
    Read, price and summarise usage logs.

    Parameters
    ----------
    files : path or iterable of paths
        JSON lines, CSV, TSV (each also gzip) or Parquet, in any mix of the formats of ``readers``.
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

    Raises
    ------
    LogError
        A file is missing, damaged or empty, of no known format or of several, or lacks a column it must have.
    """
    paths = [Path(files)] if isinstance(files, str | PathLike) else [Path(file) for file in files]
    if not paths:
        raise LogError("No log file was given")
    find = Finder(table)
    with open_engine() as engine:
        found = scan_files(engine, paths, task_by=task_by, reader=reader, columns=columns)
        log = nw.from_native(found.relation()).lazy()
        cube = build(log, _fetch, find, found.span_us(), found.absent)
        good = sum(cell.rows for cell in cube.cells)
        rejects, reject_counts = found.rejected(good)
        cube = replace(
            cube,
            histograms=count_sizes(log, _fetch),
            sources=tuple(found.sources),
            rows_in=found.rows,
            rejects=rejects,
            reject_counts=reject_counts,
        )
        prefixes = shared_prefixes(engine) if found.has_prompts else {}
    return summary(cube, find, as_of, prefixes)


def summary(cube: Cube, find: Finder, as_of: dt.date, prefixes: Mapping[str, float]) -> Usage:
    """A cube, priced and profiled."""
    bill = price_cube(cube, find, as_of)
    made = profiles(cube, bill, prefixes)
    good = sum(cell.rows for cell in cube.cells)
    unpriced = sum(cell.rows for cell, usd in zip(cube.cells, bill.usd, strict=True) if usd is None)
    reported = [profile.reported_cost_usd for profile in made if profile.reported_cost_usd is not None]
    return Usage(
        as_of=as_of,
        rows=Rows(cube.rows_in, good - unpriced, unpriced, sum(rows for _, rows in cube.reject_counts)),
        calls=sum(cell.calls for cell in cube.cells),
        profiles=made,
        cube=cube,
        bill=bill,
        notes=(*_same_content(cube.sources), *bill.notes),
        cost_usd=bill.total_usd,
        reported_cost_usd=sum(reported, Decimal(0)) if reported else None,
    )


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
