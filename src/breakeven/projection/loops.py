"""
Calls of a loop whose history grows: what each turn reads, what of it comes from a cache, and what the loop costs.

A turn sends the whole conversation again. With P tokens of prompt, I of input, and g added by each turn, turn t reads
``N(t) = P + I + (t - 1) g``, and n turns read ``n (P + I) + g n (n - 1) / 2`` tokens: the quadratic term. A cache
that holds the history makes the part of turn t that turn t - 1 has sent, ``N(t - 1)``, a cached read, and leaves g to
be written: the quadratic term is then billed at the price of cached tokens.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from breakeven.projection.moments import Outcome, going_on, looped, mixed, retried, terms

Floats = NDArray[np.float64]
Prices = tuple[float, float, float, float, float]
"""Of input, cached input, cache writes and output [USD/token], and of a request [USD/call]."""

Caching = Literal["none", "prompt", "history"]

FAR_SIZES = 6.0
"""Standard deviations within which sizes are taken to stay when a loop is checked for steps in its price. [1]"""

STRATA = 24
"""Classes of equal probability that sizes are divided into where the price is not a straight line."""


@dataclass(frozen=True, slots=True)
class Loop:
    """
    One step of a flow: calls in a row, each reading what those before it left.

    prompt_tokens : at the head of every call, the same in every run.
    input_tokens : of this run, read by every turn.
    output_tokens, tool_tokens : of a turn; tool results are read by the turns that follow.
    carried_share : of the output, read by the turns that follow. [1]
    history_most_tokens : most tokens kept of earlier turns, the oldest going first; None for all.
    turns, repeat_probability : as in ``moments.going_on``.
    cache : what is marked for the cache: nothing, the prompt, or the prompt and the whole conversation.
    cache_minimum_tokens : a beginning shorter than this is not cached.
    warm_share : of first turns, finding the prompt in the cache. hit_share : of later ones, finding theirs. [1]
    cached_share, cache_write_share : of the input, where measured; ``cache`` is then "none". [1]
    error_rate : of attempts, that fail. retries : attempts after the first. failed_cost_share : of a call's cost,
        billed for a failed one. [1]
    input_cv, output_cv : standard deviation over mean of ``input_tokens`` and ``tool_tokens``, and of
        ``output_tokens``; the turns of one loop are longer or shorter together. [1]
    usd_per_call : beside the tokens. [USD/call]
    above, prices : a request of more input tokens than ``above[k]`` is billed whole at ``prices[k + 1]``.
    """

    prompt_tokens: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    tool_tokens: float = 0.0
    carried_share: float = 1.0
    history_most_tokens: float | None = None
    turns: float = 1.0
    repeat_probability: float | None = None
    cache: Caching = "none"
    cache_minimum_tokens: float = 0.0
    warm_share: float = 0.0
    hit_share: float = 1.0
    cached_share: float = 0.0
    cache_write_share: float = 0.0
    error_rate: float = 0.0
    retries: int = 0
    failed_cost_share: float = 1.0
    input_cv: float = 0.0
    output_cv: float = 0.0
    usd_per_call: float = 0.0
    above: tuple[int, ...] = ()
    prices: tuple[Prices, ...] = ((0.0, 0.0, 0.0, 0.0, 0.0),)

    @property
    def most_turns(self) -> int:
        """Turns at most."""
        return len(going_on(self.turns, self.repeat_probability)) + 1


class TurnTokens(NamedTuple):
    """What each turn holds: input in three disjoint parts, and output. Shapes (turns,) + S. [tokens]"""

    fresh: Floats
    read: Floats
    written: Floats
    output: Floats

    @property
    def size(self) -> Floats:
        """All input tokens of a turn. [tokens]"""
        return self.fresh + self.read + self.written


def turn_tokens(
    loop: Loop, *, found: bool, input_scale: ArrayLike = 1.0, output_scale: ArrayLike = 1.0, turns: int | None = None
) -> TurnTokens:
    """
    Tokens of each turn of a loop.

    Parameters
    ----------
    found : bool
        Whether what a turn can find in the cache is still there. A first turn can find the prompt, which earlier runs
        sent; a later one all that the turn before it sent. A history that was cut begins otherwise after the prompt
        and the input, so nothing behind them is found.
    input_scale, output_scale : array_like, shape S
        Sizes of this loop over the mean ones. [1]
    turns : int, optional
        How many turns; all if not given.

    Notes
    -----
    A cache that holds the history writes what is new in every turn, the last one too.
    """
    wide, tall = np.broadcast_arrays(np.asarray(input_scale, float), np.asarray(output_scale, float))
    before = np.arange(turns or loop.most_turns).reshape((-1, *(1,) * wide.ndim))
    kept = loop.prompt_tokens + loop.input_tokens * wide
    grows = loop.carried_share * loop.output_tokens * tall + loop.tool_tokens * wide
    most = np.inf if loop.history_most_tokens is None else loop.history_most_tokens
    history = np.minimum(before * grows, most)
    size = kept + history
    output = loop.output_tokens * tall + np.zeros_like(size)
    shortest = loop.cache_minimum_tokens
    prompt = loop.prompt_tokens * (loop.prompt_tokens >= shortest)
    if loop.cache == "history":
        sent = kept + np.minimum((before - 1) * grows, most)
        begins = np.where(before == 0, prompt, np.where(before * grows > most, kept, sent))
        read = found * np.where(begins >= shortest, begins, 0.0)
        written = np.where(size >= shortest, size - read, 0.0)
    elif loop.cache == "prompt":
        read = np.full_like(size, found * prompt)
        written = np.full_like(size, (not found) * prompt)
    else:
        read, written = loop.cached_share * size, loop.cache_write_share * size
    return TurnTokens(size - read - written, read, written, output)


def turn_usd(loop: Loop, tokens: TurnTokens) -> Floats:
    """Cost of each turn, the whole request at the price of its size. [USD]"""
    band = np.searchsorted(np.asarray(loop.above), tokens.size, side="left")
    fresh, read, written, output, request = np.moveaxis(np.asarray(loop.prices)[band], -1, 0)
    usd = tokens.fresh * fresh + tokens.read * read + tokens.written * written + tokens.output * output
    return np.asarray(usd + request + loop.usd_per_call)


def is_straight(loop: Loop) -> bool:
    """
    Whether the cost is a straight line in the size of a loop, so that its spread follows exactly from ``input_cv`` and
    ``output_cv``, whatever the distribution.

    It is not where sizes vary and may cross a price tier, the shortest cacheable length, or the cut of the history.
    """
    if not loop.input_cv and not loop.output_cv:
        return True
    wide = 1.0 + max(FAR_SIZES * loop.input_cv, loop.input_cv**2)
    tall = 1.0 + max(FAR_SIZES * loop.output_cv, loop.output_cv**2)
    largest = replace(loop, history_most_tokens=None)
    reach = float(turn_tokens(largest, found=False, input_scale=wide, output_scale=tall).size.max())
    cut = loop.history_most_tokens is not None and reach > loop.history_most_tokens
    tiers = bool(loop.above) and reach > loop.above[0]
    minimum = loop.cache == "history" and loop.prompt_tokens < loop.cache_minimum_tokens < reach
    return not (cut or tiers or minimum)


@lru_cache(maxsize=8192)
def loop_outcomes(loop: Loop) -> tuple[Outcome, Outcome]:
    """
    Cost and end of one loop: where its first turn finds the prompt with ``warm_share``, and with ``hit_share``.

    Exact where ``is_straight``; elsewhere sizes are taken as lognormal and summed up over ``STRATA`` classes.
    """
    wide, wide_shares = _sizes(loop, loop.input_cv)
    tall, tall_shares = _sizes(loop, loop.output_cv)
    shares = (wide_shares[:, np.newaxis] * tall_shares).ravel()
    wide, tall = (each.ravel() for each in np.broadcast_arrays(wide[:, np.newaxis], tall))
    hit, miss = (
        turn_usd(loop, turn_tokens(loop, found=found, input_scale=wide, output_scale=tall)) for found in (True, False)
    )

    def turn(place: int, share: float) -> Outcome:
        ends = [(share, _attempt(loop, hit[place])), (1.0 - share, _attempt(loop, miss[place]))]
        return retried(mixed(ends), loop.retries)

    following = going_on(loop.turns, loop.repeat_probability)
    later = [turn(place, loop.hit_share) for place in range(1, len(hit))]

    def whole(first: Outcome) -> Outcome:
        found = looped([first, *later], following)
        return Outcome(shares @ found.done, shares @ found.failed)

    return whole(turn(0, loop.warm_share)), whole(turn(0, loop.hit_share))


def _attempt(loop: Loop, usd: Floats) -> Outcome:
    """One attempt at a call of this cost."""
    return Outcome(
        (1.0 - loop.error_rate) * terms(usd),
        loop.error_rate * terms(usd * loop.failed_cost_share),
    )


def _sizes(loop: Loop, cv: float) -> tuple[Floats, Floats]:
    """
    Sizes over the mean one, and their probabilities.

    Two of them, with the right mean and spread, give exact results for a straight line.
    """
    if not cv:
        return np.ones(1), np.ones(1)
    if not is_straight(loop):
        return lognormal_strata(cv), np.full(STRATA, 1.0 / STRATA)
    if cv <= 1.0:
        return np.array([1.0 - cv, 1.0 + cv]), np.array([0.5, 0.5])
    share = 1.0 / (1.0 + cv * cv)
    return np.array([0.0, 1.0 / share]), np.array([1.0 - share, share])


@lru_cache(maxsize=1024)
def lognormal_strata(cv: float, strata: int = STRATA) -> Floats:
    """
    Mean of each of ``strata`` equally likely classes of a lognormal size of mean 1. Shape (strata,). [1]

    ``n (Phi(s - z[k]) - Phi(s - z[k + 1]))`` with ``s**2 = ln(1 + cv**2)`` and z the normal quantiles of the edges.
    """
    from statistics import NormalDist

    normal = NormalDist()
    s = float(np.sqrt(np.log1p(cv * cv)))
    above = [1.0, *(normal.cdf(s - normal.inv_cdf(k / strata)) for k in range(1, strata)), 0.0]
    return -np.diff(above) * strata
