"""
Tasks found by what prompts have alike, for calls whose log names none: only hashes are compared, and name them.

First by system prompt (or first message) and tool definitions, and by clear templates of what follows a generic one;
then by tool definitions alone; then by clusters of prompts that begin alike. What is left over is one task of its own.
Calls without a prompt stay without a task.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from breakeven.usage.beneath import HEAD, Part, templates
from breakeven.usage.calls import PREFIX_LENGTHS

REST = "prompt-other"
"""Task of calls with a prompt that is like no others."""

BY_PROMPT, BY_TOOLS, BY_BEGINNING, BY_REST = "prompt", "tools", "beginning", "rest"

LEAST_SHARE, LEAST_CALLS, ENOUGH_CALLS = 0.02, 3, 20
"""Calls that make a task: this share of those without one, at least the second number; the third is always enough."""

MOST_TASKS = 50
"""More groups than this are no tasks but system prompts with something of the moment in them."""

LEAST_OPENINGS = 3
"""A shared beginning that goes on in fewer ways is a conversation that was sent again and again, not a task."""

SPLIT_SHARE = 0.8
"""A cluster is split where parts of it, each large enough, hold this share of it."""

ALONE = "(task IS NULL OR trim(task) = '') AND NOT faulty"

MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class _Node:
    """Prompts that begin alike: their calls, and in how many ways they go on at the next length."""

    length: int
    value: int
    parent: int
    calls: int
    openings: int


def find_tasks(engine: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """
    Name the tasks of calls that have none, in the view ``log``; it is left as it is where none is found.

    Returns
    -------
    dict
        Name -> how it was found: ``BY_PROMPT``, ``BY_TOOLS``, ``BY_BEGINNING`` or ``BY_REST``.
    """
    alone = f"FROM log WHERE {ALONE} AND coalesce(first_hash, tools_hash, prompt_hash) IS NOT NULL"
    total = engine.execute(f"SELECT count(*) {alone}").fetchall()[0][0]
    least = max(LEAST_CALLS, min(ENOUGH_CALLS, round(LEAST_SHARE * total)))
    if total < least:
        return {}
    firsts = _by_first(engine, alone, least)
    parts = templates(engine, alone, least, firsts)
    hashes = [(BY_PROMPT, _mixed(*key)) for key in firsts]
    hashes += [(BY_BEGINNING, _mixed(_mixed(part.value or 0, part.head), part.tools)) for part in parts]
    named = _names(hashes)
    if named:
        _table(engine, "found_first", "first_hash UBIGINT, tools_hash UBIGINT", zip(firsts, named, strict=False))
        _name_firsts(engine, dict(zip(named[len(firsts) :], parts, strict=True)))
    ways = dict(zip(named, (way for way, _ in hashes), strict=True))
    if named and not engine.execute(f"SELECT 1 {alone} LIMIT 1").fetchall():
        return ways
    tools = _by_tools(engine, alone, least)
    clusters = _by_beginning(engine, f"{alone} AND tools_hash IS NULL AND {_UNLIKE}", least)
    both = _names(
        [(BY_TOOLS, value) for value in tools] + [(BY_BEGINNING, node.value) for node in clusters], taken=named
    )
    if not named and not both:
        return {}
    names = both[len(tools) :]
    _table(engine, "found_tools", "tools_hash UBIGINT", zip([(each,) for each in tools], both, strict=False))
    cluster_keys = [(node.length, node.value) for node in clusters]
    _table(engine, "found_beginning", "length UBIGINT, value UBIGINT", zip(cluster_keys, names, strict=True))
    _name_others(engine, sorted({node.length for node in clusters}, reverse=True))
    ways |= dict.fromkeys(both[: len(tools)], BY_TOOLS)
    return ways | dict.fromkeys(names, BY_BEGINNING) | {REST: BY_REST}


_UNLIKE = f"({HEAD} IS NOT NULL OR next_chars IS NULL)"
"""Calls in which ``templates`` has not looked for beginnings in vain."""

_SAME = "log.first_hash = f.first_hash AND log.tools_hash IS NOT DISTINCT FROM f.tools_hash"

LEAST_FIRST_CHARS = 200
"""A shorter first message not known to be a system prompt may be a greeting or an example. [characters]"""


def _by_first(engine: duckdb.DuckDBPyConnection, alone: str, least: int) -> list[tuple[int, int | None]]:
    """
    System prompts, or first messages, with their tools, that make a task; the most frequent first.

    A first message not known to be a system prompt must go on in several ways: every turn of one conversation
    begins with the same.
    """
    beyond = " ".join(f"WHEN first_chars * 1.25 + 64 <= {length} THEN prefix_{length}" for length in PREFIX_LENGTHS)
    found = engine.execute(
        f"SELECT first_hash, tools_hash {alone} AND first_hash IS NOT NULL GROUP BY first_hash, tools_hash"
        f" HAVING count(*) >= {least} AND (max(first_is_system) = 1 OR count(prompt_chars) = 0"
        f" OR max(first_chars) >= {LEAST_FIRST_CHARS} AND count(DISTINCT CASE {beyond} END) >= {LEAST_OPENINGS})"
        f" ORDER BY count(*) DESC, first_hash, tools_hash LIMIT {MOST_TASKS + 1}"
    ).fetchall()
    return [] if len(found) > MOST_TASKS else found


def _by_tools(engine: duckdb.DuckDBPyConnection, left: str, least: int) -> list[int]:
    """Tool definitions that make a task of the calls left over; the most frequent first."""
    found = engine.execute(
        f"SELECT tools_hash {left} AND tools_hash IS NOT NULL GROUP BY tools_hash HAVING count(*) >= {least}"
        f" ORDER BY count(*) DESC, tools_hash LIMIT {MOST_TASKS + 1}"
    ).fetchall()
    return [] if len(found) > MOST_TASKS else [value for (value,) in found]


def _by_beginning(engine: duckdb.DuckDBPyConnection, left: str, least: int) -> list[_Node]:
    """Clusters of the calls left over: the shortest shared beginning of each, the most frequent first."""
    tree: list[list[_Node]] = []
    before = "0"
    for length, longer in zip(PREFIX_LENGTHS, (*PREFIX_LENGTHS[1:], 0), strict=True):
        column, onward = f"prefix_{length}", f"count(DISTINCT prefix_{longer})" if longer else "0"
        found = engine.execute(
            f"SELECT {column}, any_value({before}), count(*), {onward} {left} AND {column} IS NOT NULL"
            f" GROUP BY {column} HAVING count(*) >= {least}"
        ).fetchall()
        if not found:
            break
        tree.append([_Node(length, *row) for row in found])
        before = column
    children: dict[tuple[int, int], list[_Node]] = defaultdict(list)
    for level in tree:
        for node in level:
            children[node.length // 2, node.parent].append(node)
    roots = [root for root in (tree[0] if tree else []) if _goes_on(root, children)]
    found_clusters = [node for root in roots for node in _split(root, children)]
    found_clusters.sort(key=lambda node: (-node.calls, node.length, node.value))
    return found_clusters[:MOST_TASKS]


def _goes_on(node: _Node, children: Mapping[tuple[int, int], list[_Node]]) -> bool:
    """Whether prompts with this beginning differ after it, or are too short to tell."""
    below = children.get((node.length, node.value), [])
    if node.openings >= LEAST_OPENINGS or not node.openings:
        return True
    return any(child.openings and _goes_on(child, children) for child in below)


def _split(node: _Node, children: Mapping[tuple[int, int], list[_Node]]) -> list[_Node]:
    """The clusters a node consists of: itself, or those below it that hold nearly all of its calls."""
    parts = [
        part
        for child in children.get((node.length, node.value), [])
        if _goes_on(child, children)
        for part in _split(child, children)
    ]
    enough = sum(part.calls for part in parts) >= SPLIT_SHARE * node.calls
    return parts if len(parts) > 1 and enough else [node]


def _mixed(first: int, tools: int | None) -> int:
    """One hash of two."""
    return first if tools is None else (first * 0x9E3779B97F4A7C15 + tools) & MASK


def _names(found: list[tuple[str, int]], taken: Iterable[str] = ()) -> list[str]:
    """A name from each hash, its first four hexadecimal digits or as many more as tell it from the others."""
    names: list[str] = []
    used = Counter(taken)
    for way, value in found:
        digits = f"{value:016x}"
        start = "tools" if way == BY_TOOLS else "prompt"
        sizes = [*range(4, 17)]
        name = next((name for size in sizes if not used[name := f"{start}-{digits[:size]}"]), f"{start}-{digits}x")
        used[name] += 1
        names.append(name)
    return names


def _table(
    engine: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Iterable[tuple[tuple[int | str | None, ...], str]]
) -> None:
    """A table of hashes and the task each means."""
    engine.execute(f"CREATE TEMP TABLE {name} ({columns}, name VARCHAR)")
    listed = [(*key, task) for key, task in rows]
    if listed:
        places = ", ".join("?" * len(listed[0]))
        engine.executemany(f"INSERT INTO {name} VALUES ({places})", listed)


def _name_firsts(engine: duckdb.DuckDBPyConnection, parts: Mapping[str, Part]) -> None:
    """Give the calls of the view ``log`` the names of system prompts and first messages, and of templates."""
    kinds = "part_column VARCHAR, head UBIGINT, tools_hash UBIGINT, start UBIGINT, value UBIGINT"
    keys = [((part.column, part.head, part.tools, part.start, part.value), name) for name, part in parts.items()]
    _table(engine, "found_template", kinds, keys)
    joins, names = "", list[str]()
    for number, column in enumerate(sorted({part.column for part in parts.values()})):
        own = f"p{number}"
        start = f" AND log.next_40 = {own}.start" if column.startswith("prefix") else ""
        joins += (
            f" LEFT JOIN found_template {own} ON {own}.part_column = '{column}' AND log.{column} = {own}.value{start}"
            f" AND ({HEAD}) IS NOT DISTINCT FROM {own}.head AND log.tools_hash IS NOT DISTINCT FROM {own}.tools_hash"
        )
        names.append(f"{own}.name")
    name = "f.name"
    if parts:
        inside = ", ".join(names)
        name = f"CASE WHEN {HEAD} IS NULL THEN coalesce(f.name, {inside}) ELSE coalesce({inside}, f.name) END"
    _rename(engine, name, f" LEFT JOIN found_first f ON {_SAME}{joins}", "nameless")


def _name_others(engine: duckdb.DuckDBPyConnection, lengths: list[int]) -> None:
    """Give the calls of the view ``log`` that have no name yet those of tools and beginnings, or of the rest."""
    joins = " LEFT JOIN found_tools t ON log.tools_hash = t.tools_hash"
    joins += "".join(
        f" LEFT JOIN found_beginning b{length} ON b{length}.length = {length} AND log.tools_hash IS NULL"
        f" AND log.prefix_{length} = b{length}.value AND {_UNLIKE}"
        for length in lengths
    )
    names = ", ".join(["t.name", *(f"b{length}.name" for length in lengths)])
    rest = f"CASE WHEN coalesce(log.first_hash, log.tools_hash, log.prompt_hash) IS NOT NULL THEN '{REST}' END"
    _rename(engine, f"coalesce({names}, {rest})", joins, "unnamed")


def _rename(engine: duckdb.DuckDBPyConnection, name: str, joins: str, former: str) -> None:
    """Give calls without a task that SQL as its name."""
    named = f"CASE WHEN log.task IS NULL OR trim(log.task) = '' THEN {name} ELSE log.task END"
    replace_view(engine, f"SELECT log.* REPLACE ({named} AS task) FROM {former} AS log{joins}", former)


def replace_view(engine: duckdb.DuckDBPyConnection, query: str, former: str) -> None:
    """Make the view ``log`` a query of what it was until now, to be called ``former`` in it."""
    engine.execute(f"ALTER VIEW log RENAME TO {former}")
    engine.execute(f"CREATE TEMP VIEW log AS {query}")
