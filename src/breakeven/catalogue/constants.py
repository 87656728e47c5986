"""Constants of the compute model (``compute.yaml``): each section is written by the command that fits it."""

import datetime as dt
from typing import Literal

from pydantic import Field

from breakeven.catalogue.hardware import Generation, Positive, Precision
from breakeven.catalogue.records import Cited, Record, Source
from breakeven.catalogue.training import TrainingConstants, TrainingFigures

Engine = Literal["vllm", "sglang", "tensorrt-llm", "other"]
"""What serves the model; ``other`` stands for engines without a factor of their own."""


class Band(Record):
    """
    Multipliers that turn a prediction into its band: ``low * middle`` to ``high * middle``.

    slice : which predictions it is for; ``all`` where nothing closer fits.
    rows : measured rows left out of the fit that it was taken from.
    """

    slice: str
    low: Positive
    high: Positive
    rows: int = Field(ge=1)


class SliceError(Record):
    """
    Absolute error of predictions as a share of what was measured, on one slice of the rows.

    left_out : ``none`` where the rows took part in the fit, else what was left out of it in turn.
    covered : share of the rows that lie inside the band.
    """

    slice: str
    left_out: Literal["none", "model", "gpu", "series", "point"]
    rows: int = Field(ge=1)
    median: float = Field(ge=0)
    p90: float = Field(ge=0)
    covered: float | None = Field(default=None, ge=0, le=1)


class Fit(Cited):
    """What every fitted section says of itself: day of the fit, rows used, bands, and errors by slice."""

    fitted: dt.date
    rows: int = Field(ge=1)
    bands: tuple[Band, ...] = Field(min_length=1)
    errors: tuple[SliceError, ...] = ()

    def band(self, *slices: str) -> Band:
        """The band of the first of ``slices`` that has one, else that of ``all``."""
        known = {band.slice: band for band in self.bands}
        return next((known[name] for name in slices if name in known), known["all"])


class ServingConstants(Record):
    """
    Constants of ``compute/equations.py``. Those named in ``compute/fit.py`` are fitted, the others set.

    expert_weight_bytes, other_weight_bytes : bytes of a routed expert's weight, and of any other, by precision.
    usable_memory, reserved_bytes : share of memory an engine may fill, and what it keeps for itself. [bytes]
    least_cache_share : of memory, what the cache has even where the weights leave nothing.
    largest_weight_share : of memory, above which weights count as not fitting.
    paged_output_share : of the output length, what a request holds on average where pages are given on demand.
    request_share : of a finite run, the most requests in flight.
    even_tail, uneven_tail : time lost as a run drains, per sequence in flight over requests of the run, with equal
        lengths and with lengths that scatter.
    bandwidth_share : of peak memory bandwidth; expert_bandwidth_share : of that, for routed experts by precision.
    arithmetic_share, attention_share : of peak arithmetic, for matrices by width and for attention (at bf16).
    expert_arithmetic_share : of that, for mixtures of experts; grouped_arithmetic_share : of that again, where groups
        attend to their own requests and wait for each other's experts.
    amd_share : of bandwidth and arithmetic, for AMD.
    routing_spread : tokens that choose experts independently, per token; chunk_tokens : prefill that touches all.
    message_s : delay of one message per doubling of GPUs [s]; link_share : of link bandwidth.
    layer_s : launches of one layer on Hopper [s]; launch : that of other generations over it; expert_layers : that
        of a layer with experts over it; latent_layers : that of one with latent attention; sequence_s : handling of
        one sequence in one step [s].
    engine_speed : over that of TensorRT-LLM.
    """

    expert_weight_bytes: dict[Precision, Positive]
    other_weight_bytes: dict[Precision, Positive]
    usable_memory: Positive
    reserved_bytes: Positive
    least_cache_share: Positive
    largest_weight_share: Positive
    paged_output_share: Positive
    request_share: Positive
    even_tail: Positive
    uneven_tail: Positive
    bandwidth_share: Positive
    expert_bandwidth_share: dict[Precision, Positive]
    amd_share: Positive
    routing_spread: Positive
    chunk_tokens: Positive
    arithmetic_share: dict[Literal["bf16", "fp8", "fp4"], Positive]
    expert_arithmetic_share: Positive
    grouped_arithmetic_share: Positive
    attention_share: Positive
    message_s: Positive
    link_share: Positive
    layer_s: Positive
    launch: dict[Generation, Positive]
    expert_layers: Positive
    latent_layers: Positive
    sequence_s: Positive
    engine_speed: dict[Engine, Positive]


class ServingFit(Fit):
    """Section ``serving``."""

    constants: ServingConstants


class TrainingFit(Fit):
    """Section ``training``: what was fitted, and what was taken from a source."""

    constants: TrainingConstants
    figures: TrainingFigures


class MeasuredFit(Fit):
    """
    Section ``measured``: how well speeds measured on a server predict others on the same server.

    Bands by what was measured: ``one point``, ``two points``, ``three points`` scale the equations; ``interpolated``
    lies between measured loads.
    """


class ComputeFile(Record):
    """``compute.yaml``; ``catalogue.compute``."""

    sources: dict[str, Source]
    serving: ServingFit
    training: TrainingFit
    measured: MeasuredFit
