"""Training files uploaded: the report, what is refused, and that nothing of a file is left or told."""

import asyncio
import contextlib
import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from breakeven.surfaces.cli import main
from breakeven.surfaces.web.app import Settings, create_app

CANARY = "CANARY-5d1f-Frau-Meier-Konto-4711"
TOY = Path(__file__).parents[1] / "training_files" / "data" / "openai_toy_chat.jsonl"


def lines(count: int = 12) -> bytes:
    """A training file with private text, one line of it broken."""
    rows = [
        {"messages": [{"role": "user", "content": f"{CANARY} {n}"}, {"role": "assistant", "content": CANARY}]}
        for n in range(count)
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows) + f'{{"messages": "{CANARY}'.encode() + b"\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made; empty again after each test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.rglob("*")) == []


def post(path: str, settings: dict[str, Any] | None = None, **sent: Any) -> httpx.Response:
    """One request to a new application."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(Settings(**(settings or {}))))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            return await client.post(path, **sent)

    return asyncio.run(send())


def test_the_api_answers_as_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"model": "gpt-4o-mini", "buyer": "existing", "as_of": "2026-11-23", "epochs": "2"}
    sent = {"files": [("training_file", ("toy.jsonl", TOY.read_bytes()))], "data": fields}
    found = post("/api/v1/training/files", **sent).json()
    flags = [part for name, text in fields.items() for part in ("--" + name.replace("_", "-"), text)]
    assert main(["training", str(TOY), *flags, "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    for document in (found, printed):
        document.pop("headline")
        document["file"].pop("name")
        document["origins"].pop("training_file")
    assert found == printed
    assert found["billed_tokens"] == 2 * 8462


def test_a_whole_body_is_a_training_file() -> None:
    found = post("/api/v1/training/files", content=gzip.compress(lines())).json()
    assert found["lines"] | {"reasons": [], "invalid": []} == {
        "total": 13, "blank": 0, "valid": 12, "invalid_lines": 1, "invalid": [], "reasons": [],
    }  # fmt: skip
    assert found["lines"]["invalid"] == [{"line": 13, "reason": "not JSON"}]


def test_the_form_compares_both_files_and_tells_no_text() -> None:
    response = post(
        "/training",
        files=[("training_file", ("a.jsonl", lines())), ("validation_file", ("b.jsonl", lines(2)))],
        data={"base_model": "llama-3.1-8b", "model": ""},
    )
    page = response.text
    assert response.status_code == 200
    assert "CANARY" not in page
    assert re.search(r"13 lines =\s+12 valid \+\s+1 invalid", page)
    for words in ("lines that the training file has too", "Training it at a provider", "GPUs of your own", "line 13"):
        assert words in page
    assert "upload-1" not in page


def test_a_script_gets_the_report_alone() -> None:
    sent = {"files": [("training_file", ("a.jsonl", lines()))], "headers": {"x-fragment": "1"}}
    response = post("/training", **sent)
    assert response.headers["x-fragment"] == "1"
    assert "<html" not in response.text
    assert "What your training file says" in response.text


@pytest.mark.parametrize(
    ("files", "fields", "words"),
    [
        ([], {"model": ""}, "No file was given"),
        ([("training_file", b"")], {}, "a.jsonl: holds no line"),
        ([("training_file", b"[{}]")], {}, "a.jsonl: is one JSON document"),
        ([("validation_file", b"{}\n")], {}, "Send one training file as training_file"),
        ([("training_file", b"{}\n"), ("training_file", b"{}\n")], {}, "Send one training file"),
        ([("training_file", b"{}\n")], {"modell": "gpt-4o"}, "There is no field &#39;modell&#39;. Did you mean model"),
        ([("training_file", b"{}\n")], {"epochs": "many"}, "epochs is &#39;many&#39;; it must be a number"),
        ([("training_file", b"{}\n")], {"base_model": "lama-8b"}, "Did you mean llama-3.1-8b"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(files: list[tuple[str, bytes]], fields: dict[str, str], words: str) -> None:
    sent = [(name, ("a.jsonl", content)) for name, content in files] or [("more", ("", b""))]
    response = post("/training", files=sent, data=fields)
    assert response.status_code == 422
    assert words in response.text


def test_a_file_over_the_cap_is_refused() -> None:
    response = post(
        "/api/v1/training/files",
        {"max_upload_bytes": 1000},
        files=[("training_file", ("a.gz", gzip.compress(b"\n" * 2000)))],
    )
    assert response.status_code == 413


def test_the_page_holds_both_forms_and_hides_what_an_upload_fills() -> None:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/training")

    page = asyncio.run(get()).text
    assert 'method="post" action="/training" enctype="multipart/form-data"' in page
    assert 'name="training_tokens"' in page
    with contextlib.suppress(ValueError):
        page.index('<textarea id="training_file"')
        pytest.fail("the counts of a file stand in the form")
