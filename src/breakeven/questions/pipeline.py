"""The question "what does a multi-step flow cost, and which step should change first?": its fields, and its answer."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from breakeven.catalogue.load import Catalogue
from breakeven.errors import nearest
from breakeven.options.hosted import month_start
from breakeven.options.tiers import price_days
from breakeven.projection.flow_draws import draws_within_reach, simulate
from breakeven.projection.flows import completion_rate, leaves, run_usd
from breakeven.projection.loops import Loop, is_straight
from breakeven.projection.paths import calls_by_month
from breakeven.questions.fields import MOST, Count, Number, Question, field, name, share
from breakeven.questions.kind import Kind
from breakeven.questions.pipeline_costs import Priced, StepCost, step_costs
from breakeven.questions.pipeline_levers import (
    WORTH_IT,
    Bill,
    Lever,
    Replacement,
    Tuning,
    levers,
    replacements,
    tunings,
)
from breakeven.questions.pipeline_log import from_usage
from breakeven.questions.pipeline_steps import Name, Step, all_leaves, build_flow, find_models, price_tiers
from breakeven.questions.pipeline_words import headline, unknowns
from breakeven.questions.statement import Cited, cite, part
from breakeven.questions.tables import Table, echo, origins_of, price_list

FLOW, VOLUME, LOOK = "The flow", "Runs", "What to look at"

SAME = 1e-12
"""Costs that differ by less than this share of them do not differ. [1]"""

MOST_STEPS = 60
"""Steps of calls, those of groups among them, at most."""

MOST_TURNS_OF_ALL = 1000
"""Turns of all steps together, at most: the work of an answer grows with them."""


class PipelineQuestion(Question):
    """
    What does a multi-step flow cost a run and a month, and which step should change first?

    Its steps are objects: on the command line they stand in a YAML file (--file), or come from a log.
    """

    command: ClassVar[str] = "pipeline"
    front: ClassVar[tuple[str, ...]] = (
        "steps", "runs_per_month", "success_rate", "growth_month", "horizon_months", "cut", "try_models",
    )  # fmt: skip
    example: ClassVar[Mapping[str, Any]] = {
        "steps": (
            {"name": "route", "model": "gpt-6-luna", "prompt_tokens": 900, "input_tokens": 300, "output_tokens": 40},
            {"name": "agent", "model": "claude-sonnet-5", "prompt_tokens": 3000, "input_tokens": 400,
             "output_tokens": 350, "tool_tokens": 900, "turns": 12, "output_cv": 0.5,
             "cache": "history"},
            {"name": "answer", "model": "gpt-6.1-terra", "input_tokens": 2500, "output_tokens": 600},
        ),
        "runs_per_month": "10000",
    }  # fmt: skip

    # fmt: off
    steps: tuple[Step, ...] = name(
        ..., FLOW, "Steps of a run, in order: each a call of a model or another service, or a group of steps.",
        min_length=1, max_length=MOST_STEPS)
    runs_per_month: Number = field(
        ..., "Runs of the whole flow in the first month.", unit="runs/month", group=VOLUME, gt=0, le=MOST)
    success_rate: Number | None = share(
        None, VOLUME, "Share of runs that come to their end whose result is right; not known if left out.")
    growth_month: Number = field(
        0.0, "Growth of the runs; 0.05 is 5 % more each month.", title="Growth a month", unit="share/month",
        group=VOLUME, gt=-1, le=1)
    horizon_months: Count = field(12, "Months to project.", unit="months", group=VOLUME, ge=1, le=120)
    run_task: str | None = name(
        None, VOLUME, "Task of a log that each run has once, by which runs are counted; the rarest if left out.",
        max_length=99)
    cut: Number = field(
        0.2, "Cut whose saving is shown for every input of every step.", unit="share", group=LOOK, gt=0, le=0.9)
    try_models: tuple[Name, ...] = name(
        (), LOOK, "Model to try in the place of each step's; may be given several times.", max_length=10)
    draws: Count = field(
        10_000, "Runs drawn by chance, for percentiles and to check the exact spread; 0 for none.", unit="runs",
        group=LOOK, ge=0, le=100_000)
    seed: Count = field(1, "Start of the chance; the same seed draws the same runs.", unit="", group=LOOK, ge=0, le=1e9)
    as_of: dt.date = name(
        ..., LOOK, "Day of prices.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _is_no_endless_work(self) -> Self:
        turns = sum(part.turns for step in self.steps for part in (step, *step.steps))
        if turns > MOST_TURNS_OF_ALL:
            raise ValueError(f"steps: their turns add up to {turns:,.0f}; at most {MOST_TURNS_OF_ALL:,} are taken")
        count = len(list(all_leaves(self.steps)))
        if count > MOST_STEPS:
            raise ValueError(f"steps: there are {count} with those of groups; at most {MOST_STEPS} are taken")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [step.name for step in self.steps] + [call.name for step in self.steps for call in step.steps]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice is not None:
            raise ValueError(f"steps: two of them are called {twice!r}")
        if self.run_task is not None and self.run_task not in names:
            raise ValueError(
                f"--run-task {self.run_task!r} is no step.{nearest(self.run_task, names)}"
                f" Steps: {', '.join(names[:12])}"
            )
        return self


@part
class Drawn:
    """Runs drawn by chance: what they cost, and how often they came to their end. [USD]"""

    draws: int
    seed: int
    mean_usd: float
    standard_error_usd: float
    sd_usd: float
    p05_usd: float
    p50_usd: float
    p95_usd: float
    p99_usd: float
    completion_rate: float


@part
class PipelineAnswer:
    """
    What a run and a month of the flow cost, and what follows from which step. Money in USD.

    spread : "exact", or "integrated" where sizes vary across a step in a price, see ``loops.is_straight``.
    completion_rate : share of runs that come to their end. success_rate : of all runs, with a right result.
    usd_per_completed_run, usd_per_successful_run : all runs paid, over those that end, and that end right.
    monthly_sd_usd : from one month to another, runs being independent of each other.
    cheapen_first, tune_first : names of steps, null for none.
    """

    schema: Literal["breakeven/pipeline/1"] = "breakeven/pipeline/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    usd_per_run: float
    usd_per_run_sd: float
    spread: Literal["exact", "integrated"]
    completion_rate: float
    success_rate: float | None
    usd_per_completed_run: float | None
    usd_per_successful_run: float | None
    monthly_usd: float
    monthly_sd_usd: float
    fixed_usd_month: float
    year_usd: float
    horizon_usd: float
    months_usd: list[float]
    cheapen_first: str | None
    tune_first: str | None
    steps: list[StepCost]
    levers: list[Lever]
    replacements: list[Replacement]
    tunings: list[Tuning]
    drawn: Drawn | None
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/pipeline/1``."""
        return dataclasses.asdict(self)

    def tables(self) -> list[Table]:
        """The run, its steps, and what to change first."""
        from breakeven.questions.pipeline_tables import tables

        return tables(self)


def answer(question: PipelineQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> PipelineAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Raises
    ------
    InputError
        A model that the catalogue does not know, or one without a price on that day; the message names the step.
    """
    priced = price(question, catalogue, question.as_of)
    mean, sd = run_usd(priced.flow)
    done = completion_rate(priced.flow)
    fixed = sum(leaf.call.usd_month for leaf in priced.leaves)
    bill = Bill(question.runs_per_month, fixed)
    right = None if question.success_rate is None else done * question.success_rate
    costs = step_costs(priced, question.runs_per_month, catalogue)
    tuned = tunings(priced, costs, _shared(question), catalogue)
    straight = all(is_straight(step.body) for step in leaves(priced.flow) if isinstance(step.body, Loop))
    months = _months_usd(question, catalogue, priced, mean, fixed)
    drawn = _draw(question, priced)
    dearest = max(costs, key=lambda cost: cost.monthly_usd)
    cheapen = dearest.step if dearest.monthly_usd else None
    tune = tuned[0].step if tuned and tuned[0].word in WORTH_IT else None
    sources = [tiers.source for tiers in priced.tiers.values() if tiers.source]
    if question.try_models:
        sources += [family.source for family in catalogue.tokenizers]
    found_origins = origins_of(question, origins or {})
    return PipelineAnswer(
        question=echo(question),
        origins=found_origins,
        headline=headline(mean, bill.of(priced.flow), question.runs_per_month, dearest, tune),
        usd_per_run=mean,
        usd_per_run_sd=sd,
        spread="exact" if straight else "integrated",
        completion_rate=done,
        success_rate=right,
        usd_per_completed_run=mean / done if done else None,
        usd_per_successful_run=mean / right if right else None,
        monthly_usd=bill.of(priced.flow),
        monthly_sd_usd=sd * float(np.sqrt(question.runs_per_month)),
        fixed_usd_month=fixed,
        year_usd=float(months[:12].sum()),
        horizon_usd=float(months[: question.horizon_months].sum()),
        months_usd=months[: question.horizon_months].tolist(),
        cheapen_first=cheapen,
        tune_first=tune,
        steps=costs,
        levers=levers(priced.flow, bill, question.cut),
        replacements=replacements(priced, question.try_models, bill, question.as_of, catalogue),
        tunings=tuned,
        drawn=drawn,
        unknowns=unknowns(question, found_origins, priced, costs, straight, drawn is not None, catalogue),
        sources=cite(("pipeline", source) for source in sources),
        prices=price_list(catalogue, question.as_of),
    )


def price(question: PipelineQuestion, catalogue: Catalogue, day: dt.date) -> Priced:
    """The pipeline at the prices of a day. Raises InputError naming the step at fault."""
    models = find_models(question.steps, catalogue, question.as_of)
    found = list(all_leaves(question.steps))
    tiers = {leaf.call.name: price_tiers(leaf.call, models.get(leaf.call.name), catalogue, day) for leaf in found}
    return Priced(found, models, tiers, build_flow(question.steps, tiers, catalogue))


def _months_usd(question: PipelineQuestion, catalogue: Catalogue, priced: Priced, mean: float, fixed: float) -> Any:
    """Cost of each month of a year or the horizon, at the prices in force on its first day. Shape (months,)."""
    count = max(question.horizon_months, 12)
    days = {day for model in priced.models.values() for day in price_days(model, question.as_of)}
    per_run = np.full(count, mean)
    for day in sorted(days):
        month = next((m for m in range(2, count + 1) if month_start(question.as_of, m) >= day), None)
        if month is not None:
            then = price(question, catalogue, month_start(question.as_of, month))
            per_run[month - 1 :] = run_usd(then.flow)[0]
    return calls_by_month(question.runs_per_month, question.growth_month, count) * per_run + fixed


def _draw(question: PipelineQuestion, priced: Priced) -> Drawn | None:
    """Runs drawn by chance, None where none are asked for or a run has too many calls."""
    draws = draws_within_reach(priced.flow, question.draws)
    if draws == 0:
        return None
    usd, ok = simulate(priced.flow, draws, question.seed)
    sd = float(usd.std()) if float(np.ptp(usd)) > SAME * float(usd.max()) else 0.0
    p05, p50, p95, p99 = np.quantile(usd, (0.05, 0.5, 0.95, 0.99)).tolist()
    return Drawn(
        draws=draws,
        seed=question.seed,
        mean_usd=float(usd.mean()),
        standard_error_usd=sd / float(np.sqrt(draws)),
        sd_usd=sd,
        p05_usd=p05,
        p50_usd=p50,
        p95_usd=p95,
        p99_usd=p99,
        completion_rate=float(ok.mean()),
    )


def _shared(question: PipelineQuestion) -> dict[str, Any]:
    """What every step's finetune question has from the pipeline."""
    names = ("runs_per_month", "growth_month", "horizon_months", "as_of")
    return {each: getattr(question, each) for each in names}


KIND = Kind(
    name="pipeline",
    title="What does a multi-step flow cost, and which step should change first?",
    short="Pipeline",
    question=PipelineQuestion,
    document=PipelineAnswer,
    answer=answer,
    from_usage=from_usage,
)
