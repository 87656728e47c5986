"""The fields of the question ``optimize``."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share, tokens, usd
from breakeven.questions.rented import GpuName, gpu_field, gpu_price_field, latency_field, peak_field

USAGE, TODAY, LEVERS, EFFORT = "Your usage", "Today's model", "What may be changed", "What it takes once"
LIMITS, SPAN = "What must hold", "Time"

Name = Annotated[str, StringConstraints(max_length=99)]


class ModelScore(BaseModel):
    """How well a model or a tuned offer does your task, on any scale, higher is better."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Name = Field(description="Model, or offer of tuning.")
    score: float = Field(description="Its score in your evaluation.")


class OptimizeQuestion(Question):
    """What is the cheapest way to serve these calls, with the changes you allow?"""

    command: ClassVar[str] = "optimize"
    front: ClassVar[tuple[str, ...]] = (
        "model", "calls_per_month", "input_tokens", "output_tokens", "cacheable_share", "batchable_share",
        "shorter_prompt", "shorter_output", "repeated_share", "other_models", "fine_tune", "quality_floor",
        "budget_usd", "horizon_months",
    )  # fmt: skip
    example: ClassVar[Mapping[str, str]] = {
        "model": "gpt-4.1", "calls_per_month": "50000", "input_tokens": "2000", "output_tokens": "400",
        "cacheable_share": "0.6", "batchable_share": "0.3",
    }  # fmt: skip

    # fmt: off
    model: str = name(..., TODAY, "Model you pay for today, e.g. gpt-5-mini, openai/gpt-5-mini.", max_length=99)
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number = tokens(..., USAGE, "Input tokens of an average call, cached ones included.", 1e8)
    output_tokens: Number = tokens(..., USAGE, "Output tokens of an average call, reasoning included.", 1e8)
    cached_share: Number = share(0.0, USAGE, "Share of input tokens read from the provider's cache today.")
    cache_write_share: Number = share(0.0, USAGE, "Share of input tokens written to the provider's cache today.")
    batch_share: Number = share(0.0, USAGE, "Share of calls sent through the batch interface today.")
    cacheable_share: Number | None = share(
        None, LEVERS, "Share of input tokens that is the same from call to call; no caching if not given.")
    cache_hit_share: Number | None = share(
        None, LEVERS, "Share of calls that find it in the cache; worked out from the volume if not given.")
    batchable_share: Number | None = share(None, LEVERS, "Share of calls that can wait; no batches if not given.")
    shorter_prompt: Number | None = field(
        None, "Share of input tokens you can do without.", unit="share", group=LEVERS, ge=0, lt=1)
    shorter_output: Number | None = field(
        None, "Share of output tokens you can do without.", unit="share", group=LEVERS, ge=0, lt=1)
    repeated_share: Number | None = field(
        None, "Share of calls that repeat another and can be answered from a store of your own.", unit="share",
        group=LEVERS, ge=0, lt=1)
    other_models: bool = name(True, LEVERS, "Whether other models of today's provider may serve the calls.")
    also: tuple[Name, ...] = name(
        (), LEVERS, "Other model that may serve the calls, own/llama-3.1-8b for one on rented GPUs; several times.",
        title="Further models", max_length=50)
    fine_tune: bool = name(True, LEVERS, "Whether tuned models may serve the calls.", title="Fine-tuning")
    own_gpus: bool = name(True, LEVERS, "Whether GPUs rented by you may serve a tuned model.", title="Own GPUs")
    tuned_input_reduction: Number = field(
        0.0, "Share of input tokens that tuning itself saves.", unit="share", group=LEVERS, ge=0, lt=1)
    tuned_output_reduction: Number = field(
        0.0, "Share of output tokens that tuning itself saves.", unit="share", group=LEVERS, ge=0, lt=1)
    cache_usd: Number = usd(0.0, EFFORT, "Work to order prompts for the cache.", title="Caching")
    batch_usd: Number = usd(0.0, EFFORT, "Work to send calls in batches.", title="Batches")
    prompt_usd: Number = usd(0.0, EFFORT, "Work to shorten the prompt.", title="Shorter prompt")
    output_usd: Number = usd(0.0, EFFORT, "Work to shorten the output.", title="Shorter output")
    responses_usd: Number = usd(0.0, EFFORT, "Work to answer repeated calls from a store.", title="Response store")
    migration_usd: Number = usd(0.0, EFFORT, "Work to move to another model.", title="Another model")
    training_usd: Number | None = usd(
        None, EFFORT, "Bill of one training run; estimated if not given.", title="One training run")
    data_usd: Number = usd(0.0, EFFORT, "Data, labels and evaluation for tuning.", title="Data and evaluation")
    tuning_people_usd: Number = usd(0.0, EFFORT, "People's time for tuning.", title="People's time for tuning")
    scores: tuple[ModelScore, ...] = name(
        (), LIMITS, "How well models do: a list of model and score, from your evaluation.", max_length=200)
    quality_floor: Number | None = field(
        None, "Least score of a model that may be chosen.", unit="score", group=LIMITS)
    latency: Literal["batch", "interactive"] = name(
        "batch", LIMITS, "Whether some calls may wait; with interactive no call is sent in a batch.")
    providers: tuple[Name, ...] = name(
        (), LIMITS, "Provider that may be used; may be given several times. All if not given.", max_length=50)
    budget_usd: Number | None = usd(None, LIMITS, "What you can pay upfront.", title="Upfront budget")
    gpu: tuple[GpuName, ...] = gpu_field()
    gpu_usd_hour: Number | None = gpu_price_field()
    peak_factor: Number | None = peak_field()
    ms_per_token: Number | None = latency_field()
    growth_month: Number = field(
        0.0, "Growth of the calls; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=SPAN, gt=-1, le=1)
    horizon_months: Count = field(12, "Months to look at.", unit="months", group=SPAN, ge=1, le=120)
    as_of: dt.date = name(
        ..., SPAN, "Day of prices and offers.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on
