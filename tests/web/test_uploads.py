"""Uploads: what is answered, what is refused, and that nothing of a log is left or told."""

import asyncio
import contextlib
import csv
import datetime as dt
import gzip
import io
import json
import logging
import os
import socket
import tempfile
import threading
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb
import httpx2 as httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion, answer
from breakeven.surfaces.cli import main
from breakeven.surfaces.web import capped_files, intake, reading, uploads
from breakeven.surfaces.web.app import Settings, create_app

EXAMPLE = Path(__file__).parents[2] / "examples" / "tensorzero-haiku.jsonl.gz"
CANARY = "CANARY-5d1f-Frau-Meier-Konto-4711"


def call(number: int = 0, **changes: Any) -> dict[str, Any]:
    """One OpenAI chat completion with private text in it."""
    usage = {"prompt_tokens": 1000 + number, "completion_tokens": 100}
    row = {
        "object": "chat.completion",
        "created": 1_760_000_000 + number * 40_000,
        "model": "gpt-4o-mini-2024-07-18",
        "metadata": {"task": "triage"},
        "request": {"messages": [{"role": "system", "content": CANARY * 30}]},
        "choices": [{"message": {"role": "assistant", "content": CANARY}}],
        "usage": usage,
    }
    return row | changes


def lines(count: int = 40, **changes: Any) -> bytes:
    """A log of calls over more than a week."""
    return b"".join(json.dumps(call(number, **changes)).encode() + b"\n" for number in range(count))


def table_csv(count: int = 40) -> bytes:
    """The same as a table."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["model", "task", "input_tokens", "output_tokens", "prompt"])
    writer.writerows([["gpt-4o-mini", "triage", 1000, 100, CANARY]] * count)
    return text.getvalue().encode()


def table_parquet(folder: Path) -> bytes:
    """The same as Parquet."""
    file = folder / "calls.parquet"
    duckdb.sql(
        "COPY (SELECT 'gpt-4o-mini' AS model, 'triage' AS task, 1000 AS input_tokens, 100 AS output_tokens,"
        f" '{CANARY}' AS prompt FROM range(40)) TO '{file}' (FORMAT parquet)"
    )
    return file.read_bytes()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made; empty again after each test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.rglob("*")) == []


def client_of(**settings: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(Settings(**settings)))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)


def post(path: str, settings: dict[str, Any] | None = None, **sent: Any) -> httpx.Response:
    """One request to a new application."""

    async def send() -> httpx.Response:
        async with client_of(**(settings or {})) as client:
            return await client.post(path, **sent)

    return asyncio.run(send())


def send_form(files: Sequence[tuple[str, bytes]], **fields: str) -> httpx.Response:
    return post("/logs", files=[("files", file) for file in files], data=fields)


@contextlib.contextmanager
def served(**settings: Any) -> Iterator[int]:
    """A real server in a thread; its port."""
    app = create_app(Settings(**settings))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def wait_until(holds: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_page_is_a_form_that_works_without_scripts() -> None:
    async def get() -> httpx.Response:
        async with client_of() as client:
            return await client.get("/logs")

    page = asyncio.run(get()).text
    assert 'method="post" action="/logs" enctype="multipart/form-data"' in page
    for reader in uploads.READERS:
        assert f'<option value="{reader.name}">' in page
    assert "Nothing is kept" in page
    assert "style=" not in page
    assert "onclick" not in page


def test_the_example_ends_as_a_table_of_tasks() -> None:
    response = send_form([(EXAMPLE.name, EXAMPLE.read_bytes())])
    page = response.text
    assert response.status_code == 200
    assert 'enctype="multipart/form-data"' in page
    words = " ".join(page.split())
    assert "1,008 rows read = 1,008 priced + 0 unpriced + 0 rejected." in words
    assert "named by the log, 50% of the calls: system prompt of 580 characters, JSON output" in words
    assert "Judging other answers is 50% of the calls and 96% of the cost" in words
    for text in ("judge_haiku", "write_haiku", "gpt-4o-2024-08-06", "/finetune?", "tensorzero-haiku.jsonl.gz"):
        assert text in page
    assert "give --calls" not in page


def test_the_script_gets_the_table_alone() -> None:
    sent = {"files": [("files", ("a.jsonl", lines()))], "headers": {"X-Fragment": "1"}}
    good = post("/logs", **sent)
    assert good.headers["x-fragment"] == "1"
    assert "<form" not in good.text
    assert good.text.count("<tr>") == 2
    bad = post("/logs", files=[("files", ("a.jsonl", b"nothing"))], headers={"X-Fragment": "1"})
    assert (bad.status_code, bad.headers["x-fragment"]) == (422, "1")
    assert bad.text.count('role="alert"') == 1


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "csv", "csv.gz", "parquet"])
def test_every_kind_of_file_is_read(tmp_path: Path, kind: str) -> None:
    made = {"jsonl": lines, "csv": table_csv, "parquet": lambda: table_parquet(tmp_path)}
    content = made[kind.removesuffix(".gz")]()
    content = gzip.compress(content) if kind.endswith(".gz") else content
    response = post(f"/api/v1/logs?name=calls.{kind}", content=content)
    found = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert found["schema"] == "breakeven/logs/1"
    assert found["rows"] == {"in": 40, "priced": 40, "unpriced": 0, "rejected": 0}
    assert [file["name"] for file in found["files"]] == [f"calls.{kind}"]
    assert found["tasks"][0]["answer"]["verdict"]["word"]


def test_a_cube_is_read_in_place_of_its_log(tmp_path: Path) -> None:
    log, cube = tmp_path / "calls.jsonl", tmp_path / "calls.cube.parquet"
    log.write_bytes(lines())
    assert main(["cube", "build", str(log), "-o", str(cube)]) == 0
    direct = post("/api/v1/logs?name=calls.jsonl", content=lines()).json()
    found = post("/api/v1/logs?name=calls.cube.parquet", content=cube.read_bytes()).json()
    assert [file["name"] for file in found["files"]] == ["calls.jsonl"]
    assert found == direct | {"files": found["files"]}
    shown = ("name", "reader", "rows", "priced", "unpriced", "rejected")
    assert [{name: file[name] for name in shown} for file in found["files"]] == [
        {name: file[name] for name in shown} for file in direct["files"]
    ]


def test_cubes_are_read_beside_logs_in_a_form_too(tmp_path: Path) -> None:
    log, cube = tmp_path / "calls.jsonl", tmp_path / "calls.cube.parquet"
    log.write_bytes(lines(5))
    assert main(["cube", "build", str(log), "-o", str(cube)]) == 0
    words = " ".join(send_form([("c.cube.parquet", cube.read_bytes()), ("d.csv", table_csv(3))]).text.split())
    assert "8 rows read = 8 priced" in words
    twice = send_form([("c.cube.parquet", cube.read_bytes()), ("calls.jsonl", lines(5))])
    assert twice.status_code == 422
    assert "would be counted twice" in twice.text


def test_files_that_hold_no_log_and_the_price_check_are_shown() -> None:
    """gpt-4o-mini: $0.15 and $0.60 per million; the table states twice as much."""
    usd = 2 * (1000 * 0.15 + 100 * 0.6)  # with a million calls a row
    row = f"gpt-4o-mini,{1000 * 10**6},{100 * 10**6},{usd:.2f},1000000\n"
    table = "model,input_tokens,output_tokens,cost_usd,calls\n" + row * 3
    response = send_form(
        [("a.csv", table.encode()), ("<b>notes.txt", b"nothing of the kind\n"), ("c.csv", table_csv(2))]
    )
    words = " ".join(response.text.split())
    assert "1 of 3 files hold no log and were not read" in words
    assert "&lt;b&gt;notes.txt: no reader knows this format" in words
    assert "Our price and the cost the log states" in words
    assert '<td class="n">$1,260.00</td> <td class="n">$630.00</td>' in words  # stated, and the difference to ours
    plain = " ".join(send_form([("c.csv", table_csv(2))]).text.split())
    assert "hold no log" not in plain
    assert "the cost the log states" not in plain


def test_a_file_of_names_merges_tasks() -> None:
    log = lines(20) + lines(20, metadata={"task": "summary"})
    names = ("t.yaml", b"both: [triage, 'sum*']\n")
    found = post("/api/v1/logs", files=[("files", ("a.jsonl", log)), ("tasks", names)]).json()
    assert [(each["task"], each["calls"]) for each in found["tasks"]] == [("both", 40)]
    # a form in which no file was chosen sends an empty one
    empty = post("/api/v1/logs", files=[("files", ("a.jsonl", log)), ("tasks", ("", b""))]).json()
    assert {each["task"] for each in empty["tasks"]} == {"triage", "summary"}
    wrong = post("/logs", files=[("files", ("a.jsonl", log)), ("tasks", ("t.yaml", b"- a\n- b\n"))])
    assert wrong.status_code == 422
    assert "tasks.yaml: holds no names" in wrong.text
    large = post("/logs", files=[("files", ("a.jsonl", log)), ("tasks", ("t.yaml", b"#" * 70_000))])
    assert large.status_code == 413


def test_several_files_are_one_log_and_their_rows_add_up() -> None:
    broken = lines(3) + f'{{"content": "{CANARY}\n'.encode() + lines(1, model="nobody-lists-this") + b'{"usage": 3}\n'
    response = send_form([("a.jsonl", lines()), ("../../b<i>.jsonl", broken)], task_by="metadata.task")
    words = " ".join(response.text.split())
    assert "46 rows read = 43 priced + 1 unpriced + 2 rejected" in words
    assert "b&lt;i&gt;.jsonl line 4: not a JSON object" in words
    assert "<i>" not in words
    assert "triage" in words
    assert "nobody-lists-this" in words
    both = post("/api/v1/logs", files=[("files", ("a.jsonl", lines())), ("files", ("b.jsonl", broken))]).json()
    rows = both["rows"]
    assert rows["in"] == rows["priced"] + rows["unpriced"] + rows["rejected"] == 46
    assert {reject["file"] for reject in both["rejects"]} == {"b.jsonl"}


def test_names_in_a_log_are_escaped_and_shortened() -> None:
    evil = "<script>alert(1)</script>" + "x" * 300
    response = send_form([("a.jsonl", lines(metadata={"task": evil}))], task_by="metadata.task")
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert" in response.text
    assert "x" * 81 not in response.text


def test_columns_can_be_named() -> None:
    content = b"model,sent,received\ngpt-4o-mini,10,5\n"
    refused = send_form([("a.csv", content)])
    assert "Name the columns of a table with NAME=COLUMN in columns" in refused.text
    named = "input_tokens=sent\r\noutput_tokens=received"
    assert "1 priced" in send_form([("a.csv", content)], columns=named).text
    query = "?column=input_tokens%3Dsent&column=output_tokens%3Dreceived"
    assert post(f"/api/v1/logs{query}", content=content).json()["rows"]["priced"] == 1
    assert post("/api/v1/logs?column=x", content=content).status_code == 422


def test_each_row_opens_the_calculator_with_the_same_numbers(catalogue: Catalogue) -> None:
    for content in (EXAMPLE.read_bytes(), lines(), lines(40, model="gpt-4o-2024-08-06")):
        for task in uploads.document.validate_json(post("/api/v1/logs", content=content).content).tasks:
            decision = task.answer
            assert decision is not None
            query = uploads.calculator_query(decision)
            fields = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
            from_log = fields.pop("from_log").split(",")
            assert {"calls_per_month", "input_tokens", "output_tokens", "model", "cached_share"} <= set(from_log)
            assert set(fields) <= set(from_log)
            question = ask(FinetuneQuestion, fields | {"as_of": dt.date.today()})
            again = answer(question, catalogue)
            assert again.verdict.word == decision.verdict.word
            assert again.stay.monthly_usd == decision.stay_monthly_usd
            assert again.options[0] == decision.option


def test_links_of_the_page_are_those_of_the_answer() -> None:
    page = send_form([("a.jsonl", lines())]).text
    address = page.split('href="/finetune?')[1].split('"')[0].replace("&amp;", "&")
    assert parse_qs(address)["model"] == ["openai/gpt-4o-mini"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no rows"),
        (b"\x00\x01\x02\xff" * 999, "no reader knows this format"),
        (b"hello\nworld\n", "no reader knows this format"),
        (b"PAR1 is not all it takes", "not a Parquet file"),
        (b"\x1f\x8b" + b"nonsense" * 9, "is damaged"),
        (gzip.compress(lines()) + b"trailing", "is damaged"),
    ],
)
def test_a_broken_file_gets_one_clear_line(content: bytes, message: str) -> None:
    response = post("/api/v1/logs?name=mine.log", content=content)
    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"].startswith("mine.log: ")
    assert message in problem["detail"]
    assert "\n" not in problem["detail"]
    assert "upload-" not in problem["detail"]
    page = send_form([("mine.log", content)])
    assert page.status_code == 422
    assert message in page.text


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content-type": "multipart/form-data"}, b""),
        ({"content-type": "multipart/form-data; boundary=x"}, b"nothing"),
        ({"content-type": "multipart/form-data; boundary=x"}, b'--x\r\nContent-Disposition: form-data; name="f'),
        ({"content-type": f"multipart/form-data; boundary={'x' * 999}"}, b""),
    ],
)
def test_a_broken_form_is_refused(headers: dict[str, str], content: bytes) -> None:
    for path in uploads.UPLOAD_PATHS:
        assert post(path, headers=headers, content=content).status_code == 400


def test_a_form_without_a_file_says_so() -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n--x--\r\n'
    response = post("/logs", headers={"content-type": "multipart/form-data; boundary=x"}, content=form)
    assert response.status_code == 422
    assert "No file was given" in response.text


@pytest.mark.parametrize("path", uploads.UPLOAD_PATHS)
def test_what_is_too_large_is_refused(path: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield lines(1)

    settings = {"max_upload_bytes": 20_000}
    for sent in ({"content": lines(50)}, {"content": pieces()}, {"files": [("files", ("a.jsonl", lines(50)))]}):
        response = post(path, settings, **sent)
        assert response.status_code == 413
        assert "20000 bytes" in response.text


def test_a_decompression_bomb_is_refused() -> None:
    settings = {"max_upload_bytes": 5_000_000, "max_line_bytes": 100_000_000}
    bomb = gzip.compress(b"\n" * 20_000_000)
    assert len(bomb) < 50_000
    padded = gzip.compress(b"{}\n") + bytes(intake.WRITE_BYTES + 9) + bomb
    for content in (bomb, padded):
        response = post("/api/v1/logs", settings, content=content)
        assert response.status_code == 413
        assert "more than 5 MB of text, unpacked" in response.json()["detail"]
    packer = zlib.compressobj(wbits=31)
    odd = bytearray(packer.compress(b"\n" * 20_000_000) + packer.flush())
    odd[3] |= 0xE0  # reserved flags, which some unpackers do not look at
    assert post("/api/v1/logs", settings, content=bytes(odd)).status_code == 422


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_too_long_is_refused(packed: bool) -> None:
    settings = {"max_line_bytes": 100_000}
    for content in (b"x" * 3_000_000, lines(3) + b"y" * 100_001 + b"\n" + lines(2)):
        sent = gzip.compress(content) if packed else content
        response = post("/api/v1/logs?name=a.jsonl", settings, content=sent)
        assert response.status_code == 413
        assert response.json()["detail"] == f"a.jsonl: line {4 if b'y' in content else 1} is longer than 0.1 MB"
    exact = lines(3) + b"y" * 100_000 + b"\n" + lines(2)
    assert post("/api/v1/logs", settings, content=exact).json()["rows"]["in"] == 6


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_lines_are_measured_however_the_bytes_come(tmp_path: Path, size: int) -> None:
    content = b"a" * 30 + b"\n\n" + b"b" * 50 + b"\n" + b"c" * 51
    pieces = [content[start : start + size] for start in range(0, len(content), size)]

    def fault(cap: int) -> str:
        box = capped_files.Intake(capped_files.Upload(), tmp_path, capped_files.Caps(text_bytes=999, line_bytes=cap))
        box.begin("log")
        try:
            for piece in pieces:
                box.write(piece)
        except HTTPException as error:
            return error.detail
        finally:
            box.end()
            (tmp_path / "upload-1").unlink()
        return ""

    assert fault(51) == ""
    for cap, line in ((50, 4), (49, 3), (29, 1)):
        assert f"line {line} is longer" in fault(cap)


def test_too_many_uploads_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)

    async def both() -> list[httpx.Response]:
        async with client_of() as client:
            return await asyncio.gather(*(client.post("/api/v1/logs", content=lines()) for _ in range(2)))

    responses = asyncio.run(both())
    assert sorted(response.status_code for response in responses) == [200, 429]


def test_two_at_once_each_get_their_own_answer() -> None:
    async def both() -> list[httpx.Response]:
        async with client_of() as client:
            return await asyncio.gather(*(client.post("/api/v1/logs", content=lines(count)) for count in (10, 20, 30)))

    assert [response.json()["calls"] for response in asyncio.run(both())] == [10, 20, 30]


def test_a_field_that_tells_all_calls_apart_is_answered_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = b"".join(lines(1, id=f"call-{number}") for number in range(510))
    found = post("/api/v1/logs?task_by=id", content=rows).json()
    assert len(found["tasks"]) == 500
    assert found["calls"] == 510
    assert "only the 500 dearest of 510 tasks are listed" in found["notes"][0]


def test_a_reading_that_crashes_is_one_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "0")
    monkeypatch.setattr(reading, "__name__", "breakeven.nothing_like_it")
    response = post("/api/v1/logs", content=lines())
    assert response.status_code == 422
    assert "could not be read" in response.json()["detail"]
    assert CANARY not in caplog.text


def test_a_slow_upload_is_given_up() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield lines(3)
        await asyncio.sleep(30)

    response = post("/api/v1/logs", {"upload_seconds": 0.3}, content=slow())
    assert response.status_code == 503
    assert post("/api/v1/logs", {"upload_seconds": 0.3}, content=lines()).status_code == 503


@pytest.mark.parametrize("path", uploads.UPLOAD_PATHS)
def test_an_upload_cut_off_leaves_nothing(place: Path, path: str) -> None:
    with served() as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"
            client.sendall(head.encode() + lines() * 100)
            wait_until(lambda: list(place.glob("*/upload-1")))
            folder = next(place.iterdir())
            assert folder.stat().st_mode & 0o077 == 0
        wait_until(lambda: not list(place.iterdir()))


def test_nobody_waits_for_the_reading_any_more(place: Path, monkeypatch: Any) -> None:
    started, stopped = threading.Event(), threading.Event()
    real = uploads.answer_of

    async def watched(*args: Any) -> bytes:
        started.set()
        try:
            return await real(*args)
        finally:
            stopped.set()

    monkeypatch.setattr(uploads, "answer_of", watched)
    content = lines(20_000)
    with served() as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = f"POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
            client.sendall(head.encode() + content)
            assert started.wait(20)
        assert stopped.wait(5)
        wait_until(lambda: not list(place.iterdir()))


def test_a_server_that_stops_leaves_nothing(place: Path) -> None:
    client = socket.socket()
    with served() as port:
        client.connect(("127.0.0.1", port))
        client.sendall(b"POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n" + lines() * 100)
        wait_until(lambda: list(place.glob("*/upload-1")))
    client.close()
    assert not list(place.iterdir())


def test_what_a_killed_server_left_is_removed(place: Path) -> None:
    old, new, other = (place / name for name in ("breakeven-upload-old", "breakeven-upload-new", "else"))
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "upload-1").write_text(CANARY)
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    post("/api/v1/logs", content=lines())
    assert {folder.name for folder in place.iterdir()} == {new.name, other.name}
    for folder in (new, other):
        (folder / "upload-1").unlink()
        folder.rmdir()


def test_the_answer_to_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    with served(max_line_bytes=1000) as port:
        response = httpx.post(f"http://127.0.0.1:{port}/api/v1/logs", content=b"x" * 20_000_000, timeout=60)
    assert response.status_code == 413
    assert "longer than 0.001 MB" in response.json()["detail"]


@pytest.mark.parametrize("path", uploads.UPLOAD_PATHS)
@pytest.mark.parametrize("task_by", [None, "prompt"])
def test_no_text_of_a_call_gets_out(
    path: str, task_by: str | None, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = (call() | {"usage": {"prompt_tokens": CANARY}}, [CANARY], CANARY)
    good = lines() + b"".join(json.dumps(row).encode() + b"\n" for row in broken)
    data = {} if task_by is None else {"task_by": task_by}
    for content in (good, gzip.compress(good)[:-30], CANARY.encode()):
        response = post(path, files=[("files", ("a.jsonl", content))], data=data)
        assert CANARY not in response.text
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capfd.readouterr())


def test_the_answer_is_described_for_programs() -> None:
    app = FastAPI()
    app.include_router(uploads.router)
    described = app.openapi()
    posted = described["paths"]["/api/v1/logs"]["post"]
    schema = posted["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/LogsAnswer"}
    assert {"Task", "Decision", "Reject"} <= set(described["components"]["schemas"])
    assert "/logs" not in described["paths"]
