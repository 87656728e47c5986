"""
JSON that is not one object per line: an array of objects, objects printed over several lines, and objects that hold
rows in lists.

Each object of an outermost array, standing by itself, or of a list that holds rows becomes one row; rows are numbered
from 1 through the file, as many may be on one line. A file is read a piece at a time, and only one row of it is held.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from breakeven.usage.inputs import LogFile
from breakeven.usage.json_values import DECODE, BrokenError, Values, is_cut
from breakeven.usage.lines import BLANK, NOT_UTF8, Chunk, Fault, open_log, readable
from breakeven.usage.wrapped import EACH, HEAD_ROWS, KeyPath, Known, Lists, lists_in, names_in, row_of

CHUNK_CHARS = 16 * 1024 * 1024

BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
"""What lies between two objects of an array, or of several."""

STRAY = re.compile("[\udc80-\udcff]")
"""A byte that is not UTF-8, as the decoder passes it on."""


@dataclass(frozen=True, slots=True)
class Form:
    """
    How rows lie in such JSON.

    lists : the lists inside objects that hold them, None where the outermost objects are rows.
    by_line : whether an outermost object ends with its line, so that one that is broken says nothing of those after.
    """

    lists: Lists | None = None
    by_line: bool = False


def is_document(head: bytes) -> bool:
    """
    Whether a file that begins so is an array, or objects that do not each have a line.

    Its first line is then an array's beginning, a lone brace, more than one object, or a part of one.
    """
    text = head.lstrip(BLANK).decode("utf-8", "replace")
    first, end, _ = text.partition("\n")
    first = first.strip()
    if first[:1] in ("", "["):
        return first != ""
    if first[0] != "{" or first == "{":
        return first == "{"
    try:
        _, place = DECODE(first)
    except (ValueError, RecursionError):
        return bool(end) and first_object(text) != "broken"
    return first[place:].lstrip(" \t\r,").startswith("{")


def first_object(text: str) -> str:
    """Whether the object, or array, that a text begins with is "whole", "cut" where the text ends, or "broken"."""
    try:
        DECODE(text)
    except json.JSONDecodeError as error:
        return "cut" if is_cut(text, error) else "broken"
    except RecursionError:
        return "broken"
    return "whole"


def form_of(head: bytes, known: Known) -> Form | None:
    """How rows lie in a file of JSON that begins so; None where each line is one, or it is not JSON."""
    if head.lstrip(BLANK)[:1] not in (b"{", b"["):
        return None
    lists, printed = lists_in(head, known), is_document(head)
    if lists is None and not printed:
        return None
    first = head.lstrip(BLANK).split(b"\n", 1)[0]
    return Form(lists, by_line=first.lstrip()[:1] == b"{" and (not printed or first.rstrip()[-1:] == b"}"))


def document_head(file: Path | LogFile, form: Form) -> bytes:
    """The first rows of a file of such JSON that are objects, one per line; empty where it begins with none."""
    with open_log(file) as handle, readable(file):
        rows = [row for row in islice(_rows(Values(handle), form), HEAD_ROWS) if isinstance(row, str)]
    return "\n".join(json.dumps(json.loads(row)) for row in rows if row.startswith("{")).encode()


def document_chunks(file: Path | LogFile, form: Form) -> Iterator[Chunk]:
    """
    The rows of a file, in column ``raw``. The first chunk holds at least one, unless the file does not.

    Raises LogError as ``lines.json_chunks``.
    """
    chunk, size = Chunk({"raw": []}), 0
    with open_log(file) as handle, readable(file):
        for number, row in enumerate(_rows(Values(handle), form), 1):
            if isinstance(row, Fault):
                chunk.faults.append((number, row.reason))
            elif not row.isascii() and STRAY.search(row):
                chunk.faults.append((number, NOT_UTF8))
            else:
                chunk.texts["raw"].append(row)
                chunk.lines.append(number)
                size += len(row)
            if size > CHUNK_CHARS:
                yield chunk
                chunk, size = Chunk({"raw": []}), 0
        yield chunk


def _rows(values: Values, form: Form) -> Iterator[str | Fault]:
    """Every row, and every place where the text stops being JSON; only after the end of a line does it go on."""
    while True:
        try:
            char = values.peek(BETWEEN)
            if not char:
                break
            if char == "{" and form.lists:
                yield from _object_or_its_rows(values, form.lists, ())
            else:
                yield values.value()
        except BrokenError as broken:
            yield Fault(str(broken))
            if not form.by_line:
                return
            values.next_line()
    if values.damage:
        yield Fault(values.damage)


def _object_or_its_rows(values: Values, lists: Lists, at: KeyPath) -> Iterator[str]:
    """The rows in the lists of an object, or the object itself where it has no such list."""
    values.kept = values.place
    yield from _rows_of_object(values, lists, at)
    if row := values.taken():
        yield row


def _rows_of_object(values: Values, lists: Lists, at: KeyPath) -> Iterator[str]:
    names: Sequence[str] = ()
    end = values.take("{")
    if values.peek() == "}":
        end = values.take("}")
    while end != "}":
        key = json.loads(values.value()) if values.peek() == '"' else values.take('"')
        values.take(":")
        char, here = values.peek(), (*at, key)
        if char == "[" and here in lists.ways:
            values.kept = None
            yield from _rows_of_list(values, lists, here, names)
        elif char == "{" and here in lists.ways:
            yield from _rows_of_object(values, lists, here)
        elif char in "{[":
            value = json.loads(values.value())
            for row in lists.of(value, here, names):
                values.kept = None
                yield json.dumps(row)
            names = names_in(value) or names
        else:
            values.value()
        end = values.take(",}")


def _rows_of_list(values: Values, lists: Lists, at: KeyPath, names: Sequence[str]) -> Iterator[str]:
    holds, end = at in lists.paths, values.take("[")
    if values.peek() == "]":
        end = values.take("]")
    while end != "]":
        char = values.peek()
        if char == "{" and not holds:
            yield from _object_or_its_rows(values, lists, (*at, EACH))
        elif char == "[" or at in lists.made:
            yield json.dumps(row_of(json.loads(values.value()), names))
        else:
            yield values.value()
        end = values.take(",]")
