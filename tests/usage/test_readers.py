"""Each reader against numbers worked out by hand, and provider-response against another library's reading."""

import json
from pathlib import Path
from typing import Any

import pytest
from usage_logs import LOGS, chat, rows_of, write_lines

from breakeven.usage.calls import BUCKETS

HIDDEN_OUTPUT = {"u0992"}
"""
Gemini behind its OpenAI-compatible endpoint: total_tokens is above prompt + completion, by thinking tokens that are
billed as output and that the other library does not see.
"""

COMPACTED = {"u0211"}
"""Anthropic: the tokens that compacted the context are billed and in none of the top-level counts."""

USAGE_OBJECTS = LOGS / "provider-response" / "usage-objects.jsonl"


def buckets(row: dict[str, Any]) -> tuple[int, ...]:
    """Fresh input, cache read, short and long cache write, output."""
    return tuple(row[name] for name in BUCKETS)


def one(tmp_path: Path, row: dict[str, Any] | str, **options: Any) -> dict[str, Any]:
    rows, _ = rows_of(write_lines(tmp_path / "log.jsonl", [row]), **options)
    return rows[0]


def test_counts_agree_with_another_library_on_every_shape() -> None:
    rows, found = rows_of(USAGE_OBJECTS)
    objects = [json.loads(line) for line in USAGE_OBJECTS.read_text().splitlines()]
    assert found.sources[0].reader == "provider-response"
    first = {row["line"]: row for row in reversed(rows)}
    assert len(first) == len(objects) > 70
    different = set()
    for row, each in zip((first[line] for line in sorted(first)), objects, strict=True):
        assert row["reason"] is None
        usage = each["expected"]
        ours = {
            "input_tokens": sum(buckets(row)[:4]),
            "cache_read_tokens": row["cache_read_tokens"],
            "cache_write_tokens": row["cache_write_short_tokens"] + row["cache_write_long_tokens"],
            "output_tokens": row["output_tokens"],
            "output_reasoning_tokens": row["reasoning_tokens"],
        }
        if any(count != usage.get(name, 0) for name, count in ours.items()):
            different.add(each["id"])
    assert different == HIDDEN_OUTPUT | COMPACTED


def test_a_call_of_an_advisor_is_a_call_of_its_own_model() -> None:
    rows, _ = rows_of(USAGE_OBJECTS)
    lines = [row["line"] for row in rows]
    pairs = [[row for row in rows if row["line"] == line] for line in set(lines) if lines.count(line) > 1]
    assert [[(row["model"], buckets(row)) for row in pair] for pair in pairs] == [
        [("claude-sonnet-5", (2390, 0, 0, 0, 121)), ("claude-opus-4-8", (2518, 0, 0, 0, 22))]
    ]


def test_hidden_output_is_what_the_total_adds_to_the_prompt() -> None:
    line = next(line for line in USAGE_OBJECTS.read_text().splitlines() if '"u0992"' in line)
    assert json.loads(line)["body"]["usage"] == {"completion_tokens": 12, "prompt_tokens": 35, "total_tokens": 109}
    rows, _ = rows_of(USAGE_OBJECTS)
    assert 109 - 35 in [row["output_tokens"] for row in rows if row["model"] == "gemini-2.5-pro-preview-05-06"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # OpenAI counts 1024 cached tokens inside the 1500
        (
            {"prompt_tokens": 1500, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 1024}},
            (476, 1024, 0, 0, 7),
        ),
        # Anthropic counts 9511 cached tokens beside the 3
        ({"input_tokens": 3, "cache_read_input_tokens": 9511, "output_tokens": 4}, (3, 9511, 0, 0, 4)),
        # the same field names in OpenAI's Responses count them inside
        (
            {"input_tokens": 9703, "input_tokens_details": {"cached_tokens": 8576}, "output_tokens": 4},
            (1127, 8576, 0, 0, 4),
        ),
        # Bedrock counts them beside
        ({"inputTokens": 433, "cacheReadInputTokens": 2752, "outputTokens": 16}, (433, 2752, 0, 0, 16)),
        # Cohere bills 431, whatever it tokenised
        (
            {"billed_units": {"input_tokens": 431}, "tokens": {"input_tokens": 2190, "output_tokens": 9}},
            (431, 0, 0, 0, 0),
        ),
    ],
)
def test_the_shape_decides_what_contains_what_and_not_the_model(
    tmp_path: Path, usage: dict[str, Any], expected: tuple[int, ...]
) -> None:
    for model in ("gpt-5", "claude-haiku-4-5", "gemini-2.5-pro"):
        row = one(tmp_path, {"body": {"model": model, "usage": usage}})
        assert buckets(row) == expected
        assert row["reason"] is None


def test_gemini_output_is_candidates_plus_thoughts_and_tool_prompts_are_input(tmp_path: Path) -> None:
    metadata = {
        "promptTokenCount": 373,
        "cachedContentTokenCount": 204,
        "toolUsePromptTokenCount": 40,
        "candidatesTokenCount": 89,
        "thoughtsTokenCount": 167,
    }
    row = one(tmp_path, {"modelVersion": "gemini-2.5-flash", "usageMetadata": metadata})
    assert buckets(row) == (373 + 40 - 204, 204, 0, 0, 89 + 167)
    assert (row["reasoning_tokens"], row["provider"]) == (167, "google")


def test_litellm_answer_from_its_own_cache_bills_nothing(tmp_path: Path) -> None:
    row = {"spend": 0.0, "prompt_tokens": 900, "completion_tokens": 40, "startTime": "2026-04-23T17:25:18"}
    told = {"model": "m", "status": "success", "cache_hit": "True"}
    hit, miss = one(tmp_path, row | told), one(tmp_path, row | told | {"cache_hit": "False"})
    assert (buckets(hit), hit["service_tier"], hit["reported_cost_nano"]) == ((0, 0, 0, 0, 0), "gateway-cache", 0)
    assert (buckets(miss), miss["service_tier"]) == ((900, 0, 0, 0, 40), None)
    assert miss["reported_cost_nano"] is None, "a cost of 0 for tokens is an unknown price, not a free call"


def test_table_input_includes_cached_tokens_unless_its_name_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("model,input_tokens,cached_tokens,output_tokens\nm,100,60,5\n")
    assert buckets(rows_of(file)[0][0]) == (40, 60, 0, 0, 5)
    file.write_text("model,input_uncached_tokens,cached_tokens,output_tokens\nm,100,60,5\n")
    assert buckets(rows_of(file)[0][0]) == (100, 60, 0, 0, 5)


def test_columns_named_by_the_user_replace_those_found(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("LLM;In;Output_Tokens;out;when\ngpt-4o;12;1;3;2026-01-02\n")
    own = {"model": "LLM", "input_tokens": "In", "output_tokens": "out", "timestamp": "when"}
    row = rows_of(file, columns=own)[0][0]
    assert (row["model"], buckets(row), row["at_us"]) == ("gpt-4o", (12, 0, 0, 0, 3), 1_767_312_000_000_000)


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("2026-04-23T17:23:06.245972+00:00", 1_776_964_986_245_972),
        ("2026-04-23T19:23:06+02:00", 1_776_964_986_000_000),
        ("2026-04-23 17:23:06", 1_776_964_986_000_000),
        ("1776964986", 1_776_964_986_000_000),
        ("1776964986.5", 1_776_964_986_500_000),
        ("1776964986245", 1_776_964_986_245_000),
        ("1776964986245972", 1_776_964_986_245_972),
        ("1776964986245972000", 1_776_964_986_245_972),
        ("2026-04-23", 1_776_902_400_000_000),
        ("", None),
    ],
)
def test_times_of_every_spelling(tmp_path: Path, text: str, at_us: int | None) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(f"model,input_tokens,output_tokens,timestamp\nm,1,1,{text}\n")
    row = rows_of(file)[0][0]
    assert (row["at_us"], row["reason"]) == (at_us, None)


@pytest.mark.parametrize(
    ("tier", "known"), [("default", None), ("STANDARD", None), ("Flex", "flex"), ("priority", "priority")]
)
def test_standard_tiers_have_no_name(tmp_path: Path, tier: str, known: str | None) -> None:
    assert one(tmp_path, chat(service_tier=tier))["service_tier"] == known


@pytest.mark.parametrize(
    ("task_by", "task"), [("metadata.team", "blue"), ("tags.1", "y"), ("metadata.nothing", "(none)"), (None, "t")]
)
def test_a_field_names_the_task(tmp_path: Path, task_by: str | None, task: str) -> None:
    row = chat(metadata={"team": "blue", "task": "t"}, tags=["x", "y"])
    assert one(tmp_path, row, task_by=task_by)["task"] == task


def test_tasks_by_prompt_are_hashes_of_the_system_prompt(tmp_path: Path) -> None:
    row = {"inference_id": "i", "raw_response": "{}", "model_name": "m", "input_tokens": 1, "output_tokens": 1}
    asked = [row | {"system": system, "input_messages": text} for system, text in (("A", "1"), ("A", "2"), ("B", "1"))]
    rows, _ = rows_of(write_lines(tmp_path / "log.jsonl", [*asked, row]), task_by="prompt")
    first, second, other, none = (each["task"] for each in rows)
    # sha256("A") = 559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd
    assert first == second == "prompt-559aead08264"
    assert other not in (first, none)
    assert none == "(none)"


def test_parquet_structures_and_times_are_read_as_they_are(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "calls[1].parquet"
    decoy = tmp_path / "calls1.parquet"
    for name, tokens in ((file, 70), (decoy, 1)):
        duckdb.sql(
            f"""COPY (SELECT TIMESTAMPTZ '2026-04-23 19:23:06+02:00' AS timestamp, 'm' AS model,
            {tokens} AS input_tokens, 20.0 AS cached_tokens, 3::UTINYINT AS output_tokens, true AS batch, 500 AS status,
            {{'task': 'deep'}} AS metadata) TO '{name}' (FORMAT parquet)"""
        )
    row = rows_of(file, task_by="metadata.task")[0][0]
    assert buckets(row) == (50, 20, 0, 0, 3)
    assert (row["at_us"], row["batch"], row["ok"], row["task"]) == (1_776_964_986_000_000, True, False, "deep")
