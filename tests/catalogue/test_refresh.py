"""Fetching newer prices, against a server of our own; and what happens when nothing can be fetched."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from breakeven.catalogue import genai
from breakeven.catalogue.load import load_catalogue
from breakeven.surfaces.cli import main

NEW = [
    {
        "id": "openai",
        "name": "OpenAI",
        "api_pattern": "https://api.openai.com",
        "pricing_urls": ["https://openai.example/pricing"],
        "model_match": {"starts_with": "gpt-"},
        "models": [
            {
                "id": "gpt-9",
                "match": {"equals": "gpt-9"},
                "prices": {"input_mtok": 7, "output_mtok": {"base": 9, "tiers": [{"start": 1000, "price": 11}]}},
            }
        ],
    }
]


class Prices(BaseHTTPRequestHandler):
    """Serves the price document, or rubbish at /bad."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = b"no prices here" if self.path == "/bad" else json.dumps(NEW).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Prices) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BREAKEVEN_CACHE", str(tmp_path))
    return tmp_path


def test_refreshed_prices_are_used_until_they_are_forgotten(
    server: str, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", "refresh", "--url", f"{server}/prices.json"]) == 0
    assert "Fetched 1 models" in capsys.readouterr().out
    table = load_catalogue().prices
    assert [model.id for model in table] == ["openai/gpt-9"]
    assert table.document["refreshed"] is not None
    rates = table.find("gpt-9").rates(dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    assert (rates["input_tokens"].usd, rates["output_tokens"].tiers[0][0]) == (7, 1000)
    assert main(["prices", "refresh", "--reset"]) == 0
    assert "Fetched prices forgotten" in capsys.readouterr().out
    assert len(list(load_catalogue().prices)) > 2000
    assert main(["prices", "refresh", "--reset"]) == 0
    assert "There were no fetched prices" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/bad", "closed"])
def test_a_failed_fetch_changes_nothing_and_says_why(
    server: str, cache: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    url = "http://127.0.0.1:9/x" if path == "closed" else server + path
    assert main(["prices", "refresh", "--url", url]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert err.startswith(f"breakeven: Newer prices could not be fetched from {url}: ")
    assert "The prices in use are unchanged." in err
    assert not genai.refreshed_file().exists()
    assert not list(cache.glob("*.part"))


def test_answering_never_asks_the_network(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("an answer opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    six = "finetune --model gpt-5-mini --calls-per-month 5 --input-tokens 800 --output-tokens 400".split()
    assert main(six) == 0
    assert main(["logs", str(Path(__file__).parents[2] / "examples" / "tensorzero-haiku.jsonl.gz")]) == 0


def test_a_cache_that_cannot_be_written_or_read_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("BREAKEVEN_CACHE", str(blocked / "cache"))
    assert main(["prices", "show", "gpt-5-mini"]) == 0
    monkeypatch.setenv("BREAKEVEN_CACHE", str(tmp_path / "c"))
    load_catalogue()
    for path in (tmp_path / "c").iterdir():
        path.write_bytes(b"damaged")
    assert main(["prices", "show", "gpt-5-mini"]) == 0
    assert "openai/gpt-5-mini" in capsys.readouterr().out
