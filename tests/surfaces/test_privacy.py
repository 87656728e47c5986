"""Prompts and completions never leave the process: not in any output, error, cache or file."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from breakeven.surfaces.cli import main

CANARY = "CANARY-7f3e-Frau-Meier-Konto-4711"


def call(prompt: str, completion: str, **usage: object) -> str:
    """One line of an OpenAI-style log with its request beside the response."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": "gpt-4o-mini-2024-07-18",
            "request": {"messages": [{"role": "system", "content": prompt}]},
            "choices": [{"index": 0, "message": {"role": "assistant", "content": completion}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110} | usage,
        }
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    lines = [call(CANARY * 30, CANARY)] * 3
    lines.append(call(CANARY, CANARY, prompt_tokens=CANARY))
    lines.append(call(CANARY, CANARY)[:-40])
    lines.append(f'"{CANARY}"')
    file = tmp_path / "calls.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    "arguments",
    [
        ["logs", "LOG"],
        ["logs", "LOG", "--format", "json"],
        ["logs", "LOG", "--task-by", "prompt", "--format", "json"],
        ["logs", "LOG", "--reader", "openai-response", "--format", "json"],
        ["finetune", "--from-log", "LOG"],
        ["finetune", "--from-log", "LOG", "--format", "json"],
        ["finetune", "--from-log", "LOG", "--task", "nothing-like-it"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_no_text_of_a_call_gets_out(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spill))
    monkeypatch.setenv("TMPDIR", str(spill))
    monkeypatch.chdir(spill)
    main([str(log) if argument == "LOG" else argument for argument in arguments])
    printed = capfd.readouterr()
    assert printed.out or printed.err
    assert "CANARY" not in printed.out + printed.err
    folders = (spill, Path(os.environ["BREAKEVEN_CACHE"]))
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in left if b"CANARY" in path.read_bytes()]


def test_the_log_above_is_counted_row_by_row(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", str(log), "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["rows"] == {"in": 6, "priced": 3, "unpriced": 0, "rejected": 3}
    assert [reject["line"] for reject in document["rejects"]] == [4, 5, 6]


def trained_on(text: str) -> str:
    """A line of a training file."""
    return json.dumps(
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": text, "name": "ann"}]}
    )


@pytest.fixture
def training_file(tmp_path: Path) -> Path:
    """A training file with private text in good lines and in broken ones."""
    lines = [trained_on(CANARY), trained_on(CANARY * 9), trained_on(CANARY)]
    lines += [trained_on(CANARY)[:-9], CANARY, json.dumps({CANARY: CANARY}), json.dumps({"messages": [CANARY]})]
    lines += [json.dumps({"messages": [{"role": CANARY, CANARY: CANARY}]}), json.dumps({"prompt": CANARY})]
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """A log of calls that a training file can be made of, with two that it cannot."""
    rows = [json.loads(call(CANARY, f"{CANARY} {number}")) for number in range(6)]
    for number, row in enumerate(rows):
        row["request"]["messages"].append({"role": "user", "content": f"{CANARY} {number}"})
        row["score"] = CANARY if number == 5 else 1
    file = tmp_path / "chats.jsonl"
    file.write_text("\n".join([*map(json.dumps, rows), call(CANARY, CANARY), call(CANARY, CANARY)[:-40]]) + "\n")
    return file


@pytest.mark.parametrize(
    "arguments",
    [
        ["FILE"],
        ["FILE", "--format", "json"],
        ["FILE", "--validation", "FILE", "--strict"],
        ["--from-log", "LOG", "--task", "all"],
        ["--from-log", "LOG", "--task", CANARY[:5], "--out", "OUT"],
        ["--from-log", "LOG", "--out", "OUT", "--validation-out", "HELD", "--format", "json"],
        ["--from-log", "LOG", "--out", "OUT", "--score-by", "score", "--min-score", "1"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_no_text_of_a_training_file_gets_out(
    training_file: Path,
    chats: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spill))
    monkeypatch.setenv("TMPDIR", str(spill))
    monkeypatch.chdir(spill)
    places = {"FILE": training_file, "LOG": chats, "OUT": tmp_path / "made.jsonl", "HELD": tmp_path / "held.jsonl"}
    main(["training", *(str(places.get(argument, argument)) for argument in arguments)])
    printed = capfd.readouterr()
    assert printed.out or printed.err
    told = (printed.out + printed.err).replace(f"No task {CANARY[:5]!r}", "").replace(f"no task {CANARY[:5]!r}", "")
    assert "CANARY" not in told
    folders = (spill, Path(os.environ["BREAKEVEN_CACHE"]))
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in left if b"CANARY" in path.read_bytes()]


def test_the_file_that_was_asked_for_holds_the_texts_and_nothing_else_does(
    chats: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made.jsonl"
    assert main(["training", "--from-log", str(chats), "--out", str(out)]) == 0
    assert CANARY in out.read_text()
    printed = capfd.readouterr()
    assert "CANARY" not in printed.out + printed.err
    assert sorted(each.name for each in tmp_path.iterdir() if b"CANARY" in each.read_bytes()) == [
        "chats.jsonl",
        "made.jsonl",
    ]
