"""The command line as a person meets it: answers, one clear line for every fault, exit codes."""

import json
from pathlib import Path

import pytest

from breakeven import __version__
from breakeven.surfaces.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
LOG = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"
SIX = "--model gpt-5-mini --calls-per-month 50k --input-tokens 800 --output-tokens 400 --as-of 2026-11-23".split()

Captured = pytest.CaptureFixture[str]


def six(*more: str) -> list[str]:
    """The six numbers as flags, with other or further flags in place of them."""
    given = dict(zip(SIX[::2], SIX[1::2], strict=True)) | dict(zip(more[::2], more[1::2], strict=True))
    return [part for pair in given.items() for part in pair]


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def ask_json(capsys: Captured, *arguments: str) -> dict[str, object]:
    code, out, err = run(capsys, *arguments, "--format", "json")
    assert (code, err) == (0, "")
    document: dict[str, object] = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    return document


def test_help_names_every_command(capsys: Captured) -> None:
    code, out, err = run(capsys, "--help")
    assert (code, err) == (0, "")
    assert all(f"  {name} " in out for name in COMMANDS)
    assert run(capsys)[1] == out
    assert run(capsys, "--version")[1].strip() == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys: Captured, command: str) -> None:
    code, out, err = run(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert f"breakeven {command}" in out


def test_every_field_is_a_flag_with_its_help(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    from breakeven.questions.finetune import FinetuneQuestion

    monkeypatch.setenv("COLUMNS", "250")
    out = run(capsys, "finetune", "--help")[1]
    for name, info in FinetuneQuestion.model_fields.items():
        assert f"--{name.replace('_', '-')}" in out
        assert str(info.description) in out


def test_the_answer_says_the_verdict_first(capsys: Captured) -> None:
    code, out, err = run(
        capsys, "finetune", *SIX, "--premium", "2", "--training-usd", "500", "--output-reduction", "30%"
    )
    assert (code, err) == (0, "")
    first = out.strip().splitlines()[0]
    assert first.startswith("Stay on the API: gpt-5-mini tuned, 2 x today's price costs $62.00 a month more than")
    for part in ("Tuned options", "Month by month", "The five questions", "Not known", "Sources", "genai-prices 0.2"):
        assert part in out


def test_flags_win_over_the_file_and_the_file_over_defaults(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("calls_per_month: 10k\ninput_tokens: 800\noutput_tokens: 400\nmodel: gpt-5-mini\nruns: 2\n")
    document = ask_json(capsys, "finetune", "--file", str(file), "--calls-per-month", "20k", "--as-of", "2026-11-23")
    question = document["question"]
    assert isinstance(question, dict)
    assert (question["calls_per_month"], question["runs"], question["horizon_months"]) == (20_000, 2, 12)
    assert document["schema"] == "breakeven/finetune/1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["finetun"], ["No command 'finetun'", "Did you mean finetune?"]),
        (["finetune", "--modl", "x"], ["Unknown option: --modl", "Did you mean --model?"]),
        (["finetune", *six("--model", "gpt5-mini")], ["No model 'gpt5-mini'", "Did you mean gpt-5-mini"]),
        (["finetune", *six("--calls-per-month", "-5")], ["--calls-per-month is -5", "above 0", "calls/month"]),
        (["finetune", *six("--calls-per-month", "0")], ["--calls-per-month is 0", "above 0"]),
        (["finetune", *six("--calls-per-month", "nan")], ["--calls-per-month is 'nan'", "a number"]),
        (["finetune", *six("--calls-per-month", "inf")], ["--calls-per-month is 'inf'", "a number"]),
        (["finetune", *six("--calls-per-month", "1e99")], ["--calls-per-month", "at most 1e+12"]),
        (["finetune", *six("--input-tokens", "many")], ["--input-tokens is 'many'", "a number at least 0"]),
        (["finetune", *six("--cached-share", "1.5")], ["--cached-share is 1.5", "at most 1"]),
        (["finetune", *six("--cached-share", "0.6", "--cache-write-share", "0.6")], ["add up to more than all"]),
        (["finetune", *six("--output-reduction", "1")], ["--output-reduction is 1", "below 1"]),
        (["finetune", *six("--growth-month", "-1")], ["--growth-month is -1", "above -1"]),
        (["finetune", *six("--runs", "1.5")], ["--runs is 1.5", "a whole number"]),
        (["finetune", *six("--horizon-months", "0")], ["--horizon-months is 0", "at least 1"]),
        (["finetune", *six("--buyer", "old")], ["--buyer is 'old'", "new, existing or invitation"]),
        (["finetune", *six("--as-of", "soon")], ["--as-of is 'soon'", "a date like 2026-11-23"]),
        (["finetune", *six("--as-of", "2025-08-06")], ["openai/gpt-5-mini has no price before 2025-08-07"]),
        (
            ["finetune", *six("--tuned-model", "openai/gpt-4o-mni")],
            ["No fine-tuning offer", "openai/gpt-4o-mini-2024-07-18? See"],
        ),
        (["finetune", *six("--tuned-price-input", "1")], ["Give both --tuned-price-input and --tuned-price-output"]),
        (["finetune", *six("--failure-usd", "1")], ["--failure-usd needs --success-rate"]),
        (["finetune", *SIX[2:]], ["Give --model, or --price-input and --price-output"]),
        (["finetune", *SIX[:4]], ["--input-tokens is needed", "Input tokens of an average call"]),
        (["finetune", *six("--also", "gpt-nope")], ["No model 'gpt-nope'"]),
        (["finetune", *six("--file", "nowhere.yaml")], ["--file nowhere.yaml: no such file"]),
        (["finetune", *six("--prices", "nowhere.yaml")], ["nowhere.yaml: no such file"]),
        (["finetune", *six("--from-log", "nowhere.jsonl")], ["nowhere.jsonl: no such file"]),
        (["finetune", "--from-log", str(LOG), "--task", "judge"], ["no task 'judge'", "Did you mean judge_haiku?"]),
        (["logs"], ["No log file was given"]),
        (["logs", str(LOG), "--column", "input_tokens"], ["--column is 'input_tokens'", "NAME=COLUMN"]),
        (
            ["offers", "--model", "gtp-4o-mini"],
            ["No offer and no finding for 'gtp-4o-mini'", "Did you mean gpt-4o-mini"],
        ),
        (["offers", "--as-of", "x"], ["--as-of is 'x'"]),
        (["prices", "show", "gpt-nope"], ["No model 'gpt-nope'"]),
        (["prices", "sho"], ["sho", "show"]),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else None,
)
def test_every_fault_is_one_clear_line(capsys: Captured, arguments: list[str], words: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("breakeven: ")
    for word in words:
        assert word in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("calls_per_month: -1\ninput_tokens: 1\noutput_tokens: 1\nmodel: gpt-5-mini\n", ["(s.yaml line 1)", "above 0"]),
        (
            "calls_per_month: 1\ncalls_per_mnth: 1\n",
            ["'calls_per_mnth' (s.yaml line 2)", "Did you mean calls_per_month"],
        ),
        ("runs: 1\nruns: 2\n", ["runs is given twice"]),
        ("- 1\n", ["expected one 'field: value' per line"]),
        ("a: [", ["not YAML"]),
        ("", ["expected one 'field: value' per line"]),
    ],
)
def test_faults_of_a_scenario_name_file_and_line(capsys: Captured, tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    code, out, err = run(capsys, "finetune", "--file", str(file))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert all(word in err for word in words), err


def test_a_failed_run_writes_no_file(capsys: Captured, tmp_path: Path) -> None:
    target = tmp_path / "answer.json"
    run(capsys, "finetune", *SIX, "--calls-per-month", "-1", "--output", str(target))
    assert list(tmp_path.iterdir()) == []
    run(capsys, "finetune", *SIX, "--format", "json", "--output", str(target))
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]
    assert json.loads(target.read_text())["schema"] == "breakeven/finetune/1"
    code, _, err = run(capsys, "finetune", *SIX, "--output", str(tmp_path / "no" / "answer.txt"))
    assert code == 2
    assert "cannot be written" in err


def test_a_log_fills_the_workload(capsys: Captured) -> None:
    document = ask_json(capsys, "finetune", "--from-log", str(LOG), "--task", "write_haiku", "--as-of", "2026-11-23")
    question, origins = document["question"], document["origins"]
    assert isinstance(question, dict)
    assert isinstance(origins, dict)
    # 504 calls, 42,026 input and 43,290 output tokens in the log
    assert question["model"] == "openai/gpt-4o-mini"
    assert question["calls_per_month"] == 504
    assert question["input_tokens"] == pytest.approx(42_026 / 504)
    assert question["output_tokens"] == pytest.approx(43_290 / 504)
    assert question["consistent_prompts"] is True
    assert "taken as one month" in origins["calls_per_month"]
    assert origins["horizon_months"] == "default"


def test_flags_win_over_the_log(capsys: Captured) -> None:
    document = ask_json(
        capsys,
        "finetune",
        "--from-log",
        str(LOG),
        "--task",
        "write_haiku",
        "--calls-per-month",
        "1M",
        "--as-of",
        "2026-11-23",
    )
    assert isinstance(document["question"], dict)
    assert document["question"]["calls_per_month"] == 1_000_000
    assert isinstance(document["origins"], dict)
    assert document["origins"]["calls_per_month"] == "yours"


def test_a_kind_of_task_is_still_a_kind_of_task_beside_a_log(capsys: Captured) -> None:
    document = ask_json(capsys, "finetune", "--from-log", str(LOG), "--task", "generation", "--as-of", "2026-11-23")
    assert isinstance(document["question"], dict)
    assert document["question"]["output_reduction"] == 0.15
    assert isinstance(document["origins"], dict)
    assert "the dearest of 2" in document["origins"]["model"]


def test_logs_conserve_rows_and_decide_per_task(capsys: Captured) -> None:
    document = ask_json(capsys, "logs", str(LOG), "--as-of", "2026-11-23", "--calls-per-month", "500k")
    rows, tasks = document["rows"], document["tasks"]
    assert rows == {"in": 1008, "priced": 1008, "unpriced": 0, "rejected": 0}
    assert isinstance(tasks, list)
    assert [(task["task"], task["calls"]) for task in tasks] == [("judge_haiku", 504), ("write_haiku", 504)]
    # judge_haiku: 92,901 x 2.50 + 59,444 x 10.00 per 1M = 0.8266925
    assert tasks[0]["cost_usd"] == pytest.approx(0.8266925)
    assert tasks[0]["reported_cost_usd"] is None
    assert tasks[0]["months"] == [{"month": "2025-03", "calls": 504, "cost_usd": pytest.approx(0.8266925)}]
    assert tasks[0]["answer"]["stay_monthly_usd"] == pytest.approx(0.8266925 / 504 * 500_000)
    assert {"verdict", "option", "question", "best_untuned"} <= tasks[0]["answer"].keys()


def test_offers_and_prices_show_source_and_day(capsys: Captured) -> None:
    out = run(capsys, "offers", "--model", "openai/gpt-4o-mini-2024-07-18", "--as-of", "2026-04-01")[1]
    assert "can be ordered" in out
    assert "https://developers.openai.com/api/docs/pricing, seen" in out.replace("\n  ", " ")
    out = run(capsys, "offers", "--model", "gpt-4o-mini", "--as-of", "2026-11-23")[1]
    assert "cannot be ordered: closed to new customers after 2026-05-06; still open to existing customers" in out
    document = ask_json(capsys, "prices", "show", "gpt-5-mini", "--as-of", "2026-11-23")
    assert document["model"] == "openai/gpt-5-mini"
    assert document["retires"] == "2026-12-11"
    prices = document["prices"]
    assert isinstance(prices, list)
    assert prices[0]["usd"]["output_tokens"] == {"usd": "2", "per": 1_000_000, "tiers": []}


def test_own_prices_and_offers_are_named_as_yours(capsys: Captured) -> None:
    document = ask_json(
        capsys,
        "finetune",
        *SIX,
        "--prices",
        str(ROOT / "examples" / "my-prices.yaml"),
        "--tuned-model",
        "house/small-tuned",
    )
    stay, options = document["stay"], document["options"]
    assert isinstance(stay, dict)
    assert isinstance(options, list)
    # 50,000 x (800 x 0.20 + 400 x 1.60) / 1e6 = 40
    assert stay["monthly_usd"] == pytest.approx(40)
    assert {line["source"] for line in stay["lines"]} == {"openai/gpt-5-mini, my-prices.yaml"}
    # 50,000 x (800 x 0.06 + 400 x 0.24) / 1e6 + 730 x 0.05 = 7.2 + 36.5
    assert options[0]["monthly_usd"] == pytest.approx(43.7)
    assert all("yours" in line["source"] for line in options[0]["lines"])
