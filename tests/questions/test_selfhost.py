"""Own GPUs: what must hold whatever the load and the fitted constants."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.compute.serving import unknown_shape
from breakeven.errors import InputError
from breakeven.questions.selfhost import KIND, SelfhostAnswer

AS_OF = dt.date(2026, 11, 23)
CATALOGUE = load_catalogue()
BASE: dict[str, Any] = {
    "model": "llama-3.1-8b",
    "calls_per_month": 5_000_000,
    "input_tokens": 800,
    "output_tokens": 400,
    "as_of": AS_OF,
}


def ask(catalogue: Catalogue = CATALOGUE, **fields: Any) -> SelfhostAnswer:
    answer: SelfhostAnswer = KIND.reply(BASE | fields, catalogue, AS_OF)
    return answer


def test_the_cheapest_layout_leads_and_every_other_has_its_reason() -> None:
    found = ask()
    usable = [row for row in found.layouts if row.monthly_usd is not None]
    assert found.best == usable[0]
    assert found.monthly_usd == min(row.monthly_usd for row in usable)  # type: ignore[type-var]
    assert {row.gpu for row in found.layouts} == set(CATALOGUE.gpus)
    for row in found.layouts:
        assert bool(row.why_not) == (row.monthly_usd is None)
        if row.throughput_tokens_s:
            assert row.throughput_tokens_s.low < row.throughput_tokens_s.mid < row.throughput_tokens_s.high
            assert row.replicas_low <= row.replicas <= row.replicas_high  # type: ignore[operator]
            assert row.concurrency <= row.concurrency_limit + 1e-6  # type: ignore[operator]


@settings(max_examples=25, deadline=None)
@given(
    st.floats(1_000, 1e8),
    st.floats(10, 8_000),
    st.floats(1, 2_000),
    st.floats(1, 6),
    st.sampled_from(["llama-3.1-8b", "qwen3-30b-a3b", "llama-3.3-70b", "gpt-oss-120b"]),
)
def test_money_adds_up(calls: float, inputs: float, outputs: float, peak: float, model: str) -> None:
    found = ask(model=model, calls_per_month=calls, input_tokens=inputs, output_tokens=outputs, peak_factor=peak)
    row = found.best
    assert row is not None
    assert row.replicas is not None
    assert row.usd_gpu_hour is not None
    assert row.idle_share is not None
    assert row.monthly_usd == pytest.approx(730 * row.gpus * row.replicas * row.usd_gpu_hour)
    assert row.usd_per_mtok_output == pytest.approx(1e6 * row.monthly_usd / (calls * outputs))
    assert row.usd_per_mtok_total == pytest.approx(1e6 * row.monthly_usd / (calls * (inputs + outputs)))
    # Output tokens at the peak, at 70 % use, fit into the replicas; into one fewer they do not.
    assert row.throughput_tokens_s is not None
    needed = calls * outputs * peak / (730 * 3600) / 0.7 / row.throughput_tokens_s.mid
    assert row.replicas - 1 < needed + 1e-6 or row.replicas == 1
    assert needed <= row.replicas + 1e-6
    assert 0 <= row.idle_share < 1
    step = next(each for each in found.steps if each.replicas == row.replicas)
    assert calls <= step.calls_per_month * (1 + 1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(1_000, 5e7), st.floats(1, 4))
def test_more_calls_or_a_higher_peak_never_cost_less(calls: float, times: float) -> None:
    first = ask(calls_per_month=calls).monthly_usd
    assert first is not None
    assert (ask(calls_per_month=calls * times).monthly_usd or 0) >= first
    assert (ask(calls_per_month=calls, peak_factor=3 * times).monthly_usd or 0) >= first
    assert (ask(calls_per_month=calls, ms_per_token=100 / times).monthly_usd or 0) >= first * (1 - 1e-9)


def test_a_fleet_that_follows_the_load_costs_no_more_than_one_that_is_always_up() -> None:
    found = ask(calls_per_month=5e7, cold_start_minutes=0)
    follows = found.autoscaled
    assert follows is not None
    assert found.monthly_usd is not None
    assert found.replicas is not None
    assert not follows.measured
    assert len(follows.hours) == 24
    assert follows.monthly_usd <= found.monthly_usd
    assert follows.most_replicas == found.replicas
    flat = ask(calls_per_month=5e7, peak_factor=1).autoscaled
    assert flat is not None
    assert flat.starts_month == 0
    assert flat.saving_monthly_usd == pytest.approx(0)


def test_hours_of_your_own_set_the_peak() -> None:
    hours = [1.0] * 23 + [25.0]
    found = ask(hourly_load=hours)
    # Busiest hour 25 of a mean of 2: 12.5 x, times a busiest minute of 1.5 x its hour: 18.75.
    assert found.question["peak_factor"] == pytest.approx(18.75)
    assert "busiest hour 12.50 x the mean" in found.origins["peak_factor"]
    assert found.autoscaled is not None
    assert found.autoscaled.measured


def test_adapters_slow_a_server_down_and_take_memory() -> None:
    one = {"gpu": ["l4"], "gpus": [1], "weights": ["fp8"]}
    plain, many = ask(**one), ask(**one, adapters=50)
    assert plain.best
    assert many.best
    assert plain.best.throughput_tokens_s
    assert many.best.throughput_tokens_s
    assert many.best.throughput_tokens_s.mid < 0.86 * plain.best.throughput_tokens_s.mid
    assert many.best.concurrency_limit < plain.best.concurrency_limit  # type: ignore[operator]
    full = ask(**one, adapters=1000).layouts[0]
    assert full.why_not or full.concurrency_limit < many.best.concurrency_limit  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "llama-9"}, "no open-weights model 'llama-9' in the catalogue. Did you mean"),
        ({"model": "mistral-medium-3.5"}, "the shape of mistral-medium-3.5 is not known"),
        ({"gpu": ["h200"]}, "no GPU 'h200' in the catalogue. Did you mean h200-"),
        ({"gpu_usd_hour": 2}, "--gpu-usd-hour is the price of one kind of GPU; name it with --gpu"),
        ({"hourly_load": [1, 2, 3]}, "--hourly-load has 3 numbers; give 24 or 168"),
        ({"hourly_load": [0] * 24}, "--hourly-load must be numbers of 0 or more"),
        ({"api_model": "gpt-99"}, "gpt-99"),
        ({"input_tokens": 1e7}, "does not fit the context window of 131,072 of llama-3.1-8b"),
    ],
)
def test_faults_are_one_clear_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        ask(**fields)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_names_of_a_repository_are_understood() -> None:
    assert ask(model="meta-llama/Llama-3.1-8B-Instruct").monthly_usd == ask().monthly_usd


def test_every_model_of_the_catalogue_is_answered_or_says_what_is_not_known() -> None:
    unanswered = []
    for model in CATALOGUE.open_models:
        try:
            found = ask(model=model, calls_per_month=100_000)
        except InputError:
            unanswered.append(model)
        else:
            assert found.best is not None, model
            assert [table.title for table in found.tables()]
    lacking = [each.id for each in CATALOGUE.open_models.values() if unknown_shape(each)]
    assert unanswered == lacking
    assert len(lacking) < 8
