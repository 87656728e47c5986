"""
Tasks under one generic system prompt, or under none, told apart by what follows it: as far as that is clear templates.

What follows is compared by its first 8, 16 and 40 characters without their digits, then by the beginnings of whole
prompts. Where that tells no templates apart, what stands after its first colon or line break is tried. Only hashes are
compared. Free text of users, documents and examples that change must not become tasks; the rules are in ``_accepted``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from breakeven.usage.calls import PREFIX_LENGTHS
from breakeven.usage.task_keys import LEAST_BITS, information_of

GENERIC_SHARE = 0.5
"""A system prompt with less than this share of its prompts' characters may be generic. [1]"""

LEAST_SHARE, LEAST_CALLS = 0.02, 5
"""Calls under a template: this share of those under the system prompt, at least the second number."""

LEAST_WAYS = 5
"""A template goes on in so many ways, by length and end; fewer are prompts that were sent again."""

HELD_SHARE = 0.8
"""Templates tell tasks apart where they hold this share of the calls together. [1]"""

SURE_CHARS = 40
"""A template as long as this needs no others beside it. [characters]"""

CLEAR_CHARS, CLEAR_SHARE = 16, 0.05
"""A shorter one has at least so many characters, and is this share of what follows. [1]"""

INNER_CHARS = 32
"""Length of what is compared after a colon or line break. [characters]"""

MOST_ALIKE = 10
"""More templates than this that end alike are taken for documents that change in one template."""

REST_SHARE = 0.2
"""What no template holds is something else where it is this share of the calls. [1]"""

COLUMNS = ("", "next_8", "next_16", "next_40", *(f"prefix_{length}" for length in PREFIX_LENGTHS[1:]))
CHARS = (0, 8, 16, 40, *PREFIX_LENGTHS[1:])
"""Column at each depth of the tree, and the characters that it compares; the root compares nothing."""

WRITTEN, AROUND_CHARS = 1.25, 128
"""A system prompt is so much longer as JSON; roles and the first 40 characters of what follows are so many more."""

INNER = "next_inner"


@dataclass(frozen=True, slots=True)
class Part:
    """
    Calls under one system prompt, or under none, with the same tool definitions, that go on alike.

    number, parent : its own number, and that of the part it lies in.
    depth : place in ``COLUMNS``, and ``column`` that itself; what it compares is ``value`` there.
    head, tools : hash of the system prompt and of the tool definitions, None without.
    start : hash of the first 40 characters, for the beginnings of whole prompts.
    calls, chars : calls, and characters of what follows in them.
    """

    number: int
    parent: int
    depth: int
    head: int | None
    tools: int | None
    start: int | None
    value: int | None
    calls: int
    chars: int
    column: str = ""

    def match(self) -> str:
        """SQL: whether a call of ``CALLS`` is one of these."""
        keys = {"head": self.head, "tools_hash": self.tools, **({self.column: self.value} if self.column else {})}
        if self.start is not None and self.column != COLUMNS[3]:
            keys[COLUMNS[3]] = self.start
        return " AND ".join(f"{name} IS NULL" if value is None else f"{name} = {value}" for name, value in keys.items())


@dataclass
class _Tree:
    """
    The parts of all groups: by number, and by the number of what they lie in.

    begun : number of a group -> length from which on a beginning of its prompts holds more than what is compared
        without it. [characters]
    """

    engine: duckdb.DuckDBPyConnection
    parts: list[Part] = field(default_factory=list)
    inside: defaultdict[int, list[Part]] = field(default_factory=lambda: defaultdict(list))
    begun: dict[int, int] = field(default_factory=dict)

    def add(self, part: Part) -> Part:
        """Take in a part, which gets its number."""
        numbered = replace(part, number=len(self.parts))
        self.parts.append(numbered)
        self.inside[part.parent].append(numbered)
        return numbered


HEAD = "CASE WHEN log.first_is_system = 1 THEN log.first_hash END"
"""Hash of the system prompt of a call, null without."""


def templates(
    engine: duckdb.DuckDBPyConnection, alone: str, least: int, firsts: Iterable[tuple[int, int | None]]
) -> list[Part]:
    """
    Templates of what follows, under those system prompts that are generic and under none; the most frequent first.

    Parameters
    ----------
    alone : str
        SQL after FROM: the calls without a task in the view ``log``.
    least : int
        Fewer calls with one system prompt and tools are not looked at.
    firsts : iterable of (int, int or None)
        System prompts, or first messages, with their tools, that are tasks already.
    """
    known = set(firsts)
    fresh = f"{HEAD} IS NOT NULL OR {_unknown(known)}"
    engine.execute(
        f"CREATE TEMP VIEW following AS SELECT log.*, {HEAD} AS head {alone} AND next_chars IS NOT NULL AND ({fresh})"
    )
    asked = (
        "SELECT head, tools_hash, count(*), CAST(sum(next_chars) AS BIGINT), CAST(sum(first_chars) AS BIGINT),"
        " CAST(sum(prompt_chars) AS BIGINT)"
        f" FROM following GROUP BY head, tools_hash HAVING count(*) >= {max(least, LEAST_CALLS)}"
        " ORDER BY head, tools_hash"
    )
    tree = _Tree(engine)
    for head, tools, calls, chars, first, whole in engine.execute(asked).fetchall():
        before = 0 if head is None else first
        if head is None or ((head, tools) in known and before < GENERIC_SHARE * (whole or 0)):
            root = tree.add(Part(-1, -1, 0, head, tools, None, None, calls, chars))
            tree.begun[root.number] = round(WRITTEN * before / calls) + AROUND_CHARS
    roots = tuple(tree.parts)
    if not roots:
        return []
    _grow(tree)
    found = [part for root in roots for part in _accepted(tree, root)]
    return sorted(found, key=lambda part: (-part.calls, part.depth, part.value, part.head or 0, part.tools or 0))


def _unknown(known: Iterable[tuple[int, int | None]]) -> str:
    """SQL: whether a call begins with none of these first messages."""
    hashes = sorted({first for first, _ in known})
    return f"first_hash IS NULL OR first_hash NOT IN ({', '.join(map(str, hashes))})" if hashes else "true"


def _children(tree: _Tree, parents: Sequence[Part], column: str) -> list[Part]:
    """What calls of these parts have alike in a column, where enough calls do that go on in several ways."""
    rows = [(each.number, each.head, each.tools, each.value, each.start, _least(tree, each)) for each in parents]
    kinds = "number BIGINT, head UBIGINT, tools_hash UBIGINT, value UBIGINT, start UBIGINT, least BIGINT"
    tree.engine.execute(f"CREATE OR REPLACE TEMP TABLE parents ({kinds})")
    tree.engine.executemany("INSERT INTO parents VALUES (?, ?, ?, ?, ?, ?)", rows)
    depth = parents[0].depth
    same = ["f.head IS NOT DISTINCT FROM p.head", "f.tools_hash IS NOT DISTINCT FROM p.tools_hash"]
    same += [f"f.{COLUMNS[depth]} = p.value"] if depth else []
    same += [f"f.{COLUMNS[3]} = p.start"] if depth > 3 else []
    found = tree.engine.execute(
        f"SELECT p.number, f.{column}, count(*), CAST(sum(f.next_chars) AS BIGINT) FROM following f JOIN parents p"
        f" ON {' AND '.join(same)} WHERE f.{column} IS NOT NULL"
        f" GROUP BY p.number, p.least, f.{column} HAVING count(*) >= p.least"
        f" AND bit_count(bit_or(CAST(1 AS UBIGINT) << ((f.next_end % 64 + f.next_chars) % 64))) >= {LEAST_WAYS}"
        " ORDER BY 1, 2"
    ).fetchall()
    return [_child(tree.parts[parent], column, *row) for parent, *row in found]


def _child(parent: Part, column: str, value: int, calls: int, chars: int) -> Part:
    depth = parent.depth + 1
    start = value if column == COLUMNS[3] else parent.start
    return Part(-1, parent.number, depth, parent.head, parent.tools, start, value, calls, chars, column)


def _grow(tree: _Tree) -> None:
    """Every part of every group, from short beginnings to long ones."""
    level = list(tree.parts)
    for column in COLUMNS[1:]:
        level = [tree.add(each) for each in _children(tree, level, column)]
        if not level:
            return


def _root(tree: _Tree, part: Part) -> Part:
    while part.parent >= 0:
        part = tree.parts[part.parent]
    return part


def _least(tree: _Tree, part: Part) -> int:
    """Calls that a part must have, of the group this one is in."""
    return max(LEAST_CALLS, round(LEAST_SHARE * _root(tree, part).calls))


def _accepted(tree: _Tree, root: Part) -> list[Part]:
    """
    The templates of a group, none where it is one task.

    They must hold most of its calls together, or be long; and there must be two of them, or one and something else,
    where a system prompt names the task already. If most of the calls end alike all the same, as they do where a
    document or an example is what changes, few must do, or tell of the shape of a call.
    """
    held = _together(root, [part for part in _split(tree, root) if part is not root and _is_clear(tree, part)])
    if held and (len(held) <= MOST_ALIKE or _is_apart(tree, root, held)):
        return held
    held = _together(root, _inner(tree, root)) if _reach(tree, root) < CLEAR_CHARS else []
    if held and _is_apart(tree, root, held):
        return held
    held = _sure(tree, root)
    kinds = len(held) + (root.calls - _calls(held) >= REST_SHARE * root.calls)
    if kinds > 1 and held and not _is_apart(tree, root, held):
        return []
    return held if root.head is None or kinds > 1 else []


def _together(root: Part, parts: list[Part]) -> list[Part]:
    """Templates that hold most of a group's calls, else none."""
    return parts if len(parts) > 1 and _calls(parts) >= HELD_SHARE * root.calls else []


def _is_apart(tree: _Tree, whole: Part, parts: Sequence[Part]) -> bool:
    """Whether parts are more than what changes within one template."""
    return not _ends_alike(tree, whole) or _tells(tree, parts)


def _split(tree: _Tree, part: Part) -> list[Part]:
    """
    What a part consists of: itself, or those in it that hold nearly all of its calls.

    Where a template ends just before one of the lengths, the parts are what users begin with: more than two must go on
    alike, or tell of the shape of a call.
    """
    inner = [each for child in tree.inside[part.number] for each in _split(tree, child)]
    if len(inner) < 2 or _calls(inner) < HELD_SHARE * part.calls:
        return [part]
    if CHARS[part.depth] < CLEAR_CHARS:
        return inner if not part.depth or _is_apart(tree, part, inner) else [part]
    goes_on = len(inner) == 2 or all(_reach(tree, each) > _length(tree, each) for each in inner)
    is_template = _is_apart(tree, part, inner) if goes_on else _tells(tree, inner)
    return inner if is_template else [part]


def _sure(tree: _Tree, part: Part) -> list[Part]:
    """The templates in a part that are long."""
    if CHARS[part.depth] >= CLEAR_CHARS:
        return [each for each in _split(tree, part) if _reach(tree, each) >= SURE_CHARS]
    return [each for child in tree.inside[part.number] for each in _sure(tree, child)]


def _is_clear(tree: _Tree, part: Part) -> bool:
    """Whether a template is long, or not so short that people begin like that of themselves."""
    chars = _reach(tree, part)
    return chars >= SURE_CHARS or (chars >= CLEAR_CHARS and chars * part.calls >= CLEAR_SHARE * part.chars)


def _reach(tree: _Tree, part: Part) -> int:
    """How many characters nearly all calls of a part have alike. [characters]"""
    longer = [child for child in tree.inside[part.number] if child.calls >= HELD_SHARE * part.calls]
    return _reach(tree, longer[0]) if longer else _length(tree, part)


def _length(tree: _Tree, part: Part) -> int:
    """How much of what follows the system prompt, at least, the calls of a part have alike. [characters]"""
    chars = CHARS[part.depth]
    return chars if chars <= SURE_CHARS or chars >= tree.begun[_root(tree, part).number] else SURE_CHARS


def _inner(tree: _Tree, root: Part) -> list[Part]:
    """Templates of a group that begin after a colon or line break."""
    parts = _children(tree, [root], INNER)
    return [part for part in parts if INNER_CHARS * part.calls >= CLEAR_SHARE * part.chars]


def _ends_alike(tree: _Tree, part: Part) -> bool:
    """Whether the last lines of most calls begin alike: what was different before is then part of one template."""
    same, whole = tree.engine.execute(
        "SELECT max(CASE WHEN next_tail IS NOT NULL THEN calls END), sum(calls)"
        f" FROM (SELECT next_tail, count(*) AS calls FROM following WHERE {part.match()} GROUP BY next_tail)"
    ).fetchall()[0]
    return bool((same or 0) >= HELD_SHARE * float(whole))


def _tells(tree: _Tree, parts: Sequence[Part]) -> bool:
    """Whether parts say something of a call's model, its output, and the format asked for."""
    pairs: dict[tuple[int, tuple[object, ...]], int] = {}
    for number, part in enumerate(parts):
        asked = (
            "SELECT model, length(bin(output_tokens)), json_output, count(*) FROM following"
            f" WHERE {part.match()} GROUP BY ALL"
        )
        pairs |= {(number, tuple(shape)): calls for *shape, calls in tree.engine.execute(asked).fetchall()}
    return information_of(pairs) >= LEAST_BITS


def _calls(parts: Iterable[Part]) -> int:
    return sum(part.calls for part in parts)
