"""``breakeven logs --engine spark`` and ``--engine sql``: calls that stay where they are."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from breakeven.catalogue.table import PriceTable
from breakeven.errors import InputError
from breakeven.surfaces.cli.output import write_whole
from breakeven.usage import Usage

Engine = Literal["duckdb", "spark", "sql"]

FIRST_DAY = dt.date(2023, 1, 1)
"""Where printed SQL begins to tell months and prices apart."""


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

    def check(self) -> None:
        """Raise InputError for a flag that the engine has no use for."""
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
        if self.engine == "sql":
            if not self.table:
                raise InputError("--engine sql needs --table NAME", "table")
            if bool(self.dialect) == bool(self.connection):
                raise InputError(
                    "--engine sql needs --dialect NAME to print SQL, or --connection URL to run it", "dialect"
                )


def usage_elsewhere(
    where: Where,
    files: Sequence[str],
    columns: Mapping[str, str],
    task_by: str | None,
    reader: str | None,
    prices: PriceTable,
    as_of: dt.date,
) -> Usage:
    """What calls on a Spark cluster, or in a warehouse that can be reached, say. ``reader`` is Spark's own format."""
    where.check()
    from breakeven.usage.of_frame import usage_of

    if where.engine == "spark":
        from breakeven.usage.spark import spark_frame, spark_session

        with spark_session(where.master) as session:
            frame = spark_frame(session, files, where.table, reader)
            name = where.table or ", ".join(PurePath(file).name for file in files)
            return usage_of(
                frame, as_of=as_of, columns=columns, table=prices, zone=where.zone, task_by=task_by, name=name
            )
    from breakeven.usage.warehouse import connected_table

    _no_files(files)
    table = where.table or ""
    frame = connected_table(where.connection or "", table)
    return usage_of(frame, as_of=as_of, columns=columns, table=prices, zone=where.zone, task_by=task_by, name=table)


def print_sql(
    where: Where,
    files: Sequence[str],
    columns: Mapping[str, str],
    task_by: str | None,
    prices: PriceTable,
    as_of: dt.date,
    output: Path | None,
) -> None:
    """Print the SQL of the sums, or write it to a file."""
    where.check()
    _no_files(files)
    from breakeven.usage.warehouse import warehouse_queries

    if task_by:
        columns = {**columns, "task": task_by}
    first = where.since or FIRST_DAY
    table, dialect = where.table or "", where.dialect or ""
    queries = warehouse_queries(table, columns, dialect, prices, first=first, last=as_of, zone=where.zone)
    text = f"-- {dialect}: sums of {table}, cut at months and price changes from {first} to {as_of}.\n" + "".join(
        f"\n-- {words}\n{sql};\n" for words, sql in queries.named()
    )
    if output is None:
        sys.stdout.write(text)
    else:
        write_whole(output, text)


def _no_files(files: Sequence[str]) -> None:
    if files:
        raise InputError("--engine sql reads a table of the warehouse; give --table NAME and no files", "table")
