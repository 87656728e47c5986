"""A reader's columns as one query over a file's rows: fields resolved, prompts hashed, rows checked."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import duckdb

from breakeven.errors import LogError, NoLogError, nearest
from breakeven.usage.calls import NO_TASK, SPAN_COLUMNS, TOKENS
from breakeven.usage.checks import DEFAULTS, NOTHING, canonical
from breakeven.usage.cube import MAY_BE_ABSENT
from breakeven.usage.fields import Fields, JsonLine, TableRow
from breakeven.usage.inputs import LogFile
from breakeven.usage.prompt_columns import ABSENT, NEVER_ASKED, prompt_columns
from breakeven.usage.readers import table
from breakeven.usage.readers.reader import Columns, Reader

LONGEST_NAME = 64
"""Longest value of a metadata key that is taken as the name of a task: a longer one may be text. [characters]"""

TAG = re.compile(r"(.+)\[(\w[\w.-]{0,39}[:=])\]")
"""A list of tags, and how the one that is meant begins."""

WHOLE, TEXT = "whole", "text_of"
OF_TEXT = ("chars_of", "unnumbered")
"""Macros that ``once`` works out once per row: of a field, of a text, and of such a text."""

OF_WHOLES = re.compile(r"(?:whole_\d+|NULL|coalesce|greatest|CASE|WHEN|IS|NOT|THEN|ELSE|END|[-+(), ])+")
"""What is made of nothing but columns that ``once`` has made, with no division."""

RESPONSE_ID = "response_id"
"""Raw column that is not asked for where one file is read alone."""

LEAST_ID_BYTES = 16
"""A shorter id of a response may be made up, or a mere count. [bytes]"""

CONSTANTS = ("true", "false", "1")

TEXTS = ("asked", "answered")
"""Raw columns of what was said, for ``recount.py`` alone."""


def raw_columns(
    reader: Reader,
    names: Sequence[str],
    task_by: str | None,
    own: Mapping[str, str] | None,
    file: LogFile,
    row: Fields,
    key: str | None = None,
    *,
    texts: bool = False,
    ids: bool = False,
) -> dict[str, str]:
    """
    SQL of each raw column over one file's rows, its fields resolved.

    Parameters
    ----------
    names : sequence of str
        The file's own columns; for JSON lines the keys of its first objects.
    task_by, own
        As ``task_by`` and ``columns`` of ``scan_files``.
    row : Fields
        What a field is in this file.
    key : str, optional
        Field that names the task of a row whose own field does not.
    texts : bool
        Also ``TEXTS``, what was said; else they cost nothing.
    ids : bool
        Also ``RESPONSE_ID``, else it is NULL.

    Raises
    ------
    LogError
        The table has no column for input or output tokens, or a column the user named is unknown.
    """
    given: Columns = reader.columns(names)
    if reader is table.READER:
        given = table.mapped(_with_own(names, own or {}, file, check=isinstance(row, TableRow)))
        missing = [name for name in ("input_tokens", "output_tokens") if name not in given]
        if missing:
            fault = f"no column for {' or '.join(missing)}"
            raise NoLogError(
                f"{file.name}: {fault}. Name it with --column {missing[0]}=COLUMN, see docs/log-formats.md", fault
            )
    raw = {**DEFAULTS, **ABSENT, **dict.fromkeys(("shared", RESPONSE_ID, *SPAN_COLUMNS), "NULL"), **given}
    if task_by == "prompt":
        raw["task"] = f"coalesce('prompt-' || left(sha256(CAST({raw['first_message']} AS VARCHAR)), 12), '{NO_TASK}')"
    elif task_by:
        if set(task_by) & set("{}"):
            raise LogError(f"{task_by!r} is no field to group by: it has braces")
        raw["task"] = f"coalesce(nullif(trim(CAST({field_sql(task_by)} AS VARCHAR)), ''), '{NO_TASK}')"
    elif key:
        named = f"CASE WHEN length({field_sql(key)}) <= {LONGEST_NAME} THEN {field_sql(key)} END"
        raw["task"] = f"coalesce(nullif(trim(CAST({raw['task']} AS VARCHAR)), ''), {named})"
    raw = {"asked": raw["prompt"], "answered": "NULL", **raw}
    raw[RESPONSE_ID] = raw[RESPONSE_ID] if ids else "NULL"
    resolved = {name: row.resolve(sql) for name, sql in raw.items() if texts or name not in TEXTS}
    if isinstance(row, JsonLine) and "output_format" in given and resolved["output_format"] == "NULL":
        resolved["output_format"] = NEVER_ASKED
    return resolved


def field_sql(path: str) -> str:
    """SQL, with fields in braces, of a field; of ``tags[task:]`` what stands after that in the first tag so begun."""
    found = TAG.fullmatch(path)
    if not found:
        return "{" + path + "}"
    tags, start = "{" + found[1] + "}", found[2]
    listed = f"CASE WHEN json_valid({tags}) THEN json_extract_string({tags}, '$[*]') END"
    return f"list_first(list_filter({listed}, lambda tag: starts_with(tag, '{start}')))[{len(start) + 1}:]"


def _with_own(names: Sequence[str], own: Mapping[str, str], file: LogFile, *, check: bool) -> dict[str, str]:
    """The table reader's columns, the user's own taking the place of those it would choose."""
    for name, column in own.items():
        if name not in table.NAMES:
            raise LogError(f"No column {name!r} to name.{nearest(name, table.NAMES)} Known: {', '.join(table.NAMES)}")
        if check and column.lower() not in {each.lower() for each in names}:
            raise LogError(f"{file.name}: has no column {column!r}.{nearest(column, names)}")
    found = table.known(names)
    if "input_uncached_tokens" in own:
        found.pop("input_tokens", None)
    return {**found, **own}


def canonical_query(
    engine: duckdb.DuckDBPyConnection,
    number: int,
    raw: Mapping[str, str],
    row: JsonLine | TableRow,
    rows: str,
    keys: Mapping[str, str] | None = None,
    *,
    all_good: bool = False,
) -> str:
    """
    The query of canonical columns over some rows of a file.

    Parameters
    ----------
    number : int
        Position of the file among those read, from 0.
    raw : mapping
        As ``raw_columns`` gives them.
    row : JsonLine or TableRow
        The fields that they were resolved with.
    rows : str
        Name or query of the rows.
    keys : mapping, optional
        Further columns to be had, name -> resolved SQL, in place of those of ``PROMPT_COLUMNS``.
    all_good : bool
        Whether the rows are used only if none of them has a fault: then the counts of one that has are not made 0.
    """
    kept = prompt_columns(raw) if keys is None else dict(keys)
    if raw["span"] != "NULL":
        kept |= _span_columns(raw)
    if raw[RESPONSE_ID] != "NULL":
        kept["response"] = response_hash(raw[RESPONSE_ID])
    given = {name: raw[name] for name in DEFAULTS} | kept
    selected = ", ".join(f"{sql} AS {name}" for name, sql in given.items())
    constants = {name: sql for name, sql in given.items() if sql in CONSTANTS}
    broken = "broken" if isinstance(row, JsonLine) else "false AS broken"
    if not isinstance(row, JsonLine):
        constants["broken"] = "false"
    source = row.source(rows)
    if raw["shared"] != "NULL":
        source = f"SELECT *, {raw['shared']} AS shared FROM ({source})"
    selected, source = once(selected, source, row.whole)
    query = f"SELECT {number} AS file, line, {broken}, {selected} FROM ({source})"
    described = run(engine, f"DESCRIBE {query}", "the columns cannot be read as those of a log")
    types = {name: NOTHING if given.get(name) == "NULL" else kind for name, kind, *_ in described}
    if all_good:  # what is made of whole numbers is whole, or NaN
        made = (name for name in (*TOKENS, "calls") if types[name] == "DOUBLE")
        types |= {name: "BIGINT" for name in made if OF_WHOLES.fullmatch(once(given[name], "")[0])}
    return canonical(query, types, constants=constants, kept=list(kept))


def once(selected: str, source: str, known: Collection[str] = ()) -> tuple[str, str]:
    """
    SQL over a query, and that query, with every ``whole(...)``, and every text of a prompt and what is made of it,
    made a column of the latter: worked out once per row.

    A macro is copied wherever it is named, and text is slow to make a number of. What is ``known`` to be whole is taken
    as it is.
    """
    selected, inside = _taken_out(selected, WHOLE, "whole")
    if inside:
        numbers = (
            f"{sql if sql in known else f'TRY_CAST({sql} AS DOUBLE)'} AS {name}_number" for sql, name in inside.items()
        )
        wholes = (
            f"{f'{name}_number' if sql in known else f'whole_of({sql}, {name}_number)'} AS {name}"
            for sql, name in inside.items()
        )
        source = f"SELECT *, {', '.join(wholes)} FROM (SELECT *, {', '.join(numbers)} FROM ({source}))"
    selected, texts = _taken_out(selected, TEXT, "text")
    if texts:
        columns = ", ".join(f"{sql} AS {name}" for sql, name in texts.items())
        source = f"SELECT *, {columns} FROM ({source})"
    made: list[str] = []
    for place, macro in enumerate(OF_TEXT):
        selected, inside = _taken_out(selected, macro, f"made_{place}")
        made += [f"{macro}({sql}) AS {name}" for sql, name in inside.items()]
    if made:
        source = f"SELECT *, {', '.join(made)} FROM ({source})"
    return selected, source


def _taken_out(selected: str, macro: str, name: str) -> tuple[str, dict[str, str]]:
    """SQL with every call of a macro made a column, and what each was called with -> that column."""
    inside: dict[str, str] = {}
    called = re.compile(rf"(?<![\w\"]){macro}\(")
    while call := called.search(selected):
        end = _closing(selected, call.end())
        column = inside.setdefault(selected[call.end() : end], f"{name}_{len(inside)}")
        selected = selected[: call.start()] + column + selected[end + 1 :]
    return selected, inside


def _closing(sql: str, start: int) -> int:
    """Where the parenthesis closes that opened just before ``start``; those in quotes do not count."""
    depth, quote = 1, ""
    for place in range(start, len(sql)):
        char = sql[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if not depth:
                return place
    raise ValueError("a reader's SQL has an open parenthesis")


def absent_columns(raw: Mapping[str, str]) -> frozenset[str]:
    """The canonical columns that are the same in every row of a file because it has nothing to fill them with."""
    given = {name: raw["cost_usd" if name == "reported_cost_nano" else name] for name in MAY_BE_ABSENT}
    given["calls"] = "1" if (raw["calls"], raw["calls_known"]) == ("1", "true") else ""
    return frozenset(name for name, sql in given.items() if sql == ("1" if name == "calls" else "NULL"))


def _span_columns(raw: Mapping[str, str]) -> dict[str, str]:
    """SQL of what is kept of where a row lies among others: ids as hashes."""
    ids = {name: span_hash(raw[name]) for name in ("span", "parent")}
    return ids | {name: f"CAST({raw[name]} AS VARCHAR)" for name in ("span_kind", "version")}


def span_hash(sql: str) -> str:
    """SQL of an id as a hash, null without one."""
    text = f"CAST({sql} AS VARCHAR)"
    return f"CASE WHEN {text} <> '' THEN hash({text}) END"


def response_hash(sql: str) -> str:
    """SQL of the id of a response as a hash, null where it is too short to be the only one of its kind."""
    text = f"CAST({sql} AS VARCHAR)"
    return f"CASE WHEN strlen({text}) >= {LEAST_ID_BYTES} THEN hash({text}) END"


def run(engine: duckdb.DuckDBPyConnection, sql: str, what: str) -> list[tuple[Any, ...]]:
    """Rows of a query. A fault of the engine becomes one line without its message, which may quote the log."""
    try:
        return engine.execute(sql).fetchall()
    except duckdb.Error as error:
        kind = type(error).__name__
    raise LogError(f"{what} ({kind})")
