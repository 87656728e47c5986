"""Spans of tracers: each call is counted once, whatever lies around it, repeats it, or is split over files."""

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_logs import LOGS, chat, rows_of, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.usage import read_usage
from breakeven.usage.nesting import AROUND, NOT_A_CALL, REPLACED, TOTAL
from breakeven.usage.scan import open_engine, scan_files

AS_OF = dt.date(2026, 11, 23)
CANARY = "canary_7a1e"


def span(id_: str, parent: str | None = None, tokens: int | None = None, **attributes: Any) -> dict[str, Any]:
    """One span as the Python SDK prints it; a call where it has tokens, a plain span otherwise."""
    counts = {} if tokens is None else {"gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 1}
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return {
        "context": {"trace_id": "0xabc", "span_id": id_},
        "parent_id": parent,
        "start_time": "2026-10-01T10:00:00Z",
        "attributes": {"gen_ai.request.model": "gpt-4o", **counts, **named},
    }


def good_tokens(*files: Path) -> int:
    with open_engine() as engine:
        scan_files(engine, list(files))
        return int(engine.execute("SELECT coalesce(sum(input_tokens), 0) FROM log WHERE NOT faulty").fetchall()[0][0])


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[int | None, str]]:
    """(number of the parent, kind) of each span; a parent comes before its children."""
    kinds = draw(st.lists(st.sampled_from(["call", "agent", "plain"]), min_size=1, max_size=12))
    return [(draw(st.none() | st.integers(0, at - 1)) if at else None, kind) for at, kind in enumerate(kinds)]


@settings(max_examples=25, deadline=None)
@given(trees(), st.integers(0, 99))
def test_only_the_innermost_calls_count_in_any_order_of_rows(
    tmp_path_factory: pytest.TempPathFactory, tree: list[tuple[int | None, str]], seed: int
) -> None:
    above: list[set[int]] = []
    for parent, _ in tree:
        above.append(set() if parent is None else above[parent] | {parent})
    calls = {at for at, (_, kind) in enumerate(tree) if kind == "call"}
    innermost = calls - {at for call in calls for at in above[call]}
    rows = [
        span(
            f"0x{at + 1:016x}",
            None if parent is None else f"0x{parent + 1:016x}",
            None if kind == "plain" else 2**at,
            **({"gen_ai__operation__name": "invoke_agent"} if kind == "agent" else {}),
        )
        for at, (parent, kind) in enumerate(tree)
    ]
    random.Random(seed).shuffle(rows)
    file = write_lines(tmp_path_factory.mktemp("tree") / "spans.jsonl", rows)
    read, found = rows_of(file)
    assert sum(row["input_tokens"] for row in read if row["reason"] is None) == sum(2**at for at in innermost)
    assert found.rows == len(rows) == len(read)


def test_a_parent_in_another_file_and_a_file_given_twice_change_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    inner = write_lines(tmp_path / "inner.jsonl", [span("2", "1", 100), span("3", "1", 10)])
    outer = write_lines(tmp_path / "outer.jsonl", [span("1", None, 110, gen_ai__operation__name="chat")])
    assert good_tokens(outer) == 110
    assert good_tokens(inner, outer) == good_tokens(outer, inner) == good_tokens(inner, outer, inner) == 110
    usage = read_usage([inner, outer, inner], table=catalogue.prices, as_of=AS_OF)
    assert usage.notes[0] == "inner.jsonl has the same content as inner.jsonl; its rows are counted once"
    assert (usage.rows.read, usage.rows.priced, usage.rows.rejected) == (5, 2, 3)


def test_what_is_inside_a_tool_is_no_part_of_the_call_that_asked_for_it(tmp_path: Path) -> None:
    tool = span("2", "1", gen_ai__operation__name="execute_tool")
    assert good_tokens(write_lines(tmp_path / "tool.jsonl", [span("1", None, 100), tool, span("3", "2", 10)])) == 110
    plain = span("2", "1")
    assert good_tokens(write_lines(tmp_path / "plain.jsonl", [span("1", None, 100), plain, span("3", "2", 10)])) == 10


def test_a_wrapper_whose_call_states_no_counts_keeps_its_own(tmp_path: Path) -> None:
    silent = span("2", "1", None, gen_ai__operation__name="chat")
    rows, _ = rows_of(write_lines(tmp_path / "log.jsonl", [span("1", None, 100), silent]))
    assert [row["reason"] for row in rows] == [None, "no token counts"]


def test_spans_without_an_id_are_left_alone(tmp_path: Path) -> None:
    bare = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 1}
    assert good_tokens(write_lines(tmp_path / "log.jsonl", [bare, bare])) == 10


def test_judges_are_tasks_of_their_own_unless_the_user_names_the_task(tmp_path: Path) -> None:
    judge = span("1", None, None, openinference__span__kind="EVALUATOR", agent__name="tone")
    file = write_lines(tmp_path / "log.jsonl", [judge, span("2", "1"), span("3", "2", 7), span("4", None, 8)])
    tasks = {row["input_tokens"]: row["task"] for row in rows_of(file)[0] if row["reason"] is None}
    assert tasks == {7: "judge: tone", 8: None}
    by_kind, _ = rows_of(file, task_by='attributes."gen_ai.request.model"')
    assert {row["task"] for row in by_kind} == {"gpt-4o"}


def test_every_row_is_in_the_sum_and_faults_come_before_what_is_as_it_should_be(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    usage = read_usage(LOGS / "otel" / "otlp.jsonl", table=catalogue.prices, as_of=AS_OF)
    rows = usage.rows
    # spans 3 + 1 + 3 + 3 + 2 + 1 + 3, no spans, metrics, a broken line, one span alone
    assert rows.read == 16 + 0 + 1 + 1 + 1 == rows.priced + rows.unpriced + rows.rejected
    assert dict(usage.reject_counts) == {NOT_A_CALL: 5, AROUND: 2, REPLACED: 1, TOTAL: 1, "not a JSON object": 1}
    assert {reject.reason for reject in usage.rejects[:2]} == {TOTAL, "not a JSON object"}


def test_the_published_traces_add_up_to_their_innermost_generations(tmp_path: Path) -> None:
    """Counted without the readers: leaves of type GENERATION that have both counts."""
    file = LOGS / "langfuse" / "traces.jsonl"
    spent = [0, 0]
    for line in file.read_text().splitlines():
        held = json.loads(line)["observations"]
        usage = {each["id"]: each["usageDetails"] for each in held if each["type"] == "GENERATION"}
        parents = {each["parentObservationId"] for each in held if each["usageDetails"].get("output")}
        for id_, counts in usage.items():
            if id_ not in parents and "output" in counts:
                spent = [spent[0] + counts["input"], spent[1] + counts["output"]]
    rows, _ = rows_of(file)
    good = [row for row in rows if row["reason"] is None]
    assert [sum(row[name] for row in good) for name in ("input_tokens", "output_tokens")] == spent == [1103, 491]


@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_and_printed_json_give_the_rows_of_one_object_per_line(tmp_path: Path, indent: int | None) -> None:
    rows = [chat(tokens) for tokens in range(1, 40)]
    lines, _ = rows_of(write_lines(tmp_path / "log.jsonl", rows))
    array = tmp_path / "log.json"
    array.write_text(json.dumps(rows, indent=indent))
    several = tmp_path / "several.json"
    several.write_text("\n".join(json.dumps(row, indent=2) for row in rows))
    for file in (array, several):
        read, _ = rows_of(file)
        assert [row["input_tokens"] for row in read] == [row["input_tokens"] for row in lines]
        assert [row["line"] for row in read] == list(range(1, 40))


def test_an_array_that_breaks_off_keeps_what_stood_before(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    whole = json.dumps([chat(7), chat(8), chat(9)])
    file.write_text(whole[:-20])
    rows, found = rows_of(file)
    assert [row["input_tokens"] for row in rows] == [7, 8]
    assert [(line, reason) for _, line, reason in found.faults] == [(3, "not JSON from here on")]
    file.write_bytes(whole.encode().replace(b"gpt", b"\xff", 2).replace(b"\xff", b"gpt", 1))
    rows, found = rows_of(file)
    assert [row["input_tokens"] for row in rows] == [7, 9]
    assert [reason for *_, reason in found.faults] == ["not UTF-8 text"]
    for empty in ("[]", "[\n]\n"):
        file.write_text(empty)
        with pytest.raises(LogError, match="holds no rows"):
            rows_of(file)


def test_a_trace_longer_than_the_head_is_recognised(tmp_path: Path) -> None:
    observation = json.loads((LOGS / "langfuse" / "observations.jsonl").read_text().splitlines()[0])
    trace = {"trace": {"name": "long"}, "observations": [observation | {"output": "x" * 300_000}]}
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(trace, indent=1))
    rows, found = rows_of(file)
    assert (found.sources[0].reader, rows[0]["task"]) == ("langfuse", "triage")


@pytest.mark.parametrize("sample", ["openinference/phoenix", "logfire/records", "langfuse/observations"])
def test_parquet_of_a_tracer_is_recognised_and_reads_as_its_csv(tmp_path: Path, sample: str) -> None:
    parquet = tmp_path / "spans.parquet"
    duckdb.sql(
        f"COPY (SELECT * FROM read_csv('{LOGS / sample}.csv', all_varchar = true)) TO '{parquet}' (FORMAT parquet)"
    )
    csv_rows, csv_found = rows_of(LOGS / f"{sample}.csv")
    rows, found = rows_of(parquet)
    assert found.sources[0].reader == csv_found.sources[0].reader
    assert [row | {"line": row["line"] + 1} for row in rows] == csv_rows


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    parquet = tmp_path / "observations.parquet"
    duckdb.sql(
        "COPY (SELECT 'a' AS id, 't' AS trace_id, 'GENERATION' AS type, NULL AS parent_observation_id,"
        " TIMESTAMP '2026-06-11 14:01:34' AS start_time, 'gpt-4o' AS provided_model_name, 'triage' AS prompt_name,"
        " MAP {'input': 156::UBIGINT, 'input_cached_tokens': 256, 'output': 37, 'total': 449} AS usage_details,"
        f" 0 AS is_deleted, TIMESTAMP '2026-06-11 14:02:00' AS event_ts) TO '{parquet}' (FORMAT parquet)"
    )
    rows, found = rows_of(parquet)
    assert found.sources[0].reader == "langfuse"
    assert [rows[0][name] for name in ("input_tokens", "cache_read_tokens", "output_tokens")] == [156, 256, 37]


@pytest.mark.parametrize("reader", ["otel", "openinference", "logfire", "langfuse"])
def test_no_text_of_a_span_leaves(tmp_path: Path, catalogue: Catalogue, reader: str) -> None:
    lines = []
    for sample in sorted((LOGS / reader).glob("*.jsonl"))[:3]:
        for line in sample.read_text().splitlines():
            lines.append(line)
            if line.startswith('{"resourceSpans": [{'):
                row = json.loads(line)
                for each in row["resourceSpans"][0]["scopeSpans"][0]["spans"]:
                    each["attributes"].append({"key": "gen_ai.input.messages", "value": {"stringValue": CANARY}})
                    each["attributes"].append({"key": "gen_ai.usage.input_tokens", "value": {"stringValue": CANARY}})
                lines.append(json.dumps(row))
            elif "attributes" in line or "usageDetails" in line:
                row = json.loads(line)
                extra = {"input": CANARY, "output": CANARY, "events": [CANARY], "status_message": CANARY}
                held = row.get("attributes")
                if isinstance(held, dict):
                    extra["attributes"] = held | {"gen_ai.input.messages": CANARY, "input.value": CANARY}  # type: ignore
                lines.append(json.dumps(row | extra))
        lines += [f'{{"resourceSpans": [{{"{CANARY}', f'{{"observations": ["{CANARY}"]}}', CANARY]
    file = write_lines(tmp_path / "log.jsonl", lines)
    usage = read_usage(file, table=catalogue.prices, as_of=AS_OF, reader=reader)
    assert usage.rows.rejected
    assert CANARY not in repr(usage)
