"""One call logged twice, in one file or in several, counts once: by the id of its response."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest
from usage_logs import write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.usage import Usage, mapping, read_usage, same_calls, whole_json
from breakeven.usage.nesting import ELSEWHERE, NOT_A_CALL, PIECE, REPEATED
from breakeven.usage.readers.stream_events import UNTOLD

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


def test_a_response_written_twice_into_one_file(tmp_path: Path, catalogue: Catalogue) -> None:
    """In one file the first of equal rows counts; among several that of the file given first."""
    one = write_lines(tmp_path / "a.jsonl", [chat(0), chat(0), chat(1)])
    other = write_lines(tmp_path / "b.jsonl", [chat(2), chat(0), chat(0), chat(3), chat(3)])
    alone = read(catalogue, one)
    assert (alone.rows.read, alone.calls) == (3, 2)
    assert [(each.line, each.reason) for each in alone.rejects] == [(2, REPEATED)]
    usage = read(catalogue, one, other)
    assert usage.calls == 4
    assert fates(usage) == [("a.jsonl", 2, {REPEATED: 1}), ("b.jsonl", 2, {ELSEWHERE: 2, REPEATED: 1})]
    assert [(each.file, each.line, each.reason) for each in usage.rejects] == [
        ("a.jsonl", 2, REPEATED),
        ("b.jsonl", 2, ELSEWHERE),
        ("b.jsonl", 3, ELSEWHERE),
        ("b.jsonl", 5, REPEATED),
    ]


@pytest.mark.parametrize("least_bytes", [0, 2**40], ids=["read by the engine", "read line by line"])
def test_an_export_appended_to_itself(
    least_bytes: int, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cat a.jsonl a.jsonl > b.jsonl; the second half is named line by line, in the rejects file and the cube too."""
    monkeypatch.setattr(whole_json, "LEAST_BYTES", least_bytes)
    rows = [chat(number) for number in range(3000)]
    once = read(catalogue, write_lines(tmp_path / "a.jsonl", rows))
    rejects = tmp_path / "rejects.csv"
    twice = read(catalogue, write_lines(tmp_path / "b.jsonl", rows + rows), rejects=rejects)
    assert (twice.rows.read, twice.rows.priced, twice.rows.rejected) == (6000, 3000, 3000)
    assert (twice.calls, twice.cost_usd, twice.cube.reject_counts) == (3000, once.cost_usd, ((REPEATED, 3000),))
    assert fates(twice) == [("b.jsonl", 3000, {REPEATED: 3000})]
    told = rejects.read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(int(line.split(",")[1]) for line in told) == list(range(3001, 6001))
    assert all(line.endswith(f'"{REPEATED}"') for line in told)


def test_the_row_with_the_most_output_counts(tmp_path: Path, catalogue: Catalogue) -> None:
    """A stream logged as it goes on, each time with the counts so far; one whose pieces have none but the last."""
    sent = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}
    pieces = [
        chat(0, usage=sent | {"completion_tokens": made, "total_tokens": 100 + made}) for made in (1, 7, 30, 30)
    ] + [chat(1, usage=None), chat(1), chat(2, usage=None)]
    usage = read(catalogue, write_lines(tmp_path / "a.jsonl", pieces))
    assert (usage.calls, usage.cube.cells.total("output_tokens")) == (2, 30 + 10)
    assert {each.line: each.reason for each in usage.rejects} == {
        7: "no token counts",
        **dict.fromkeys((1, 2, 4, 5), REPEATED),
    }


def test_attempts_with_ids_of_their_own_are_all_billed(tmp_path: Path, catalogue: Catalogue) -> None:
    """Retries share the id of the request, not of the response; so do batches in which a task stands twice."""
    envelope = {"custom_id": "task-1", "error": None}
    tried = [envelope | {"response": {"request_id": "r" * 20, "status_code": 200, "body": chat(n)}} for n in (0, 1)]
    assert read(catalogue, write_lines(tmp_path / "a.jsonl", tried)).calls == 2
    usage = read(catalogue, write_lines(tmp_path / "b.jsonl", tried + tried))
    assert fates(usage) == [("b.jsonl", 2, {REPEATED: 2})]


def test_an_id_beside_many_inputs_tells_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    """A server that gives every response the same id."""
    rows = [chat(0, usage={"prompt_tokens": sent, "completion_tokens": 1}) for sent in range(10, 20)]
    usage = read(catalogue, write_lines(tmp_path / "a.jsonl", [*rows, chat(1), chat(1)]))
    assert (usage.calls, usage.rows.rejected) == (11, 1)
    assert any(note.startswith("10 rows have ids of responses that more than 4") for note in usage.notes)


def test_ids_that_a_program_gave_are_not_those_of_responses(tmp_path: Path, catalogue: Catalogue) -> None:
    """An evaluation asks the same question of several models, twice each."""
    rows = [
        {"id": "question-00000000001", "model": model, "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
        for model in ("gpt-5-mini", "gpt-5") * 2
    ]
    assert read(catalogue, write_lines(tmp_path / "a.jsonl", rows)).calls == 4
    own = [{**row, "id": response_id(place % 2)} for place, row in enumerate(rows)]
    assert read(catalogue, write_lines(tmp_path / "b.jsonl", own)).calls == 2
    output = '{"id": "category-shipping-0001"}'
    spans = [span(number) | {"attributes": span(number)["attributes"] | {"output.value": output}} for number in (0, 1)]
    for each in spans:
        del each["attributes"]["gen_ai.response.id"]
    assert read(catalogue, write_lines(tmp_path / "c.jsonl", spans)).calls == 2


def test_a_session_of_an_agent(tmp_path: Path, catalogue: Catalogue) -> None:
    """A line for every block of a message, each with the message's counts so far."""
    around = {"sessionId": "s", "timestamp": "2026-06-01T10:00:00Z"}

    def block(number: int, made: int) -> dict[str, Any]:
        usage = {"input_tokens": 3, "cache_read_input_tokens": 900, "output_tokens": made}
        message = {"id": f"msg_{number:024d}", "type": "message", "role": "assistant", "model": "claude-haiku-4-5"}
        return around | {"type": "assistant", "message": message | {"usage": usage}}

    asked = around | {"type": "user", "message": {"role": "user", "content": "x"}}
    lines = [asked, block(0, 5), block(0, 5), block(0, 80), asked, block(1, 20), block(1, 20), {"type": "summary"}]
    usage = read(catalogue, write_lines(tmp_path / "session.jsonl", lines))
    sums = usage.cube.cells
    assert (usage.calls, sums.total("input_tokens"), sums.total("cache_read_tokens")) == (2, 6, 1800)
    assert sums.total("output_tokens") == 80 + 20
    assert fates(usage) == [("session.jsonl", 2, {NOT_A_CALL: 3, REPEATED: 3})]


def events(number: int, sent: int, made: int) -> list[dict[str, Any]]:
    """A stream of Anthropic's, one event a line."""
    message = {"id": f"msg_{number:024d}", "type": "message", "role": "assistant", "model": "claude-haiku-4-5"}
    return [
        {"type": "message_start", "message": message | {"usage": {"input_tokens": sent, "output_tokens": 1}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": made}},
        {"type": "message_stop"},
    ]


def test_streams_with_an_event_a_line(tmp_path: Path, catalogue: Catalogue) -> None:
    one, two = events(0, 25, 15), events(1, 40, 30)
    usage = read(catalogue, write_lines(tmp_path / "a.jsonl", one + two))
    sums = usage.cube.cells
    assert (usage.calls, sums.total("input_tokens"), sums.total("output_tokens")) == (2, 65, 45)
    assert fates(usage) == [("a.jsonl", 2, {PIECE: 4, REPEATED: 2})]
    for each in (one, two):
        each[2]["usage"]["input_tokens"] = each[0]["message"]["usage"]["input_tokens"]
    mixed = [row for pair in zip(one, two, strict=True) for row in pair]
    assert read(catalogue, write_lines(tmp_path / "b.jsonl", mixed)).cube.cells.total("output_tokens") == 45
    for each in (one, two):
        del each[2]["usage"]["input_tokens"]
    untold = read(catalogue, write_lines(tmp_path / "c.jsonl", mixed))
    assert untold.cube.cells.total("output_tokens") == 2
    assert fates(untold) == [("c.jsonl", 2, {PIECE: 4, UNTOLD: 2})]


def test_gemini_and_openai_streams_with_a_chunk_a_line(tmp_path: Path, catalogue: Catalogue) -> None:
    gemini = [
        {
            "responseId": "a1b2c3d4e5f6g7h8i9",
            "modelVersion": "gemini-2.5-flash",
            "usageMetadata": {"promptTokenCount": 373, "candidatesTokenCount": made, "totalTokenCount": 373 + made},
        }
        for made in (5, 60, 89)
    ]
    usage = read(catalogue, write_lines(tmp_path / "gemini.jsonl", gemini))
    assert (usage.calls, usage.cube.cells.total("output_tokens")) == (1, 89)
    chunk = {"object": "chat.completion.chunk", "choices": []}
    openai = [chat(0, **chunk, usage=None), chat(0, **chunk, usage=None), chat(0, **chunk)]
    assert fates(read(catalogue, write_lines(tmp_path / "openai.jsonl", openai))) == [
        ("openai.jsonl", 1, {REPEATED: 2})
    ]


def test_two_tracers_side_by_side_in_one_file(tmp_path: Path, catalogue: Catalogue) -> None:
    """Siblings in one trace, told by the id of the response; spans without one are calls of their own."""
    other = span(0) | {"spanId": "f" * 16}
    other["attributes"] |= {"gen_ai.response.model": "gpt-5-mini-2025-08-07"}
    usage = read(catalogue, write_lines(tmp_path / "a.jsonl", [span(0), other, span(1)]))
    assert fates(usage) == [("a.jsonl", 2, {REPEATED: 1})]
    bare = [{**each, "attributes": {**each["attributes"]}} for each in (span(0), other)]
    for each in bare:
        del each["attributes"]["gen_ai.response.id"]
    assert read(catalogue, write_lines(tmp_path / "b.jsonl", bare)).calls == 2


def test_parquet_with_a_response_twice(tmp_path: Path, catalogue: Catalogue) -> None:
    table = tmp_path / "table.parquet"
    duckdb.sql(
        "SELECT 'gpt-5-mini' AS model, 100 AS input_tokens, 10 + i // 5 AS output_tokens,"
        " format('chatcmpl-{:029d}', i % 5) AS response_id FROM range(7) AS r(i)"
    ).write_parquet(str(table))
    usage = read(catalogue, table)
    assert (usage.calls, usage.cube.cells.total("output_tokens")) == (5, 3 * 10 + 2 * 11)
    assert [(each.line, each.reason) for each in usage.rejects] == [(1, REPEATED), (2, REPEATED)]


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


def test_many_rows_are_compared_in_parts_and_only_where_some_of_them_repeat(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_calls, "PART_ROWS", 100)
    one = write_lines(tmp_path / "a.jsonl", [chat(number) for number in range(700)])
    other = write_lines(tmp_path / "b.jsonl", [chat(number) for number in range(500, 1000)])
    assert read(catalogue, one, other).calls == 1000
    monkeypatch.setattr(same_calls, "MOST_ROWS", 300)
    monkeypatch.setattr(same_calls, "SHARE", 8)
    assert read(catalogue, one, other).calls == 1000
    monkeypatch.setattr(same_calls, "SHARE", 10**6)  # no id is looked at first
    assert read(catalogue, one, other).calls == 1000
    monkeypatch.setattr(whole_json, "LEAST_BYTES", 0)
    assert read(catalogue, one, other).calls == 1200
    monkeypatch.setattr(same_calls, "SHARE", 8)
    assert read(catalogue, one, other).calls == 1000


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
    """A sample beside a copy of itself; ids in samples are made up, short, and shared by many."""
    monkeypatch.setattr(same_calls, "MOST_INPUTS", 1000)
    monkeypatch.setattr(mapping, "LEAST_ID_BYTES", 1)
    logs = Path(__file__).parents[1] / "logs" / folder
    counted = {}
    for sample in logs.iterdir():
        if sample.suffix in (".jsonl", ".csv"):
            copy = tmp_path / f"copy-{sample.name}"
            copy.write_bytes(sample.read_bytes())
            counted[sample.name] = read(catalogue, sample, copy).calls < 2 * read(catalogue, sample).calls
    assert any(counted.values()), counted
