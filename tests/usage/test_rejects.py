"""A row that is no call is rejected with its file, its line and the reason; everything else is counted."""

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from usage_logs import chat, rows_of, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.usage import read_usage
from breakeven.usage.lines import CHUNK_BYTES, MAX_LINE_BYTES

AS_OF = dt.date(2026, 11, 23)


def reasons(file: Path, **options: Any) -> list[tuple[int, str]]:
    """(line, reason) of each row rejected."""
    rows, found = rows_of(file, **options)
    bad = [(row["line"], row["reason"]) for row in rows if row["reason"]]
    return sorted(bad + [(line, reason) for _, line, reason in found.faults])


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_first_middle_and_last_line_keep_their_numbers(tmp_path: Path, name: str) -> None:
    good = chat()
    lines = ["{broken", good, "", good, "nonsense", "   ", good, "[1]", good, "{"]
    file = write_lines(tmp_path / name, lines)
    found = [(line, "not a JSON object") for line in (1, 5, 8, 10)]
    assert reasons(file) == found


def test_windows_lines_a_byte_order_mark_and_no_last_newline(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(), "x", chat()])
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n").rstrip())
    rows, _ = rows_of(file)
    assert [(row["line"], row["reason"]) for row in rows] == [(1, None), (2, "not a JSON object"), (3, None)]


def test_lines_that_are_not_utf8_or_hold_a_nul(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(), "?", chat(), '{"a": "\x00"}', chat()])
    file.write_bytes(file.read_bytes().replace(b"?", b'{"a": "\xff"}'))
    assert reasons(file) == [(2, "not UTF-8 text"), (4, "not a JSON object")]


def test_a_line_too_long_to_hold_is_one_reject(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl.gz"
    with gzip.open(file, "wb", compresslevel=1) as handle:
        handle.write(write_lines(tmp_path / "one", [chat()]).read_bytes())
        handle.write(b"x" * (MAX_LINE_BYTES + CHUNK_BYTES + 5) + b"\n")
        handle.write(write_lines(tmp_path / "one", ["bad", chat()]).read_bytes())
    assert reasons(file) == [(2, "longer than 64 MiB"), (3, "not a JSON object")]


def test_lines_keep_their_numbers_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [chat(), "bad", "", chat()] * 12
    file = write_lines(tmp_path / "log.jsonl", rows)
    table = tmp_path / "calls.csv"
    table.write_text("model,input_tokens,output_tokens,task\n" + 'm,1,1,"a\nb"\nm,1\n\n' * 12)
    whole = reasons(file), reasons(table)
    assert [line for line, _ in whole[0]] == [2 + 4 * number for number in range(12)]
    assert [line for line, _ in whole[1]] == [4 + 4 * number for number in range(12)]
    for size in (1, 64, 999):
        monkeypatch.setattr("breakeven.usage.lines.CHUNK_BYTES", size)
        assert (reasons(file), reasons(table)) == whole


WHOLE = "{} is not a whole number from 0 to 10^12"


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        ({"prompt_tokens": -1, "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": 1.5, "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": 1e30, "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": 10**12 + 1, "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": "many", "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": True, "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": {"a": 1}, "completion_tokens": 1}, WHOLE.format("input_tokens")),
        ({"prompt_tokens": 1, "completion_tokens": 1e400}, WHOLE.format("output_tokens")),
        ({"prompt_tokens": 1, "completion_tokens": -3, "total_tokens": 1}, WHOLE.format("output_tokens")),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0.5}},
            WHOLE.format("cache_read_tokens"),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 10}},
            "cached tokens exceed the input_tokens that hold them",
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 2}},
            "reasoning_tokens exceed the output_tokens that hold them",
        ),
        ({"prompt_tokens": 9}, "no output_tokens"),
        ({"completion_tokens": 9}, "no token counts"),
        (None, "no token counts"),
        ({}, "no token counts"),
    ],
)
def test_counts_that_cannot_be(tmp_path: Path, usage: dict[str, Any] | None, reason: str) -> None:
    text = json.dumps(chat(usage=usage)).replace("Infinity", "1e400")
    assert reasons(write_lines(tmp_path / "log.jsonl", [chat(), text])) == [(2, reason)]


@pytest.mark.parametrize("count", [0, 1, 12.0, "12", 10**12])
def test_counts_that_can_be(tmp_path: Path, count: object) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(usage={"prompt_tokens": count, "completion_tokens": 0})])
    rows, _ = rows_of(file)
    assert (rows[0]["reason"], rows[0]["input_tokens"]) == (None, int(count))  # type: ignore[call-overload]


@pytest.mark.parametrize("time", ["yesterday", "2026-02-30", "1999-12-31", "2100-01-01", "12", "infinity", "1e40"])
def test_times_that_cannot_be(tmp_path: Path, time: str) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(f"model,input_tokens,output_tokens,timestamp\nm,1,1,{time}\n")
    assert reasons(file) == [(2, "unreadable time, or outside 2000 to 2099")]


@pytest.mark.parametrize("cost", ["-0.1", "free", "inf", "1e10"])
def test_costs_that_cannot_be(tmp_path: Path, cost: str) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(f"model,input_tokens,output_tokens,cost\nm,1,1,{cost}\n")
    assert reasons(file) == [(2, "cost is not a number from 0 to 1,000,000,000")]


def test_csv_records_that_do_not_fit_the_header(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_bytes(
        b"task,model,input_tokens,output_tokens\r\n"
        b"a,m,1\r\n"
        b"\r\n"
        b'"two\r\nlines",m,1,2\r\n'
        b"b,m,1,2,3\r\n"
        b"c\xff,m,1,2\r\n"
        b'd,"m"x,1,2\r\n'
        b"e,m,1,2\r\n"
        b'f,m,1,"2\r\n'
    )
    assert reasons(file) == [
        (2, "3 fields where the header has 4"),
        (6, "5 fields where the header has 4"),
        (7, "not UTF-8 text"),
        (8, "its quotes do not match"),
        (10, "its quotes do not match"),
    ]
    rows, found = rows_of(file)
    assert [(row["line"], row["task"]) for row in rows] == [(4, "two\r\nlines"), (9, "e")]
    assert found.rows == 7


def test_an_unknown_model_is_no_reason_to_reject(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [
        chat(model="a-model-nobody-lists"),
        chat(model=None),
        {"usage": chat()["usage"], "object": "chat.completion"},
    ]
    usage = read_usage(write_lines(tmp_path / "log.jsonl", rows), table=catalogue.prices, as_of=AS_OF)
    assert (usage.rows.read, usage.rows.unpriced, usage.rows.rejected) == (3, 3, 0)
    assert usage.cost_usd == 0
    assert all(profile.cost_usd is None for profile in usage.profiles)
    why = {profile.model: profile.unpriced_reason for profile in usage.profiles}
    assert why[None] == "the log names no model"
    assert "a-model-nobody-lists" in why["a-model-nobody-lists"]


def test_rejects_are_listed_up_to_a_thousand_and_counted_all(tmp_path: Path, catalogue: Catalogue) -> None:
    broken = write_lines(tmp_path / "b.jsonl", [chat(), *["x"] * 1500])
    quoted = tmp_path / "c.csv"
    quoted.write_text("model,input_tokens,output_tokens\nm,1,1\n" + "m,1\n" * 1500)
    usage = read_usage([broken, quoted], table=catalogue.prices, as_of=AS_OF)
    assert (usage.rows.read, usage.rows.rejected, len(usage.rejects)) == (3002, 3000, 1000)
    assert dict(usage.reject_counts) == {"not a JSON object": 1500, "2 fields where the header has 3": 1500}
    assert [reject.line for reject in usage.rejects] == list(range(2, 1002))
    assert {reject.file for reject in usage.rejects} == {"b.jsonl"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no rows"),
        (b"\n \n", "holds no rows"),
        (b"\xef\xbb\xbf", "holds no rows"),
        (b"model,input_tokens,output_tokens\n", "holds no rows"),
        (b"PAR1 is not all it takes", "not a Parquet file that can be read"),
        (b"\x1f\x8b\x08 gzip only at its beginning", "is damaged: its gzip data do not decompress"),
    ],
)
def test_files_without_a_row(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "log"
    file.write_bytes(content)
    with pytest.raises(LogError, match=message) as fault:
        rows_of(file)
    assert "\n" not in str(fault.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for place, message in ((tmp_path / "none.jsonl", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(LogError, match=message):
            rows_of(place)
