"""
Time of one engine step and what fits into memory, as array equations: numbers in, numbers out.

One body serves the fit over all measured rows and one prediction. ``Case`` names the symbols; constants are those of
``catalogue/compute.yaml``. Ideas: Pope et al. 2022 (arXiv 2211.05102) for sharding and the memory and arithmetic
parts, kipply's "Transformer Inference Arithmetic" (2022) for cache limits, Vidur (arXiv 2405.05465) for the step.
"""

from typing import NamedTuple

import numpy as np

from breakeven.catalogue.constants import ServingConstants
from breakeven.compute.layout import ENGINES, WIDTHS, Array, Case


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


def weight_bytes(case: Case) -> Array:
    """Weights on each GPU. Experts spread over all GPUs, the rest over one attention group. [bytes]"""
    others = case.weights - case.experts
    return (others / (case.tensor * case.pipeline) + case.experts / case.gpus) * case.weight_bytes


def cache_bytes(case: Case) -> Array:
    """Keys and values of one token on one GPU. [bytes/token]"""
    return case.cache_values * case.cache_layers * case.cache_bytes / (case.pipeline * case.cache_parts)


def sequences_fitting(case: Case, constants: ServingConstants) -> Array:
    """Requests whose keys and values fit into the memory left beside the weights."""
    memory = case.memory - case.adapters
    left = constants.usable_memory * memory - weight_bytes(case) - constants.reserved_bytes
    tokens = np.maximum(left, constants.least_cache_share * memory) / cache_bytes(case)
    reserves = case.engine == ENGINES.index("tensorrt-llm")
    held = np.where(reserves, 1.0, constants.paged_output_share) * case.output_tokens
    return case.groups * tokens / seen(case, case.input_tokens + held)


def sequences(case: Case, concurrency: Array, constants: ServingConstants) -> Array:
    """Requests in flight when ``concurrency`` are offered."""
    most = np.minimum(sequences_fitting(case, constants), case.sequences_allowed)
    return np.maximum(1.0, np.minimum(concurrency, most))


def experts_read(case: Case, running: Array, prefill: Array, constants: ServingConstants) -> Array:
    """Share of routed experts touched in a step; choices of a batch are alike, so fewer than if independent."""
    chunk = np.minimum(1.0, prefill / constants.chunk_tokens)
    missed = (1 - np.minimum(case.expert_share, 1 - 1e-12)) ** (constants.routing_spread * running)
    return (1 - chunk) * (1 - missed) + chunk


def step(case: Case, running: Array, constants: ServingConstants) -> Step:
    """
    Parts of one step that gives each of ``running`` requests one token and prefills as many prompts as end.

    The parts add up: kernels bound by memory, arithmetic and links take turns inside a layer.
    """
    prefill = running * case.input_tokens * case.fresh_share / case.output_tokens
    context = seen(case, case.input_tokens + case.output_tokens / 2)
    shard = case.tensor * case.pipeline

    bandwidth = constants.bandwidth_share * case.bandwidth * np.where(case.amd > 0, constants.amd_share, 1.0)
    read = case.dense * case.weight_bytes / shard + running / case.groups * context * cache_bytes(case)
    touched = experts_read(case, running, prefill, constants) * case.experts * case.weight_bytes / case.gpus
    memory = read / bandwidth + touched / (bandwidth * constants.expert_bandwidth_share)

    shares = np.array([constants.arithmetic_share[width] for width in WIDTHS])[case.width.astype(int)]
    slow = np.where(case.moe > 0, constants.expert_arithmetic_share, 1.0)
    slow = slow * np.where(case.amd > 0, constants.amd_share, 1.0)
    products = 2 * case.active * (running + prefill) / (case.gpus * case.flops * shares * slow)
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
    waits = np.where(case.pcie > 0, constants.pcie_messages, 1.0) * constants.message_s * np.log2(wide)
    sent = message * (wide - 1) / wide / (constants.link_share * case.link)
    links = np.where(wide > 1, 2 * case.layers / case.pipeline * (waits + sent), 0.0)

    launches = constants.layer_s * case.layers * np.where(case.moe > 0, constants.expert_layers, 1.0)
    overhead = launches + constants.sequence_s * running / case.groups
    return Step(memory, products + attention, links, overhead)


def step_s(case: Case, running: Array, constants: ServingConstants) -> Array:
    """Time of one step, which is the time between two tokens of a request. [s]"""
    speed = np.array([constants.engine_speed[engine] for engine in ENGINES])[case.engine.astype(int)]
    parts = step(case, running, constants)
    seconds: Array = (parts.memory + parts.arithmetic + parts.links + parts.overhead) / speed
    return seconds


def first_token_s(case: Case, constants: ServingConstants) -> Array:
    """Arithmetic of one fresh prompt on an idle server: a lower bound of the time to its first token. [s]"""
    shares = np.array([constants.arithmetic_share[width] for width in WIDTHS])[case.width.astype(int)]
    slow = np.where(case.moe > 0, constants.expert_arithmetic_share, 1.0)
    slow = slow * np.where(case.amd > 0, constants.amd_share, 1.0)
    fresh = case.input_tokens * case.fresh_share
    attended = 2 * case.attention_width * fresh * seen(case, case.input_tokens) * (2 - case.fresh_share)
    flop = 2 * case.active * fresh + attended * case.cache_layers
    seconds: Array = flop / (case.gpus * case.flops * shares * slow)
    return seconds
