"""Shared by the tests of usage logs: files to write, rows as the engine sees them, and the samples."""

import datetime as dt
import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from breakeven.usage.calls import TOKENS
from breakeven.usage.scan import Scan, open_engine, scan_files

LOGS = Path(__file__).parents[1] / "logs"

EXPECTED = ".expected.json"

SHOWN = ("line", "task", "model", "provider", "at_us", *TOKENS, "calls", "batch", "service_tier", "ok")


def write_lines(file: Path, rows: Iterable[Mapping[str, Any] | str]) -> Path:
    """JSON lines, gzip where the name says so; a row that is text is written as it is."""
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


def chat(tokens: int = 100, output: int = 10, cached: int = 0, **changes: Any) -> dict[str, Any]:
    """One OpenAI chat completion."""
    usage = {
        "prompt_tokens": tokens,
        "completion_tokens": output,
        "total_tokens": tokens + output,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    row = {"object": "chat.completion", "created": 1741106434, "model": "gpt-4o-mini-2024-07-18", "usage": usage}
    return row | changes


def rows_of(file: Path, **options: Any) -> tuple[list[dict[str, Any]], Scan]:
    """Canonical rows of a file, faulty ones with their reason, as the engine holds them."""
    with open_engine() as engine:
        found = scan_files(engine, [file], **options)
        names = (*SHOWN, "reported_cost_nano", "reason")
        rows = engine.execute(
            f"SELECT {', '.join(names)} FROM log ORDER BY line, at_us, {', '.join(TOKENS)}"
        ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows], found


def samples() -> list[Path]:
    """Every sample log."""
    suffixes = (".json", ".jsonl", ".csv", ".tsv", ".gz", ".parquet")
    files = (file for file in LOGS.glob("*/*") if file.suffix in suffixes)
    return sorted(file for file in files if not file.name.endswith(EXPECTED))


def expected_file(sample: Path) -> Path:
    """Where the result expected of a sample is kept."""
    return sample.with_name(sample.name + EXPECTED)


def result_of(sample: Path) -> dict[str, Any]:
    """What is read from a sample: the reader, every good row in canonical columns, every other with its reason."""
    rows, found = rows_of(sample)
    good = [{key: row[key] for key in (*SHOWN, "reported_cost_nano")} for row in rows if row["reason"] is None]
    bad = [[row["line"], row["reason"]] for row in rows if row["reason"] is not None]
    faults = [[line, reason] for _, line, reason in found.faults]
    return {"reader": found.sources[0].reader, "rejects": sorted(bad + faults), "rows": good}


def chats() -> list[dict[str, object]]:
    """Sixty calls of two system prompts, one of which is that of thirty in a row."""
    texts = {"a": "You sort letters by topic. " * 8, "b": "You write short answers to customers. " * 8}
    return [
        {
            "model": "gpt-5-mini",
            "input_tokens": 100 + number,
            "output_tokens": 10,
            "timestamp": dt.datetime(2026, 11, 1 + number % 20, tzinfo=dt.UTC),
            "messages": [
                {"role": "system", "content": texts["ab"[number % 2]]},
                {"role": "user", "content": f"{number}: what is it"},
            ],
        }
        for number in range(60)
    ]


def as_text(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The same with messages as JSON text."""
    return [row | {"messages": json.dumps(row["messages"])} for row in rows]
