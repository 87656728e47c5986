"""A large file of JSON lines read by the engine itself says what the same file says line by line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
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
