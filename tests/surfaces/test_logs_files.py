"""``breakeven logs`` with its files: maps, explanations, rejects, FOCUS; progress and Ctrl-C on a terminal."""

import json
import os
import pty
import select
import sys
import time
from pathlib import Path

import pytest

from breakeven.surfaces.cli import main

ROOT = Path(__file__).parents[2]
CALL = {
    "object": "chat.completion",
    "created": 1741106434,
    "model": "gpt-4o-mini-2024-07-18",
    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
}

Captured = pytest.CaptureFixture[str]


def test_explain_map_and_read(tmp_path: Path, capsys: Captured) -> None:
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"llm": "gpt-4o", "tokens_in": 10, "tokens_out": 2, "usd_cost": 0, "x": "secret"}\n')
    assert main(["logs", "--explain", str(odd)]) == 0
    proposed = capsys.readouterr().out
    assert "secret" not in proposed
    column_map = tmp_path / "map.yaml"
    column_map.write_text(proposed)
    assert main(["logs", str(odd), "--map", str(column_map), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == {"in": 1, "priced": 1, "unpriced": 0, "rejected": 0}
    (file,) = document["files"]
    assert (file["reader"], file["priced"], file["unpriced"], file["rejected"]) == ("map.yaml", 1, 0, 0)
    (check,) = document["price_check"]
    assert (check["cause"], check["zero_cost_calls"]) == ("zero_stated", 1)
    assert main(["logs", "--explain", str(odd), "--map", str(column_map)]) == 0
    assert "read as map.yaml" in capsys.readouterr().out


def test_explain_takes_one_file(tmp_path: Path, capsys: Captured) -> None:
    for name in "ab":
        (tmp_path / name).write_text("x\n")
    assert main(["logs", "--explain", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "breakeven: --explain takes one file, not 2\n"


def test_a_log_without_a_call_has_no_tables(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(CALL | {"usage": None}) + "\n")
    assert main(["logs", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "1 rows read = 0 priced + 0 unpriced + 1 rejected; ? calls" in printed
    assert "a.jsonl line 1: no token counts" in printed
    assert "Tasks" not in printed
    assert "--task TASK" not in printed


def test_calls_without_any_price_do_not_cost_nothing(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(CALL | {"model": "a-model-nobody-lists"}) + "\n")
    assert main(["logs", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "What these calls cost is unknown; rows without a price: 1." in printed
    assert "$0.00" not in printed


def test_a_folder_with_rejects_and_charges(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps(CALL) + "\nbroken\n")
    (folder / "b.txt").write_text("Dear Sir,\n")
    rejects, focus = tmp_path / "rejects.csv", tmp_path / "focus.csv"
    assert main(["logs", str(folder), "--rejects", str(rejects), "--focus", str(focus)]) == 0
    printed = capsys.readouterr()
    assert "not read: 1 of 2 files" in printed.out
    assert "b.txt: no reader knows this format" in printed.out
    assert printed.err == ""
    assert rejects.read_text().splitlines()[1:] == ["a.jsonl,2,not a JSON object", "b.txt,,no reader knows this format"]
    assert len(focus.read_text().splitlines()) == 3


def on_terminal(folder: Path, *arguments: str, interrupt_at: bytes = b"") -> tuple[int, bytes]:
    """Exit code and output of the program on a terminal; Ctrl-C is pressed once something has been printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "breakeven", *arguments])
    printed, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        printed += piece
        if interrupt_at and interrupt_at in printed:
            os.write(terminal, b"\x03")
            interrupt_at = b""
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), printed


def test_progress_and_ctrl_c(tmp_path: Path) -> None:
    line = json.dumps(CALL) + "\n"
    with (tmp_path / "big.jsonl").open("w") as handle:
        for _ in range(75):
            handle.write(line * 20_000)
        handle.write("{broken\n")  # so it is read line by line, which takes longer
    arguments = ["logs", "big.jsonl", "--rejects", "r.csv", "--output", "o.txt", "--focus", "f.csv"]
    code, printed = on_terminal(tmp_path, *arguments, interrupt_at=b"rows/s")
    assert code == 130
    assert b"reading big.jsonl" in printed
    assert b"MB/s" in printed
    last = printed.rsplit(b"\x1b[2K", 1)[-1].strip()
    assert last == b"breakeven: interrupted; no half-written file is left"
    assert [file.name for file in tmp_path.iterdir()] == ["big.jsonl"]


def test_a_short_reading_shows_no_progress(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(CALL) + "\n")
    code, printed = on_terminal(tmp_path, "logs", "a.jsonl", "--output", "o.txt")
    assert (code, printed) == (0, b"")


def test_a_model_is_found_by_its_values_and_said_to_be_missing(tmp_path: Path, capsys: Captured) -> None:
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"which": "openai/gpt-4.1-mini", "team": "a", "tokens_in": 10, "tokens_out": 2, "usd": 0.1}\n')
    assert main(["logs", "--explain", str(odd)]) == 0
    proposed = capsys.readouterr().out
    assert "model: which\n" in proposed
    assert "cost_usd: usd\n" in proposed
    odd.write_text('{"which": "ours", "team": "a", "tokens_in": 10, "tokens_out": 2}\n')
    assert main(["logs", "--explain", str(odd)]) == 0
    assert "# model:   (missing, and without it calls have no price; fields with text: which, team)" in (
        capsys.readouterr().out
    )


def test_numbers_are_not_broken_at_80_columns(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("breakeven.surfaces.cli.output.PIPED_WIDTH", 80)
    log = tmp_path / "log.jsonl"
    counted = {"prompt_tokens": 123_456_789, "completion_tokens": 2_345_678}
    long = CALL | {"model": "anthropic.claude-3-5-haiku-20241022-v1:0", "metadata": {"task": "a task of some length"}}
    log.write_text(json.dumps(long | {"usage": counted}) + "\n")
    assert main(["logs", str(log)]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for words in ("calls", "failed", "output", "123,456,789", "2,345,678"):
        assert words in out


def test_names_in_a_log_neither_act_on_a_terminal_nor_break_the_answer(tmp_path: Path, capsys: Captured) -> None:
    hostile = ("[/bold] x", "a [red]b[/red] :smile:", "\x1b[2J\x1b]0;title\x07", "zero\0and\u202eturned")
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(CALL | {"model": name, "metadata": {"task": name}}) + "\n" for name in hostile))
    cube = tmp_path / "usage.cube.parquet"
    for command in (["logs", str(log)], ["cube", "build", str(log), "-o", str(cube)], ["cube", "show", str(cube)]):
        assert main(command) == 0
        out, err = capsys.readouterr()
        assert not set("\x1b\x07\0\u202e") & set(out + err)
    assert main(["logs", str(log)]) == 0
    assert "a [red]b[/red] :smile:" in " ".join(capsys.readouterr().out.split())
    assert main(["finetune", "--from-log", str(log), "--log-task", "nobody", "--calls-per-month", "9"]) == 2
    assert "\x1b" not in capsys.readouterr().err
