"""Rows in lists inside JSON objects are the rows that the same objects are one a line, however the text is laid out."""

import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from usage_logs import chat, rows_of

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.usage import json_values, read_usage
from breakeven.usage.column_map import read_map
from breakeven.usage.documents import Form, document_chunks, document_head, form_of, is_document
from breakeven.usage.explain import explain
from breakeven.usage.inputs import LogFile, as_log
from breakeven.usage.json_values import BrokenError, Values
from breakeven.usage.lines import HEAD_BYTES, TOO_LONG
from breakeven.usage.readers.reader import BOM
from breakeven.usage.said import Wanted, texts_of, want
from breakeven.usage.scan import open_engine, scan_files
from breakeven.usage.wrapped import Lists

CALLS = [chat(100 + number, number + 1, id=f"chatcmpl-{number:020}") for number in range(6)]
UNNAMED = [call | {"id": "x"} for call in CALLS]
"""The same, each of which may be met again and be another call."""
BROKEN = "not JSON from here on"
NO_COUNTS = "no token counts"
NOT_OBJECT = "not a JSON object"

NAMES = ["TimeGenerated", "ModelName", "PromptTokens", "CompletionTokens", "CorrelationId"]
VALUES = [["2026-06-01T08:00:00Z", "gpt-4o", 100 + number, number + 1, f"{number:020}"] for number in range(6)]

WRAPPED: dict[str, Any] = {
    "the list alone": {"records": CALLS},
    "a page": {"object": "list", "data": CALLS, "has_more": False, "next": None},
    "rows after a list of something else": {"links": [{"rel": "next"}], "notes": [[1], []], "value": CALLS},
    "rows deep inside": {"data": {"project": {"calls": {"items": CALLS, "total": 6}}}, "errors": []},
    "rows in a list of lists": {"sessions": [{"id": 1, "calls": CALLS[:2]}, {"calls": []}, {"calls": CALLS[2:]}]},
    "two lists of rows": {"chat": CALLS[:4], "later": CALLS[4:]},
    "text before": {"about": 'a "list": [{"x": 1}], and {', "results": CALLS},
    "the text of an event": {"events": [{"timestamp": 1, "message": json.dumps(row)} for row in CALLS]},
    "pairs": {"results": [[{"field": "@message", "value": json.dumps(row)}] for row in CALLS], "status": "Complete"},
    "columns": {"tables": [{"name": "t", "columns": [{"name": each} for each in NAMES], "rows": VALUES}]},
    "names": {"columns": NAMES, "index": [0, 1], "data": VALUES},
}

LAYOUTS: dict[str, Callable[[Any], bytes]] = {
    "one line": lambda value: json.dumps(value).encode(),
    "without spaces": lambda value: json.dumps(value, separators=(",", ":")).encode(),
    "a line with its end": lambda value: json.dumps(value).encode() + b"\r\n",
    "printed": lambda value: json.dumps(value, indent=2).encode(),
    "printed with a mark": lambda value: BOM + json.dumps(value, indent="\t").replace("\n", "\r\n").encode(),
    "a row a line": lambda value: json.dumps(value).replace('}, {"object"', '},\n{"object"').encode(),
    "gzip": lambda value: gzip.compress(json.dumps(value, indent=1).encode()),
    "Zstandard": lambda value: zstandard.ZstdCompressor().compress(json.dumps(value).encode()),
    "in an array": lambda value: json.dumps([value]).encode(),
}


def log(tmp_path: Path, data: bytes | str, name: str = "log.json") -> Path:
    file = tmp_path / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return file


def counts(rows: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    return [(row["line"], row["input_tokens"], row["output_tokens"]) for row in rows if row["reason"] is None]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_rows_are_the_same_however_they_are_wrapped(tmp_path: Path, wrapped: str, layout: str) -> None:
    rows, found = rows_of(log(tmp_path, LAYOUTS[layout](WRAPPED[wrapped])))
    assert found.sources[0].reader == ("azure" if wrapped in ("columns", "names") else "openai-response")
    assert counts(rows) == [(number + 1, 100 + number, number + 1) for number in range(6)]
    assert (found.rows, found.faults) == (6, [])


@pytest.mark.parametrize("between", ["\n", "", "\n\n", " , "])
@pytest.mark.parametrize("indent", [None, 1])
def test_documents_one_after_the_other_are_numbered_through(tmp_path: Path, between: str, indent: int | None) -> None:
    pages = [{"data": CALLS[:2]}, {"data": []}, {"data": CALLS[2:5]}, {"data": CALLS[5:]}]
    rows, found = rows_of(log(tmp_path, between.join(json.dumps(page, indent=indent) for page in pages)))
    assert counts(rows) == [(number + 1, 100 + number, number + 1) for number in range(6)]
    assert found.rows == 6


def test_what_is_no_call_is_rejected_with_its_number(tmp_path: Path) -> None:
    sessions = [{"calls": [CALLS[0], None, 5, "x", [], chat(usage=None)]}, {"id": 7}, 8]
    documents = [{"sessions": sessions}, CALLS[1], {"note": {"code": 429}}, {"sessions": [{"calls": CALLS[2:3]}]}]
    rows, found = rows_of(log(tmp_path, "\n".join(map(json.dumps, documents))))
    assert counts(rows) == [(1, 100, 1), (9, 101, 2), (11, 102, 3)]
    bad = {row["line"]: row["reason"] for row in rows if row["reason"] is not None}
    assert bad == {
        **dict.fromkeys((2, 3, 4, 5, 8), NOT_OBJECT),
        **dict.fromkeys((6, 7, 10), NO_COUNTS),
    }
    assert (found.rows, found.faults) == (11, [])


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_cut_anywhere_keeps_the_rows_before_the_cut(tmp_path: Path, indent: int | None) -> None:
    rows = [{"usage": {"prompt_tokens": 5, "completion_tokens": 6}, "object": "chat.completion"}] * 2
    whole = json.dumps({"a": [1], "data": rows, "n": 12}, indent=indent)
    ends = [place for place in range(len(whole)) if whole.startswith('"chat.completion"', place - 16)]
    for length in range(2, len(whole)):
        there = sum(length > end + (1 if indent is None else 4) for end in ends)
        try:
            found = rows_of(log(tmp_path, whole[:length]))[1]
        except LogError:
            assert not there
            continue
        faults = [(line, reason) for _, line, reason in found.faults]
        assert (found.rows, faults) == (there + 1, [(there + 1, BROKEN)])


def test_a_broken_document_on_a_line_of_its_own_loses_its_own_rows_alone(tmp_path: Path) -> None:
    line = json.dumps({"data": UNNAMED})
    stray = line.encode().replace(b"gpt-4o", b"gpt-\xff4o", 1)
    bad = [line[:800].encode(), line.replace("}, {", "} {", 1).encode(), b"} nonsense {", stray]
    file = log(tmp_path, b"\n".join([line.encode(), *(piece for each in bad for piece in (each, line.encode()))]))
    rows, found = rows_of(file)
    before = line[:800].count("}, {")
    assert len(counts(rows)) == 5 * 6 + before + 1 + 5
    assert sorted(reason for _, _, reason in found.faults) == ["not JSON from here on"] * 3 + ["not UTF-8 text"]
    assert found.rows == len(counts(rows)) + 4


def test_a_printed_document_that_is_broken_ends_with_one_fault(tmp_path: Path) -> None:
    text = json.dumps({"data": CALLS}, indent=1)
    second = text.index('"object"', text.index('"object"') + 1)
    _, found = rows_of(log(tmp_path, text[:second] + "oops" + text[second:]))
    assert (found.rows, [fault[1:] for fault in found.faults]) == (2, [(2, BROKEN)])


def test_damage_of_packed_data_ends_the_rows(tmp_path: Path) -> None:
    rows = [chat(id=f"{number:x}" * 9) for number in range(20_000)]
    packed = gzip.compress(json.dumps({"data": rows}).encode())
    found = rows_of(log(tmp_path, packed[: len(packed) * 3 // 4]))[1]
    assert 10_000 < found.rows < 20_000
    assert [fault[1:] for fault in found.faults] == [(found.rows, "its gzip data end early")]


def test_rows_that_begin_late_or_are_long_are_found(tmp_path: Path) -> None:
    long = chat(choices=[{"message": {"content": "x" * 5 * HEAD_BYTES}}])
    late = {"about": "y" * 3 * HEAD_BYTES, "list": [{"z": 1}] * HEAD_BYTES, "data": [long, *CALLS[:2]]}
    for indent in (None, 1):
        rows, _ = rows_of(log(tmp_path, json.dumps(late, indent=indent)))
        assert counts(rows) == [(1, 100, 10), (2, 100, 1), (3, 101, 2)]


def test_a_second_list_of_rows_far_behind_the_first_is_read_too(tmp_path: Path) -> None:
    many = [chat(200, 5)] * 1000
    documents = [{"data": many, "more": {"late": UNNAMED}, "other": [{"a": 1}]}, {"late": UNNAMED[:1], "data": []}]
    assert len(json.dumps(many)) > 2 * HEAD_BYTES
    rows, found = rows_of(log(tmp_path, "\n".join(map(json.dumps, documents))))
    assert found.rows == 1007
    assert counts(rows)[1000:] == [(1001 + number, 100 + number, number + 1) for number in range(6)] + [(1007, 100, 1)]


def test_an_object_that_a_reader_knows_is_not_taken_apart(tmp_path: Path) -> None:
    observation = {"id": "o", "traceId": "t", "type": "GENERATION", "usageDetails": {"input": 5, "output": 6}}
    trace = {"id": "t", "name": "triage", "observations": [observation | {"model": "gpt-4o"}]}
    rows, _ = rows_of(log(tmp_path, json.dumps(trace, indent=1)))
    assert [(row["task"], row["input_tokens"]) for row in rows] == [("triage", 5)]
    result = {"object": "organization.usage.completions.result", "input_tokens": 5, "output_tokens": 1}
    bucket = {"start_time": 1764547200, "results": [result | {"num_model_requests": 1, "model": "gpt-4o"}]}
    rows, found = rows_of(log(tmp_path, json.dumps({"object": "page", "data": [bucket]}, indent=1)))
    assert found.sources[0].reader == "openai-usage"
    assert [row["at_us"] for row in rows] == [1764547200_000000]


def test_lists_of_a_row_are_no_rows(tmp_path: Path) -> None:
    row = chat(choices=[{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}], tools=[CALLS[0]])
    rows, found = rows_of(log(tmp_path, json.dumps({"data": [row]})))
    assert (found.rows, counts(rows)) == (1, [(1, 100, 10)])


def test_two_formats_in_the_lists_of_one_file_are_told(tmp_path: Path) -> None:
    spend = {"spend": 1.0, "prompt_tokens": 1, "completion_tokens": 1, "startTime": "2026-01-01", "model": "m"}
    with pytest.raises(LogError, match="claimed by openai-response and litellm"):
        rows_of(log(tmp_path, json.dumps({"a": CALLS, "b": [spend]})))
    assert rows_of(log(tmp_path, json.dumps({"a": CALLS, "b": [spend]})), reader="litellm")[1].rows == 1


def test_only_a_little_of_a_long_list_is_held(tmp_path: Path) -> None:
    text = io.BytesIO(json.dumps({"data": [chat()] * 100_000}).encode())
    values, longest, rows = Values(text), 0, 0
    values.take("{"), values.value(), values.take(":"), values.take("[")
    while values.peek() != "]":
        values.value()
        longest, rows = max(longest, len(values.text)), rows + 1
        values.take(",]")
        if values.text[values.place - 1] == "]":
            break
    assert rows == 100_000
    assert longest <= 2 * json_values.PIECE_BYTES


def test_a_value_that_is_too_long_is_one_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "MAX_LINE_BYTES", 50_000)
    monkeypatch.setattr(json_values, "PIECE_BYTES", 10_000)
    long = chat(choices=[{"message": {"content": "x" * 200_000}}])
    lines = [{"data": CALLS[:2]}, {"data": [CALLS[2], long, CALLS[3]]}, {"about": "y" * 90_000}, {"data": CALLS[4:]}]
    rows, found = rows_of(log(tmp_path, "\n".join(map(json.dumps, lines))))
    assert [row["input_tokens"] for row in rows] == [100, 101, 102, 104, 105]
    assert [fault[1:] for fault in found.faults] == [(4, TOO_LONG), (5, TOO_LONG)]


def test_text_that_is_no_json_is_told_at_once_and_not_after_64_mib() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return (b'[{"a": tru3}' + b" " * size)[:size]

    handle = Endless()
    values = Values(handle)  # type: ignore[arg-type]
    values.take("[")
    with pytest.raises(BrokenError, match=BROKEN):
        values.value()
    assert handle.given == json_values.PIECE_BYTES


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_values_are_the_same_however_the_text_comes(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    monkeypatch.setattr(json_values, "PIECE_BYTES", pieces)
    given = [12.5, -3, True, None, 'é "\\ \n 😀', {"ü": [1, {"b": "]}"}]}, [], 1e300, 7]
    text = json.dumps(given, ensure_ascii=False) + json.dumps(given)
    values, found = Values(io.BytesIO(text.encode())), []
    for _ in range(2):
        values.take("[")
        while True:
            found.append(json.loads(values.value()))
            if values.take(",]") == "]":
                break
    assert found == given * 2
    assert values.peek() == ""


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    data = json.dumps({"data": CALLS}, indent=1).encode()
    with open_engine() as engine:
        found = scan_files(engine, [LogFile("standard input", "-", lambda: io.BytesIO(data))])
    assert found.rows == 6


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b'[{"a": 1}]', True),
        (b"{\n", True),
        (b'{"a": [\n{"b": 1},', True),
        (b'{"a": 1}{"a": 2}\n{"a": 3}\n', True),
        (b'{"a": 1}\n{"a": 2}\n', False),
        (b'{"a": \n{"a": 2}\n{"a": 3}\n', False),
        (b'{"a": "cut\n{"a": 2}\n', False),
        (b'{"a": [1, 2', False),
        (b"a,b\n1,2\n", False),
        (b"", False),
    ],
)
def test_objects_that_do_not_each_have_a_line_are_told(head: bytes, is_one: bool) -> None:
    assert is_document(head) is is_one


def test_without_lists_the_objects_are_rows(tmp_path: Path) -> None:
    text = json.dumps(CALLS[0]) + json.dumps(CALLS[1]) + "\n" + json.dumps(CALLS[2])
    file = log(tmp_path, text)
    form = form_of(text.encode(), lambda head: False)
    assert form == Form(None, by_line=True)
    (chunk,) = document_chunks(file, form)
    assert chunk.lines == [1, 2, 3]
    assert len(document_head(file, form).splitlines()) == 3


def test_lists_are_asked_about_once() -> None:
    asked = list[bytes]()
    lists = Lists(lambda head: bool(asked.append(head)) or head.startswith(b'{"usage"'))
    for _ in range(3):
        assert list(lists.of({"a": [{"b": [{"usage": 1}]}], "c": [{"d": 1}]})) == [{"usage": 1}]
    assert lists.paths == {("a", "*", "b")}
    assert len(asked) == 3


def test_a_map_and_named_columns_reach_into_lists(tmp_path: Path) -> None:
    row = {"who": "gpt-4o", "n": {"in": 5, "out": 7}}
    file = log(tmp_path, json.dumps({"odd": [row] * 3}, indent=1))
    map_ = log(tmp_path, "model: who\ninput_tokens: n.in\noutput_tokens: n.out\n", "map.yaml")
    rows, found = rows_of(file, column_map=read_map(map_))
    assert found.sources[0].reader == "map.yaml"
    assert counts(rows) == [(1, 5, 7), (2, 5, 7), (3, 5, 7)]
    named = {"model": "who", "input_tokens": "n.in", "output_tokens": "n.out"}
    assert counts(rows_of(file, columns=named)[0]) == counts(rows)


def test_explained_with_the_list_and_a_map_proposed_for_what_is_in_it(tmp_path: Path) -> None:
    found = explain(as_log(log(tmp_path, json.dumps({"a b": {"data": CALLS}}))))
    assert (found.kind, found.reader) == ("JSON objects with the rows in ?.data", "openai-response")
    assert [example["input_tokens"] for example in found.examples] == [100, 101, 102]
    odd = {"calls": [{"who": "gpt-4o", "tokens": {"in": 5, "out": 7}}] * 2, "meta": [{"tokens": 5}]}
    found = explain(as_log(log(tmp_path, json.dumps(odd))))
    assert (found.kind, found.reader) == ("JSON objects with the rows in calls", None)
    proposed = found.proposed_map or ""
    assert "input_tokens: tokens.in\n" in proposed
    assert counts(rows_of(log(tmp_path, json.dumps(odd)), column_map=read_map(log(tmp_path, proposed, "m.yaml")))[0])


def test_texts_of_rows_on_one_line_are_told_apart(tmp_path: Path) -> None:
    rows = [chat(request={"messages": [{"role": "user", "content": f"text {number}"}]}) for number in range(3)]
    for value in ({"data": rows}, rows):
        file = as_log(log(tmp_path, json.dumps(value)))
        with open_engine() as engine:
            found = scan_files(engine, [file])
            assert want(found, "NOT faulty", {"model": "model"}) == 3
            said = [asked for asked, *_ in texts_of(engine, [file], Wanted(None, None, ("model",)))]
        assert sorted(said) == [json.dumps(row["request"], separators=(",", ":")) for row in rows]


def test_pages_are_priced_beside_other_files(tmp_path: Path, catalogue: Catalogue) -> None:
    page = log(tmp_path, json.dumps({"data": CALLS, "error": None}), "page.json")
    cut = log(tmp_path, json.dumps({"data": CALLS}, indent=1)[:1500], "cut.json")
    none = log(tmp_path, json.dumps({"data": [], "error": None}), "none.json")
    usage = read_usage([page, cut, none], table=catalogue.prices, as_of=dt.date(2026, 11, 23))
    assert (usage.files[0].priced, usage.files[0].rejected) == (6, 0)
    assert usage.rows.read == usage.rows.priced + usage.rows.rejected
    assert [skipped.file for skipped in usage.skipped] == ["none.json"]
