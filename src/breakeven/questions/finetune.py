"""The question "fine-tune a model, or keep paying for API calls?": its fields, and its answer."""

import datetime as dt
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Source
from breakeven.questions.candidates import Candidates, gather
from breakeven.questions.compare import Comparison, Horizon, compare
from breakeven.questions.fields import Count, Number, Question, field
from breakeven.questions.framework import framework, loses, wins
from breakeven.questions.report import headline, month_rows, opponent, option_answers, untuned_rows
from breakeven.questions.statement import (
    Check,
    Cited,
    Month,
    Opponent,
    OptionAnswer,
    Part,
    Untuned,
    Verdict,
    cite,
)

SCHEMA = "breakeven/finetune/1"

USAGE, TODAY, TUNED = "Your usage", "Today's model", "The tuned model"
ONCE, RUNNING, RISK = "Paid once", "Paid while it runs", "Horizon and risk"

MAX = 1e12


class FinetuneQuestion(Question):
    """Does fine-tuning save money against paying for API calls, at this usage?"""

    # fmt: off
    model: str | None = field(None, "Model you pay for today, e.g. gpt-5-mini or openai/gpt-5-mini.", unit="", group=TODAY, max_length=200)
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MAX)
    input_tokens: Number = field(..., "Input tokens of an average call, cached ones included.", unit="tokens", group=USAGE, ge=0, le=1e8)
    output_tokens: Number = field(..., "Output tokens of an average call, reasoning included.", unit="tokens", group=USAGE, ge=0, le=1e8)
    cached_share: Number = field(0.0, "Share of input tokens read from the provider's cache.", unit="share", group=USAGE, ge=0, le=1)
    cache_write_share: Number = field(0.0, "Share of input tokens written to the provider's cache.", unit="share", group=USAGE, ge=0, le=1)
    batch_share: Number = field(0.0, "Share of calls sent through the batch interface.", unit="share", group=USAGE, ge=0, le=1)
    cacheable_share: Number | None = field(None, "Share of input tokens that could be read from the cache; unknown if not given.", unit="share", group=USAGE, ge=0, le=1)
    batchable_share: Number | None = field(None, "Share of calls that could wait for a batch; unknown if not given.", unit="share", group=USAGE, ge=0, le=1)
    growth_month: Number = field(0.0, "Growth of the calls per month; 0.05 is 5 % more each month.", unit="share/month", group=USAGE, gt=-1, le=1)
    consistent_prompts: bool | None = field(None, "Whether every call has the same prompt structure.", unit="", group=USAGE)
    price_input: Number | None = field(None, "Your price for input tokens today, in place of the list price.", unit="USD per 1M tokens", group=TODAY, ge=0, le=MAX)
    price_cached: Number | None = field(None, "Your price for cached input tokens today.", unit="USD per 1M tokens", group=TODAY, ge=0, le=MAX)
    price_output: Number | None = field(None, "Your price for output tokens today, in place of the list price.", unit="USD per 1M tokens", group=TODAY, ge=0, le=MAX)
    also: tuple[str, ...] = field((), "Untuned model that would do as well; may be given several times.", unit="", group=TODAY)
    tuned_model: str | None = field(None, "Offer to look at, see: breakeven offers. All offers if not given.", unit="", group=TUNED, max_length=200)
    premium: Number | None = field(None, "Price of your model once tuned, as a multiple of today's price.", unit="ratio", group=TUNED, ge=0, le=1e6)
    tuned_price_input: Number | None = field(None, "Price of input tokens of the tuned model.", unit="USD per 1M tokens", group=TUNED, ge=0, le=MAX)
    tuned_price_cached: Number | None = field(None, "Price of cached input tokens of the tuned model.", unit="USD per 1M tokens", group=TUNED, ge=0, le=MAX)
    tuned_price_output: Number | None = field(None, "Price of output tokens of the tuned model.", unit="USD per 1M tokens", group=TUNED, ge=0, le=MAX)
    task: Literal["classification", "extraction", "generation"] | None = field(None, "Kind of task; sets output_reduction to a rule of thumb if you give none.", unit="", group=TUNED)
    output_reduction: Number = field(0.0, "Share of output tokens that tuning saves.", unit="share", group=TUNED, ge=0, lt=1)
    input_reduction: Number = field(0.0, "Share of input tokens that tuning saves (instructions, examples).", unit="share", group=TUNED, ge=0, lt=1)
    tuned_cached_share: Number | None = field(None, "Share of the tuned model's input read from the cache; as today if not given.", unit="share", group=TUNED, ge=0, le=1)
    training_usd: Number | None = field(None, "Bill of one training run; computed from tokens if not given.", unit="USD", group=ONCE, ge=0, le=MAX)
    training_tokens: Number | None = field(None, "Tokens of the training file; estimated if not given.", unit="tokens", group=ONCE, ge=0, le=1e15)
    epochs: Number | None = field(None, "Passes over the training file.", unit="epochs", group=ONCE, gt=0, le=1000)
    validation_tokens: Number = field(0, "Validation tokens, all evaluations together; billed by some providers.", unit="tokens", group=ONCE, ge=0, le=1e15)
    training_price: Number | None = field(None, "Your price of training.", unit="USD per 1M tokens", group=ONCE, ge=0, le=MAX)
    training_hours: Number | None = field(None, "Hours of training, for offers billed by the hour.", unit="h", group=ONCE, ge=0, le=1e6)
    runs: Count = field(1, "Training runs until one is good enough.", unit="runs", group=ONCE, ge=1, le=10_000)
    data_usd: Number = field(0, "Data collection, labels and evaluation.", unit="USD", group=ONCE, ge=0, le=MAX)
    people_usd: Number = field(0, "People's time for the change.", unit="USD", group=ONCE, ge=0, le=MAX)
    hosting_usd_month: Number | None = field(None, "Hosting of the tuned model, in place of the offer's.", unit="USD/month", group=RUNNING, ge=0, le=MAX)
    retrain_every_months: Count | None = field(None, "Months between retrainings; each costs one training run.", unit="months", group=RUNNING, ge=1, le=600)
    buyer: Literal["new", "existing", "invitation"] = field("new", "What you are to the provider of the tuned model.", unit="", group=RISK)
    horizon_months: Count = field(12, "Months to project.", unit="months", group=RISK, ge=1, le=120)
    discount_rate_year: Number = field(0.0, "Interest for the present value.", unit="share/year", group=RISK, gt=-1, le=10)
    success_rate: Number | None = field(None, "Share of today's calls that succeed.", unit="share", group=RISK, ge=0, le=1)
    tuned_success_rate: Number | None = field(None, "Share of the tuned model's calls that succeed; as today if not given.", unit="share", group=RISK, ge=0, le=1)
    failure_usd: Number = field(0.0, "What a failed call costs you.", unit="USD", group=RISK, ge=0, le=MAX)
    budget_usd: Number | None = field(None, "What you can pay upfront.", unit="USD", group=RISK, ge=0, le=MAX)
    as_of: dt.date = field(..., "Day of prices and offers.", unit="", group=RISK, ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.model is None and (self.price_input is None or self.price_output is None):
            raise ValueError("Give --model, or --price-input and --price-output of the model you pay for today")
        if (self.tuned_price_input is None) != (self.tuned_price_output is None):
            raise ValueError("Give both --tuned-price-input and --tuned-price-output, or neither")
        if self.cached_share + self.cache_write_share > 1:
            raise ValueError("--cached-share and --cache-write-share add up to more than all input tokens")
        if self.failure_usd and self.success_rate is None:
            raise ValueError("--failure-usd needs --success-rate: the share of today's calls that succeed")
        return self


class FinetuneAnswer(Part):
    """
    The whole answer; every surface is a rendering of it.

    ``question`` holds every field as used; ``origins`` says of each whether it is yours, from your log, a default or
    an assumption. ``options`` are ordered: the leading one first, unavailable ones last.
    """

    schema_: Literal["breakeven/finetune/1"] = SCHEMA
    question: dict[str, object]
    origins: dict[str, str]
    verdict: Verdict
    stay: Opponent
    best_untuned: Opponent
    untuned: list[Untuned]
    options: list[OptionAnswer]
    projection: list[Month]
    framework: list[Check]
    wins: list[Check]
    loses: list[Check]
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/finetune/1``."""
        document = self.model_dump(mode="json")
        return {"schema": document.pop("schema_"), **document}


def answer(
    question: FinetuneQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None
) -> FinetuneAnswer:
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
    best = found.untuned[min((row.horizon_usd, index) for index, row in enumerate(untuned) if row.counted)[1]].option
    compared: Comparison = compare(found.tuned, found.stay, best, horizon)
    options, order = option_answers(found, horizon, compared, catalogue)
    leading = order[0] if order else None
    given = {name: "yours" for name in question.model_fields_set}
    table = catalogue.prices.document
    return FinetuneAnswer(
        question=question.model_dump(mode="json") | found.used,
        origins={name: "default" for name in FinetuneQuestion.model_fields} | given | (origins or {}) | found.origins,
        verdict=headline(found, options, compared, order, best, catalogue),
        stay=opponent(found.stay, horizon, question.success_rate),
        best_untuned=opponent(best, horizon, question.success_rate),
        untuned=sorted(untuned, key=lambda row: (not row.counted, row.horizon_usd))[:12],
        options=options,
        projection=month_rows(compared, leading, horizon),
        framework=framework(question, found, options, catalogue),
        wins=wins(question, found, catalogue),
        loses=loses(question, found, options, catalogue),
        unknowns=[*found.unknowns, *(options[0].unknowns if options else [])],
        sources=cite(_uses(found, order, best.sources)),
        prices={
            "package": table["package"],
            "version": table["version"],
            "refreshed": table["refreshed"],
            "newest_change": catalogue.price_source(question.as_of).seen,
            "own_file": catalogue.own_file or None,
        },
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
