"""
What a reader is, and the few things readers share.

A reader answers two questions: is this file mine, and what is in it? The second answer maps a canonical name to
SQL over the raw row. In that SQL a raw field is written in braces:

``{usage.prompt_tokens}``    a path into the JSON line; for CSV and Parquet a column of that name
``{metadata>usage.cached}``  the same, where ``metadata`` is text that holds JSON again; also JSON in a CSV column
``{model|body.model}``       the first of several that is not null
``{attributes."gen_ai.x"}``  a key that has dots stands in double quotes

A field that the row lacks is null. Every field is text, except in Parquet, where it has its column's type. The
names a reader may give (all but the first two default to null, false for ``batch``, true for ``ok``; a call
succeeded where ``ok`` and ``status`` both say so)::

    input_tokens, output_tokens          as the source counts them [tokens]
    inclusive                            boolean: does input_tokens contain the cache counts?
    cache_read_tokens, cache_write_short_tokens, cache_write_long_tokens, reasoning_tokens       [tokens]
    task, model, provider, service_tier  text
    instant                              text with or without a UTC offset, Unix time in s, ms, us or ns, timestamp
    calls                                calls the row stands for; its counts are their total
    calls_known                          boolean, false where the row does not say how many calls it stands for
    fault                                why the row is no call, in fixed words that quote nothing; null where it is one
    batch, ok                            boolean, or a word or number for it: true, yes, y, t, 1, batch; all else false
    status                               failure, failed, fail, error, errored, canceled, cancelled, expired, timeout,
                                         false, and numbers of 400 or more or below 0 mean failure; all else success
    cost_usd                             cost the log states [USD]
    prompt, first_message                text, hashed inside the engine and never kept; the latter is the system prompt,
                                         or else the first message
    first_role                           whose message that is: system and developer make it a system prompt
    following                            text of what follows the system prompt, or of the first message without one
    asked, answered                      what was sent and what came back, as text, JSON, or a JSON list of such texts;
                                         read only to count its tokens, see ``recount.py``; asked is prompt by default
    tools                                tool definitions as the text of a JSON array; hashed and never kept
    output_format                        type of response asked for: json, json_object, json_schema; all else is text
    shared                               any value, worked out once, that the SQL of the others may use by this name
    response_id                          the provider's id of its response: rows with one are one call
    span, parent                         ids, of the row and of the row around it, unique over all files
    span_kind                            "tool" or "judge" where the row is one; null for calls and all else
    version                              of rows with one ``span`` those with the greatest text here replace the others

Counts combined with + or - pass through ``whole()`` first: null stays null, anything but a whole number from 0 to
10^12 becomes NaN, and NaN is a reason to reject the row. ``succeeded()`` is the rule for a status, ``truth()`` that
for a boolean.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, cast

from breakeven.usage.prompt_columns import SYSTEM_ROLES

Columns = Mapping[str, str]

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Reader:
    """
    One usage-log format.

    name : unique; shown in errors and on the answer.
    reads : what the format is, in a few words.
    accepts : positive evidence in the first bytes of the (decompressed) file, at least one whole line of it.
    columns : canonical name -> SQL over the raw row, given the column names of a table, or the keys of the first JSON
        lines.
    expand : where one JSON line can hold several rows, or a row in another notation: the line -> its rows as JSON
        lines. A line it cannot make sense of comes back as it is.
    in_turn : where what a line is depends on those before it: makes what is used in place of ``expand`` for all lines
        of one file, in their order.
    """

    name: str
    reads: str
    accepts: Callable[[bytes, str], bool]
    columns: Callable[[Sequence[str]], Columns]
    expand: Callable[[str], Sequence[str]] | None = None
    in_turn: Callable[[], Callable[[str], Sequence[str]]] | None = None


class Head(bytes):
    """The beginning of a file, with the JSON objects among its lines, which some twenty readers ask for."""

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """As ``json_rows`` finds them."""
        return _objects(self.removeprefix(BOM).splitlines())


def json_rows(head: bytes, expand: Callable[[str], Sequence[str]] | None = None) -> list[dict[str, Any]]:
    """The JSON objects among the lines of a file's beginning, or the rows in them; a line cut short is not one."""
    if isinstance(head, Head) and expand is None:
        return list(head.objects)
    lines: Iterable[str | bytes] = head.removeprefix(BOM).splitlines()
    if expand:
        lines = chain.from_iterable(expand(line.decode("utf-8", "replace")) for line in cast(list[bytes], lines))
    return _objects(lines)


def _objects(lines: Iterable[str | bytes]) -> list[dict[str, Any]]:
    return [row for row in map(json_object, lines) if row is not None]


def braced(*paths: str) -> str:
    """The first of these raw fields that a row has."""
    return "{" + "|".join(paths) + "}"


def following(
    contents: Sequence[str], roles: Sequence[str], apart: str = "NULL", field: Callable[..., str] = braced
) -> str:
    """
    SQL of what follows the system prompt in chat messages: the next message, with the one after a developer's.

    Parameters
    ----------
    contents, roles : sequence of str
        Fields that may hold the text, and the role, of a message, with # for its place in the list, from 0.
    apart : str
        SQL that is not null where the system prompt stands apart from the messages.
    field : callable
        Names -> the first of these raw fields that a row has.
    """

    def said(names: Sequence[str], place: int) -> str:
        paths: list[str] = []
        for name in names:
            path = name.replace("#", str(place))
            paths += [f"{path}.0.text", path] if path.endswith("content") else [path]
        return field(*paths)

    text = [said(contents, place) for place in range(3)]
    is_system = [f"coalesce({said(roles, place)} IN {SYSTEM_ROLES}, false)" for place in range(2)]
    second = f"CASE WHEN {is_system[1]} THEN concat({text[1]}, chr(10), {text[2]}) ELSE {text[1]} END"
    return f"CASE WHEN {apart} IS NULL AND {is_system[0]} THEN {second} ELSE {text[0]} END"


def of_chat(paths: Sequence[str]) -> Columns:
    """The columns that a prompt gives which lies at one of these paths: text, or chat messages as JSON."""
    inside = [path + (".#" if ">" in path else ">#") for path in paths]
    contents, roles = ([f"{place}.{key}" for place in inside] for key in ("content", "role"))
    text = braced(*paths)
    return {
        "prompt": text,
        "first_message": braced(*(each.replace("#", "0") for each in contents), *paths),
        "first_role": braced(*(each.replace("#", "0") for each in roles)),
        "following": f"coalesce({following(contents, roles)}, CASE WHEN NOT json_valid({text}) THEN {text} END)",
    }


def json_object(line: str | bytes) -> dict[str, Any] | None:
    """The JSON object that a line is, None where it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def header(head: bytes) -> tuple[str, list[str]]:
    """Delimiter (comma, tab or semicolon) and column names of a delimited text's first line."""
    text = head.removeprefix(BOM).decode("utf-8", "replace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;", key=first.count)
    try:
        names = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        names = []
    return delimiter, [name.strip() for name in names]


def header_line(names: Sequence[str]) -> bytes:
    """The first line of a delimited text with these columns."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()


def dig(row: Any, path: str) -> Any:
    """The value at a dotted path of nested dictionaries, None where there is none."""
    for key in path.split("."):
        row = row.get(key) if isinstance(row, dict) else None
    return row
