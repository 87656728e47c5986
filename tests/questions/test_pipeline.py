"""The pipeline question: its parts add up, its levers hold, its faults name the place, a log makes steps."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, InputError
from breakeven.questions.cost import KIND as COST
from breakeven.questions.fields import ask
from breakeven.questions.pipeline import KIND, PipelineAnswer, PipelineQuestion
from breakeven.surfaces.cli import main
from breakeven.usage import read_usage

DAY = dt.date(2026, 11, 23)
ROOT = Path(__file__).parents[2]
EXAMPLE = yaml.safe_load((ROOT / "examples" / "pipeline.yaml").read_text(encoding="utf-8"))
HAIKU = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"


def pipeline(catalogue: Catalogue, *steps: dict[str, Any], **fields: Any) -> PipelineAnswer:
    asked = {"runs_per_month": 1000, "draws": 0, "as_of": DAY, "steps": list(steps)} | fields
    found: PipelineAnswer = KIND.reply(asked, catalogue, DAY)
    return found


def example(catalogue: Catalogue, **fields: Any) -> PipelineAnswer:
    found: PipelineAnswer = KIND.reply(EXAMPLE | fields, catalogue, DAY)
    return found


def test_steps_add_up_to_the_run(catalogue: Catalogue) -> None:
    found = example(catalogue)
    assert sum(step.usd_per_run for step in found.steps) == pytest.approx(found.usd_per_run)
    assert sum(step.monthly_usd for step in found.steps) == pytest.approx(found.monthly_usd)
    assert sum(step.share or 0 for step in found.steps) == pytest.approx(1)
    for step in found.steps:
        parts = step.input_usd + step.cache_read_usd + step.cache_write_usd + step.output_usd + step.other_usd
        assert parts == pytest.approx(step.usd_per_run)


def test_the_exact_spread_agrees_with_drawn_runs(catalogue: Catalogue) -> None:
    found = example(catalogue, draws=40_000)
    assert found.drawn is not None
    assert found.spread == "exact"
    assert found.drawn.mean_usd == pytest.approx(found.usd_per_run, abs=4 * found.drawn.standard_error_usd)
    assert found.drawn.sd_usd == pytest.approx(found.usd_per_run_sd, rel=0.05)
    assert found.drawn.p05_usd <= found.drawn.p50_usd <= found.drawn.p95_usd <= found.drawn.p99_usd


def test_a_flow_of_one_call_costs_what_cost_says(catalogue: Catalogue) -> None:
    for model in ("gpt-5-mini", "claude-haiku-4-5", "gemini-2.5-flash"):
        call = {
            "input_tokens": 3000,
            "output_tokens": 250,
            "cached_share": 0.4,
            "cache_write_share": 0.1,
            "batch_share": 0.3,
        }
        one = pipeline(catalogue, {"name": "call", "model": model} | call, growth_month=0.03, horizon_months=20)
        other = COST.reply(
            {"models": [model], "calls_per_month": 1000, "growth_month": 0.03, "horizon_months": 20} | call,
            catalogue,
            DAY,
        ).models[0]
        assert one.usd_per_run == pytest.approx(other.usd_per_call)
        assert one.months_usd == pytest.approx(other.months_usd)


def test_an_elasticity_of_the_turns_is_more_than_one(catalogue: Catalogue) -> None:
    loop = {"output_tokens": 200, "tool_tokens": 800, "turns": 30}
    agent = {"name": "agent", "model": "claude-haiku-4-5"} | loop
    long = pipeline(catalogue, agent | {"turns": 30}).levers
    turns = next(lever for lever in long if lever.input == "turns")
    assert 1.5 < turns.elasticity < 2
    # the price is the whole bill, so its elasticity is one
    assert next(lever for lever in long if lever.input == "price").elasticity == pytest.approx(1)


def test_what_a_lever_saves_is_what_the_changed_flow_saves(catalogue: Catalogue) -> None:
    agent = {"name": "agent", "model": "claude-haiku-4-5", "prompt_tokens": 2000, "output_tokens": 200,
             "tool_tokens": 800, "turns": 10, "error_rate": 0.1, "retries": 2, "cache": "history"}  # fmt: skip
    now = pipeline(catalogue, agent, cut=0.3)
    for lever in now.levers:
        if lever.input not in ("price", "probability"):
            less = pipeline(catalogue, agent | {lever.input: lever.now * 0.7})
            assert lever.saving_usd_month == pytest.approx(now.monthly_usd - less.monthly_usd), lever.input
            assert lever.usd_per_completed_run == pytest.approx(less.usd_per_completed_run)
    assert {lever.input for lever in now.levers} >= {"turns", "error_rate", "tool_tokens", "price"}


def test_fewer_failures_can_cost_more_a_month_and_less_a_completed_run(catalogue: Catalogue) -> None:
    found = pipeline(
        catalogue, {"name": "gate", "usd_per_call": 0.01, "error_rate": 0.5}, {"name": "work", "usd_per_call": 1}
    )
    lever = next(lever for lever in found.levers if lever.input == "error_rate")
    assert lever.saving_usd_month < 0
    assert lever.elasticity < 0
    assert lever.usd_per_completed_run is not None
    assert found.usd_per_completed_run is not None
    assert lever.usd_per_completed_run < found.usd_per_completed_run


def test_other_models_are_tried_in_each_step(catalogue: Catalogue) -> None:
    call = {"model": "gpt-5", "input_tokens": 1000, "output_tokens": 500}
    found = pipeline(
        catalogue, {"name": "a"} | call, {"name": "b"} | call, try_models=["gpt-5-mini", "claude-haiku-4-5"]
    )
    mini = next(each for each in found.replacements if each.model == "openai/gpt-5-mini")
    # the same tokenizer: 1,000 x (1,000 x (1.25 - 0.25) + 500 x (10 - 2)) / 1e6
    assert mini.saving_usd_month == pytest.approx(5)
    assert not mini.estimated
    claude = next(each for each in found.replacements if each.model.startswith("anthropic"))
    assert claude.estimated
    assert claude.saving_low_usd_month < claude.saving_usd_month < claude.saving_high_usd_month
    assert len(found.replacements) == 4


def test_tuning_is_asked_with_each_steps_own_calls(catalogue: Catalogue) -> None:
    call = {"name": "big", "model": "gpt-4.1", "input_tokens": 2000, "output_tokens": 300, "calls_per_run": 3}
    found = pipeline(catalogue, call, {"name": "search", "usd_per_call": 0.01}, runs_per_month=100_000)
    assert [each.step for each in found.tunings] == ["big"]
    tuning = found.tunings[0]
    assert tuning.calls_per_month == pytest.approx(300_000)
    assert tuning.question["input_tokens"] == pytest.approx(2000)
    assert tuning.word == "clear_win"
    assert found.tune_first == "big"


def test_announced_prices_count_from_their_month(catalogue: Catalogue) -> None:
    dated = [model for model in catalogue.prices if len({entry.since for entry in model.entries}) > 1]
    model = next(model for model in dated if model.entries[-1].since and model.entries[-1].since > dt.date(2025, 1, 1))
    last = model.entries[-1].since
    assert last is not None
    before = last - dt.timedelta(days=40)
    call = {"input_tokens": 1000, "output_tokens": 100}
    one = pipeline(catalogue, {"name": "a", "model": model.id} | call, as_of=before)
    other = COST.reply({"models": [model.id], "calls_per_month": 1000, "as_of": before} | call, catalogue, before)
    assert one.months_usd == pytest.approx(other.models[0].months_usd)


def test_what_is_not_known_is_said(catalogue: Catalogue) -> None:
    agent = {
        "name": "agent",
        "model": "gpt-4o",
        "prompt_tokens": 900,
        "tool_tokens": 5000,
        "turns": 40,
        "cache": "history",
    }
    said = " ".join(pipeline(catalogue, agent).unknowns)
    for words in (
        "does not fit the 128,000",
        "retires on 2027-01-14",
        "--success-rate",
        "shorter than 1,024",
        "one size",
    ):
        assert words in said


@settings(max_examples=15)
@given(
    st.fixed_dictionaries(
        {
            "turns": st.integers(1, 6),
            "prompt_tokens": st.integers(0, 4000),
            "output_tokens": st.integers(1, 500),
            "tool_tokens": st.integers(0, 900),
            "error_rate": st.floats(0, 0.5),
            "retries": st.integers(0, 3),
            "cache": st.sampled_from(["none", "prompt", "history"]),
            "probability": st.floats(0.01, 1),
        }
    )
)
def test_more_of_anything_costs_more(catalogue: Catalogue, fields: dict[str, Any]) -> None:
    step = {"name": "x", "model": "claude-haiku-4-5"} | fields
    now = pipeline(catalogue, step).usd_per_run
    for name in ("output_tokens", "tool_tokens", "turns"):
        assert pipeline(catalogue, step | {name: fields[name] + 1}).usd_per_run >= now - 1e-12
    free = pipeline(catalogue, step | {"on_failure": "go_on"})
    assert free.completion_rate == pytest.approx(1)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"name": "a"}, {"name": "b", "modle": "x"}], r"steps.1.modle: there is no such field. Did you mean model"),
        ([{"name": "a", "model": "gpt-5x"}], r"steps.0.model \(a\): No model 'gpt-5x'"),
        ([{"name": "a", "probability": 2}], r"steps.0.probability is 2; it must be at most 1 \[share\]"),
        (
            [{"name": "a", "steps": [{"name": "c", "cache": "full"}]}],
            r"steps.0.steps.0.cache is 'full'; it must be none",
        ),
        ([{"name": "a", "steps": [{"usd_per_call": 1}]}], r"steps.0.steps.0.name is needed"),
        ([{"name": "a", "output_tokens": 3}], r"steps.0: tokens need a model, or price_output"),
        ([{"name": "a", "model": 5}], r"steps.0.model is 5; it must be text"),
        (
            [{"name": "a", "model": "gpt-5", "steps": [{"name": "b"}]}],
            r"steps.0: a group of steps has no model of its own",
        ),
        ([{"name": "a", "cache": "prompt", "cached_share": 0.5}], r"steps.0: give cache, or the shares"),
        ([{"name": "a", "cached_share": 0.7, "cache_write_share": 0.7}], r"steps.0: .* more than all input tokens"),
        ([{"name": "a"}, {"name": "a"}], r"steps: two of them are called 'a'"),
        ([{"name": str(n), "turns": 200} for n in range(6)], r"steps: their turns add up to 1,200"),
        (
            [{"name": f"g{n}", "steps": [{"name": f"{n}-{m}"} for m in range(30)]} for n in range(3)],
            "steps: there are 90 with those of groups; at most 60",
        ),
        ([], r"steps is \[\]; it must be a list of at least 1"),
        ([3], r"steps.0 is 3; it must be an object with fields such as name"),
        (3, r"steps is 3; it must be a list"),
    ],
)
def test_a_fault_inside_a_step_names_its_place(catalogue: Catalogue, steps: Any, said: str) -> None:
    with pytest.raises(BreakevenError, match=said) as caught:
        KIND.reply({"runs_per_month": 10, "steps": steps}, catalogue, DAY)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"run_task": "b"}, "--run-task 'b' is no step"), ({"try_models": ["gpt-5-mnii"]}, "--try-models: .*gpt-5-mini")],
)
def test_other_faults_name_their_field(catalogue: Catalogue, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BreakevenError, match=said):
        pipeline(catalogue, {"name": "a", "usd_per_call": 1}, **fields)


def test_a_fault_in_a_file_names_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text("runs_per_month: 5\nsteps:\n  - name: a\n  - name: b\n    steps:\n    - name: c\n      turns: 0\n")
    assert main(["pipeline", "--file", str(file)]) == 2
    err = capsys.readouterr().err
    assert "steps.1.steps.0.turns (flow.yaml line 7) is 0; it must be at least 1" in err
    file.write_text("runs_per_month: 5\nsteps:\n  - name: a\n    name: b\n")
    assert main(["pipeline", "--file", str(file)]) == 2
    assert "steps.0.name is given twice" in capsys.readouterr().err
    assert main(["pipeline", "--runs-per-month", "5"]) == 2
    assert "steps is needed" in capsys.readouterr().err


def test_json_numbers_are_wanted_inside_steps_too() -> None:
    step = {"name": "a", "usd_per_call": "1"}
    with pytest.raises(InputError, match=r"steps.0.usd_per_call is '1'"):
        ask(PipelineQuestion, {"runs_per_month": 1, "steps": [step], "as_of": "2026-11-23"}, from_json=True)


def test_a_log_becomes_a_flow_that_costs_what_the_log_did(catalogue: Catalogue) -> None:
    usage = read_usage(HAIKU, table=catalogue.prices, as_of=DAY)
    assert KIND.from_usage is not None
    fields, origins = KIND.from_usage(usage, catalogue, {})
    found = pipeline(catalogue, **fields)
    assert found.monthly_usd == pytest.approx(float(usage.cost_usd), rel=1e-9)
    assert "rarest of 2 tasks" in origins["steps"]
    assert "taken as one month" in origins["runs_per_month"]
    assert [step.step for step in found.steps] == ["judge_haiku", "write_haiku"]
    assert found.usd_per_run_sd > 0


def log(folder: Path, rows: list[dict[str, Any]]) -> Path:
    file = folder / "calls.csv"
    names = ["task", "model", "input_tokens", "output_tokens", "date", "cost"]
    lines = [",".join(names), *(",".join(str(row.get(name, "")) for name in names) for row in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def from_log(catalogue: Catalogue, tmp_path: Path) -> Callable[..., tuple[dict[str, Any], dict[str, str]]]:
    def read(rows: list[dict[str, Any]], **given: Any) -> tuple[dict[str, Any], dict[str, str]]:
        usage = read_usage(log(tmp_path, rows), table=catalogue.prices, as_of=DAY)
        assert KIND.from_usage is not None
        return KIND.from_usage(usage, catalogue, given)

    return read


CALL = {"model": "gpt-4o-mini", "input_tokens": 100, "output_tokens": 10}
ROWS = [
    *({"task": "plan", "date": f"2026-10-{day:02}"} | CALL for day in (1, 31)),
    *({"task": "look", "date": "2026-10-05"} | CALL for _ in range(6)),
    {"task": "rare", "date": "2026-10-05"} | CALL,
]


def test_runs_are_counted_by_the_rarest_task_or_by_the_one_named(from_log: Any, catalogue: Catalogue) -> None:
    fields, origins = from_log(ROWS)
    calls = {step["name"]: step["calls_per_run"] for step in fields["steps"]}
    assert calls == {"rare": 1, "plan": 2, "look": 6}
    # one run in 30 days of the log
    assert fields["runs_per_month"] == pytest.approx(30.4375 / 30)
    fields, origins = from_log(ROWS, run_task="plan")
    calls = {step["name"]: step["calls_per_run"] for step in fields["steps"]}
    assert calls == {"rare": 0.5, "plan": 1, "look": 3}
    assert fields["runs_per_month"] == pytest.approx(2 * 30.4375 / 30)
    assert "'plan' (as given of 3 tasks)" in origins["steps"]
    assert pipeline(catalogue, **fields).steps


def test_a_log_without_that_task_is_said(from_log: Any) -> None:
    with pytest.raises(InputError, match=r"no task 'plann'. Did you mean plan"):
        from_log(ROWS, run_task="plann")
    with pytest.raises(InputError, match="give --run-task"):
        from_log([*ROWS, *({"task": "often", "date": "2026-10-05"} | CALL for _ in range(1001))])


def test_unpriced_steps_cost_what_the_log_states_or_are_left_out(from_log: Any) -> None:
    own = {"model": "house", "input_tokens": 1, "output_tokens": 1}
    fields, _ = from_log([*ROWS, {"task": "own", "cost": 0.25, "date": "2026-10-05"} | own])
    assert {"name": "own", "calls_per_run": 1, "usd_per_call": 0.25} in fields["steps"]
    fields, origins = from_log([*ROWS, {"task": "own", "date": "2026-10-05"} | own])
    assert len(fields["steps"]) == 3
    assert "1 without a price left out" in origins["steps"]


def test_the_command_reads_files_and_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    command = ["pipeline", "--from-log", str(HAIKU), "--runs-per-month", "50k", "--as-of", "2026-11-23"]
    assert main([*command, "--format", "json", "--output", str(out)]) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["schema"] == "breakeven/pipeline/1"
    assert document["origins"]["runs_per_month"] == "yours"
    assert document["origins"]["steps"].startswith("your log")
    assert main([*command, "--log-task", "judge_haiku"]) == 2
    assert "--log-task" in capsys.readouterr().err
    assert main(["pipeline", "--file", str(ROOT / "examples" / "pipeline.yaml")]) == 0
    assert "A run costs" in capsys.readouterr().out


def test_the_question_of_an_answer_can_be_asked_again(catalogue: Catalogue) -> None:
    found = example(catalogue)
    again = KIND.reply(json.loads(json.dumps(found.question)), catalogue, DAY)
    assert again.usd_per_run == found.usd_per_run


def test_tables_hold_what_the_answer_says(catalogue: Catalogue) -> None:
    tables = {table.name: table for table in example(catalogue, try_models=["gpt-6-luna"]).tables()}
    assert tables.keys() >= {"run", "steps", "levers", "caching", "tuning", "replacements", "months", "turns-research"}
    for table in tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert len({row[0] for row in table.rows}) == len(table.rows)
