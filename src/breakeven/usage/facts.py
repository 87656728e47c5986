"""What a log says of each task as a whole, whatever its models: how it was found, what it is like, when it comes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from breakeven.usage.cells import UNKNOWN_TIME, Cells, group_sums
from breakeven.usage.cube import Cube
from breakeven.usage.prompt_facts import PromptFacts
from breakeven.usage.timing import HOUR_US, WEEK_HOURS, Trend, peak_to_mean, trend, week_rates

JUDGE_NAME = re.compile(
    r"(?:^|[^a-z])(?:judg(?:e|es|ing|ment)|eval(?:s|uat\w*)?|grad(?:e|er|ing)|scor(?:er|ing)|critic)(?:$|[^a-z])"
)
"""Names of tasks that judge other answers, in lower case."""

WEEK_US = WEEK_HOURS * HOUR_US

MOSTLY = 0.9
"""Where so many calls of a task ask for JSON, it is one with JSON output. [1]"""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """
    One task.

    found_by : "log" (a field its format has), "field" (the one named by the user), "key" (a metadata key),
        "prompt", "tools", "beginning" or "rest" (see ``finding.py``), "tasks file", "none", or "several" where cubes
        were added up in which it was found in different ways.
    members : the found names that the user merged into this one, else its own.
    coverage : of all calls of the log whose number is known; None where its own is not. [1]
    description : what it is like, without any text of a prompt.
    failed_share : of its calls; None where their number is not known. [1]
    judge_share : of its calls, that judge other answers; all of them where the name says so. [1]
    judge_by : "name", "prompt", or "" where nothing says so.
    weeks : from its first call to its last; 0 without times.
    week_hours : calls by hour of the week, UTC, from Monday 00:00; None without times.
    week_rates, peak_to_mean : see ``timing.week_rates`` and ``timing.peak_to_mean``. [1]
    trend : see ``timing.trend``.
    prompts : what its prompts say, None without prompts.
    """

    task: str
    found_by: str
    members: tuple[str, ...]
    calls: int
    coverage: float | None
    description: str
    failed_share: float | None
    judge_share: float | None
    judge_by: str
    weeks: float
    week_hours: tuple[int, ...] | None
    week_rates: tuple[float, ...] | None
    peak_to_mean: float | None
    trend: Trend | None
    prompts: PromptFacts | None


def task_facts(cube: Cube) -> tuple[TaskFacts, ...]:
    """The facts of every task of a cube, the one with most calls first."""
    columns, names = cube.cells.columns, cube.cells.values["task"]
    code = columns["task"]
    calls, rows = (group_sums(columns[name], code, len(names)) for name in ("calls", "rows"))
    failed = group_sums(np.where(columns["ok"], 0, columns["calls"]), code, len(names))
    spans = _spans_us(cube.cells)
    found = cube.found_tasks()
    times = {each.task: each for each in cube.times}
    prompts = {each.task: each for each in cube.prompts}
    total = sum(calls)
    made = []
    for number, task in enumerate(names):
        if not rows[number]:
            continue
        named = found[number]
        timed, said, span, count = times.get(task), prompts.get(task), spans.get(number), calls[number]
        by_name = is_judge([task, *named.members])
        judged = 1.0 if by_name else said.judge_share if said else None
        made.append(
            TaskFacts(
                task=task,
                found_by=named.found_by,
                members=named.members,
                calls=count,
                coverage=count / total if count else None,
                description=describe(said),
                failed_share=failed[number] / count if count else None,
                judge_share=judged,
                judge_by="name" if by_name else "prompt" if judged else "",
                weeks=(span[1] - span[0]) / WEEK_US if span else 0.0,
                week_hours=timed.week_hours if timed else None,
                week_rates=week_rates(timed.week_hours, *span) if timed and span else None,
                peak_to_mean=peak_to_mean(timed.week_hours, *span) if timed and span else None,
                trend=trend(dict(timed.days)) if timed else None,
                prompts=said,
            )
        )
    return tuple(sorted(made, key=lambda each: (-each.calls, each.task)))


def _spans_us(cells: Cells) -> dict[int, tuple[int, int]]:
    """Number of a task -> first and last time, of tasks of which some time is known. [us]"""
    timed = cells.columns["first_us"] != UNKNOWN_TIME
    code, first, last = (cells.columns[name][timed] for name in ("task", "first_us", "last_us"))
    order = np.argsort(code, kind="stable")
    code, first, last = code[order], first[order], last[order]
    if not len(code):
        return {}
    starts = np.flatnonzero(np.concatenate(([True], code[1:] != code[:-1])))
    firsts, lasts = np.minimum.reduceat(first, starts), np.maximum.reduceat(last, starts)
    return {int(task): (int(begin), int(end)) for task, begin, end in zip(code[starts], firsts, lasts, strict=True)}


def is_judge(names: Sequence[str]) -> bool:
    """Whether a task's name, the first, or those of all it was merged from, says that it judges other answers."""
    own, *merged = (JUDGE_NAME.search(name.lower()) is not None for name in names)
    return own or (bool(merged) and all(merged))


def describe(prompts: PromptFacts | None) -> str:
    """A task in a few words, without any text of a prompt: sizes, tools, output, and how much is shared."""
    if prompts is None:
        return "no prompts in the log"
    parts = []
    if prompts.first_chars is not None:
        what = "system prompt" if prompts.first_is_system else "first message"
        parts.append(f"{what} of {prompts.first_chars:,} characters")
    elif prompts.first_share is not None:
        parts.append("varying system prompts or first messages")
    if prompts.tools:
        parts.append(f"{prompts.tools} tool{'s' if prompts.tools > 1 else ''}")
    if prompts.json_share is not None and prompts.json_share >= MOSTLY:
        parts.append("JSON output")
    if prompts.template_share is not None:
        parts.append(f"{prompts.template_share:.0%} of the text shared")
    return ", ".join(parts) or "prompts without a common part"
