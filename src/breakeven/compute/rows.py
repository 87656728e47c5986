"""One row of a table of serving runs as a server, its lengths and its load: what the fit and ``predict`` both read."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from breakeven.catalogue.constants import Engine
from breakeven.catalogue.hardware import Gpu, OpenModel, Precision
from breakeven.catalogue.load import Catalogue
from breakeven.compute.layout import Lengths, Server
from breakeven.errors import InputError, nearest

NEEDED = ("model", "gpu", "input_len", "output_len")
"""Columns without which no row can be predicted."""

READ = (
    *NEEDED, "engine", "gpu_count", "tp", "pp", "attn_dp", "ep", "weight_precision", "concurrency", "load",
    "num_requests", "spec_decode", "length_basis",
)  # fmt: skip
"""Columns that are read; measured ones never are."""

PRECISIONS: Mapping[str, Precision] = {
    "": "bf16", "fp16": "bf16", "float16": "bf16", "bfloat16": "bf16", "nvfp4": "fp4", "w4a16": "int4", "awq": "int4",
    "gptq": "int4", "w8a8": "int8",
}  # fmt: skip
"""Other names of weight precisions."""

ENGINE_NAMES: Mapping[str, Engine] = {
    "vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "tensorrt-llm", "trtllm": "tensorrt-llm",
    "trt-llm": "tensorrt-llm", "tensorrt_llm": "tensorrt-llm",
}  # fmt: skip

WAITING = ("offline", "burst")
"""Starts of loads whose queue never empties."""


class Run(NamedTuple):
    """
    What a row says was run.

    concurrency : requests offered to each replica, infinite for a queue that never empties.
    requests : requests of the whole run for each replica, infinite where not said or where they come one by one.
    uneven : whether lengths scatter, so that the run ends with few requests in flight.
    replicas : copies of the server that share the load.
    notes : what was assumed, or is not modelled.
    """

    server: Server
    lengths: Lengths
    concurrency: float
    requests: float
    uneven: bool
    replicas: float
    notes: tuple[str, ...]


def find_model(name: str, catalogue: Catalogue) -> OpenModel:
    """An open model by id, repository or other name. Raises InputError naming the nearest ones."""
    wanted = name.strip().lower()
    for model in catalogue.open_models.values():
        repository = model.repository.lower()
        if wanted in (model.id, repository, repository.rpartition("/")[2], *model.also):
            return model
    raise InputError(f"no shape of a model {name!r} is known.{nearest(wanted, catalogue.open_models)}", field="model")


def find_gpu(name: str, catalogue: Catalogue) -> Gpu:
    """A GPU by id or name. Raises InputError naming the nearest ones."""
    wanted = name.strip().lower()
    for gpu in catalogue.gpus.values():
        if wanted in (gpu.id, gpu.name.lower()):
            return gpu
    raise InputError(f"no GPU {name!r} is known.{nearest(wanted, catalogue.gpus)}", field="gpu")


def number(row: Mapping[str, str], column: str) -> float | None:
    """A cell as a number above 0, null where blank. Raises InputError naming the column."""
    text = (row.get(column) or "").strip().replace(",", "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise InputError(f"{column} {text!r} is not a number above 0", field=column)
    return value


def whole(row: Mapping[str, str], column: str) -> int | None:
    """A cell as a whole number above 0, null where blank. Raises InputError naming the column."""
    value = number(row, column)
    if value is not None and value != int(value):
        raise InputError(f"{column} {value:g} is not a whole number", field=column)
    return None if value is None else int(value)


def run_of(row: Mapping[str, str], catalogue: Catalogue) -> Run:
    """
    What a row says was run; blank cells take the defaults in docs/serving-model.md.

    Raises
    ------
    InputError
        A model or GPU that is not known, a missing length, or a cell that makes no sense.
    """
    notes: list[str] = []
    model = find_model(row.get("model") or "", catalogue)
    gpu = find_gpu(row.get("gpu") or "", catalogue)
    input_tokens, output_tokens = number(row, "input_len"), number(row, "output_len")
    if input_tokens is None or output_tokens is None:
        raise InputError("input_len and output_len are both needed", field="input_len")
    weights = precision(row)
    named = (row.get("engine") or "").strip().lower()
    engine = ENGINE_NAMES.get(named, "other")
    if engine == "other":
        notes.append(f"engine {named or 'not given'}: taken as a tuned one")
    server, replicas = laid_out(row, model, gpu, weights, engine, notes)
    load = (row.get("load") or "").strip().lower()
    concurrency = number(row, "concurrency")
    if concurrency is None or load.startswith(WAITING):
        if concurrency is None and not load.startswith(WAITING):
            notes.append("no concurrency given: predicted with a queue that never empties")
        concurrency = math.inf
    if load.endswith("_slo"):
        notes.append("a latency limit is not modelled: predicted without one, so too high")
    if (row.get("spec_decode") or "none").strip().lower() not in ("none", ""):
        notes.append("speculative decoding is not modelled: predicted without it")
    requests = number(row, "num_requests") if math.isinf(concurrency) else None
    uneven = (row.get("length_basis") or "").strip().lower() == "mean of run"
    lengths = Lengths(input_tokens, output_tokens)
    return Run(
        server, lengths, concurrency / replicas, (requests or math.inf) / replicas, uneven, replicas, tuple(notes)
    )


def precision(row: Mapping[str, str]) -> Precision:
    """How weights are stored. Raises InputError where the name is not known."""
    named = (row.get("weight_precision") or "").strip().lower()
    known: tuple[Precision, ...] = ("bf16", "fp8", "int8", "int4", "fp4", "mxfp4")
    for each in known:
        if named == each:
            return each
    if named not in PRECISIONS:
        raise InputError(f"weight_precision {named!r} is not known; use {', '.join(known)}", field="weight_precision")
    return PRECISIONS[named]


def laid_out(
    row: Mapping[str, str], model: OpenModel, gpu: Gpu, weights: Precision, engine: Engine, notes: list[str]
) -> tuple[Server, float]:
    """
    The server of a row and the number of its copies.

    ``attn_dp`` groups share the ``tp`` GPUs where ``tp * attn_dp`` exceeds ``gpu_count`` (as SGLang and TensorRT-LLM
    write it), else each has ``tp`` of its own (as vLLM writes it). A blank ``tp`` takes the fewest GPUs that hold the
    weights with room for the cache.
    """
    count, tensor, pipeline = whole(row, "gpu_count"), whole(row, "tp"), whole(row, "pp") or 1
    kv_cache = "fp8" if engine == "tensorrt-llm" and weights in ("fp8", "fp4", "mxfp4") else "bf16"
    if tensor is None:
        tensor = fewest(model, gpu, weights, count, pipeline)
        notes.append(f"layout not given: {tensor * pipeline} GPUs per replica assumed")
    said = (row.get("attn_dp") or "").strip().lower()
    automatic = tensor if model.experts else 1
    groups = automatic if said == "auto" else whole(row, "attn_dp") or 1
    if groups > 1 and (said == "auto" or tensor * pipeline * groups > (count or tensor * pipeline)):
        tensor = max(1, tensor // groups)
    expert = (row.get("ep") or "").strip().lower()
    spread = tensor * groups if expert == "yes" else whole(row, "ep") or 1
    server = Server(
        model=model,
        gpu=gpu,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        data_parallel_attention=groups,
        expert_parallel=spread,
        weights=weights,
        kv_cache=kv_cache,  # type: ignore[arg-type]
        engine=engine,
    )
    return server, max(1.0, (count or server.gpus) / server.gpus)


def fewest(model: OpenModel, gpu: Gpu, weights: Precision, count: int | None, pipeline: int) -> int:
    """The fewest GPUs, a power of two, on which weights take up to 70 % of memory; at most ``count``."""
    share = {"bf16": 2.0, "fp8": 1.0, "int8": 1.0}.get(weights, 0.56)
    needed = model.params_b * share / (0.7 * gpu.memory_gb * pipeline)
    doublings = max(0, math.ceil(math.log2(needed)))
    return min(1 << doublings, count or 1 << 30)
