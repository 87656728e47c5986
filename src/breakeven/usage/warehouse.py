"""
A table in a warehouse: SQL text of the cube's sums in its dialect, or the queries run on a connection.

The text comes from the same expressions as on every other engine, through an Ibis table that belongs to no
connection. Ibis is the extra ``warehouse``; it is imported where it is needed and does nothing else here.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import narwhals.stable.v2 as nw

from breakeven.catalogue.table import PriceTable
from breakeven.errors import BreakevenError, LogError, nearest
from breakeven.usage.cuts import UTC, check_zone, cut_instants, midnight_us, time_us
from breakeven.usage.frames import NAMES, canonical_frame
from breakeven.usage.instants import DIALECTS
from breakeven.usage.sums import How, all_sums
from breakeven.usage.timing import DAY_US

TYPES = {
    "string": "string",
    "int64": "int32",
    "float64": "float32",
    "decimal": "decimal(38, 9)",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "timestamptz": "timestamp('UTC')",
    "date": "date",
}
"""
Type a user may give a column -> what Ibis is told. A narrower number than it may be makes Ibis write the cast to 64
bits that it leaves out where it takes it for done; and a table's column may well be narrower than its user thinks.
"""

USUAL = {"timestamp": "timestamptz", "cost_usd": "float64", "batch": "boolean", "ok": "boolean"} | dict.fromkeys(
    ("task", "model", "provider", "service_tier", "status"), "string"
)
"""Type that a named column has where the user does not say; all others are int64."""


def needs_ibis() -> Any:
    """The module ibis. Raises BreakevenError, saying what to install, where it is missing."""
    try:
        return import_module("ibis")
    except ModuleNotFoundError:
        raise BreakevenError("needs the warehouse extra; install it with: pip install 'breakeven[warehouse]'") from None


def unbound_table(name: str, columns: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
    """
    An Ibis table of no connection, and its columns without their types.

    Parameters
    ----------
    name : str
        Of the table; its parts, e.g. project, dataset and table, are joined by dots.
    columns : mapping
        Name of ``frames.NAMES`` -> ``column`` or ``column:type``, a type of ``TYPES``.
    """
    ibis = needs_ibis()
    if not columns:
        raise LogError(
            "Without a connection the table's columns are not known: name them, e.g. --column model=model_name"
            " --column timestamp=created_at --column input_tokens=tokens_in --column output_tokens=tokens_out"
        )
    schema, own = {}, {}
    for key, given in columns.items():
        column, colon, kind = given.rpartition(":")
        if not colon or not re.fullmatch(r"[a-z0-9]+", kind):
            column, kind = given, USUAL.get(key, "int64")
        if kind not in TYPES:
            raise LogError(f"Column {column!r} has no type {kind!r}.{nearest(kind, TYPES)} Known: {', '.join(TYPES)}")
        if key == "prompt":
            raise LogError(
                "--column prompt: a printed statement adds counts up and looks at no prompts; leave it out, or read the"
                " table with --connection URL"
            )
        if key not in NAMES:
            raise LogError(f"No column {key!r} to name.{nearest(key, NAMES)} Known: {', '.join(NAMES)}")
        schema[column], own[key] = TYPES[kind], column
    *folders, last = name.split(".")
    catalog, database = [None, None, *folders][-2:]
    if len(folders) > 2:
        raise LogError(f"--table is {name!r}; it must be TABLE, SCHEMA.TABLE or CATALOG.SCHEMA.TABLE")
    return ibis.table(schema, name=last, catalog=catalog, database=database), own


def find_dialect(name: str) -> None:
    """Raise LogError, naming the nearest ones, for a dialect that cannot be written."""
    if name not in DIALECTS:
        raise LogError(f"No SQL dialect {name!r}.{nearest(name, DIALECTS)} Known: {', '.join(DIALECTS)}")


def sql_of(query: nw.LazyFrame[Any], dialect: str) -> str:
    """The SQL text of a query of an Ibis table. Raises LogError where the dialect cannot say it."""
    ibis = needs_ibis()
    try:
        text: str = ibis.to_sql(query.to_native(), dialect=dialect)
    except ibis.common.exceptions.IbisError as error:
        raise LogError(f"This cannot be written in the dialect {dialect}: {' '.join(str(error).split())}") from None
    return text


def warehouse_statement(
    table: str,
    columns: Mapping[str, str],
    dialect: str,
    prices: PriceTable,
    *,
    first: dt.date,
    last: dt.date,
    zone: str | None = None,
    task_by: str | None = None,
    billing_zone: str = UTC,
) -> str:
    """
    The SQL text of one statement whose result, as a file, is a cube of a warehouse table: see ``sums_file.py``.

    Parameters
    ----------
    table, columns
        As for ``unbound_table``.
    dialect : str
        One of ``DIALECTS``.
    prices : PriceTable
        Where prices change, the text cuts.
    first, last : date
        Days that bound the calls: between them months and price changes are cut.
    zone : str, optional
        As for ``canonical_frame``.
    task_by : str, optional
        Column that names the task.
    billing_zone : str
        IANA name of the zone whose months are told apart.
    """
    find_dialect(dialect)
    check_zone(billing_zone)
    ibis_table, own = unbound_table(table, {**columns, "task": task_by} if task_by else columns)
    log = canonical_frame(ibis_table, own, zone=zone, task_by=own["task"] if task_by else None, dialect=dialect)
    end = midnight_us(last)
    how = How(
        table=re.sub(r'["\\]', "", table),
        cuts_us=cut_instants(midnight_us(first), end, prices.since_days, billing_zone),
        day_edges_us=tuple(map(time_us, prices.day_edges)),
        thresholds=tuple(prices.thresholds),
        until_us=cut_instants(end, end + 32 * DAY_US, (), billing_zone)[1],
        found_by="field" if task_by else "log",
        billing_zone=billing_zone,
    )
    return sql_of(all_sums(log, how), dialect)


@contextmanager
def connected_table(url: str, name: str) -> Iterator[Any]:
    """
    A table of a warehouse, by an Ibis URL such as ``bigquery://project/dataset``; the connection is closed at the end.

    Raises LogError, without the URL, which may hold a password.
    """
    ibis = needs_ibis()
    kind = url.partition(":")[0]
    try:
        connection = ibis.connect(url)
    except ImportError:
        raise LogError(
            f"--connection {kind}: a package it needs is not installed: pip install 'ibis-framework[{kind}]'"
        ) from None
    except Exception as error:
        raise LogError(f"--connection {kind}: cannot be opened ({type(error).__name__})") from None
    try:
        if connection.name not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise LogError(f"--connection {kind}: sums are not known to be exact there, only on {known}")
        yield _table_of(connection, name)
    finally:
        connection.disconnect()


def _table_of(connection: Any, name: str) -> Any:
    """A table of a connection. Raises LogError, naming the nearest ones, where there is none."""
    *folders, last = name.split(".")
    place = {"database": tuple(folders)} if folders else {}
    try:
        return connection.table(last, **place)
    except Exception as error:
        fault = type(error).__name__
    try:
        close = nearest(last, connection.list_tables(**place))
    except Exception:  # whatever a connection may raise: then there is nothing to suggest
        close = ""
    raise LogError(f"--table {name}: cannot be read on this connection ({fault}).{close}")
