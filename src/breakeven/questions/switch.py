"""The question "move this workload to another model, or stay?": its fields, and its answer."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share, tokens, usd
from breakeven.questions.kind import Kind
from breakeven.questions.rented import (
    GpuName,
    check_gpu_price,
    gpu_field,
    gpu_price_field,
    latency_field,
    peak_field,
)
from breakeven.questions.statement import cite
from breakeven.questions.switch_answer import SwitchAnswer
from breakeven.questions.switch_moves import moves_from
from breakeven.questions.switch_targets import gather, uses
from breakeven.questions.switch_words import headline, unknowns
from breakeven.questions.tables import echo, origins_of, price_list

TODAY, TO, USAGE = "Today's model", "The models to move to", "Your usage"
ONCE, QUALITY, SPAN = "Paid once to move", "Quality", "Time"

Name = Annotated[str, StringConstraints(max_length=99)]


class ModelTerms(BaseModel):
    """What holds for one of the models to move to, in place of the fields that hold for all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Name
    input_ratio: Number | None = Field(None, gt=0, le=100)
    output_ratio: Number | None = Field(None, gt=0, le=100)
    output_change: Number | None = Field(None, ge=-1, le=100)
    success_rate: Number | None = Field(None, ge=0, le=1)
    rewriting_usd: Number | None = Field(None, ge=0, le=MOST)
    evaluation_usd: Number | None = Field(None, ge=0, le=MOST)
    people_usd: Number | None = Field(None, ge=0, le=MOST)
    recounted_calls: Count | None = Field(None, ge=1)
    recounted: Literal["input", "output", "both"] | None = None


class SwitchQuestion(Question):
    """Move this workload to another model, or stay?"""

    command: ClassVar[str] = "switch"
    front: ClassVar[tuple[str, ...]] = (
        "model", "to", "calls_per_month", "input_tokens", "output_tokens", "cached_share", "output_change",
        "rewriting_usd", "evaluation_usd", "people_usd", "success_rate", "new_success_rate", "failure_usd",
        "horizon_months",
    )  # fmt: skip
    example: ClassVar[Mapping[str, Any]] = {
        "model": "gpt-4.1", "to": ("gpt-5.4-mini", "claude-haiku-4-5"), "calls_per_month": "50000",
        "input_tokens": "800", "output_tokens": "400", "people_usd": "1000",
    }  # fmt: skip

    # fmt: off
    model: str = name(..., TODAY, "Model you pay for today, e.g. gpt-4o, openai/gpt-4o.", max_length=99)
    retires_on: dt.date | None = name(
        None, TODAY, "Day on which it stops being served; as on record if not given.", title="Retires on",
        ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    to: tuple[Name, ...] = name(
        (), TO, "Model to move to, own/llama-3.1-8b for one on rented GPUs; may be given several times.",
        title="Models to move to", max_length=20)
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number = tokens(..., USAGE, "Input tokens of an average call today, cached ones included.", 1e8)
    output_tokens: Number = tokens(..., USAGE, "Output tokens of an average call today, reasoning included.", 1e8)
    cached_share: Number = share(0.0, USAGE, "Share of input tokens read from the provider's cache.")
    cache_write_share: Number = share(0.0, USAGE, "Share of input tokens written to the provider's cache.")
    batch_share: Number = share(0.0, USAGE, "Share of calls sent through the batch interface.")
    token_ratio: Number | None = field(
        None, "Tokens of the new model for one of today's, of the same text; from their tokenizers if not given.",
        unit="ratio", group=TO, gt=0, le=100)
    output_change: Number = field(
        0.0, "Change of the answers' length at the new model, as text: -0.2 is 20 % shorter.", unit="change", group=TO,
        ge=-1, le=100)
    by_model: tuple[ModelTerms, ...] = name(
        (), TO, "What holds for one of the models only, in place of the fields for all.", title="Model by model",
        max_length=20)
    rewriting_usd: Number = usd(0.0, ONCE, "Rewriting prompts for the new model.", title="Rewriting prompts")
    evaluation_usd: Number = usd(0.0, ONCE, "Evaluating the new model.", title="Evaluation")
    people_usd: Number = usd(0.0, ONCE, "People's time for the change.", title="People's time")
    success_rate: Number | None = share(None, QUALITY, "Share of today's calls that succeed.")
    new_success_rate: Number | None = share(
        None, QUALITY, "success_rate at the new model; as today if not given.")
    failure_usd: Number = usd(0.0, QUALITY, "What a failed call costs you.", title="Cost of a failed call")
    gpu: tuple[GpuName, ...] = gpu_field()
    gpu_usd_hour: Number | None = gpu_price_field()
    peak_factor: Number | None = peak_field()
    ms_per_token: Number | None = latency_field()
    growth_month: Number = field(
        0.0, "Growth of the calls; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=SPAN, gt=-1, le=1)
    horizon_months: Count = field(12, "Months to project.", unit="months", group=SPAN, ge=1, le=120)
    as_of: dt.date = name(
        ..., SPAN, "Day of prices.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.to:
            raise ValueError("Give --to: the model to move to; several times for several models")
        if self.cached_share + self.cache_write_share > 1:
            raise ValueError("--cached-share and --cache-write-share add up to more than all input tokens")
        check_gpu_price(self.gpu, self.gpu_usd_hour)
        if self.failure_usd and self.success_rate is None:
            raise ValueError("--failure-usd needs --success-rate: the share of today's calls that succeed")
        if self.success_rate is None and self.new_success_rate is not None:
            raise ValueError("--new-success-rate needs --success-rate: the share of today's calls that succeed")
        return self


def answer(question: SwitchQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> SwitchAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Raises
    ------
    InputError
        A model that the catalogue does not know or has no price for, terms for a model that is not moved to, or a day
        before any price.
    """
    found = gather(question, catalogue)
    stay, moves = moves_from(question, found, catalogue)
    read = origins or {}
    return SwitchAnswer(
        question=echo(question),
        origins=origins_of(question, read),
        headline=headline(question, stay, found.forced, moves),
        verdict=moves[0].verdict,
        forced=found.forced,
        stay=stay,
        moves=moves,
        unknowns=unknowns(question, found, moves, catalogue),
        sources=cite(uses(found, catalogue)),
        prices=price_list(catalogue, question.as_of),
    )


KIND = Kind(
    name="switch",
    title="Move this workload to another model, or stay?",
    short="Switch model",
    question=SwitchQuestion,
    document=SwitchAnswer,
    answer=answer,
)
