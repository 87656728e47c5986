"""One call logged in several files counts once: by the id of its response, in the file given first."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest
from usage_logs import write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.usage import Usage, mapping, read_usage, same_calls, whole_json
from breakeven.usage.nesting import ELSEWHERE

AS_OF = dt.date(2026, 11, 23)


def read(catalogue: Catalogue, *files: Path, **options: Any) -> Usage:
    usage = read_usage(files, table=catalogue.prices, as_of=AS_OF, **options)
    for each in (usage.rows, *usage.files):
        rows = each.read if each is usage.rows else each.rows  # type: ignore[union-attr]
        assert rows == (each.priced or 0) + (each.unpriced or 0) + (each.rejected or 0)
    return usage


def response_id(number: int) -> str:
    return f"chatcmpl-{number:029d}"


def chat(number: int, **more: Any) -> dict[str, Any]:
    """A response of OpenAI as a program saves it."""
    return {
        "id": response_id(number),
        "object": "chat.completion",
        "created": 1_780_000_000 + number,
        "model": "gpt-5-mini",
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    } | more


def spend(number: int, **more: Any) -> dict[str, Any]:
    """The same call in a gateway's spend log."""
    return {
        "request_id": response_id(number),
        "model": "gpt-5-mini",
        "startTime": "2026-06-01",
        "spend": 0.01,
        "prompt_tokens": 100,
        "completion_tokens": 10,
    } | more


def span(number: int) -> dict[str, Any]:
    """The same call as a tracer's span."""
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number + 1:016x}",
        "name": "chat gpt-5-mini",
        "startTimeUnixNano": "1780000000000000000",
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.response.model": "gpt-5-mini",
            "gen_ai.response.id": response_id(number),
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 10,
        },
    }


def fates(usage: Usage) -> list[tuple[str, int | None, dict[str, int]]]:
    return [(file.name, file.priced, dict(file.reasons)) for file in usage.files]


def test_three_instrumentations_of_the_same_calls(tmp_path: Path, catalogue: Catalogue) -> None:
    """Calls 0 to 9 in the spans, 5 to 14 at the gateway, 8 to 20 in the program: 21 calls in 33 rows."""
    spans = write_lines(tmp_path / "spans.jsonl", [span(number) for number in range(10)])
    gateway = write_lines(tmp_path / "spend.jsonl", [spend(number) for number in range(5, 15)])
    saved = write_lines(tmp_path / "saved.jsonl", [chat(number) for number in range(8, 21)])
    usage = read(catalogue, spans, gateway, saved)
    assert (usage.rows.read, usage.rows.priced, usage.calls) == (33, 21, 21)
    # 100 x $0.25 + 10 x $2 per million
    assert float(usage.cost_usd) == pytest.approx(21 * (100 * 0.25 + 10 * 2) / 1e6, rel=1e-12)
    assert fates(usage) == [
        ("spans.jsonl", 10, {}),
        ("spend.jsonl", 5, {ELSEWHERE: 5}),
        ("saved.jsonl", 6, {ELSEWHERE: 7}),
    ]
    first, *_ = usage.rejects
    assert (first.file, first.line, first.reason) == ("spend.jsonl", 1, ELSEWHERE)
    assert [file.priced for file in read(catalogue, saved, spans, gateway).files] == [13, 8, 0]


def test_a_file_given_twice_and_overlapping_exports(tmp_path: Path, catalogue: Catalogue) -> None:
    one = write_lines(tmp_path / "a.jsonl", [chat(number) for number in range(6)])
    same = write_lines(tmp_path / "b.jsonl", [chat(number) for number in range(6)])
    usage = read(catalogue, one, same)
    assert (usage.calls, usage.rows.rejected) == (6, 6)
    assert "b.jsonl has the same content as a.jsonl; 6 of its 6 rows are counted once" in usage.notes
    later = write_lines(tmp_path / "c.jsonl", [chat(number) for number in range(4, 9)])
    assert read(catalogue, one, later).calls == 9


def test_rows_of_one_file_are_left_as_they_are(tmp_path: Path, catalogue: Catalogue) -> None:
    """Whether a file is read alone or beside others does not change what it says by itself."""
    one = write_lines(tmp_path / "a.jsonl", [chat(0), chat(0), chat(1)])
    other = write_lines(tmp_path / "b.jsonl", [chat(2), chat(0), chat(0)])
    assert read(catalogue, one).calls == 3
    assert read(catalogue, one, other).calls == 4


def test_what_is_no_duplicate(tmp_path: Path, catalogue: Catalogue) -> None:
    """Answers given again by a gateway, rows that count for nothing, ids too short to be anyone's own."""
    one = write_lines(
        tmp_path / "a.jsonl",
        [spend(0), spend(1, completion_tokens="many"), spend(2, request_id="1"), spend(3, cache_hit="True")],
    )
    other = write_lines(
        tmp_path / "b.jsonl", [spend(0, cache_hit="True"), spend(1), spend(2, request_id="1"), spend(3)]
    )
    usage = read(catalogue, one, other)
    assert fates(usage) == [
        ("a.jsonl", 3, {"output_tokens is not a whole number from 0 to 10^12": 1}),
        ("b.jsonl", 4, {}),
    ]


def test_parquet_and_large_files_that_the_engine_reads_itself(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_json, "LEAST_BYTES", 0)
    saved = write_lines(tmp_path / "saved.jsonl", [chat(number) for number in range(10)])
    table = tmp_path / "table.parquet"
    duckdb.sql(
        "SELECT 'gpt-5-mini' AS model, 100 AS input_tokens, 10 AS output_tokens,"
        " format('chatcmpl-{:029d}', i) AS response_id FROM range(8, 13) AS r(i)"
    ).write_parquet(str(table))
    twice = tmp_path / "twice.parquet"
    twice.write_bytes(table.read_bytes())
    usage = read(catalogue, saved, table, twice)
    assert usage.calls == 13
    assert fates(usage) == [
        ("saved.jsonl", 10, {}),
        ("table.parquet", 3, {ELSEWHERE: 2}),
        ("twice.parquet", 0, {ELSEWHERE: 5}),
    ]
    assert sorted((each.file, each.line) for each in usage.rejects) == [
        *(("table.parquet", line) for line in (1, 2)),
        *(("twice.parquet", line) for line in range(1, 6)),
    ]
    back = read(catalogue, table, saved)
    assert [(each.file, each.line) for each in back.rejects] == [("saved.jsonl", 9), ("saved.jsonl", 10)]


def test_too_many_rows_are_not_compared_and_a_note_says_so(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_calls, "MOST_ROWS", 3)
    files = [write_lines(tmp_path / f"{name}.jsonl", [chat(0), chat(1)]) for name in "ab"]
    usage = read(catalogue, *files)
    assert usage.calls == 4
    assert any("were not compared across files: 4 rows have some" in note for note in usage.notes)


def test_a_file_without_rows_between_those_with_ids(tmp_path: Path, catalogue: Catalogue) -> None:
    one = write_lines(tmp_path / "a.jsonl", [chat(0)])
    empty = tmp_path / "b.csv"
    empty.write_text("model,input_tokens,output_tokens,response_id\n", encoding="utf-8")
    plain = tmp_path / "c.csv"
    plain.write_text("model,input_tokens,output_tokens\ngpt-5-mini,1,1\n", encoding="utf-8")
    usage = read(catalogue, empty, one, plain)
    assert (usage.calls, [each.file for each in usage.skipped]) == (2, ["b.csv"])


FORMATS = ("azure", "bedrock", "helicone", "http-exchange", "litellm", "openai-response", "openrouter", "otel")
FORMATS += ("provider-response", "tensorzero")


@pytest.mark.parametrize("folder", FORMATS)
def test_formats_that_keep_the_id_of_a_response(
    folder: str, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample beside a copy of itself; ids in samples are made up and short."""
    monkeypatch.setattr(mapping, "LEAST_ID_BYTES", 1)
    logs = Path(__file__).parents[1] / "logs" / folder
    counted = {}
    for sample in logs.iterdir():
        if sample.suffix in (".jsonl", ".csv"):
            copy = tmp_path / f"copy-{sample.name}"
            copy.write_bytes(sample.read_bytes())
            counted[sample.name] = read(catalogue, sample, copy).calls < 2 * read(catalogue, sample).calls
    assert any(counted.values()), counted
