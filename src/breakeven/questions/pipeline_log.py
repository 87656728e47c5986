"""The steps of a pipeline from a log: each task on each model is one, its calls counted against those of one task."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError, nearest

if TYPE_CHECKING:
    from breakeven.usage import Usage
    from breakeven.usage.profile import TaskProfile

MOST_STEPS = 50
"""Steps that a log makes at most; the cheapest tasks beyond it are left out, and counted."""

MOST_CALLS = 1000
"""Calls of one step in a run at most."""

WEEK_DAYS = 7
"""A log shorter than this says nothing about a month. [days]"""


def from_usage(usage: "Usage", catalogue: Catalogue, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """
    The fields of a pipeline that a log fills, and where each came from.

    A log does not say which calls belong to one run. A run is taken to have exactly one billed call of the task
    ``run_task``, the one with the fewest calls if not given; the calls of the others are divided by its calls.
    Raises InputError where the log has no such task, or no billed call.
    """
    billed: Counter[str] = Counter()
    for profile in usage.profiles:
        billed[profile.task] += _billed(profile)
    tasks = [task for task, calls in billed.items() if calls]
    if not tasks:
        raise InputError("The log has no call that was billed", "steps")
    wanted = given.get("run_task")
    if wanted is not None and wanted not in tasks:
        raise InputError(
            f"--run-task: the log has no task {wanted!r}.{nearest(str(wanted), tasks)} Tasks: {', '.join(tasks[:12])}",
            "run_task",
        )
    task = wanted or min(tasks, key=lambda each: (billed[each], each))
    runs = billed[task]
    busiest = max(tasks, key=lambda each: billed[each])
    if billed[busiest] / runs > MOST_CALLS:
        raise InputError(
            f"The log has {billed[busiest]:,} calls of {busiest!r} and {runs:,} of {task!r}: give --run-task, a task"
            f" that each run has once. Tasks: {', '.join(tasks[:12])}",
            "run_task",
        )
    models = Counter(profile.task for profile in usage.profiles if _billed(profile))
    steps, left_out = [], 0
    for profile in usage.profiles:
        if _billed(profile):
            name = profile.task if models[profile.task] == 1 else f"{profile.task} ({profile.model or 'no model'})"
            step = _step(profile, name[:99], runs, usage)
            steps += [step] if step else []
            left_out += not step
    if not steps:
        raise InputError("No task of the log has a price", "steps")
    beyond = len(steps) - MOST_STEPS
    steps = steps[:MOST_STEPS]
    why = "as given" if wanted else "the rarest"
    words = (
        f"your log: {len(steps)} steps; a run is taken to have one call of {task!r} ({why} of {len(tasks)} tasks),"
        f" and the calls of each step are taken as calls of their own, not as turns of a loop"
    )
    if left_out:
        words += f"; {left_out} without a price left out"
    if beyond > 0:
        words += f"; the {beyond} cheapest left out"
    volume, said = _runs_per_month(usage, runs, task, catalogue)
    fields: dict[str, Any] = {"steps": steps, "runs_per_month": volume}
    if any(step["name"] == task for step in steps):
        fields["run_task"] = task
    return fields, {"steps": words, "runs_per_month": said} | ({"run_task": "your log"} if "run_task" in fields else {})


def _billed(profile: "TaskProfile") -> int:
    return profile.calls - profile.failed - profile.gateway_cached


def _step(profile: "TaskProfile", name: str, runs: int, usage: "Usage") -> dict[str, Any] | None:
    """One task on one model as a step; at its mean cost where its tokens have no single price; None without any."""
    step: dict[str, Any] = {"name": name, "calls_per_run": _billed(profile) / runs}
    if profile.priced_as and ", " not in profile.priced_as:
        tokens = profile.tokens
        written = tokens.cache_write_short + tokens.cache_write_long
        step |= {
            "model": profile.priced_as,
            "input_tokens": profile.input.mean or 0.0,
            "output_tokens": profile.output.mean or 0.0,
            "cached_share": profile.cached_share or 0.0,
            "cache_write_share": written / tokens.all_input if tokens.all_input else 0.0,
            "batch_share": profile.batch_share,
        }
        step |= _spread(profile, usage)
    elif profile.cost_usd:
        step["usd_per_call"] = float(profile.cost_usd) / _billed(profile)
    elif profile.reported_cost_usd and profile.reported_calls:
        step["usd_per_call"] = float(profile.reported_cost_usd) / profile.reported_calls
    else:
        return None
    return {key: value for key, value in step.items() if value != 0.0}


def _spread(profile: "TaskProfile", usage: "Usage") -> dict[str, float]:
    """Standard deviation over mean of the sizes of a task's calls, from its histograms."""
    from breakeven.usage.cube import middle

    for each in usage.cube.histograms:
        if (each.task, each.model) == (profile.task, profile.model):
            found = {}
            for name, counted in (("input_cv", each.input_calls), ("output_cv", each.output_calls)):
                calls = sum(count for _, count in counted)
                mean = sum(middle(bucket) * count for bucket, count in counted) / calls if calls else 0.0
                if mean:
                    square = sum((middle(bucket) - mean) ** 2 * count for bucket, count in counted) / calls
                    found[name] = min(10.0, float(square) ** 0.5 / mean)
            return found
    return {}


def _runs_per_month(usage: "Usage", runs: int, task: str, catalogue: Catalogue) -> tuple[float, str]:
    """Runs in a month, and how they were counted: a log shorter than a week is taken as one month."""
    firsts = [profile.first for profile in usage.profiles if profile.first]
    lasts = [profile.last for profile in usage.profiles if profile.last]
    days = (max(lasts) - min(firsts)).total_seconds() / 86_400 if firsts and lasts else None
    if days is not None and days >= WEEK_DAYS:
        return runs / days * catalogue.assume("days_per_month"), (
            f"your log: {runs:,} calls of {task!r} in {days:.1f} days"
        )
    span = "an unknown time" if days is None else f"{days * 24:.1f} hours" if days < 2 else f"{days:.1f} days"
    return float(runs), (
        f"your log: its {runs:,} calls of {task!r} cover {span} and are taken as one month; give --runs-per-month"
    )
