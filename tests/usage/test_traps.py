"""Traps of single formats: records made by hand, with the five billed counts beside each."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from usage_logs import chat, rows_of, write_lines

from breakeven.usage.calls import BUCKETS

ANTHROPIC = {"type": "message", "id": "msg_01abcdefghijklmnop", "model": "claude-haiku-4-5", "role": "assistant"}
GEMINI = {"candidates": [], "responseId": "abcdef0123456789", "modelVersion": "gemini-2.5-flash"}
SPEND = {
    "request_id": "chatcmpl-0123456789abcdef",
    "call_type": "acompletion",
    "spend": 0.005,
    "prompt_tokens": 5_000,
    "completion_tokens": 100,
    "startTime": "2026-04-23T17:23:18",
    "model": "claude-haiku-4-5",
    "metadata": {},
}
HELICONE = {
    "request_id": "7f3c0000-1111-2222-3333-444444444444",
    "request_created_at": "2026-09-01T12:00:00Z",
    "request_model": "gemini-2.5-flash",
    "prompt_tokens": 100,
    "completion_tokens": 10,
    "total_tokens": 160,
    "reasoning_tokens": 50,
}


def one(folder: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """The only row of a log of one line."""
    (found,), _ = rows_of(write_lines(folder / "log.jsonl", [row]))
    return found


def counts(row: Mapping[str, Any]) -> tuple[int, ...]:
    """Fresh input, read, written for minutes and for hours, output, reasoning."""
    assert row["reason"] is None, row["reason"]
    return tuple(row[name] for name in (*BUCKETS, "reasoning_tokens"))


def usage(**fields: Any) -> dict[str, Any]:
    return ANTHROPIC | {"usage": fields}


def of_deepseek() -> dict[str, Any]:
    hits = {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}
    return chat(usage={"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, **hits})


def compacting(**fields: Any) -> dict[str, Any]:
    step = {"type": "compaction", "input_tokens": 500, "output_tokens": 60, "cache_read_input_tokens": 7, **fields}
    return usage(input_tokens=3, cache_read_input_tokens=10, output_tokens=4, iterations=[step])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(of_deepseek(), (36, 64, 0, 0, 5, 0), id="DeepSeek's hits without details"),
        pytest.param(
            usage(input_tokens=3, output_tokens=4, cache_creation={"ephemeral_1h_input_tokens": 9}),
            (3, 0, 0, 9, 4, 0),
            id="written for an hour, without a total",
        ),
        pytest.param(compacting(cache_creation_input_tokens=5), (503, 17, 5, 0, 64, 0), id="compaction, no lifetimes"),
        pytest.param(
            compacting(
                cache_creation_input_tokens=5,
                cache_creation={"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            ),
            (503, 17, 2, 3, 64, 0),
            id="compaction with lifetimes",
        ),
        pytest.param(
            {
                "object": "interaction",
                "model": "gemini-3-pro",
                "usage": {
                    "total_input_tokens": 100,
                    "total_cached_tokens": 20,
                    "total_output_tokens": 5,
                    "total_thought_tokens": 7,
                    "total_tool_use_tokens": 3,
                    "total_tokens": 115,
                },
            },
            (83, 20, 0, 0, 12, 7),
            id="Gemini's interactions",
        ),
        pytest.param(
            {"model": "llama3.1", "done": True, "message": {}, "prompt_eval_count": 44, "eval_count": 113},
            (44, 0, 0, 0, 113, 0),
            id="Ollama's own response",
        ),
        pytest.param({"generation": "", "prompt_token_count": 8, "generation_token_count": 35}, (8, 0, 0, 0, 35, 0)),
        pytest.param({"inputTextTokenCount": 5, "results": [{"tokenCount": 10}]}, (5, 0, 0, 0, 10, 0)),
        pytest.param(
            SPEND
            | {
                "call_type": "aresponses",
                "metadata": {
                    "usage_object": {
                        "input_tokens_details": {"cached_tokens": 200},
                        "output_tokens_details": {"reasoning_tokens": 60},
                    }
                },
            },
            (4_800, 200, 0, 0, 100, 60),
            id="LiteLLM's Responses",
        ),
        pytest.param(HELICONE, (100, 0, 0, 0, 60, 50), id="Helicone: thoughts beside the completion, by the total"),
        pytest.param(HELICONE | {"total_tokens": 110, "reasoning_tokens": 5}, (100, 0, 0, 0, 10, 5)),
    ],
)
def test_counts(tmp_path: Path, row: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert counts(one(tmp_path, row)) == expected


def test_gemini_as_python_writes_it_says_when_and_in_which_tier(tmp_path: Path) -> None:
    counted = {"prompt_token_count": 373, "candidates_token_count": 89, "traffic_type": "ON_DEMAND_PRIORITY"}
    row = one(
        tmp_path,
        {"model_version": "gemini-2.5-flash", "create_time": "2026-05-27T16:53:45Z", "usage_metadata": counted},
    )
    assert (row["service_tier"], row["at_us"]) == ("priority", 1_779_900_825_000_000)


def test_a_batch_of_openai_stands_for_its_completed_requests_at_the_price_of_batches(tmp_path: Path) -> None:
    batch = {
        "id": "batch_abc",
        "object": "batch",
        "created_at": 1741106434,
        "model": "gpt-4.1-mini",
        "request_counts": {"total": 10, "completed": 9, "failed": 1},
        "usage": {"input_tokens": 900, "input_tokens_details": {"cached_tokens": 100}, "output_tokens": 90},
    }
    row = one(tmp_path, batch)
    assert (counts(row), row["calls"], row["batch"]) == ((800, 100, 0, 0, 90, 0), 9, True)


def test_a_batch_fetched_through_litellm_does_not_say_how_many_calls_it_is(tmp_path: Path) -> None:
    row = one(tmp_path, SPEND | {"call_type": "aretrieve_batch"})
    assert (row["batch"], row["calls"], row["input_tokens"]) == (True, 0, 5_000)
    row = one(tmp_path, SPEND)
    assert (row["batch"], row["calls"]) == (False, 1)


def test_json_in_json_in_a_csv_column_is_read(tmp_path: Path) -> None:
    kept = {"usage_object": {"cache_read_input_tokens": 4_000}}
    row = SPEND | {"metadata": json.dumps(json.dumps(kept)), "request_tags": json.dumps(json.dumps(["returns"]))}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow(row)
    file = tmp_path / "spend.csv"
    file.write_text(text.getvalue())
    (found,), _ = rows_of(file)
    assert (counts(found)[:2], found["task"]) == ((1_000, 4_000), "returns")


def span(**attributes: Any) -> dict[str, Any]:
    held = {"gen_ai.operation.name": "chat", "gen_ai.response.model": "gemini-2.5-flash"}
    held |= {f"gen_ai.usage.{name}": value for name, value in attributes.items()}
    return {"name": "chat", "context": {"trace_id": "0xa", "span_id": "0xb"}, "attributes": held}


def test_reasoning_beside_the_output_of_a_span_is_told_by_the_total(tmp_path: Path) -> None:
    given = {"input_tokens": 100, "output_tokens": 95, "reasoning.output_tokens": 90}
    assert counts(one(tmp_path, span(**given))) == (100, 0, 0, 0, 95, 90)
    assert counts(one(tmp_path, span(**given, total_tokens=195))) == (100, 0, 0, 0, 95, 90)
    beside = given | {"output_tokens": 10}
    assert counts(one(tmp_path, span(**beside, total_tokens=200))) == (100, 0, 0, 0, 100, 90)
    assert one(tmp_path, span(**beside))["reason"] == "reasoning_tokens exceed the output_tokens that hold them"


CHARGE = {
    "BilledCost": "12.40",
    "EffectiveCost": "12.40",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-10-01T00:00:00Z",
    "ConsumedQuantity": "2",
    "ConsumedUnit": "tokens",
    "ServiceName": "Amazon Bedrock",
    "ServiceCategory": "AI and Machine Learning",
    "SkuMeter": "ClaudeHaiku4.5-input-tokens",
    "ServiceProviderName": "AWS",
}


def bill(folder: Path, **changes: str) -> dict[str, Any]:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(CHARGE))
    writer.writeheader()
    writer.writerow(CHARGE | changes)
    file = folder / "bill.csv"
    file.write_text(text.getvalue())
    (found,), _ = rows_of(file)
    return found


@pytest.mark.parametrize(
    ("unit", "tokens"),
    [
        ("tokens", 2),
        ("1K tokens", 2_000),
        ("1k Tokens/Month", 2_000),
        ("kTokens", 2_000),
        ("1000 Tokens", 2_000),
        ("1,000 tokens", 2_000),
        ("100K tokens", 200_000),
        ("1M tokens", 2_000_000),
        ("1,000,000 tokens", 2_000_000),
        ("1000000 tokens", 2_000_000),
        ("Millions of Tokens", 2_000_000),
        ("10 million tokens", 20_000_000),
        ("MTok", 2_000_000),
        ("Tokens (1K)", 2_000),
        ("10 tokens", 20),
        ("model-minute tokens", 2),
    ],
)
def test_a_unit_of_a_bill_says_how_many_tokens_it_is(tmp_path: Path, unit: str, tokens: int) -> None:
    assert bill(tmp_path, ConsumedUnit=unit)["input_tokens"] == tokens


def test_a_charge_covered_by_a_commitment_costs_its_effective_cost(tmp_path: Path) -> None:
    assert bill(tmp_path, BilledCost="0", EffectiveCost="3.5")["reported_cost_nano"] == 3_500_000_000
    assert bill(tmp_path, EffectiveCost="")["reported_cost_nano"] == 12_400_000_000


def test_times_as_the_azure_portal_exports_them(tmp_path: Path) -> None:
    head = "TimeGenerated [UTC],CorrelationId,DeploymentName,ModelName,PromptTokens,CompletionTokens,SequenceNumber\n"
    file = tmp_path / "query_data.csv"
    file.write_text(
        head + '"9/1/2026, 3:04:05.678 PM",c-1,dep,gpt-4o,5,6,0\n2026-09-01T15:04:05Z,c-2,dep,gpt-4o,5,6,0\n'
    )
    rows, _ = rows_of(file)
    assert [row["at_us"] for row in rows] == [1_788_275_045_678_000, 1_788_275_045_000_000]
