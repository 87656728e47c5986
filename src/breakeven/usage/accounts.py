"""What became of every row: per file, as priced, unpriced or rejected; and all rejects as a CSV file."""

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from breakeven.errors import InputError
from breakeven.files import whole_file
from breakeven.usage.cells import name_or_none
from breakeven.usage.cube import Cube, RowsOf, build
from breakeven.usage.models import Finder
from breakeven.usage.price import Bill, price_cube

if TYPE_CHECKING:
    from breakeven.usage.scan import Scan

REJECTS_HEADER = ("file", "line", "reason")


@dataclass(frozen=True, slots=True)
class FileRows:
    """
    Rows of one file: ``rows == priced + unpriced + rejected``, always.

    reasons : (why, rows) of those that are not priced, commonest first.
    """

    name: str
    reader: str
    rows: int
    priced: int
    unpriced: int
    rejected: int
    reasons: tuple[tuple[str, int], ...]
    sha256: str


def by_file(
    scan: "Scan",
    cube: Cube,
    bill: Bill,
    rejected: Mapping[tuple[int, str], int],
    rows_of: RowsOf,
    find: Finder,
    as_of: dt.date,
) -> tuple[FileRows, ...]:
    """
    What became of the rows of each file.

    The log is asked again only where there are several files and some rows are unpriced: then for those models alone.

    Parameters
    ----------
    rejected : mapping
        (number of file, reason) -> rows.
    """
    unpriced: dict[int, Counter[str]] = defaultdict(Counter)
    bad = []
    if bill.unpriced_rows:
        bad = [(cell, reason) for cell, reason in zip(cube.cells, bill.reasons, strict=True) if reason]
    if bad and len(scan.sources) == 1:
        for cell, reason in bad:
            unpriced[0][reason] += cell.rows
    elif bad:
        unknown_models = {cell.model for cell, _ in bad}
        log = nw.from_native(scan.relation()).lazy()
        written = [name for (name,) in rows_of(log.select("model").unique())]
        wanted = nw.col("model").is_in([name for name in written if name and name_or_none(name) in unknown_models])
        if None in unknown_models:
            blank = [name for name in written if name is not None and name_or_none(name) is None]
            wanted = wanted | nw.col("model").is_null() | nw.col("model").is_in(blank)
        log = log.filter(wanted).with_columns(task=nw.col("file").cast(nw.String))
        parts = build(log, rows_of, find, scan.span_us(), scan.absent)
        for cell, reason in zip(parts.cells, price_cube(parts, find, as_of).reasons, strict=True):
            if reason:
                unpriced[int(cell.task)][reason] += cell.rows
    faulty: dict[int, Counter[str]] = defaultdict(Counter)
    for (file, reason), rows in rejected.items():
        faulty[file][reason] += rows
    found = []
    for number, source in enumerate(scan.sources):
        lost, unknown = faulty[number].total(), unpriced[number].total()
        reasons = tuple((faulty[number] + unpriced[number]).most_common())
        rows = source.rows
        found.append(
            FileRows(source.name, source.reader, rows, rows - lost - unknown, unknown, lost, reasons, source.sha256)
        )
    return tuple(found)


def write_rejects(scan: "Scan", file: Path) -> None:
    """
    All rejected rows of a scan as CSV: file, line, reason, by file and line; nothing of the rows themselves.

    Files that hold no log stand at the end, without a line; what was rejected from cubes is not among them. Raises
    InputError where there are only cubes.
    """
    if not scan.sources:
        raise InputError(f"--rejects {file}: a cube does not keep the lines of rejected rows; give its logs", "rejects")
    query = "SELECT file, line, reason FROM log WHERE faulty"
    if scan.faults:
        query += " UNION ALL SELECT file, line, reason FROM faults"
    with whole_file(file, "--rejects") as part, part.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(REJECTS_HEADER)
        found = scan.engine.execute(f"{query} ORDER BY file, line")
        while rows := found.fetchmany(10_000):
            writer.writerows((scan.sources[number].name, line, reason) for number, line, reason in rows)
        writer.writerows((skipped.file, "", skipped.reason) for skipped in scan.skipped)
