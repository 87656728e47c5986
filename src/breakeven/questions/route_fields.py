"""Fields of the question "what does it save to send each call to the model it needs?"."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from breakeven.catalogue.records import Buyer
from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share, tokens, usd
from breakeven.questions.rented import (
    GpuName,
    check_gpu_price,
    gpu_field,
    gpu_price_field,
    latency_field,
    peak_field,
)

USAGE, MIX, ROUTER = "Your usage", "The mix", "The router"
TABLE, SPAN = "An evaluation table", "Time"

Name = Annotated[str, StringConstraints(min_length=1, max_length=99)]
Part = Annotated[Number, Field(ge=0, le=1)]
Amount = Annotated[Number, Field(ge=0, le=MOST)]
Tokens = Annotated[Number, Field(ge=0, le=1e8)]
Score = Annotated[Number, Field(ge=-MOST, le=MOST)]

MOST_ROWS = 200_000
"""Rows of an evaluation table that one question takes."""


class Tier(BaseModel):
    """
    A kind of calls and the model that serves it.

    name : of the tier, e.g. simple. model : a listed model; or tuned_model : an offer; or both prices of your own.
        own/llama-3.1-8b is an open-weights model on rented GPUs, as it is or tuned.
    share : of all calls. [1] input_tokens, output_tokens : of its calls, where they differ from all others. [tokens]
    price_input, price_output : your prices, in place of the model's. [USD per 1M tokens]
    escalated_share : of its calls, answered again by the premium model. [1]
    score : quality of its model on your own scale; without scores a later tier counts as better.
    upfront_usd : training, data and people, in place of the offer's training bill. [USD]
    hosting_usd_month : in place of the offer's. [USD/month]
    evaluated_as : what the evaluation table calls its model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    share: Part | None = None
    model: Name | None = None
    tuned_model: Name | None = None
    price_input: Amount | None = None
    price_output: Amount | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    escalated_share: Part = 0.0
    score: Score | None = None
    upfront_usd: Amount | None = None
    hosting_usd_month: Amount | None = None
    evaluated_as: Name | None = None


class Scored(BaseModel):
    """
    What a model scored on an item of an evaluation.

    item : its name, the same for all models; rows without one cannot be paired. task : what kind of call it is.
    cost_usd : of this item, in the table's own currency (see ``cost_unit_usd``), null where it is not known.
    signal : what is known of the answer before its score, such as a judge's confidence; larger is better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    item: Name | None = None
    task: Name | None = None
    model: Name
    score: Score
    cost_usd: Amount | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    signal: Score | None = None


class LeftOut(BaseModel):
    """Rows of a table that could not be read, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Name
    rows: Annotated[Count, Field(ge=1, le=MOST)]


class RouteQuestion(Question):
    """What does it save to send each call to the model it needs, against one premium model for all?"""

    command: ClassVar[str] = "route"
    front: ClassVar[tuple[str, ...]] = (
        "calls_per_month", "input_tokens", "output_tokens", "model", "tiers", "target_saving", "router_usd_call",
        "router_model", "build_usd", "kept_share", "growth_month", "horizon_months",
    )  # fmt: skip
    example: ClassVar[Mapping[str, Any]] = {
        "model": "gpt-5", "calls_per_month": "100000", "input_tokens": "800", "output_tokens": "400",
        "buyer": "existing",
        "tiers": (
            {"name": "simple", "share": 0.5, "model": "gpt-4o-mini"},
            {"name": "moderate", "share": 0.2, "tuned_model": "openai/gpt-4o-mini-2024-07-18", "upfront_usd": 500},
            {"name": "complex", "share": 0.3, "model": "gpt-5"},
        ),
    }  # fmt: skip

    # fmt: off
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number | None = tokens(None, USAGE, "Input tokens of an average call, cached ones included.", 1e8)
    output_tokens: Number | None = tokens(None, USAGE, "Output tokens of an average call, reasoning included.", 1e8)
    cached_share: Number = share(0.0, USAGE, "Share of input tokens read from the provider's cache.")
    cache_write_share: Number = share(0.0, USAGE, "Share of input tokens written to the provider's cache.")
    batch_share: Number = share(0.0, USAGE, "Share of calls sent through the batch interface.")
    counted_in: str | None = name(
        None, USAGE, "Model whose tokens are given; others are converted. As given if left out.", max_length=99)
    model: str | None = name(
        None, MIX, "Premium model that all calls go to otherwise; with an evaluation table, the best one of it.",
        title="Premium model", max_length=99)
    tiers: tuple[Tier, ...] = name(
        (), MIX, "Tiers, the simplest first: name, share of calls, and model, tuned_model or your prices.",
        max_length=20)
    target_saving: Number = share(0.4, MIX, "Saving to reach; the answer says which share of calls it takes.")
    router_usd_call: Number = usd(
        0.0, ROUTER, "What routing a call costs, beside a model that does it.", "USD/call", title="Router per call")
    router_model: str | None = name(None, ROUTER, "Model that reads each call and routes it.", max_length=99)
    router_input_tokens: Number | None = tokens(
        None, ROUTER, "Input tokens of a routing call; those of the call itself if not given.", 1e8)
    router_output_tokens: Number = tokens(1, ROUTER, "Output tokens of a routing call.", 1e8)
    router_usd_month: Number = usd(
        0.0, ROUTER, "What the router costs each month, whatever the calls.", "USD/month", title="Router per month")
    build_usd: Number = usd(0.0, ROUTER, "Building and testing the router, once.", title="Building it")
    router_accuracy: Number = share(
        0.9, ROUTER, "Share of items that an imperfect router sends right, beside the bound of a perfect one.")
    judge_error: Number = field(
        0.1, "Share of answers that an imperfect judge of a cascade gets wrong.", unit="share", group=ROUTER, ge=0,
        le=0.5)
    evaluation: tuple[Scored, ...] = name(
        (), TABLE, "Rows of an evaluation: item, task, model, score, cost or tokens.", max_length=MOST_ROWS)
    evaluation_left_out: tuple[LeftOut, ...] = name(
        (), TABLE, "Rows of the table that could not be read, by reason.", max_length=100)
    cost_unit_usd: Number = field(
        1.0, "What one unit of the table's cost is worth, e.g. 0.14 for CNY.", unit="USD", group=TABLE, gt=0, le=MOST)
    kept_share: Number = field(
        0.95, "Quality to keep, as a share of the premium model's score.", unit="share", group=TABLE, ge=0, le=10)
    floor_score: Number | None = field(
        None, "Least mean score, in place of kept_share.", unit="score", group=TABLE, ge=-MOST, le=MOST)
    min_task_items: Count = field(
        10, "Items that a task needs on each half; smaller tasks are taken together.", unit="items", group=TABLE, ge=1,
        le=1_000_000)
    levels: Count = field(21, "Floors at which the frontier is worked out.", unit="levels", group=TABLE, ge=2, le=101)
    draws: Count = field(
        2000, "Resamples of the items for each interval.", unit="draws", group=TABLE, ge=100, le=100_000)
    seed: Count = field(1, "Number that fixes the split into halves and the resamples.", unit="1", group=TABLE, ge=0,
        le=4_294_967_295)
    gpu: tuple[GpuName, ...] = gpu_field()
    gpu_usd_hour: Number | None = gpu_price_field()
    peak_factor: Number | None = peak_field()
    ms_per_token: Number | None = latency_field()
    growth_month: Number = field(
        0.0, "Growth of the calls; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=SPAN, gt=-1, le=1)
    horizon_months: Count = field(12, "Months to project.", unit="months", group=SPAN, ge=1, le=120)
    buyer: Buyer = name("new", SPAN, "What you are to a tuned model's provider.", title="You are a customer")
    as_of: dt.date = name(
        ..., SPAN, "Day of prices and offers.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.tiers and not self.evaluation:
            raise ValueError("Give tiers in --file, or an evaluation table with --evaluation")
        check_gpu_price(self.gpu, self.gpu_usd_hour)
        if self.cached_share + self.cache_write_share > 1:
            raise ValueError("--cached-share and --cache-write-share add up to more than all input tokens")
        names = [tier.name for tier in self.tiers]
        for number, tier in enumerate(self.tiers):
            if names.index(tier.name) < number:
                raise ValueError(f"tiers.{number}.name: two tiers are called {tier.name!r}")
            if (tier.price_input is None) != (tier.price_output is None):
                raise ValueError(f"tiers.{number}: give both price_input and price_output, or neither")
            ways = [tier.model, tier.tuned_model]
            if ways.count(None) == 0:
                raise ValueError(f"tiers.{number}: give model or tuned_model, not both")
            if ways.count(None) == 2 and tier.price_input is None:
                raise ValueError(f"tiers.{number}: give model, tuned_model, or price_input and price_output")
        return self
