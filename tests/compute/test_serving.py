"""Servers that cannot run say why; throughput, capacity and bands behave as physics and words say."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.compute.serving import Lengths, Server, capacity, serve, unknown_shape, why_not
from breakeven.errors import InputError


def server(catalogue: Catalogue, model: str = "llama-3.1-8b", gpu: str = "h100-sxm", **more: Any) -> Server:
    return Server(catalogue.open_models[model], catalogue.gpus[gpu], **more)


SERVERS = [
    ("llama-3.1-8b", "h100-sxm", {}),
    ("llama-3.1-8b", "l4", {"weights": "fp8", "engine": "sglang"}),
    ("llama-3.3-70b", "a100-sxm-80gb", {"tensor_parallel": 4}),
    ("gpt-oss-120b", "b200-sxm", {"weights": "mxfp4", "engine": "tensorrt-llm"}),
    ("qwen3-235b-a22b", "h200-sxm", {"tensor_parallel": 4, "weights": "fp8"}),
    ("deepseek-v3", "b200-sxm", {"data_parallel_attention": 8, "expert_parallel": 8, "weights": "fp8"}),
    ("deepseek-v3", "mi355x", {"tensor_parallel": 8, "weights": "fp8", "engine": "other"}),
    ("gemma-3-27b", "rtx-pro-6000-server", {"weights": "bf16", "kv_cache": "fp8"}),
]
servers = st.sampled_from(SERVERS)
lengths = st.builds(Lengths, st.floats(1, 20_000), st.floats(1, 4_000), st.sampled_from([0.0, 0.3, 0.9]))
requests = st.floats(1, 3_000)


@pytest.mark.parametrize(
    ("model", "gpu", "more", "words"),
    [
        ("mistral-medium-3.5", "h100-sxm", {}, "shape of mistral-medium-3.5 is not known"),
        ("llama-3.3-70b", "h100-sxm", {}, "141 GB of bf16 weights per GPU do not fit"),
        ("llama-3.3-70b", "h100-sxm", {}, "2 GPUs would hold them"),
        ("llama-3.1-405b", "h100-sxm", {"tensor_parallel": 4, "weights": "fp8"}, "8 GPUs would hold them"),
        ("llama-3.1-8b", "rtx-4090", {"tensor_parallel": 2}, "only 1 NVIDIA GeForce RTX 4090"),
        ("qwen2.5-7b", "h100-sxm", {"tensor_parallel": 8}, "28 attention heads cannot be cut into 8 equal parts"),
        ("llama-3.1-8b", "h100-sxm", {"weights": "fp4", "engine": "tensorrt-llm"}, "no 4-bit float arithmetic"),
        ("llama-3.1-8b", "h100-sxm", {"pipeline_parallel": 64}, "32 layers cannot be cut into 64 stages"),
        ("deepseek-v3", "h200-sxm", {"data_parallel_attention": 4, "weights": "fp8"}, "8 GPUs would hold them"),
    ],
)
def test_a_server_that_cannot_run_says_why(
    catalogue: Catalogue, model: str, gpu: str, more: dict[str, Any], words: str
) -> None:
    asked = server(catalogue, model, gpu, **more)
    assert words in (why_not(asked, catalogue.compute.serving) or "")
    with pytest.raises(InputError, match=model):
        serve(asked, Lengths(100, 100), 1, catalogue.compute.serving)


def test_the_number_of_gpus_named_does_hold_the_weights(catalogue: Catalogue) -> None:
    checked = 0
    for model in catalogue.open_models.values():
        if unknown_shape(model):
            continue
        for gpu in catalogue.gpus.values():
            said = why_not(Server(model, gpu), catalogue.compute.serving)
            if said and "GPUs would hold them" in said:
                count = int(said.partition("; ")[2].split()[0])
                then = why_not(Server(model, gpu, pipeline_parallel=count), catalogue.compute.serving)
                assert not then or "do not fit" not in then
                half = why_not(Server(model, gpu, pipeline_parallel=count // 2), catalogue.compute.serving)
                assert half
                checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    "wrong", [Lengths(100, 0), Lengths(-1, 100), Lengths(100, math.nan), Lengths(1, 1, 1.5), Lengths(math.inf, 1)]
)
def test_lengths_that_make_no_sense(catalogue: Catalogue, wrong: Lengths) -> None:
    with pytest.raises(InputError, match="tokens per request"):
        serve(server(catalogue), wrong, 1, catalogue.compute.serving)


@pytest.mark.parametrize("wrong", [0, -3, math.nan])
def test_concurrency_above_zero(catalogue: Catalogue, wrong: float) -> None:
    with pytest.raises(InputError, match="concurrency"):
        serve(server(catalogue), Lengths(1, 1), wrong, catalogue.compute.serving)


@given(servers, lengths, requests)
def test_an_answer_hangs_together(catalogue: Catalogue, named: Any, asked: Lengths, concurrency: float) -> None:
    model, gpu, more = named
    found = serve(server(catalogue, model, gpu, **more), asked, concurrency, catalogue.compute.serving)
    assert 0 < found.low_output_tokens_s < found.output_tokens_s < found.high_output_tokens_s
    assert 1 <= found.sequences <= max(1, concurrency)
    assert found.output_tokens_s == pytest.approx(found.sequences / found.step_s)
    assert found.label == "estimated"
    assert found.first_token_s_at_least >= 0


@given(servers, lengths, requests, st.floats(1, 4))
def test_more_requests_never_lower_throughput_and_slow_each(
    catalogue: Catalogue, named: Any, asked: Lengths, concurrency: float, factor: float
) -> None:
    model, gpu, more = named
    one = server(catalogue, model, gpu, **more)
    few = serve(one, asked, concurrency, catalogue.compute.serving)
    many = serve(one, asked, concurrency * factor, catalogue.compute.serving)
    assert many.output_tokens_s >= few.output_tokens_s * (1 - 1e-9)
    assert many.step_s >= few.step_s * (1 - 1e-9)


@given(servers, lengths, requests, st.sampled_from(["memory_gb_per_s", "memory_gb", "tflops", "link"]), st.floats(1, 3))
def test_a_better_gpu_is_never_slower(
    catalogue: Catalogue, named: Any, asked: Lengths, concurrency: float, what: str, factor: float
) -> None:
    model, gpu, more = named
    one = server(catalogue, model, gpu, **more)
    old = one.gpu
    better: dict[str, Any] = {
        "memory_gb_per_s": {"memory_gb_per_s": old.memory_gb_per_s * factor},
        "memory_gb": {"memory_gb": old.memory_gb * factor},
        "tflops": {
            "tflops": old.tflops.model_copy(
                update={name: value * factor for name, value in old.tflops.model_dump().items() if value}
            )
        },
        "link": {"link": old.link.model_copy(update={"gb_per_s": old.link.gb_per_s * factor})},
    }[what]
    new = Server(one.model, old.model_copy(update=better), **more)
    before = serve(one, asked, concurrency, catalogue.compute.serving)
    after = serve(new, asked, concurrency, catalogue.compute.serving)
    assert after.output_tokens_s >= before.output_tokens_s * (1 - 1e-9)
    assert after.sequences_limit >= before.sequences_limit * (1 - 1e-9)


@given(servers, lengths, requests, st.floats(1, 3))
def test_longer_prompts_never_help_and_cached_ones_never_hurt(
    catalogue: Catalogue, named: Any, asked: Lengths, concurrency: float, factor: float
) -> None:
    model, gpu, more = named
    one = server(catalogue, model, gpu, **more)
    fit = catalogue.compute.serving
    plain = serve(one, Lengths(asked.input_tokens, asked.output_tokens), concurrency, fit)
    longer = serve(one, Lengths(asked.input_tokens * factor, asked.output_tokens), concurrency, fit)
    cached = serve(one, Lengths(asked.input_tokens, asked.output_tokens, 0.7), concurrency, fit)
    assert longer.output_tokens_s <= plain.output_tokens_s * (1 + 1e-9)
    assert cached.output_tokens_s >= plain.output_tokens_s * (1 - 1e-9)
    assert cached.sequences_limit == pytest.approx(plain.sequences_limit)


@given(servers, lengths, st.floats(0.004, 0.2))
def test_capacity_is_the_largest_concurrency_within_the_limit(
    catalogue: Catalogue, named: Any, asked: Lengths, limit: float
) -> None:
    model, gpu, more = named
    one = server(catalogue, model, gpu, **more)
    fit = catalogue.compute.serving
    found = capacity(one, asked, fit, limit)
    if found is None:
        assert serve(one, asked, 1, fit).step_s > limit
        return
    assert found.step_s <= limit
    most = capacity(one, asked, fit)
    assert most is not None
    assert found.output_tokens_s <= most.output_tokens_s * (1 + 1e-9)
    if found.sequences < most.sequences:
        assert serve(one, asked, found.sequences + 1, fit).step_s > limit


def test_defaults_of_engines(catalogue: Catalogue) -> None:
    # vLLM: 1,024 on large recent GPUs, 256 elsewhere; TensorRT-LLM and SGLang 2,048; per attention group.
    assert server(catalogue).sequences_allowed == 1024
    assert server(catalogue, gpu="a100-sxm-80gb").sequences_allowed == 256
    assert server(catalogue, gpu="l4").sequences_allowed == 256
    assert server(catalogue, engine="sglang").sequences_allowed == 2048
    assert server(catalogue, data_parallel_attention=4, max_sequences=100).sequences_allowed == 400
    assert server(catalogue, data_parallel_attention=4, tensor_parallel=2, pipeline_parallel=3).gpus == 24


def test_what_is_doubtful_is_said(catalogue: Catalogue) -> None:
    fit = catalogue.compute.serving
    tight = serve(server(catalogue, "llama-3.3-70b", weights="fp8"), Lengths(8000, 1000), 4, fit)
    assert any("scatter" in warning for warning in tight.warnings)
    hybrid = serve(server(catalogue, "qwen3.5-397b-a17b", tensor_parallel=8, weights="fp8"), Lengths(10, 10), 4, fit)
    assert any("growing cache" in warning for warning in hybrid.warnings)
    assert serve(server(catalogue), Lengths(1000, 1000), 4, fit).warnings == ()


def test_an_engine_without_a_band_takes_that_of_its_kind(catalogue: Catalogue) -> None:
    fit = catalogue.compute.serving
    assert fit.band("nothing", "moe", "all").slice == "moe"
    assert fit.band("nothing").slice == "all"
