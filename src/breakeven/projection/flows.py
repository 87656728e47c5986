"""A flow of steps: loops and groups of them, in a row or side by side, as one cost with its mean and spread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from breakeven.projection.loops import Loop, loop_outcomes
from breakeven.projection.moments import (
    NOTHING,
    Outcome,
    at_once,
    beside,
    forgiven,
    going_on,
    in_a_row,
    looped,
    mean_and_sd,
    mixed,
    retried,
    then,
    whole_counts,
)


@dataclass(frozen=True, slots=True)
class Group:
    """
    Steps that are gone through together, in rounds.

    turns, repeat_probability : rounds, as in ``moments.going_on``.
    error_rate : of attempts at a round, that fail though its steps have not. retries : attempts after the first, each
        beginning with the first step. [1]
    """

    steps: "tuple[FlowStep, ...]"
    turns: float = 1.0
    repeat_probability: float | None = None
    error_rate: float = 0.0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class FlowStep:
    """
    A loop or a group as a part of a flow.

    probability : that it is begun at all. calls_per_run : how often it then is; a fraction is the probability of one
        more. parallel : all begun at once, instead of one after another.
    stops : whether the run ends where it fails. alongside : begun together with the step before it.
    """

    name: str
    body: Loop | Group
    probability: float = 1.0
    calls_per_run: float = 1.0
    parallel: bool = False
    stops: bool = True
    alongside: bool = False


Flow = tuple[FlowStep, ...]


def flow_outcome(flow: Flow) -> Outcome:
    """Cost and end of one run of a flow."""
    found: Outcome | None = None
    for together in sets(flow):
        side_by_side = _step_outcome(together[0])
        for step in together[1:]:
            side_by_side = beside(side_by_side, _step_outcome(step))
        found = side_by_side if found is None else then(found, side_by_side)
    return found or NOTHING


def run_usd(flow: Flow) -> tuple[float, float]:
    """Mean and standard deviation of the cost of a run. [USD]"""
    return mean_and_sd(flow_outcome(flow))


def completion_rate(flow: Flow) -> float:
    """Share of runs that come to their end. [1]"""
    return float(flow_outcome(flow).done[0])


def sets(flow: Flow) -> list[Sequence[FlowStep]]:
    """Steps that are begun together, in order."""
    begins: list[int] = []
    for place, step in enumerate(flow):
        begins.append(begins[-1] if step.alongside and place else place)
    return [
        [step for _, step in found] for _, found in groupby(zip(begins, flow, strict=True), key=lambda each: each[0])
    ]


def leaves(flow: Flow) -> Iterator[FlowStep]:
    """The steps that hold calls, in order, those of groups among them."""
    for step in flow:
        if isinstance(step.body, Group):
            yield from leaves(step.body.steps)
        else:
            yield step


def with_step(flow: Flow, name: str, changed: FlowStep) -> Flow:
    """The same flow with the step of this name replaced."""
    return tuple(
        changed
        if step.name == name
        else replace(step, body=replace(step.body, steps=with_step(step.body.steps, name, changed)))
        if isinstance(step.body, Group)
        else step
        for step in flow
    )


def only(flow: Flow, name: str) -> Flow:
    """The same flow in which the step of this name alone costs something; all end as often as before."""

    def free(step: FlowStep) -> FlowStep:
        if step.name == name:
            return step
        if isinstance(step.body, Group):
            return replace(step, body=replace(step.body, steps=only(step.body.steps, name)))
        zero = (0.0, 0.0, 0.0, 0.0, 0.0)
        body = replace(step.body, prices=(zero,), above=(), usd_per_call=0.0, input_cv=0.0, output_cv=0.0)
        return replace(step, body=body)

    return tuple(free(step) for step in flow)


@lru_cache(maxsize=8192)
def _step_outcome(step: FlowStep) -> Outcome:
    """A step of a flow: begun or not, once or several times."""
    first, later = loop_outcomes(step.body) if isinstance(step.body, Loop) else (_group_outcome(step.body),) * 2
    if not step.stops:
        first, later = forgiven(first), forgiven(later)

    def times(count: int) -> Outcome:
        if count == 0:
            return NOTHING
        if count == 1:
            return first
        return at_once(first, count) if step.parallel else then(first, in_a_row(later, count - 1))

    begun = mixed([(share, times(count)) for share, count in whole_counts(step.calls_per_run)])
    return mixed([(step.probability, begun), (1.0 - step.probability, NOTHING)])


def _group_outcome(group: Group) -> Outcome:
    """A group: its rounds, each tried again where it fails."""
    steps = flow_outcome(group.steps)
    attempt = Outcome((1.0 - group.error_rate) * steps.done, steps.failed + group.error_rate * steps.done)
    following = going_on(group.turns, group.repeat_probability)
    return looped([retried(attempt, group.retries)] * (len(following) + 1), following)
