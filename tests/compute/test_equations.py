"""Known answers of each equation, with the arithmetic beside them."""

from typing import Any

import numpy as np
import pytest

from breakeven.catalogue.constants import ServingConstants
from breakeven.catalogue.load import Catalogue
from breakeven.compute import equations
from breakeven.compute.layout import Lengths, Server, case_of, stack
from breakeven.compute.serving import unknown_shape

ONE = dict.fromkeys(("bf16", "fp8", "int8", "int4", "fp4", "mxfp4"), 1.0)
PLAIN = ServingConstants(
    expert_weight_bytes=ONE | {"bf16": 2.0},
    other_weight_bytes=ONE | {"bf16": 2.0},
    usable_memory=0.9,
    reserved_bytes=2e9,
    least_cache_share=0.02,
    largest_weight_share=0.85,
    paged_output_share=0.5,
    request_share=0.8,
    even_tail=0.25,
    uneven_tail=1.5,
    bandwidth_share=1.0,
    expert_bandwidth_share=ONE | {"fp8": 0.5},
    amd_share=0.8,
    routing_spread=1.0,
    chunk_tokens=8192,
    arithmetic_share={"bf16": 0.5, "fp8": 0.5, "fp4": 0.5},
    expert_arithmetic_share=0.8,
    grouped_arithmetic_share=0.5,
    attention_share=0.5,
    message_s=1e-6,
    link_share=0.5,
    layer_s=1e-4,
    launch={"ampere": 1, "ada": 1, "hopper": 1, "blackwell": 0.5, "cdna3": 2, "cdna4": 1},
    expert_layers=1.5,
    latent_layers=1.25,
    sequence_s=1e-5,
    engine_speed={"vllm": 0.8, "sglang": 1, "tensorrt-llm": 1, "other": 1},
)


def server(catalogue: Catalogue, model: str = "llama-3.1-8b", gpu: str = "h100-sxm", **more: Any) -> Server:
    return Server(catalogue.open_models[model], catalogue.gpus[gpu], **more)


def test_cache_of_one_token(catalogue: Catalogue) -> None:
    # 2 x 8 heads x 128 x 32 layers x 2 bytes = 131,072; over 4 of the 8 heads' GPUs a quarter; fp8 half of that.
    one = case_of(server(catalogue), Lengths(1, 1))
    four = case_of(server(catalogue, tensor_parallel=4, kv_cache="fp8"), Lengths(1, 1))
    assert equations.cache_bytes(one) == 131_072
    assert equations.cache_bytes(four) == 131_072 / 4 / 2
    # More GPUs than heads hold copies: 16 GPUs, 8 heads.
    assert equations.cache_bytes(case_of(server(catalogue, tensor_parallel=16), Lengths(1, 1))) == 131_072 / 8
    # Latent attention keeps one vector of 576 values on every GPU: 576 x 61 x 2.
    assert equations.cache_bytes(case_of(server(catalogue, "deepseek-v3", tensor_parallel=8), Lengths(1, 1))) == 70_272


def test_cache_of_every_model_is_its_record(catalogue: Catalogue) -> None:
    known = [model for model in catalogue.open_models.values() if not unknown_shape(model)]
    gpu = catalogue.gpus["b200-sxm"]
    found = {model.id: float(equations.cache_bytes(case_of(Server(model, gpu), Lengths(1, 1)))) for model in known}
    assert len(known) > 40
    assert found == {model.id: pytest.approx(model.kv_bytes_per_token) for model in known}


def test_weights_on_each_gpu(catalogue: Catalogue) -> None:
    # Dense: 8.03e9 x 2 bytes over 2 GPUs.
    two = case_of(server(catalogue, tensor_parallel=2), Lengths(1, 1))
    assert equations.weight_bytes(two, PLAIN) == pytest.approx(8.03e9)
    # Data-parallel attention copies the rest (670.92 - 653.91) and spreads the experts: 17.01e9 + 653.91e9 / 8.
    grouped = case_of(server(catalogue, "deepseek-v3", data_parallel_attention=8, weights="fp8"), Lengths(1, 1))
    assert equations.weight_bytes(grouped, PLAIN) == pytest.approx(17.01e9 + 653.91e9 / 8)


def test_requests_that_fit(catalogue: Catalogue) -> None:
    # (0.9 x 85.9e9 - 16.06e9 - 2e9) / 131,072 bytes = 452,042 tokens; over 1,000 + 0.5 x 500 tokens each.
    paged = case_of(server(catalogue), Lengths(1000, 500))
    tokens = (0.9 * 85.9e9 - 16.06e9 - 2e9) / 131_072
    assert equations.sequences_fitting(paged, PLAIN) == pytest.approx(tokens / 1250)
    # TensorRT-LLM reserves the whole output: over 1,500.
    whole = case_of(server(catalogue, engine="tensorrt-llm"), Lengths(1000, 500))
    assert equations.sequences_fitting(whole, PLAIN) == pytest.approx(tokens / 1500)
    # An adapter of 1 GB takes 0.9e9 usable bytes.
    adapted = case_of(server(catalogue, adapter_gb=1), Lengths(1000, 500))
    lost = equations.sequences_fitting(paged, PLAIN) - equations.sequences_fitting(adapted, PLAIN)
    assert lost == pytest.approx(0.9e9 / 131_072 / 1250)


def test_windows_shorten_the_context(catalogue: Catalogue) -> None:
    # gpt-oss-20b: 12 of 24 layers see 128 tokens. Half of 1,000 plus half of 128.
    case = case_of(server(catalogue, "gpt-oss-20b", weights="mxfp4"), Lengths(1000, 1))
    assert equations.seen(case, np.asarray(1000.0)) == pytest.approx(564)


def test_requests_in_flight(catalogue: Catalogue) -> None:
    case = case_of(server(catalogue, max_sequences=64), Lengths(1000, 500))
    offered = np.array([0.3, 10.0, 1e9])
    # At least one, else what is offered, at most 64.
    assert equations.sequences(case, offered, PLAIN).tolist() == [1, 10, 64]
    # A run of 100 requests never has more than 80 in flight; at its end 20 of 100 requests in flight cost 5 %.
    assert equations.offered(np.asarray(np.inf), np.asarray(100.0), PLAIN) == 80
    assert equations.drained(np.asarray(20.0), np.asarray(100.0), np.asarray(0.0), PLAIN) == pytest.approx(1 / 1.05)
    assert equations.drained(np.asarray(20.0), np.asarray(np.inf), np.asarray(1.0), PLAIN) == 1


def test_one_step_of_a_dense_model(catalogue: Catalogue) -> None:
    case = case_of(server(catalogue), Lengths(1000, 500))
    parts = equations.step(case, np.asarray(10.0), PLAIN)
    # Reads 7.5e9 x 2 bytes and 10 x 1,250 tokens of cache at 3,350 GB/s.
    assert parts.memory == pytest.approx((15e9 + 10 * 1250 * 131_072) / 3350e9)
    # 10 generated and 20 prompt tokens, 2 x 7.5e9 FLOP each, at half of 989 TFLOP/s; and attention, of width
    # 4,096 in 32 layers: 10 x 1,250 x 4 x 4,096 for generation, 2 x 20 x 4,096 x 1,000 for prompts.
    products = 2 * 7.5e9 * 30 / 494.5e12
    attention = (10 * 1250 * 4 * 4096 + 2 * 20 * 4096 * 1000) * 32 / 494.5e12
    assert parts.arithmetic == pytest.approx(products + attention)
    assert parts.links == 0
    # 32 layers x 0.1 ms + 10 x 0.01 ms.
    assert parts.overhead == pytest.approx(3.3e-3)
    whole = float(parts.memory + parts.arithmetic + parts.overhead)
    assert equations.step_s(case, np.asarray(10.0), PLAIN) == pytest.approx(whole / 0.8)


def test_links_between_gpus(catalogue: Catalogue) -> None:
    # 4 GPUs: 2 x 32 messages of 1 us x log2(4) and of 2 x 4,096 x 30 bytes x 3/4 at half of 450 GB/s.
    case = case_of(server(catalogue, tensor_parallel=4), Lengths(1000, 500))
    expected = 64 * (2e-6 + 2 * 4096 * 30 * 0.75 / 225e9)
    assert equations.step(case, np.asarray(10.0), PLAIN).links == pytest.approx(expected)


def test_experts_touched(catalogue: Catalogue) -> None:
    # Mixtral chooses 2 of 8: three tokens miss an expert with 0.75 ** 3; prompts of 819.2 tokens touch 10 % in full.
    case = case_of(server(catalogue, "mixtral-8x7b", weights="fp8"), Lengths(1, 1))
    found = equations.experts_read(case, np.asarray(3.0), np.asarray(819.2), PLAIN)
    assert found == pytest.approx(0.9 * (1 - 0.75**3) + 0.1)


def test_one_step_of_a_mixture_of_experts(catalogue: Catalogue) -> None:
    case = case_of(server(catalogue, "mixtral-8x7b", "b200-sxm", weights="fp8"), Lengths(0.001, 1000))
    parts = equations.step(case, np.asarray(1.0), PLAIN)
    # One token reads 1.47e9 other bytes, 2 of 8 experts of 45.1e9 at half speed, and 500 tokens of cache.
    assert parts.memory == pytest.approx((1.47e9 + 0.25 * 45.1e9 / 0.5 + 500.001 * 131_072) / 8000e9, rel=1e-4)
    # 32 layers x 0.1 ms x 1.5 for experts x 0.5 on Blackwell, and one sequence.
    assert parts.overhead == pytest.approx(32 * 1e-4 * 1.5 * 0.5 + 1e-5)


def test_cached_prompt_is_not_computed_again(catalogue: Catalogue) -> None:
    # Half of 1,000 tokens cached: 10 fresh tokens per step instead of 20, each seeing 750 tokens instead of 500.
    case = case_of(server(catalogue), Lengths(1000, 500, cached_share=0.5))
    found = equations.step(case, np.asarray(10.0), PLAIN).arithmetic
    attention = (10 * 1250 * 4 * 4096 + 4 * 10 * 4096 * 750) * 32 / 494.5e12
    assert found == pytest.approx(2 * 7.5e9 * 20 / 494.5e12 + attention)


def test_first_token(catalogue: Catalogue) -> None:
    # 2 x 7.5e9 x 1,000 + 2 x 4,096 x 1,000^2 x 32 FLOP at 494.5 TFLOP/s.
    case = case_of(server(catalogue), Lengths(1000, 500))
    assert equations.first_token_s(case, PLAIN) == pytest.approx((15e12 + 2 * 4096 * 1e6 * 32) / 494.5e12)


def test_many_cases_are_each_case(catalogue: Catalogue) -> None:
    fit = catalogue.compute.serving.constants
    cases = [
        case_of(Server(model, gpu, tensor_parallel=2, weights=model.served_as[0]), Lengths(700, 90))
        for model in catalogue.open_models.values()
        if not unknown_shape(model)
        for gpu in catalogue.gpus.values()
    ]
    running = np.linspace(1, 300, len(cases))
    together = equations.step_s(stack(cases), running, fit)
    alone = [float(equations.step_s(case, each, fit)) for case, each in zip(cases, running, strict=True)]
    assert np.all(np.isfinite(together))
    assert np.all(together > 0)
    assert np.allclose(together, alone)
