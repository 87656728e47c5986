"""``breakeven logs --engine spark`` and ``--engine sql``: calls that stay where they are."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from breakeven.catalogue.table import PriceTable
from breakeven.errors import InputError
from breakeven.files import whole_file
from breakeven.usage import Usage
from breakeven.usage.cuts import UTC

Engine = Literal["duckdb", "spark", "sql"]

FIRST_DAY = dt.date(2023, 1, 1)
"""Where printed SQL begins to tell months and prices apart."""

ONE_YEAR = dt.timedelta(days=366)
"""For so long after the day it was printed SQL tells months apart."""

IMPORT = "breakeven cube import RESULT -o usage.cube.parquet"


@dataclass(frozen=True)
class Where:
    """The flags that say where calls are; see the help of ``breakeven logs``."""

    engine: Engine
    table: str | None
    zone: str | None
    master: str | None
    dialect: str | None
    connection: str | None
    since: dt.date | None

    def check(self, of_files: Mapping[str, object], of_answers: Mapping[str, object]) -> None:
        """
        Raise InputError for a flag that the engine has no use for.

        Parameters
        ----------
        of_files, of_answers : mapping
            Flags, None where not given: those about files that are read here, and about what is made of the sums.
        """
        uses = {
            "table": ("spark", "sql"),
            "zone": ("spark", "sql"),
            "master": ("spark",),
            "dialect": ("sql",),
            "connection": ("sql",),
            "since": ("sql",),
        }
        for name, engines in uses.items():
            if getattr(self, name) is not None and self.engine not in engines:
                raise InputError(f"--{name} goes with --engine {' or '.join(engines)}", name)
        if self.engine != "duckdb":
            _refuse(of_files, f"is for files that are read here, not for --engine {self.engine}")
        if self.engine == "sql":
            if not self.table:
                raise InputError("--engine sql needs --table NAME", "table")
            if bool(self.dialect) == bool(self.connection):
                raise InputError(
                    "--engine sql needs --dialect NAME to print SQL, or --connection URL to run it", "dialect"
                )
            if self.dialect:
                _refuse(of_answers, "needs the sums, and --dialect only prints the SQL that makes them")


def usage_elsewhere(
    where: Where,
    files: Sequence[str],
    columns: Mapping[str, str],
    task_by: str | None,
    reader: str | None,
    prices: PriceTable,
    as_of: dt.date,
    billing_zone: str | None,
) -> Usage:
    """What calls on a Spark cluster, or in a warehouse that can be reached, say. ``reader`` is Spark's own format."""
    from breakeven.usage.of_frame import usage_of

    def asked(frame: Any, name: str) -> Usage:
        return usage_of(
            frame,
            as_of=as_of,
            columns=columns,
            table=prices,
            zone=where.zone,
            task_by=task_by,
            billing_zone=billing_zone,
            name=name,
        )

    if where.engine == "spark":
        from breakeven.usage.spark import spark_frame, spark_session

        with spark_session(where.master) as session:
            frame = spark_frame(session, files, where.table, reader)
            return asked(frame, where.table or ", ".join(PurePath(file).name for file in files))
    from breakeven.usage.warehouse import connected_table

    _no_files(files)
    table = where.table or ""
    with connected_table(where.connection or "", table) as frame:
        return asked(frame, table)


def print_sql(
    where: Where,
    files: Sequence[str],
    columns: Mapping[str, str],
    task_by: str | None,
    prices: PriceTable,
    as_of: dt.date,
    output: Path | None,
    billing_zone: str | None = None,
) -> None:
    """Print the SQL of the sums, or write it to a file."""
    _no_files(files)
    from breakeven.usage.warehouse import warehouse_statement

    first = where.since or FIRST_DAY
    table, dialect = where.table or "", where.dialect or ""
    last = as_of + ONE_YEAR
    sql = warehouse_statement(
        table,
        columns,
        dialect,
        prices,
        first=first,
        last=last,
        zone=where.zone,
        task_by=task_by,
        billing_zone=billing_zone or UTC,
    )
    text = (
        f"-- {dialect}: all sums of {table}, cut at months and known price changes from {first} to {last}.\n"
        f"-- Save the whole result as CSV, JSON lines or Parquet; then: {IMPORT}\n{sql};\n"
    )
    if output is None:
        sys.stdout.write(text)
    else:
        with whole_file(output, "--output") as part:
            part.write_text(text, encoding="utf-8")


def _refuse(flags: Mapping[str, object], why: str) -> None:
    """Raise InputError for the first flag that is given."""
    for name, value in flags.items():
        if value is not None:
            raise InputError(f"--{name} {why}", name)


def _no_files(files: Sequence[str]) -> None:
    if files:
        raise InputError("--engine sql reads a table of the warehouse; give --table NAME and no files", "table")
