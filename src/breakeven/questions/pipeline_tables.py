"""A pipeline's answer as tables."""

from typing import TYPE_CHECKING

from breakeven.questions.pipeline_levers import Tuning
from breakeven.questions.tables import Cell, Column, Table, Unit

if TYPE_CHECKING:
    from breakeven.questions.pipeline import PipelineAnswer

SHOWN_LEVERS = 15
"""Levers that are shown at once; the JSON document has all."""

WORDS = {
    "price": "price of its model",
    "usd_per_call": "price of a call",
    "repeat_probability": "going on",
    "calls_per_run": "times a run",
    "error_rate": "failures",
}
"""Inputs that are called otherwise than their fields."""


def tables(answer: "PipelineAnswer") -> list[Table]:
    """The run, its steps, what to change first, caching, tuning, other models; then details."""
    found = [_run(answer), _steps(answer), _levers(answer), _caching(answer), _tuning(answer)]
    return [table for table in [*found, _replacements(answer), *_details(answer)] if table.rows]


def _columns(first: str, **units: Unit) -> list[Column]:
    return [Column(title=first), *(Column(title=title.replace("_", " "), unit=unit) for title, unit in units.items())]


def _run(answer: "PipelineAnswer") -> Table:
    drawn = answer.drawn
    rows: list[list[Cell]] = [
        [
            "this flow",
            answer.usd_per_run,
            answer.usd_per_run_sd,
            drawn.p95_usd if drawn else None,
            answer.completion_rate,
            answer.usd_per_completed_run,
            answer.usd_per_successful_run,
            answer.monthly_usd,
            answer.year_usd,
        ]
    ]
    columns = [
        Column(title="Cost"),
        Column(title="per run", unit="usd"),
        Column(title="std. dev.", unit="usd"),
        Column(title="95 % below", unit="usd"),
        Column(title="completed", unit="share"),
        Column(title="per completed run", unit="usd"),
        Column(title="per successful run", unit="usd"),
        Column(title="a month", unit="usd"),
        Column(title="a year", unit="usd"),
    ]
    note = (
        f"Mean and standard deviation are {answer.spread}. "
        + (
            f"{drawn.draws:,} runs drawn by chance (seed {drawn.seed}) had a mean of ${drawn.mean_usd:,.4g} (standard"
            f" error ${drawn.standard_error_usd:,.2g}) and a standard deviation of ${drawn.sd_usd:,.4g}. "
            if drawn
            else ""
        )
        + f"Months differ by ${answer.monthly_sd_usd:,.2f} (standard deviation) if runs are independent."
    )
    return Table(name="run", title="A run of the flow", columns=columns, rows=rows, note=note)


def _steps(answer: "PipelineAnswer") -> Table:
    columns = [
        Column(title="Step"),
        Column(title="Model"),
        Column(title="calls a run", unit="count"),
        Column(title="input tokens", unit="tokens"),
        Column(title="output tokens", unit="tokens"),
        Column(title="per run", unit="usd"),
        Column(title="a month", unit="usd"),
        Column(title="share", unit="share"),
    ]
    rows: list[list[Cell]] = []
    for cost in answer.steps:
        rows.append(
            [
                f"{cost.group} / {cost.step}" if cost.group else cost.step,
                cost.model.partition("/")[2] if cost.model else "",
                cost.calls_per_run,
                cost.input_tokens_per_run + cost.cache_read_tokens_per_run + cost.cache_write_tokens_per_run,
                cost.output_tokens_per_run,
                cost.usd_per_run,
                cost.monthly_usd,
                cost.share,
            ]
        )
    note = "Calls and tokens of an average run, failed attempts included as they are billed."
    return Table(name="steps", title="Steps", columns=columns, rows=rows, note=note)


def _levers(answer: "PipelineAnswer") -> Table:
    cut = answer.question["cut"]
    rows: list[list[Cell]] = [
        [
            f"{lever.step}: {WORDS.get(lever.input, lever.input.replace('_', ' '))}",
            None if lever.input == "price" else lever.now,
            lever.elasticity,
            lever.saving_usd_month,
            lever.usd_per_completed_run,
        ]
        for lever in answer.levers[:SHOWN_LEVERS]
    ]
    left = len(answer.levers) - len(rows)
    return Table(
        name="levers",
        title=f"What to change first: a cut of {float(str(cut)):.0%}",
        columns=[
            Column(title="Input of a step"),
            Column(title="now", unit="ratio"),
            Column(title="elasticity", unit="ratio"),
            Column(title="saves a month", unit="usd"),
            Column(title="per completed run", unit="usd"),
        ],
        rows=[[row[0], "" if row[1] is None else row[1], *row[2:]] for row in rows],
        note="Elasticity: per cent of the bill per cent of the input, all else as given."
        + (f" {left} more in the JSON." if left else ""),
    )


def _caching(answer: "PipelineAnswer") -> Table:
    rows: list[list[Cell]] = []
    for cost in answer.steps:
        ways = cost.caching
        if ways and not (ways.none_usd == ways.prompt_usd == ways.history_usd):
            by_name = {"none": ways.none_usd, "prompt": ways.prompt_usd, "history": ways.history_usd}
            best = min(by_name, key=lambda way: by_name[way])
            total = cost.input_tokens_per_run + cost.cache_read_tokens_per_run + cost.cache_write_tokens_per_run
            cached = cost.cache_read_tokens_per_run / total if total else None
            rows.append([cost.step, *by_name.values(), best, cached, cost.usd_per_run, cost.history_usd])
    return Table(
        name="caching",
        title="Caching and history, per run",
        columns=[
            Column(title="Step"),
            Column(title="nothing cached", unit="usd"),
            Column(title="the prompt", unit="usd"),
            Column(title="prompt and history", unit="usd"),
            Column(title="Cheapest"),
            Column(title="read from cache", unit="share"),
            Column(title="as given", unit="usd"),
            Column(title="of it history", unit="usd"),
        ],
        rows=rows,
        note="Cache writes and reads, lost caches and the shortest cacheable length are counted. History is what turns"
        " cost because they read what earlier turns left; it grows with the square of their number.",
    )


def _tuning(answer: "PipelineAnswer") -> Table:
    return Table(
        name="tuning",
        title="Tuning each step",
        columns=[
            Column(title="Step"),
            Column(title="Verdict"),
            Column(title="calls a month", unit="count"),
            Column(title="Best tuned option"),
            Column(title="saves in all", unit="usd"),
            Column(title="break-even months", unit="months"),
        ],
        rows=[
            [
                each.step,
                _verdict(each),
                each.calls_per_month,
                each.option,
                "" if each.saving_usd is None else each.saving_usd,
                "never" if each.break_even_months is None else each.break_even_months,
            ]
            for each in answer.tunings
        ],
        note="The finetune question at each step's calls, against staying and the best untuned choice: training alone,"
        " without data, evaluation or fewer tokens, and without a look at quality.",
    )


def _verdict(tuning: Tuning) -> str:
    return (tuning.why_not or "") if tuning.word is None else tuning.word.replace("_", " ")


def _replacements(answer: "PipelineAnswer") -> Table:
    return Table(
        name="replacements",
        title="Another model in the place of a step's",
        columns=[
            Column(title="Step and model"),
            Column(title="per run", unit="usd"),
            Column(title="a month", unit="usd"),
            Column(title="saves a month", unit="usd"),
            Column(title="at least", unit="usd"),
            Column(title="at most", unit="usd"),
        ],
        rows=[
            [
                f"{each.step}: {each.model}",
                each.usd_per_run,
                each.monthly_usd,
                each.saving_usd_month,
                each.saving_low_usd_month,
                each.saving_high_usd_month,
            ]
            for each in answer.replacements
        ],
        note="Quality is not compared. The band is that of the token conversion.",
    )


def _details(answer: "PipelineAnswer") -> list[Table]:
    months = Table(
        name="months",
        title="Month by month",
        columns=_columns("Month", cost="usd"),
        rows=[[f"month {number}", usd] for number, usd in enumerate(answer.months_usd, start=1)],
        folded=True,
    )
    loops = [
        Table(
            name=f"turns-{cost.step}",
            title=f"{cost.step}, turn by turn",
            columns=[
                Column(title="Turn"),
                Column(title="comes", unit="share"),
                Column(title="input tokens", unit="tokens"),
                Column(title="read from cache", unit="tokens"),
                Column(title="written to cache", unit="tokens"),
                Column(title="cost", unit="usd"),
                Column(title="nothing cached", unit="usd"),
            ],
            rows=[
                [
                    f"turn {turn.turn}",
                    turn.probability,
                    turn.input_tokens,
                    turn.cache_read_tokens,
                    turn.cache_write_tokens,
                    turn.usd,
                    turn.uncached_usd,
                ]
                for turn in cost.turns
            ],
            note="A turn of mean size that finds the cache; the first one a prompt that an earlier run sent.",
            folded=True,
        )
        for cost in answer.steps
        if cost.turns
    ]
    return [*loops, months]
