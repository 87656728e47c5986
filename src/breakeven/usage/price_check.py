"""
Our price beside the cost a log states, by model, and the likely cause of a difference.

A cause is never guessed: it is a way of counting or pricing under which the same cells are priced again, and it is
named only where the result is the stated cost, cell by cell. The ways are in ``hypotheses``.
"""

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from itertools import combinations
from typing import Any, TypeVar

import narwhals.stable.v2 as nw

from breakeven.usage.calls import COST_ONLY, ZERO_COST
from breakeven.usage.cells import SUMS, Cell, Cells, name_or_none
from breakeven.usage.cube import Cube, RowsOf, build
from breakeven.usage.hypotheses import AGREES, Hypothesis, hypotheses
from breakeven.usage.models import Finder
from breakeven.usage.price import DIGITS, Bill, price_cube
from breakeven.usage.profile import NANO

SAME = 1e-4
"""Two amounts are the same within this share of the larger one. [1]"""

ROUNDING_USD = 5e-7
"""Logs round each call's cost by up to this; over n calls that adds up to its product with the root of n. [USD]"""

ALIKE = 1e-3
"""A ratio is the same in every cell within this share. [1]"""

IN_PART = 0.1
"""A cause that leaves this share of the difference, or less, is named as part of it. [1]"""

MAX_PAIRED_CELLS = 3000
"""Causes are tried in pairs where no single one fits, from two cells, which rule out chance, to so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCheck:
    """
    One model: our price and the stated cost of those calls that state one.

    model, priced_as : as logged; the list price used, "" where there is none.
    calls : all good calls.
    compared_calls : those with a stated cost other than 0; the amounts are of these.
    zero_calls : those with a stated cost of 0 though tokens were billed.
    cost_usd : None where we have no price. [USD]
    reported_cost_usd : None where no cost is stated. [USD]
    cause : one word, see ``hypotheses``.
    explanation : the same in a sentence.
    explained_share : how much of the difference the cause accounts for, None where there is none. [1]
    compared : "calls", or "reports" where a usage report is compared with a cost report, see ``report_check.py``.
    """

    model: str | None
    priced_as: str
    calls: int
    compared_calls: int
    zero_calls: int
    cost_usd: Decimal | None
    reported_cost_usd: Decimal | None
    cause: str
    explanation: str
    explained_share: float | None
    compared: str = "calls"

    @property
    def difference_usd(self) -> Decimal | None:
        """Stated cost less ours. [USD]"""
        if self.cost_usd is None or self.reported_cost_usd is None:
            return None
        return self.reported_cost_usd - self.cost_usd


def check_prices(
    log: nw.LazyFrame[Any],
    absent: Collection[str],
    cube: Cube,
    bill: Bill,
    rows_of: RowsOf,
    find: Finder,
    as_of: dt.date,
) -> tuple[PriceCheck, ...]:
    """
    Compare, for each model of a log that states costs, the largest difference first.

    The log is asked again only where some calls of a cell state a cost and some do not.

    Parameters
    ----------
    log : LazyFrame
        The rows that the cube is made of, in canonical columns with ``ZERO_COST``.
    absent : collection of str
        As for ``cube.cells``.
    rows_of : callable
        How to run a query.
    """
    if "reported_cost_nano" in absent:
        return ()
    if any(map(_may_be_mixed, cube.cells)):
        stated = log.filter(~nw.col("reported_cost_nano").is_null())
        cells = build(stated, rows_of, find, cube.span_us(), absent, billing_zone=cube.billing_zone).cells
    else:
        cells = cube.cells
    return compare(cube, bill, cells, find, as_of)


def check_cube(cube: Cube, bill: Bill, find: Finder, as_of: dt.date) -> tuple[PriceCheck, ...]:
    """As ``check_prices``, without a log: cells of which some calls state no cost, or one of 0, are left out."""
    if not (any(cube.cells.columns["reported_calls"]) or cube.zero_calls):
        return ()
    return compare(cube, bill, cube.cells, find, as_of)


def zero_calls(log: nw.LazyFrame[Any], absent: Collection[str], rows_of: RowsOf) -> tuple[tuple[str | None, int], ...]:
    """(model, calls) of the good calls that state a cost of 0 though tokens were billed; as ``check_prices``."""
    if "reported_cost_nano" in absent:
        return ()
    zeros: Counter[str | None] = Counter()
    stated = log.filter(nw.col(ZERO_COST) & ~nw.col("faulty")).with_columns(nw.col("calls").cast(nw.Int64))
    for model, calls in rows_of(stated.group_by("model").agg(nw.col("calls").sum())):
        zeros[name_or_none(model)] += int(calls)
    return tuple(sorted(zeros.items(), key=lambda item: (item[0] or "", item[1])))


def _may_be_mixed(cell: Cell) -> bool:
    """Whether some calls of a cell may state a cost and some none; of an unknown number of calls that is not known."""
    if cell.calls:
        return 0 < cell.reported_calls < cell.calls
    return cell.rows > 1 and cell.reported_cost_nano > 0


def compare(cube: Cube, bill: Bill, stated: Iterable[Cell], find: Finder, as_of: dt.date) -> tuple[PriceCheck, ...]:
    """
    As ``check_prices``, from cells.

    Parameters
    ----------
    stated : iterable of Cell
        Sums over calls that state a cost; cells of which only some calls do are left out, and those that state a cost
        and no tokens.
    """
    zeros = Counter(dict(cube.zero_calls))
    totals: Counter[str | None] = Counter()
    names: dict[str | None, set[str]] = defaultdict(set)
    for cell, priced_as in zip(cube.cells, bill.priced_as, strict=True):
        totals[cell.model] += cell.calls
        names[cell.model] |= {priced_as} - {""}
    groups: dict[str | None, list[Cell]] = defaultdict(list)
    for cell in stated:
        if cell.reported_calls == cell.calls and cell.reported_cost_nano > 0 and cell.service_tier != COST_ONLY:
            groups[cell.model].append(cell)
    with localcontext() as context:
        context.prec = DIGITS
        found = [
            _check(
                replace(cube, cells=Cells.as_given(groups[model])),
                model,
                totals,
                names[model],
                zeros[model],
                find,
                as_of,
            )
            for model in totals
            if model in groups or zeros[model]
        ]
    return tuple(
        sorted(found, key=lambda each: (-abs(each.difference_usd or Decimal(0)), -each.calls, each.model or ""))
    )


def _check(
    cube: Cube,
    model: str | None,
    totals: Counter[str | None],
    names: set[str],
    zeros: int,
    find: Finder,
    as_of: dt.date,
) -> PriceCheck:
    cells = list(cube.cells)
    stated = [cell.reported_cost_nano * NANO for cell in cells]
    ours = price_cube(cube, find, as_of).usd
    known = [usd for usd in ours if usd is not None]
    if not cells:
        cause, words, share = "zero_stated", "", None
    elif len(known) < len(cells):
        cause, words, share = "no_price", "no list price to compare it with", None
    else:
        cause, words, share = explain(cube, stated, known, find, as_of)
        apart = [i for i, cell in enumerate(cells) if not _fits([cell], [stated[i]], [known[i]])]
        if share != 1 and 0 < len(apart) < len(cells):
            odd = replace(cube, cells=Cells.as_given(cells[i] for i in apart))
            cause, words, share = explain(odd, [stated[i] for i in apart], [known[i] for i in apart], find, as_of)
            alike = sum(cell.calls for cell in cells) - sum(cell.calls for cell in odd.cells)
            words = f"{alike:,} calls agree; in the others {words}"
    if zeros:
        zero = f"{zeros:,} calls state a cost of 0: the log states no cost there; 0 is not free"
        words = f"{words}; {zero}" if words else zero
    return PriceCheck(
        model=model,
        priced_as=", ".join(sorted(names)),
        calls=totals[model],
        compared_calls=sum(cell.calls for cell in cells),
        zero_calls=zeros,
        cost_usd=sum(known, Decimal(0)) if cells and len(known) == len(cells) else None,
        reported_cost_usd=sum(stated, Decimal(0)) if cells else None,
        cause=cause,
        explanation=words,
        explained_share=share,
    )


def explain(
    cube: Cube,
    stated: Sequence[Decimal],
    ours: Sequence[Decimal],
    find: Finder,
    as_of: dt.date,
    group_of: Sequence[int] | None = None,
) -> tuple[str, str, float | None]:
    """
    The cause of a difference, in a word and a sentence, and the share of it that it accounts for.

    Parameters
    ----------
    stated, ours : sequence of Decimal
        The stated costs and our prices that are compared, of the cells or of groups of them. [USD]
    group_of : sequence of int, optional
        The group of each cell, by number; where it is not given each cell is one.
    """
    cells = [_sum(group) for group in _grouped(cube.cells, group_of, len(stated))]
    if _fits(cells, stated, ours):
        return AGREES, "the stated cost is our price", None
    tried: list[tuple[float, int, tuple[Hypothesis, ...]]] = []
    single = hypotheses(cube, find)
    pairs = list(combinations(single, 2)) if len(cells) >= 2 and len(cube.cells) <= MAX_PAIRED_CELLS else []
    gap = _distance(stated, ours)
    given = list(cube.cells)

    def attempt(ways: tuple[Hypothesis, ...]) -> bool:
        changed = given
        for way in ways:
            changed = [way.change(cell) for cell in changed]
        if changed == given:
            return False
        usd = price_cube(replace(cube, cells=Cells.as_given(changed)), find, as_of).usd
        if any(each is None for each in usd):
            return False
        priced = [
            sum(group, Decimal(0)) for group in _grouped([each or Decimal(0) for each in usd], group_of, len(cells))
        ]
        tried.append((_distance(stated, priced) / gap, len(tried), ways))
        return _fits(cells, stated, priced)

    fitting = [way for way in single if attempt((way,))]
    if fitting:
        _, _, (best,) = min(each for each in tried if each[2][0] in fitting)
        return best.cause, best.words, 1.0
    factor = _factor(cells, stated, ours)
    if factor is not None:
        return "constant_factor", _factor_words(factor, len(cells)), 1.0
    for pair in pairs:
        if attempt(pair):
            return "+".join(way.cause for way in pair), " and ".join(way.words for way in pair), 1.0
    left, _, ways = min((each for each in tried if len(each[2]) == 1), default=(1.0, 0, ()))
    if ways and left <= IN_PART:
        return ways[0].cause, f"in part ({1 - left:.0%} of it): {ways[0].words}", 1 - left
    return "unexplained", "no way of counting or pricing that was tried gives the stated cost", None


T = TypeVar("T")


def _grouped(values: Iterable[T], group_of: Sequence[int] | None, groups: int) -> list[list[T]]:
    """Values by group; each its own where no groups are given."""
    if group_of is None:
        return [[value] for value in values]
    found: list[list[T]] = [[] for _ in range(groups)]
    for group, value in zip(group_of, values, strict=True):
        found[group].append(value)
    return found


def _sum(cells: Sequence[Cell]) -> Cell:
    """Cells as one, as far as its counts go."""
    if len(cells) == 1:
        return cells[0]
    sums = {name: sum(getattr(cell, name) for cell in cells) for name in SUMS}
    return cells[0]._replace(**sums)


def _fits(cells: Sequence[Cell], stated: Sequence[Decimal], priced: Sequence[Decimal]) -> bool:
    """Whether amounts are the stated ones, cell by cell."""
    return all(
        abs(one - other) <= SAME * max(float(one), float(other)) + _rounding(cell, float(one))
        for cell, one, other in zip(cells, stated, priced, strict=True)
    )


def _rounding(cell: Cell, usd: float) -> float:
    """What rounding each call's cost may add up to, at most a thousandth. [USD]"""
    return min(ROUNDING_USD * math.sqrt(cell.calls), 0.001 * usd)


def _distance(stated: Sequence[Decimal], priced: Sequence[Decimal]) -> float:
    return float(sum((abs(one - other) for one, other in zip(stated, priced, strict=True)), Decimal(0)))


def _factor(cells: Sequence[Cell], stated: Sequence[Decimal], ours: Sequence[Decimal]) -> float | None:
    """Stated cost over ours where it is the same in every cell and cells differ in their mix of tokens, else None."""
    if len(stated) < 2 or not all(ours):
        return None
    mixes = [cell.output_tokens / max(1, sum(cell[11:16])) for cell in cells]
    if max(mixes) - min(mixes) < ALIKE:
        return None
    factor = float(sum(stated, Decimal(0)) / sum(ours, Decimal(0)))
    for cell, one, other in zip(cells, stated, ours, strict=True):
        if abs(float(one) - factor * float(other)) > ALIKE * float(one) + _rounding(cell, float(one)):
            return None
    return factor


def _factor_words(factor: float, cells: int) -> str:
    words = f"the stated cost is {factor:.4g} x our price in each of {cells:,} groups of calls: "
    if abs(factor - 0.5) < ALIKE:
        return words + "half price, as batches are billed; or a discount"
    for power, name in ((100, "cents"), (1000, "thousandths of a dollar"), (1_000_000, "millionths of a dollar")):
        if abs(factor / power - 1) < ALIKE:
            return words + f"it is in {name}"
    return words + ("a mark-up, or another currency" if factor > 1 else "a discount, or another currency")
