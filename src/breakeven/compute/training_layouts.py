"""Every kind of GPU and method with which a model can be tuned: hours and dollars of one run, or why not."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from breakeven.catalogue.constants import TrainingFit
from breakeven.catalogue.hardware import Gpu, OpenModel
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Source
from breakeven.catalogue.training import Method, Stack
from breakeven.compute.shapes import shape_of
from breakeven.compute.tuning import (
    METHODS,
    Estimate,
    TrainingJob,
    TrainingPrecision,
    activation_gb,
    gpus_needed,
    hours,
    length_tokens,
    memory_gb,
)
from breakeven.errors import InputError, nearest

MICRO_BATCH_TOKENS = 8192
"""Tokens that one GPU works on at a time where nothing else is asked for and memory allows. [tokens]"""

MACHINE_GPUS = 8
"""GPUs of a rented machine; more than one machine is rented whole."""


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Which ways to look at, and how the data is fed.

    gpus, methods : kinds of GPU and methods; () looks at all kinds.
    micro_batch : null for as many sequences as make ``MICRO_BATCH_TOKENS``, fewer where memory is short.
    most_gpus : more than this counts as not fitting.
    Other fields as in ``TrainingJob``.
    """

    gpus: tuple[str, ...] = ()
    methods: tuple[Method, ...] = METHODS
    sequence_tokens: float = 2048
    example_tokens: float | None = None
    micro_batch: float | None = None
    packed: bool = True
    precision: TrainingPrecision = "bf16"
    stack: Stack = "eager"
    most_gpus: int = 64


class TrainingLayout(NamedTuple):
    """
    One kind of GPU with one method.

    gpus : GPUs rented, null where it does not fit.
    hours : of one run over the tokens asked for, start-up and evaluation included.
    usd : of that run on demand: low price times short time, to high price times long time; null without a price.
    memory_gb : of all GPUs together. [GB]
    why_not : why it cannot be used, "" where it can.
    note : what qualifies the numbers. label : ``estimated``, never measured.
    """

    gpu: Gpu
    method: Method
    gpus: int | None
    hours: Estimate | None
    usd: Estimate | None
    memory_gb: float | None
    why_not: str
    note: str
    label: str
    sources: tuple[Source, ...]


def layouts(
    model: OpenModel, tokens: float, catalogue: Catalogue, choice: Choice | None = None
) -> tuple[TrainingLayout, ...]:
    """
    Every way to tune a model with ``tokens`` tokens, cheapest first; then those without a price, then those that fail.

    Parameters
    ----------
    tokens : float
        Tokens of the training data times epochs. [tokens]

    Raises
    ------
    InputError
        The model's shape or a GPU is not known, or a number is not above 0.
    """
    choice = choice or Choice()
    unknown = [name for name in choice.gpus if name not in catalogue.gpus]
    if unknown:
        close = nearest(unknown[0], catalogue.gpus)
        raise InputError(f"no GPU {unknown[0]!r} is known.{close}", field="gpus")
    shape = shape_of(model)
    ways = [
        layout(job, tokens, catalogue.compute.training, choice)
        for gpu in catalogue.gpus.values()
        if not choice.gpus or gpu.id in choice.gpus
        for method in choice.methods
        for job in [
            TrainingJob(
                model=shape,
                gpu=gpu,
                method=method,
                sequence_tokens=choice.sequence_tokens,
                micro_batch=choice.micro_batch or 1,
                packed=choice.packed,
                precision=choice.precision,
                stack=choice.stack,
                example_tokens=choice.example_tokens,
            )
        ]
    ]
    return tuple(sorted(ways, key=_order))


def _order(way: TrainingLayout) -> tuple[bool, bool, float]:
    """Cheapest first, ways without a price after those with one, failing ones last."""
    return (way.hours is None, way.usd is None, way.usd.middle if way.usd else way.hours.middle if way.hours else 0.0)


def layout(job: TrainingJob, tokens: float, constants: TrainingFit, choice: Choice) -> TrainingLayout:
    """One kind of GPU with one method, on the fewest GPUs that can be rented and hold it."""
    if choice.micro_batch is None:
        job = replace(job, micro_batch=micro_batch(job, constants))
    least = gpus_needed(job, constants)
    rented = None if least is None else rented_gpus(least)
    if rented is None or rented > choice.most_gpus:
        return TrainingLayout(
            job.gpu, job.method, None, None, None, None, _why_not(job, least, choice, constants), "", "estimated", ()
        )
    job = replace(job, gpus=rented)
    run = hours(job, tokens, constants)
    price = job.gpu.usd_per_hour
    sources = [constants.source, constants.figures.overhead.source, job.gpu.source]
    usd = None
    if price is not None:
        ends = (price.value if price.low is None else price.low, price.value, price.high or price.value)
        usd = Estimate(*(rented * float(each) * time for each, time in zip(ends, run, strict=True)))
        sources.append(price.source)
    notes = [] if price is not None else ["no price of an hour was found"]
    if rented > MACHINE_GPUS:
        notes.append(f"{rented // MACHINE_GPUS} machines")
    if choice.precision != "bf16" and (job.method == "qlora" or not job.gpu.tflops.fp8):
        notes.append("computes at 16 bits")
    if job.method == "full":
        notes.append("with 16-byte Adam states; 8-bit optimisers fit on fewer GPUs")
    needed = memory_gb(job, constants)
    return TrainingLayout(
        job.gpu, job.method, rented, run, usd, needed, "", "; ".join(notes), "estimated", tuple(dict.fromkeys(sources))
    )


def rented_gpus(least: int) -> int:
    """GPUs that can be rented together: 1, 2, 4, 8, or whole machines of 8."""
    if least > MACHINE_GPUS:
        return MACHINE_GPUS * math.ceil(least / MACHINE_GPUS)
    return int(2 ** math.ceil(math.log2(least)))


def micro_batch(job: TrainingJob, constants: TrainingFit) -> float:
    """Sequences per GPU: a power of two near ``MICRO_BATCH_TOKENS`` that needs no more GPUs than a single one."""
    most = max(1.0, MICRO_BATCH_TOKENS / length_tokens(job, constants))
    least = gpus_needed(replace(job, micro_batch=1), constants)
    batch = 2.0 ** math.floor(math.log2(most))
    while batch > 1 and gpus_needed(replace(job, micro_batch=batch), constants) != least:
        batch /= 2
    return batch


def _why_not(job: TrainingJob, least: int | None, choice: Choice, constants: TrainingFit) -> str:
    """Why a job does not fit, with what would help."""
    if least is None:
        room, used = job.gpu.memory_gb, activation_gb(job, constants)
        return f"activations of {used:.0f} GB do not fit into {room:.0f} GB; use shorter sequences or another GPU"
    fix = "use LoRA" if job.method == "full" else "use QLoRA" if job.method == "lora" else "use a GPU with more memory"
    return f"needs {rented_gpus(least)} GPUs, more than {choice.most_gpus}; {fix}"
