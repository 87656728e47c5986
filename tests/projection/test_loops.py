"""Loops whose history grows, flows of them, and both against runs drawn one by one."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.projection.flow_draws import draws_within_reach, simulate, varies
from breakeven.projection.flows import (
    FlowStep,
    Group,
    completion_rate,
    leaves,
    only,
    run_usd,
    with_step,
)
from breakeven.projection.loops import Loop, is_straight, lognormal_strata, loop_outcomes, turn_tokens, turn_usd
from breakeven.projection.moments import mean_and_sd

IN, READ, WRITE, OUT = 3e-6, 0.3e-6, 3.75e-6, 15e-6
PRICES = ((IN, READ, WRITE, OUT, 0.0),)
AGENT = Loop(
    prompt_tokens=2000, input_tokens=500, output_tokens=300, tool_tokens=700, turns=10, prices=PRICES,
    cache_minimum_tokens=1024,
)  # fmt: skip


def usd(loop: Loop) -> float:
    return mean_and_sd(loop_outcomes(loop)[0])[0]


def test_the_quadratic_term() -> None:
    # 10 turns: 10 x 2,500 + 1,000 x 10 x 9 / 2 = 70,000 input tokens, 3,000 output tokens
    tokens = turn_tokens(AGENT, found=False)
    assert tokens.size.tolist() == [2500 + 1000 * turn for turn in range(10)]
    assert usd(AGENT) == pytest.approx(70_000 * IN + 3000 * OUT)


def test_a_cache_of_the_history_makes_it_linear_in_writes() -> None:
    # read: what the turn before sent, 2,500 ... 10,500: 9 x 2,500 + 1,000 x 36 = 58,500; written: 2,500 + 9 x 1,000
    tokens = turn_tokens(replace(AGENT, cache="history"), found=True)
    assert tokens.read.sum() == 2000 + 58_500
    cold = usd(replace(AGENT, cache="history"))
    assert cold == pytest.approx(58_500 * READ + 11_500 * WRITE + 3000 * OUT)
    # warm: the prompt of 2,000 is read in the first turn too
    warm = usd(replace(AGENT, cache="history", warm_share=1.0))
    assert cold - warm == pytest.approx(2000 * (WRITE - READ))


def test_a_cache_of_the_prompt_alone() -> None:
    # 9 turns read 2,000; the first writes them; 50,000 are left at full price
    assert usd(replace(AGENT, cache="prompt")) == pytest.approx(18_000 * READ + 2000 * WRITE + 50_000 * IN + 3000 * OUT)


def test_short_prompts_are_not_cached() -> None:
    short = replace(AGENT, prompt_tokens=1000, input_tokens=0, turns=3)
    assert usd(replace(short, cache="prompt")) == pytest.approx(usd(short))
    # turns of 1,000, 2,000, 3,000: the second writes 2,000, the third reads them and writes 1,000
    tokens = turn_tokens(replace(short, cache="history"), found=True)
    assert tokens.fresh.tolist() == [1000, 0, 0]
    assert tokens.written.tolist() == [0, 2000, 1000]
    assert tokens.read.tolist() == [0, 0, 2000]


def test_a_cut_history_is_no_longer_found_in_the_cache() -> None:
    cut = replace(AGENT, turns=5, history_most_tokens=2500, cache="history")
    # history 0, 1,000, 2,000, then 2,500 of 3,000 and of 4,000: behind prompt and input all is written again
    tokens = turn_tokens(cut, found=True)
    assert tokens.size.tolist() == [2500, 3500, 4500, 5000, 5000]
    assert tokens.read.tolist() == [2000, 2500, 3500, 2500, 2500]
    assert tokens.written.tolist() == [500, 1000, 1000, 2500, 2500]


def test_lost_caches_are_written_again() -> None:
    lost = replace(AGENT, cache="history", hit_share=0.0)
    assert usd(lost) == pytest.approx(70_000 * WRITE + 3000 * OUT)


def test_a_request_above_a_tier_is_billed_whole() -> None:
    dear = tuple(2 * price for price in PRICES[0])
    tiered = replace(AGENT, turns=3, above=(4000,), prices=(PRICES[0], dear))  # type: ignore[arg-type]
    # 2,500 and 3,500 below, 4,500 above
    assert usd(tiered) == pytest.approx((6000 + 2 * 4500) * IN + (600 + 2 * 300) * OUT)


def test_spread_of_sizes_by_hand() -> None:
    # one call: 1,000 x 3e-6 of input and 0.02 of output, whose deviations are 50 % and 200 %
    call = Loop(input_tokens=1000, output_tokens=1000, input_cv=0.5, output_cv=2.0, prices=((IN, 0, 0, 2e-5, 0),))
    mean, sd = mean_and_sd(loop_outcomes(call)[0])
    assert mean == pytest.approx(0.023)
    assert sd == pytest.approx(math.hypot(0.5 * 0.003, 2 * 0.02))


def test_the_spread_of_a_loop_grows_with_its_history() -> None:
    # all output tokens of a loop are longer together: 0.4 x (3,000 x OUT + 300 x 45 x IN)
    loop = replace(AGENT, output_cv=0.4)
    assert mean_and_sd(loop_outcomes(loop)[0])[1] == pytest.approx(0.4 * (3000 * OUT + 13_500 * IN))


@given(st.floats(0.01, 3))
def test_strata_keep_the_mean_and_most_of_the_spread(cv: float) -> None:
    sizes = lognormal_strata(cv)
    assert sizes.mean() == pytest.approx(1)
    assert (np.diff(sizes) > 0).all()
    assert sizes.std() <= cv


def test_what_is_straight() -> None:
    assert is_straight(replace(AGENT, above=(3000,), prices=PRICES * 2))
    varying = replace(AGENT, output_cv=0.5)
    assert is_straight(varying)
    assert not is_straight(replace(varying, above=(9000,), prices=PRICES * 2))
    assert is_straight(replace(varying, above=(900_000,), prices=PRICES * 2))
    assert not is_straight(replace(varying, history_most_tokens=5000))
    assert not is_straight(replace(varying, cache="history", prompt_tokens=1000))
    assert is_straight(replace(varying, cache="history"))


def step(name: str, body: Loop | Group | float, **fields: Any) -> FlowStep:
    return FlowStep(name, Loop(usd_per_call=body) if isinstance(body, int | float) else body, **fields)


def test_a_run_ends_where_a_step_fails() -> None:
    flow = (step("a", Loop(usd_per_call=1, error_rate=0.5)), step("b", 10))
    assert run_usd(flow)[0] == pytest.approx(6)
    assert completion_rate(flow) == 0.5
    forgiving = (replace(flow[0], stops=False), flow[1])
    assert run_usd(forgiving)[0] == pytest.approx(11)
    assert completion_rate(forgiving) == 1
    alongside = (flow[0], replace(flow[1], alongside=True))
    assert run_usd(alongside)[0] == pytest.approx(11)
    assert completion_rate(alongside) == 0.5


def test_parallel_calls_cannot_read_what_each_other_writes() -> None:
    call = Loop(prompt_tokens=2000, cache="prompt", prices=PRICES)
    one_by_one = run_usd((step("x", call, calls_per_run=5),))[0]
    at_once = run_usd((step("x", call, calls_per_run=5, parallel=True),))[0]
    assert one_by_one == pytest.approx(2000 * WRITE + 8000 * READ)
    assert at_once == pytest.approx(10_000 * WRITE)


def test_a_group_that_is_gone_through_again() -> None:
    # a draft of 1 and a review of 2; reviews send back 25 %, at most 3 rounds: 3 x (1 + 0.25 + 0.0625)
    group = Group((step("draft", 1), step("review", 2)), turns=3, repeat_probability=0.25)
    assert run_usd((step("write", group),))[0] == pytest.approx(3 * 1.3125)


def test_shares_of_steps_add_up() -> None:
    flow = EVERYTHING
    parts = [run_usd(only(flow, leaf.name))[0] for leaf in leaves(flow)]
    assert sum(parts) == pytest.approx(run_usd(flow)[0])
    changed = with_step(flow, "look", step("look", 0.0))
    assert run_usd(changed)[0] < run_usd(flow)[0]


EVERYTHING = (
    step("guard", Loop(usd_per_call=0.01, error_rate=0.1, retries=1)),
    step("plan", replace(AGENT, turns=1.5, output_cv=0.8, input_cv=0.3), alongside=True),
    step(
        "research",
        Group(
            (
                step("look", Loop(usd_per_call=0.014, error_rate=0.2, retries=2, failed_cost_share=0.5), stops=False),
                step(
                    "read",
                    replace(AGENT, turns=8, repeat_probability=0.7, cache="history", hit_share=0.9, warm_share=0.3,
                            error_rate=0.02, retries=1, output_cv=0.5),
                ),
            ),
            turns=2.5,
            error_rate=0.1,
            retries=1,
        ),
        calls_per_run=2.4,
        parallel=True,
    ),
    step("write", replace(AGENT, turns=1, cache="prompt", warm_share=0.5), calls_per_run=1.7),
    step("person", 5.0, probability=0.05),
)  # fmt: skip


def test_exact_moments_agree_with_runs_drawn_one_by_one() -> None:
    mean, sd = run_usd(EVERYTHING)
    usd, ok = simulate(EVERYTHING, 40_000, seed=5)
    assert usd.mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(usd.size))
    assert usd.std() == pytest.approx(sd, rel=0.03)
    assert ok.mean() == pytest.approx(completion_rate(EVERYTHING), abs=0.01)


def test_the_same_seed_draws_the_same_runs() -> None:
    one, again, other = (simulate(EVERYTHING, 500, seed)[0] for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_prices_that_are_no_straight_line_agree_too() -> None:
    dear = tuple(3 * price for price in PRICES[0])
    loop = replace(AGENT, turns=6, output_cv=0.9, input_cv=0.4, above=(6000,), prices=(PRICES[0], dear))  # type: ignore[arg-type]
    assert not is_straight(loop)
    flow = (step("x", loop),)
    usd, _ = simulate(flow, 40_000, seed=3)
    mean, sd = run_usd(flow)
    assert usd.mean() == pytest.approx(mean, rel=0.02)
    assert usd.std() == pytest.approx(sd, rel=0.1)


loops = st.builds(
    Loop,
    prompt_tokens=st.sampled_from([0, 500, 3000]),
    input_tokens=st.floats(0, 2000),
    output_tokens=st.floats(0, 1000),
    tool_tokens=st.floats(0, 1000),
    carried_share=st.floats(0, 1),
    turns=st.floats(1, 6),
    repeat_probability=st.none() | st.floats(0, 0.9),
    cache=st.sampled_from(["none", "prompt", "history"]),
    cache_minimum_tokens=st.sampled_from([0, 1024]),
    warm_share=st.floats(0, 1),
    hit_share=st.floats(0, 1),
    error_rate=st.floats(0, 0.5),
    retries=st.integers(0, 3),
    failed_cost_share=st.floats(0, 1),
    usd_per_call=st.floats(0, 0.01),
    prices=st.just(PRICES),
)
flow_steps = st.builds(
    FlowStep,
    name=st.just("x"),
    body=loops
    | st.builds(Group, st.lists(st.builds(FlowStep, st.just("y"), loops), min_size=1, max_size=2).map(tuple)),
    probability=st.floats(0, 1),
    calls_per_run=st.floats(0, 3),
    parallel=st.booleans(),
    stops=st.booleans(),
    alongside=st.booleans(),
)


@settings(max_examples=40)
@given(st.lists(flow_steps, min_size=1, max_size=3).map(tuple))
def test_any_flow_agrees_with_runs_drawn_one_by_one(flow: tuple[FlowStep, ...]) -> None:
    mean, sd = run_usd(flow)
    usd, ok = simulate(flow, 4000, seed=11)
    assert usd.mean() == pytest.approx(mean, abs=5 * sd / math.sqrt(usd.size) + 1e-12)
    assert ok.mean() == pytest.approx(completion_rate(flow), abs=0.04)


@given(loops)
def test_tokens_of_a_turn_are_conserved(loop: Loop) -> None:
    for found in (True, False):
        tokens = turn_tokens(loop, found=found)
        assert (tokens.fresh >= -1e-9).all()
        assert (tokens.written >= -1e-9).all()
        turn = np.arange(loop.most_turns)
        grows = loop.carried_share * loop.output_tokens + loop.tool_tokens
        assert tokens.size == pytest.approx(loop.prompt_tokens + loop.input_tokens + turn * grows)


@given(loops)
def test_reading_from_the_cache_never_costs_more_than_writing_again(loop: Loop) -> None:
    hit, miss = (turn_usd(loop, turn_tokens(loop, found=found)).sum() for found in (True, False))
    assert hit <= miss + 1e-12


def test_too_many_calls_are_not_drawn() -> None:
    assert draws_within_reach(EVERYTHING, 20_000) == 20_000
    huge = (step("x", replace(AGENT, turns=200), calls_per_run=1000),)
    assert draws_within_reach(huge, 20_000) == 0
    assert varies(EVERYTHING)
    assert not varies(huge)
