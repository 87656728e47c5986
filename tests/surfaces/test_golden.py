"""
Whole outputs as printed. A person reads the difference. To accept it: ``GOLDEN=write pytest tests/surfaces``.
"""

import os
import sys
from pathlib import Path

import pytest

from breakeven.surfaces.cli import main

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "golden"
DAY = ["--as-of", "2026-11-23"]
SIX = ["--calls-per-month", "50k", "--input-tokens", "800", "--output-tokens", "400", *DAY]
COMMANDS = {
    "finetune-article.txt": ["finetune", "--model", "gpt-5-mini", "--premium", "2", "--training-usd", "500", *SIX],
    "finetune-article.json": [
        *["finetune", "--model", "gpt-5-mini", "--premium", "2", "--training-usd", "500", "--tuned-model"],
        *["bedrock/nova-micro-v1", "--format", "json", *SIX],
    ],
    "finetune-scenario.txt": ["finetune", "--file", "examples/scenario.yaml"],
    "finetune-claude.txt": ["finetune", "--model", "claude-haiku-4-5", *SIX],
    "logs-haiku.txt": ["logs", "examples/tensorzero-haiku.jsonl.gz", "--calls-per-month", "500k", *DAY],
    "offers.txt": ["offers", *DAY],
    "offers-gpt-4o-mini.txt": ["offers", "--model", "gpt-4o-mini", *DAY],
    "training.txt": [
        *["training", "examples/training.jsonl", "--validation", "examples/training-validation.jsonl"],
        *["--model", "gpt-4.1-mini", "--buyer", "existing", *DAY],
    ],
    "training.json": ["training", "examples/training.jsonl", "--model", "llama-3.1-8b", "--format", "json", *DAY],
    "training.md": ["training", "examples/training.jsonl", "--model", "nova-micro", "--format", "markdown", *DAY],
    "prices-gpt-5.4.txt": ["prices", "show", "gpt-5.4", *DAY],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_as_accepted(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert main(COMMANDS[name]) == 0
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    golden = FOLDER / name
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(printed, encoding="utf-8")
    assert printed == golden.read_text(encoding="utf-8")


def test_every_golden_file_has_a_command() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(COMMANDS)
