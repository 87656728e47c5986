"""Tasks as a whole in words: how each was found, what it is like, what fails, repeats, judges, grows and peaks."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from breakeven.questions.logs import LogsAnswer
from breakeven.questions.task_details import TaskDetails, trend_words
from breakeven.surfaces.render.numbers import money

SHOWN = 20

FOUND_BY = {
    "log": "named by the log",
    "field": "named by the field you chose",
    "key": "named by a metadata key",
    "prompt": "found by its system prompt and tools",
    "tools": "found by its tools",
    "beginning": "found by what its prompts begin with",
    "rest": "prompts like no others",
    "tasks file": "named by your tasks file",
    "several": "named in several ways",
    "none": "no task named or found",
}


def draw_details(answer: LogsAnswer, console: Console) -> None:
    """Print two lines per task, and what judging costs."""
    console.print()
    console.print(Text("How tasks were found, and what they are like", style="bold underline"))
    for task in answer.task_facts[:SHOWN]:
        console.print(Padding(Text(f"{task.task} ({found_words(task)}): {task.description}"), (0, 0, 0, 2)))
        if words := figures(task):
            console.print(Padding(Text(words, style="dim"), (0, 0, 0, 4)))
    if len(answer.task_facts) > SHOWN:
        console.print(Text(f"  and {len(answer.task_facts) - SHOWN} more; see --format json", style="dim"))
    told = answer.judging
    if told.calls and told.calls_share is not None:
        cost = "" if told.cost_share is None else f" and {told.cost_share:.0%} of the cost ({money(told.cost_usd)})"
        console.print(
            f"  Judging other answers is {told.calls_share:.0%} of the calls{cost}: evaluation, not the task."
        )


def found_words(task: TaskDetails) -> str:
    """How a task was found, and its share of the calls."""
    merged = f", merged from {len(task.members)}" if len(task.members) > 1 else ""
    covered = "?" if task.coverage is None else f"{task.coverage:.0%}"
    return f"{FOUND_BY.get(task.found_by, task.found_by)}{merged}, {covered} of the calls"


def figures(task: TaskDetails) -> str:
    """What is worth saying of a task beyond its description, in one line."""
    parts = []
    if task.template_tokens:
        billed = "a cache bills them at about a tenth" if task.template_cacheable else "too few for a provider's cache"
        parts.append(f"{task.template_tokens:,.0f} input tokens a call are the same ({billed})")
    shares = (("failed", task.failed_share), ("retries", task.retry_share), ("exact repeats", task.repeat_share))
    parts += [f"{name} {_percent(share)}" for name, share in shares if share]
    if task.judge_share:
        parts.append(f"judges other answers: {_percent(task.judge_share)}, by its {task.judge_by}")
    if change := trend_words(task.trend):
        parts.append(change)
    if task.peak_to_mean is not None:
        parts.append(f"busiest hour of the week {task.peak_to_mean:.1f}x the mean")
    return "; ".join(parts)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
