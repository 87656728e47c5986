"""The fields of the question ``selfhost``."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from breakeven.compute.load_shape import DAY_HOURS, WEEK_HOURS
from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share, tokens, usd
from breakeven.questions.rented import check_gpu_price
from breakeven.questions.selfhost_measured import MeasuredRun

USAGE, MACHINES, LOAD, ADAPTERS, OTHER = "Your usage", "Model and GPUs", "Load", "LoRA adapters", "To compare with"

Precision = Literal["bf16", "fp8", "int8", "int4", "fp4", "mxfp4"]
Name = Annotated[str, StringConstraints(max_length=99)]
Gpus = Annotated[Count, Field(ge=1, le=64)]


class SelfhostQuestion(Question):
    """What does it take to serve these calls on GPUs of your own?"""

    command: ClassVar[str] = "selfhost"
    front: ClassVar[tuple[str, ...]] = (
        "model", "calls_per_month", "input_tokens", "output_tokens", "gpu", "gpu_usd_hour", "peak_factor",
        "ms_per_token", "adapters", "api_model",
    )  # fmt: skip
    example: ClassVar[Mapping[str, str]] = {
        "model": "llama-3.1-8b", "calls_per_month": "2000000", "input_tokens": "800", "output_tokens": "400",
        "api_model": "gpt-5-mini",
    }  # fmt: skip
    from_log: ClassVar[Mapping[str, str]] = {"model": "api_model"}

    # fmt: off
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number = tokens(..., USAGE, "Input tokens of an average call, cached ones included.", 1e7)
    output_tokens: Number = field(
        ..., "Output tokens of an average call, reasoning included.", unit="tokens", group=USAGE, ge=1, le=1e7)
    cached_share: Number = share(
        0.0, USAGE, "Share of input tokens that begin as those of earlier calls, kept by the server.")
    model: str = name(..., MACHINES, "Model whose weights are open, e.g. llama-3.1-8b.", max_length=99)
    gpu: tuple[Name, ...] = name(
        (), MACHINES, "Kind of GPU, e.g. h100-sxm; may be given several times. All if not given.", title="GPUs",
        max_length=30)
    gpus: tuple[Gpus, ...] = name(
        (), MACHINES, "GPUs of one replica; may be given several times. 1, 2, 4, 8 and 16 if not given.",
        title="GPUs of a replica", max_length=20)
    weights: tuple[Precision, ...] = name(
        (), MACHINES, "Storage of the weights; may be given several times. As the model is served if not given.",
        max_length=6)
    kv_cache: Literal["bf16", "fp8"] = name("bf16", MACHINES, "Storage of keys and values.", title="Cache storage")
    engine: Literal["vllm", "sglang", "tensorrt-llm", "other"] = name("vllm", MACHINES, "What serves the model.")
    max_sequences: Count | None = field(
        None, "Most calls in flight in a replica; the engine's default if not given.", unit="calls", group=MACHINES,
        ge=1, le=100_000)
    gpu_usd_hour: Number | None = usd(
        None, MACHINES, "Your price of a GPU; the catalogue's if not given.", "USD/h", title="GPU price")
    measured: tuple[MeasuredRun, ...] = name(
        (), MACHINES, "Runs of a benchmark of your server, in place of the prediction; from --benchmark.",
        title="Measured runs", max_length=200)
    peak_factor: Number | None = field(
        None, "Calls at the peak over their mean; from the log, or 3, if not given.", unit="ratio", group=LOAD, ge=1,
        le=20)
    hourly_load: tuple[Number, ...] = name(
        (), LOAD, "Calls by hour of the day (24 numbers) or of the week (168), UTC, on any scale.",
        title="Load by hour", max_length=WEEK_HOURS)
    target_use: Number | None = field(
        None, "Share of its capacity that a replica carries at the peak; 0.7 if not given.", unit="share", group=LOAD,
        gt=0, le=1)
    ms_per_token: Number | None = field(
        None, "Longest time between two tokens of a call; 100 if not given.", unit="ms", group=LOAD, gt=0, le=60_000)
    min_replicas: Count = field(
        1, "Replicas that are always up; 0 lets a fleet that follows the load stop.", unit="replicas", group=LOAD,
        ge=0, le=10_000)
    spare_replicas: Count = field(
        0, "Replicas beyond those needed, for failures.", unit="replicas", group=LOAD, ge=0, le=10_000)
    cold_start_minutes: Number | None = field(
        None, "From ordering a replica to its first token; 5 if not given.", unit="minutes", group=LOAD, ge=0, le=600)
    adapters: Count = field(
        0, "Tuned models as LoRA adapters on the same servers; 0 for one model without.", unit="adapters",
        group=ADAPTERS, ge=0, le=1000)
    adapter_rank: Count = field(16, "Rank of each adapter.", unit="rank", group=ADAPTERS, ge=1, le=1024)
    api_model: str | None = name(
        None, OTHER, "Listed model whose price per token to compare with.", title="Model by API", max_length=99)
    as_of: dt.date = name(
        ..., OTHER, "Day of prices.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_gpu_price(self.gpu, self.gpu_usd_hour)
        if self.hourly_load and len(self.hourly_load) not in (DAY_HOURS, WEEK_HOURS):
            raise ValueError(f"--hourly-load has {len(self.hourly_load)} numbers; give 24 or 168")
        if self.hourly_load and (min(self.hourly_load) < 0 or not any(self.hourly_load)):
            raise ValueError("--hourly-load must be numbers of 0 or more, not all of them 0")
        return self
