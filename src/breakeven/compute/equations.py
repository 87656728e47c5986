"""
Time of one engine step and what fits into memory, as array equations: numbers in, numbers out.

One body serves the fit over all measured rows and one prediction. ``Case`` names the symbols; constants are those of
``catalogue/compute.yaml``. Ideas: Pope et al. 2022 (arXiv 2211.05102) for sharding and the memory and arithmetic
parts, kipply's "Transformer Inference Arithmetic" (2022) for cache limits, Vidur (arXiv 2405.05465) for the step.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from breakeven.catalogue.constants import ServingConstants
from breakeven.compute.layout import ENGINES, GENERATIONS, PRECISIONS, WIDTHS, Array, Case


def each(values: Mapping[Any, float], names: Sequence[str], index: Array) -> Array:
    """A constant that differs by precision, generation or the like, for each case."""
    found: Array = np.array([values[name] for name in names])[index.astype(int)]
    return found


class Step(NamedTuple):
    """Parts of the time of one engine step, before the engine's factor. [s]"""

    memory: Array
    arithmetic: Array
    links: Array
    overhead: Array


def seen(case: Case, tokens: Array) -> Array:
    """Tokens of a context of ``tokens`` that a layer attends to, averaged over windowed and full layers."""
    share = case.windowed_share
    return (1 - share) * tokens + share * np.minimum(tokens, case.window)


def weight_bytes(case: Case, constants: ServingConstants) -> Array:
    """Weights on each GPU. Experts spread over all GPUs, the rest over one attention group. [bytes]"""
    others = (case.weights - case.experts) * each(constants.other_weight_bytes, PRECISIONS, case.precision)
    experts = case.experts * each(constants.expert_weight_bytes, PRECISIONS, case.precision)
    return others / (case.tensor * case.pipeline) + experts / case.gpus


def cache_bytes(case: Case) -> Array:
    """Keys and values of one token on one GPU. [bytes/token]"""
    return case.cache_values * case.cache_layers * case.cache_bytes / (case.pipeline * case.cache_parts)


def sequences_fitting(case: Case, constants: ServingConstants) -> Array:
    """Requests whose keys and values fit into the memory left beside the weights."""
    memory = case.memory - case.adapters
    left = constants.usable_memory * memory - weight_bytes(case, constants) - constants.reserved_bytes
    tokens = np.maximum(left, constants.least_cache_share * memory) / cache_bytes(case)
    reserves = case.engine == ENGINES.index("tensorrt-llm")
    held = np.where(reserves, 1.0, constants.paged_output_share) * case.output_tokens
    return case.groups * tokens / seen(case, case.input_tokens + held)


def offered(concurrency: Array, requests: Array, constants: ServingConstants) -> Array:
    """Concurrency of a run of so many requests: a saturated one is short of them as it ends."""
    return np.minimum(concurrency, constants.request_share * requests)


def sequences(case: Case, concurrency: Array, constants: ServingConstants) -> Array:
    """Requests in flight when ``concurrency`` are offered."""
    most = np.minimum(sequences_fitting(case, constants), case.sequences_allowed)
    return np.maximum(1.0, np.minimum(concurrency, most))


def experts_read(case: Case, running: Array, prefill: Array, constants: ServingConstants) -> Array:
    """Share of routed experts touched in a step; choices of a batch are alike, so fewer than if independent."""
    chunk = np.minimum(1.0, prefill / constants.chunk_tokens)
    missed = (1 - np.minimum(case.expert_share, 1 - 1e-12)) ** (constants.routing_spread * running)
    return (1 - chunk) * (1 - missed) + chunk


def flops(case: Case, constants: ServingConstants) -> Array:
    """Arithmetic of all GPUs on matrices. [FLOP/s]"""
    slow = np.where(case.moe > 0, constants.expert_arithmetic_share, 1.0)
    slow = slow * np.where((case.moe > 0) & (case.groups > 1), constants.grouped_arithmetic_share, 1.0)
    slow = slow * np.where(case.amd > 0, constants.amd_share, 1.0)
    return case.gpus * case.flops * each(constants.arithmetic_share, WIDTHS, case.width) * slow


def step(case: Case, running: Array, constants: ServingConstants) -> Step:
    """
    Parts of one step that gives each of ``running`` requests one token and prefills as many prompts as end.

    The parts add up: kernels bound by memory, arithmetic and links take turns inside a layer.
    """
    prefill = running * case.input_tokens * case.fresh_share / case.output_tokens
    context = seen(case, case.input_tokens + case.output_tokens / 2)
    bandwidth = constants.bandwidth_share * case.bandwidth * np.where(case.amd > 0, constants.amd_share, 1.0)
    others = case.dense * each(constants.other_weight_bytes, PRECISIONS, case.precision)
    read = others / (case.tensor * case.pipeline) + running / case.groups * context * cache_bytes(case)
    experts = case.experts * each(constants.expert_weight_bytes, PRECISIONS, case.precision) / case.gpus
    touched = experts_read(case, running, prefill, constants) * experts
    memory = (read + touched / each(constants.expert_bandwidth_share, PRECISIONS, case.precision)) / bandwidth

    products = 2 * case.active * (running + prefill) / flops(case, constants)
    prompt = seen(case, case.input_tokens) * (2 - case.fresh_share)
    attended = running * context * case.decode_width + 2 * prefill * case.attention_width * prompt
    attention = attended * case.cache_layers / (constants.attention_share * case.gpus * case.flops_bf16)

    whole = (case.groups > 1) & (case.moe > 0)
    wide = np.where(whole, case.gpus, case.tensor)
    message = np.where(
        whole,
        case.experts_each * case.hidden * (running + prefill) / case.gpus,
        2 * case.hidden * (running + prefill),
    )
    sent = message * (wide - 1) / wide / (constants.link_share * case.link)
    links = 2 * case.layers / case.pipeline * (constants.message_s * np.log2(wide) + sent)

    launches = constants.layer_s * case.layers * np.where(case.moe > 0, constants.expert_layers, 1.0)
    launches = launches * np.where(case.latent > 0, constants.latent_layers, 1.0)
    launches = launches * each(constants.launch, GENERATIONS, case.generation)
    overhead = launches + constants.sequence_s * running / case.groups
    return Step(memory, products + attention, links, overhead)


def step_s(case: Case, running: Array, constants: ServingConstants) -> Array:
    """Time of one step, which is the time between two tokens of a request. [s]"""
    speed = each(constants.engine_speed, ENGINES, case.engine)
    parts = step(case, running, constants)
    seconds: Array = (parts.memory + parts.arithmetic + parts.links + parts.overhead) / speed
    return seconds


def drained(running: Array, requests: Array, uneven: Array, constants: ServingConstants) -> Array:
    """Share of its steady rate that a saturated run of so many requests reaches, since its end is not full."""
    tail = np.where(uneven > 0, constants.uneven_tail, constants.even_tail)
    share: Array = 1 / (1 + tail * running / requests)
    return share


def first_token_s(case: Case, constants: ServingConstants) -> Array:
    """Arithmetic of one fresh prompt on an idle server: a lower bound of the time to its first token. [s]"""
    fresh = case.input_tokens * case.fresh_share
    attended = 2 * case.attention_width * fresh * seen(case, case.input_tokens) * (2 - case.fresh_share)
    flop = 2 * case.active * fresh + attended * case.cache_layers
    seconds: Array = flop / flops(case, constants)
    return seconds
