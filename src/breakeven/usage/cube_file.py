"""
A cube as a Parquet file: small, without text of prompts, and read everywhere a log is.

One table holds it all; its column ``part`` says what a row is:

``cell``           the columns of ``cells.Cell``
``input size``     ``calls`` of a ``task`` and ``model`` whose input is in histogram ``bucket``
``output size``    the same of the output
``week hour``      ``calls`` of a ``task`` by hour of the week, 0 to 167 in ``bucket``, from Monday 00:00 UTC
``day``            ``calls`` of a ``task`` on the UTC day that begins at ``since_us``
``prompts``        what the prompts of a ``task`` say: the columns of ``prompt_facts.PromptFacts``; in ``alike`` hashes
                   and counts of what most of them have alike, as JSON
``task``           how the name of a ``task`` was found, and the names merged into it as a JSON list; not of names that
                   the log gave

What holds for the whole cube is JSON in the file's key-value metadata, under ``breakeven_cube``: the lists it is cut
by, its sources with rows and hashes, counts of rejected rows, and the sums that its cells must have.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import numpy as np

from breakeven import __version__
from breakeven.errors import BreakevenError, LogError
from breakeven.files import whole_file
from breakeven.usage.alike import alike_of
from breakeven.usage.calls import EARLIEST_US, LATEST_US
from breakeven.usage.cells import CODED, SUMS, UNKNOWN_TIME, Array, Cells
from breakeven.usage.columns import load_cells, load_sizes
from breakeven.usage.cube import Cube, FoundTask
from breakeven.usage.cuts import UTC
from breakeven.usage.fields import literal
from breakeven.usage.inputs import LogFile
from breakeven.usage.parquet import local, pattern_of
from breakeven.usage.prompt_facts import PromptFacts
from breakeven.usage.sizes import INPUT, OUTPUT, Histograms
from breakeven.usage.sources import Source, SourceRows
from breakeven.usage.timing import DAY_US, WEEK_HOURS, TaskTimes

KEY = "breakeven_cube"
SCHEMA = "breakeven/cube/1"

PROMPTS = tuple(field.name for field in dataclasses.fields(PromptFacts) if field.name not in ("task", "alike"))

TYPES = {
    "task": "VARCHAR",
    "model": "VARCHAR",
    "provider": "VARCHAR",
    "since_us": "BIGINT",
    "day_part": "TINYINT",
    "tier": "SMALLINT",
    "batch": "BOOLEAN",
    "service_tier": "VARCHAR",
    "ok": "BOOLEAN",
    **dict.fromkeys(SUMS, "BIGINT"),
    "first_us": "BIGINT",
    "last_us": "BIGINT",
    "bucket": "SMALLINT",
    **{name: "BIGINT" for name in PROMPTS if name != "calls"},
    "found_by": "VARCHAR",
    "members": "VARCHAR",
    "alike": "VARCHAR",
}
"""Column of the file, after ``part`` -> DuckDB type. Sums are BIGINT: a HUGEINT would be written as DOUBLE."""

CELL, INPUT_SIZE, OUTPUT_SIZE = "cell", "input size", "output size"
FOUND = ("task", "found_by", "members")
WEEK_HOUR, DAY, PROMPT, TASK = "week hour", "day", "prompts", "task"

UNKNOWN = -1
"""Stands for null in the columns ``NULLABLE`` until they are written."""

NULLABLE = {"since_us", "first_us", "last_us", *PROMPTS} - {"calls"}

Columns = dict[str, Array]


def write_cube(engine: duckdb.DuckDBPyConnection, cube: Cube, file: Path) -> None:
    """
    Write a cube to a file, whole or not at all.

    Raises
    ------
    BreakevenError
        The file cannot be written.
    """
    tables: dict[str, Columns] = {
        CELL: _cell_columns(cube.cells),
        INPUT_SIZE: _size_columns(cube.histograms, INPUT),
        OUTPUT_SIZE: _size_columns(cube.histograms, OUTPUT),
        WEEK_HOUR: _columns_of(
            ("task", "bucket", "calls"),
            [(each.task, hour, calls) for each in cube.times for hour, calls in enumerate(each.week_hours) if calls],
        ),
        DAY: _columns_of(
            ("task", "since_us", "calls"),
            [(each.task, day * DAY_US, calls) for each in cube.times for day, calls in each.days],
        ),
        PROMPT: _columns_of(
            ("task", *PROMPTS, "alike"),
            [
                (each.task, *(getattr(each, name) for name in PROMPTS), each.alike.text() if each.alike else None)
                for each in cube.prompts
            ],
        ),
        TASK: _columns_of(FOUND, [(each.task, each.found_by, json.dumps(each.members)) for each in cube.found]),
    }
    with _registered(engine, tables) as names:
        nothing = ", ".join(_column(name, kind, {}) for name, kind in TYPES.items())
        queries = [f"SELECT {literal(CELL)} AS part, {nothing} WHERE false"]
        for what, name in names.items():
            columns = ", ".join(_column(column, kind, tables[what]) for column, kind in TYPES.items())
            queries.append(f"SELECT {literal(what)} AS part, {columns} FROM {name}")
        query = " UNION ALL ".join(queries)
        with whole_file(file, "--output") as part:
            try:
                engine.execute(
                    f"COPY ({query}) TO {literal(str(part.absolute()))} (FORMAT parquet, COMPRESSION zstd,"
                    f" KV_METADATA {{{KEY}: {literal(json.dumps(_metadata(cube)))}}})"
                )
            except duckdb.IOException as error:
                raise BreakevenError(f"--output {file}: cannot be written ({type(error).__name__})") from None


def is_cube(engine: duckdb.DuckDBPyConnection, file: LogFile) -> bool:
    """Whether a Parquet file holds a cube."""
    return _raw_metadata(engine, local(engine, file)) is not None


def read_cube(engine: duckdb.DuckDBPyConnection, file: LogFile) -> Cube:
    """
    The cube in a file.

    Raises
    ------
    LogError
        The file is no cube, was made by a later version, or what it holds does not fit together.
    """
    place = local(engine, file)
    raw = _raw_metadata(engine, place)
    if raw is None:
        raise LogError(f"{file}: is no cube; make one with: breakeven cube build LOGS -o usage.cube.parquet")
    fault = f"{file}: is damaged, build it again from its logs:"
    try:
        told = json.loads(raw)
        if told["schema"] != SCHEMA:
            raise LogError(f"{file}: is of schema {str(told['schema'])[:40]!r}, this version reads {SCHEMA!r}")
        cube = _cube(engine, place, told)
    except (ValueError, KeyError, TypeError, IndexError, duckdb.Error) as error:
        raise LogError(f"{fault} what it holds is not as its schema says ({type(error).__name__})") from None
    wrong = _fault(cube, told)
    if wrong:
        raise LogError(f"{fault} {wrong}")
    return cube


def _metadata(cube: Cube) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "made_by": f"breakeven {__version__}",
        "billing_zone": cube.billing_zone,
        "cuts_us": cube.cuts_us,
        "day_edges_us": cube.day_edges_us,
        "thresholds": cube.thresholds,
        "sources": _sources(cube),
        "rows_in": cube.rows_in,
        "reject_counts": dict(cube.reject_counts),
        "zero_cost_calls": cube.zero_calls,
        "cells": len(cube.cells),
        "rows": cube.cells.total("rows"),
        "calls": cube.cells.total("calls"),
    }


def _sources(cube: Cube) -> list[dict[str, Any]]:
    """The sources, each with what is known of its rows."""
    kept = cube.source_rows or (None,) * len(cube.sources)
    return [
        dataclasses.asdict(source) | ({} if rows is None else {"good": rows.good, "rejected": dict(rows.rejected)})
        for source, rows in zip(cube.sources, kept, strict=True)
    ]


def _source_rows(told: Mapping[str, Any]) -> SourceRows | None:
    """What is known of the rows of a source."""
    if "good" not in told:
        return None
    good = tuple(
        ((_text(model), _text(provider), _text(tier)), int(rows)) for (model, provider, tier), rows in told["good"]
    )
    return SourceRows(good, tuple((str(reason), int(rows)) for reason, rows in told["rejected"].items()))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _cube(engine: duckdb.DuckDBPyConnection, file: Path, told: Mapping[str, Any]) -> Cube:
    rows_of = f"read_parquet({pattern_of(file)})"
    cells = load_cells(engine, f"(SELECT * FROM {rows_of} WHERE part = {literal(CELL)})")
    sides = f"SELECT task, model, bucket, calls, CAST(part = {literal(OUTPUT_SIZE)} AS TINYINT) AS side FROM {rows_of}"
    sizes = load_sizes(engine, f"({sides} WHERE part IN ({literal(INPUT_SIZE)}, {literal(OUTPUT_SIZE)}))")
    known = {field.name for field in dataclasses.fields(Source)}
    kept = tuple(map(_source_rows, told["sources"]))

    def rows(part: str, *names: str) -> list[tuple[Any, ...]]:
        asked = f"SELECT {', '.join(names)} FROM {rows_of} WHERE part = ? ORDER BY {', '.join(names[:2])}"
        return engine.execute(asked, [part]).fetchall()

    def lists(part: str, key: str) -> list[tuple[str, list[int], list[int]]]:
        asked = f"list({key} ORDER BY {key}), list(calls ORDER BY {key}) FROM {rows_of}"
        return engine.execute(f"SELECT task, {asked} WHERE part = ? GROUP BY task ORDER BY task", [part]).fetchall()

    # Files of earlier versions have no such column.
    columns = {str(name) for name, *_ in engine.execute(f"DESCRIBE SELECT * FROM {rows_of}").fetchall()}
    alike = "alike" if "alike" in columns else "NULL"
    return Cube(
        cells=cells,
        cuts_us=tuple(map(int, told["cuts_us"])),
        day_edges_us=tuple(map(int, told["day_edges_us"])),
        thresholds=tuple(map(int, told["thresholds"])),
        histograms=sizes,
        sources=tuple(Source(**{name: each[name] for name in known & each.keys()}) for each in told["sources"]),
        rows_in=int(told["rows_in"]),
        reject_counts=tuple((str(reason), int(rows)) for reason, rows in told["reject_counts"].items()),
        times=_times(lists(WEEK_HOUR, "bucket"), lists(DAY, f"since_us // {DAY_US}")),
        prompts=tuple(_prompts(row) for row in rows(PROMPT, "task", *PROMPTS, alike)),
        found=tuple(FoundTask(task, way, tuple(json.loads(each))) for task, way, each in rows(TASK, *FOUND)),
        billing_zone=str(told.get("billing_zone", UTC)),
        source_rows=kept if any(kept) else (),
        zero_calls=tuple((_text(model), int(calls)) for model, calls in told.get("zero_cost_calls", ())),
    )


def _fault(cube: Cube, told: Mapping[str, Any]) -> str:
    """What in the cube of a file contradicts itself or what the file says, "" where nothing does."""
    for name in ("cells", "rows", "calls"):
        found = len(cube.cells) if name == "cells" else cube.cells.total(name)
        if found != told[name]:
            return f"it holds {found:,} {name} and says {told[name]:,}"
    rejected = sum(rows for _, rows in cube.reject_counts)
    if cube.rows_in != told["rows"] + rejected or sum(source.rows for source in cube.sources) != cube.rows_in:
        return "its rows are not those of its sources"
    for source, kept in zip(cube.sources, cube.source_rows, strict=bool(cube.source_rows)):
        if kept and source.rows != sum(rows for _, rows in (*kept.good, *kept.rejected)):
            return f"the rows of {source.name} are not those that became of them"
    return impossible(cube)


def impossible(cube: Cube) -> str:
    """What in a cube cannot be, "" where nothing is wrong. A cube may come from anyone."""
    columns = cube.cells.columns
    try:
        ZoneInfo(cube.billing_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "its billing zone is unknown"
    for edges in (cube.cuts_us, cube.day_edges_us, cube.thresholds):
        if list(edges) != sorted(set(edges)):
            return "what it is cut by is not in order"
    if not len(cube.cells):
        return ""
    epochs = set(cube.cells.values["since_us"]) - {None}
    first, last = columns["first_us"], columns["last_us"]
    timed = columns["since_us"] != (0 if None in cube.cells.values["since_us"] else -1)
    since = np.array([0 if value is None else value for value in cube.cells.values["since_us"]], np.int64)
    faults = {
        "a count is below 0": any((columns[name] < 0).any() for name in SUMS),
        "a cell has no rows": (columns["rows"] < 1).any(),
        "more reasoning than output": (columns["reasoning_tokens"] > columns["output_tokens"]).any(),
        "more calls with a cost than calls": (columns["reported_calls"] > columns["calls"]).any(),
        "an epoch that is no cut": not epochs <= set(cube.cuts_us),
        "a part of the day that is none": (columns["day_part"] < UNKNOWN_TIME).any()
        or (columns["day_part"] > len(cube.day_edges_us)).any(),
        "a size that is none": (columns["tier"] < 0).any() or (columns["tier"] > len(cube.thresholds)).any(),
        "a time outside its epoch": ((first < since[columns["since_us"]]) & timed).any()
        or ((first == UNKNOWN_TIME) == timed).any()
        or (last < first).any()
        or ((last == UNKNOWN_TIME) != (first == UNKNOWN_TIME)).any(),
        "a time outside 2000 to 2099": (timed & ((first < EARLIEST_US) | (last > LATEST_US))).any(),
    }
    return next((what for what, is_so in faults.items() if is_so), "")


def _cell_columns(cells: Cells) -> Columns:
    columns: Columns = {}
    for name, column in cells.columns.items():
        if name == "since_us":
            values = cells.values[name]
            columns[name] = np.array([UNKNOWN_TIME if value is None else value for value in values], np.int64)[column]
        elif name in CODED:
            columns[name] = _named(cells.values[name], column)
        else:
            columns[name] = column
    return columns


def _size_columns(sizes: Histograms, side: int) -> Columns:
    mine = sizes.columns["side"] == side
    columns = {name: sizes.columns[name][mine] for name in ("task", "model", "bucket", "calls")}
    names = {name: _named(sizes.values[name], columns[name]) for name in ("task", "model")}
    return columns | names if mine.any() else {}


def _columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    """Rows as columns, an unknown number as ``UNKNOWN``; none where there are no rows."""
    columns: Columns = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=bool(rows)):
        text = TYPES[name] == "VARCHAR"
        numbers = () if text else (UNKNOWN if value is None else int(value) for value in values)
        columns[name] = np.array(values, object) if text else np.array(list(numbers), np.int64)
    return columns


def _times(
    week_hours: Sequence[tuple[str, list[int], list[int]]], days: Sequence[tuple[str, list[int], list[int]]]
) -> tuple[TaskTimes, ...]:
    """The times of each task, from its hours of the week and its days since 1970 and the calls in each of them."""
    by_day = {task: tuple(zip(numbers, calls, strict=True)) for task, numbers, calls in days}
    if not by_day.keys() <= {task for task, _, _ in week_hours}:
        raise ValueError("days of a task without hours")
    found = []
    for task, hours, calls in week_hours:
        week = [0] * WEEK_HOURS
        for hour, count in zip(hours, calls, strict=True):
            week[hour] = count
        found.append(TaskTimes(task, tuple(week), by_day.get(task, ())))
    return tuple(found)


def _prompts(row: Sequence[Any]) -> PromptFacts:
    task, *numbers, alike = row
    known = dict(zip(PROMPTS, numbers, strict=True))
    facts = PromptFacts(task=task, **known, alike=alike_of(alike) if alike else None)
    return dataclasses.replace(facts, first_is_system=bool(facts.first_is_system))


def _named(values: Sequence[Any], codes: Array) -> Array:
    """Names in place of their numbers."""
    return np.array(values, object)[codes] if len(codes) else np.array([], object)


def _column(name: str, kind: str, columns: Columns) -> str:
    """SQL of a column of the file; null where a part has nothing to fill it with."""
    sql = name if len(columns.get(name, ())) else "NULL"
    if name in NULLABLE and sql == name:
        sql = f"nullif({name}, {UNKNOWN})"
    return f"CAST({sql} AS {kind}) AS {name}"


@contextmanager
def _registered(engine: duckdb.DuckDBPyConnection, tables: Mapping[str, Columns]) -> Iterator[dict[str, str]]:
    """Those tables that have rows, and the names they go by in the engine."""
    names = {
        what: f"part_{number}"
        for number, (what, columns) in enumerate(tables.items())
        if any(map(len, columns.values()))
    }
    for what, name in names.items():
        engine.register(name, {column: np.ascontiguousarray(values) for column, values in tables[what].items()})
    try:
        yield names
    finally:
        for name in names.values():
            engine.unregister(name)


def _raw_metadata(engine: duckdb.DuckDBPyConnection, file: Path) -> str | None:
    """The JSON text a cube has in its metadata, None where a file has none."""
    try:
        found = engine.execute(
            f"SELECT value FROM parquet_kv_metadata({pattern_of(file)}) WHERE key = ?", [KEY.encode()]
        ).fetchall()
        return bytes(found[0][0]).decode() if found else None
    except (duckdb.Error, ValueError):
        return None
