"""No text of a prompt or an answer is in what is returned, in an error, or in a file left behind."""

import csv
import datetime as dt
import gzip
import json
import pickle
import tempfile
import traceback
from pathlib import Path

import duckdb
import pytest
from usage_logs import chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.usage import read_usage
from breakeven.usage.scan import open_engine, scan_files

CANARY = "canary_3f9c1b"
AS_OF = dt.date(2026, 11, 23)

MESSAGES = [{"role": "system", "content": CANARY * 20}, {"role": "user", "content": CANARY}]
ANSWER = {"choices": [{"message": {"content": CANARY}}]}
SPEND = {"spend": 0.1, "prompt_tokens": 10, "completion_tokens": 1, "startTime": "2026-05-01", "model": "gpt-4o"}
INFERENCE = {"inference_id": "i", "model_name": "openai::gpt-4o", "input_tokens": 5, "output_tokens": 1}


def logs() -> dict[str, list[dict[str, object] | str]]:
    """A log of each text format with the canary wherever text may be, in good rows and in broken ones."""
    broken = [f'{{"content": "{CANARY}', CANARY, f'["{CANARY}"]', f'{{"usage": {{"prompt_tokens": "{CANARY}"}}}}']
    return {
        "openai.jsonl": [chat(**ANSWER, instructions=CANARY), chat(usage={"prompt_tokens": CANARY}), *broken],
        "provider.jsonl": [{"body": {**ANSWER, "usage": {"inputTokens": 1, "outputTokens": 2}}}, *broken],
        "litellm.jsonl": [
            SPEND | {"messages": MESSAGES, "response": ANSWER},
            SPEND | {"messages": json.dumps(MESSAGES), "metadata": CANARY},
            SPEND | {"prompt_tokens": CANARY},
            *broken,
        ],
        "exchanges.jsonl": [
            {"request": {"messages": MESSAGES, "system": CANARY}, "response": ANSWER | chat()},
            {"request": {"input": CANARY}, "response": f"data: {json.dumps({'usage': chat()['usage'], 'c': CANARY})}"},
            {"request": {}, "response": f"data: {CANARY}"},
            *broken,
        ],
        "helicone.jsonl": [
            {"request_id": CANARY, "request_created_at": "2026-05-01", "prompt_tokens": 1, "completion_tokens": 1}
            | {"request_body": {"messages": MESSAGES}, "response_body": json.dumps(chat() | ANSWER)},
            *broken,
        ],
        "bedrock.jsonl": [
            {
                "schemaType": "ModelInvocationLog",
                "input": {"inputTokenCount": 1, "inputBodyJson": {"messages": MESSAGES}},
            }
            | {"output": {"outputTokenCount": 1, "outputBodyJson": ANSWER}, "errorCode": CANARY},
            *broken,
        ],
        "tensorzero.jsonl": [
            INFERENCE | {"raw_response": json.dumps(ANSWER), "system": CANARY * 9, "input_messages": CANARY},
            INFERENCE | {"raw_response": CANARY, "raw_request": json.dumps({"messages": MESSAGES})},
            *broken,
        ],
    }


def checked(usage: object) -> None:
    assert CANARY not in repr(usage)
    assert CANARY.encode() not in pickle.dumps(usage)


@pytest.mark.parametrize("task_by", [None, "prompt"])
def test_nothing_returned_holds_text(tmp_path: Path, catalogue: Catalogue, task_by: str | None) -> None:
    files = [write_lines(tmp_path / f"{name}.gz", rows) for name, rows in logs().items()]
    table = tmp_path / "calls.csv"
    with table.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["model", "input_tokens", "output_tokens", "prompt", "answer"])
        writer.writerows([["gpt-4o", 5, 1, CANARY * 30, CANARY], ["gpt-4o", CANARY, 1, CANARY], [CANARY]])
    parquet = tmp_path / "calls.parquet"
    duckdb.sql(
        f"COPY (SELECT 'm' AS model, 1 AS input_tokens, '{CANARY}' AS output_tokens, '{CANARY}' AS prompt)"
        f" TO '{parquet}' (FORMAT parquet)"
    )
    usage = read_usage([*files, table, parquet], table=catalogue.prices, as_of=AS_OF, task_by=task_by)
    assert usage.rows.rejected >= 7 * 4 + 3
    assert any(profile.prefix_share for profile in usage.profiles)
    checked(usage)


def test_no_error_holds_text(tmp_path: Path, catalogue: Catalogue) -> None:
    cases: list[bytes] = [
        f"{CANARY},second\nx,y\n".encode() * 3,
        json.dumps({CANARY + " with a blank": CANARY, "b": {"c": CANARY}}).encode(),
        f"[{CANARY}".encode(),
        CANARY.encode(),
        b"PAR1" + CANARY.encode() * 10,
        gzip.compress((CANARY * 5000).encode())[:-20],
        write_lines(tmp_path / "mixed", [chat(**ANSWER), SPEND | {"messages": MESSAGES}]).read_bytes(),
        f"model,input_tokens,{CANARY} {CANARY}\n1,2,3\n".encode(),
    ]
    for number, content in enumerate(cases):
        file = tmp_path / f"case-{number}"
        file.write_bytes(content)
        with pytest.raises(LogError) as fault:
            read_usage(file, table=catalogue.prices, as_of=AS_OF)
        if number:  # the header of the first is made of names that look like columns
            shown = "".join(traceback.format_exception(fault.value)) + repr(fault.value.__context__)
            assert CANARY not in shown, number


def test_a_fault_of_the_engine_is_told_without_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(**ANSWER)])
    monkeypatch.setattr("breakeven.usage.mapping.canonical", lambda *_, **__: f"SELECT error('{CANARY}') AS file")
    with open_engine() as engine, pytest.raises(LogError, match="lines 1 to 1 cannot be read") as fault:
        scan_files(engine, [file])
    for error in (fault.value, fault.value.__context__, fault.value.__cause__):
        assert CANARY not in repr(error)


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.chdir(place)
    logged = tmp_path / "logs"
    logged.mkdir()
    files = [write_lines(logged / name, rows) for name, rows in logs().items()]
    before = {file: file.read_bytes() for file in files}
    read_usage(files, table=catalogue.prices, as_of=AS_OF)
    assert list(place.rglob("*")) == []
    assert {file: file.read_bytes() for file in logged.iterdir()} == before


def test_no_prompt_is_kept_even_inside_the_engine(tmp_path: Path) -> None:
    with open_engine() as engine:
        scan_files(engine, [write_lines(tmp_path / name, rows) for name, rows in logs().items()])
        tables = [name for (name,) in engine.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        assert tables == ["calls"]
        assert CANARY not in repr(engine.execute("SELECT * FROM calls").fetchall())


def test_no_extension_is_fetched_or_loaded() -> None:
    with open_engine() as engine:
        asked = "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
        assert dict(engine.execute(asked).fetchall()) == {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
