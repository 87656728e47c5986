"""The question "what does this usage cost, on any model?": its fields, and its answer."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from breakeven.catalogue.families import Conversion, conversion, exact_vocabulary, from_vocabulary, has_open_weights
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import known_to_be_sold, model_retirement
from breakeven.errors import InputError, PriceNotFoundError
from breakeven.options.hosted import listed_option
from breakeven.options.lines import Option, Workload
from breakeven.projection.paths import calls_by_month
from breakeven.questions.compare import Horizon, monthly_usd
from breakeven.questions.cost_models import models_asked, why_left_out
from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share, tokens
from breakeven.questions.kind import Kind
from breakeven.questions.statement import Cited, Line, cite, part, statement_line
from breakeven.questions.tables import Cell, Column, Table, echo, origins_of, price_list
from breakeven.questions.workload import workload_of

USAGE, MODELS, SPAN = "Your usage", "Which models", "Time"

Name = Annotated[str, StringConstraints(max_length=99)]


class TextTokens(BaseModel):
    """Input tokens of a text in one vocabulary, counted exactly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: Literal["o200k_base", "cl100k_base"]
    input_tokens: Count = Field(ge=1, le=10**8)


class CostQuestion(Question):
    """What does this usage cost, on any model?"""

    command: ClassVar[str] = "cost"
    front: ClassVar[tuple[str, ...]] = (
        "calls_per_month", "input_tokens", "output_tokens", "cached_share", "batch_share", "models", "provider",
        "open_weights", "sold", "growth_month", "horizon_months",
    )  # fmt: skip
    example: ClassVar[Mapping[str, str]] = {
        "calls_per_month": "50000", "input_tokens": "800", "output_tokens": "400", "sold": "checked",
    }  # fmt: skip

    from_log: ClassVar[Mapping[str, str]] = {"model": "counted_in"}

    # fmt: off
    calls_per_month: Number = field(..., "Calls in the first month.", unit="calls/month", group=USAGE, gt=0, le=MOST)
    input_tokens: Number = tokens(..., USAGE, "Input tokens of an average call, cached ones included.", 1e8)
    output_tokens: Number = tokens(..., USAGE, "Output tokens of an average call, reasoning included.", 1e8)
    cached_share: Number = share(0.0, USAGE, "Share of input tokens read from the provider's cache.")
    cache_write_share: Number = share(0.0, USAGE, "Share of input tokens written to the provider's cache.")
    batch_share: Number = share(0.0, USAGE, "Share of calls sent through the batch interface.")
    counted_in: str | None = name(
        None, USAGE, "Model whose tokens are given; others are converted. As given if left out.", max_length=99)
    text_tokens: tuple[TextTokens, ...] = name(
        (), USAGE, "Input tokens of a text by vocabulary, in place of input_tokens; from --prompt-file.",
        title="Input tokens by vocabulary", max_length=2)
    models: tuple[Name, ...] = name(
        (), MODELS, "Model to price; may be given several times. All if not given.", max_length=50)
    provider: tuple[Name, ...] = name(
        (), MODELS, "Provider, e.g. openai; may be given several times.", title="Providers", max_length=50)
    open_weights: bool | None = name(None, MODELS, "Only models whose weights are known to be open.")
    sold: Literal["listed", "checked"] = name(
        "listed", MODELS, "Every listed model, or only those checked to be sold still.", title="Still sold")
    context_tokens: Number | None = tokens(None, MODELS, "Context window that a model must have at least.", 1e9)
    growth_month: Number = field(
        0.0, "Growth of the calls; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=SPAN, gt=-1, le=1)
    horizon_months: Count = field(12, "Months to project.", unit="months", group=SPAN, ge=1, le=120)
    as_of: dt.date = name(
        ..., SPAN, "Day of prices.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on


@part
class ModelCost:
    """
    What one model costs. Money for month 1 unless the name says otherwise. [USD]

    input_tokens, output_tokens : of a call, in this model's own tokens; converted ones are estimates.
    counts : what its input tokens are: as given, converted, counted in its vocabulary, or estimated from such a count.
    monthly_low_usd, monthly_high_usd : band of a cost with converted tokens, null where nothing was converted.
    year_usd : the first 12 months, growth and announced price changes included. months_usd : each of the horizon.
    sold_checked : whether it was seen to be sold still. retires : announced last day, null where none is.
    """

    model: str
    name: str
    provider: str
    open_weights: bool | None
    sold_checked: bool
    retires: str | None
    context_tokens: int | None
    input_tokens: float
    output_tokens: float
    counts: Literal["as given", "converted", "counted", "estimated"]
    usd_per_call: float
    usd_per_1000_calls: float
    monthly_usd: float
    monthly_low_usd: float | None
    monthly_high_usd: float | None
    year_usd: float
    horizon_usd: float
    months_usd: list[float]
    lines: list[Line]


@part
class CostAnswer:
    """
    What the usage costs on each model, the cheapest first.

    left_out : reason -> listed models that were not priced for it; with ``models`` they are all listed models asked
    for.
    """

    schema: Literal["breakeven/cost/1"] = "breakeven/cost/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    models: list[ModelCost]
    left_out: dict[str, int]
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/cost/1``."""
        return dataclasses.asdict(self)

    def tables(self) -> list[Table]:
        """The models, the cheapest first, and the months of the cheapest."""
        columns = [
            Column(title="Model"),
            Column(title="per call", unit="usd"),
            Column(title="1,000 calls", unit="usd"),
            Column(title="a month", unit="usd"),
            Column(title="a year", unit="usd"),
            Column(title="Notes"),
        ]
        rows: list[list[Cell]] = [
            [each.model, each.usd_per_call, each.usd_per_1000_calls, each.monthly_usd, each.year_usd, _notes(each)]
            for each in self.models
        ]
        out = _left_out_words(self.left_out)
        note = f"Listed models left out: {out}." if out else ""
        if self.origins.get("text_tokens", "default") not in ("default", "yours"):
            note = f"Input tokens: {self.origins['text_tokens']}. {note}".strip()
        found = [Table(name="models", title="Models, the cheapest first", columns=columns, rows=rows, note=note)]
        if self.models:
            months: list[list[Cell]] = [
                [f"month {number}", usd] for number, usd in enumerate(self.models[0].months_usd, start=1)
            ]
            found.append(
                Table(
                    name="months",
                    title=f"{self.models[0].model}, month by month",
                    columns=[Column(title="Month"), Column(title="cost", unit="usd")],
                    rows=months,
                    folded=True,
                )
            )
        return found


def answer(question: CostQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> CostAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Raises
    ------
    InputError
        A model or provider that the catalogue does not know, a model that is named and cannot be priced, or shares
        that do not fit together.
    """
    if question.cached_share + question.cache_write_share > 1:
        raise InputError("--cached-share and --cache-write-share add up to more than all input tokens", "cached_share")
    counted_in = catalogue.prices.find(question.counted_in).id if question.counted_in else None
    left_out: Counter[str] = Counter()
    options: list[Option] = []
    models: list[ListModel] = []
    for model in models_asked(question, catalogue):
        reason = None if question.models else why_left_out(question, catalogue, model)
        if reason is None:
            try:
                options.append(
                    listed_option(
                        catalogue, model, _workload(question, catalogue, counted_in, model.id), question.as_of
                    )
                )
                models.append(model)
            except PriceNotFoundError:
                if question.models:
                    raise
                reason = "no price for input or output tokens"
        if reason is not None:
            left_out[reason] += 1
    horizon = Horizon(
        calls_per_month=question.calls_per_month,
        growth_month=question.growth_month,
        months=max(question.horizon_months, 12),
        discount_rate_year=0.0,
        retrain_every_months=None,
        runs=1,
    )
    usd = monthly_usd(options, horizon, horizon.months) if options else np.zeros((0, horizon.months))
    order = sorted(range(len(models)), key=lambda i: (float(usd[i, : question.horizon_months].sum()), models[i].id))
    costs = [_model_cost(question, catalogue, counted_in, models[i], options[i], usd[i]) for i in order]
    sources = [*options[order[0]].sources] if order else []
    if counted_in or question.text_tokens:
        sources += [family.source for family in catalogue.tokenizers]
    return CostAnswer(
        question=echo(question),
        origins=origins_of(question, origins or {}),
        headline=_headline(costs, _left_out_words(left_out)),
        models=costs,
        left_out=dict(left_out.most_common()),
        unknowns=_unknowns(question, costs),
        sources=cite(("cost", source) for source in sources),
        prices=price_list(catalogue, question.as_of),
    )


def _ratios(
    question: CostQuestion, catalogue: Catalogue, counted_in: str | None, model: str
) -> tuple[float, Conversion, Conversion]:
    """Counted input tokens, and what makes a model's own of them, and of the output tokens."""
    given = conversion(catalogue, counted_in, model) if counted_in else Conversion(1.0, 1.0, 1.0, False)
    if not question.text_tokens:
        return question.input_tokens, given, given
    own = exact_vocabulary(catalogue, model)
    count = next((each for each in question.text_tokens if each.vocabulary == own), question.text_tokens[0])
    return count.input_tokens, from_vocabulary(catalogue, count.vocabulary, model), given


def _workload(
    question: CostQuestion, catalogue: Catalogue, counted_in: str | None, model: str, end: str = "ratio"
) -> Workload:
    """The calls in a model's own tokens; ``end`` picks the middle, low or high conversion."""
    counted, of_input, of_output = _ratios(question, catalogue, counted_in, model)
    return replace(
        workload_of(question),
        input_tokens=counted * float(getattr(of_input, end)),
        output_tokens=question.output_tokens * float(getattr(of_output, end)),
    )


def _model_cost(
    question: CostQuestion,
    catalogue: Catalogue,
    counted_in: str | None,
    model: ListModel,
    option: Option,
    usd: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> ModelCost:
    per_call = option.at_least("per call")
    calls = calls_by_month(question.calls_per_month, question.growth_month, 1)[0]
    workload = _workload(question, catalogue, counted_in, model.id)
    band: list[float | None] = [None, None]
    if any(ratio.estimated for ratio in _ratios(question, catalogue, counted_in, model.id)[1:]):
        ends = (_workload(question, catalogue, counted_in, model.id, end) for end in ("low", "high"))
        band = [calls * listed_option(catalogue, model, each, question.as_of).at_least("per call") for each in ends]
    end = model_retirement(catalogue, model)
    return ModelCost(
        model=model.id,
        name=model.name,
        provider=model.provider,
        open_weights=has_open_weights(catalogue, model.id),
        sold_checked=known_to_be_sold(catalogue, model),
        retires=end.day.isoformat() if end else None,
        context_tokens=model.context_tokens,
        input_tokens=workload.input_tokens,
        output_tokens=workload.output_tokens,
        counts=_counts(question, catalogue, counted_in, model.id),
        usd_per_call=per_call,
        usd_per_1000_calls=1000 * per_call,
        monthly_usd=float(usd[0]),
        monthly_low_usd=band[0],
        monthly_high_usd=band[1],
        year_usd=float(usd[:12].sum()),
        horizon_usd=float(usd[: question.horizon_months].sum()),
        months_usd=usd[: question.horizon_months].tolist(),
        lines=[statement_line(line, question.calls_per_month) for line in option.lines],
    )


def _counts(
    question: CostQuestion, catalogue: Catalogue, counted_in: str | None, model: str
) -> Literal["as given", "converted", "counted", "estimated"]:
    if not question.text_tokens:
        return "converted" if counted_in else "as given"
    counted = {each.vocabulary for each in question.text_tokens}
    return "counted" if exact_vocabulary(catalogue, model) in counted else "estimated"


def _notes(cost: ModelCost) -> str:
    """What a reader should see beside a price."""
    notes = []
    if cost.counts in ("counted", "estimated"):
        notes.append(f"{cost.input_tokens:,.0f} input tokens, {'exact' if cost.counts == 'counted' else 'estimated'}")
    if not cost.sold_checked:
        notes.append("listed, not checked to be sold still")
    if cost.retires:
        notes.append(f"retires {cost.retires}")
    if cost.monthly_low_usd is not None and cost.monthly_high_usd is not None:
        low, high = f"${cost.monthly_low_usd:,.2f}", f"${cost.monthly_high_usd:,.2f}"
        notes += [f"est. {low} to {high} a month"] if low != high else []
    return "; ".join(notes)


def _left_out_words(left_out: Mapping[str, int]) -> str:
    """How many models were left out for what, the commonest first, "" for none."""
    ordered = sorted(left_out.items(), key=lambda each: -each[1])
    return "; ".join(f"{count:,} {reason}" for reason, count in ordered)


def _headline(costs: list[ModelCost], left_out: str) -> str:
    if not costs:
        return f"No listed model fits: {left_out}."
    first, last = costs[0], costs[-1]
    each = f"${first.usd_per_1000_calls:,.3g} per 1,000 calls"
    start = f"{first.model} serves this for ${first.monthly_usd:,.2f} a month, {each}"
    if len(costs) == 1:
        return f"{start}."
    return f"{start}: the cheapest of {len(costs)} models; the dearest, {last.model}, costs ${last.monthly_usd:,.2f}."


def _unknowns(question: CostQuestion, costs: list[ModelCost]) -> list[str]:
    unknowns = ["quality is not compared"] if len(costs) > 1 else []
    if question.counted_in is None and not question.text_tokens and len({cost.provider for cost in costs}) > 1:
        unknowns.append(
            "token counts are taken as equal for all models, although tokenizers differ; give --counted-in to convert"
            " them"
        )
    if (question.counted_in or question.text_tokens) and any(cost.monthly_low_usd is not None for cost in costs):
        unknowns.append("token counts of other models are estimated from one corpus; the notes show the band")
    if question.text_tokens and question.counted_in is None and len({cost.provider for cost in costs}) > 1:
        unknowns.append("output tokens are taken as equal for all models; give --counted-in to convert them")
    if question.batch_share and any("batch at standard" in line.name for cost in costs for line in cost.lines):
        unknowns.append("models without a published batch price are billed at their standard price")
    return unknowns


KIND = Kind(
    name="cost",
    title="What does this usage cost, on any model?",
    short="Cost",
    question=CostQuestion,
    document=CostAnswer,
    answer=answer,
)
