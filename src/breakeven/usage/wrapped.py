"""
Rows that lie in a list inside a JSON object: pages of an API, records of a storage account, results of a query.

Which lists hold rows is told by what is in them, never by what they are called: those whose objects are known as rows,
while the object around them is not. Lists of values beside a list of as many column names are rows as well.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pydantic_core

from breakeven.usage.json_values import DECODE, is_cut
from breakeven.usage.readers.reader import Head, json_object

EACH = "*"
"""Stands in a path for every element of a list."""

DEEPEST = 8
"""Longest path that is followed."""

EVENT = frozenset(
    "id eventId timestamp message ingestionTime logStreamName extractedFields @timestamp @message @ptr @log"
    " @logStream".split()
)
"""Keys of an event of CloudWatch Logs, as it is queried, filtered or passed on."""

HEAD_ROWS = 100
LOOKED_AT = 20
"""How many objects of a file's beginning are looked into."""

KeyPath = tuple[str, ...]

Known = Callable[[bytes], bool]
"""Whether the beginning of a file, a row a line, is that of a log."""


class Lists:
    """
    Which lists in a file's objects hold rows.

    paths : keys from an object to such a list.
    ways : those paths, and their beginnings.
    made : the lists whose rows are not objects as they stand, see ``row_of``.
    known : decides for lists that have not been met.
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self.paths: set[KeyPath] = set()
        self.ways: set[KeyPath] = set()
        self.made: set[KeyPath] = set()
        self.others: set[KeyPath] = set()

    def hold(self, path: KeyPath, rows: Sequence[Any]) -> bool:
        """Whether the list there holds rows, of which these are some."""
        if path not in self.paths and path not in self.others:
            if self.known(as_head(rows)):
                self.paths.add(path)
                self.ways |= {path[:length] for length in range(1, len(path) + 1)}
            else:
                self.others.add(path)
        return path in self.paths

    def of(self, value: Any, at: KeyPath = (), names: Sequence[str] = ()) -> Iterator[Any]:
        """The rows of every such list in a value, which is the one at a path."""
        if isinstance(value, dict):
            names = ()
            for key, inner in value.items():
                yield from self.of(inner, (*at, key), names)
                names = names_in(inner) or names
        elif isinstance(value, list) and value:
            rows = [row_of(each, names) for each in value]
            if any(isinstance(row, dict) for row in rows) and self.hold(at, rows):
                if rows != value:
                    self.made.add(at)
                yield from rows
            elif len(at) < DEEPEST:
                for inner in value:
                    yield from self.of(inner, (*at, EACH))


def lists_in(head: bytes, known: Known) -> Lists | None:
    """
    The lists that hold rows in the first objects of a file, None where there are none, or an object that has them is
    itself known.
    """
    lists = Lists(known)
    for value in _objects(head):
        rows = next(lists.of(value), None)
        if rows is not None:
            return None if known(as_head([value])) else lists
    return None


def as_head(rows: Sequence[Any]) -> Head:
    """The first rows as JSON lines."""
    return Head("\n".join(json.dumps(row) for row in rows[:HEAD_ROWS]).encode())


def names_in(value: Any) -> Sequence[str]:
    """The names in a list of columns: texts, or objects that each have a name; none where it is no such list."""
    if not isinstance(value, list):
        return ()
    names = [each.get("name") if isinstance(each, dict) else each for each in value]
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(value) else ()


def row_of(element: Any, names: Sequence[str]) -> Any:
    """
    An element of a list of rows as an object: where it is a list of the values of columns, or of pairs of a column and
    its value, or an event of CloudWatch with a row as its text.
    """
    if isinstance(element, dict) and element.keys() <= EVENT:
        return json_object(str(element.get("message", element.get("@message")))) or element
    if not isinstance(element, list) or not element:
        return element
    if all(isinstance(pair, dict) and pair.keys() == {"field", "value"} for pair in element):
        return row_of({str(pair["field"]): pair["value"] for pair in element}, ())
    return dict(zip(names, element, strict=True)) if len(names) == len(element) else element


def _objects(head: bytes) -> Iterator[Any]:
    """The first objects of a text, one that is cut short or broken as far as it goes; after that the next line."""
    text, place = head.decode("utf-8", "replace"), 0
    for _ in range(LOOKED_AT):
        place = len(text) - len(text[place:].lstrip(" \t\r\n,[]\ufeff"))
        if text[place : place + 1] != "{":
            return
        try:
            value, place = DECODE(text, place)
        except (json.JSONDecodeError, RecursionError) as error:
            end = error.pos if isinstance(error, json.JSONDecodeError) and not is_cut(text, error) else len(text)
            value, place = _beginning(text[place:end]), text.find("\n", end) + 1 or len(text)
        yield value


def _beginning(text: str) -> Any:
    """An object that is cut short, without the values that are not whole; None where it cannot be read so."""
    try:
        return pydantic_core.from_json(text, allow_partial=True)
    except ValueError:
        return None
