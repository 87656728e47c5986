"""What became of every row: per file, as priced, unpriced or rejected; and all rejects as a CSV file."""

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import narwhals.stable.v2 as nw

from breakeven.errors import InputError
from breakeven.files import whole_file
from breakeven.usage.cells import distinct, group_sums, name_or_none, packed
from breakeven.usage.cube import Cube, RowsOf, build
from breakeven.usage.models import Finder
from breakeven.usage.price import Bill, price_cube
from breakeven.usage.sources import Priced, Source, SourceRows

if TYPE_CHECKING:
    from breakeven.usage.scan import Scan

REJECTS_HEADER = ("file", "line", "reason")

PRICED = ("model", "provider", "service_tier")
"""The columns of ``sources.Priced``."""

SEVERAL = "no price, for several reasons"


@dataclass(frozen=True, slots=True)
class FileRows:
    """
    Rows of one file: ``rows == priced + unpriced + rejected``, always.

    priced, unpriced, rejected : of a file among several in a cube, None where the cube cannot tell.
    reasons : (why, rows) of those that are not priced, commonest first, as far as that is known.
    """

    name: str
    reader: str
    rows: int
    priced: int | None
    unpriced: int | None
    rejected: int | None
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
        reasons = _commonest(faulty[number] + unpriced[number])
        rows = source.rows
        found.append(
            FileRows(source.name, source.reader, rows, rows - lost - unknown, unknown, lost, reasons, source.sha256)
        )
    return tuple(found)


def good_rows(
    engine: duckdb.DuckDBPyConnection, sources: int, rejected: Mapping[tuple[int, str], int]
) -> tuple[SourceRows, ...]:
    """What a cube keeps of the rows of each file of the view ``log``; nothing where there is one file alone."""
    if sources < 2:
        return ()
    good: list[Counter[Priced]] = [Counter() for _ in range(sources)]
    query = "SELECT file, model, provider, service_tier, count(*) FROM log WHERE NOT faulty GROUP BY ALL"
    for file, model, provider, tier, rows in engine.execute(query).fetchall():
        good[file][name_or_none(model), name_or_none(provider), tier] += rows
    lost: list[Counter[str]] = [Counter() for _ in range(sources)]
    for (file, reason), rows in rejected.items():
        lost[file][reason] += rows
    return tuple(
        SourceRows(tuple(one.most_common()), tuple(other.most_common())) for one, other in zip(good, lost, strict=True)
    )


def rows_by_source(cube: Cube) -> tuple[SourceRows | None, ...]:
    """What is known of the rows of each source of a cube, told by its cells where there is one source."""
    if cube.source_rows or len(cube.sources) != 1:
        return cube.source_rows or (None,) * len(cube.sources)
    return (SourceRows(tuple(_totals(cube).items()), cube.reject_counts),)


def by_source(cube: Cube, bill: Bill) -> tuple[FileRows, ...]:
    """
    What became of the rows of each source of a cube, without its logs.

    A cube has no cells by source: where rows of several sources are alike in model, provider and service tier, and some
    of them have a price and some do not, it is not known how many of which source.
    """
    totals = _totals(cube)
    unpriced: dict[Priced, Counter[str]] = defaultdict(Counter)
    if bill.unpriced_rows:
        for cell, reason in zip(cube.cells, bill.reasons, strict=True):
            if reason:
                unpriced[cell.model, cell.provider, cell.service_tier][reason] += cell.rows
    known = rows_by_source(cube)
    return tuple(_told(source, rows, totals, unpriced) for source, rows in zip(cube.sources, known, strict=True))


def _totals(cube: Cube) -> dict[Priced, int]:
    """Good rows of a cube by what of its keys tells, mostly, whether they have a price."""
    columns, values = cube.cells.columns, cube.cells.values
    codes, first = distinct(packed([columns[name] for name in PRICED]))
    found: dict[Priced, int] = {}
    for at, rows in zip(first, group_sums(columns["rows"], codes, len(first)), strict=True):
        model, provider, tier = (values[name][int(columns[name][at])] for name in PRICED)
        found[model, provider, tier] = rows
    return found


def _told(
    source: Source, rows: SourceRows | None, totals: Mapping[Priced, int], unpriced: Mapping[Priced, Counter[str]]
) -> FileRows:
    """What became of the rows of one source, given all rows of the cube and those without a price."""
    if rows is None:
        return FileRows(source.name, source.reader, source.rows, None, None, None, (), source.sha256)
    reasons = Counter(dict(rows.rejected))
    lost, without, is_known = reasons.total(), 0, True
    for key, count in rows.good:
        why = unpriced.get(key, Counter())
        if count == totals.get(key):
            reasons += why
            without += why.total()
        elif why.total() == totals.get(key):
            reasons[next(iter(why)) if len(why) == 1 else SEVERAL] += count
            without += count
        elif why:
            is_known = False
    priced, unknown = (source.rows - lost - without, without) if is_known else (None, None)
    return FileRows(source.name, source.reader, source.rows, priced, unknown, lost, _commonest(reasons), source.sha256)


def _commonest(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    """(reason, rows), commonest first."""
    return tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


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
