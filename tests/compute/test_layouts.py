"""Every layout at once does what each does alone; and the reasons of those that cannot be used."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.compute.adapters import adapter_gb
from breakeven.compute.layout import Lengths
from breakeven.compute.layouts import COUNTS, Choice, capacities, curve, layouts
from breakeven.compute.serving import capacity

CATALOGUE = load_catalogue()


@pytest.mark.parametrize("model", ["llama-3.1-8b", "gpt-oss-120b", "deepseek-v3", "gemma-3-27b"])
@pytest.mark.parametrize("limit", [None, 0.03, 0.1])
def test_all_layouts_at_once_do_what_each_does_alone(model: str, limit: float | None) -> None:
    lengths = Lengths(1200, 300, 0.25)
    found = capacities(CATALOGUE, model, Choice(), lengths, limit)
    assert found.servers
    for place, server in enumerate(found.servers):
        alone = capacity(server, lengths, CATALOGUE.compute.serving, limit)
        if alone is None:
            assert math.isnan(found.output_tokens_s[place])
        else:
            assert found.sequences[place] == pytest.approx(alone.sequences)
            assert found.output_tokens_s[place] == pytest.approx(alone.output_tokens_s, rel=1e-9)


def test_every_kind_of_gpu_and_count_is_looked_at_or_says_why_not(catalogue: Catalogue) -> None:
    found = layouts(catalogue, "llama-3.3-70b", Choice(weights=("bf16",)), Lengths(1000, 200), 0.1)
    seen = {(each.server.gpu.id, each.server.gpus) for each in found}
    assert seen == {
        (gpu.id, count) for gpu in catalogue.gpus.values() for count in COUNTS if count <= max(1, gpu.link.gpus)
    }
    for each in found:
        assert (each.served is None) == bool(each.why_not)
    small = next(each for each in found if each.server.gpu.id == "l4" and each.server.gpus == 1)
    # 70.55B parameters at 2 bytes: 141 GB.
    assert "141 GB of bf16 weights" in small.why_not
    assert "2 GPUs" in next(e for e in found if e.server.gpu.id == "h100-sxm" and e.server.gpus == 1).why_not


def test_a_latency_nobody_meets_is_said_with_the_time_needed(catalogue: Catalogue) -> None:
    found = layouts(catalogue, "llama-3.3-70b", Choice(gpus=("a100-sxm-80gb",)), Lengths(1000, 200), 0.001)
    reasons = {each.why_not for each in found if each.server.gpus == 8}
    assert all("ms per token, more than 1 ms" in reason for reason in reasons)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(50, 20_000), st.floats(10, 4_000), st.floats(0.02, 0.2), st.sampled_from(["qwen3-8b", "qwen3-30b-a3b"])
)
def test_more_patience_and_shorter_calls_never_lower_a_capacity(
    inputs: float, outputs: float, limit: float, model: str
) -> None:
    choice = Choice(gpus=("h100-sxm", "l40s"), counts=(1, 2))

    def calls_s(lengths: Lengths, seconds: float | None) -> list[float]:
        tokens = capacities(CATALOGUE, model, choice, lengths, seconds).output_tokens_s / lengths.output_tokens
        return [0.0 if math.isnan(each) else float(each) for each in tokens]

    now = calls_s(Lengths(inputs, outputs), limit)
    patient = calls_s(Lengths(inputs, outputs), limit * 1.5)
    assert all(b >= a * 0.999 for a, b in zip(now, patient, strict=True))
    shorter = calls_s(Lengths(inputs, outputs / 2), None)
    assert all(b >= a * 0.999 for a, b in zip(calls_s(Lengths(inputs, outputs), None), shorter, strict=True))


def test_a_curve_rises_and_slows_down(catalogue: Catalogue) -> None:
    server = capacities(catalogue, "llama-3.1-8b", Choice(gpus=("h100-sxm",)), Lengths(800, 400), None).servers[0]
    points = curve(server, Lengths(800, 400), catalogue.compute.serving)
    assert points[0].sequences == 1
    tokens, seconds = [each.output_tokens_s for each in points], [each.step_s for each in points]
    assert tokens == sorted(tokens)
    assert seconds == sorted(seconds)
    assert len(points) > 5


def test_memory_of_an_adapter(catalogue: Catalogue) -> None:
    # Llama 3.1 8B: attention 2 x (4,096 + 4,096) + 2 x (4,096 + 1,024) = 26,624; three matrices of 4,096 + 14,336 =
    # 55,296; 32 layers x 81,920 x rank 16 x 2 bytes = 83.9 MB.
    assert adapter_gb(catalogue.open_models["llama-3.1-8b"], 16) == pytest.approx(0.0839, rel=0.01)
    # gpt-oss-120b: attention alone, 2 x (2,880 + 4,096) + 2 x (2,880 + 512) = 20,736; 36 x 20,736 x 8 x 2 = 11.9 MB.
    assert adapter_gb(catalogue.open_models["gpt-oss-120b"], 8) == pytest.approx(0.011944, rel=1e-3)
    assert adapter_gb(catalogue.open_models["mistral-medium-3.5"], 8) is None
