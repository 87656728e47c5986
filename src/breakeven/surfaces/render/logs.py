"""What logs say, as text: rows, tasks and their cost, then the decision for each, the dearest first."""

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from breakeven.questions.logs import LogsAnswer, Task
from breakeven.surfaces.render.finetune import WORDS
from breakeven.surfaces.render.log_files import draw_files, draw_price_check
from breakeven.surfaces.render.numbers import calls_of, money, months
from breakeven.surfaces.render.task_details import draw_details

SHOWN_REJECTS = 8
NARROW = 100
"""Width of a console on which columns stand close together. [characters]"""

SHOWN_TASKS = 20
SHOWN_DECISIONS = 6


def draw(answer: LogsAnswer, console: Console) -> None:
    """Print the whole answer."""
    rows = answer.rows
    console.print()
    if answer.tasks:
        console.print(Text(_first_line(answer), style="bold"))
    console.print(
        f"{rows['in']:,} rows read = {rows['priced']:,} priced + {rows['unpriced']:,} unpriced"
        f" + {rows['rejected']:,} rejected; {calls_of(answer.calls)} call{'' if answer.calls == 1 else 's'}"
    )
    draw_files(answer, console)
    _rejects(answer, console)
    if answer.tasks:
        _tasks(answer, console)
    draw_price_check(answer, console)
    if answer.tasks:
        _sizes(answer, console)
        draw_details(answer, console)
        _months(answer, console)
    for task in answer.tasks[:SHOWN_DECISIONS]:
        _decision(task, console)
    if len(answer.tasks) > SHOWN_DECISIONS:
        console.print(Text(f"  and {len(answer.tasks) - SHOWN_DECISIONS} more; see --format json", style="dim"))
    for note in answer.notes:
        console.print(Padding(Text(f"- {note}", style="dim"), (0, 0, 0, 2)))
    last = "  No prompt or answer was stored or shown."
    last += " One task in full: breakeven finetune --from-log FILE --task TASK" if answer.tasks else ""
    console.print(Text(last, style="dim"))


def _first_line(answer: LogsAnswer) -> str:
    """The one sentence a person wants first."""
    dearest = answer.tasks[0]
    cost = f"These calls cost {money(answer.cost_usd)}"
    if not answer.rows["priced"]:
        cost = f"What these calls cost is unknown; rows without a price: {answer.rows['unpriced']:,}"
    elif answer.rows["unpriced"]:
        cost = f"These calls cost at least {money(answer.cost_usd)}; rows without a price: {answer.rows['unpriced']:,}"
    if answer.reported_cost_usd is not None:
        cost += f" (the log says {money(answer.reported_cost_usd)})"
    if dearest.answer is None:
        return f"{cost}."
    return f"{cost}. Dearest task, {dearest.task!r} on {dearest.model}: {dearest.answer.verdict.headline}"


def _rejects(answer: LogsAnswer, console: Console) -> None:
    for reason, count in answer.reject_counts.items():
        console.print(Text(f"  rejected {count:,}: {reason}"))
    for reject in answer.rejects[:SHOWN_REJECTS]:
        console.print(Text(f"    {reject.file} {reject.at} {reject.line}: {reject.reason}", style="dim"))
    if len(answer.rejects) > SHOWN_REJECTS:
        console.print(Text("    more in --format json", style="dim"))


def _table(title: str, columns: tuple[str, ...], console: Console, left: int = 2) -> Table:
    console.print()
    console.print(Text(title, style="bold underline"))
    narrow = console.width < NARROW
    padding = (0, 0) if narrow else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=padding)
    for index, column in enumerate(columns):
        head = column.replace(" ", "\n") if narrow else column
        if index < left:
            table.add_column(head, overflow="fold")
        else:  # a number is never broken; one that is cut short ends in a mark
            table.add_column(head, justify="right", overflow="ellipsis", no_wrap=True)
    return table


def _tasks(answer: LogsAnswer, console: Console) -> None:
    columns = ("task", "model", "calls", "failed", "input", "cache read", "cache write", "output", "cost", "reported")
    table = _table("Tasks and their tokens", columns, console)
    for task in answer.tasks[:SHOWN_TASKS]:
        unpriced = f" + {task.unpriced_calls:,} unpriced" if task.unpriced_calls and task.cost_usd is not None else ""
        table.add_row(
            task.task,
            task.model or "(none)",
            calls_of(task.calls),
            f"{task.failed:,}",
            f"{task.input_tokens:,}",
            f"{task.cache_read_tokens:,}",
            f"{task.cache_write_tokens:,}",
            f"{task.output_tokens:,}",
            money(task.cost_usd, unknown="no price") + unpriced,
            money(task.reported_cost_usd, unknown="-"),
        )
    console.print(table)
    for task in answer.tasks:
        if task.unpriced_reason:
            console.print(Padding(Text(f"no price: {task.task}, {task.unpriced_reason}", style="dim"), (0, 0, 0, 2)))


def _sizes(answer: LogsAnswer, console: Console) -> None:
    columns = ("task", "model", "in mean", "p50", "p95", "out mean", "p50", "p95", "spread", "cached", "shared")
    table = _table("Tokens of a call", columns, console)
    for task in answer.tasks[:SHOWN_TASKS]:
        into, out = task.input_per_call, task.output_per_call
        figures = [size for each in (into, out) for size in (each.mean, each.p50, each.p95)]
        table.add_row(
            task.task,
            task.model or "(none)",
            *("-" if figure is None else f"{figure:,.0f}" for figure in figures),
            "-" if task.output_spread is None else f"{task.output_spread:.1f}x",
            _percent(task.cached_share),
            _percent(task.prefix_share),
        )
    console.print(table)
    words = "spread: p95 / p50 of the output; cached: input read from the cache; shared: text that prompts begin with"
    console.print(Text(f"  {words}", style="dim"))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _months(answer: LogsAnswer, console: Console) -> None:
    rows = [(month, task) for task in answer.tasks[:SHOWN_TASKS] for month in task.months]
    if not rows:
        return
    table = _table("Cost by month", ("month", "task", "model", "calls", "cost"), console, left=3)
    for month, task in sorted(rows, key=lambda row: str(row[0]["month"])):
        cost = month["cost_usd"]
        usd = money(cost if isinstance(cost, float) else None, unknown="no price")
        table.add_row(str(month["month"]), task.task, task.model or "(none)", calls_of(month["calls"]), usd)
    console.print(table)


def _decision(task: Task, console: Console) -> None:
    console.print()
    console.print(Text(f"{task.task} on {task.model or '(no model)'}", style="bold underline"))
    decision = task.answer
    if decision is None:
        console.print(Padding(Text(f"no decision: {task.why_no_answer}", style="dim"), (0, 0, 0, 2)))
        return
    label, colour = WORDS[decision.verdict.word]
    console.print(Padding(Text.assemble((f"{label}: ", colour), decision.verdict.headline), (0, 0, 0, 2)))
    untuned = f"best untuned {decision.best_untuned} {money(decision.best_untuned_monthly_usd)}"
    figures = f"{decision.calls_per_month:,.0f} calls a month: staying {money(decision.stay_monthly_usd)}, {untuned}"
    option = decision.option
    if option is not None and option.monthly_usd is not None:
        figures += f", {option.label} {money(option.monthly_usd)} (break-even {months(option.break_even_months)})"
    console.print(Padding(Text(figures), (0, 0, 0, 2)))
    for unknown in decision.unknowns[:4]:
        console.print(Padding(Text(f"- {unknown}", style="dim"), (0, 0, 0, 2)))
