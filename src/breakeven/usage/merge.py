"""
Cubes added up to one, exactly.

Each cube is cut where prices of its own models change, by the catalogue of its day. Where another cube is cut and this
one is not, a cell is moved as a whole into the finer interval that holds all its calls. Where its calls lie on both
sides of a day it stays as it is if its own model's price does not change then; if it does, or where the size of its
calls is in doubt, the cubes cannot be added, and the error says which to build again.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from breakeven.errors import LogError
from breakeven.usage.accounts import rows_by_source
from breakeven.usage.calls import INPUT_BUCKETS
from breakeven.usage.cells import UNKNOWN_TIME, Array, Cell, Cells
from breakeven.usage.cube import Cube, FoundTask, from_log
from breakeven.usage.cuts import EPOCH, midnight_us
from breakeven.usage.models import Finder
from breakeven.usage.prompt_facts import added_facts
from breakeven.usage.readers import gives_ids
from breakeven.usage.sizes import Histograms
from breakeven.usage.timing import added_times

MAX_REJECTS = 1000


def merged(parts: Sequence[tuple[str, Cube]], find: Finder) -> Cube:
    """
    One cube of several.

    Parameters
    ----------
    parts : sequence of (str, Cube)
        Each with the name it goes by in messages.
    find : Finder
        With the table that says on which days the price of a model changes.

    Raises
    ------
    LogError
        Their months are of different zones, or a cell of one cannot be cut where another is.
    """
    zones = {cube.billing_zone: name for name, cube in parts}
    if len(zones) > 1:
        (one, first), (other, second), *_ = zones.items()
        raise LogError(
            f"{first} has months of {one}, {second} of {other}; build one of them again with --billing-zone {one}"
        )
    cuts = _union(cube.cuts_us for _, cube in parts)
    sizes = _union(cube.thresholds for _, cube in parts)
    edges = _union(cube.day_edges_us for _, cube in parts)
    cells = Cells.joined([_refined(name, cube, cuts, sizes, edges, find) for name, cube in parts])
    cubes = [cube for _, cube in parts]
    rejected: Counter[str] = Counter()
    for cube in cubes:
        rejected.update(dict(cube.reject_counts))
    return Cube(
        cells=cells,
        cuts_us=cuts,
        day_edges_us=edges,
        thresholds=sizes,
        histograms=Histograms.joined([cube.histograms for cube in cubes]),
        sources=tuple(source for cube in cubes for source in cube.sources),
        rows_in=sum(cube.rows_in for cube in cubes),
        rejects=tuple(reject for cube in cubes for reject in cube.rejects)[:MAX_REJECTS],
        reject_counts=tuple(sorted(rejected.items(), key=lambda item: (-item[1], item[0]))),
        times=added_times(times for cube in cubes for times in cube.times),
        prompts=added_facts(facts for cube in cubes for facts in cube.prompts),
        found=_found(each for cube in cubes for each in cube.found_tasks()),
        billing_zone=cubes[0].billing_zone,
        source_rows=tuple(rows for cube in cubes for rows in rows_by_source(cube)),
        zero_calls=_added_calls(pair for cube in cubes for pair in cube.zero_calls),
    )


def renamed_cube(cube: Cube, names: Mapping[str, str]) -> Cube:
    """A cube with other names for some of its tasks; those that then have the same name are added up."""
    tasks = cube.cells.values["task"]
    if not names.keys() & set(tasks):
        return cube
    cells, sizes = cube.cells, cube.histograms
    found = (
        FoundTask(names[each.task], "tasks file", each.members) if each.task in names else each
        for each in cube.found_tasks()
    )
    return replace(
        cube,
        cells=Cells.of(cells.columns, {**cells.values, "task": [names.get(task, task) for task in tasks]}),
        histograms=Histograms(
            sizes.columns, {**sizes.values, "task": [names.get(task, task) for task in sizes.values["task"]]}
        ),
        times=added_times(replace(each, task=names.get(each.task, each.task)) for each in cube.times),
        prompts=added_facts(replace(each, task=names.get(each.task, each.task)) for each in cube.prompts),
        found=_found(found),
    )


def counted_twice(parts: Iterable[tuple[str, Cube]]) -> list[tuple[str, str]]:
    """Of each source whose content is there already: its name with its cube's, and the same of the one before.

    Rows with ids are counted once where files are read together, so such files in one cube are no matter.
    """
    seen: dict[str, str] = {}
    again = []
    for name, cube in parts:
        own: set[str] = set()
        for source in cube.sources:
            where = f"{source.name} in {name}"
            once = source.sha256 in own and gives_ids(source.reader)
            if not source.sha256:
                continue  # rows of a frame, whose content is not known
            if source.sha256 in seen and not once:
                again.append((where, seen[source.sha256]))
            seen.setdefault(source.sha256, where)
            own.add(source.sha256)
    return again


def refuse_twice(parts: Iterable[tuple[str, Cube]]) -> None:
    """Raise LogError where the content of a source is there more than once."""
    again = counted_twice(parts)
    if again:
        name, before = again[0]
        others = f", and {len(again) - 1:,} more" if len(again) > 1 else ""
        raise LogError(
            f"{name} has the same content as {before}{others}, and would be counted twice; leave one out, or build or"
            " merge a cube with --count-twice"
        )


def _added_calls(parts: Iterable[tuple[str | None, int]]) -> tuple[tuple[str | None, int], ...]:
    """(model, calls), added up by model."""
    added: Counter[str | None] = Counter()
    for model, calls in parts:
        added[model] += calls
    return tuple(sorted(added.items(), key=lambda item: (item[0] or "", item[1])))


def _union(lists: Iterable[Sequence[int]]) -> tuple[int, ...]:
    return tuple(sorted({edge for each in lists for edge in each}))


def _refined(
    name: str, cube: Cube, cuts: Sequence[int], sizes: Sequence[int], edges: Sequence[int], find: Finder
) -> Cells:
    """The cells of a cube as if it were cut by these lists, which hold its own."""
    cells = cube.cells
    columns = cells.columns
    if tuple(cuts) != cube.cuts_us:
        first, last = (_number(cuts, columns[each]) for each in ("first_us", "last_us"))
        days = set(cuts) - set(cube.cuts_us)
        _refuse(name, cells, _astride(cells, days, find), lambda at: _days_within(days, cells[at]))
        # -1, an unknown time, is before all cuts: number 0, which stands for None
        own = np.array([0 if at is None else cuts.index(at) + 1 for at in cells.values["since_us"]], np.int64)
        since = np.where(first == last, first, own[columns["since_us"]])
        cells = Cells.of({**columns, "since_us": since}, {**cells.values, "since_us": [None, *cuts]})
        columns = cells.columns
    if tuple(sizes) != cube.thresholds:
        total = sum(columns[each] for each in INPUT_BUCKETS)
        # a call is not larger than its cell
        inside = [[size for size in sizes if low < size < high] for low, high in _intervals(cube.thresholds)]
        least = np.array([each[0] if each else np.iinfo(np.int64).max for each in inside])
        unclear = total > least[columns["tier"]]
        _refuse(name, cells, unclear, lambda at: f"{least[columns['tier'][at]]:,} input tokens")
        cells = cells.with_column(tier=np.searchsorted(sizes, [-1, *cube.thresholds], "right")[columns["tier"]])
        columns = cells.columns
    if tuple(edges) != cube.day_edges_us:
        part = columns["day_part"]
        by_hour = part != UNKNOWN_TIME
        lows = [low for low, _ in _intervals(cube.day_edges_us)]
        split = np.array([any(low < edge < high for edge in edges) for low, high in _intervals(cube.day_edges_us)])
        _refuse(name, cells, by_hour & split[part], lambda _: "other times of day")
        cells = cells.with_column(day_part=np.where(by_hour, np.searchsorted(edges, lows, "right")[part], part))
    return cells


def _number(edges: Sequence[int], values: Array) -> Array:
    """How many of the edges are at or below each value."""
    return np.searchsorted(np.array(edges, np.int64), values, "right")


def _astride(cells: Cells, days_us: set[int], find: Finder) -> Array:
    """Which cells have calls before and after one of these instants on which their own model's price changes."""
    found = np.zeros(len(cells), np.bool_)
    pairs, pair_of = cells.pairs()
    for number, pair in enumerate(pairs):
        model = find(*pair)
        own = (
            [] if isinstance(model, str) else [us for day in model.since_days() if (us := midnight_us(day)) in days_us]
        )
        if own:
            mine = np.flatnonzero(pair_of == number)
            first, last = (_number(own, cells.columns[each][mine]) for each in ("first_us", "last_us"))
            found[mine] = first != last
    return found


def _days_within(days_us: Iterable[int], cell: Cell) -> str:
    """The instants among these between a cell's first and last call, as days."""
    first, last = cell.first_us or 0, cell.last_us or 0
    return ", ".join(
        str((EPOCH + dt.timedelta(microseconds=us)).date()) for us in sorted(days_us) if first < us <= last
    )


def _intervals(edges: Sequence[int]) -> list[tuple[int, float]]:
    """The intervals between ascending edges of whole numbers from 0 on."""
    return list(zip((-1, *edges), (*edges, float("inf")), strict=True))


def _refuse(name: str, cells: Cells, unclear: Array, where: Callable[[int], str]) -> None:
    """Raise LogError where cells may lie on both sides of a cut."""
    if unclear.any():
        at = int(np.flatnonzero(unclear)[0])
        cell = cells[at]
        raise LogError(
            f"{name} is not cut at {where(at)}, where the others are, and has calls of {cell.model} on both sides in"
            f" one sum ({int(unclear.sum()):,} such cells); build {name} again from its logs"
        )


def _found(parts: Iterable[FoundTask]) -> tuple[FoundTask, ...]:
    """Where the names of tasks are from, each task once, those from the log left out."""
    ways: dict[str, dict[str, None]] = {}
    members: dict[str, dict[str, None]] = {}
    for each in parts:
        ways.setdefault(each.task, {})[each.found_by] = None
        members.setdefault(each.task, {}).update(dict.fromkeys(each.members))
    found = (
        FoundTask(task, next(iter(ways[task])) if len(ways[task]) == 1 else "several", tuple(members[task]))
        for task in sorted(ways)
    )
    return tuple(each for each in found if each != from_log(each.task))
