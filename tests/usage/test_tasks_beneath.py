"""Tasks under one generic system prompt, or under none: clear templates are told apart, free text stays one task."""

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prompt_logs import GENERIC, Labelled, Writer
from usage_logs import write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.questions.task_details import consistency
from breakeven.usage import Usage, read_usage, whole_json

AS_OF = dt.date(2026, 11, 23)
CANARY = "canary_8f3b"
CLASSIFY = "Classify the following message of a customer as one of billing, delivery or account."
REPLY = "Write a polite reply to this customer."
FRENCH = "Translate into French:"

TEMPLATES: dict[str, Callable[[Writer], Labelled]] = {
    "long, middling and short": lambda w: w.log(
        40,
        classify=lambda: f"{CLASSIFY}\n\n{w.text()}",
        reply=lambda: f"{REPLY} {w.text()}",
        french=lambda: f"{FRENCH} {w.text()}",
    ),
    "that end alike": lambda w: w.log(
        40, classify=lambda: f"{CLASSIFY}\n\nMessage: {w.text()}", reply=lambda: f"{REPLY}\n\nMessage: {w.text()}"
    ),
    "numbers at the beginning": lambda w: w.log(
        40,
        classify=lambda: f"Ticket {w.seeded.randrange(10**6)}: classify it as billing or delivery. {w.text()}",
        reply=lambda: f"Ticket {w.seeded.randrange(10**6)}: write a polite reply to this customer. {w.text()}",
    ),
    "names at the beginning": lambda w: w.log(
        60,
        classify=lambda: (
            f"{w.pick('ABCDEFGHIJKLMNOP')}nna Smith: classify what is said as billing or delivery. {w.text()}"
        ),
        reply=lambda: f"{w.pick('ABCDEFGHIJKLMNOP')}ob Miller: write a polite reply to what is said. {w.text()}",
    ),
    "several languages": lambda w: w.log(
        40,
        english=lambda: f"{CLASSIFY}\n{w.text()}",
        german=lambda: f"Ordne die Nachricht ein: Rechnung, Lieferung oder Konto?\n{w.text()}",
        japanese=lambda: f"次のお客様のメッセージを請求、配送、アカウントのいずれかに分類してください。\n{w.text()}",
    ),
    "shared beginning of hundreds of characters": lambda w: w.log(
        40,
        one=lambda: f"{'We are a polite company. ' * 40}{'FIRST TASK. ' * 200}{w.text()}",
        two=lambda: f"{'We are a polite company. ' * 40}{'OTHER TASK. ' * 200}{w.text()}",
    ),
}


def _documents(w: Writer, start: str) -> Labelled:
    texts = [" ".join(w.text() for _ in range(8)) for _ in range(12)]
    return w.log(300, answers=lambda: f"{start}{w.pick(texts)}\n\nQuestion: {w.text()}")


def _examples(w: Writer) -> Labelled:
    shots = [f"Message: {w.text()}\nLabel: {label}\n\n" for label in "abcab"]
    start = "Label the last message as in these examples.\n\n"
    return w.log(200, labels=lambda: f"{start}{''.join(w.seeded.sample(shots, 3))}Message: {w.text()}\nLabel:")


def _example_messages(w: Writer) -> Labelled:
    shots = [w.text() for _ in range(5)]
    rows = []
    for _ in range(200):
        row = w.row(w.pick(shots), w.text())
        row["messages"].insert(-1, {"role": "assistant", "content": "billing"})
        rows.append(("labels", row))
    return rows


def _talks(w: Writer) -> Labelled:
    rows = []
    for _ in range(6):
        said = [w.text()]
        for _ in range(15):
            said.append(w.text())
            rows.append(("chat", w.row(*said)))
    return rows


FREE: dict[str, Callable[[Writer], Labelled]] = {
    "chat": lambda w: w.log(400, chat=w.text),
    "a short chat": lambda w: w.log(30, chat=w.text),
    "chat that greets alike": lambda w: w.log(
        300, chat=lambda: f"{w.pick(('Hello, I have a question. ', 'Hi! ', 'Good morning, can you help me? '))}"
        f"{' '.join(w.text() for _ in range(4))}"
    ),
    "talks that begin with a greeting": lambda w: [
        ("chat", w.row(w.pick(("Hi", "Hello!", "Hi, can you help?")), w.text())) for _ in range(200)
    ],
    "talks of many turns": _talks,
    "documents that change": lambda w: _documents(w, "Context:\n"),
    "documents without a word before": lambda w: _documents(w, ""),
    "one document that many ask about": lambda w: w.log(
        200,
        answers=lambda: (
            f"{w.pick(('The terms of delivery of our shop. ' * 9, w.text() * 3, w.text() * 3))}\n\nQuestion: {w.text()}"
        ),
    ),
    "examples that change": _examples,
    "messages as examples": _example_messages,
    "one template": lambda w: w.log(100, french=lambda: f"{FRENCH} {w.text()}"),
}  # fmt: skip


def read(catalogue: Catalogue, file: Path, rows: list[dict[str, Any]]) -> Usage:
    return read_usage(write_lines(file, rows), table=catalogue.prices, as_of=AS_OF)


def found(catalogue: Catalogue, folder: Path, labelled: Labelled) -> dict[str, Counter[str]]:
    """Found task -> calls of each known task in it; told by the number of output tokens."""
    known = sorted({task for task, _ in labelled})
    usage = read(catalogue, folder / "log.jsonl", [row for _, row in labelled])
    counts = {task: sum(each == task for each, _ in labelled) for task in known}
    by_task = {each.task: each.calls for each in usage.facts}
    assert sum(by_task.values()) == len(labelled)
    alone: dict[str, Counter[str]] = {task: Counter() for task in by_task}
    for task in known:  # the calls of one task fail: where they fail is where they are
        rows = [row | {"status": "failure"} if each == task else row for each, row in labelled]
        for fact in read(catalogue, folder / "log.jsonl", rows).facts:
            failed = round((fact.failed_share or 0) * fact.calls)
            if failed:
                alone[fact.task][task] = failed
    assert sum(sum(each.values()) for each in alone.values()) == sum(counts.values())
    return alone


@pytest.mark.parametrize("system", [GENERIC, None], ids=["generic", "none"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_are_told_apart(tmp_path: Path, catalogue: Catalogue, name: str, system: str | None) -> None:
    labelled = TEMPLATES[name](Writer(5, system))
    tasks = found(catalogue, tmp_path, labelled)
    assert sorted(map(dict, tasks.values()), key=str) == sorted(
        ({task: calls} for task, calls in Counter(task for task, _ in labelled).items()), key=str
    )


@pytest.mark.parametrize("system", [GENERIC, None], ids=["generic", "none"])
@pytest.mark.parametrize("name", FREE)
def test_free_text_is_one_task(tmp_path: Path, catalogue: Catalogue, name: str, system: str | None) -> None:
    rows = [row for _, row in FREE[name](Writer(6, system))]
    facts = read(catalogue, tmp_path / "log.jsonl", rows).facts
    assert [each.calls for each in facts] == [len(rows)]


def test_a_long_template_beside_free_text(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(7)
    labelled = w.log(60, classify=lambda: f"{CLASSIFY}\n{w.text()}", chat=w.text)
    tasks = found(catalogue, tmp_path, labelled)
    assert sorted(map(dict, tasks.values()), key=str) == [{"chat": 60}, {"classify": 60}]


def test_a_system_prompt_that_says_much_is_one_task(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(8, "You work for a shop and follow these rules. " * 40)
    rows = [row for _, row in TEMPLATES["long, middling and short"](w)]
    facts = read(catalogue, tmp_path / "log.jsonl", rows).facts
    assert [(each.found_by, each.calls) for each in facts] == [("prompt", len(rows))]


def test_tools_stay_a_key(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(9)
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    rows = []
    for number in range(160):
        row = w.row(f"{(CLASSIFY, REPLY)[number % 2]} {w.text()}")
        request = {"messages": row.pop("messages"), "tools": tools if number % 4 < 2 else []}
        rows.append(row | {"request": request})
    facts = read(catalogue, tmp_path / "log.jsonl", rows).facts
    assert sorted((each.calls, each.prompts.tools) for each in facts if each.prompts) == [(40, 0)] * 2 + [(40, 1)] * 2


@pytest.mark.parametrize("system", [GENERIC, None], ids=["generic", "none"])
def test_developer_messages_and_parts_of_content(tmp_path: Path, catalogue: Catalogue, system: str | None) -> None:
    w = Writer(10, system)
    rows = []
    for number in range(120):
        asked = (CLASSIFY, REPLY)[number % 2]
        row = w.row(w.text())
        row["messages"].insert(-1, {"role": "developer", "content": asked})
        rows.append(row)
    facts = read(catalogue, tmp_path / "developer.jsonl", rows).facts
    assert [each.calls for each in facts] == [60, 60]
    rows = [w.row(f"{(CLASSIFY, REPLY)[number % 2]} {w.text()}") for number in range(120)]
    for row in rows:
        row["messages"][-1]["content"] = [{"type": "text", "text": row["messages"][-1]["content"]}]
    assert [each.calls for each in read(catalogue, tmp_path / "parts.jsonl", rows).facts] == [60, 60]


def test_rows_in_any_order_and_both_ways_of_reading_give_the_same(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = Writer(11)
    rows = [row for name in ("long, middling and short", "numbers at the beginning") for _, row in TEMPLATES[name](w)]
    rows += [row for _, row in FREE["chat"](w)]
    facts = [read(catalogue, tmp_path / "a.jsonl", rows).facts]
    random.Random(1).shuffle(rows)
    facts.append(read(catalogue, tmp_path / "b.jsonl", rows).facts)
    monkeypatch.setattr(whole_json, "LEAST_BYTES", 0)
    facts.append(read(catalogue, tmp_path / "c.jsonl", rows).facts)
    assert len(facts[0]) > 2
    assert facts[0] == facts[1] == facts[2]


def test_judging_is_seen_beneath_a_short_system_prompt(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(15)
    ask = "Rate the response of the assistant from one to ten:"
    rows = [row for _, row in w.log(30, judge=lambda: f"{ask} {w.text()}", reply=lambda: f"{REPLY} {w.text()}")]
    assert sorted(each.judge_share or 0 for each in read(catalogue, tmp_path / "log.jsonl", rows).facts) == [0, 1]


def test_no_text_of_a_template_leaves(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(12)
    tasks = {"one": lambda: f"{CANARY} classify {w.text()}", "two": lambda: f"Now reply to {CANARY} {w.text()}"}
    rows = [row for _, row in w.log(30, **tasks)]
    usage = read(catalogue, tmp_path / "log.jsonl", rows)
    assert {each.found_by for each in usage.facts} == {"beginning"}
    assert CANARY not in repr(usage)


def test_prompts_whose_variable_part_comes_first_are_not_called_inconsistent(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    rows = [row for _, row in TEMPLATES["numbers at the beginning"](Writer(13, None))]
    for profile in read(catalogue, tmp_path / "log.jsonl", rows).profiles:
        assert consistency(profile)[0] is None


def test_calls_without_a_prompt_are_not_among_those_with_one(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(14)
    rows = [w.row(f"{REPLY} {w.text()}") for _ in range(20)]
    rows += [w.row() | {"messages": []} for _ in range(10)]
    facts = {each.found_by: each for each in read(catalogue, tmp_path / "log.jsonl", rows).facts}
    assert {way: each.calls for way, each in facts.items()} == {"prompt": 20, "none": 10}
    assert facts["none"].prompts is None


def test_a_system_prompt_apart_from_the_messages_is_part_of_the_prompt(tmp_path: Path, catalogue: Catalogue) -> None:
    """All share 1,000 characters of it and 24 of those in which all messages begin: 1,024 are compared."""

    def messages(number: int) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"question {number}"}]

    rows = [
        {
            "schemaType": "ModelInvocationLog",
            "timestamp": f"2026-05-01T00:00:{number:02}Z",
            "modelId": "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "input": {"inputTokenCount": 300, "inputBodyJson": {"system": "s" * 1000, "messages": messages(number)}},
            "output": {"outputTokenCount": 5},
        }
        for number in range(20)
    ]
    (task,) = read(catalogue, tmp_path / "log.jsonl", rows).facts
    said = [1000 + len(json.dumps(messages(number), separators=(",", ":"))) for number in range(20)]
    assert task.prompts is not None
    assert task.prompts.template_share == pytest.approx(1024 * 20 / sum(said))


def test_templates_beneath_a_system_prompt_apart_from_the_messages(tmp_path: Path, catalogue: Catalogue) -> None:
    w = Writer(16)
    rows = []
    for number in range(80):
        said = [{"role": "user", "content": [{"text": f"{(CLASSIFY, REPLY)[number % 2]} {w.text()}"}]}]
        row: dict[str, Any] = {"schemaType": "ModelInvocationLog", "timestamp": f"2026-05-01T00:00:{number % 60:02}Z"}
        row |= {"modelId": "amazon.nova-lite-v1:0", "output": {"outputTokenCount": 5}}
        body = {"system": [{"text": GENERIC}], "messages": said}
        rows.append(row | {"input": {"inputTokenCount": 300, "inputBodyJson": body}})
    facts = read(catalogue, tmp_path / "log.jsonl", rows).facts
    assert [(each.found_by, each.calls) for each in facts] == [("beginning", 40)] * 2
