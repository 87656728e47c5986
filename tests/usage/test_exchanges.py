"""Requests and responses of providers as they were recorded: every one is counted or refused, and totals add up."""

import json
from collections import defaultdict
from typing import Any

import pytest
from usage_logs import LOGS, rows_of, write_lines

from breakeven.usage.calls import BUCKETS
from breakeven.usage.readers.exchanges import CUT_OFF, expand, response_of

RECORDED = LOGS / "http-exchange" / "recorded.jsonl"
BODIES = LOGS / "provider-response" / "usage-objects.jsonl"

TOTALS = ("total_tokens", "totalTokens", "totalTokenCount")


def stated_total(response: Any) -> int | None:
    """The total a response states, of a stream the last one; None where it states none."""
    if isinstance(response, str):
        found = [json.loads(line[5:]) for line in response.splitlines() if line.startswith("data: {")]
        totals = [total for event in found if (total := stated_total(event)) is not None]
        return totals[-1] if totals else None
    inside = response.get("response") if isinstance(response.get("response"), dict) else response
    usage = inside.get("usage") or inside.get("usageMetadata") or {}
    return next((usage[name] for name in TOTALS if usage.get(name) is not None), None)


@pytest.mark.parametrize(("file", "place"), [(RECORDED, "response"), (BODIES, "body")])
def test_the_five_counts_add_up_to_every_total_that_is_stated(file: Any, place: str) -> None:
    by_line = defaultdict(list)
    for row in rows_of(file)[0]:
        by_line[row["line"]].append(row)
    checked = 0
    for line, text in enumerate(file.read_text().splitlines(), 1):
        total = stated_total(json.loads(text)[place])
        first = by_line[line][0]
        if total is None or first["reason"]:
            continue
        assert sum(first[name] for name in BUCKETS) == total, line
        checked += 1
    assert checked > 50


def test_what_states_a_total_is_never_refused() -> None:
    refused = {row["line"]: row["reason"] for row in rows_of(RECORDED)[0] if row["reason"]}
    for line, text in enumerate(RECORDED.read_text().splitlines(), 1):
        exchange = json.loads(text)
        if line in refused:
            assert exchange["status"] == 200
            assert stated_total(exchange["response"]) is None
    assert set(refused.values()) == {"no token counts", "no input_tokens", "no output_tokens", CUT_OFF}


def test_a_failed_exchange_is_a_call_that_cost_nothing() -> None:
    failed = {
        line for line, text in enumerate(RECORDED.read_text().splitlines(), 1) if json.loads(text)["status"] >= 400
    }
    rows = [row for row in rows_of(RECORDED)[0] if row["line"] in failed]
    assert len(rows) == len(failed) > 5
    assert all(not row["ok"] and row["reason"] is None for row in rows)
    assert all(row[name] == 0 for row in rows for name in BUCKETS)


def stream(*events: dict[str, Any]) -> str:
    return "".join(f"event: x\ndata: {json.dumps(event)}\n\n" for event in events)


def test_counts_of_a_stream_are_its_last_and_are_not_added() -> None:
    found = response_of(
        stream(
            {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 25, "output_tokens": 1}}},
            {"type": "message_delta", "usage": {"output_tokens": 8}},
            {"type": "message_delta", "usage": {"output_tokens": 15, "input_tokens": None}},
        )
    )
    assert found is not None
    assert (found["model"], found["usage"]) == ("m", {"input_tokens": 25, "output_tokens": 15})


def test_a_stream_that_ends_before_its_counts_is_refused_and_not_guessed() -> None:
    start = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 25, "output_tokens": 1}}}
    assert response_of(stream(start)) == {"model": "m", "fault": CUT_OFF}
    assert response_of(stream({"object": "chat.completion.chunk", "usage": None})) == {"model": None, "fault": CUT_OFF}
    assert response_of("no events") is None


@pytest.mark.parametrize(
    "text", ["data: x", '["data:"]', '{"response": "data: {"}', '{"response": 7, "a": "data:"}', "{}"]
)
def test_a_line_that_holds_no_stream_is_one_row(text: str) -> None:
    assert [json.loads(row) if row[:1] == "{" else row for row in expand(text)] == [
        json.loads(text) if text[:1] == "{" else text
    ]


@pytest.mark.parametrize(
    ("exchange", "model", "provider"),
    [
        ({"host": "bedrock-runtime.us-east-1.amazonaws.com", "path": "/model/us.amazon.nova-lite-v1%3A0/converse"},
         "us.amazon.nova-lite-v1:0", "aws"),
        ({"url": "https://x.openai.azure.com/openai/deployments/triage/chat/completions?a=b"}, "triage", "azure"),
        ({"host": "generativelanguage.googleapis.com", "path": "/v1beta/models/gemini-2.5-pro:generateContent"},
         "gemini-2.5-pro", "google"),
        ({"host": "not-api.openai.com.example.org", "path": "/v1/chat/completions"}, None, None),
    ],
)  # fmt: skip
def test_model_and_provider_are_found_beside_the_response(
    tmp_path: Any, exchange: dict[str, Any], model: str | None, provider: str | None
) -> None:
    body = {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    row = rows_of(write_lines(tmp_path / "log.jsonl", [exchange | {"request": {}, "response": body}]))[0][0]
    assert (row["model"], row["provider"], row["reason"]) == (model, provider, None)
