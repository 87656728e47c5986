"""What each step of a pipeline costs: its share, its tokens, its history, its caching, turn by turn."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import model_retirement
from breakeven.options.tiers import Tiers
from breakeven.projection.flows import Flow, FlowStep, leaves, only, run_usd, with_step
from breakeven.projection.loops import Loop, turn_tokens, turn_usd
from breakeven.projection.moments import going_on
from breakeven.questions.pipeline_steps import Leaf
from breakeven.questions.statement import part


@part
class Turn:
    """
    A turn of a loop: how likely it comes, what it reads and writes, and what it costs when the cache still holds.

    probability : that it comes once the loop has begun, failures aside. uncached_usd : with nothing cached.
    """

    turn: int
    probability: float
    input_tokens: float
    cache_read_tokens: float
    cache_write_tokens: float
    usd: float
    uncached_usd: float


@part
class Caching:
    """The cost of a run's calls of one step under each way of caching, all else as given. [USD per run]"""

    none_usd: float
    prompt_usd: float
    history_usd: float


@part
class StepCost:
    """
    What one step costs, in an average run unless the name says otherwise; attempts that failed are in it. [USD]

    calls_per_run : billed calls. input_tokens_per_run, cache_read_tokens_per_run, cache_write_tokens_per_run :
        disjoint.
    share : of monthly_usd of the pipeline.
    history_usd : of reading what earlier turns left, which grows with the square of the turns.
    largest_input_tokens : of its longest call of mean size.
    caching : null where nothing is billed by the token, or the shares were measured.
    """

    step: str
    group: str
    model: str | None
    calls_per_run: float
    input_tokens_per_run: float
    cache_read_tokens_per_run: float
    cache_write_tokens_per_run: float
    output_tokens_per_run: float
    usd_per_run: float
    usd_per_run_sd: float
    input_usd: float
    cache_read_usd: float
    cache_write_usd: float
    output_usd: float
    other_usd: float
    history_usd: float
    fixed_usd_month: float
    monthly_usd: float
    share: float | None
    caching: Caching | None
    largest_input_tokens: float
    context_tokens: int | None
    retires: str | None
    price: str
    turns: list[Turn]


class Priced(NamedTuple):
    """A pipeline on one day: its steps of calls, their models and prices, and the flow they make."""

    leaves: list[Leaf]
    models: dict[str, ListModel]
    tiers: dict[str, Tiers]
    flow: Flow


def step_costs(priced: Priced, runs_per_month: float, catalogue: Catalogue) -> list[StepCost]:
    """Every step of calls, in the order of the flow."""
    bodies = {step.name: step for step in leaves(priced.flow)}
    fixed = sum(leaf.call.usd_month for leaf in priced.leaves)
    total = run_usd(priced.flow)[0] * runs_per_month + fixed
    return [
        _step_cost(leaf, bodies[leaf.call.name], priced, runs_per_month, total, catalogue) for leaf in priced.leaves
    ]


def _step_cost(
    leaf: Leaf, step: FlowStep, priced: Priced, runs_per_month: float, total: float, catalogue: Catalogue
) -> StepCost:
    call, loop = leaf.call, step.body
    assert isinstance(loop, Loop)

    def usd(changed: Loop) -> tuple[float, float]:
        return run_usd(only(with_step(priced.flow, call.name, replace(step, body=changed)), call.name))

    mean, sd = usd(loop)
    counts = [usd(_counting(loop, bucket))[0] for bucket in range(5)]
    parts = [usd(_priced_for(loop, bucket))[0] for bucket in range(4)]
    caching = None
    if call.tokens_billed and not (call.cached_share or call.cache_write_share):
        none, prompt, history = (usd(replace(loop, cache=cache))[0] for cache in ("none", "prompt", "history"))
        caching = Caching(none_usd=none, prompt_usd=prompt, history_usd=history)
    model = priced.models.get(call.name)
    end = model_retirement(catalogue, model) if model else None
    monthly = mean * runs_per_month + call.usd_month
    sizes = turn_tokens(loop, found=False).size
    return StepCost(
        step=call.name,
        group=leaf.group,
        model=model.id if model else None,
        calls_per_run=counts[4],
        input_tokens_per_run=counts[0],
        cache_read_tokens_per_run=counts[1],
        cache_write_tokens_per_run=counts[2],
        output_tokens_per_run=counts[3],
        usd_per_run=mean,
        usd_per_run_sd=sd,
        input_usd=parts[0],
        cache_read_usd=parts[1],
        cache_write_usd=parts[2],
        output_usd=parts[3],
        other_usd=max(0.0, mean - sum(parts)),
        history_usd=mean - usd(replace(loop, carried_share=0.0, tool_tokens=0.0))[0],
        fixed_usd_month=call.usd_month,
        monthly_usd=monthly,
        share=monthly / total if total else None,
        caching=caching,
        largest_input_tokens=float(sizes.max()),
        context_tokens=model.context_tokens if model else None,
        retires=end.day.isoformat() if end else None,
        price=priced.tiers[call.name].origin if call.tokens_billed else "your price",
        turns=_turns(loop) if loop.most_turns > 1 else [],
    )


def _counting(loop: Loop, bucket: int) -> Loop:
    """The same loop at 1 USD for each token of a bucket, or each call: its cost is then a count."""
    row = tuple(float(place == bucket) for place in range(5))
    return replace(loop, prices=(row,), above=(), usd_per_call=0.0)  # type: ignore[arg-type]


def _priced_for(loop: Loop, bucket: int) -> Loop:
    """The same loop in which one bucket of tokens alone costs something."""
    rows = tuple(tuple(usd if place == bucket else 0.0 for place, usd in enumerate(row)) for row in loop.prices)
    return replace(loop, prices=rows, usd_per_call=0.0)  # type: ignore[arg-type]


def _turns(loop: Loop) -> list[Turn]:
    """Every turn of mean size."""
    tokens = turn_tokens(loop, found=True)
    usd = turn_usd(loop, tokens)
    uncached = replace(loop, cache="none", cached_share=0.0, cache_write_share=0.0)
    uncached_usd = turn_usd(uncached, turn_tokens(uncached, found=False))
    comes = np.concatenate([[1.0], np.cumprod(going_on(loop.turns, loop.repeat_probability))])
    return [
        Turn(
            turn=place + 1,
            probability=float(comes[place]),
            input_tokens=float(tokens.size[place]),
            cache_read_tokens=float(tokens.read[place]),
            cache_write_tokens=float(tokens.written[place]),
            usd=float(usd[place]),
            uncached_usd=float(uncached_usd[place]),
        )
        for place in range(loop.most_turns)
    ]
