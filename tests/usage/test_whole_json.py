"""A large file of JSON lines read by the engine itself says what the same file says line by line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from usage_logs import SHOWN, chat, samples, write_lines

from breakeven.usage import whole_json
from breakeven.usage.readers import READERS, gives_ids
from breakeven.usage.scan import open_engine, scan_files

ROWS = (*(name for name in SHOWN if name != "line"), "reported_cost_nano", "prompt_chars", "prefix_64", "faulty")

BY_LINE = {reader.name for reader in READERS if reader.expand or gives_ids(reader.name)} | {"azure", "helicone"}
"""
Read line by line, whatever their size: formats with several rows a line, those whose rows lie inside one another, and
those with keys that differ in case alone, which the engine takes for one.
"""

JSON_SAMPLES = [file for file in samples() if ".jsonl" in file.name]


def read(file: Path, least_bytes: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], bool, list[Any]]:
    """Canonical rows, whether the engine read the file as a whole, and the faults with their lines."""
    monkeypatch.setattr(whole_json, "LEAST_BYTES", least_bytes)
    with open_engine() as engine:
        found = scan_files(engine, [file])
        rows = engine.execute(f"SELECT {', '.join(ROWS)} FROM log").fetchall()
        tables = [name for (name,) in engine.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        rejects, _ = found.rejected(sum(not row[-1] for row in rows))
        assert found.rows == len(rows) + len(found.faults)
        return sorted(rows, key=repr), "calls_0" in tables, [(reject.line, reject.reason) for reject in rejects]


@pytest.mark.parametrize("file", JSON_SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_samples_are_read_alike(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_line = read(file, 1 << 40, monkeypatch)
    assert read(file, 0, monkeypatch)[::2] == by_line[::2]
    # without the lines that are no calls, the engine must not fall back
    text = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode(errors="replace")
    bad = {line for line, _ in by_line[2]}
    good = tmp_path / "good.jsonl"
    good.write_text("".join(line + "\n" for number, line in enumerate(text.split("\n"), 1) if number not in bad))
    if not good.read_text().strip():
        return
    rows, whole, rejects = read(good, 0, monkeypatch)
    assert (whole, rejects) == (file.parent.name not in BY_LINE, [])
    assert rows == read(good, 1 << 40, monkeypatch)[0]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_blank_lines_and_windows_ends(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\r\n".join([json.dumps(chat()), "", "  " + json.dumps(chat(7, 3)) + "  ", ""])
    file = write_lines(tmp_path / name, [text])
    rows, whole, _ = read(file, 0, monkeypatch)
    assert whole
    assert rows == read(file, 1 << 40, monkeypatch)[0]
    assert len(rows) == 2


@pytest.mark.parametrize(
    "line",
    [
        "{broken",
        "nonsense",
        "[1]",
        '"text"',
        "7",
        '{"object": "chat.completion"}',
        json.dumps(chat(usage={"prompt_tokens": -1, "completion_tokens": 1})),
        json.dumps(chat(usage="none")),
        '{"a": "\x00"}',
        '{"usage": {"prompt_tokens": 1',
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(), "", chat(), line, chat()])
    rows, whole, rejects = read(file, 0, monkeypatch)
    assert not whole
    assert [number for number, _ in rejects] == [4]
    assert (rows, rejects) == read(file, 1 << 40, monkeypatch)[::2]


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": '{"task": "inside a text"}'},
        {"metadata": None, "error": None},
        {"usage": {"prompt_tokens": "12", "completion_tokens": 3.0}},
        {"created": 1741106434.25},
        {"created": "2026-05-01T10:00:00+02:00"},
        {"model": 'a "quoted" \\ näme', "metadata": {"task": "日本"}},
        {"model": 7, "Model": "other", "metadata": [1, 2]},
        {"error": {"code": 1}, "usage": None},
    ],
)
def test_odd_values_are_read_alike(tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(), chat(**changes), chat(5, 1)])
    rows, whole, _ = read(file, 0, monkeypatch)
    assert whole
    assert rows == read(file, 1 << 40, monkeypatch)[0]


def with_usage(**changes: Any) -> dict[str, Any]:
    return chat(usage={"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110} | changes)


LATER = [
    chat(custom_id="1", response={"body": chat(7, 3)}, error=None),
    chat(service_tier="flex", instructions="Say yes", tools=[{"type": "function"}]),
    chat(metadata="a text", model=7, created="2026-05-01T10:00:00+02:00"),
    chat(metadata={"task": {"deep": [1, 1.0, 1e3, "\u00e9"]}}, created=1741106434.25),
    with_usage(completion_tokens_details={"reasoning_tokens": 4}),
    with_usage(prompt_tokens_details={"cached_tokens": True}),
    with_usage(prompt_tokens=True),
    with_usage(completion_tokens=False),
    with_usage(prompt_tokens=1, completion_tokens=0),
    with_usage(prompt_tokens=3.7),
    with_usage(prompt_tokens=1e400),
    with_usage(prompt_tokens="12", completion_tokens=" 7 "),
    with_usage(prompt_tokens=2**70),
    with_usage(prompt_tokens=None, completion_tokens=None, input_tokens=4, output_tokens=5),
    with_usage(cost=0.25, is_byok=True, cost_details={"upstream_inference_cost": 1}),
    chat(usage="none"),
    chat(usage=[1]),
    chat(usage=None),
    '{"object": "chat.completion", "usage": {"prompt_tokens": 5, "prompt_tokens": 7, "completion_tokens": 1}}',
    '{"object": "chat.completion", "usage": {"prompt_tokens": 5, "Prompt_tokens": 7, "completion_tokens": 1}}',
    '{"object": "chat.completion", "created": 1741106434, "created": 2, "usage": {"prompt_tokens": 5}}',
]


@pytest.mark.parametrize("line", LATER, ids=range(len(LATER)))
def test_what_the_sample_of_a_file_does_not_show(tmp_path: Path, line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [with_usage(prompt_tokens=5 + number) for number in range(3)]
    monkeypatch.setattr(whole_json, "sample", lambda file, head: seen)
    file = write_lines(tmp_path / "log.jsonl", [*seen, line, *seen])
    assert read(file, 0, monkeypatch)[::2] == read(file, 1 << 40, monkeypatch)[::2]


counts = st.sampled_from([0, 1, 2, 300, 2.0, 3.7, -1, True, False, None, "12", "", "x", [], {}])
texts = st.sampled_from(["a", "", "  ", None, 7, 1.5, True, {"x": 1}, [2], "\u65e5\u672c", 'a "q" \\'])
usages = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": counts,
        "completion_tokens": counts,
        "total_tokens": counts,
        "input_tokens": counts,
        "output_tokens": counts,
        "prompt_tokens_details": st.one_of(st.none(), st.fixed_dictionaries({"cached_tokens": counts})),
        "cost": counts,
    },
)
lines = st.fixed_dictionaries(
    {"object": st.just("chat.completion"), "usage": st.one_of(usages, usages, usages, texts)},
    optional={
        "model": texts,
        "metadata": st.one_of(texts, st.fixed_dictionaries({"task": texts})),
        "created": st.sampled_from([1741106434, 1741106434.5, "1741106434", "2026-05-01", 1, True, None, "never"]),
        "error": texts,
        "service_tier": texts,
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(log=st.lists(lines, min_size=1, max_size=6), shown=st.integers(0, 6))
def test_any_lines_are_read_alike(tmp_path: Path, log: list[Any], shown: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_json, "sample", lambda file, head: log[:shown])
    file = write_lines(tmp_path / "log.jsonl", log)
    assert read(file, 0, monkeypatch)[::2] == read(file, 1 << 40, monkeypatch)[::2]
