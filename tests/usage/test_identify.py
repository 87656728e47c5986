"""Exactly one reader claims a file; otherwise the error says who, what was seen, and what to do."""

from pathlib import Path
from typing import Any

import pytest
from usage_logs import chat, rows_of, write_lines

from breakeven.errors import LogError
from breakeven.usage.lines import HEAD_BYTES, read_head
from breakeven.usage.readers import READERS, find_reader, identify

SPEND = {"spend": 1.0, "prompt_tokens": 1, "completion_tokens": 1, "startTime": "2026-01-01", "model": "m"}


def claimed(tmp_path: Path, *rows: dict[str, Any] | str) -> str:
    file = write_lines(tmp_path / "log.jsonl", rows)
    return identify(read_head(file), file.name).name


def test_two_claimants_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"mixed\.jsonl: claimed by openai-response and litellm; .*--reader"):
        rows_of(write_lines(tmp_path / "mixed.jsonl", [chat(), SPEND]))


def test_the_reader_can_be_chosen(tmp_path: Path) -> None:
    rows, found = rows_of(write_lines(tmp_path / "mixed.jsonl", [chat(), SPEND]), reader="litellm")
    assert found.sources[0].reader == "litellm"
    assert [row["reason"] for row in rows] == ["no token counts", None]


def test_an_unknown_reader_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"No reader 'lite-llm'\. Did you mean litellm"):
        rows_of(write_lines(tmp_path / "log.jsonl", [chat()]), reader="lite-llm")


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ('{"prompt": "x", "answer text": "y"}\n', "its first JSON object has prompt and 1 more"),
        ("when,who,what\n1,2,3\n", "its columns are when, who, what"),
        ('[{"prompt": "x"}]', "its first JSON object has prompt"),
        ('[{"object": "chat.completion", ', "it is a JSON array that does not begin with a whole object"),
        ("Dear Sir,\nplease find\n", "its first line is neither"),
    ],
)
def test_no_claimant_names_what_was_seen_and_the_readers(tmp_path: Path, content: str, seen: str) -> None:
    file = tmp_path / "odd.txt"
    file.write_text(content)
    with pytest.raises(LogError) as fault:
        rows_of(file)
    message = str(fault.value)
    assert message.startswith("odd.txt: no reader knows this format; ")
    assert seen in message
    assert all(reader.name in message for reader in READERS)
    assert "--column NAME=COLUMN" in message
    assert "docs/log-formats.md" in message


def test_evidence_is_found_behind_a_broken_line_and_in_long_lines(tmp_path: Path) -> None:
    assert claimed(tmp_path, "broken {", chat()) == "openai-response"
    long = chat(choices=[{"message": {"content": "x" * 5 * HEAD_BYTES}}])
    assert claimed(tmp_path, long) == "openai-response"
    assert claimed(tmp_path, {"padding": "x" * 3 * HEAD_BYTES, **SPEND}, SPEND) == "litellm"


def test_a_response_beside_a_request_is_not_the_response(tmp_path: Path) -> None:
    record = {"timestamp": "2026-01-01", "status": "success", "model": "m", "prompt_tokens": 1, "completion_tokens": 1}
    assert claimed(tmp_path, record | {"cost": 0.1, "response": chat()}) == "litellm"


def test_litellm_exports_are_not_taken_for_plain_tables() -> None:
    head = b"request_id,spend,prompt_tokens,completion_tokens,startTime,model\n"
    assert identify(head, "spend.csv").name == "litellm"
    assert identify(head.replace(b"spend", b"price"), "calls.csv").name == "table"


def test_columns_must_exist_and_be_known(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("model,tokens_in,tokens_out\nm,1,2\n")
    with pytest.raises(LogError, match=r"no column 'token_in'\. Did you mean tokens_in"):
        rows_of(file, columns={"input_tokens": "token_in", "output_tokens": "tokens_out"})
    with pytest.raises(LogError, match=r"No column 'input_token' to name\. Did you mean input_tokens"):
        rows_of(file, columns={"input_token": "tokens_in"})
    with pytest.raises(LogError, match="no column for output_tokens"):
        rows_of(file, columns={"input_tokens": "tokens_in"})
    with pytest.raises(LogError, match="for the reader 'table' only"):
        rows_of(file, columns={"input_tokens": "tokens_in"}, reader="litellm")


def test_names_are_unique_and_found() -> None:
    assert len({reader.name for reader in READERS}) == len(READERS)
    assert [find_reader(reader.name) for reader in READERS] == list(READERS)


def test_hostile_field_names_are_text_and_not_sql(tmp_path: Path) -> None:
    name = "it's; DROP TABLE calls --"
    file = write_lines(tmp_path / "it's.jsonl", [chat(**{name: "kept"})])
    rows, _ = rows_of(file, task_by=name)
    assert rows[0]["task"] == "kept"
    table = tmp_path / "it's.csv"
    table.write_text(f'model,input_tokens,output_tokens,"{name} ""x"""\nm,1,2,kept\n')
    assert rows_of(table, task_by=f'{name} "x"')[0][0]["task"] == "kept"
    with pytest.raises(LogError, match="double quote"):
        rows_of(file, task_by='a"b')
    with pytest.raises(LogError, match="braces"):
        rows_of(file, task_by="{model}")
