"""One row of a table of fine-tuning runs as a job: what the fit and the prediction both read."""

from collections.abc import Mapping
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.training import Method, Stack
from breakeven.compute.rows import find_gpu, find_model, number, whole
from breakeven.compute.shapes import MOE_SHARE, Shape, shape_like, shape_of
from breakeven.compute.tuning import TrainingJob, TrainingPrecision
from breakeven.errors import InputError, nearest

READ = (
    *("model", "params_b", "active_params_b", "method", "framework", "gpu", "gpu_count", "compute_precision"),
    *("seq_len", "packed_or_fixed", "micro_batch", "activation_recompute", "metric_basis", "train_tokens"),
)
"""Columns that are read. Measured ones never are: speed, hours, cost, FLOP/s."""

STACKS: tuple[tuple[str, Stack], ...] = (
    ("automodel", "fsdp"), ("foundry", "fsdp"), ("megatron", "megatron"), ("nemo", "megatron"), ("fsdp", "fsdp"),
    ("torchtitan", "fsdp"),
)  # fmt: skip
"""What names of frameworks contain, the first that fits; all others launch each kernel from Python."""

ASSUMED_SEQUENCE_TOKENS = 2048
"""Where a row has no sequence length. [tokens]"""

WALL_CLOCK = ("evaluation", "wall")
"""Words of ``metric_basis`` that mean time with start-up and evaluation, not of steps alone."""


class TrainingRun(NamedTuple):
    """
    What a row says was run.

    wall_clock : its speed is over the whole run, start-up and evaluation included.
    train_tokens : tokens of the run, null where not said.
    notes : what was assumed, or is not modelled.
    """

    job: TrainingJob
    wall_clock: bool
    train_tokens: float | None
    notes: tuple[str, ...]


LARGEST = {"gpu_count": 1e6, "micro_batch": 1e6, "params_b": 1e6, "active_params_b": 1e6, "seq_len": 1e9}
"""Above it a cell is a slip of the pen; below its inverse too. ``train_tokens`` may be up to 1e18."""


def size(row: Mapping[str, str], column: str) -> float | None:
    """A cell as a number of plausible size, null where blank. Raises InputError naming the column."""
    value, most = number(row, column), LARGEST.get(column, 1e18)
    if value is not None and not 1 / most <= value <= most:
        raise InputError(f"{column} {value:g} is not between {1 / most:g} and {most:g}", field=column)
    return value


def text(row: Mapping[str, str], column: str) -> str:
    """A cell without surrounding blanks, lower case; "" where it is missing."""
    return (row.get(column) or "").strip().lower()


def model_of(row: Mapping[str, str], catalogue: Catalogue, notes: list[str]) -> Shape:
    """
    The model by name, at the sizes that the row gives; an unknown one takes the shape of one of its size.

    Raises
    ------
    InputError
        An unknown model without ``params_b``.
    """
    wanted = text(row, "model")
    params_b, active_b = size(row, "params_b"), size(row, "active_params_b")
    try:
        shape = shape_of(find_model(wanted, catalogue))
        return shape._replace(active_params_b=shape.active_params_b if active_b is None else active_b)
    except InputError:
        if params_b is None:
            close = nearest(wanted, catalogue.open_models)
            raise InputError(f"no model {wanted!r} is known, and params_b is blank.{close}", field="model") from None
    if active_b is not None and active_b > params_b:
        raise InputError(f"active_params_b {active_b:g} exceeds params_b {params_b:g}", field="active_params_b")
    shape, like = shape_like(params_b, params_b if active_b is None else active_b, catalogue)
    kind = "mixture of experts" if (active_b or params_b) < MOE_SHARE * params_b else "dense model"
    notes.append(f"shape of {like} taken for an unknown {kind} of {params_b:g}B parameters")
    return shape


def method_of(row: Mapping[str, str]) -> Method:
    """LoRA, QLoRA or all weights. Raises InputError where the method is neither."""
    named = text(row, "method")
    if named.startswith(("qlora", "q-lora")):
        return "qlora"
    if named.startswith(("lora", "peft", "dora")):
        return "lora"
    if named.startswith(("full", "sft", "pre-train", "pretrain")):
        return "full"
    raise InputError(f"method {named!r} is not known; use lora, qlora or full", field="method")


def precision_of(row: Mapping[str, str], notes: list[str]) -> TrainingPrecision:
    """Width of the matrix products; 16 bits where nothing narrower is named."""
    named = text(row, "compute_precision")
    if "fp4" in named:
        return "fp4"
    if "fp8" in named:
        return "fp8"
    if named not in ("bf16", "fp16", "bf16-true", "bf16-mixed", "float16", "bfloat16"):
        notes.append(f"precision {named or 'not given'}: taken as bf16")
    return "bf16"


def stack_of(row: Mapping[str, str], notes: list[str]) -> Stack:
    """What runs the training, by the name of the framework."""
    named = text(row, "framework")
    if not named:
        notes.append("framework not given: taken as one that launches each kernel from Python")
    return next((stack for part, stack in STACKS if part in named), "eager")


def run_of(row: Mapping[str, str], catalogue: Catalogue) -> TrainingRun:
    """
    What a row says was run; blank cells take the defaults in docs/training-model.md, each with a note.

    Raises
    ------
    InputError
        An unknown GPU or method, an unknown model without ``params_b``, or a cell that makes no sense.
    """
    notes: list[str] = []
    model, gpu, method = model_of(row, catalogue, notes), find_gpu(text(row, "gpu"), catalogue), method_of(row)
    count, length, batch = whole(row, "gpu_count"), size(row, "seq_len"), size(row, "micro_batch")
    if count is None:
        notes.append("gpu_count not given: 1")
    size(row, "gpu_count")
    if length is None:
        length = ASSUMED_SEQUENCE_TOKENS
        notes.append(f"seq_len not given: {length} assumed")
    if batch is None:
        notes.append("micro_batch not given: 1 assumed")
    packed = not text(row, "packed_or_fixed").startswith("unpacked")
    if not packed:
        notes.append("examples not packed: a typical length assumed, padding counts as tokens")
    job = TrainingJob(
        model=model,
        gpu=gpu,
        gpus=count or 1,
        method=method,
        sequence_tokens=length,
        micro_batch=batch or 1,
        packed=packed,
        precision=precision_of(row, notes),
        stack=stack_of(row, notes),
        recompute=text(row, "activation_recompute") in ("yes", "true", "full", "1"),
    )
    wall_clock = any(word in text(row, "metric_basis") for word in WALL_CLOCK)
    if wall_clock:
        notes.append("speed over the whole run: start-up and evaluation included")
    return TrainingRun(job, wall_clock, size(row, "train_tokens"), tuple(notes))
