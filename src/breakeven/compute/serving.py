"""Output tokens per second of an open-weights model on GPUs, with a band, and whether it can be served at all."""

from typing import NamedTuple

import numpy as np

from breakeven.catalogue.constants import ServingConstants, ServingFit
from breakeven.catalogue.hardware import OpenModel
from breakeven.compute import equations
from breakeven.compute.layout import Case, Lengths, Server, case_of
from breakeven.errors import InputError

TIGHT_SEQUENCES = 16
"""Fewer requests than this in the cache and measured runs scatter much more."""

TRIED = 65
"""Concurrencies tried at once in the search for a capacity."""

__all__ = ["Lengths", "Served", "Server", "capacity", "serve", "why_not"]


class Served(NamedTuple):
    """
    What one replica does at one concurrency.

    low_output_tokens_s, output_tokens_s, high_output_tokens_s : generated tokens of all requests together, with the
        band in which 80 % of measured runs lie that took no part in the fit. [tokens/s]
    step_s : time between two tokens of one request. [s]
    sequences : requests in flight; sequences_limit : those whose keys and values fit into memory.
    first_token_s_at_least : arithmetic of one prompt on an idle server; queueing comes on top. [s]
    label : ``estimated``, never measured.
    warnings : why the prediction may be worse than its band.
    """

    low_output_tokens_s: float
    output_tokens_s: float
    high_output_tokens_s: float
    step_s: float
    sequences: float
    sequences_limit: float
    first_token_s_at_least: float
    label: str
    warnings: tuple[str, ...]


NEEDED = ("layers", "hidden", "heads", "kv_heads", "head_dim", "kv_layers")


def unknown_shape(model: OpenModel) -> str | None:
    """Why the shape of a model does not suffice for a prediction, null where it does."""
    lacking = [name for name in NEEDED if getattr(model, name) is None]
    if model.experts is not None:
        lacking += [name for name in ("dense_params_b", "expert_params_b") if getattr(model, name) is None]
    return f"the shape of {model.id} is not known ({', '.join(lacking)})" if lacking else None


def why_not(server: Server, constants: ServingFit) -> str | None:
    """
    Why a server cannot run, as the end of a sentence; null where it can.

    Checked: the model's shape, the GPU's arithmetic, the reach of the links, cuts of heads and layers, and memory,
    where the number of GPUs that would do is named.
    """
    model, gpu = server.model, server.gpu
    fault = unknown_shape(model)
    if fault:
        return fault
    if server.weights == "fp4" and not gpu.tflops.fp4 and server.engine != "vllm":
        return f"{gpu.name} has no 4-bit float arithmetic; store weights as fp8 or int4"
    if server.tensor_parallel * server.data_parallel_attention > gpu.link.gpus:
        return (
            f"only {gpu.link.gpus} {gpu.name} are joined by {gpu.link.kind}; "
            f"{server.tensor_parallel * server.data_parallel_attention} would share each layer"
        )
    if model.heads and model.heads % server.tensor_parallel:
        return f"{model.heads} attention heads cannot be cut into {server.tensor_parallel} equal parts"
    if model.layers and server.pipeline_parallel > model.layers:
        return f"{model.layers} layers cannot be cut into {server.pipeline_parallel} stages"
    return too_large(server, constants.constants)


def too_large(server: Server, constants: ServingConstants) -> str | None:
    """Why the weights do not fit, with the number of GPUs that would hold them; null where they fit."""
    case = case_of(server, Lengths(1, 1))
    held, room = float(equations.weight_bytes(case, constants)), constants.largest_weight_share * float(case.memory)
    if held <= room:
        return None
    alone = case._replace(tensor=np.ones(()), pipeline=np.ones(()), gpus=np.ones(()))
    total = float(equations.weight_bytes(alone, constants))
    least = 2 ** int(np.ceil(np.log2(total / room)))
    if least > server.gpus:
        fix = f"{least} GPUs would hold them"
    else:
        fix = "share them by tensor instead of data parallel attention"
    return (
        f"{held / 1e9:.0f} GB of {server.weights} weights per GPU do not fit into {constants.largest_weight_share:.0%} "
        f"of its {case.memory / 1e9:.0f} GB; {fix}"
    )


def serve(server: Server, lengths: Lengths, concurrency: float, constants: ServingFit) -> Served:
    """
    What a replica does when ``concurrency`` requests are always waiting or in flight.

    Parameters
    ----------
    concurrency : float
        Requests offered at once, infinite for a queue that never empties.
    constants : ServingFit
        ``catalogue.compute.serving``.

    Raises
    ------
    InputError
        The server cannot run (``why_not``), or a length or the concurrency is not above 0.
    """
    case = checked(server, lengths, constants)
    if not concurrency > 0:
        raise InputError(f"concurrency {concurrency:g} is not above 0; give requests in flight", field="concurrency")
    return served(server, case, concurrency, constants)


def capacity(
    server: Server, lengths: Lengths, constants: ServingFit, step_s_limit: float | None = None
) -> Served | None:
    """
    The most a replica does: the largest concurrency whose ``step_s`` stays within the limit.

    Parameters
    ----------
    step_s_limit : float, optional
        Longest time between two tokens of one request, null for none. [s]

    Returns
    -------
    Served or None
        None where even one request at a time is slower than the limit.

    Raises
    ------
    InputError
        As ``serve``.
    """
    case = checked(server, lengths, constants)
    if step_s_limit is None:
        return served(server, case, np.inf, constants)
    most = float(equations.sequences(case, np.asarray(np.inf), constants.constants))
    first, last = equations.step_s(case, np.array([1.0, most]), constants.constants)
    if first > step_s_limit:
        return None
    if last <= step_s_limit:
        return served(server, case, np.inf, constants)
    fast, slow = 1, int(np.ceil(most))
    while slow - fast > 1:
        tried = np.unique(np.linspace(fast, slow, TRIED).astype(np.int64))
        within = equations.step_s(case, tried.astype(np.float64), constants.constants) <= step_s_limit
        within[-1] = False
        place = int(np.flatnonzero(within)[-1])
        fast, slow = int(tried[place]), int(tried[place + 1])
    return served(server, case, fast, constants)


def checked(server: Server, lengths: Lengths, constants: ServingFit) -> Case:
    """The server as numbers. Raises InputError where it cannot run or a length makes no sense."""
    fault = why_not(server, constants)
    if fault:
        raise InputError(f"{server.model.id} on {server.gpus} x {server.gpu.id}: {fault}")
    if not (
        0 < lengths.output_tokens < np.inf and 0 <= lengths.input_tokens < np.inf and 0 <= lengths.cached_share <= 1
    ):
        raise InputError(
            f"{lengths.input_tokens:g} input and {lengths.output_tokens:g} output tokens with {lengths.cached_share:g} "
            "cached: give tokens per request, output above 0, and a cached share from 0 to 1",
            field="output_tokens",
        )
    return case_of(server, lengths)


def served(server: Server, case: Case, concurrency: float, fit: ServingFit) -> Served:
    """What ``serve`` returns, without its checks."""
    running = equations.sequences(case, np.asarray(concurrency), fit.constants)
    limit = float(equations.sequences_fitting(case, fit.constants))
    seconds = float(equations.step_s(case, running, fit.constants))
    tokens = float(running) / seconds
    band = fit.band(*slices(server, limit))
    return Served(
        low_output_tokens_s=tokens * band.low,
        output_tokens_s=tokens,
        high_output_tokens_s=tokens * band.high,
        step_s=seconds,
        sequences=float(running),
        sequences_limit=limit,
        first_token_s_at_least=float(equations.first_token_s(case, fit.constants)),
        label="estimated",
        warnings=tuple(warnings(server, limit)),
    )


def slices(server: Server, limit: float) -> list[str]:
    """Slices of the measured rows a server belongs to, the closest first; ``limit`` is ``sequences_limit``."""
    kind = "moe" if server.model.experts else "dense"
    return [f"{kind} {server.engine}", kind, "all"]


def warnings(server: Server, limit: float) -> list[str]:
    """What makes a prediction worse than its band says."""
    found = []
    if limit < TIGHT_SEQUENCES:
        found.append(
            f"only {limit:.0f} requests fit into memory: measured runs scatter widely there; "
            "more GPUs or an 8-bit cache would help"
        )
    if server.model.experts and server.weights == "fp4":
        found.append("4-bit mixtures of experts scatter most among measured runs")
    if server.model.kv_layers != server.model.layers:
        found.append("layers without a growing cache are not modelled: an error of 25 to 30 % is usual")
    if server.pipeline_parallel > 1:
        found.append("few measured runs use pipeline stages")
    return found
