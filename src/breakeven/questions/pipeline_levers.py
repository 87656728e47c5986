"""Which step of a pipeline to change first: what its bill follows, other models in its place, and tuning it."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from breakeven.catalogue.families import conversion
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import check_day
from breakeven.errors import BreakevenError, UnknownModelError
from breakeven.options.tiers import listed_tiers
from breakeven.projection.flows import Flow, FlowStep, Group, completion_rate, leaves, run_usd, with_step
from breakeven.projection.loops import Loop
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion
from breakeven.questions.finetune import answer as finetune
from breakeven.questions.pipeline_costs import Priced, StepCost
from breakeven.questions.pipeline_steps import Call
from breakeven.questions.statement import Word, part

NUDGE = 1e-3
"""Relative change of an input that elasticities are measured with. [1]"""

WORTH_IT: tuple[Word, ...] = ("clear_win", "worth_considering")

Input = Literal[
    "price", "prompt_tokens", "input_tokens", "output_tokens", "tool_tokens", "usd_per_call", "turns",
    "repeat_probability", "calls_per_run", "probability", "error_rate",
]  # fmt: skip
TOKEN_INPUTS: tuple[Input, ...] = ("prompt_tokens", "input_tokens", "output_tokens", "tool_tokens")
STEP_INPUTS: tuple[Input, ...] = ("calls_per_run", "probability")
AT_MOST_ONE = ("repeat_probability", "probability", "error_rate")


@part
class Lever:
    """
    One input of one step, and what the bill of month 1 does when it is smaller, all else as given.

    elasticity : per cent of the bill per cent of the input.
    saving_usd_month : of the cut asked for. usd_per_completed_run : with that cut.
    """

    step: str
    input: Input
    now: float
    elasticity: float
    saving_usd_month: float
    usd_per_completed_run: float | None


@part
class Replacement:
    """Another model in the place of a step's, its tokens converted; the band is that of the conversion. [USD]"""

    step: str
    model: str
    usd_per_run: float
    monthly_usd: float
    saving_usd_month: float
    saving_low_usd_month: float
    saving_high_usd_month: float
    estimated: bool


@part
class Tuning:
    """
    The finetune question asked of one step; ``question`` holds the fields to ask it again.

    word : null where it cannot be asked; ``why_not`` then says so. saving_usd : over the horizon; it and
        ``break_even_months`` are against staying or the best untuned choice, whichever is worse for tuning.
    """

    step: str
    word: Word | None
    headline: str
    option: str | None
    calls_per_month: float
    break_even_months: float | None
    saving_usd: float | None
    question: dict[str, object]
    why_not: str | None


class Bill(NamedTuple):
    """What levers are measured against. [USD/month]"""

    runs_per_month: float
    fixed_usd_month: float

    def of(self, flow: Flow) -> float:
        """Month 1 of a flow."""
        return self.of_run(run_usd(flow)[0])

    def of_run(self, usd: float) -> float:
        """Month 1 at this cost of a run."""
        return usd * self.runs_per_month + self.fixed_usd_month


def levers(flow: Flow, bill: Bill, cut: float) -> list[Lever]:
    """Every input of every step that costs something, the largest saving first."""
    now_usd = bill.of(flow)
    found = []
    for step in _every(flow):
        for name, value, changed in _inputs(step):

            def at(factor: float, change: Callable[[float], FlowStep] = changed, named: str = step.name) -> Flow:
                return with_step(flow, named, change(factor))

            top = 1.0 + NUDGE if name not in AT_MOST_ONE or value * (1.0 + NUDGE) <= 1.0 else 1.0
            low = 1.0 - NUDGE
            slope = (bill.of(at(top)) - bill.of(at(low))) / (top - low)
            after = at(1.0 - cut)
            run, rate = run_usd(after)[0], completion_rate(after)
            saving = now_usd - bill.of_run(run)
            if abs(saving) <= 1e-12 * now_usd:
                continue
            found.append(
                Lever(
                    step=step.name,
                    input=name,
                    now=value,
                    elasticity=slope / now_usd,
                    saving_usd_month=saving,
                    usd_per_completed_run=run / rate if rate else None,
                )
            )
    return sorted(found, key=lambda lever: -lever.saving_usd_month)


def _every(flow: Flow) -> Iterator[FlowStep]:
    """Steps and groups, in order."""
    for step in flow:
        yield step
        if isinstance(step.body, Group):
            yield from _every(step.body.steps)


def _inputs(step: FlowStep) -> Iterator[tuple[Input, float, Callable[[float], FlowStep]]]:
    """Each input that can be smaller: its name, its value, and the step with it multiplied."""
    body = step.body
    name: Input = "probability" if step.calls_per_run == 1 else "calls_per_run"
    if step.probability and step.calls_per_run:
        yield name, getattr(step, name), _times(step, name)
    inside: list[Input] = ["error_rate"]
    if body.repeat_probability is not None:
        inside.append("repeat_probability")
    elif body.turns > 1:
        inside.append("turns")
    if isinstance(body, Loop):
        inside += [*TOKEN_INPUTS, "usd_per_call"]
        if any(any(row) for row in body.prices):
            yield "price", 1.0, lambda factor: replace(step, body=_dearer(body, factor))
    for name in inside:
        if getattr(body, name):
            yield name, getattr(body, name), _times(step, name)


def _times(step: FlowStep, name: Input) -> Callable[[float], FlowStep]:
    def changed(factor: float) -> FlowStep:
        if name in STEP_INPUTS:
            return replace(step, **{name: getattr(step, name) * factor})
        value = getattr(step.body, name) * factor
        return replace(step, body=replace(step.body, **{name: max(1.0, value) if name == "turns" else value}))

    return changed


def _dearer(loop: Loop, factor: float) -> Loop:
    """A loop with every price of its model multiplied."""
    rows = tuple(tuple(usd * factor for usd in row) for row in loop.prices)
    return replace(loop, prices=rows)  # type: ignore[arg-type]


def replacements(
    priced: Priced, models: tuple[str, ...], bill: Bill, as_of: dt.date, catalogue: Catalogue
) -> list[Replacement]:
    """Each model in the place of each step's own, the largest saving first. Raises InputError naming try_models."""
    now_usd = bill.of(priced.flow)
    bodies = {step.name: step for step in leaves(priced.flow)}
    found = []
    for asked in models:
        try:
            model = catalogue.prices.find(asked)
        except UnknownModelError as error:
            raise UnknownModelError(f"--try-models: {error}", "try_models") from None
        check_day(catalogue, model, as_of)
        for leaf in priced.leaves:
            own = priced.models.get(leaf.call.name)
            if own is None or own.id == model.id:
                continue
            step = bodies[leaf.call.name]
            tiers = listed_tiers(catalogue, model, as_of, leaf.call.batch_share)
            ratio = conversion(catalogue, own.id, model.id)

            def with_tokens(factor: float, step: FlowStep = step, tiers: Any = tiers) -> Flow:
                counts = {name: getattr(step.body, name) * factor for name in TOKEN_INPUTS}
                body = replace(step.body, above=tiers.above, prices=tiers.rows, **counts)
                return with_step(priced.flow, step.name, replace(step, body=body))

            flow = with_tokens(ratio.ratio)
            monthly = bill.of(flow)
            found.append(
                Replacement(
                    step=step.name,
                    model=model.id,
                    usd_per_run=run_usd(flow)[0],
                    monthly_usd=monthly,
                    saving_usd_month=now_usd - monthly,
                    saving_low_usd_month=now_usd - bill.of(with_tokens(ratio.high)),
                    saving_high_usd_month=now_usd - bill.of(with_tokens(ratio.low)),
                    estimated=ratio.estimated,
                )
            )
    return sorted(found, key=lambda each: (-each.saving_usd_month, each.step, each.model))


def tunings(priced: Priced, costs: list[StepCost], shared: dict[str, Any], catalogue: Catalogue) -> list[Tuning]:
    """
    The finetune question for each step that pays a model by the token, the largest saving first.

    Parameters
    ----------
    shared : dict
        ``runs_per_month``, and fields that hold for every step: growth, horizon, day.
    """
    by_name = {leaf.call.name: leaf.call for leaf in priced.leaves}
    found = [_tuning(cost, by_name[cost.step], dict(shared), catalogue) for cost in costs if _is_called(cost, by_name)]
    return sorted(found, key=lambda each: (each.word not in WORTH_IT, -(each.saving_usd or float("-inf")), each.step))


def _is_called(cost: StepCost, calls: dict[str, Call]) -> bool:
    return calls[cost.step].tokens_billed and cost.calls_per_run > 0


def _tuning(cost: StepCost, call: Call, shared: dict[str, Any], catalogue: Catalogue) -> Tuning:
    calls = cost.calls_per_run
    per_run = (cost.input_tokens_per_run, cost.cache_read_tokens_per_run, cost.cache_write_tokens_per_run)
    total = sum(per_run)
    fields: dict[str, Any] = {
        "model": cost.model,
        "calls_per_month": calls * shared.pop("runs_per_month"),
        "input_tokens": total / calls,
        "output_tokens": cost.output_tokens_per_run / calls,
        "cached_share": per_run[1] / total if total else 0.0,
        "cache_write_share": min(per_run[2] / total, 1.0 - per_run[1] / total) if total else 0.0,
        "batch_share": call.batch_share,
        "price_input": call.price_input,
        "price_cached": call.price_cached,
        "price_output": call.price_output,
    }
    fields = {name: value for name, value in fields.items() if value is not None} | shared
    shown = fields | {"as_of": fields["as_of"].isoformat()}
    try:
        found = finetune(ask(FinetuneQuestion, fields), catalogue)
    except BreakevenError as error:
        return _not_asked(cost.step, fields["calls_per_month"], shown, str(error))
    best = found.options[0] if found.options else None
    return Tuning(
        step=cost.step,
        word=found.verdict.word,
        headline=found.verdict.headline,
        option=best.label if best else None,
        calls_per_month=fields["calls_per_month"],
        break_even_months=_worse(best.break_even_months, best.break_even_months_vs_best_untuned, max) if best else None,
        saving_usd=_worse(best.saving_usd, best.saving_usd_vs_best_untuned, min) if best else None,
        question=shown,
        why_not=None,
    )


def _worse(one: float | None, other: float | None, of: Callable[[float, float], float]) -> float | None:
    """The worse of two figures; None where one of them is not known, or never."""
    return None if one is None or other is None else of(one, other)


def _not_asked(step: str, calls: float, question: dict[str, object], why: str) -> Tuning:
    return Tuning(
        step=step,
        word=None,
        headline="",
        option=None,
        calls_per_month=calls,
        break_even_months=None,
        saving_usd=None,
        question=question,
        why_not=why,
    )
