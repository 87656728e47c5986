"""Calls by size: a histogram for each task and model, kept as columns, as there may be millions of buckets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from breakeven.usage.cells import Array, added_up, packed, stacked

INPUT, OUTPUT = 0, 1
"""``side`` of a bucket: calls by their input, calls by their output."""

CODED = ("task", "model")
KEYS = (*CODED, "side", "bucket")
COLUMNS = (*KEYS, "calls")


@dataclass(frozen=True, slots=True)
class Histogram:
    """
    Calls of one task and model by size, in buckets of 5 %. Only calls that succeeded and were billed.

    input_calls, output_calls : (bucket, calls), ascending; bucket b holds 1.05^b to 1.05^(b+1) tokens, -1 none.
    """

    task: str
    model: str | None
    input_calls: tuple[tuple[int, int], ...]
    output_calls: tuple[tuple[int, int], ...]


class Histograms(Sequence[Histogram]):
    """
    The histograms of a cube, by task and model.

    Parameters
    ----------
    columns : mapping
        ``COLUMNS`` -> array; task and model are numbers into ``values``.
    values : mapping
        "task", "model" -> names, spelled in any way. Buckets of the same key are added up.
    """

    def __init__(self, columns: Mapping[str, Array], values: Mapping[str, Sequence[Any]]) -> None:
        self.columns, self.values = added_up(columns, values, CODED, KEYS)
        pairs = packed([self.columns[name] for name in CODED])
        ends = np.flatnonzero(pairs[1:] != pairs[:-1]) + 1 if len(pairs) else np.arange(0)
        self.starts = np.concatenate(([0], ends, [len(pairs)])) if len(pairs) else np.arange(1)

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str | None, str | None, int, int, int]]) -> "Histograms":
        """Histograms from tuples of ``COLUMNS``, in any order."""
        lists = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        values = {name: list(dict.fromkeys(column)) for name, column in zip(CODED, lists, strict=False)}
        columns = {name: np.array(column, np.int64) for name, column in zip(COLUMNS[2:], lists[2:], strict=True)}
        for name, column in zip(CODED, lists, strict=False):
            place = {value: number for number, value in enumerate(values[name])}
            columns[name] = np.array([place[value] for value in column], np.int32)
        return cls(columns, values)

    @classmethod
    def joined(cls, parts: Sequence["Histograms"]) -> "Histograms":
        """The histograms of several cubes added up."""
        return cls(*stacked([(part.columns, part.values) for part in parts], COLUMNS, CODED))

    def quantiles(self, shares: Sequence[float]) -> dict[tuple[str, str | None, int], tuple[int, tuple[int, ...]]]:
        """
        Task, model and side -> the calls there, and for each share the bucket that holds the call of that rank.

        Without those that have no calls.
        """
        columns = self.columns
        if not len(columns["calls"]):
            return {}
        key = packed([columns[name] for name in (*CODED, "side")])
        starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        spans = np.diff(np.concatenate((starts, [len(key)])))
        reached = np.cumsum(columns["calls"])
        reached -= np.repeat(reached[starts] - columns["calls"][starts], spans)
        totals = reached[starts + spans - 1]
        found = []
        for share in shares:
            is_past = (reached >= np.repeat(share * totals, spans)) & (columns["calls"] > 0)
            places = np.minimum.reduceat(np.where(is_past, np.arange(len(key)), len(key)), starts)
            found.append(columns["bucket"][np.minimum(places, len(key) - 1)].tolist())
        names = (self.values[name] for name in CODED)
        tasks, models = (
            [values[code] for code in columns[name][starts].tolist()] for name, values in zip(CODED, names, strict=True)
        )
        rows = zip(
            tasks, models, columns["side"][starts].tolist(), totals.tolist(), zip(*found, strict=True), strict=True
        )
        return {(task, model, side): (calls, buckets) for task, model, side, calls, buckets in rows if calls}

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, at: int) -> Histogram: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Histogram]: ...
    def __getitem__(self, at: int | slice) -> Histogram | Sequence[Histogram]:
        if isinstance(at, slice):
            return tuple(self[number] for number in range(len(self))[at])
        number = range(len(self))[at]
        first, end = int(self.starts[number]), int(self.starts[number + 1])
        task, model = (self.values[name][int(self.columns[name][first])] for name in CODED)
        sides = []
        for side in (INPUT, OUTPUT):
            mine = first + np.flatnonzero(self.columns["side"][first:end] == side)
            sides.append(tuple(zip(*(self.columns[name][mine].tolist() for name in ("bucket", "calls")), strict=True)))
        return Histogram(task, model, *sides)

    def __iter__(self) -> Iterator[Histogram]:
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"<{len(self)} histograms>"
