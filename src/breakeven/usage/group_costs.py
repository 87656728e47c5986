"""What groups of cells cost, exactly, without a price for each cell: counts are added up before they are priced."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

import numpy as np

from breakeven.usage.calls import BUCKETS
from breakeven.usage.cells import Array, distinct, group_sums, packed
from breakeven.usage.price import COUNTS, DIGITS, Bill, Tariff


def group_costs(bill: Bill, group_of: Array, groups: int) -> list[Decimal | None]:
    """
    What each group of the cells of a bill costs; None where some cell has no price and none with tokens has one. [USD]

    Parameters
    ----------
    group_of : array
        For each cell the number of its group, below ``groups``.
    """
    alike, tariff_of = _alike(bill.tariffs)
    pairs, first = distinct(packed([group_of, tariff_of[bill.tariff_of]]))
    sums = [group_sums(bill.cells.columns[name], pairs, len(first)) for name in COUNTS]
    columns = dict(zip(COUNTS, sums, strict=True))
    has_tokens = [any(counts) for counts in zip(*(columns[name] for name in BUCKETS), strict=True)]
    total = [Decimal(0)] * groups
    unknown, known = [False] * groups, [False] * groups
    of_group, of_tariff = group_of[first].tolist(), tariff_of[bill.tariff_of[first]].tolist()
    with localcontext() as context:
        context.prec = DIGITS
        for group, tariff, counts, tokens in zip(of_group, of_tariff, zip(*sums, strict=True), has_tokens, strict=True):
            usd = alike[tariff].usd(counts)
            if usd is None:
                unknown[group] = True
            else:
                total[group] += usd
                known[group] = known[group] or tokens
    return [
        None if no_price and not priced else usd for usd, no_price, priced in zip(total, unknown, known, strict=True)
    ]


def _alike(tariffs: Sequence[Tariff]) -> tuple[list[Tariff], Array]:
    """The tariffs that bill differently, and for each tariff the number of its like among them."""
    found: dict[str, int] = {}
    alike: list[Tariff] = []
    numbers = []
    for tariff in tariffs:
        key = repr((tariff.rates, bool(tariff.reason)))
        if key not in found:
            found[key] = len(alike)
            alike.append(tariff)
        numbers.append(found[key])
    return alike, np.array(numbers, np.intp)
