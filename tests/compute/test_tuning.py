"""Training speed, time and memory: hand-worked answers, limits and directions."""

import datetime as dt
import math
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from breakeven.catalogue.constants import Band, TrainingFit
from breakeven.catalogue.hardware import Gpu, Link, Tflops
from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.catalogue.training import TrainingConstants
from breakeven.compute import training_layouts, tuning
from breakeven.compute.shapes import Shape, shape_like, shape_of
from breakeven.compute.training_layouts import Choice, layouts, rented_gpus
from breakeven.compute.tuning import TrainingJob
from breakeven.errors import InputError


@cache
def known() -> Catalogue:
    return load_catalogue()


def shipped() -> TrainingFit:
    return known().compute.training


@cache
def by_hand() -> TrainingFit:
    """The shipped figures with constants that can be worked by hand."""
    return shipped().model_copy(
        update={
            "constants": TrainingConstants(
                arithmetic_share=0.5,
                attention_share=0.5,
                fp4_speed=1.5,
                amd_share=0.8,
                recompute_share=0.5,
                activation_bytes=200,
                expert_bytes=1e6,
                dequantise_bytes=50,
                gather_passes=3,
                node_bytes_s=50e9,
                layer_s=0.002,
            ),
            "bands": (Band(slice="all", low=0.8, high=1.25, rows=10),),
            "fitted": dt.date(2026, 11, 25),
        }
    )


@cache
def card() -> Gpu:
    return (
        known()
        .gpus["h100-sxm"]
        .model_copy(
            update={
                "tflops": Tflops(bf16=1000, fp8=2000),
                "memory_gb": 80.0,
                "memory_gb_per_s": 2000.0,
                "link": Link(kind="NVLink", gb_per_s=400, gpus=8),
            }
        )
    )


EIGHT = Shape(8.0, 8.0, 8.0, layers=32, hidden=4096, attention_width=4096, experts_per_token=0, vocabulary=100_000)


def job(**change: Any) -> TrainingJob:
    usual = {"model": EIGHT, "gpu": card(), "sequence_tokens": 2000, "micro_batch": 4, "stack": "megatron"}
    return TrainingJob(**{**usual, "recompute": False, **change})


def speed(**change: Any) -> float:
    return tuning.tokens_s(job(**change), by_hand()).middle


def test_lora_on_one_gpu_by_hand() -> None:
    # weights 4 * 8e9 = 3.2e10 FLOP at 0.5 * 1e15: 6.4e-5 s; attention 6 * 4096 * 32 * 2000 = 1.572864e9 FLOP at
    # 0.25e15: 6.291456e-6 s; traffic 200 * 32 * 4096 = 2.62144e7 bytes at 2e12: 1.31072e-5 s
    token_s = 6.4e-5 + 6.291456e-6 + 1.31072e-5
    assert speed() == pytest.approx(1 / token_s)


def test_full_training_adds_half_the_arithmetic_again() -> None:
    # 6 * 8e9 at 0.5e15: 9.6e-5 s
    assert speed(method="full") == pytest.approx(1 / (9.6e-5 + 6.291456e-6 + 1.31072e-5))


def test_recomputing_by_hand() -> None:
    # half of one more forward pass: 0.5 * 2 * 8e9 = 8e9 FLOP at 0.5e15: 1.6e-5 s
    assert speed(recompute=True) == pytest.approx(1 / (6.4e-5 + 1.6e-5 + 6.291456e-6 + 1.31072e-5))


def test_fp8_doubles_matrix_products_only() -> None:
    assert speed(precision="fp8") == pytest.approx(1 / (3.2e-5 + 6.291456e-6 + 1.31072e-5))


def test_without_narrow_arithmetic_fp8_changes_nothing() -> None:
    wide = card().model_copy(update={"tflops": Tflops(bf16=1000)})
    assert speed(gpu=wide, precision="fp8") == speed(gpu=wide)


def test_qlora_dequantises_each_micro_batch() -> None:
    # 50 bytes * 8e9 weights at 2e12 bytes/s: 0.2 s per micro-batch of 8,000 tokens
    token_s = 6.4e-5 + 6.291456e-6 + 1.31072e-5
    assert speed(method="qlora") == pytest.approx(8000 / (8000 * token_s + 0.2))


def test_eager_launches_each_layer() -> None:
    # 32 layers * 2 ms = 0.064 s per micro-batch
    token_s = 6.4e-5 + 6.291456e-6 + 1.31072e-5
    assert speed(stack="eager") == pytest.approx(8000 / (8000 * token_s + 0.064))


def test_sharded_weights_are_gathered_over_the_link() -> None:
    # 3 passes * 2 bytes * 8e9 at 400e9 bytes/s: 0.12 s; two machines at 50e9: 0.96 s
    token_s = 6.4e-5 + 6.291456e-6 + 1.31072e-5
    assert speed(stack="fsdp", gpus=8) == pytest.approx(8 * 8000 / (8000 * token_s + 0.12))
    assert speed(stack="fsdp", gpus=16) == pytest.approx(16 * 8000 / (8000 * token_s + 0.96))
    assert speed(stack="megatron", gpus=8) == pytest.approx(8 / token_s)


def test_experts_cost_traffic() -> None:
    # 8 experts * 32 layers * 1e6 bytes at 2e12: 1.28e-4 s
    moe = EIGHT._replace(params_b=64.0, experts_per_token=8)
    assert speed(model=moe) == pytest.approx(1 / (6.4e-5 + 6.291456e-6 + 1.31072e-5 + 1.28e-4))


def test_hours_by_hand() -> None:
    # 100 M tokens at 11,990 tokens/s and a quarter on top: 2.9 h
    found = tuning.hours(job(), 1e8, by_hand())
    assert found.middle == pytest.approx(1e8 * 1.25 / speed() / 3600)
    assert found.middle == pytest.approx(2.896, abs=0.001)
    assert found.low == pytest.approx(found.middle / 1.25)
    assert found.high == pytest.approx(found.middle / 0.8)


def test_unpacked_examples_shrink_the_micro_batch() -> None:
    # 4 examples of 110 tokens: 440 tokens for the same 0.064 s of launching
    token_s = 6.4e-5 + 6 * 4096 * 32 * 110 / 0.25e15 + 1.31072e-5
    found = speed(stack="eager", packed=False)
    assert found == pytest.approx(440 / (440 * token_s + 0.064))
    assert speed(stack="eager", packed=False, example_tokens=2000) == speed(stack="eager")
    assert speed(stack="eager", packed=False, example_tokens=9000) == speed(stack="eager")


def test_memory_by_hand() -> None:
    # LoRA 2 * 8 = 16 GB; activations of 8,000 tokens: (2 * 4096 * 32 + 34 * 4096 + 10 * 100,000) bytes each
    activations = (262_144 + 139_264 + 1_000_000) * 8000 / 1e9
    assert tuning.activation_gb(job(recompute=True), by_hand()) == pytest.approx(activations)
    assert tuning.memory_gb(job(recompute=True), by_hand()) == pytest.approx(1.2 * (16 + activations) + 3)
    assert tuning.memory_gb(job(recompute=True, gpus=2), by_hand()) == pytest.approx(1.2 * (16 + 2 * activations) + 6)


def test_gpus_needed_by_hand() -> None:
    # full: 1.2 * 128 = 153.6 GB; room 80 - 1.2 * 11.21 - 3 = 63.5 GB: three GPUs
    assert tuning.gpus_needed(job(method="full", recompute=True), by_hand()) == 3
    assert tuning.gpus_needed(job(recompute=True), by_hand()) == 1
    assert tuning.gpus_needed(job(recompute=True, micro_batch=40), by_hand()) is None


def test_needed_gpus_have_the_memory_and_one_fewer_does_not() -> None:
    for model in known().open_models.values():
        if model.layers is None or model.hidden is None:
            continue
        for gpu in known().gpus.values():
            for method in tuning.METHODS:
                one = TrainingJob(shape_of(model), gpu, method=method, micro_batch=1)
                least = tuning.gpus_needed(one, shipped())
                if least is None:
                    continue
                assert tuning.memory_gb(replace(one, gpus=least), shipped()) <= least * gpu.memory_gb * (1 + 1e-9)
                fewer = least - 1
                assert fewer == 0 or tuning.memory_gb(replace(one, gpus=fewer), shipped()) > fewer * gpu.memory_gb


def test_more_work_is_never_faster() -> None:
    for gpu in known().gpus.values():
        more_work_is_never_faster(gpu)


def more_work_is_never_faster(gpu: Gpu) -> None:
    def found(**change: Any) -> float:
        return tuning.tokens_s(job(gpu=gpu, **change), shipped()).middle

    assert found(sequence_tokens=4096, micro_batch=2) < found(sequence_tokens=2048, micro_batch=4)
    assert found(method="full") < found(method="lora")
    assert found(method="qlora") < found(method="lora")
    assert found(recompute=True) < found()
    assert found(stack="eager") < found(stack="fsdp")
    assert found(stack="eager", micro_batch=1) < found(stack="eager", micro_batch=8)
    assert found(precision="fp8") >= found()
    assert found(model=EIGHT._replace(active_params_b=9.0)) < found()
    assert found(stack="fsdp", gpus=8) <= 8 * found(stack="fsdp")


def test_hours_grow_with_tokens_alone() -> None:
    assert tuning.hours(job(), 2e6, shipped()).middle == pytest.approx(2 * tuning.hours(job(), 1e6, shipped()).middle)


def test_qlora_carries_the_wider_band() -> None:
    bands = {slice_: shipped().band(slice_) for slice_ in ("dense", "qlora")}
    assert bands["qlora"].low < bands["dense"].low
    found = tuning.tokens_s(job(method="qlora"), shipped())
    assert found.low == pytest.approx(bands["qlora"].low * found.middle)


@pytest.mark.parametrize("name", ["gpus", "sequence_tokens", "micro_batch"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_counts_and_lengths_must_be_above_zero(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        tuning.tokens_s(job(**{name: value}), shipped())


def test_training_tokens_must_be_above_zero() -> None:
    with pytest.raises(InputError, match="training tokens 0"):
        tuning.hours(job(), 0, shipped())


def test_a_shape_like_another_keeps_its_own_size() -> None:
    shape, like = shape_like(69.0, 69.0, known())
    assert like == "llama-2-70b"
    assert (shape.params_b, shape.active_params_b, shape.read_params_b) == (69.0, 69.0, 69.0)
    assert not shape.moe
    assert shape_like(600, 30, known())[0].moe


def test_layouts_list_every_gpu_and_method_once() -> None:
    found = layouts(known().open_models["llama-3.1-8b"], 5e6, known())
    assert sorted((way.gpu.id, way.method) for way in found) == sorted(
        (gpu, method) for gpu in known().gpus for method in tuning.METHODS
    )
    assert {way.label for way in found} == {"estimated"}
    for way in found:
        assert (way.why_not == "") == (way.hours is not None) == (way.gpus is not None)
        assert (way.usd is not None) == (way.hours is not None and way.gpu.usd_per_hour is not None)
        assert way.hours is None or way.sources
    costs = [way.usd.middle for way in found if way.usd]
    assert costs == sorted(costs)
    assert [way.usd is None for way in found] == sorted(way.usd is None for way in found)


def test_dollars_by_hand() -> None:
    # one GPU at 2.58, 3.64 and 6.88 USD/h
    way = layouts(known().open_models["llama-3.1-8b"], 5e6, known(), Choice(gpus=("h100-sxm",), methods=("lora",)))[0]
    assert way.gpus == 1
    assert way.hours is not None
    assert way.usd is not None
    assert way.usd == pytest.approx((2.58 * way.hours.low, 3.64 * way.hours.middle, 6.88 * way.hours.high))


def test_a_model_that_does_not_fit_says_what_would() -> None:
    way = layouts(known().open_models["deepseek-v3"], 1e6, known(), Choice(gpus=("h100-sxm",), methods=("full",)))[0]
    # 1.2 * 16 * 670.92 = 12,882 GB
    assert way.why_not.startswith("needs 1")
    assert way.why_not.endswith("GPUs, more than 64; use LoRA")
    long = Choice(gpus=("l4",), methods=("lora",), sequence_tokens=100_000)
    way = layouts(known().open_models["llama-3.1-8b"], 1e6, known(), long)[0]
    assert "use shorter sequences" in way.why_not


def test_layouts_refuse_an_unknown_gpu() -> None:
    with pytest.raises(InputError, match=r"no GPU 'h100' is known\. Did you mean h100-"):
        layouts(known().open_models["llama-3.1-8b"], 1e6, known(), Choice(gpus=("h100",)))


@pytest.mark.parametrize(("least", "rented"), [(1, 1), (2, 2), (3, 4), (5, 8), (8, 8), (9, 16), (17, 24)])
def test_gpus_are_rented_in_round_numbers(least: int, rented: int) -> None:
    assert rented_gpus(least) == rented


def test_micro_batch_never_takes_another_gpu() -> None:
    constants: TrainingFit = shipped()
    for model in ("llama-3.1-8b", "llama-3.1-70b", "qwen3-30b-a3b"):
        for gpu in known().gpus.values():
            one = TrainingJob(shape_of(known().open_models[model]), gpu, micro_batch=1)
            least = tuning.gpus_needed(one, constants)
            if least is None:
                continue
            batch = training_layouts.micro_batch(one, constants)
            assert 1 <= batch * one.sequence_tokens <= training_layouts.MICRO_BATCH_TOKENS
            assert tuning.gpus_needed(replace(one, micro_batch=batch), constants) == least
