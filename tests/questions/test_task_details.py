"""What a log says of its tasks, as parts of the answer and as evidence for the framework's five questions."""

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion, answer
from breakeven.questions.logs import LogsAnswer, answer_logs, choose, workload_fields
from breakeven.questions.statement import Check
from breakeven.questions.task_details import Growth, trend_words
from breakeven.usage import read_usage

AS_OF = dt.date(2026, 11, 23)
HAIKU = Path(__file__).parents[2] / "examples" / "tensorzero-haiku.jsonl.gz"


@pytest.fixture(scope="module")
def haiku(catalogue: Catalogue) -> LogsAnswer:
    return answer_logs(read_usage(HAIKU, table=catalogue.prices, as_of=AS_OF), catalogue, {})


def growing(folder: Path, by_week: list[int], **columns: str) -> Path:
    """A table of one call a row: so many calls spread over each week, and one call a day before and after."""
    file = folder / "growing.csv"
    start = dt.datetime(2026, 3, 1, 12)
    times = [start - dt.timedelta(days=1), start + dt.timedelta(weeks=len(by_week))]
    for week, calls in enumerate(by_week):
        times += [start + dt.timedelta(weeks=week, days=7 * number / calls) for number in range(calls)]
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["timestamp", "model", "task", "input_tokens", "output_tokens", *columns])
        writer.writerows([[at.isoformat(), "gpt-4o-mini", "t", 2000, 100, *columns.values()] for at in sorted(times)])
    return file


def checks(file: Path, catalogue: Catalogue, **given: Any) -> dict[str, Check]:
    usage = read_usage(file, table=catalogue.prices, as_of=AS_OF)
    fields, origins, _ = workload_fields(choose(usage, None, None), catalogue)
    question = ask(FinetuneQuestion, {"as_of": AS_OF} | fields | given)
    read = {name: origin for name, origin in origins.items() if name not in given}
    return {check.question: check for check in answer(question, catalogue, read).framework}


def test_judging_is_told_apart_from_the_task(haiku: LogsAnswer) -> None:
    judge, write = haiku.tasks
    assert (haiku.judging.calls, haiku.judging.calls_share) == (504, 0.5)
    assert judge.cost_usd is not None
    assert write.cost_usd is not None
    assert haiku.judging.cost_usd == pytest.approx(judge.cost_usd)
    assert haiku.judging.cost_share == pytest.approx(judge.cost_usd / (judge.cost_usd + write.cost_usd))


def test_template_in_tokens(haiku: LogsAnswer) -> None:
    details = {each.task: each for each in haiku.task_facts}["judge_haiku"]
    assert details.template_share is not None
    # 92,901 input tokens over 504 calls, of which the system prompt's share of the characters
    assert details.template_tokens == pytest.approx(92_901 / 504 * details.template_share)
    assert details.template_cacheable is False
    assert details.week_hours is not None
    assert sum(details.week_hours) == 504
    assert (details.weekday_share, details.peak_to_mean, details.trend) == (None, None, None)


def test_growth_by_month(tmp_path: Path, catalogue: Catalogue) -> None:
    file = growing(tmp_path, [70, 140, 210, 280, 350, 420])
    found = answer_logs(read_usage(file, table=catalogue.prices, as_of=AS_OF), catalogue, {})
    trend = found.task_facts[0].trend
    assert trend is not None
    month = 30.4375 / 7
    # the line's own weeks begin at midnight, half a day before ours: each week is short of half a day's growth
    assert trend.change_month == pytest.approx(70 * month**2, rel=0.05)
    assert trend.mean_calls_month == pytest.approx(245 * month, rel=0.05)
    assert trend.growth_month == pytest.approx(trend.change_month / trend.mean_calls_month)
    assert 0 < trend.change_low <= trend.change_month <= trend.change_high
    decision = found.tasks[0].answer
    assert decision is not None
    assert any("that is not projected: give --growth-month" in unknown for unknown in decision.unknowns)
    given = answer_logs(read_usage(file, table=catalogue.prices, as_of=AS_OF), catalogue, {"growth_month": 0.1})
    assert given.tasks[0].answer is not None
    assert not any("projected" in unknown for unknown in given.tasks[0].answer.unknowns)


def test_trend_in_words() -> None:
    clear = Growth(weeks=8, mean_calls_month=1000, change_month=120, change_low=50, change_high=190, growth_month=0.12)
    assert trend_words(clear) == "+12% a month over 8 weeks (+5% to +19%)"
    level = Growth(weeks=8, mean_calls_month=1000, change_month=10, change_low=-50, change_high=70, growth_month=0.01)
    assert trend_words(level) == "+1% a month over 8 weeks (-5% to +7%), no clear trend"
    assert trend_words(None) == ""


def test_five_questions_from_a_log(tmp_path: Path, catalogue: Catalogue) -> None:
    found = checks(growing(tmp_path, [70] * 6), catalogue)
    volume, consistent, reduction, tunable, budget = found.values()
    # 422 calls from noon to noon, 43 days apart
    assert volume.evidence.startswith(
        f"{422 / 43 * 30.4375:,.0f} calls a month (your log: 422 billed calls in 43.0 days;"
    )
    assert "no clear trend" in volume.evidence
    assert (consistent.answer, consistent.evidence) == ("unknown", "not given: --consistent-prompts")
    assert reduction.answer == "unknown"
    assert "yours has 100 output tokens a call, 95th percentile 1.0 x the median" in reduction.evidence
    assert tunable.answer in ("yes", "no")
    assert "by yours the task costs $" in budget.evidence
    assert checks(growing(tmp_path, [70] * 6), catalogue, budget_usd=1e6)[budget.question].answer == "yes"


@pytest.mark.parametrize(
    ("prompts", "verdict", "words"),
    [
        # 512 characters of [{"content":"..."}] with 600 and one or two in it: 512 / 617 = 83 %
        (["a" * 600 + str(number) for number in range(40)], "yes", "at least 83% of the prompt text is the same"),
        ([str(number) * 300 for number in range(10, 50)], "no", "is shared by most of 40 prompts"),
        (["a" * 90 + str(number) * 300 for number in range(10, 50)], "unknown", "not clear; in your log at least 9%"),
    ],
)
def test_consistency_from_prompts(
    tmp_path: Path, catalogue: Catalogue, prompts: list[str], verdict: str, words: str
) -> None:
    file = tmp_path / "log.jsonl"
    row = {
        "spend": 0.1,
        "prompt_tokens": 300,
        "completion_tokens": 9,
        "startTime": "2026-05-01",
        "model": "gpt-4o-mini",
    }
    file.write_text(
        "".join(json.dumps(row | {"request_tags": ["t"], "messages": [{"content": text}]}) + "\n" for text in prompts)
    )
    check = checks(file, catalogue)["Is my prompt structure consistent?"]
    assert check.answer == verdict
    assert words in check.evidence
