"""The question "what do my logs say?": real usage per task and model, its cost, and the finetune decision for each."""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, InputError, nearest
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion, answer
from breakeven.questions.statement import OptionAnswer, Verdict, part
from breakeven.questions.task_details import (
    Judging,
    TaskDetails,
    billed,
    consistency,
    evidence,
    growth,
    judging,
    task_details,
    trend_words,
)
from breakeven.usage import FileRows, Rows, Usage
from breakeven.usage.price_check import PriceCheck
from breakeven.usage.profile import Sizes, TaskProfile
from breakeven.usage.scan import Reject, Skipped

WEEK_DAYS = 7
"""A log shorter than this says nothing about a month: hours of the day and days of the week differ. [days]"""


@part
class Decision:
    """
    The finetune question asked of one task, in short; ``question`` holds the fields to ask it again in full.

    Amounts for one month of ``calls_per_month``. ``option`` is the leading tuned option.
    """

    verdict: Verdict
    calls_per_month: float
    volume_known: bool
    stay_monthly_usd: float
    best_untuned: str
    best_untuned_monthly_usd: float
    option: OptionAnswer | None
    question: dict[str, object]
    origins: dict[str, str]
    unknowns: list[str]


@part
class Task:
    """
    One task on one model. Tokens are totals of disjoint buckets, but ``reasoning_tokens`` lie inside ``output_tokens``.

    calls : 0 where the log does not say how many, as bills do not.
    cost_usd : null where no call with tokens has a price; unpriced calls are then counted in ``unpriced_calls``.
    months : calls and cost by UTC month; calls without a time are in none of them.
    prefix_share : share of the prompt text that other calls of the task begin with too; null without prompts.
    answer : null where the model has no price, ``why_no_answer`` then says so.
    """

    task: str
    model: str | None
    priced_as: str | None
    calls: int
    failed: int
    gateway_cached: int
    first: str | None
    last: str | None
    span_days: float | None
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    input_per_call: Sizes
    output_per_call: Sizes
    output_spread: float | None
    cached_share: float | None
    batch_share: float
    cost_usd: float | None
    reported_cost_usd: float | None
    reported_calls: int
    unpriced_calls: int
    unpriced_reason: str | None
    months: list[dict[str, object]]
    prefix_share: float | None
    answer: Decision | None
    why_no_answer: str | None


@part
class LogsAnswer:
    """What the logs say; every surface is a rendering of it. No text of a prompt or an answer is in it."""

    schema: Literal["breakeven/logs/1"] = "breakeven/logs/1"
    as_of: str
    rows: dict[str, int]
    rejects: list[Reject]
    reject_counts: dict[str, int]
    calls: int
    cost_usd: float
    reported_cost_usd: float | None
    tasks: list[Task]
    task_facts: list[TaskDetails]
    judging: Judging
    files: list[dict[str, object]]
    skipped: list[Skipped]
    price_check: list[dict[str, object]]
    notes: list[str]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/logs/1``."""
        return dataclasses.asdict(self)


def answer_logs(usage: Usage, catalogue: Catalogue, given: Mapping[str, Any]) -> LogsAnswer:
    """
    Everything a log says, and the finetune decision for each task and model, the dearest first.

    Parameters
    ----------
    given : mapping
        Fields of the finetune question that hold for every task, e.g. ``buyer`` or ``output_reduction``; they win
        over what the log says.
    """
    table = catalogue.prices.document
    return LogsAnswer(
        as_of=usage.as_of.isoformat(),
        rows=row_counts(usage.rows),
        rejects=list(usage.rejects),
        reject_counts=dict(usage.reject_counts),
        calls=usage.calls,
        cost_usd=float(usage.cost_usd),
        reported_cost_usd=_money(usage.reported_cost_usd),
        tasks=[_task(profile, usage, catalogue, given) for profile in usage.profiles],
        task_facts=task_details(usage.facts, usage.profiles, catalogue),
        judging=judging(usage.facts, usage.profiles),
        files=[file_document(file) for file in usage.files],
        skipped=list(usage.skipped),
        price_check=[check_document(check) for check in usage.price_checks],
        notes=list(usage.notes),
        prices={"package": table["package"], "version": table["version"], "own_file": catalogue.own_file or None},
    )


def row_counts(rows: Rows) -> dict[str, int]:
    """Rows as the JSON document names them: in = priced + unpriced + rejected."""
    return {"in": rows.read, "priced": rows.priced, "unpriced": rows.unpriced, "rejected": rows.rejected}


def file_document(file: FileRows) -> dict[str, object]:
    """What became of the rows of one file, as the JSON document has it."""
    reasons = [{"reason": reason, "rows": rows} for reason, rows in file.reasons]
    return dataclasses.asdict(file) | {"reasons": reasons}


def check_document(check: PriceCheck) -> dict[str, object]:
    """Our price and the stated cost of one model, as the JSON document has them."""
    return {
        "model": check.model,
        "priced_as": check.priced_as or None,
        "calls": check.calls,
        "compared_calls": check.compared_calls,
        "zero_cost_calls": check.zero_calls,
        "cost_usd": _money(check.cost_usd),
        "reported_cost_usd": _money(check.reported_cost_usd),
        "difference_usd": _money(check.difference_usd),
        "cause": check.cause,
        "explanation": check.explanation,
        "explained_share": check.explained_share,
        "compared": check.compared,
    }


def choose(usage: Usage, task: str | None, model: str | None) -> TaskProfile:
    """
    The profile to fill a finetune question from: of a task, of a model, otherwise the dearest of those left.

    Bills do not say how many calls they are for: what is of them alone is passed over. Raises InputError naming the
    tasks of the log where none goes by that name, or where none is left.
    """
    profiles = [profile for profile in usage.profiles if task is None or profile.task == task]
    if not profiles:
        names = list(dict.fromkeys(profile.task for profile in usage.profiles))
        close = nearest(task or "", names)
        raise InputError(f"The log has no task {task!r}.{close} Tasks: {', '.join(names[:12])}", "log_task")
    of_model = [profile for profile in profiles if model and model in (profile.model, profile.priced_as)]
    counted = [profile for profile in of_model or profiles if profile.calls]
    if not counted:
        which = "" if task is None else f" of task {task!r}"
        raise InputError(
            f"The log does not say how many calls{which} there were; give one with a row per call", "log_task"
        )
    return counted[0]


def workload_fields(profile: TaskProfile, catalogue: Catalogue) -> tuple[dict[str, Any], dict[str, str], bool]:
    """
    Fields of the finetune question from one task of a log, where each came from, and whether the volume is known.

    A log of a week or more gives calls per month; a shorter one is taken as one month of calls, and says so.
    """
    count = billed(profile)
    days = profile.span_days
    known = days is not None and days >= WEEK_DAYS
    if known and days is not None:
        calls = count / days * catalogue.assume("days_per_month")
        change = trend_words(growth(profile.facts.trend, catalogue)) if profile.facts else ""
        volume = f"your log: {count:,} billed calls in {days:.1f} days" + (f"; {change}" if change else "")
    else:
        calls = float(count)
        span = "an unknown time" if days is None else f"{days * 24:.1f} hours" if days < 2 else f"{days:.1f} days"
        volume = f"your log: its {count:,} billed calls cover {span} and are taken as one month; give --calls-per-month"
    tokens = profile.tokens
    written = tokens.cache_write_short + tokens.cache_write_long
    fields: dict[str, Any] = {
        "calls_per_month": calls,
        "input_tokens": profile.input.mean or 0.0,
        "output_tokens": profile.output.mean or 0.0,
        "cached_share": profile.cached_share or 0.0,
        "cache_write_share": written / tokens.all_input if tokens.all_input else 0.0,
        "batch_share": profile.batch_share,
    }
    origins = dict.fromkeys(fields, "your log") | {"calls_per_month": volume}
    if profile.priced_as and ", " not in profile.priced_as:
        fields["model"] = profile.priced_as
        origins["model"] = f"your log: {profile.model}"
    prefix = profile.prefix_share
    if profile.facts is not None and profile.facts.week_rates is not None:
        peak, burst = max(profile.facts.week_rates), catalogue.assume("burst_factor")
        fields |= {"peak_factor": peak * burst, "hourly_load": profile.facts.week_rates}
        origins["hourly_load"] = "your log: calls by hour of the week"
        origins["peak_factor"] = (
            f"your log: busiest hour of the week {peak:.2f} x the mean, times {burst:g} for bursts inside the hour"
        )
    consistent, words = consistency(profile)
    if consistent is not None:
        fields["consistent_prompts"] = consistent
    if words:
        origins["consistent_prompts"] = words
    if prefix is not None:
        long_enough = fields["input_tokens"] >= catalogue.assume("cache_minimum_prompt_tokens")
        if long_enough and prefix > fields["cached_share"]:
            fields["cacheable_share"] = prefix
            origins["cacheable_share"] = f"estimated from your log: {prefix:.0%} of the prompt text is shared"
    return fields, {**evidence(profile, catalogue), **origins}, known


def _task(profile: TaskProfile, usage: Usage, catalogue: Catalogue, given: Mapping[str, Any]) -> Task:
    tokens = profile.tokens
    decision, reason = _decide(profile, usage, catalogue, given)
    return Task(
        task=profile.task,
        model=profile.model,
        priced_as=profile.priced_as or None,
        calls=profile.calls,
        failed=profile.failed,
        gateway_cached=profile.gateway_cached,
        first=profile.first.isoformat() if profile.first else None,
        last=profile.last.isoformat() if profile.last else None,
        span_days=profile.span_days,
        input_tokens=tokens.input,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write_short + tokens.cache_write_long,
        output_tokens=tokens.output,
        reasoning_tokens=tokens.reasoning,
        input_per_call=profile.input,
        output_per_call=profile.output,
        output_spread=profile.output_spread,
        cached_share=profile.cached_share,
        batch_share=profile.batch_share,
        cost_usd=_money(profile.cost_usd),
        reported_cost_usd=_money(profile.reported_cost_usd),
        reported_calls=profile.reported_calls,
        unpriced_calls=profile.unpriced_calls,
        unpriced_reason=profile.unpriced_reason or None,
        months=[
            {"month": month.month, "calls": month.calls, "cost_usd": _money(month.cost_usd)} for month in profile.months
        ],
        prefix_share=profile.prefix_share,
        answer=decision,
        why_no_answer=reason,
    )


def _decide(
    profile: TaskProfile, usage: Usage, catalogue: Catalogue, given: Mapping[str, Any]
) -> tuple[Decision | None, str | None]:
    """The finetune decision for one task, or why there is none."""
    fields, origins, known = workload_fields(profile, catalogue)
    merged = {"as_of": usage.as_of} | fields | dict(given)
    if merged.get("model") is None and merged.get("price_input") is None:
        return None, profile.unpriced_reason or "its calls have prices of several models"
    if not profile.calls:
        return None, "the log does not say how many calls these are"
    if not merged["calls_per_month"]:
        return None, "none of its calls was billed"
    try:
        question = ask(FinetuneQuestion, merged)
        found = answer(question, catalogue, {name: origin for name, origin in origins.items() if name not in given})
    except BreakevenError as error:
        return None, str(error)
    volume = [] if known or "calls_per_month" in given else [origins["calls_per_month"]]
    return Decision(
        verdict=found.verdict,
        calls_per_month=question.calls_per_month,
        volume_known=known or "calls_per_month" in given,
        stay_monthly_usd=found.stay.monthly_usd,
        best_untuned=found.best_untuned.label,
        best_untuned_monthly_usd=found.best_untuned.monthly_usd,
        option=found.options[0] if found.options else None,
        question=found.question,
        origins=found.origins,
        unknowns=[*volume, *_trend_unknown(profile, catalogue, given), *found.unknowns],
    ), None


def _trend_unknown(profile: TaskProfile, catalogue: Catalogue, given: Mapping[str, Any]) -> list[str]:
    """That a log's clear trend is not projected, unless the user gave a growth."""
    found = growth(profile.facts.trend, catalogue) if profile.facts else None
    if found is None or "growth_month" in given or found.change_low <= 0 <= found.change_high:
        return []
    return [f"the task's calls change by {trend_words(found)}; that is not projected: give --growth-month"]


def _money(usd: Decimal | None) -> float | None:
    return None if usd is None else float(usd)
