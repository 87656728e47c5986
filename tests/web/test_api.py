"""The JSON API as a program meets it: the same documents as the command line, and a problem for every fault."""

import datetime as dt
import json
import logging
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from breakeven.catalogue.load import Catalogue
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.cli import main
from breakeven.surfaces.web import api, problems
from breakeven.surfaces.web.app import Settings, create_app

ROOT = Path(__file__).parents[2]
SIX = {"model": "gpt-5-mini", "calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}
DAY = {"as_of": "2026-11-23"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client(catalogue: Catalogue) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(allowed_hosts=("testserver",)))) as client:
        yield client


def problem(response: Any, status: int, name: str) -> dict[str, Any]:
    """The problem document of a response, which must be of this status and type."""
    assert (response.status_code, response.headers["content-type"]) == (status, problems.MEDIA_TYPE), response.text
    document: dict[str, Any] = response.json()
    assert document["type"] == f"/problems/{name}", document
    assert document["status"] == status
    assert document["title"] == problems.TITLES[name]
    assert document["detail"]
    assert "\n" not in document["detail"]
    return document


def test_an_answer_is_the_document_of_the_command_line(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    asked = SIX | DAY | {"premium": 2, "training_usd": 500, "also": ["gpt-5"]}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items() if name != "also"]
    assert main(["finetune", *flags, "--also", "gpt-5", "--format", "json"]) == 0
    printed = capsys.readouterr().out
    response = client.post("/api/v1/finetune", json=asked)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert json.dumps(response.json(), indent=2, ensure_ascii=False) + "\n" == printed


def test_a_day_that_is_left_out_is_today(client: TestClient) -> None:
    origins = client.post("/api/v1/finetune", json=SIX).json()["origins"]
    assert (origins["as_of"], origins["model"]) == ("today", "yours")
    assert client.post("/api/v1/finetune", json=SIX | DAY).json()["origins"]["as_of"] == "yours"


def test_every_question_is_asked_and_described(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    for kind in QUESTIONS.values():
        operation = described["paths"][f"/api/v1/{kind.name}"]["post"]
        assert operation["summary"] == kind.title
        schema = described["components"]["schemas"][kind.question.__name__]
        assert schema["properties"].keys() == kind.question.model_fields.keys()
        assert "as_of" not in schema["required"]
        assert schema["additionalProperties"] is False


def test_the_description_keeps_words_units_and_bounds(client: TestClient) -> None:
    fields = client.get("/openapi.json").json()["components"]["schemas"]["FinetuneQuestion"]["properties"]
    calls, share = fields["calls_per_month"], fields["success_rate"]
    assert (calls["type"], calls["exclusiveMinimum"], calls["maximum"]) == ("number", 0, 1e12)
    assert (calls["x-unit"], calls["description"]) == ("calls/month", "Calls in the first month.")
    assert {"type": "number", "minimum": 0, "maximum": 1} in share["anyOf"]
    assert "from 2000-01-01 to 2100-01-01" in fields["as_of"]["description"]
    assert fields["runs"]["type"] == "integer"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"1",
        b"null",
        b'"text"',
        b'{"calls_per_month": NaN}',
        b'{"calls_per_month": -Infinity}',
        b'{"calls_per_month": 1, "calls_per_month": 2}',
        b'{"also": {"a": 1, "a": 2}}',
        b'{"model": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"model": "\xff"}',
        b'\xef\xbb\xbf{"model": "gpt-5"}',
        '{"model": "gpt-5"}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"also":' * 500 + b"1" + b"}" * 500,
        b'{"calls_per_month":' + b"9" * 5_000 + b"}",
        b'{"calls_per_month": 1,}',
        b'{"model": "a\nb"}',
    ],
    ids=lambda body: repr(body)[:40],
)
def test_a_body_that_is_not_one_json_object_is_unreadable(client: TestClient, body: bytes) -> None:
    problem(client.post("/api/v1/finetune", content=body, headers=JSON), 400, "unreadable-json")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"calls_per_month": "50k"}, "calls_per_month", "calls_per_month is '50k'; it must be a number above 0"),
        ({"calls_per_month": "50000"}, "calls_per_month", "it must be a number"),
        ({"calls_per_month": True}, "calls_per_month", "not yes or no"),
        ({"calls_per_month": None}, "calls_per_month", "it must be a number"),
        ({"calls_per_month": [1]}, "calls_per_month", "it must be a number"),
        ({"calls_per_month": 10**400}, "calls_per_month", "at most 1e+12"),
        ({"calls_per_month": 0}, "calls_per_month", "above 0"),
        ({"runs": 1.5}, "runs", "a whole number"),
        ({"runs": 10**30}, "runs", "at most 10000"),
        ({"consistent_prompts": 1}, "consistent_prompts", "yes or no"),
        ({"consistent_prompts": "yes"}, "consistent_prompts", "yes or no"),
        ({"model": 5}, "model", "model is 5; it must be text."),
        ({"model": "x" * 100}, "model", "at most 99 characters"),
        ({"also": "gpt-5"}, "also", "a list"),
        ({"also": [5]}, "also", "a list of text"),
        ({"task": "chat"}, "task", "classification, extraction or generation"),
        ({"as_of": 20261123}, "as_of", "a date like 2026-11-23"),
        ({"as_of": "2026-11-23T00:00:00"}, "as_of", "a date like 2026-11-23"),
        ({"as_of": "1999-12-31"}, "as_of", "at least 2000-01-01"),
        ({"calls_per_mnth": 5}, "calls_per_mnth", "Did you mean calls_per_month"),
        ({"": 5}, "", "Unknown field ''"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)
def test_a_value_that_breaks_the_schema(client: TestClient, change: dict[str, Any], field: str, words: str) -> None:
    found = problem(client.post("/api/v1/finetune", json=SIX | DAY | change), 422, "invalid-field")
    assert found["field"] == field
    assert words in found["detail"]
    assert "--" not in found["detail"]


def test_a_missing_field_is_named(client: TestClient) -> None:
    found = problem(client.post("/api/v1/finetune", json={}), 422, "invalid-field")
    assert (found["field"], found["detail"]) == (
        "calls_per_month",
        "calls_per_month is needed: Calls in the first month.",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "gtp-5-mini"}, "Did you mean gpt-5-mini"),
        ({"model": None}, "Give model, or price_input and price_output of the model you pay for today"),
        ({"tuned_model": "openai/gpt-4o-mni"}, "openai/gpt-4o-mini-2024-07-18?"),
        ({"cached_share": 0.6, "cache_write_share": 0.6}, "cached_share and cache_write_share add up to more"),
        ({"failure_usd": 1}, "failure_usd needs success_rate"),
        ({"as_of": "2025-08-06"}, "as_of 2025-08-06: openai/gpt-5-mini has no price before 2025-08-07"),
    ],
    ids=str,
)
def test_fields_that_do_not_fit_together(client: TestClient, change: dict[str, Any], words: str) -> None:
    found = problem(client.post("/api/v1/finetune", json=SIX | DAY | change), 422, "unusable-question")
    assert words in found["detail"]
    assert "--" not in found["detail"]
    assert "See:" not in found["detail"]


def test_a_whole_number_may_be_written_with_a_point(client: TestClient) -> None:
    body = json.dumps(SIX | DAY)[:-1] + ', "runs": 2.0}'
    response = client.post("/api/v1/finetune", content=body, headers=JSON)
    assert response.json()["question"]["runs"] == 2


def test_a_long_wrong_value_is_not_repeated_whole(client: TestClient) -> None:
    for change in ({"model": "x" * 100_000}, {"x" * 100_000: 1}, {"runs": [1] * 100_000}):
        response = client.post("/api/v1/finetune", json=SIX | DAY | change)
        assert len(problem(response, 422, "invalid-field")["detail"]) < 400


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_taken(client: TestClient, media_type: str | None) -> None:
    headers = {"content-type": media_type} if media_type else {}
    response = client.post("/api/v1/finetune", content=json.dumps(SIX), headers=headers)
    problem(response, 415, "unsupported-media-type")
    assert client.post("/api/v1/finetune", content=json.dumps(SIX), headers=JSON).status_code == 200


def test_addresses_and_methods_that_are_not_there(client: TestClient) -> None:
    problem(client.get("/api/v1/nothing"), 404, "not-found")
    response = client.get("/api/v1/finetune")
    assert "use POST" in problem(response, 405, "method-not-allowed")["detail"]
    assert response.headers["allow"] == "POST"
    response = client.get("/nothing")
    assert (response.status_code, response.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert len(response.text.splitlines()) == 1


def test_a_fault_of_ours_says_nothing_of_what_was_asked(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Any, values: Any, *__: Any) -> None:
        raise RuntimeError(f"cannot use {values}")

    monkeypatch.setattr(api, "reply", broken)
    with caplog.at_level(logging.DEBUG):
        response = client.post("/api/v1/finetune", json={"model": "CANARY"})
    problem(response, 500, "internal-error")
    logged = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert "RuntimeError" in logged
    assert "broken" in logged
    assert "CANARY" not in response.text + logged


def test_models_are_found_by_any_part_of_their_name(client: TestClient) -> None:
    found = client.get("/api/v1/models", params={"q": "gpt 5-MINI", "limit": 3}).json()
    assert found["schema"] == "breakeven/found-models/1"
    assert len(found["models"]) == 3 < found["total"]
    first = found["models"][0]
    assert first["id"] == "openai/gpt-5-mini"
    assert first["price"].startswith("$0.25 in, $2.00 out per 1M tokens, ")
    assert first["price"].endswith(first["price_day"])
    assert client.get("/api/v1/models").json()["total"] > 2_000
    assert client.get("/api/v1/models", params={"q": "no-such-model"}).json()["models"] == []


def test_models_can_be_asked_about(client: TestClient) -> None:
    for row in client.get("/api/v1/models", params={"limit": 100}).json()["models"]:
        response = client.post(
            "/api/v1/finetune", json=SIX | {"model": row["id"], "tuned_model": "bedrock/nova-micro-v1"}
        )
        assert response.status_code == 200, (row, response.text)


def test_offers_say_whether_a_new_customer_can_order(client: TestClient, catalogue: Catalogue) -> None:
    found = client.get("/api/v1/offers", params={"limit": 100}).json()
    assert {row["id"] for row in found["offers"]} == set(catalogue.offers)
    by_id = {row["id"]: row for row in found["offers"]}
    closed = by_id["openai/gpt-4o-mini-2024-07-18"]
    assert not closed["available"]
    assert closed["why_unavailable"].startswith("closed to new customers after 2026-05-06")
    assert by_id["bedrock/nova-micro-v1"]["available"]
    assert all(row["available"] == (row["why_unavailable"] is None) for row in found["offers"])


def test_search_is_quick(client: TestClient) -> None:
    names = client.app.state.lookup  # type: ignore[attr-defined]
    today = dt.date.today()
    seconds = []
    for words in ("", "mini", "gpt-5-mini", "nothing like it") * 5:
        start = time.perf_counter()
        names.models(words, 20, today)
        names.offers(words, 20, today)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.005


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "q=" + "x" * 100])
def test_queries_out_of_bounds(client: TestClient, query: str) -> None:
    found = problem(client.get(f"/api/v1/models?{query}"), 422, "invalid-field")
    assert found["field"] == query.partition("=")[0]


def test_health(client: TestClient) -> None:
    found = client.get("/healthz").json()
    assert found["status"] == "ok"
    assert found["prices"]["package"] == "genai-prices"


def examples() -> list[list[str]]:
    """Every curl of docs/api.md, as words."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in re.findall(r"^curl .*$", text, re.MULTILINE)]


@pytest.mark.parametrize("words", examples(), ids=lambda words: words[0])
def test_examples_of_the_document_work(client: TestClient, words: list[str]) -> None:
    url, options = words[0].removeprefix("localhost:8000"), dict(zip(words[1::2], words[2::2], strict=True))
    if "--json" in options:
        response = client.post(url, content=options["--json"], headers=JSON)
    elif "--data-binary" in options:
        response = client.post(url, content=(ROOT / options["--data-binary"].removeprefix("@")).read_bytes())
    else:
        response = client.get(url)
    assert response.status_code == 200, response.text
    assert response.json()


def test_the_document_names_every_address_and_problem(client: TestClient) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    shown = {words[0].removeprefix("localhost:8000").partition("?")[0] for words in examples()}
    assert shown == {*client.get("/openapi.json").json()["paths"], "/openapi.json"}
    assert {f"/problems/{name}" for name in problems.TITLES} == set(re.findall(r"^\| `(\S+)`", text, re.MULTILINE))
