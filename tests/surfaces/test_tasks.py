"""Tasks on the command line: found ones shown, a starting file written, named ones taken."""

import gzip
import json
from pathlib import Path

import pytest

from breakeven.surfaces.cli import main

ROOT = Path(__file__).parents[2]
LOG = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"
DAY = ["--as-of", "2026-11-23"]

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """The example without its task names."""
    file = tmp_path / "log.jsonl"
    with gzip.open(LOG, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        del row["function_name"]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_found_tasks_are_named_on_a_second_run(unnamed: Path, tmp_path: Path, capsys: Captured) -> None:
    tasks = tmp_path / "tasks.yaml"
    assert main(["logs", str(unnamed), *DAY, "--write-tasks", str(tasks)]) == 0
    printed = capsys.readouterr().out
    assert "found by its system prompt and tools, 50% of the calls" in printed
    written = tasks.read_text(encoding="utf-8")
    assert "# system prompt of 580 characters, JSON output, 76% of the text shared\n" in written
    names = [line.partition(":")[0].strip('"') for line in written.splitlines() if not line.startswith("#")]
    assert all(name.startswith("prompt-") and name in printed for name in names)
    tasks.write_text(written.replace(f'"{names[0]}":', "judges:"), encoding="utf-8")
    assert main(["logs", str(unnamed), *DAY, "--tasks", str(tasks), "--format", "json"]) == 0
    facts = {each["task"]: each for each in json.loads(capsys.readouterr().out)["task_facts"]}
    assert facts.keys() == {"judges", names[1]}
    assert (facts["judges"]["found_by"], facts["judges"]["members"]) == ("tasks file", [names[0]])
    day = ["--calls-per-month", "50k", *DAY, "--format", "json"]
    assert main(["finetune", "--from-log", str(unnamed), "--tasks", str(tasks), "--log-task", "judges", *day]) == 0
    assert "'judges'" in json.loads(capsys.readouterr().out)["origins"]["model"]


def test_a_wrong_tasks_file_is_one_line(tmp_path: Path, capsys: Captured) -> None:
    tasks = tmp_path / "tasks.yaml"
    tasks.write_text("a: 5\n", encoding="utf-8")
    assert main(["logs", str(LOG), *DAY, "--tasks", str(tasks)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "'a' needs found names or patterns" in err
    assert main(["logs", str(LOG), *DAY, "--write-tasks", str(tmp_path / "no" / "folder.yaml")]) == 2
    assert "--write-tasks" in capsys.readouterr().err
