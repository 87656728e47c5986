"""Cells out of DuckDB, column by column: many times faster than row by row, and in little memory."""

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import numpy as np

from breakeven.errors import LogError
from breakeven.usage.cells import CODED, NO_CODES, UNKNOWN_TIME, Array, Cell, Cells, Codes
from breakeven.usage.sizes import Histograms

TABLE = "found_cells"

FIRST_ROWS = 100_000

SMALL = {"day_part": "TINYINT", "tier": "SMALLINT", "batch": "BOOLEAN", "ok": "BOOLEAN"}
"""Columns of less than 64 bits; a number that does not fit is a fault."""


def with_codes(engine: duckdb.DuckDBPyConnection, log: str) -> tuple[duckdb.DuckDBPyRelation, Codes]:
    """
    A log with hashes beside its tasks and models, and what they mean: rows are grouped faster by numbers.

    It pays where the engine reads names from a dictionary, as in Parquet, and so works out few hashes.

    Parameters
    ----------
    log : str
        Table or view.
    """
    codes: dict[str, dict[int, str | None]] = {}
    for name in ("task", "model"):
        found = engine.execute(f"SELECT {name}, hash({name}) FROM (SELECT {name} FROM {log} GROUP BY 1)").fetchall()
        meanings = {code: value for value, code in found}
        if len(meanings) == len(found):
            codes[name] = meanings
    hashes = "".join(f", hash({name}) AS {name}_code" for name in codes)
    return engine.sql(f"SELECT *{hashes} FROM {log}"), codes


def likely_models(
    engine: duckdb.DuckDBPyConnection, log: str, absent: Collection[str] = ()
) -> list[tuple[str | None, ...]]:
    """What the first rows of a log name, for ``cube.build``: the model, and the provider unless that is absent."""
    names = ", ".join(name for name in ("model", "provider") if name not in absent)
    first = f"SELECT {names} FROM {log} WHERE NOT faulty LIMIT {FIRST_ROWS}"
    return engine.execute(f"SELECT DISTINCT {names} FROM ({first})").fetchall()


def cells_of_query(
    engine: duckdb.DuckDBPyConnection,
    query: nw.LazyFrame[Any],
    cuts: Sequence[int],
    absent: Collection[str] = (),
    codes: Codes = NO_CODES,
) -> Cells:
    """
    The cells that a query of ``cube.cells`` over this engine finds.

    Parameters
    ----------
    cuts : sequence of int
        The cuts that the query was made with. [us]
    absent : collection of str
        What it was made without; it is then 0 or null throughout, and ``calls`` as ``rows``.
    codes : mapping, optional
        What it was made with numbers for, as ``with_codes`` gives it.
    """
    relation: duckdb.DuckDBPyRelation = query.to_native()
    names = [name for name in relation.columns if name not in absent]
    once = all(name in codes for name in CODED if name in names)
    found = relation.select(*names)
    found.create_view(TABLE) if once else found.create(TABLE)
    try:
        return load_cells(engine, TABLE, names, since_us=[None, *cuts], codes=codes)
    finally:
        engine.execute(f"DROP {'VIEW' if once else 'TABLE'} {TABLE}")


def sizes_of_query(engine: duckdb.DuckDBPyConnection, query: nw.LazyFrame[Any], side: int) -> Histograms:
    """The histograms, of one side, that a query of ``cube.histograms`` over this engine finds."""
    relation: duckdb.DuckDBPyRelation = query.to_native()
    relation.create(TABLE)
    try:
        return load_sizes(engine, f"(SELECT *, {side} AS side FROM {TABLE})")
    finally:
        engine.execute(f"DROP TABLE {TABLE}")


def load_sizes(engine: duckdb.DuckDBPyConnection, source: str) -> Histograms:
    """Histograms from a table or query with the columns ``sizes.COLUMNS``. Raises as ``load_cells``."""
    kinds = {"side": "TINYINT", "bucket": "SMALLINT", "calls": "BIGINT"}
    numbers = [f"CAST(cell.{name} AS {kind}) AS {name}" for name, kind in kinds.items()]
    return Histograms(*_fetched(engine, source, ("task", "model"), numbers, NO_CODES))


def load_cells(
    engine: duckdb.DuckDBPyConnection,
    source: str,
    names: Collection[str] = Cell._fields,
    *,
    since_us: Sequence[int | None] | None = None,
    codes: Codes = NO_CODES,
) -> Cells:
    """
    Cells from a table or a query in parentheses with the fields of ``Cell`` as columns.

    Parameters
    ----------
    names : collection of str
        The columns it has; others are 0 or null throughout, and ``calls`` as ``rows``.
    since_us : sequence, optional
        What the numbers in a column ``epoch`` mean, which then takes the place of ``since_us``; -1 is the first. [us]
    codes : mapping, optional
        What the numbers in other columns mean.

    Raises
    ------
    LogError
        A sum is above 2^63 - 1.
    """
    numbers = [
        f"CAST(cell.{name} AS {SMALL[name]}) AS {name}"
        if name in SMALL
        else f"coalesce(CAST(cell.{name} AS BIGINT), {UNKNOWN_TIME}) AS {name}"
        for name in Cell._fields
        if name in names and name not in CODED
    ]
    coded = [name for name in CODED if name in names]
    if since_us is not None:
        coded = [name for name in coded if name != "since_us"]
        numbers.append("CAST(greatest(cell.epoch, 0) AS INTEGER) AS since_us")
    columns, values = _fetched(engine, source, coded, numbers, codes)
    if since_us is not None:
        values["since_us"] = since_us
    nothing = np.broadcast_to(np.int64(0), len(columns["rows"]))
    others = dict.fromkeys(Cell._fields, nothing) | ({} if "calls" in names else {"calls": columns["rows"]})
    return Cells.of(others | columns, {name: [None] for name in CODED} | values)


def _fetched(
    engine: duckdb.DuckDBPyConnection, source: str, coded: Sequence[str], numbers: Sequence[str], codes: Codes
) -> tuple[dict[str, Array], dict[str, Sequence[Any]]]:
    """
    Columns of a table or query, ``coded`` ones as numbers of their values, and those values.

    The source is asked but once where ``codes`` has them all.
    """
    values: dict[str, Sequence[Any]] = {}
    selected, joins = list(numbers), []
    for name in coded:
        if name in codes:
            values[name] = list(codes[name])
        else:
            values[name] = [value for (value,) in engine.execute(f"SELECT DISTINCT {name} FROM {source}").fetchall()]
        if len(values[name]) < 2:
            values[name] = values[name] or [None]
            continue
        kind = "BIGINT" if name == "since_us" else "UBIGINT" if name in codes else "VARCHAR"
        engine.execute(f"CREATE OR REPLACE TEMP TABLE names_{name} (value {kind}, code INTEGER)")
        engine.execute(
            f"INSERT INTO names_{name} SELECT unnest($1::{kind}[]), generate_subscripts($1, 1) - 1", [values[name]]
        )
        selected.append(f"names_{name}.code AS {name}")
        joins.append(f"JOIN names_{name} ON cell.{name} IS NOT DISTINCT FROM names_{name}.value")
    try:
        found = engine.execute(f"SELECT {', '.join(selected)} FROM {source} AS cell {' '.join(joins)}").fetchnumpy()
    except duckdb.ConversionException:
        raise LogError("A sum is above 2^63 - 1, which no real log reaches; check the units of its columns") from None
    columns = {name: np.asarray(column) for name, column in found.items()}
    rows = len(next(iter(columns.values())))
    columns = {name: np.broadcast_to(np.int32(0), rows) for name in coded} | columns
    for name in codes:
        met = np.bincount(columns[name], minlength=len(values[name])) > 0
        columns[name] = (np.cumsum(met, dtype=np.int32) - 1)[columns[name]]
        used = (code for code, is_met in zip(values[name], met, strict=True) if is_met)
        values[name] = [codes[name].get(code) for code in used] or [None]
    return columns, values
