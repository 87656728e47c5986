"""A model on machines rented by the hour: which layout carries the load for least, and what that costs."""

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from breakeven.catalogue.hardware import Gpu
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Figure, Source
from breakeven.compute.layout import Lengths, Server
from breakeven.compute.layouts import Choice, capacities, served_by
from breakeven.errors import InputError, nearest
from breakeven.options.lines import CostLine, Fleet, Workload

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Terms:
    """
    How own machines are to be run.

    peak_factor : calls at the peak over their mean. [1]
    target_use : share of its capacity that a replica is to carry at the peak. [1]
    step_s_limit : longest time between two tokens of a request, None for none. [s]
    least, spare : replicas that are always up; replicas beyond those needed.
    gpu_usd_hour : the user's price of a GPU, in place of the catalogue's. [USD/h]
    speed : measured over predicted throughput, from the user's own benchmark. [1]
    """

    peak_factor: float
    target_use: float
    step_s_limit: float | None
    least: int = 1
    spare: int = 0
    gpu_usd_hour: float | None = None
    speed: float = 1.0
    choice: Choice = field(default_factory=Choice)


def usual_terms(catalogue: Catalogue) -> Terms:
    """The assumptions where the user says nothing."""
    return Terms(
        peak_factor=catalogue.assume("peak_factor"),
        target_use=catalogue.assume("target_use"),
        step_s_limit=catalogue.assume("ms_per_token") / 1000,
    )


class Rental(Protocol):
    """Fields of a question about rented GPUs; None takes the assumption."""

    @property
    def gpu(self) -> tuple[str, ...]: ...
    @property
    def gpu_usd_hour(self) -> float | None: ...
    @property
    def peak_factor(self) -> float | None: ...
    @property
    def ms_per_token(self) -> float | None: ...


def rental_terms(question: Rental, catalogue: Catalogue) -> Terms:
    """
    How GPUs are rented, as a question states it, else as assumed.

    Raises InputError for a GPU that the catalogue does not know.
    """
    usual = usual_terms(catalogue)
    return replace(
        usual,
        peak_factor=usual.peak_factor if question.peak_factor is None else question.peak_factor,
        step_s_limit=usual.step_s_limit if question.ms_per_token is None else question.ms_per_token / 1000,
        gpu_usd_hour=question.gpu_usd_hour,
        choice=Choice(gpus=known_gpus(catalogue, question.gpu) or priced_gpus(catalogue)),
    )


def known_gpus(catalogue: Catalogue, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of GPU asked for. Raises InputError for one that the catalogue does not know."""
    for each in asked:
        if each not in catalogue.gpus:
            raise InputError(f"--gpu: no GPU {each!r} in the catalogue.{nearest(each, catalogue.gpus)}", "gpu")
    return asked


@lru_cache(maxsize=16)
def priced_gpus(catalogue: Catalogue) -> tuple[str, ...]:
    """The kinds of GPU with a price on demand."""
    return tuple(gpu.id for gpu in catalogue.gpus.values() if gpu.usd_per_hour is not None)


def find_open_model(catalogue: Catalogue, asked: str, field_name: str = "model") -> str:
    """The id of an open-weights model by its id, another name of its shape, or its repository. Raises InputError."""
    wanted = asked.lower()
    for model in catalogue.open_models.values():
        repository = model.repository.lower()
        if wanted in (model.id, repository, repository.rpartition("/")[2], *model.also):
            return model.id
    close = nearest(wanted, catalogue.open_models)
    flag = "--" + field_name.replace("_", "-")
    raise InputError(f"{flag}: no open-weights model {asked!r} in the catalogue.{close}", field_name)


class Deployment(NamedTuple):
    """
    Enough replicas of one server for a load.

    place : of the server in ``layouts.capacities``.
    usd_gpu_hour : price of a GPU. [USD/h]
    monthly_usd : of all replicas, up all month. [USD/month]
    """

    server: Server
    place: int
    replicas: int
    usd_gpu_hour: float
    monthly_usd: float
    fleet: Fleet


def lengths_of(workload: Workload) -> Lengths:
    """Tokens of an average call, those found in the prefix cache among them. At least one output token."""
    return Lengths(workload.input_tokens, max(1.0, workload.output_tokens), min(1.0, workload.cached_share))


def calls_per_replica(catalogue: Catalogue, output_tokens_s: float, lengths: Lengths, target_use: float) -> float:
    """Calls a month, evenly spread, that a replica carries at the use aimed at. [1/month]"""
    seconds = catalogue.assume("hours_per_month") * SECONDS_PER_HOUR
    return output_tokens_s * target_use * seconds / lengths.output_tokens


def price_of(gpu: Gpu, terms: Terms) -> float | None:
    """What an hour of a GPU costs: the user's price, else the catalogue's, None where neither is known. [USD/h]"""
    if terms.gpu_usd_hour is not None:
        return terms.gpu_usd_hour
    return None if gpu.usd_per_hour is None else float(gpu.usd_per_hour.value)


def too_long(catalogue: Catalogue, model_id: str, workload: Workload) -> str:
    """Why an average call does not fit into a model's context window, "" where it does."""
    needed, window = workload.input_tokens + workload.output_tokens, catalogue.open_models[model_id].context_tokens
    if needed <= window:
        return ""
    return f"an average call of {needed:,.0f} tokens does not fit the context window of {window:,} of {model_id}"


def deployments(
    catalogue: Catalogue, model_id: str, workload: Workload, terms: Terms, most: int | None = None
) -> list[Deployment]:
    """
    Layouts with a known price that carry the load, the cheapest first; of equals the fewest GPUs.

    ``most`` is how many are wanted at most.
    """
    if too_long(catalogue, model_id, workload):
        return []
    lengths = lengths_of(workload)
    found = capacities(catalogue, model_id, terms.choice, lengths, terms.step_s_limit)
    gpus, own = found.gpus, terms.gpu_usd_hour
    usd_hour = found.usd_hour if own is None else np.full(gpus.shape, own)
    carried = calls_per_replica(catalogue, 1.0, lengths, terms.target_use) * found.output_tokens_s * terms.speed
    needed = np.ceil(np.round(workload.calls_per_month * terms.peak_factor / carried, 9))
    replicas = np.maximum(terms.least, needed) + terms.spare
    unit_usd = catalogue.assume("hours_per_month") * gpus * usd_hour
    # Of the same rent, the fewest GPUs: a millionth of a dollar each is less than any difference of prices.
    rank = np.round(unit_usd * replicas, 6) + 1e-6 * gpus * replicas
    usable = np.flatnonzero(np.isfinite(rank))
    order = usable[np.argsort(rank[usable], kind="stable")]
    return [
        Deployment(
            server=found.servers[place],
            place=place,
            replicas=int(replicas[place]),
            usd_gpu_hour=float(usd_hour[place]),
            monthly_usd=float(unit_usd[place] * replicas[place]),
            fleet=Fleet(
                calls_per_unit=float(carried[place]),
                usd_per_unit=float(unit_usd[place]),
                counted=float(replicas[place]),
                profile=((terms.peak_factor, 1.0),),
                least=terms.least,
                spare=terms.spare,
            ),
        )
        for place in order[:most].tolist()
    ]


def hosting_line(
    catalogue: Catalogue, best: Deployment, workload: Workload, terms: Terms, price: Figure | None = None
) -> tuple[CostLine, tuple[str, ...], tuple[Source, ...]]:
    """
    A deployment as a line of GPU hours with its band, notes, and sources.

    ``price`` is a seller's price of a GPU-hour; without one the user's or the catalogue's counts.
    """
    server, lengths = best.server, lengths_of(workload)
    fit = catalogue.compute.serving
    served = served_by(catalogue, server.model.id, terms.choice, lengths, terms.step_s_limit, best.place)
    figure = price or (None if terms.gpu_usd_hour is not None else server.gpu.usd_per_hour)
    cheap, dear = (1.0, 1.0) if figure is None else figure.band
    ends = [
        _replicas(catalogue, tokens_s * terms.speed, workload, terms)
        for tokens_s in (served.high_output_tokens_s, served.low_output_tokens_s)
    ]
    line = CostLine(
        name=f"GPU hours, {machines(best)}",
        quantity=catalogue.assume("hours_per_month") * server.gpus * best.replicas,
        unit="GPU-hour",
        usd_per_unit=best.usd_gpu_hour,
        when="per month",
        part="hosting",
        source="yours" if figure is None else figure.words,
        low=cheap * ends[0] / best.replicas,
        high=dear * ends[1] / best.replicas,
    )
    full = best.fleet.calls_per_unit / best.fleet.profile[0][0]
    notes = (
        f"a replica makes about {_two_digits(served.output_tokens_s * terms.speed)} output tokens a second, estimated"
        f" {_two_digits(served.low_output_tokens_s * terms.speed)} to"
        f" {_two_digits(served.high_output_tokens_s * terms.speed)}, with {_two_digits(served.sequences)} calls in"
        f" flight and {1000 * served.step_s:.0f} ms per token",
        f"a replica carries about {_two_digits(full)} calls a month at a peak of {terms.peak_factor:g} x the mean and"
        f" {terms.target_use:.0%} use; more calls rent the next one",
        *([server.gpu.caution] if server.gpu.caution else []),
        *served.warnings,
    )
    assumed = tuple(catalogue.assumptions[name].source for name in ("peak_factor", "target_use", "ms_per_token"))
    own = () if figure is None else (figure.source,)
    return line, notes, (*own, server.gpu.source, fit.source, *assumed)


def machines(found: Deployment) -> str:
    """A deployment in words: ``2 x (4 x NVIDIA H100 SXM 80 GB), fp8``."""
    server = found.server
    unit = f"{server.gpus} x {server.gpu.name}"
    return f"{unit if found.replicas == 1 else f'{found.replicas} x ({unit})'}, {server.weights}"


def why_none(catalogue: Catalogue, model_id: str, workload: Workload, terms: Terms) -> str:
    """Why no layout can serve a model: the reason of the one with the most memory."""
    long = too_long(catalogue, model_id, workload)
    if long:
        return long
    found = capacities(catalogue, model_id, terms.choice, lengths_of(workload), terms.step_s_limit)
    if found.servers:
        if any(price_of(server.gpu, terms) is not None for server in found.servers):
            limit = 1000 * (terms.step_s_limit or 0)
            fastest = 1000 * float(min(found.alone_step_s))
            return f"no layout is within {limit:g} ms per token; the fastest takes {fastest:.2g} ms for one call alone"
        return f"no price of {', '.join(sorted({s.gpu.id for s in found.servers}))} is known; give --gpu-usd-hour"
    server, reason = max(found.failing, key=lambda each: each[0].gpus * each[0].gpu.memory_gb)
    return f"{server.gpus} x {server.gpu.id}: {reason}"


def _replicas(catalogue: Catalogue, tokens_s: float, workload: Workload, terms: Terms) -> int:
    per_replica = calls_per_replica(catalogue, tokens_s, lengths_of(workload), terms.target_use)
    needed = math.ceil(round(workload.calls_per_month * terms.peak_factor / per_replica, 9))
    return max(terms.least, needed) + terms.spare


def _two_digits(value: float) -> str:
    """A predicted number as it may be printed: two digits that count."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.2g}"
