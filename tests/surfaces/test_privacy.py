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
