"""The question "fine-tune a model, or keep paying for API calls?": its fields, and its answer."""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import StringConstraints, model_validator

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Source
from breakeven.questions.candidates import Candidates, gather
from breakeven.questions.compare import Comparison, Horizon, compare
from breakeven.questions.cost_paths import CostPath, cost_paths
from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share, tokens, usd, usd_per_mtok
from breakeven.questions.framework import framework, loses, wins
from breakeven.questions.kind import Kind
from breakeven.questions.rented import (
    GPUS,
    GpuName,
    check_gpu_price,
    gpu_field,
    gpu_price_field,
    latency_field,
    peak_field,
)
from breakeven.questions.report import month_rows, opponent, option_answers, untuned_rows
from breakeven.questions.statement import (
    Check,
    Cited,
    Month,
    Opponent,
    OptionAnswer,
    Untuned,
    Verdict,
    cite,
    part,
)
from breakeven.questions.tables import echo, origins_of, price_list
from breakeven.questions.words import headline

USAGE, TODAY, TUNED = "Your usage", "Today's model", "The tuned model"
ONCE, RUNNING, RISK = "Paid once", "Paid while it runs", "Horizon and risk"


class FinetuneQuestion(Question):
    """Does fine-tuning save money against paying for API calls, at this usage?"""

    command: ClassVar[str] = "finetune"
    front: ClassVar[tuple[str, ...]] = (
        "model", "calls_per_month", "input_tokens", "output_tokens", "cached_share", "tuned_model", "premium",
        "output_reduction", "input_reduction", "training_usd", "data_usd", "people_usd", "hosting_usd_month", "buyer",
        "horizon_months",
    )  # fmt: skip
    example: ClassVar[Mapping[str, str]] = {
        "model": "gpt-4.1", "calls_per_month": "50000", "input_tokens": "800", "output_tokens": "400",
    }  # fmt: skip

    # fmt: off
    model: str | None = name(None, TODAY, "Model you pay for today, e.g. gpt-5-mini, openai/gpt-5-mini.", max_length=99)
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number = tokens(..., USAGE, "Input tokens of an average call, cached ones included.", 1e8)
    output_tokens: Number = tokens(..., USAGE, "Output tokens of an average call, reasoning included.", 1e8)
    cached_share: Number = share(0.0, USAGE, "Share of input tokens read from the provider's cache.")
    cache_write_share: Number = share(0.0, USAGE, "Share of input tokens written to the provider's cache.")
    batch_share: Number = share(0.0, USAGE, "Share of calls sent through the batch interface.")
    cacheable_share: Number | None = share(None, USAGE, "Share of input tokens that could be cached, if known.")
    batchable_share: Number | None = share(None, USAGE, "Share of calls that could wait for a batch, if known.")
    growth_month: Number = field(
        0.0, "Growth of the calls; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=USAGE, gt=-1, le=1)
    consistent_prompts: bool | None = name(
        None, USAGE, "Whether every call has the same prompt structure.", title="Same prompt structure")
    price_input: Number | None = usd_per_mtok(
        TODAY, "Your price for input tokens today, in place of the list price.", "Input price")
    price_cached: Number | None = usd_per_mtok(TODAY, "Your price for cached input tokens today.", "Cached input price")
    price_output: Number | None = usd_per_mtok(
        TODAY, "Your price for output tokens today, in place of the list price.", "Output price")
    also: tuple[Annotated[str, StringConstraints(max_length=99)], ...] = name(
        (), TODAY, "Untuned model that would do as well; may be given several times.", title="Untuned models",
        max_length=20)
    tuned_model: str | None = name(None, TUNED, "Offer to look at (breakeven offers); all if not given.", max_length=99)
    base_model: str | None = name(
        None, TUNED, "Open-weights model to tune: per token, on a dedicated endpoint, and on GPUs of your own.",
        title="Open-weights base", max_length=99)
    premium: Number | None = field(
        None, "Price of your model once tuned, over today's price.", unit="ratio", group=TUNED, ge=0, le=1e6)
    tuned_price_input: Number | None = usd_per_mtok(
        TUNED, "Price of input tokens of the tuned model.", "Tuned input price")
    tuned_price_cached: Number | None = usd_per_mtok(
        TUNED, "Price of cached input tokens of the tuned model.", "Tuned cached input price")
    tuned_price_output: Number | None = usd_per_mtok(
        TUNED, "Price of output tokens of the tuned model.", "Tuned output price")
    task: Literal["classification", "extraction", "generation"] | None = name(
        None, TUNED, "Kind of task; sets output_reduction to a rule of thumb if you give none.")
    output_reduction: Number = field(
        0.0, "Share of output tokens that tuning saves.", unit="share", group=TUNED, ge=0, lt=1)
    input_reduction: Number = field(
        0.0, "Share of input tokens that tuning saves (instructions, examples).", unit="share", group=TUNED, ge=0, lt=1)
    tuned_cached_share: Number | None = share(None, TUNED, "cached_share of the tuned model; as today if not given.")
    training_usd: Number | None = usd(
        None, ONCE, "Bill of one training run; computed from tokens if not given.", title="One training run")
    training_tokens: Number | None = tokens(None, ONCE, "Tokens of the training file; estimated if not given.", 1e15)
    epochs: Number | None = field(None, "Passes over the training file.", unit="epochs", group=ONCE, gt=0, le=1000)
    validation_tokens: Number = tokens(0, ONCE, "Validation tokens of all evaluations; billed by some providers.", 1e15)
    training_price: Number | None = usd_per_mtok(ONCE, "Your price of training.", "Training price")
    training_hours: Number | None = field(
        None, "Hours of training, for offers billed by the hour.", unit="h", group=ONCE, ge=0, le=1e6)
    runs: Count = field(1, "Training runs until one is good enough.", unit="runs", group=ONCE, ge=1, le=10_000)
    data_usd: Number = usd(0.0, ONCE, "Data collection, labels and evaluation.", title="Data and evaluation")
    people_usd: Number = usd(0.0, ONCE, "People's time for the change.", title="People's time")
    hosting_usd_month: Number | None = usd(
        None, RUNNING, "Hosting of the tuned model, in place of the offer's.", "USD/month")
    retrain_every_months: Count | None = field(
        None, "Months between retrainings; each costs one training run.", unit="months", group=RUNNING, ge=1, le=600,
        title="Retrain every")
    own_gpus: bool = name(True, GPUS, "Whether GPUs rented by you may serve a tuned model.", title="Own GPUs")
    gpu: tuple[GpuName, ...] = gpu_field()
    gpu_usd_hour: Number | None = gpu_price_field()
    peak_factor: Number | None = peak_field()
    ms_per_token: Number | None = latency_field()
    buyer: Literal["new", "existing", "invitation"] = name(
        "new", RISK, "What you are to the tuned model's provider.", title="You are a customer")
    horizon_months: Count = field(12, "Months to project.", unit="months", group=RISK, ge=1, le=120)
    discount_rate_year: Number = field(
        0.0, "Interest for the present value.", unit="share/year", group=RISK, gt=-1, le=10)
    success_rate: Number | None = share(None, RISK, "Share of today's calls that succeed.")
    tuned_success_rate: Number | None = share(None, RISK, "success_rate of the tuned model; as today if not given.")
    failure_usd: Number = usd(0.0, RISK, "What a failed call costs you.", title="Cost of a failed call")
    budget_usd: Number | None = usd(None, RISK, "What you can pay upfront.", title="Upfront budget")
    as_of: dt.date = name(
        ..., RISK, "Day of prices and offers.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.model is None and (self.price_input is None or self.price_output is None):
            raise ValueError("Give --model, or --price-input and --price-output of the model you pay for today")
        if (self.tuned_price_input is None) != (self.tuned_price_output is None):
            raise ValueError("Give both --tuned-price-input and --tuned-price-output, or neither")
        if self.cached_share + self.cache_write_share > 1:
            raise ValueError("--cached-share and --cache-write-share add up to more than all input tokens")
        check_gpu_price(self.gpu, self.gpu_usd_hour)
        if self.failure_usd and self.success_rate is None:
            raise ValueError("--failure-usd needs --success-rate: the share of today's calls that succeed")
        return self


@part
class FinetuneAnswer:
    """
    The whole answer; every surface is a rendering of it.

    ``question`` holds every field as used; ``origins`` says of each whether it is yours, from your log, a default or
    an assumption. ``options`` are ordered: the leading one first, unavailable ones last.
    """

    schema: Literal["breakeven/finetune/1"] = "breakeven/finetune/1"
    question: dict[str, object]
    origins: dict[str, str]
    verdict: Verdict
    stay: Opponent
    best_untuned: Opponent
    untuned: list[Untuned]
    options: list[OptionAnswer]
    projection: list[Month]
    paths: list[CostPath]
    framework: list[Check]
    wins: list[Check]
    loses: list[Check]
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/finetune/1``."""
        return dataclasses.asdict(self)


def answer(question: FinetuneQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> FinetuneAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Parameters
    ----------
    origins : dict, optional
        Field -> where its value came from, for fields that are neither given by the user nor defaults.

    Raises
    ------
    InputError
        A model or offer that the catalogue does not know, or a day before any price.
    """
    found: Candidates = gather(question, catalogue)
    horizon = Horizon(
        calls_per_month=question.calls_per_month,
        growth_month=question.growth_month,
        months=question.horizon_months,
        discount_rate_year=question.discount_rate_year,
        retrain_every_months=question.retrain_every_months,
        runs=question.runs,
    )
    untuned = untuned_rows(found, horizon)
    least = min((row.horizon_usd, index) for index, row in enumerate(untuned) if row.counted)[1]
    best = found.untuned[least].option
    compared: Comparison = compare(found.tuned, found.stay, best, horizon)
    options, order = option_answers(found, horizon, compared, catalogue)
    leading = order[0] if order else None
    success = question.success_rate
    read = origins or {}
    return FinetuneAnswer(
        question=echo(question) | found.used,
        origins=origins_of(question, read) | found.origins,
        verdict=headline(found, options, compared, order, best, catalogue),
        stay=opponent(found.stay, found.untuned[0].model, horizon, untuned[0].horizon_usd, success),
        best_untuned=opponent(best, found.untuned[least].model, horizon, untuned[least].horizon_usd, success),
        untuned=sorted(untuned, key=lambda row: (not row.counted, row.horizon_usd))[:12],
        options=options,
        projection=month_rows(compared, leading, bool(options) and options[0].saving_usd is not None, horizon),
        paths=cost_paths(found.tuned, order, found.stay, best, compared, horizon),
        framework=framework(question, found, options, catalogue, read),
        wins=wins(question, found, catalogue, read),
        loses=loses(question, found, options, catalogue, read),
        unknowns=[*found.unknowns, *(options[0].unknowns if options else [])],
        sources=cite(_uses(found, order, best.sources)),
        prices=price_list(catalogue, question.as_of),
    )


def _uses(found: Candidates, order: list[int], best: tuple[Source, ...]) -> Iterator[tuple[str, Source]]:
    """Who used which source: both opponents, the assumptions, and every option that can be ordered or leads."""
    yield from (("stay", source) for source in found.stay.sources)
    yield from (("best_untuned", source) for source in best)
    yield from (("assumptions", source) for source in found.sources)
    for index in order:
        option = found.tuned[index]
        if option.why_unavailable is None or index == order[0]:
            yield from ((option.id, source) for source in option.sources)


KIND = Kind(
    name="finetune",
    title="Fine-tune a model, or keep paying for API calls?",
    short="Fine-tune or not",
    question=FinetuneQuestion,
    document=FinetuneAnswer,
    answer=answer,
)
