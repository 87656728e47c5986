"""The user's own names for found tasks: what a tasks file may hold, what is said of a wrong one, what merging does."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_logs import chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.usage import Usage, read_usage
from breakeven.usage.facts import TaskFacts
from breakeven.usage.task_names import read_task_names, renamed, starting_file

AS_OF = dt.date(2026, 11, 23)


def read(catalogue: Catalogue, log: Path, tasks: Path | None = None) -> Usage:
    names = None if tasks is None else read_task_names(tasks)
    return read_usage(log, table=catalogue.prices, as_of=AS_OF, tasks=names)


def log_of(folder: Path, *tasks: str) -> Path:
    rows = [chat(tokens=100 + number, metadata={"task": task}) for number, task in enumerate(tasks)]
    return write_lines(folder / "log.jsonl", rows)


def tasks_file(folder: Path, text: str) -> Path:
    file = folder / "tasks.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_tasks_are_named_and_merged(tmp_path: Path, catalogue: Catalogue) -> None:
    log = log_of(tmp_path, "judge_a", "judge_b", "judge_b", "write", "x")
    before = read(catalogue, log)
    after = read(catalogue, log, tasks_file(tmp_path, "quality: ['judge_*']\nstories: write\n"))
    found = {each.task: each for each in after.facts}
    assert {task: (each.calls, each.members, each.found_by) for task, each in found.items()} == {
        "quality": (3, ("judge_a", "judge_b"), "tasks file"),
        "stories": (1, ("write",), "tasks file"),
        "x": (1, ("x",), "log"),
    }
    assert found["quality"].judge_by == "name"
    assert {profile.task for profile in after.profiles} == set(found)
    assert (after.cost_usd, after.calls, after.rows) == (before.cost_usd, before.calls, before.rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no names; a line is 'name: [found names or patterns]'"),
        ("- a\n- b\n", "holds no names"),
        ("a: [\n", "line 2: is not YAML"),
        ("a: 5\n", "'a' needs found names or patterns"),
        ("a: []\n", "'a' needs found names or patterns"),
        ("a: [{b: c}]\n", "'a' needs found names or patterns"),
        ("5: [a]\n", "a name must be text"),
        ("'': [a]\n", "a name must be text"),
        ("a: [x]\nb: [x]\n", "'x' is in both 'a' and 'b'; keep one"),
        ("a: ['w*']\nb: ['*e']\n", "task 'write' falls to both 'a' and 'b' (by '*e')"),
        ("a: [wirte]\n", "none of its names is a task of this log. Tasks: judge, write"),
    ],
)
def test_faults_are_one_line(tmp_path: Path, catalogue: Catalogue, text: str, message: str) -> None:
    with pytest.raises(LogError) as fault:
        read(catalogue, log_of(tmp_path, "judge", "write"), tasks_file(tmp_path, text))
    assert message in str(fault.value)
    assert "\n" not in str(fault.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"--tasks .*nothing\.yaml: cannot be read: No such file"):
        read_task_names(tmp_path / "nothing.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"a: [\xff]")
    with pytest.raises(LogError, match="is not UTF-8 text"):
        read_task_names(tmp_path / "bytes.yaml")


def test_a_name_of_no_task_is_told_with_the_nearest(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = read(catalogue, log_of(tmp_path, "judge", "write"), tasks_file(tmp_path, "a: [wirte, judge]\n"))
    assert "tasks.yaml: 'wirte' is no task of this log. Did you mean write?" in usage.notes


names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


def facts_of(task: str) -> TaskFacts:
    words = "no prompts in the log"
    return TaskFacts(task, "log", (task,), 1, 1.0, words, 0.0, None, "", 0.0, None, None, None, None, None)


@given(st.lists(names, min_size=1, max_size=6, unique=True))
@settings(max_examples=60, deadline=None)
def test_the_starting_file_changes_nothing(tmp_path_factory: pytest.TempPathFactory, tasks: list[str]) -> None:
    file = tmp_path_factory.mktemp("names") / "tasks.yaml"
    file.write_text(starting_file([facts_of(task) for task in tasks]), encoding="utf-8")
    assert renamed(read_task_names(file), tasks) == ({task: task for task in tasks}, [])
