"""``breakeven training`` at the command line: files, logs, tables, and one line for what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.surfaces.cli import main

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "training_files" / "data" / "openai_toy_chat.jsonl"
EXAMPLE = ROOT / "examples" / "training.jsonl"
LOG = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"
DAY = ("--as-of", "2026-11-23")

Captured = pytest.CaptureFixture[str]


def document(capsys: Captured, *arguments: str) -> Any:
    assert main(["training", *arguments, *DAY, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_file_by_hand(capsys: Captured) -> None:
    found = document(capsys, str(TOY), "--model", "gpt-4o-mini", "--buyer", "existing")
    # The rule of the Cookbook: 10 examples, 100 // 10 = 10 epochs; 8,462 tokens a pass at $3 a million.
    offer = found["offers"][0]
    assert (found["lines"]["valid"], found["epochs"], found["billed_tokens"]) == (10, 10, 84620)
    assert offer["usd"] == pytest.approx(84620 * 3 / 1e6)
    assert (offer["counted"], found["file"]["repeated"]["lines"]) == ("exact", [6, 7, 8, 9, 10])
    assert found["question"]["training_file"] is None


def test_lines_are_conserved_and_named(capsys: Captured) -> None:
    lines = document(capsys, str(EXAMPLE))["lines"]
    assert lines["total"] == lines["valid"] + lines["invalid_lines"] == 15
    assert [(each["line"], each["reason"].partition(",")[0]) for each in lines["invalid"]] == [
        (7, "no message is the assistant's"),
        (15, "message 3 has an unknown key"),
    ]


def test_strict_fails_after_the_report(capsys: Captured) -> None:
    assert main(["training", str(EXAMPLE), "--validation", str(ROOT / "examples/training-validation.jsonl")]) == 0
    capsys.readouterr()
    assert main(["training", str(EXAMPLE), "--strict"]) == 2
    printed = capsys.readouterr()
    assert "Lines that cannot be trained on" in printed.out
    assert printed.err == "breakeven: --strict: 2 lines cannot be trained on\n"


def test_without_the_package_that_counts_lines_are_still_checked(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("breakeven.training_files.checks.is_installed", lambda: False)
    monkeypatch.setattr("breakeven.usage.tokens.is_installed", lambda: False)
    found = document(capsys, str(TOY))
    assert (found["lines"]["valid"], found["billed_tokens"], found["file"]["tokens"]) == (10, None, None)
    assert "tokens were not counted: install breakeven[tokens]" in found["unknowns"]
    assert all(offer["usd"] is None for offer in found["offers"])


def test_the_older_vocabulary_is_counted_where_it_is_asked_for(capsys: Captured) -> None:
    old = document(capsys, str(TOY), "--offer", "openai/gpt-3.5-turbo-0125", "--model", "gpt-3.5-turbo")
    new = document(capsys, str(TOY), "--model", "gpt-4.1", "--buyer", "existing")
    assert (old["counted"], new["counted"]) == ("exact", "exact")
    assert old["billed_tokens"] != new["billed_tokens"] == 84620


def test_gpus_of_ones_own(capsys: Captured) -> None:
    numbers = ("--training-tokens", "1M", "--examples", "1000", "--base-model", "meta-llama/Llama-3.1-8B-Instruct")
    few, many = (document(capsys, *numbers, "--epochs", epochs)["compute"] for epochs in ("1", "4"))
    assert {row["method"] for row in few} == {"lora", "qlora", "full"}
    for one, four in zip(few, many, strict=True):
        if one["hours"] is None:
            assert one["why_not"]
        else:
            assert one["hours_low"] < one["hours"] < one["hours_high"]
            assert four["hours"] == pytest.approx(4 * one["hours"])
    some = document(capsys, *numbers, "--methods", "qlora", "--gpus", "h100-sxm")["compute"]
    assert [(row["gpu"], row["method"]) for row in some] == [("h100-sxm", "qlora")]


def test_a_file_made_of_a_log_is_the_question(capsys: Captured, tmp_path: Path) -> None:
    out, held = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    arguments = ["--from-log", str(LOG), "--task", "judge_haiku", "--out", str(out), "--validation-out", str(held)]
    found = document(capsys, *arguments, "--validation-share", "0.25")
    built = found["built"]
    dropped = sum(each["count"] for each in built["dropped"])
    assert built["calls"] == 504 == built["train"] + built["validation"] + dropped
    assert (found["lines"]["valid"], found["validation"]["examples"]) == (built["train"], built["validation"])
    assert len(out.read_text().splitlines()) == built["train"]
    # The file's answers are the logged ones: no reduction, within 1 % of one another.
    assert built["output"]["counted"] == "exact"
    assert built["output"]["mean_low"] < 0 < built["output"]["mean_high"]
    assert abs(built["output"]["mean"]) < 0.01
    before = out.read_bytes()
    assert main(["training", *arguments]) == 2
    assert "is there already; write to another, or give --force" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_a_table_of_runs(capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "predicted.csv"
    table = ROOT / "benchmarks" / "data" / "training_runs.csv"
    assert main(["training", "--predict", str(table), "--out", str(out)]) == 0
    assert " rows = " in capsys.readouterr().out
    assert len(out.read_text().splitlines()) == len(table.read_text().splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give a training file, or --training-tokens"),
        (["none.jsonl"], "none.jsonl: no such file"),
        ([str(TOY), "--training-tokens", "5"], "--training-tokens is given in place of a training file"),
        (["--validation", str(TOY)], "--validation needs a training file"),
        (["--training-tokens", "1M", "--model", "gpt4.1-mini"], "Did you mean gpt-4.1-mini"),
        (["--training-tokens", "1M", "--offer", "openai/gpt"], "No fine-tuning offer 'openai/gpt'"),
        (["--training-tokens", "1M", "--base-model", "lama-8b"], "Did you mean llama-3.1-8b"),
        (["--training-tokens", "1M", "--base-model", "llama-3.1-8b", "--gpus", "h100"], "no GPU 'h100' is known"),
        (["--training-tokens", "1M", "--epochs", "0"], "--epochs is '0'; it must be a number above 0"),
        (["--from-log", str(LOG)], "--from-log needs --out FILE"),
        (["--from-log", str(LOG), "--out", "a"], "--from-log holds 2 tasks; name one with --task"),
        (["--from-log", str(LOG), "--out", "a", "--task", "haiku"], "The log has no task 'haiku'. Did you mean"),
        (["--from-log", str(LOG), "--out", "a", "--min-score", "1"], "--score-by and --min-score come together"),
        (["--from-log", str(LOG), "--out", "a", "--validation-share", "1"], "at least 0 and below 1"),
        (["--from-log", str(LOG), "--out", "a", "--task", "write_haiku", "--log-model", "gpt"], "no calls of model"),
        (["--from-log", str(LOG), "--out", "a", "--task", "write_haiku", "--base-model", "lama"], "Did you mean llama"),
        ([str(TOY), "--from-log", str(LOG)], "Give a training file, or --from-log to make one"),
        ([str(TOY), "--out", "a"], "--out and --validation-out need --from-log"),
        (["--predict", str(TOY)], "--predict needs --out FILE"),
        (["--predict", str(TOY), "--out", "a", "--epochs", "2"], "--predict takes a table of runs and --out alone"),
    ],
)
def test_one_line_says_what_is_wrong(
    arguments: list[str], words: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["training", *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []
