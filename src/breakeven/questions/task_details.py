"""What a log says of each task as a whole, as parts of an answer and as evidence for the five framework questions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from breakeven.catalogue.load import Catalogue
from breakeven.questions.statement import part
from breakeven.questions.words import usd
from breakeven.usage.facts import TaskFacts
from breakeven.usage.finding import BY_BEGINNING
from breakeven.usage.profile import TaskProfile
from breakeven.usage.timing import Trend

MOST = 0.5
"""Prompts are consistent where more than this share of their text is alike in most calls. [1]"""

FEW_PROMPTS = 20
"""From fewer prompts than this, nothing is said against their consistency."""

WEEK_DAYS = 7


@part
class Growth:
    """
    The line through the calls of whole weeks, per month; ``low`` and ``high`` bound its slope with 95 % confidence.

    ``growth_month`` is the slope over the mean.
    """

    weeks: int
    mean_calls_month: float
    change_month: float
    change_low: float
    change_high: float
    growth_month: float | None


@part
class TaskDetails:
    """
    One task on all its models; ``description`` and all else is free of any text of a prompt.

    ``calls`` is 0, and the shares of them null, where the log does not say how many, as bills do not.
    """

    task: str
    found_by: str
    members: list[str]
    calls: int
    coverage: float | None
    description: str
    template_share: float | None
    template_tokens: float | None
    template_cacheable: bool | None
    first_chars: int | None
    tools: int | None
    json_share: float | None
    failed_share: float | None
    retry_share: float | None
    repeat_share: float | None
    judge_share: float | None
    judge_by: str | None
    trend: Growth | None
    week_hours: list[int] | None
    weekday_share: list[float] | None
    peak_to_mean: float | None


@part
class Judging:
    """Calls that judge other answers, and what they cost; null where nothing tells them apart."""

    calls: float | None
    calls_share: float | None
    cost_usd: float | None
    cost_share: float | None


def task_details(
    facts: Sequence[TaskFacts], profiles: Sequence[TaskProfile], catalogue: Catalogue
) -> list[TaskDetails]:
    """The details of those tasks that have a profile, the one with most calls first."""
    inputs: dict[str, tuple[float, int]] = {}
    for profile in profiles:
        tokens, calls = inputs.get(profile.task, (0.0, 0))
        here = billed(profile)
        inputs[profile.task] = (tokens + (profile.input.mean or 0.0) * here, calls + here)
    return [_details(fact, *inputs[fact.task], catalogue) for fact in facts if fact.task in inputs]


def _details(fact: TaskFacts, input_tokens: float, calls: int, catalogue: Catalogue) -> TaskDetails:
    said = fact.prompts
    template = said.template_share if said else None
    tokens = None if template is None or not calls else template * input_tokens / calls
    hours = fact.week_hours
    timed = sum(hours) if hours else 0
    return TaskDetails(
        task=fact.task,
        found_by=fact.found_by,
        members=list(fact.members),
        calls=fact.calls,
        coverage=fact.coverage,
        description=fact.description,
        template_share=template,
        template_tokens=tokens,
        template_cacheable=None if tokens is None else tokens >= catalogue.assume("cache_minimum_prompt_tokens"),
        first_chars=said.first_chars if said else None,
        tools=said.tools if said else None,
        json_share=said.json_share if said else None,
        failed_share=fact.failed_share,
        retry_share=said.retry_share if said else None,
        repeat_share=said.repeat_share if said else None,
        judge_share=fact.judge_share,
        judge_by=fact.judge_by or None,
        trend=growth(fact.trend, catalogue),
        week_hours=list(hours) if hours else None,
        weekday_share=[sum(hours[24 * day : 24 * day + 24]) / timed for day in range(WEEK_DAYS)]
        if hours and timed and fact.weeks >= 1
        else None,
        peak_to_mean=fact.peak_to_mean,
    )


def judging(facts: Sequence[TaskFacts], profiles: Sequence[TaskProfile]) -> Judging:
    """What judging costs: of a task that judges in part, that part of its calls and of its cost."""
    shares = {fact.task: fact.judge_share for fact in facts if fact.judge_share is not None}
    if not shares:
        return Judging(calls=None, calls_share=None, cost_usd=None, cost_share=None)
    calls = sum(shares.get(fact.task, 0.0) * fact.calls for fact in facts)
    all_calls = sum(fact.calls for fact in facts)
    costs = [(float(each.cost_usd), shares.get(each.task, 0.0)) for each in profiles if each.cost_usd is not None]
    cost, whole = sum(usd * share for usd, share in costs), sum(usd for usd, _ in costs)
    return Judging(
        calls=calls,
        calls_share=calls / all_calls if all_calls else None,
        cost_usd=cost if costs else None,
        cost_share=cost / whole if whole else None,
    )


def growth(found: Trend | None, catalogue: Catalogue) -> Growth | None:
    """A trend of weeks as one of months."""
    if found is None:
        return None
    weeks = catalogue.assume("days_per_month") / WEEK_DAYS
    mean = found.calls_week * weeks
    change, low, high = (each * weeks * weeks for each in (found.change_week, found.low, found.high))
    return Growth(
        weeks=found.weeks,
        mean_calls_month=mean,
        change_month=change,
        change_low=low,
        change_high=high,
        growth_month=change / mean if mean else None,
    )


def trend_words(found: Growth | None) -> str:
    """The trend in words, "" where there is none to tell."""
    if found is None or not found.mean_calls_month:
        return ""
    mean = found.mean_calls_month
    shares = (found.change_month / mean, found.change_low / mean, found.change_high / mean)
    each, low, high = (f"{share:+.0%}" for share in shares)
    told = f"{each} a month over {found.weeks} weeks ({low} to {high})"
    return told if found.change_low > 0 or found.change_high < 0 else f"{told}, no clear trend"


def billed(profile: TaskProfile) -> int:
    """Calls that somebody billed."""
    return profile.calls - profile.failed - profile.gateway_cached


def consistency(profile: TaskProfile) -> tuple[bool | None, str]:
    """Whether a task's prompts are consistent, and what says so: "" where the log holds no prompts."""
    said = profile.facts.prompts if profile.facts else None
    if said is None or said.template_share is None:
        return None, ""
    share = said.template_share
    if share > MOST:
        return True, f"your log: at least {share:.0%} of the prompt text is the same in most calls"
    if not share and profile.facts and profile.facts.found_by == BY_BEGINNING:
        return None, "not clear; in your log what changes comes first, and what follows begins alike"
    if not share and said.prompts >= FEW_PROMPTS:
        return False, f"your log: no beginning of 64 characters or more is shared by most of {said.prompts:,} prompts"
    return None, f"not clear; in your log at least {share:.0%} of the prompt text is the same in most calls"


def evidence(profile: TaskProfile, catalogue: Catalogue) -> Mapping[str, str]:
    """
    What a log says near fields that it cannot fill, field -> words.

    None of them begins as the origin of a field does that a log filled.
    """
    found = {}
    mean, reasoning = profile.output.mean, profile.tokens.reasoning
    if mean is not None:
        spread = "" if profile.output_spread is None else f", 95th percentile {profile.output_spread:.1f} x the median"
        thought = f", {reasoning / profile.tokens.output:.0%} of them reasoning" if reasoning else ""
        found["output_reduction"] = f"a log cannot tell; yours has {mean:,.0f} output tokens a call{thought}{spread}"
    days = profile.span_days
    if profile.cost_usd is not None and days is not None and days >= WEEK_DAYS:
        month = profile.cost_usd / Decimal(days) * Decimal(catalogue.assume("days_per_month"))
        found["budget_usd"] = f"a log cannot tell; by yours the task costs {usd(float(month))} a month today"
    said = profile.facts.prompts if profile.facts else None
    if said is not None and said.template_share and profile.input.mean:
        tokens = said.template_share * profile.input.mean
        found["input_reduction"] = (
            f"a log cannot tell; in yours {tokens:,.0f} of {profile.input.mean:,.0f} input tokens a call are the same"
            " in most calls: tuning could drop at most what of them is instructions"
        )
    return found
