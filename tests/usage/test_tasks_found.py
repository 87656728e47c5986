"""Tasks of logs that name none: found from real and hand-made logs, against counts made without the package."""

import csv
import datetime as dt
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_logs import LOGS, chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.usage import TaskFacts, Usage, read_usage
from breakeven.usage.task_keys import candidates, choose, information_bits, is_name, rank, table_candidates

AS_OF = dt.date(2026, 11, 23)
HAIKU = Path(__file__).parents[2] / "examples" / "tensorzero-haiku.jsonl.gz"
CANARY = "canary_7d2e"


def read(catalogue: Catalogue, files: Path | list[Path], **options: Any) -> Usage:
    return read_usage(files, table=catalogue.prices, as_of=AS_OF, **options)


def by_task(usage: Usage) -> dict[str, TaskFacts]:
    return {each.task: each for each in usage.facts}


def spend(messages: Any, number: int = 0, **changes: Any) -> dict[str, Any]:
    """A row of LiteLLM's spend table with its prompt."""
    row = {
        "spend": 0.001,
        "prompt_tokens": 500,
        "completion_tokens": 20,
        "startTime": f"2026-05-01T00:{number // 60 % 60:02}:{number % 60:02}",
        "model": "gpt-4o-mini",
        "status": "success",
        "messages": messages,
    }
    return row | changes


def asked(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


@pytest.fixture(scope="module")
def haiku() -> list[dict[str, Any]]:
    with gzip.open(HAIKU, "rt") as lines:
        return [json.loads(line) for line in lines]


def test_real_tasks_are_found_without_their_names(
    tmp_path: Path, catalogue: Catalogue, haiku: list[dict[str, Any]]
) -> None:
    unnamed = [{key: value for key, value in row.items() if key != "function_name"} for row in haiku]
    found = by_task(read(catalogue, write_lines(tmp_path / "log.jsonl", unnamed)))
    assert {each.found_by for each in found.values()} == {"prompt"}
    systems = Counter(row["system"] for row in haiku)
    assert len(systems) == len({row["function_name"] for row in haiku}) == 2
    told = {each.prompts.first_chars: each for each in found.values() if each.prompts}
    for system, calls in systems.items():
        each = told[len(system)]
        assert (each.calls, each.coverage) == (calls, calls / len(haiku))
        rows = [row for row in haiku if row["system"] == system]
        chars = sum(len(row["system"] + row["input_messages"]) for row in rows)
        same = max(len(system), _common(rows)) * len(rows)
        assert each.prompts is not None
        assert each.prompts.template_share == pytest.approx(same / chars, rel=1e-12)
        json_asked = sum(_format(row).startswith("json") for row in rows) / len(rows)
        assert each.prompts.json_share == json_asked
        judges = {row["function_name"] for row in rows} == {"judge_haiku"}
        assert (each.judge_by, each.judge_share) == (("prompt", 1.0) if judges else ("", 0.0))


def _format(row: dict[str, Any]) -> str:
    return str(json.loads(row["raw_request"]).get("response_format", {}).get("type"))


def _common(rows: list[dict[str, Any]]) -> int:
    """The largest power of two that all these prompts begin alike for."""
    prompts = [row["system"] + row["input_messages"] for row in rows]
    return max(size for size in (2**power for power in range(5, 12)) if len({text[:size] for text in prompts}) == 1)


def test_the_log_s_own_names_win_over_all_else(catalogue: Catalogue) -> None:
    found = by_task(read(catalogue, HAIKU))
    assert {task: each.found_by for task, each in found.items()} == {"judge_haiku": "log", "write_haiku": "log"}
    assert found["judge_haiku"].judge_by == "name"


def test_own_names_stay_and_the_rest_is_found(
    tmp_path: Path, catalogue: Catalogue, haiku: list[dict[str, Any]]
) -> None:
    rows = [
        {key: value for key, value in row.items() if key != "function_name" or value == "judge_haiku"} for row in haiku
    ]
    found = by_task(read(catalogue, write_lines(tmp_path / "log.jsonl", rows)))
    assert {each.found_by: each.calls for each in found.values()} == {"log": 504, "prompt": 504}


def test_a_metadata_key_of_a_real_log(catalogue: Catalogue) -> None:
    sample = LOGS / "litellm" / "agent-calls.jsonl"
    counts = Counter(json.loads(line)["component"] for line in sample.read_text().splitlines())
    usage = read(catalogue, sample)
    assert {task: each.calls for task, each in by_task(usage).items()} == counts
    assert {each.found_by for each in usage.facts} == {"key"}
    assert "'component', found in 100% of the rows" in usage.notes[0]


def test_keys_inside_metadata_need_no_telling_name_but_must_tell_something(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    def log(name: str, key: str, telling: bool) -> Path:
        rows = [
            spend(
                None, number, metadata={key: "ab"[number % 2]}, completion_tokens=900 if telling and number % 2 else 9
            )
            for number in range(100)
        ]
        return write_lines(tmp_path / name, rows)

    assert by_task(read(catalogue, log("1.jsonl", "route_taken", True))).keys() == {"a", "b"}
    assert by_task(read(catalogue, log("2.jsonl", "route_taken", False))).keys() == {"all"}
    assert by_task(read(catalogue, log("3.jsonl", "customer", True))).keys() == {"all"}
    assert by_task(read(catalogue, log("4.jsonl", "feature", False))).keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("tags", "found", "key"),
    [
        # a tag that is a key with its value, wherever it stands
        (lambda n: ["prod", f"task:{'ab'[n % 2]}"] if n % 3 else [f"task:{'ab'[n % 2]}"], {"a", "b"}, "tags[task:]"),
        (lambda n: [f"feature={'ab'[n % 2]}", "env=prod"], {"a", "b"}, "tags[feature=]"),
        # a place that tells something of the calls
        (lambda n: ["prod", "ab"[n % 2]], {"a", "b"}, "tags.1"),
        # all alike, or a name for every call
        (lambda n: ["prod", "v2"], {"all"}, ""),
        (lambda n: [f"run:{n}", f"call-{n}"], {"all"}, ""),
        (lambda n: [f"user:{'ab'[n % 2]}"], {"all"}, ""),
    ],
)
@pytest.mark.parametrize("where", ["list", "inside"])
def test_lists_of_tags(
    where: str, tags: Callable[[int], list[str]], found: set[str], key: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    def row(number: int) -> dict[str, Any]:
        named = {"tags": tags(number)} if where == "list" else {"metadata": {"tags": tags(number)}}
        return spend(None, number, completion_tokens=900 if number % 2 else 9, **named)

    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", [row(number) for number in range(60)]))
    assert by_task(usage).keys() == found
    if key:
        assert f"{'' if where == 'list' else 'metadata.'}{key}'" in usage.notes[0]
        assert {each.found_by for each in usage.facts} == {"key"}


def test_task_by_a_tag(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [spend(None, tags=tags) for tags in (["x", "team:red"], ["team:blue", "team:red"], ["x"], None)]
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", rows), task_by="tags[team:]")
    assert {task: each.calls for task, each in by_task(usage).items()} == {"red": 1, "blue": 1, "(none)": 2}


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("['env:prod', 'task:' || t] AS tags", "tags[task:]"),
        ("CASE WHEN n % 3 > 0 THEN ['task:' || t] END AS tags", "tags[task:]"),
        ("['prod', t] AS tags", "tags.1"),
        ("{'task': t, 'user': 'u' || n} AS metadata", "metadata.task"),
        ("{'spend_logs_metadata': {'feature': t}} AS metadata", "metadata.spend_logs_metadata.feature"),
        ("{'tags': ['x', 'team:' || t]} AS metadata", "metadata.tags[team:]"),
        ("MAP {'feature': t, 'run': 'r' || n} AS properties", "properties.feature"),
        ("to_json({'feature': t}) AS metadata", "metadata.feature"),
        ("CAST(to_json({'feature': t}) AS VARCHAR) AS metadata", "metadata.feature"),
        ("CAST(to_json(['task:' || t]) AS VARCHAR) AS tags", "tags[task:]"),
        ("{'user': t, 'question': t} AS metadata", ""),
        ("['run:' || n, 'x' || n] AS tags", ""),
        ("'not { JSON' AS metadata", ""),
        ("[n, 5] AS tags", ""),
    ],
)
def test_keys_are_found_in_lists_structures_and_maps_of_parquet(
    tmp_path: Path, catalogue: Catalogue, column: str, key: str
) -> None:
    file = tmp_path / "calls.parquet"
    rows = "SELECT range AS n, CASE WHEN range % 2 = 0 THEN 'draft' ELSE 'triage' END AS t FROM range(120)"
    call = f"SELECT 'gpt-4o' AS model, 100 + n % 2 * 3000 AS input_tokens, 9 AS output_tokens, {column} FROM ({rows})"
    duckdb.sql(f"COPY ({call}) TO '{file}' (FORMAT parquet)")
    usage = read(catalogue, file)
    if not key:
        assert by_task(usage).keys() == {"all"}
        return
    assert {"draft", "triage"} <= by_task(usage).keys()
    assert f"'{key}'" in usage.notes[0]
    named = by_task(read(catalogue, file, task_by=key))
    assert {task: each.calls for task, each in named.items() if task != "(none)"} == {
        task: each.calls for task, each in by_task(usage).items() if task != "all"
    }


def test_metadata_in_csv_and_columns_of_tables(tmp_path: Path, catalogue: Catalogue) -> None:
    table, parquet = tmp_path / "calls.csv", tmp_path / "calls.parquet"
    with table.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["model", "input_tokens", "output_tokens", "feature", "question"])
        writer.writerows([["gpt-4o", 5, 1, "search" if number % 3 else "chat", "why"] for number in range(90)])
    duckdb.sql(f"COPY (FROM read_csv('{table}')) TO '{parquet}' (FORMAT parquet)")
    for file in (table, parquet):
        found = by_task(read(catalogue, file))
        assert {task: each.calls for task, each in found.items()} == {"chat": 30, "search": 60}
    spends = tmp_path / "spend.csv"
    with spends.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["spend", "prompt_tokens", "completion_tokens", "startTime", "model", "metadata"])
        writer.writerows([[0.1, 5, 1, "2026-05-01", "gpt-4o", json.dumps({"task": "x"})] for _ in range(20)])
    assert by_task(read(catalogue, spends)).keys() == {"all"}  # text of a CSV column: name it with --task-by
    assert by_task(read(catalogue, spends, task_by="metadata.task"))["x"].found_by == "field"


def test_keys_are_found_in_arrays_and_in_lines_that_hold_many_rows(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [spend(None, number, metadata={"feature": "ab"[number % 2]}) for number in range(40)]
    array = tmp_path / "array.json"
    array.write_text(json.dumps(rows, indent=1))
    assert by_task(read(catalogue, array)).keys() == {"a", "b"}
    observations = [
        {
            "id": f"o{number}",
            "traceId": "t",
            "type": "GENERATION",
            "startTime": f"2026-05-01T00:00:{number:02}Z",
            "model": "gpt-4o-mini",
            "usageDetails": {"input": 500, "output": 20},
            "metadata": {"feature": "ab"[number % 2]},
        }
        for number in range(40)
    ]
    trace = write_lines(tmp_path / "trace.jsonl", [{"id": "t", "observations": observations}])
    assert by_task(read(catalogue, trace)).keys() == {"a", "b"}


def test_tasks_of_spans_are_found_among_the_calls_that_count(tmp_path: Path, catalogue: Catalogue) -> None:
    def span(number: int, parent: str, **changes: Any) -> dict[str, Any]:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 500,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.system_instructions": "You sort letters by what they ask for. " * 4,
            "gen_ai.input.messages": json.dumps([{"role": "user", "content": f"letter {number}"}]),
        }
        row = {"trace_id": "t", "span_id": f"s{number}", "parent_span_id": parent, "attributes": attributes | changes}
        return {"name": "chat", "start_time": f"2026-05-01T00:00:{number:02}Z"} | row

    calls = [span(number, f"s{number + 30}") for number in range(30)]
    around = [span(number + 30, "", **{"gen_ai.operation.name": "invoke_agent"}) for number in range(30)]
    usage = read(catalogue, write_lines(tmp_path / "spans.jsonl", [*calls, *around]))
    (task,) = usage.facts
    assert (usage.rows.read, usage.rows.rejected, task.calls) == (60, 30, 30)
    assert task.found_by == "prompt"
    assert task.prompts is not None
    assert task.prompts.prompts == 30


def test_shares_of_an_unknown_number_of_calls_are_unknown(catalogue: Catalogue) -> None:
    usage = read(catalogue, LOGS / "anthropic-usage" / "pages.jsonl")
    assert by_task(usage).keys() == {"wrkspc_1", "apikey_1"}
    each = by_task(usage)["apikey_1"]
    assert (each.calls, each.coverage, each.failed_share) == (0, None, None)
    assert (each.trend, each.week_hours) == (None, None)


def test_a_value_too_long_to_be_a_name_is_not_one(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [spend(None, number, feature="chat") for number in range(6000)]
    rows.append(spend(None, feature=f"{CANARY} " * 20))
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", rows))
    assert {each.task: each.calls for each in usage.facts} == {"chat": 6000, "all": 1}
    assert CANARY not in repr(usage)


@pytest.mark.parametrize(
    ("key", "place"),
    [("task", 0), ("metadata.promptName", 0), ("use_case", 0), ("component", 1), ("tags>app_name", 2), ("x", 3)],
)
def test_rank_of_keys(key: str, place: int) -> None:
    assert rank(key) == place


def test_candidates_are_never_identities_or_text() -> None:
    row = {
        "task": "a",
        "prompt": CANARY,
        "session": "s",
        "component": "agent",
        "input": "text",
        "whatever": "top level needs a telling name",
        "metadata": {"user_id": "u", "branch": "main", "question": "text", "spend_logs_metadata": {"feature": "f"}},
        "tags": '{"pipeline": "p"}',
    }
    wanted = ["metadata.spend_logs_metadata.feature", "task", "component", "tags>pipeline", "metadata.branch"]
    assert candidates([row]) == wanted
    assert table_candidates(["prompt", "Feature", "task_id", "topic", "step"]) == ["Feature", "step"]


def test_information() -> None:
    # two equal halves told apart fully: 1 bit, less (2 - 1)(2 - 1) / (2 * 100 * ln 2) = 0.0072
    halves = [number % 2 for number in range(100)]
    assert information_bits(halves, halves) == pytest.approx(1 - 0.0072, abs=1e-4)
    assert information_bits(halves, [number // 2 % 2 for number in range(100)]) == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_information_is_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    assert information_bits(one, other) == pytest.approx(information_bits(other, one), abs=1e-9)
    assert 0 <= information_bits(one, other) <= 2.33  # at most log2 of five values


def test_the_most_telling_of_two_like_keys_is_chosen() -> None:
    calls = [("m", 100, 10 ** (1 + number % 2), "xy"[number // 50], "pq"[number % 2]) for number in range(100)]
    assert choose(["agent", "step"], calls) == "step"
    assert [is_name(each) for each in ("a sentence of five words", "a@b.c", "judge_haiku")] == [False, False, True]


def test_clusters_of_prompts_without_system_prompt(tmp_path: Path, catalogue: Catalogue) -> None:
    seeded = random.Random(4)

    def text() -> str:
        return "".join(seeded.choices("abcdefgh ", k=400))

    kinds = [
        "Translate into French, formally, keeping names: " + "." * 60,
        "Sum up in one line what is said: " + "-" * 60,
    ]
    rows = [spend([{"role": "user", "content": kinds[number % 2] + text()}], number) for number in range(60)]
    rows += [spend([{"role": "user", "content": text()}], number) for number in range(6)]
    found = by_task(read(catalogue, write_lines(tmp_path / "log.jsonl", rows)))
    assert sorted((each.found_by, each.calls) for each in found.values()) == [
        ("beginning", 30),
        ("beginning", 30),
        ("rest", 6),
    ]


def test_a_common_beginning_is_split_where_it_parts(tmp_path: Path, catalogue: Catalogue) -> None:
    company = "We are a company of good people who answer in English and are polite at all times. " * 3
    kinds = ["TASK ONE " * 40, "TASK TWO " * 40]
    rows = [
        spend(
            [{"role": "user", "content": f"{company}{kinds[number % 2]}{number * 7919}{'z' * (900 + number)}"}], number
        )
        for number in range(80)
    ]
    found = by_task(read(catalogue, write_lines(tmp_path / "log.jsonl", rows)))
    assert [(each.found_by, each.calls) for each in found.values()] == [("beginning", 40)] * 2


def test_turns_of_a_conversation_are_no_task(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = []
    for talk in range(4):
        messages = [{"role": "user", "content": f"conversation {talk} begins " * 10}]
        for turn in range(12):
            messages = [*messages, {"role": "assistant", "content": f"{talk} {turn} " * 30}]
            rows.append(spend(messages, talk * 12 + turn))
    assert {each.found_by for each in read(catalogue, write_lines(tmp_path / "log.jsonl", rows)).facts} <= {
        "none",
        "rest",
    }


def test_tools_tell_tasks_apart_and_system_prompts_of_the_moment_do_not_hide_them(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    def tools(*names: str) -> list[dict[str, Any]]:
        return [{"type": "function", "function": {"name": name}} for name in names]

    def row(number: int, given: list[dict[str, Any]], system: str) -> dict[str, Any]:
        request = {"messages": asked(system, f"question {number}"), "tools": given}
        return spend(None, number, request=request, proxy_server_request=None)

    same = [row(number, tools("a", "b") if number % 2 else tools("c"), "You help. " * 20) for number in range(40)]
    found = by_task(read(catalogue, write_lines(tmp_path / "1.jsonl", same)))
    assert sorted((each.found_by, each.calls, each.prompts.tools) for each in found.values() if each.prompts) == [
        ("prompt", 20, 1),
        ("prompt", 20, 2),
    ]
    moment = [row(number, tools("a", "b"), f"{number} It is now. You help. " * 9) for number in range(40)]
    found = by_task(read(catalogue, write_lines(tmp_path / "2.jsonl", moment)))
    assert [(task[:6], each.found_by, each.calls) for task, each in found.items()] == [("tools-", "tools", 40)]


@given(
    kinds=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    shuffled=st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None)
def test_found_tasks_are_the_system_prompts_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, kinds: list[int], shuffled: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("found")
    rows = [spend(asked(f"You are number {kind}. " * 9, f"q{number}"), number) for number, kind in enumerate(kinds)]
    first = read(catalogue, write_lines(folder / "a.jsonl", rows))
    shuffled.shuffle(rows)
    second = read(catalogue, write_lines(folder / "b.jsonl", rows))
    counts = Counter(kinds)
    common = sorted(calls for calls in counts.values() if calls >= 3)
    assert sorted(each.calls for each in first.facts if each.found_by == "prompt") == common
    assert {each.task: each.calls for each in first.facts} == {each.task: each.calls for each in second.facts}
    assert first.calls == sum(each.calls for each in first.facts) == len(rows)
    assert sum(each.coverage for each in first.facts) == pytest.approx(1)


def canaries() -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """Logs with the canary in prompts, tools and answers, in which each way of finding tasks finds some."""
    tools = [{"type": "function", "function": {"name": CANARY, "description": CANARY}}]
    yield "prompt", [spend(asked(CANARY * 20, f"{CANARY}{number}"), number) for number in range(30)]
    yield (
        "tools",
        [
            spend(None, number, request={"messages": asked(f"{number}{CANARY * 9}", CANARY), "tools": tools})
            for number in range(30)
        ],
    )
    yield (
        "beginning",
        [
            spend([{"role": "user", "content": CANARY * 20 + str(number * 7919) + "x" * 99}], number)
            for number in range(30)
        ],
    )
    yield (
        "rest",
        [spend(asked(f"{number}{CANARY}" * 9, CANARY), number) for number in range(30)]
        + [spend(asked(CANARY * 20, f"{CANARY}{number}"), number) for number in range(30)],
    )


@pytest.mark.parametrize(("way", "rows"), list(canaries()), ids=lambda each: each if isinstance(each, str) else "")
def test_no_text_is_in_names_descriptions_or_anywhere(
    tmp_path: Path, catalogue: Catalogue, way: str, rows: list[dict[str, Any]]
) -> None:
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", rows))
    assert way in {each.found_by for each in usage.facts}
    assert CANARY not in repr(usage)


def test_a_log_without_prompts_or_keys_stays_as_it_was(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", [chat() for _ in range(9)]))
    assert [(each.task, each.found_by, each.prompts, each.judge_share) for each in usage.facts] == [
        ("all", "none", None, None)
    ]
