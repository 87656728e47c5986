"""
Which fields the lines of a file of JSON have, by a sample of them, and so the types that the engine reads them as.

An object that is read as a structure is parsed once with its line; one that is read as JSON is parsed again for its
fields. The sample only proposes: ``Shape.unlike`` is true of every line that the proposal does not hold for, and a line
that does not fit the types is an error of the engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from breakeven.usage.calls import MAX_TOKENS
from breakeven.usage.fields import literal, path_parts, quoted
from breakeven.usage.inputs import LogFile
from breakeven.usage.readers.reader import json_rows

PIECES = 16
PIECE_BYTES = 64 * 1024
PIECE_LINES = 20
"""How many pieces of a file are looked at, how long they are, and how many of their lines are read."""

Rows = Sequence[Mapping[str, Any]]

Path = tuple[str | int, ...]

Types: TypeAlias = "str | dict[str, Types]"


@dataclass
class Node:
    """
    A key that is asked for, or keys inside it.

    whole : whether its own value is asked for.
    inside : the keys in it that are; a whole number is a place in an array.
    """

    whole: bool = False
    inside: dict[str | int, "Node"] = field(default_factory=dict)


@dataclass
class Shape:
    """
    The types of a line, and what each field is in it.

    types : outermost key -> its type, or the types of the keys in it.
    lists : name of a list of texts -> SQL of it, taken out of a column of JSON.
    fields : path, as its parts -> SQL of its text, None where the sample never has it.
    unseen : SQL of what must be null in every line.
    above_one : SQL of texts that in the sample are always numbers, and always above 1.
    counts : those of ``above_one`` that are always whole, and no larger than a count may be.
    numbers : those of ``above_one`` that are read as numbers.
    whole : those of ``numbers`` that are taken to be whole and no larger than a count may be.
    """

    types: dict[str, Types] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    fields: dict[Path, str | None] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    above_one: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)

    def columns(self) -> str:
        """The types as the engine wants them."""
        types = (f"{quoted(key)}: {literal(self._type(kind, quoted(key)))}" for key, kind in self.types.items())
        return f"{{{', '.join(types)}}}"

    def unlike(self) -> str:
        """
        SQL: whether a line is not as the sample suggests.

        The engine takes true for the number 1 and false for 0, so neither can be told from the other.
        """
        tests = [*(f"{sql} IS NOT NULL" for sql in self.unseen), *(f"{sql} <= 1" for sql in self.numbers)]
        tests += [f"{sql} > {MAX_TOKENS} OR {sql} <> floor({sql})" for sql in self.whole]
        return f"coalesce({' OR '.join(tests)}, false)" if tests else "false"

    def _type(self, kind: Types, sql: str) -> str:
        if isinstance(kind, str):
            return "DOUBLE" if sql in self.numbers else kind
        inside = (f"{quoted(key)} {self._type(each, f'{sql}.{quoted(key)}')}" for key, each in kind.items())
        return f"STRUCT({', '.join(inside)})"


def shape_of(paths: Sequence[str], rows: Rows | None) -> Shape:
    """
    The shape in which lines are read for the fields at these paths, all as text.

    Parameters
    ----------
    paths : sequence of str
        As ``fields.path_parts`` reads them.
    rows : sequence of mappings, optional
        Some lines of the file. Without any, every object is read as JSON and nothing is taken to be absent.

    Raises
    ------
    LogError
        As ``path_parts``.
    """
    root = Node()
    for path in paths:
        node = root
        for part in path_parts(path) or [""]:
            node = node.inside.setdefault(part, Node())
        node.whole = True
    shape = Shape()
    for key, node in root.inside.items():
        shape.types[str(key)] = _types(shape, node, (key,), quoted(str(key)), _values(rows, key))
    return shape


def sample(file: LogFile, head: bytes) -> Rows:
    """Lines of a file, from its beginning and, where it is not packed, from places all over it."""
    rows = json_rows(head)[: PIECES * PIECE_LINES]
    if file.path is None or not file.size or not rows:
        return rows
    with file.path.open("rb") as handle:
        for piece in range(1, PIECES):
            handle.seek(file.size * piece // PIECES)
            rows += json_rows(b"\n".join(handle.read(PIECE_BYTES).split(b"\n")[1:-1][:PIECE_LINES]))
    return rows


def _values(rows: Sequence[Any] | None, key: str | int) -> list[Any] | None:
    """What stands at a key of these values, nulls and values that can have no such key left out; None if unknown."""
    if rows is None:
        return None
    found = [row.get(str(key)) for row in rows if isinstance(row, dict)]
    return [value for value in found if value is not None]


def _types(shape: Shape, node: Node, at: Path, sql: str, values: list[Any] | None) -> Types:
    """The type of a key, or those of the keys in it; notes the fields in it."""
    if values is not None and not values:
        shape.unseen.append(sql)
        shape.fields |= dict.fromkeys(_asked(node, at))
        return "VARCHAR"
    if not node.inside:
        shape.fields[at] = sql
        if values is not None and all(type(value) in (int, float) and value > 1 for value in values):
            shape.above_one.append(sql)
            if all(value <= MAX_TOKENS and value == int(value) for value in values):
                shape.counts.append(sql)
        return "VARCHAR"
    objects = values is not None and all(isinstance(value, dict) for value in values)
    if not objects or node.whole or any(isinstance(key, int) for key in node.inside):
        asked = list(_asked(node, at))
        inside = ["$" + "".join(map(_step, path[len(at) :])) for path in asked]
        name = f"list_{len(shape.lists)}"
        shape.lists[name] = f"json_extract_string({sql}, [{', '.join(map(literal, inside))}])"
        shape.fields |= {path: f"{name}[{place}]" for place, path in enumerate(asked, 1)}
        return "JSON"
    return {
        str(key): _types(shape, child, (*at, key), f"{sql}.{quoted(str(key))}", _values(values, key))
        for key, child in node.inside.items()
    }


def _asked(node: Node, at: Path) -> Iterator[Path]:
    """The paths that are asked for, at a key and in it."""
    if node.whole:
        yield at
    for key, child in node.inside.items():
        yield from _asked(child, (*at, key))


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f'."{part}"'
