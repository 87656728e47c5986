"""Constants of the compute model (``compute.yaml``): each section is written by the command that fits it."""

import datetime as dt
from typing import Literal

from pydantic import Field

from breakeven.catalogue.hardware import Positive, Precision
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
    left_out: Literal["none", "model", "gpu", "series"]
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
    Constants of ``compute/equations.py``, where each is used and explained.

    Fitted are those named in ``compute/fit.py``; the others are taken from the source.
    """

    weight_bytes: dict[Precision, Positive]
    usable_memory: Positive
    reserved_bytes: Positive
    least_cache_share: Positive
    largest_weight_share: Positive
    paged_output_share: Positive
    request_share: Positive
    bandwidth_share: Positive
    expert_bandwidth_share: Positive
    amd_share: Positive
    routing_spread: Positive
    chunk_tokens: Positive
    arithmetic_share: dict[Literal["bf16", "fp8", "fp4"], Positive]
    expert_arithmetic_share: Positive
    attention_share: Positive
    message_s: Positive
    link_share: Positive
    pcie_messages: Positive
    layer_s: Positive
    expert_layers: Positive
    sequence_s: Positive
    engine_speed: dict[Engine, Positive]


class ServingFit(Fit):
    """Section ``serving``."""

    constants: ServingConstants


class TrainingFit(Fit):
    """Section ``training``: what was fitted, and what was taken from a source."""

    constants: TrainingConstants
    figures: TrainingFigures


class ComputeFile(Record):
    """``compute.yaml``; ``catalogue.compute``."""

    sources: dict[str, Source]
    serving: ServingFit
    training: TrainingFit
