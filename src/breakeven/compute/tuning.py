"""How long fine-tuning an open-weights model takes on GPUs of one's own, and how many of them it needs."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from breakeven.catalogue.constants import TrainingFit
from breakeven.catalogue.hardware import Gpu
from breakeven.catalogue.training import Method, Stack
from breakeven.compute.shapes import Shape
from breakeven.compute.tuning_equations import Work, tokens_s_gpu
from breakeven.errors import InputError

METHODS: tuple[Method, ...] = ("lora", "qlora", "full")

TrainingPrecision = Literal["bf16", "fp8", "fp4"]
"""Width of the matrix products; ``fp4`` mixes fp4 with fp8. QLoRA always computes at 16 bits."""

FLOPS_PER_WEIGHT = {"full": 6, "lora": 4, "qlora": 4}
"""Forward and backward; adapters leave out the gradients of the weights. [FLOP/token]"""

KEPT_BYTES = 2
"""A 16-bit activation, or weight that crosses a link. [bytes]"""

LAYER_BYTES = 34
"""Activations inside one layer per token and hidden unit (Korthikanti et al. 2022, arXiv 2205.05198, eq. 1). [bytes]"""


SLICES = ("dense", "qlora", "moe")


class Estimate(NamedTuple):
    """A prediction with the band in which 80 % of left-out measured runs lie."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """
    One way to train.

    gpus : all GPUs together.
    sequence_tokens : length to which examples are packed or cut. [tokens]
    micro_batch : sequences that one GPU works on at a time.
    packed : whether short examples share a sequence; if not, each takes one of ``example_tokens``, padding included.
    recompute : whether activations are computed again in the backward pass (activation checkpointing).
    example_tokens : mean length of an example, null for the catalogue's default; used where not packed. [tokens]
    """

    model: Shape
    gpu: Gpu
    gpus: int = 1
    method: Method = "lora"
    sequence_tokens: float = 2048
    micro_batch: float = 4
    packed: bool = True
    precision: TrainingPrecision = "bf16"
    stack: Stack = "eager"
    recompute: bool = True
    example_tokens: float | None = None


def checked(job: TrainingJob) -> None:
    """Raises InputError where a length or count of a job is not above 0."""
    for name in ("gpus", "sequence_tokens", "micro_batch"):
        value = getattr(job, name)
        if not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name} {value:g} is not a number above 0", field=name)


def slice_of(job: TrainingJob) -> str:
    """Which band a job takes: mixtures of experts, QLoRA of dense models, or other training of dense models."""
    return "moe" if job.model.moe else "qlora" if job.method == "qlora" else "dense"


def peak_tflops(gpu: Gpu, precision: TrainingPrecision) -> float:
    """Dense peak for matrix products of a width: the 16-bit one where the GPU has nothing narrower. [TFLOP/s]"""
    return float((gpu.tflops.fp8 if precision != "bf16" else None) or gpu.tflops.bf16)


def length_tokens(job: TrainingJob, constants: TrainingFit) -> float:
    """Tokens of one sequence as it is computed. [tokens]"""
    if job.packed:
        return job.sequence_tokens
    return min(job.sequence_tokens, job.example_tokens or float(constants.figures.example_tokens.value))


def work_of(job: TrainingJob, constants: TrainingFit) -> Work:
    """A job as the numbers the equations work on. Raises InputError as ``checked``."""
    checked(job)
    model, gpu = job.model, job.gpu
    precision = "bf16" if job.method == "qlora" else job.precision
    length = length_tokens(job, constants)
    stored = float(constants.figures.weight_gb["qlora"].value) if job.method == "qlora" else KEPT_BYTES
    values = (
        FLOPS_PER_WEIGHT[job.method] * model.active_params_b * 1e9,
        2 * model.active_params_b * 1e9 * job.recompute,
        6 * model.attention_width * model.layers * length,
        model.layers * model.hidden,
        model.layers * model.experts_per_token,
        model.params_b * 1e9 * (job.method == "qlora"),
        stored * model.read_params_b * 1e9 * (job.gpus > 1 and job.stack != "megatron"),
        model.layers * (job.stack == "eager"),
        peak_tflops(gpu, precision) * 1e12,
        gpu.tflops.bf16 * 1e12,
        gpu.memory_gb_per_s * 1e9,
        gpu.link.gb_per_s * 1e9,
        job.gpus > gpu.link.gpus,
        gpu.maker == "amd",
        precision == "fp4" and gpu.tflops.fp4 is not None,
        job.micro_batch * length,
    )
    return Work(*(float(value) for value in values))  # type: ignore[arg-type]


def tokens_s(job: TrainingJob, constants: TrainingFit) -> Estimate:
    """
    Tokens per second of all GPUs together while steps run.

    Parameters
    ----------
    constants : TrainingFit
        ``catalogue.compute.training``.

    Raises
    ------
    InputError
        A length or count is not above 0.

    Notes
    -----
    ``gpus * m / (m * t + b)`` with ``m`` tokens per micro-batch and GPU, ``t`` time per token and ``b`` time per
    micro-batch (``tuning_equations``). Padding counts as tokens where examples are not packed.
    """
    middle = job.gpus * float(tokens_s_gpu(work_of(job, constants), constants.constants))
    band = constants.band(slice_of(job))
    return Estimate(band.low * middle, middle, band.high * middle)


def hours(job: TrainingJob, tokens: float, constants: TrainingFit) -> Estimate:
    """
    Hours of one training run over ``tokens`` (tokens of the data times epochs), start-up and evaluation included.

    Raises
    ------
    InputError
        ``tokens`` or a length or count is not above 0.
    """
    if not (tokens > 0 and math.isfinite(tokens)):
        raise InputError(f"training tokens {tokens:g} are not a number above 0", field="tokens")
    speed = tokens_s(job, constants)
    total = tokens * (1 + float(constants.figures.overhead.value)) / 3600
    return Estimate(total / speed.high, total / speed.middle, total / speed.low)


def activation_gb(job: TrainingJob, constants: TrainingFit) -> float:
    """
    Activations on one GPU: inputs of all layers, the inside of one (of all without recomputing), and the output layer.

    Notes
    -----
    Per token: ``2 * hidden * layers + 34 * hidden + logit_bytes * vocabulary`` bytes with recomputing.
    """
    model = job.model
    inside = LAYER_BYTES * model.hidden * (1 if job.recompute else model.layers)
    kept = KEPT_BYTES * model.hidden * model.layers if job.recompute else 0
    output = float(constants.figures.logit_bytes.value) * model.vocabulary
    return (kept + inside + output) * job.micro_batch * length_tokens(job, constants) / 1e9


def weights_gb(model: Shape, method: Method, constants: TrainingFit) -> float:
    """Weights, gradients and optimiser states on all GPUs together. [GB]"""
    return float(constants.figures.weight_gb[method].value) * model.params_b


def memory_gb(job: TrainingJob, constants: TrainingFit) -> float:
    """
    Memory of all GPUs together that a job should have. [GB]

    Notes
    -----
    ``margin * (weights + gpus * activations) + gpus * reserved``: weights, gradients and optimiser states are sharded,
    activations and what the driver and its buffers hold are on each GPU.
    """
    figures = constants.figures
    counted = weights_gb(job.model, job.method, constants) + job.gpus * activation_gb(job, constants)
    return float(figures.memory_margin.value) * counted + job.gpus * float(figures.reserved_gb.value)


def gpus_needed(job: TrainingJob, constants: TrainingFit) -> int | None:
    """
    Fewest GPUs with the memory for a job, whatever its own ``gpus``; null where activations alone fill one.

    Notes
    -----
    ``ceil(margin * weights / (memory - margin * activations - reserved))``, from ``memory_gb``.
    """
    figures = constants.figures
    margin, reserved = float(figures.memory_margin.value), float(figures.reserved_gb.value)
    room = job.gpu.memory_gb - margin * activation_gb(job, constants) - reserved
    if room <= 0:
        return None
    return math.ceil(margin * weights_gb(job.model, job.method, constants) / room)
