"""
A column map: which field of a log means what, for formats that no reader knows.

A YAML file with one line per canonical name, those of ``readers.table.NAMES``::

    model: request.model_name                 # a column, or a dotted path into a JSON object
    input_tokens: [usage.input, usage.in]     # the first that is not null
    output_tokens: '"gen.usage.out"'          # a key that has dots itself stands in double quotes
    cache_read_tokens: usage.cached
    input_includes_cached: true               # needed where cached tokens are mapped
    output_includes_reasoning: true           # the default
    timestamp: {column: ts, unit: ms}         # s, ms, us or ns; without a unit by size, text as it is
    cost_usd: {column: price, unit: cent}     # usd, cent, micro_usd or nano_usd
    provider: {constant: openai}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from breakeven.errors import InputError, LogError, nearest
from breakeven.usage.calls import EARLIEST_US, LATEST_US
from breakeven.usage.fields import literal, path_parts
from breakeven.usage.inputs import LogFile
from breakeven.usage.lines import csv_names
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.readers import table
from breakeven.usage.readers.reader import Reader, json_rows, of_chat

if TYPE_CHECKING:
    import duckdb

TIME_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
"""Unit of a time that is a number -> microseconds."""

COST_UNITS = {"usd": 1.0, "cent": 1e-2, "micro_usd": 1e-6, "nano_usd": 1e-9}
"""Unit of a cost -> US dollars."""

UNITS: Mapping[str, Mapping[str, float]] = {"timestamp": TIME_UNITS, "cost_usd": COST_UNITS}
SWITCHES = ("input_includes_cached", "output_includes_reasoning")
NAMES = (*table.NAMES, *SWITCHES)
CACHES = ("cache_read_tokens", "cache_write_short_tokens", "cache_write_long_tokens")
FORMS = "a column, a list of columns, {column: NAME, unit: UNIT} or {constant: VALUE}"


@dataclass(frozen=True)
class ColumnMap:
    """
    A checked map.

    name : of its file, without folders.
    columns : canonical name of a reader -> SQL over the raw row.
    fields : canonical name -> the columns or paths it is read from, the first that is not null counts.
    """

    name: str
    columns: Mapping[str, str]
    fields: Mapping[str, tuple[str, ...]]

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns by which a file is known to be meant: those of the input and output tokens."""
        names = ("input_tokens", "input_uncached_tokens", "output_tokens")
        return tuple(" or ".join(self.fields[name]) for name in names if name in self.fields)

    def reader(self) -> Reader:
        """The map as a reader."""
        return Reader(self.name, "a column map", lambda head, name: False, lambda names: self.columns)

    def claims(self, engine: "duckdb.DuckDBPyConnection", file: LogFile, head: bytes) -> bool:
        """Whether a file has the columns of its input and output tokens; of JSON lines one of the first is enough."""
        rows = json_rows(head)
        wanted = [self.fields[name] for name in self.fields if name.endswith("put_tokens") or "uncached" in name]
        if rows and not head.startswith(PARQUET):
            return any(
                all(any(value_at(row, path.partition(">")[0]) is not None for path in paths) for paths in wanted)
                for row in rows
            )
        names = list(parquet_rows(engine, file)[1]) if head.startswith(PARQUET) else csv_names(head)
        known = {name.lower() for name in names}
        return all(any(_column(path, known) for path in paths) for paths in wanted)


def read_map(file: Path) -> ColumnMap:
    """
    Read and check a map.

    Raises
    ------
    InputError
        All faults of the file in one line, each with the number of its line.
    """
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"--map {file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--map {file}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        pairs = root.value if isinstance(root, yaml.MappingNode) else []
        found = [
            (
                str(loader.construct_object(key, deep=True)),
                loader.construct_object(value, deep=True),
                key.start_mark.line,
            )
            for key, value in pairs
        ]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file.name} line {mark.line + 1}" if mark else file.name
        raise InputError(f"{where}: not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise InputError(f"{file.name}: not YAML") from None
    if not found:
        raise InputError(f"{file.name}: expected one 'name: column' per line, e.g. input_tokens: usage.input")
    return _checked(file.name, found)


def _checked(file: str, found: list[tuple[str, Any, int]]) -> ColumnMap:
    faults: list[str] = []
    lines: dict[str, int] = {}
    switches = {"input_includes_cached": True, "output_includes_reasoning": True}
    given: dict[str, _Entry] = {}
    for name, value, line in found:
        where = f"{file} line {line + 1}"
        if name not in NAMES:
            faults.append(f"{where}: no name {name!r}.{nearest(name, NAMES)} Known: {', '.join(NAMES)}")
        elif name in lines:
            faults.append(f"{where}: {name} is given twice, first on line {lines[name]}")
        elif name in SWITCHES:
            if not isinstance(value, bool):
                faults.append(f"{where}: {name} must be true or false")
            switches[name] = value is True
        else:
            entry = _entry(name, value)
            if isinstance(entry, str):
                faults.append(f"{where}: {name} {entry}")
            else:
                given[name] = entry
        lines.setdefault(name, line + 1)
    faults += [f"{file}: {fault}" for fault in _missing(lines, lines.keys() & set(SWITCHES))]
    if faults:
        raise InputError("; ".join(faults), "map")
    return ColumnMap(file, _columns(given, switches), {name: entry.paths for name, entry in given.items()})


def _missing(names: Mapping[str, int], switches: set[str]) -> list[str]:
    """What a map must say and does not."""
    faults = []
    if "input_tokens" not in names and "input_uncached_tokens" not in names:
        faults.append("input_tokens is missing, or input_uncached_tokens where cached tokens are beside it")
    if "input_tokens" in names and "input_uncached_tokens" in names:
        faults.append("input_tokens and input_uncached_tokens exclude each other")
    if "output_tokens" not in names:
        faults.append("output_tokens is missing")
    cached = [name for name in CACHES if name in names]
    if cached and "input_tokens" in names and "input_includes_cached" not in switches:
        faults.append(f"{cached[0]} is mapped; say input_includes_cached: true, or false where they are beside input")
    return faults


@dataclass(frozen=True)
class _Entry:
    """One line: the paths it reads, or a constant as SQL; and how many of its units make the canonical one."""

    paths: tuple[str, ...]
    constant: str = ""
    unit: str = ""

    @property
    def sql(self) -> str:
        return self.constant or "{" + "|".join(self.paths) + "}"


def _entry(name: str, value: Any) -> "_Entry | str":
    """A line of the map, or what is wrong with it."""
    if isinstance(value, dict) and set(value) == {"constant"}:
        constant = value["constant"]
        if not isinstance(constant, str | int | float) or set(str(constant)) & set("{}"):
            return "has a constant that is no text, number or yes/no"
        kept = isinstance(constant, int | float)
        return _Entry((), str(constant).lower() if kept else literal(str(constant)))
    unit = ""
    if isinstance(value, dict):
        if not value.keys() <= {"column", "unit"} or "column" not in value:
            return f"must be {FORMS}"
        units = UNITS.get(name, {})
        unit = str(value.get("unit") or "")
        if unit and unit not in units:
            choices = f"one of {', '.join(units)}" if units else "left out: only times and costs have one"
            return f"has the unit {unit!r}, which must be {choices}"
        value = value["column"]
    paths = value if isinstance(value, list) else [value]
    if not paths or not all(isinstance(path, str) and path.strip() for path in paths):
        return f"must be {FORMS}"
    for path in paths:
        if set(path) & set("{}|"):
            return f"reads {path!r}: a column with a brace or a bar cannot be read"
        try:
            path_parts(path)
        except LogError as error:
            return f"reads {error}"
    return _Entry(tuple(path.strip() for path in paths), unit=unit)


def _columns(given: Mapping[str, _Entry], switches: Mapping[str, bool]) -> dict[str, str]:
    """Canonical name of a reader -> SQL."""
    sql = {name: entry.sql for name, entry in given.items()}
    sql["inclusive"] = "true" if switches["input_includes_cached"] else "false"
    if "input_uncached_tokens" in sql:
        sql |= {"input_tokens": sql.pop("input_uncached_tokens"), "inclusive": "false"}
    if "reasoning_tokens" in sql and not switches["output_includes_reasoning"]:
        sql["output_tokens"] = f"whole({sql['output_tokens']}) + coalesce(whole({sql['reasoning_tokens']}), 0)"
    if "timestamp" in sql:
        sql["instant"] = _instant(sql.pop("timestamp"), given["timestamp"].unit)
    if given.get("cost_usd", _Entry(())).unit:
        usd = f"TRY_CAST({sql['cost_usd']} AS DOUBLE) * {COST_UNITS[given['cost_usd'].unit]!r}"
        sql["cost_usd"] = f"CASE WHEN {sql['cost_usd']} IS NOT NULL THEN coalesce({usd}, -1) END"
    if "prompt" in sql:
        sql |= of_chat(given["prompt"].paths) if given["prompt"].paths else {"first_message": sql["prompt"]}
    return sql


def _instant(sql: str, unit: str) -> str:
    """SQL of a time; a number that is none in its unit becomes a time long ago, which is a reason to reject the row."""
    if not unit:
        return sql
    us = f"TRY_CAST(round(TRY_CAST({sql} AS DOUBLE) * {TIME_UNITS[unit]!r}) AS BIGINT)"
    return (
        f"CASE WHEN {us} BETWEEN {EARLIEST_US} AND {LATEST_US} THEN make_timestamp({us})"
        f" WHEN {sql} IS NOT NULL THEN TIMESTAMP '1970-01-01' END"
    )


def value_at(row: Any, path: str) -> Any:
    """What a JSON object has at a path, None where there is nothing."""
    for part in path_parts(path):
        if isinstance(row, list):
            row = row[part] if isinstance(part, int) and part < len(row) else None
        else:
            row = row.get(str(part)) if isinstance(row, dict) else None
    return row


def _column(path: str, known: set[str]) -> bool:
    """Whether a table has the column a path begins with."""
    whole, base = path.lower(), path.partition(">")[0].partition(".")[0].lower()
    return whole in known or base in known


def dump_line(name: str, value: Any) -> str:
    """One line of a map as YAML, whatever characters a column has."""
    if isinstance(value, dict):
        return f"{name}: {{{', '.join(f'{key}: {_scalar(inner)}' for key, inner in value.items())}}}"
    return f"{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    plain = text.replace("_", "").replace(".", "").isalnum() and text[0].isalpha() and text.isascii()
    if plain and text.lower() not in ("true", "false", "yes", "no", "on", "off", "null", "y", "n"):
        return text
    return json.dumps(text)
