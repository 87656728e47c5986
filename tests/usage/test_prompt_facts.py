"""Retries, repeats, templates and judging, with the arithmetic beside each number."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_logs import write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.usage import read_usage
from breakeven.usage.facts import describe, is_judge
from breakeven.usage.prompt_columns import JUDGED_CHARS, JUDGING
from breakeven.usage.prompt_facts import PromptFacts

START = dt.datetime(2026, 5, 1)


def facts(folder: Path, catalogue: Catalogue, rows: Sequence[dict[str, Any]]) -> PromptFacts:
    usage = read_usage(write_lines(folder / "log.jsonl", rows), table=catalogue.prices, as_of=dt.date(2026, 11, 23))
    assert len(usage.facts) == 1
    found = usage.facts[0].prompts
    assert found is not None
    return found


def row(prompt: str, minutes: float = 0, ok: bool = True, **changes: Any) -> dict[str, Any]:
    at = (START + dt.timedelta(minutes=minutes)).isoformat()
    whole = {
        "spend": 0.1,
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "startTime": at,
        "model": "gpt-4o",
        "request_tags": ["t"],
        "status": "success" if ok else "failure",
        "messages": [{"role": "user", "content": prompt}],
    }
    return whole | changes


def test_retries_and_repeats(tmp_path: Path, catalogue: Catalogue) -> None:
    found = facts(
        tmp_path,
        catalogue,
        [
            row("a", 0, ok=False),
            row("a", 1, ok=False),  # retry
            row("a", 2),  # retry
            row("a", 3),  # repeat: what came before it succeeded
            row("b", 0, ok=False),
            row("b", 10),  # retry: ten minutes later, not more
            row("c", 0, ok=False),
            row("c", 10.001),  # repeat: too late for a retry
            row("d", 0),
            row("d", 1, cache_hit="True"),  # a gateway's answer: nobody was asked again
        ],
    )
    assert (found.prompts, found.retry_share, found.repeat_share) == (
        7 - 1,
        3 / 10,
        2 / 10,
    )  # prompts: those that succeeded


def test_template_counts_tools_and_what_most_calls_have(tmp_path: Path, catalogue: Catalogue) -> None:
    system = {"role": "system", "content": "s" * 100}
    tools = [{"name": "n" * 50}]
    rows = []
    for number in range(4):
        messages = (
            [system, {"role": "user", "content": f"{number}" * 30}] if number else [{"role": "user", "content": "hi"}]
        )
        rows.append(row("", request={"messages": messages, "tools": tools if number else []}, messages=None))
    found = facts(tmp_path, catalogue, rows)
    # three of four share 128 characters at least; their prompt is the 41 + 100 + 30 + 32 ... of the JSON below
    texts = [_text(each["request"]["messages"]) for each in rows]
    tool_chars = len(_text(tools))
    assert found.template_share == pytest.approx((3 * 128 + 3 * tool_chars) / (sum(map(len, texts)) + 3 * tool_chars))
    assert (found.first_chars, found.first_is_system, found.first_share, found.tools) == (100, True, 3 / 4, 1)


def _text(value: Any) -> str:
    """JSON as the engine writes it."""
    import json

    return json.dumps(value, separators=(",", ":"))


def test_descriptions_hold_no_text() -> None:
    assert describe(None) == "no prompts in the log"
    counts = {field.name: 0 for field in dataclasses.fields(PromptFacts)} | {"task": "t", "calls": 10, "prompts": 10}
    said = {"first_is_system": False, "first_chars": None, "tools": None, "characters": 100, "formats": 10}
    loose = PromptFacts(**counts | said | {"first_calls": 1, "json_calls": 5, "template_characters": None})
    whole = replace(loose, first_chars=1532, first_is_system=True, tools=4, json_calls=10, template_characters=62)
    assert describe(whole) == "system prompt of 1,532 characters, 4 tools, JSON output, 62% of the text shared"
    assert describe(loose) == "varying system prompts or first messages"


@pytest.mark.parametrize(
    ("text", "judges"),
    [
        ("You are an agent tasked with judging haikus.", True),
        ("You are a strict grader. Give a mark.", True),
        ("Rate the following response from 1 to 10", True),
        ("Your task is to evaluate the quality", True),
        ("Compare the two answers", True),
        ("You are an assistant that is performing a named entity recognition task.", False),
        ("Write a haiku about the sea.", False),
        ("Answer the question. The interest rate is 5 %.", False),
        ("You are a helpful assistant.", False),
    ],
)
def test_prompts_that_judge(text: str, judges: bool) -> None:
    asked = f"SELECT regexp_matches(left(?, {JUDGED_CHARS}), '(?i){JUDGING}')"
    assert duckdb.execute(asked, [text]).fetchall() == [(judges,)]


def test_names_that_judge() -> None:
    for name in ("judge_haiku", "LLM-Judge", "answer evaluation", "evals", "grading", "critic"):
        assert is_judge([name]), name
    for name in ("write_haiku", "retrieval", "medieval", "degrade", "upgrade", "triage"):
        assert not is_judge([name]), name
    assert is_judge(["quality", "judge_a", "judge_b"])
    assert not is_judge(["everything", "judge_a", "write"])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.booleans()), min_size=1, max_size=25))
@settings(max_examples=20, deadline=None)
def test_retries_and_repeats_are_those_of_a_plain_loop(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, calls: list[tuple[int, int, bool]]
) -> None:
    if not any(ok for _, _, ok in calls):
        calls = [*calls, (0, 0, True)]
    folder = tmp_path_factory.mktemp("again")
    found = facts(folder, catalogue, [row(str(prompt), minutes, ok=ok) for prompt, minutes, ok in calls])
    retries = repeats = 0
    before: dict[int, tuple[int, bool]] = {}
    for prompt, minutes, ok in sorted(calls, key=lambda call: call[1]):  # stable: line breaks ties
        if prompt in before:
            last, well = before[prompt]
            retry = not well and minutes - last <= 10
            retries, repeats = retries + retry, repeats + (not retry)
        before[prompt] = (minutes, ok)
    assert (found.retry_share, found.repeat_share) == (retries / len(calls), repeats / len(calls))
