"""
Ways in which a stated cost may have come about that differ from ours, each as a change of the cells that are priced.

======================  ===========================================================================================
cause                   what the log would have done
======================  ===========================================================================================
agrees                  nothing: the amounts are the same
cached_at_full_price    cached tokens billed as fresh input
cached_left_out         cached tokens not billed
cached_twice            cached tokens billed as fresh input, and as cached ones
cache_write_as_input    tokens written to a cache billed as fresh input
cache_write_left_out    tokens written to a cache not billed
input_left_out          only output billed
output_left_out         only input billed
reasoning_left_out      reasoning tokens not billed
reasoning_twice         reasoning tokens billed beside an output that holds them
no_batch_price          batches billed as single calls
batch_price             single calls billed as batches
no_tier_price           a service tier billed as the standard one
tier_price              billed at the price of a service tier
no_long_context_price   long requests billed as short ones
other_date              the prices of another day
other_provider          the prices of another seller of the model
constant_factor         our price times the same number throughout (``price_check``)
no_price, zero_stated   there is nothing to compare
unexplained             none of these
======================  ===========================================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass

from breakeven.catalogue.prices import ListModel
from breakeven.usage.calls import EARLIEST_US
from breakeven.usage.cells import Cell
from breakeven.usage.cube import Cube
from breakeven.usage.cuts import midnight_us
from breakeven.usage.models import Finder

AGREES = "agrees"


@dataclass(frozen=True)
class Hypothesis:
    """
    A way of counting or pricing.

    cause : one word.
    words : what the log would have done.
    change : the cell that, priced our way, costs what this one does under the hypothesis.
    """

    cause: str
    words: str
    change: Callable[[Cell], Cell]


def hypotheses(cube: Cube, find: Finder) -> list[Hypothesis]:
    """The ways that could matter for the cells of one model, the likeliest first."""
    found = [way for way in COUNTING if any(way.change(cell) != cell for cell in cube.cells)]
    models = {find(cell.model, cell.provider) for cell in cube.cells}
    for model in sorted((each for each in models if isinstance(each, ListModel)), key=lambda each: each.id):
        found += [*_tiers(model), *_dates(model), *_sellers(model, find)]
    return found


def _cached_at_full_price(cell: Cell) -> Cell:
    return cell._replace(input_tokens=cell.input_tokens + cell.cache_read_tokens, cache_read_tokens=0)


def _written_as_input(cell: Cell) -> Cell:
    written = cell.cache_write_short_tokens + cell.cache_write_long_tokens
    total = cell.input_tokens + written
    return cell._replace(input_tokens=total, cache_write_short_tokens=0, cache_write_long_tokens=0)


COUNTING = (
    Hypothesis("cached_at_full_price", "cached tokens are charged at the full input price", _cached_at_full_price),
    Hypothesis("no_batch_price", "batches are charged at the price of single calls", lambda c: c._replace(batch=False)),
    Hypothesis("batch_price", "calls are charged at the batch price", lambda c: c._replace(batch=True)),
    Hypothesis("cache_write_as_input", "tokens written to a cache are charged as plain input", _written_as_input),
    Hypothesis(
        "cache_write_left_out",
        "tokens written to a cache are not charged",
        lambda c: c._replace(cache_write_short_tokens=0, cache_write_long_tokens=0),
    ),
    Hypothesis("cached_left_out", "cached tokens are not charged", lambda c: c._replace(cache_read_tokens=0)),
    Hypothesis(
        "cached_twice",
        "cached tokens are charged twice, as input and as cached",
        lambda c: c._replace(input_tokens=c.input_tokens + c.cache_read_tokens),
    ),
    Hypothesis(
        "reasoning_left_out",
        "reasoning tokens are not charged",
        lambda c: c._replace(output_tokens=c.output_tokens - c.reasoning_tokens, reasoning_tokens=0),
    ),
    Hypothesis(
        "reasoning_twice",
        "reasoning tokens are charged beside an output that holds them",
        lambda c: c._replace(output_tokens=c.output_tokens + c.reasoning_tokens),
    ),
    Hypothesis(
        "no_tier_price",
        "the service tier is charged as the standard one",
        lambda c: c._replace(service_tier=None),
    ),
    Hypothesis(
        "no_long_context_price", "long requests are charged at the price of short ones", lambda c: c._replace(tier=0)
    ),
    Hypothesis(
        "output_left_out",
        "output tokens are not charged",
        lambda c: c._replace(output_tokens=0, reasoning_tokens=0),
    ),
    Hypothesis(
        "input_left_out",
        "input tokens are not charged",
        lambda c: c._replace(
            input_tokens=0, cache_read_tokens=0, cache_write_short_tokens=0, cache_write_long_tokens=0
        ),
    ),
)


def _tiers(model: ListModel) -> list[Hypothesis]:
    """Each service tier that has a price of its own."""
    names = {
        value
        for variant in model.variants
        for key, value in variant.when.items()
        if key in ("service_tier", "speed") and len(variant.when) == 1
    }
    return [
        Hypothesis("tier_price", f"calls are charged at the price of tier {name!r}", _in_tier(name))
        for name in sorted(names - {"default", "standard"})
    ]


def _in_tier(name: str) -> Callable[[Cell], Cell]:
    return lambda cell: cell._replace(service_tier=name)


def _dates(model: ListModel) -> list[Hypothesis]:
    """Each day on which a price of the model began, and the time before the first."""
    days = sorted({entry.since for entry in (*model.entries, *model.variants) if entry.since})
    found = [
        Hypothesis("other_date", f"calls are charged at the prices of {day}", _since(midnight_us(day))) for day in days
    ]
    if days:
        found.append(Hypothesis("other_date", f"calls are charged at the prices before {days[0]}", _since(EARLIEST_US)))
    return found


def _since(at_us: int) -> Callable[[Cell], Cell]:
    return lambda cell: cell._replace(since_us=at_us, first_us=at_us, last_us=at_us)


def _sellers(model: ListModel, find: Finder) -> list[Hypothesis]:
    """Each other provider that lists exactly this model."""
    others = [each for each in find.table.sellers(model.model) if each.provider != model.provider]
    return [
        Hypothesis(
            "other_provider",
            f"calls are charged at the prices of {other.id}",
            _sold_as(other),
        )
        for other in others
    ]


def _sold_as(other: ListModel) -> Callable[[Cell], Cell]:
    return lambda cell: cell._replace(model=other.id, provider=None)
