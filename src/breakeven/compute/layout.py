"""A model on GPUs (``Server``) with the lengths of its requests, and both as the numbers the equations work on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.constants import Engine
from breakeven.catalogue.hardware import Generation, Gpu, OpenModel, Precision

Array = NDArray[np.float64]
ENGINES: tuple[Engine, ...] = ("vllm", "sglang", "tensorrt-llm", "other")
GENERATIONS: tuple[Generation, ...] = ("ampere", "ada", "hopper", "blackwell", "cdna3", "cdna4")
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp8", "int8", "int4", "fp4", "mxfp4")
WIDTHS: tuple[Literal["bf16", "fp8", "fp4"], ...] = ("bf16", "fp8", "fp4")
"""Widths of arithmetic, in the order of ``Case.width``."""

WIDE_GPU_GB = 70
"""Above it vLLM's default is 1,024 sequences, below 256. [GB]"""


@dataclass(frozen=True, slots=True)
class Server:
    """
    One replica: a model on the GPUs that hold one copy of it.

    tensor_parallel : GPUs that share each matrix of one attention group.
    pipeline_parallel : stages of layers.
    data_parallel_attention : groups that each attend to their own requests while all share the experts.
    expert_parallel : GPUs over which whole experts are spread; 1 = each expert is cut like any matrix. Measured runs
        show no difference that lasts, so predictions do not use it.
    weights, kv_cache : how weights, and keys and values, are stored.
    max_sequences : most requests in flight per attention group, null for the engine's default.
    adapter_gb : memory of LoRA adapters on each GPU. [GB]
    """

    model: OpenModel
    gpu: Gpu
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    data_parallel_attention: int = 1
    expert_parallel: int = 1
    weights: Precision = "bf16"
    kv_cache: Literal["bf16", "fp8"] = "bf16"
    engine: Engine = "vllm"
    max_sequences: int | None = None
    adapter_gb: float = 0.0

    @property
    def gpus(self) -> int:
        """GPUs of the replica."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel_attention

    @property
    def sequences_allowed(self) -> int:
        """Most requests in flight in the replica that the engine starts, whatever fits into memory."""
        wide = self.gpu.memory_gb >= WIDE_GPU_GB and self.gpu.generation in ("hopper", "blackwell", "cdna3", "cdna4")
        default = 2048 if self.engine in ("sglang", "tensorrt-llm") else 1024 if wide else 256
        return self.data_parallel_attention * (self.max_sequences or default)


@dataclass(frozen=True, slots=True)
class Lengths:
    """
    Tokens of a typical request.

    cached_share : share of input tokens found in the prefix cache: held in memory, but not computed again.
    """

    input_tokens: float
    output_tokens: float
    cached_share: float = 0.0


class Case(NamedTuple):
    """
    Servers and lengths as numbers in bytes, FLOP/s and seconds: each a float, or an array with one entry per case.

    weights, active, dense, experts : weights in all, used per token, read at every step, of all routed experts.
    expert_share : experts per token over experts, 1 for a dense model; experts_each : experts per token.
    attention_width : heads times their size; decode_width : FLOP per generated token, token of context and layer.
    cache_values : keys and values kept per token and layer; cache_parts : GPUs that share them.
    tensor, pipeline, groups, gpus : as in ``Server``.
    precision, generation, width, engine : indices in ``PRECISIONS``, ``GENERATIONS``, ``WIDTHS`` (of the arithmetic
        used) and ``ENGINES``.
    """

    weights: Array
    active: Array
    dense: Array
    experts: Array
    expert_share: Array
    experts_each: Array
    moe: Array
    latent: Array
    layers: Array
    cache_layers: Array
    hidden: Array
    attention_width: Array
    decode_width: Array
    cache_values: Array
    cache_parts: Array
    windowed_share: Array
    window: Array
    tensor: Array
    pipeline: Array
    groups: Array
    gpus: Array
    precision: Array
    cache_bytes: Array
    memory: Array
    bandwidth: Array
    flops: Array
    flops_bf16: Array
    link: Array
    amd: Array
    generation: Array
    width: Array
    engine: Array
    adapters: Array
    sequences_allowed: Array
    input_tokens: Array
    output_tokens: Array
    fresh_share: Array


def arithmetic(gpu: Gpu, weights: Precision) -> Literal["bf16", "fp8", "fp4"]:
    """
    Width at which a GPU multiplies weights stored like this.

    int4 is widened to bf16 first; mxfp4 too, and to fp8 on GPUs that have fp4. A width that a GPU lacks computes at
    bf16.
    """
    wanted: Literal["bf16", "fp8", "fp4"] = "bf16"
    if weights in ("fp8", "int8"):
        wanted = "fp8"
    elif weights == "fp4":
        wanted = "fp4"
    elif weights == "mxfp4" and gpu.tflops.fp4:
        wanted = "fp8"
    return wanted if getattr(gpu.tflops, wanted) else "bf16"


def case_of(server: Server, lengths: Lengths) -> Case:
    """One server as numbers. The model's shape must be known (``serving.why_not``)."""
    model, gpu = server.model, server.gpu
    heads, head_dim = model.heads or 0, model.head_dim or 0
    kv_layers, layers = model.kv_layers or 0, model.layers or 0
    latent = model.attention == "mla"
    by_shape = head_dim if latent else 2 * (model.kv_heads or 0) * head_dim
    values = model.kv_bytes_per_token / 2 / kv_layers if model.kv_bytes_per_token and kv_layers else by_shape
    width = arithmetic(gpu, server.weights)
    experts = (model.expert_params_b or 0.0) * 1e9
    q = model.attention_width or heads * head_dim
    numbers = {
        "weights": model.params_b * 1e9,
        "active": model.active_params_b * 1e9,
        "dense": (model.dense_params_b or model.active_params_b) * 1e9,
        "experts": experts,
        "expert_share": (model.experts_per_token or 1) / (model.experts or 1),
        "experts_each": model.experts_per_token or 1,
        "moe": bool(experts),
        "latent": latent,
        "layers": layers,
        "cache_layers": kv_layers,
        "hidden": model.hidden or 0,
        "attention_width": q,
        "decode_width": 2 * heads * (2 * 512 + 64) if latent else 4 * q,
        "cache_values": values,
        "cache_parts": 1 if latent else min(server.tensor_parallel, model.kv_heads or 1),
        "windowed_share": model.windowed_layers / layers if layers else 0.0,
        "window": model.window_tokens or np.inf,
        "tensor": server.tensor_parallel,
        "pipeline": server.pipeline_parallel,
        "groups": server.data_parallel_attention,
        "gpus": server.gpus,
        "precision": PRECISIONS.index(server.weights),
        "cache_bytes": 1 if server.kv_cache == "fp8" else 2,
        "memory": gpu.memory_gb * 1e9,
        "bandwidth": gpu.memory_gb_per_s * 1e9,
        "flops": (getattr(gpu.tflops, width) or gpu.tflops.bf16) * 1e12,
        "flops_bf16": gpu.tflops.bf16 * 1e12,
        "link": gpu.link.gb_per_s * 1e9,
        "amd": gpu.maker == "amd",
        "generation": GENERATIONS.index(gpu.generation),
        "width": WIDTHS.index(width),
        "engine": ENGINES.index(server.engine),
        "adapters": server.adapter_gb * 1e9,
        "sequences_allowed": server.sequences_allowed,
        "input_tokens": lengths.input_tokens,
        "output_tokens": lengths.output_tokens,
        "fresh_share": 1 - lengths.cached_share,
    }
    return Case(**{name: np.asarray(number, dtype=np.float64) for name, number in numbers.items()})


def stack(cases: Sequence[Case]) -> Case:
    """Many cases as one, each field an array of shape ``(len(cases),)``."""
    return Case(*(np.array(column, dtype=np.float64) for column in zip(*cases, strict=True)))
