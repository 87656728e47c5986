"""
The cells of a cube as columns of integers: a cube of millions of cells is read, added up and priced in a second.

Text and epochs are kept as numbers of a short sorted list of their values. To Python a ``Cells`` is a sequence of
``Cell``; what must be fast works on its columns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from breakeven.errors import LogError
from breakeven.usage.calls import ALL_TASKS, TOKENS

Array = npt.NDArray[Any]

UNKNOWN_TIME = -1
"""Epoch, part of the day, first and last time of a call without a time."""

MAX_SUM = 2**63 - 1

MAX_DOUBLE = 2**53
"""Whole numbers below this are exact as floating point. Sums of them only grow: one that stays below was exact."""

Codes = Mapping[str, Mapping[int, str | None]]
"""Column of names -> number that stands for a name -> that name."""

NO_CODES: Codes = MappingProxyType({})

_PIECE_BITS = 21


class Cell(NamedTuple):
    """
    Sums over all good log rows alike in what a price can depend on.

    since_us : start of the epoch, UTC, from the cube's ``cuts_us``; None where the time is unknown. [us]
    day_part : number of ``day_edges_us`` at or before the time of day; -1 where the time is unknown, or where the
        cell holds whole days because its model has one price all day.
    tier : number of ``thresholds`` below the input tokens of one call; 0 where the calls are unknown.
    rows, calls : log rows, and calls they stand for as far as that is known.
    input_tokens ... reasoning_tokens : as in ``calls``. [tokens]
    reported_cost_nano, reported_calls : cost the log states, and the calls it states one for. [nano-USD]
    first_us, last_us : first and last time. [us]
    """

    task: str
    model: str | None
    provider: str | None
    since_us: int | None
    day_part: int
    tier: int
    batch: bool
    service_tier: str | None
    ok: bool
    rows: int
    calls: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_short_tokens: int
    cache_write_long_tokens: int
    output_tokens: int
    reasoning_tokens: int
    reported_cost_nano: int
    reported_calls: int
    first_us: int | None
    last_us: int | None


CODED = ("task", "model", "provider", "since_us", "service_tier")
"""Columns kept as numbers of a list of values."""

KEYS = Cell._fields[:9]
SUMS = ("rows", "calls", *TOKENS, "reported_cost_nano", "reported_calls")


def task_name(text: str | None) -> str:
    """A task as it is shown: without blanks around it, "all" where there is nothing."""
    return (text or "").strip() or ALL_TASKS


def name_or_none(text: str | None) -> str | None:
    """A model or provider without blanks around it, None where there is nothing."""
    return (text or "").strip() or None


TIDY: Mapping[str, Callable[[Any], Any]] = {"task": task_name, "model": name_or_none, "provider": name_or_none}
"""How the values of a column are spelled in a cube."""


class Cells(Sequence[Cell]):
    """
    Cells of a cube, sorted by their keys, each key once.

    Parameters
    ----------
    columns : mapping
        Field of ``Cell`` -> array; of those in ``CODED``, numbers into ``values``. Unknown times are -1.
    values : mapping
        Field in ``CODED`` -> its values, ascending, None first.

    The arrays are taken as they are: sorted, each key once. ``Cells.of`` sees to that. A column of one value throughout
    may be stored as that value, broadcast.
    """

    def __init__(self, columns: Mapping[str, Array], values: Mapping[str, tuple[Any, ...]]) -> None:
        self.columns = {name: columns[name] for name in Cell._fields}
        self.values = {name: values[name] for name in CODED}

    @classmethod
    def of(cls, columns: Mapping[str, Array], values: Mapping[str, Sequence[Any]]) -> "Cells":
        """
        Cells from columns in any order, values spelled in any way; those with the same key are added up.

        Raises LogError where a sum is above 2^63 - 1.
        """
        return cls(*added_up(columns, values, CODED, KEYS))

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Any]]) -> "Cells":
        """Cells from tuples of the fields of ``Cell``, in any order; those with the same key are added up."""
        return cls.of(*columns_of(rows))

    @classmethod
    def as_given(cls, rows: Iterable[Sequence[Any]]) -> "Cells":
        """Cells from such tuples, in their order and even where keys are alike: to be priced one by one."""
        columns, values = columns_of(rows)
        return cls(columns, {name: tuple(column) for name, column in values.items()})

    @classmethod
    def joined(cls, parts: Sequence["Cells"]) -> "Cells":
        """The cells of several cubes as those of one; those with the same key are added up."""
        return cls.of(*stacked([(part.columns, part.values) for part in parts], Cell._fields, CODED))

    def with_column(self, **columns: Array) -> "Cells":
        """The same cells with other keys; those that are then alike are added up."""
        return Cells.of(self.columns | columns, self.values)

    def total(self, name: str) -> int:
        """The exact sum of a count over all cells."""
        return group_sums(self.columns[name], np.zeros(len(self), np.intp), 1)[0]

    def pairs(self) -> tuple[list[tuple[str | None, str | None]], Array]:
        """The pairs of model and provider that occur, and for each cell the number of its pair."""
        codes, found = distinct(packed([self.columns["model"], self.columns["provider"]]))
        first = [(int(self.columns["model"][at]), int(self.columns["provider"][at])) for at in found]
        return [(self.values["model"][model], self.values["provider"][provider]) for model, provider in first], codes

    def __len__(self) -> int:
        return len(self.columns["rows"])

    def __iter__(self) -> Iterator[Cell]:
        for at in range(0, len(self), 4096):
            yield from map(Cell._make, zip(*self._lists(slice(at, at + 4096)), strict=True))

    @overload
    def __getitem__(self, at: int) -> Cell: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Cell]: ...
    def __getitem__(self, at: int | slice) -> Cell | Sequence[Cell]:
        if isinstance(at, slice):
            return tuple(map(Cell._make, zip(*self._lists(at), strict=True)))
        number = range(len(self))[at]
        return next(map(Cell._make, zip(*self._lists(slice(number, number + 1)), strict=True)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"<{len(self)} cells>"

    def _lists(self, at: slice) -> Iterator[list[Any]]:
        """The values of a slice, field by field."""
        for name, column in self.columns.items():
            numbers = column[at].tolist()
            if name in CODED:
                values = self.values[name]
                yield [values[number] for number in numbers]
            elif name in ("first_us", "last_us"):
                yield [None if number == UNKNOWN_TIME else number for number in numbers]
            else:
                yield numbers


def columns_of(rows: Iterable[Sequence[Any]]) -> tuple[dict[str, Array], dict[str, list[Any]]]:
    """Tuples of the fields of ``Cell`` as columns, and the values that numbers in those of ``CODED`` mean."""
    lists = list(zip(*rows, strict=True)) or [()] * len(Cell._fields)
    columns: dict[str, Array] = {}
    values: dict[str, list[Any]] = {}
    for name, column in zip(Cell._fields, lists, strict=True):
        if name in CODED:
            values[name] = list(dict.fromkeys(column))
            place = {value: number for number, value in enumerate(values[name])}
            columns[name] = np.array([place[value] for value in column], np.int32)
        else:
            whole = [UNKNOWN_TIME if value is None else int(value) for value in column]
            if max(whole, default=0) > MAX_SUM:
                raise LogError(f"{name}: the sum is above 2^63 - 1, which no real log reaches; check its units")
            columns[name] = np.array(whole, np.bool_ if name in ("batch", "ok") else np.int64)
    return columns, values


def added_up(
    columns: Mapping[str, Array], values: Mapping[str, Sequence[Any]], coded: Sequence[str], keys: Sequence[str]
) -> tuple[dict[str, Array], dict[str, tuple[Any, ...]]]:
    """
    Columns sorted by ``keys``, rows alike in these added up, values spelled as in a cube and ascending.

    Raises LogError where a sum is above 2^63 - 1.
    """
    ordered, found = {}, dict(columns)
    for name in coded:
        tidy = [TIDY.get(name, _as_it_is)(value) for value in values[name]]
        ordered[name] = tuple(sorted(set(tidy), key=_none_first))
        place = {value: number for number, value in enumerate(ordered[name])}
        found[name] = _taken(np.array([place[value] for value in tidy], np.int32), columns[name])
    key = packed([found[name] for name in keys])
    if not len(key):
        return found, ordered
    if (key[1:] > key[:-1]).all():
        return found, ordered
    order = np.argsort(key)
    key = key[order]
    found = {name: _taken(column, order) for name, column in found.items()}
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    if len(starts) < len(key):
        found = {name: _reduced(name, column, starts) for name, column in found.items()}
    return found, ordered


def stacked(
    parts: Sequence[tuple[Mapping[str, Array], Mapping[str, Sequence[Any]]]], names: Sequence[str], coded: Sequence[str]
) -> tuple[dict[str, Array], dict[str, Sequence[Any]]]:
    """Columns one part after the other, and the values that their numbers then mean."""
    columns: dict[str, Array] = {}
    values: dict[str, Sequence[Any]] = {}
    for name in names:
        column = [part[name] for part, _ in parts]
        if name in coded:
            offsets = np.cumsum([0, *(len(known[name]) for _, known in parts)])
            column = [codes + offset for codes, offset in zip(column, offsets, strict=False)]
            values[name] = [value for _, known in parts for value in known[name]]
        columns[name] = np.concatenate(column)
    return columns, values


def packed(columns: Sequence[Array]) -> Array:
    """One whole number per row that orders and tells apart rows as these columns of whole numbers do."""
    keys = np.zeros(len(columns[0]), np.int64)
    room = 1
    for column in columns:
        if not len(column):
            break
        least, most = int(column.min()), int(column.max())
        size = most - least + 1
        if room * size > MAX_SUM:
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
            column = np.unique(column, return_inverse=True)[1]
            room, least, size = int(keys.max()) + 1, 0, int(column.max()) + 1
        if size > 1:
            keys *= size
            keys += column.astype(np.int64) - least if least else column
        room *= size
    return keys


def distinct(keys: Array) -> tuple[Array, Array]:
    """For each row the number of its key among the ascending different keys, and where each of these first stands."""
    most = int(keys.max()) if len(keys) else -1
    if most > max(1 << 22, 4 * len(keys)):
        _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
        return codes, first
    place = np.full(most + 1, -1, np.intp)
    place[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
    present = place >= 0
    return (np.cumsum(present) - 1)[keys], place[present]


def group_sums(counts: Array, codes: Array, groups: int) -> list[int]:
    """
    Exact sums of counts by group, as Python integers.

    ``bincount`` adds doubles, which are exact below 2^53; counts are added in pieces small enough for that.
    """
    if not len(counts):
        return [0] * groups
    if int(counts.max()) * len(counts) < 2**53:
        sums: list[int] = np.bincount(codes, counts, groups).astype(np.int64).tolist()
        return sums
    pieces = []
    for shift in range(0, 63, _PIECE_BITS):
        piece = (counts >> shift) & ((1 << _PIECE_BITS) - 1)
        pieces.append(np.bincount(codes, piece, groups).astype(np.int64).tolist())
    return [
        low + (middle << _PIECE_BITS) + (high << 2 * _PIECE_BITS) for low, middle, high in zip(*pieces, strict=True)
    ]


def _reduced(name: str, column: Array, starts: Array) -> Array:
    """A column of sorted cells, those from one start to the next made one."""
    if name == "first_us":
        return np.minimum.reduceat(column, starts)
    if name == "last_us":
        return np.maximum.reduceat(column, starts)
    if name not in SUMS:
        return column[starts]
    if float(np.add.reduceat(column.astype(np.float64), starts).max()) > 0.999 * MAX_SUM:
        raise LogError(f"{name}: the sum is above 2^63 - 1, which no real log reaches; check its units")
    return np.add.reduceat(column, starts)


def _taken(column: Array, places: Array) -> Array:
    """``column[places]``. Where either is one value repeated, stored once, so is the result."""
    if len(places) and places.strides == (0,):
        return np.broadcast_to(column[places[0]], len(places))
    if len(column) and column.strides == (0,):
        return np.broadcast_to(column[0], len(places))
    return column[places]


def _none_first(value: Any) -> tuple[bool, Any]:
    return value is not None, value


def _as_it_is(value: Any) -> Any:
    return value
