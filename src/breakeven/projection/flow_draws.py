"""Runs of a flow drawn one by one: what the exact moments are checked against, and where quantiles come from."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from breakeven.projection.flows import Flow, FlowStep, Group, leaves, sets
from breakeven.projection.loops import Loop, turn_tokens, turn_usd
from breakeven.projection.moments import going_on

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ends = tuple[Floats, Bools]
"""Cost of each draw, and whether it ended well."""

MOST_CALLS = 4_000_000
"""Calls that one simulation may draw; with more in a run there are fewer draws."""

LEAST_DRAWS = 1000
"""Fewer draws than this say nothing of a 95th percentile."""

CHUNK_CALLS = 400_000
"""Calls drawn at a time, for memory."""


def draws_within_reach(flow: Flow, draws: int) -> int:
    """So many draws as ``MOST_CALLS`` allows, 0 where they would be fewer than ``LEAST_DRAWS``."""
    possible = min(draws, int(MOST_CALLS / max(1.0, most_calls(flow))))
    return possible if possible >= min(draws, LEAST_DRAWS) else 0


def most_calls(flow: Flow) -> float:
    """Calls of a run at most, retries aside."""
    return sum(
        max(1.0, step.calls_per_run)
        * (
            step.body.most_turns
            if isinstance(step.body, Loop)
            else most_calls(step.body.steps) * (len(going_on(step.body.turns, step.body.repeat_probability)) + 1)
        )
        for step in flow
    )


def simulate(flow: Flow, draws: int, seed: int) -> Ends:
    """
    Cost of each of ``draws`` runs, and whether it came to its end; the same for the same seed. Shape (draws,). [USD]

    Sizes that vary are drawn from lognormal distributions.
    """
    rng = np.random.default_rng(seed)
    chunk = max(1, int(CHUNK_CALLS / max(1.0, most_calls(flow))))
    parts = [_flow(flow, min(chunk, draws - done), rng) for done in range(0, draws, chunk)]
    return np.concatenate([usd for usd, _ in parts]), np.concatenate([ok for _, ok in parts])


def varies(flow: Flow) -> bool:
    """Whether some step's sizes vary."""
    return any(isinstance(step.body, Loop) and bool(step.body.input_cv or step.body.output_cv) for step in leaves(flow))


def _flow(flow: Flow, count: int, rng: np.random.Generator) -> Ends:
    usd, ok = np.zeros(count), np.ones(count, dtype=bool)
    for together in sets(flow):
        going = np.flatnonzero(ok)
        for step in together:
            step_usd, step_ok = _step(step, going.size, rng)
            usd[going] += step_usd
            ok[going] &= step_ok
    return usd, ok


def _step(step: FlowStep, count: int, rng: np.random.Generator) -> Ends:
    """One step of a flow, for each run that reaches it."""
    whole = int(step.calls_per_run)
    times = whole + (rng.random(count) < step.calls_per_run - whole)
    times = times * (rng.random(count) < step.probability)
    owner = np.repeat(np.arange(count), times)
    place = np.arange(owner.size) - np.repeat(np.cumsum(times) - times, times)
    if isinstance(step.body, Loop):
        warm = step.body.warm_share
        share = np.full(owner.size, warm) if step.parallel else np.where(place == 0, warm, step.body.hit_share)
        usd, ok = _loop(step.body, share, rng)
    else:
        usd, ok = _group(step.body, owner.size, rng)
    if not step.stops:
        ok = np.ones_like(ok)
    failures: Floats = np.bincount(owner, ~ok, minlength=count).astype(float)
    if not step.parallel:
        # Of several in a row, those after the first failure were never begun.
        failed_before: Floats = np.cumsum(~ok) - (~ok).astype(float)
        base = np.concatenate([[0.0], np.cumsum(failures)])[owner]
        usd = np.where(failed_before - base > 0, 0.0, usd)
    return np.bincount(owner, usd, minlength=count).astype(float), np.asarray(failures == 0)


def _loop(loop: Loop, first_share: Floats, rng: np.random.Generator) -> Ends:
    """A loop, for each time that it is begun; ``first_share`` is how likely its first turn finds the prompt cached."""
    count = first_share.size
    wide, tall = _scales(loop.input_cv, count, rng), _scales(loop.output_cv, count, rng)
    hit, miss = (
        turn_usd(loop, turn_tokens(loop, found=found, input_scale=wide, output_scale=tall)) for found in (True, False)
    )

    def turn(place: int) -> Callable[[NDArray[np.intp]], Ends]:
        def attempt(which: NDArray[np.intp]) -> Ends:
            share = first_share[which] if place == 0 else loop.hit_share
            at = which if hit.shape[1] > 1 else np.zeros_like(which)
            usd = np.where(rng.random(which.size) < share, hit[place, at], miss[place, at])
            ok = rng.random(which.size) >= loop.error_rate
            return np.where(ok, usd, usd * loop.failed_cost_share), ok

        return attempt

    following = going_on(loop.turns, loop.repeat_probability)
    return _turns((turn(place) for place in range(len(hit))), following, loop.retries, count, rng)


def _group(group: Group, count: int, rng: np.random.Generator) -> Ends:
    """A group, for each time that it is begun."""

    def attempt(which: NDArray[np.intp]) -> Ends:
        usd, ok = _flow(group.steps, which.size, rng)
        return usd, ok & (rng.random(which.size) >= group.error_rate)

    following = going_on(group.turns, group.repeat_probability)
    return _turns([attempt] * (len(following) + 1), following, group.retries, count, rng)


def _turns(
    attempts: Iterable[Callable[[NDArray[np.intp]], Ends]],
    following: Floats,
    retries: int,
    count: int,
    rng: np.random.Generator,
) -> Ends:
    """Turns one after another; each is tried again where it fails, and followed by the next as often as given."""
    usd, ok = np.zeros(count), np.ones(count, dtype=bool)
    going = np.arange(count)
    for attempt, share in zip(attempts, [*following.tolist(), 0.0], strict=True):
        trying = going
        for _ in range(retries + 1):
            tried_usd, tried_ok = attempt(trying)
            usd[trying] += tried_usd
            trying = trying[~tried_ok]
        ok[trying] = False
        going = going[ok[going]]
        going = going[rng.random(going.size) < share]
    return usd, ok


def _scales(cv: float, count: int, rng: np.random.Generator) -> Floats:
    """Sizes over the mean one: lognormal of mean 1, or a single 1 where they do not vary."""
    if not cv:
        return np.ones(1)
    s = np.sqrt(np.log1p(cv * cv))
    return rng.lognormal(-s * s / 2.0, s, count)
