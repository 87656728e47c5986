"""A way to serve the calls, as cost lines: what is billed, how much of it, at which price, says who."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from breakeven.catalogue.records import Source

When = Literal["per call", "per month", "once"]


@dataclass(frozen=True, slots=True)
class Workload:
    """
    One month of calls, and what an average call holds.

    calls_per_month : calls in month 1. [1/month]
    input_tokens, output_tokens : per call, cached and reasoning tokens included. [tokens]
    cached_share, cache_write_share : of the input tokens, read from and written to the provider's cache. [1]
    batch_share : of the calls, sent through the batch interface. [1]
    """

    calls_per_month: float
    input_tokens: float
    output_tokens: float
    cached_share: float = 0.0
    cache_write_share: float = 0.0
    batch_share: float = 0.0

    @property
    def request_input_tokens(self) -> int:
        """Input tokens of an average request, for long-context tiers. [tokens]"""
        return int(self.input_tokens)


@dataclass(frozen=True, slots=True)
class CostLine:
    """
    One line of a cost statement.

    quantity : per call, per month or once, as ``when`` says, in ``unit``.
    usd_per_unit : None where no price is known; the line is then left out of sums and named as unknown. [USD]
    part : what the line is made of, for sums over options: input, output, hosting, training, data, people, failure.
    source : where the price comes from, as people read it.
    low, high : band of an estimated line, as multiples of its amount; both 1 where it is not estimated.
    """

    name: str
    quantity: float
    unit: str
    usd_per_unit: float | None
    when: When
    part: str
    source: str
    low: float = 1.0
    high: float = 1.0

    @property
    def usd(self) -> float | None:
        """Quantity times price, None where the price is unknown. [USD per call, per month, or once]"""
        return None if self.usd_per_unit is None else self.quantity * self.usd_per_unit


@dataclass(frozen=True, slots=True)
class Fleet:
    """
    Whole units of machines, as many as the calls need: a staircase over the volume.

    calls_per_unit : calls a month, spread evenly, that one unit carries at the use aimed at. [1/month]
    usd_per_unit : what one unit costs that is up all month. [USD/month]
    counted : units that the option's "per month" lines hold, those of its first month; parts of a unit where units
        are switched off for a part of the time.
    profile : (calls at a time over their mean, share of the time), the shares adding up to 1. One entry, the peak, is
        a fleet that is up all the time; more entries are a fleet that follows the load.
    least : units that are always up.
    spare : units beyond those needed.
    """

    calls_per_unit: float
    usd_per_unit: float
    counted: float
    profile: tuple[tuple[float, float], ...]
    least: int = 1
    spare: int = 0

    def units(self, calls_per_month: ArrayLike) -> NDArray[np.float64]:
        """Units that are up on average, for calls a month of any shape."""
        calls = np.asarray(calls_per_month, float)[..., np.newaxis]
        multiples, shares = (np.array(each) for each in zip(*self.profile, strict=True))
        # A load that fills a unit to the last call needs no second one: rounding must not buy it.
        needed = np.ceil(np.round(calls * multiples / self.calls_per_unit, 9))
        return np.asarray((np.maximum(self.least, needed) + self.spare) @ shares)

    def beyond_usd(self, calls_per_month: ArrayLike) -> NDArray[np.float64]:
        """What the units cost beyond the ``counted`` ones, less than zero where fewer are needed. [USD/month]"""
        return (self.units(calls_per_month) - self.counted) * self.usd_per_unit


@dataclass(frozen=True)
class Option:
    """
    One way to serve the workload.

    lines : everything it costs in month 1 and once; see ``CostLine``.
    later : price changes already announced: (first month it counts in, its "per call" lines from then on).
    fleet : how its "per month" lines change with the calls, None where they do not.
    retrain_usd : one more training, without data and people; None where its price is unknown. [USD]
    life_months : months until it stops being served, None where nothing is announced. [months]
    why_unavailable : why it cannot be ordered, None where it can.
    unknowns : what is not known about its cost.
    notes : facts that a reader should see beside it.
    caution : what its saving takes for granted, "" for nothing.
    sources : where its figures come from.
    """

    id: str
    label: str
    kind: str
    lines: tuple[CostLine, ...]
    later: tuple[tuple[int, tuple[CostLine, ...]], ...] = ()
    fleet: Fleet | None = None
    retrain_usd: float | None = 0.0
    life_months: float | None = None
    why_unavailable: str | None = None
    unknowns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    caution: str = ""
    sources: tuple[Source, ...] = ()
    _by_kind: dict[str, list[CostLine]] = field(init=False, repr=False, compare=False)
    _known: dict[str, float] = field(init=False, repr=False, compare=False)
    _open: set[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds: dict[str, list[CostLine]] = {"per call": [], "per month": [], "once": []}
        known = dict.fromkeys(kinds, 0.0)
        open_kinds = set()
        for line in self.lines:
            kinds[line.when].append(line)
            usd = line.usd
            if usd is None:
                open_kinds.add(line.when)
            else:
                known[line.when] += usd
        object.__setattr__(self, "_by_kind", kinds)
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "_open", open_kinds)

    def of(self, when: When) -> list[CostLine]:
        """Its lines of one kind."""
        return self._by_kind[when]

    def at_least(self, when: When) -> float:
        """What its lines of one kind cost, those without a price counted as 0. [USD]"""
        return self._known[when]

    def is_known(self, *whens: When) -> bool:
        """Whether every line of these kinds has a price; of all kinds where none is named."""
        return not (self._open.intersection(whens) if whens else self._open)


def total_usd(lines: Iterable[CostLine]) -> float | None:
    """Sum of lines, None where one of them has no price. [USD]"""
    amounts = [line.usd for line in lines]
    return None if None in amounts else float(sum(amount for amount in amounts if amount is not None))


def known_usd(lines: Iterable[CostLine]) -> float:
    """Sum of those lines that have a price: the least the lines cost. [USD]"""
    return float(sum(line.usd or 0.0 for line in lines))
