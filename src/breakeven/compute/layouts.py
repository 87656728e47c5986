"""Every way to put one model on GPUs, how much each can do within a latency, and why the others cannot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from breakeven.catalogue.constants import Engine, ServingFit
from breakeven.catalogue.hardware import Precision
from breakeven.catalogue.load import Catalogue
from breakeven.compute import equations
from breakeven.compute.layout import Array, Case, Lengths, Server, case_of, stack
from breakeven.compute.serving import Served, serve, why_not

COUNTS = (1, 2, 4, 8, 16)
"""GPUs that one copy of a model may take."""


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Which layouts to look at.

    gpus, counts, weights : kinds of GPU, GPUs per replica, storage of weights; () looks at all that there are.
    adapter_gb : memory of LoRA adapters per replica; each GPU holds its part. [GB]
    """

    gpus: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    weights: tuple[Precision, ...] = ()
    kv_cache: Literal["bf16", "fp8"] = "bf16"
    engine: Engine = "vllm"
    max_sequences: int | None = None
    adapter_gb: float = 0.0


class Layout(NamedTuple):
    """
    One way to serve a model.

    served : at its capacity within the latency asked for, None where it cannot be used.
    why_not : why it cannot, "" where it can.
    """

    server: Server
    served: Served | None
    why_not: str


class _Ways(NamedTuple):
    """Servers of one model: those that run, as numbers too, and why the others do not."""

    running: tuple[Server, ...]
    case: Case | None
    failing: tuple[tuple[Server, str], ...]
    gpus: Array
    usd_hour: Array


@lru_cache(maxsize=512)
def _ways(catalogue: Catalogue, model_id: str, choice: Choice) -> _Ways:
    model = catalogue.open_models[model_id]
    fit = catalogue.compute.serving
    running: list[Server] = []
    failing: list[tuple[Server, str]] = []
    for gpu_id in choice.gpus or tuple(catalogue.gpus):
        gpu = catalogue.gpus[gpu_id]
        for count in choice.counts or [each for each in COUNTS if each <= max(gpu.link.gpus, 1)]:
            for weights in choice.weights or model.served_as:
                server = Server(
                    model=model,
                    gpu=gpu,
                    tensor_parallel=count,
                    weights=weights,
                    kv_cache=choice.kv_cache,
                    engine=choice.engine,
                    max_sequences=choice.max_sequences,
                    adapter_gb=choice.adapter_gb / count,
                )
                reason = why_not(server, fit)
                if reason is None:
                    running.append(server)
                else:
                    failing.append((server, reason))
    cases = [case_of(server, Lengths(1, 1)) for server in running]
    prices = [server.gpu.usd_per_hour for server in running]
    return _Ways(
        running=tuple(running),
        case=stack(cases) if cases else None,
        failing=tuple(failing),
        gpus=np.array([server.gpus for server in running], dtype=float),
        usd_hour=np.array([np.nan if price is None else float(price.value) for price in prices]),
    )


class Capacities(NamedTuple):
    """
    What each server that runs can do, arrays in the order of ``servers``.

    sequences : requests in flight at its capacity. output_tokens_s : of all together; NaN where even one request at a
        time is slower than the latency asked for. [tokens/s]
    alone_step_s : time per token of one request alone. [s]
    gpus, usd_hour : of a server; price of one of its GPUs in the catalogue, NaN where none is known. [1, USD/h]
    """

    servers: tuple[Server, ...]
    sequences: Array
    output_tokens_s: Array
    alone_step_s: Array
    failing: tuple[tuple[Server, str], ...]
    gpus: Array
    usd_hour: Array


_solved: dict[tuple[Catalogue, str, Choice, Lengths, float | None], Capacities] = {}
MOST_SOLVED = 1024


def capacities(
    catalogue: Catalogue, model_id: str, choice: Choice, lengths: Lengths, step_s_limit: float | None
) -> Capacities:
    """
    The capacity of every layout of a model at once: as ``serving.capacity`` finds it for one server.

    Parameters
    ----------
    step_s_limit : float, optional
        Longest time between two tokens of one request, None for none. [s]
    """
    key = (catalogue, model_id, choice, lengths, step_s_limit)
    found = _solved.get(key)
    if found is None:
        solve(catalogue, [(model_id, choice)], lengths, step_s_limit)
        found = _solved[key]
    return found


def solve(
    catalogue: Catalogue, wanted: Iterable[tuple[str, Choice]], lengths: Lengths, step_s_limit: float | None
) -> None:
    """
    Find the capacities of several models and choices in one go and keep them, for ``capacities`` to give.

    Numbers of some hundred layouts cost hardly more time than those of one.
    """
    keys = [(catalogue, model_id, choice, lengths, step_s_limit) for model_id, choice in wanted]
    missing = [key for key in dict.fromkeys(keys) if key not in _solved]
    if not missing:
        return
    if len(_solved) > MOST_SOLVED:
        _solved.clear()
    ways = [_ways(catalogue, model_id, choice) for _, model_id, choice, _, _ in missing]
    cases = [each.case for each in ways if each.case is not None]
    running = tokens = alone = np.zeros(0)
    if cases:
        case = Case(*(np.concatenate(column) for column in zip(*cases, strict=True)))
        running, tokens, alone = _at_capacity(case, lengths, step_s_limit, catalogue.compute.serving)
    start = 0
    for key, each in zip(missing, ways, strict=True):
        own = slice(start, start + len(each.running))
        _solved[key] = Capacities(
            each.running, running[own], tokens[own], alone[own], each.failing, each.gpus, each.usd_hour
        )
        start = own.stop


def _at_capacity(
    case: Case, lengths: Lengths, step_s_limit: float | None, fit: ServingFit
) -> tuple[Array, Array, Array]:
    """Requests in flight, tokens per second, and the step of one request alone, of many servers."""
    constants = fit.constants
    one = np.ones(case.gpus.shape)
    case = case._replace(
        input_tokens=one * lengths.input_tokens,
        output_tokens=one * lengths.output_tokens,
        fresh_share=one * (1.0 - lengths.cached_share),
    )
    most = equations.sequences(case, np.full(one.shape, np.inf), constants)
    alone = equations.step_s(case, one, constants)
    running = most
    if step_s_limit is not None:
        within = equations.step_s(case, most, constants) <= step_s_limit
        fast, slow = one, np.floor(most) + 1
        while np.any(slow - fast > 1):
            middle = np.floor((fast + slow) / 2)
            good = equations.step_s(case, middle, constants) <= step_s_limit
            fast, slow = np.where(good, middle, fast), np.where(good, slow, middle)
        running = np.where(within, most, fast)
    tokens = running / equations.step_s(case, running, constants)
    if step_s_limit is not None:
        tokens = np.where(alone <= step_s_limit, tokens, np.nan)
    return running, tokens, alone


@lru_cache(maxsize=4096)
def served_by(
    catalogue: Catalogue, model_id: str, choice: Choice, lengths: Lengths, step_s_limit: float | None, place: int
) -> Served:
    """What the server at a place in ``capacities`` does at its capacity, with its band."""
    found = capacities(catalogue, model_id, choice, lengths, step_s_limit)
    return serve(found.servers[place], lengths, float(found.sequences[place]), catalogue.compute.serving)


def layouts(
    catalogue: Catalogue, model_id: str, choice: Choice, lengths: Lengths, step_s_limit: float | None
) -> list[Layout]:
    """Every layout of a model with what it does at its capacity, or why it cannot be used."""
    found = capacities(catalogue, model_id, choice, lengths, step_s_limit)
    listed = [Layout(server, None, reason) for server, reason in found.failing]
    for place, server in enumerate(found.servers):
        if np.isnan(found.output_tokens_s[place]):
            limit = 1000 * (step_s_limit or 0.0)
            alone = 1000 * float(found.alone_step_s[place])
            reason = (
                f"one request alone takes {alone:,.{0 if alone >= 100 else 1}f} ms per token, more than {limit:g} ms"
            )
            listed.append(Layout(server, None, reason))
        else:
            served = served_by(catalogue, model_id, choice, lengths, step_s_limit, place)
            listed.append(Layout(server, served, ""))
    return listed


def curve(
    server: Server, lengths: Lengths, fit: ServingFit, concurrencies: Sequence[float] | None = None
) -> list[Served]:
    """What a server does at rising concurrency, up to all requests that fit: doubling from one where none are given."""
    if concurrencies is None:
        most = serve(server, lengths, np.inf, fit).sequences
        concurrencies = [2.0**power for power in range(int(np.log2(most)) + 1)]
        if concurrencies[-1] < most:
            concurrencies.append(most)
    return [serve(server, lengths, each, fit) for each in concurrencies]
