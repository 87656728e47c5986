"""
A provider's usage report beside its cost report: the tokens of one at our prices, and what the other says was billed.

Neither says both, so no single row can be compared; but each is a sum over the same days, so their sums by model can.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal, localcontext

from breakeven.usage.calls import BUCKETS, COST_ONLY
from breakeven.usage.cells import Cell, Cells
from breakeven.usage.cube import Cube
from breakeven.usage.models import Finder
from breakeven.usage.price import DIGITS, Bill
from breakeven.usage.price_check import PriceCheck, explain
from breakeven.usage.profile import NANO
from breakeven.usage.timing import DAY_US

REPORTS = (("openai-usage", "openai-costs"), ("anthropic-usage", "anthropic-costs"))
"""Readers of a provider's usage and of its costs."""

APART_DAYS = 1
"""So far apart the first and last days of the two may be: a day may have no cost, or one that is booked late. [days]"""


def check_reports(cube: Cube, bill: Bill, find: Finder, as_of: dt.date) -> tuple[PriceCheck, ...]:
    """
    Compare the two reports of a provider, model by model; nothing where another kind of source is in the cube too.

    Parameters
    ----------
    cube, bill : Cube, Bill
        All that was read, and its price. Both reports must be in it, and nothing but reports: calls of an application
        are those of the report again.
    """
    readers = {source.reader for source in cube.sources}
    pairs = [pair for pair in REPORTS if set(pair) <= readers]
    if not pairs or not readers <= {reader for pair in REPORTS for reader in pair}:
        return ()
    usage: dict[str, list[tuple[Cell, Decimal | None]]] = defaultdict(list)
    billed: dict[str, list[Cell]] = defaultdict(list)
    for cell, usd in zip(cube.cells, bill.usd, strict=True):
        model = find(cell.model, cell.provider)
        name = cell.model or "" if isinstance(model, str) else model.id
        if cell.service_tier == COST_ONLY:
            billed[name].append(cell)
        elif not cell.reported_calls and any(getattr(cell, bucket) for bucket in BUCKETS):
            usage[name].append((cell, usd))
    with localcontext() as context:
        context.prec = DIGITS
        found = [_check(name, usage[name], billed[name], cube, find, as_of) for name in usage if name in billed]
    return tuple(sorted(found, key=lambda each: (-abs(each.difference_usd or Decimal(0)), each.priced_as)))


def _check(
    name: str, usage: list[tuple[Cell, Decimal | None]], billed: list[Cell], cube: Cube, find: Finder, as_of: dt.date
) -> PriceCheck:
    """One model: its sums by epoch, of those epochs in which both reports cover the same days."""
    by_epoch: dict[int, tuple[list[Cell], list[Cell]]] = defaultdict(lambda: ([], []))
    for side, cells_of in enumerate(([cell for cell, _ in usage], billed)):
        for cell in cells_of:
            by_epoch[cell.since_us or 0][side].append(cell)
    alike = sorted(at for at, (used, paid) in by_epoch.items() if at and used and paid and _same_days(used, paid))
    cells = [(cell, usd) for cell, usd in usage if cell.since_us in alike]
    groups = [alike.index(cell.since_us or 0) for cell, _ in cells]
    stated = [sum((cell.reported_cost_nano for cell in billed if cell.since_us == at), 0) * NANO for at in alike]
    made = PriceCheck(
        model=usage[0][0].model,
        priced_as=name,
        calls=sum(cell.calls for cell, _ in usage),
        compared_calls=sum(cell.calls for cell, _ in cells),
        zero_calls=0,
        cost_usd=None,
        reported_cost_usd=sum(stated, Decimal(0)) if alike else None,
        cause="no_price",
        explanation="usage and cost report: no list price to compare them with",
        explained_share=None,
        compared="reports",
    )
    if not alike:
        words = "usage and cost report cover different days; export both for the same ones"
        return replace(made, cause="other_days", explanation=words)
    if any(usd is None for _, usd in cells):
        return made
    ours = [Decimal(0)] * len(alike)
    for group, (_, usd) in zip(groups, cells, strict=True):
        ours[group] += usd or Decimal(0)
    whole = replace(cube, cells=Cells.as_given(cell for cell, _ in cells))
    cause, words, share = explain(whole, stated, ours, find, as_of, groups)
    others = len(by_epoch) - len(alike)
    left = f"; {others:,} of {len(by_epoch):,} months left out, as their days differ" if others else ""
    return replace(
        made,
        cost_usd=sum(ours, Decimal(0)),
        cause=cause,
        explanation=f"usage and cost report: {words}{left}",
        explained_share=share,
    )


def _same_days(usage: list[Cell], billed: list[Cell]) -> bool:
    """Whether two reports begin and end on the same days."""
    spans = [
        (min(cell.first_us or 0 for cell in cells) // DAY_US, max(cell.last_us or 0 for cell in cells) // DAY_US)
        for cells in (usage, billed)
    ]
    (first, last), (first_billed, last_billed) = spans
    return abs(first - first_billed) <= APART_DAYS and abs(last - last_billed) <= APART_DAYS
