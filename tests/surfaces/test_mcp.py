"""The MCP tools through the SDK's own client: over standard input and output, and over HTTP in the web application."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import anyio
import httpx2
import jsonschema
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from breakeven.catalogue.load import Catalogue
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.cli import main
from breakeven.surfaces.cli.serve import listen
from breakeven.surfaces.lookup import Lookup
from breakeven.surfaces.mcp import LIST_ROWS, create_server
from breakeven.surfaces.web.app import create_app

SIX = {"model": "gpt-5-mini", "calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}
DAY = {"as_of": "2026-11-23"}

Talk = Callable[[Client], Coroutine[Any, Any, None]]


def over_stdio(talk: Talk) -> None:
    """Talk to ``breakeven mcp``, a program of its own."""
    program = StdioServerParameters(command=sys.executable, args=["-m", "breakeven", "mcp"], env=dict(os.environ))

    async def run() -> None:
        async with Client(stdio_client(program)) as client:
            await talk(client)

    anyio.run(run)


@pytest.fixture(scope="module")
def address(catalogue: Catalogue) -> Iterator[str]:
    """Where the web application serves MCP."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    port = listener.getsockname()[1]
    thread.start()
    yield f"http://127.0.0.1:{port}/mcp"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(params=["stdio", "http"])
def talk(request: pytest.FixtureRequest, catalogue: Catalogue) -> Callable[[Talk], None]:
    """Runs a talk with a client, over each transport."""
    if request.param == "stdio":
        return over_stdio
    url = request.getfixturevalue("address")

    def over_http(talk: Talk) -> None:
        async def run() -> None:
            async with Client(url) as client:
                await talk(client)

        anyio.run(run)

    return over_http


def test_tools_answer_as_the_command_line_does(
    talk: Callable[[Talk], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            "finetune --model gpt-5-mini --calls-per-month 50k --input-tokens 800 --output-tokens 400 "
            "--as-of 2026-11-23 --format json".split()
        )
        == 0
    )
    printed = json.loads(capsys.readouterr().out)

    async def say(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {*QUESTIONS, "find_models", "find_offers"}
        asked = tools["finetune"].input_schema
        assert asked["properties"].keys() == QUESTIONS["finetune"].question.model_fields.keys()
        assert asked["required"] == ["calls_per_month", "input_tokens", "output_tokens"]
        found = await client.call_tool("finetune", SIX | DAY)
        assert not found.is_error
        assert found.structured_content == printed
        assert tools["finetune"].output_schema is not None
        jsonschema.validate(found.structured_content, tools["finetune"].output_schema)
        text = json.loads(found.content[0].text)  # type: ignore[union-attr]
        assert text["verdict"] == printed["verdict"]
        assert len(text["options"]) == LIST_ROWS + 1
        assert text["options"][-1] == f"... {len(printed['options']) - LIST_ROWS} more in structuredContent"
        found = await client.call_tool("find_models", {"q": "gpt-5-mini", "limit": 1})
        assert found.structured_content["models"][0]["id"] == "openai/gpt-5-mini"
        jsonschema.validate(found.structured_content, tools["find_models"].output_schema or {})
        found = await client.call_tool("find_offers", {"q": "nova micro"})
        assert found.structured_content["offers"][0]["available"] is True
        assert (await client.call_tool("finetune", SIX)).structured_content["origins"]["as_of"] == "today"

    talk(say)


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("finetune", {}, "calls_per_month is needed: Calls in the first month."),
    ("finetune", SIX | {"calls_per_month": "50k"}, "calls_per_month is '50k'; it must be a number above 0"),
    ("finetune", SIX | {"calls_per_mnth": 5}, "Unknown field 'calls_per_mnth'. Did you mean calls_per_month"),
    ("finetune", SIX | {"model": "gtp-5-mini"}, "No model 'gtp-5-mini' in the price table"),
    ("finetune", SIX | {"cached_share": 0.6, "cache_write_share": 0.6}, "cached_share and cache_write_share add up"),
    ("find_models", {"limit": 0}, "limit must be a whole number from 1 to 100"),
    ("find_models", {"limit": True}, "limit must be a whole number"),
    ("find_models", {"q": 5}, "q must be text"),
    ("find_offers", {"query": "x"}, "Unknown field 'query'; there are q and limit"),
]


def test_a_bad_argument_comes_back_as_one_sentence(talk: Callable[[Talk], None]) -> None:
    async def say(client: Client) -> None:
        for tool, arguments, words in FAULTS:
            found = await client.call_tool(tool, arguments)
            assert found.is_error
            text = found.content[0].text  # type: ignore[union-attr]
            assert words in text
            assert "\n" not in text
            assert "--" not in text
        with pytest.raises(MCPError, match="Did you mean finetune"):
            await client.call_tool("finetun", {})

    talk(say)


def test_standard_output_holds_messages_alone(catalogue: Catalogue) -> None:
    """Even what is no message at all, and a client that leaves, leave no stray line and no traceback."""
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    done = subprocess.run(
        [sys.executable, "-m", "breakeven", "mcp"],
        input=json.dumps(hello) + "\nnonsense\n",
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["result"]["serverInfo"]["name"] == "breakeven"
    assert all(line["jsonrpc"] == "2.0" for line in lines)
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_it_without_a_word(catalogue: Catalogue) -> None:
    command = [sys.executable, "-m", "breakeven", "mcp"]
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdin.write(json.dumps(hello) + "\n")
        program.stdin.flush()
        assert json.loads(program.stdout.readline())["id"] == 1
        program.send_signal(signal.SIGINT)
        program.wait(timeout=10)
        assert "Traceback" not in program.stderr.read()


def test_a_fault_of_ours_says_nothing_of_what_was_asked(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Any, values: Any, *__: Any) -> None:
        raise RuntimeError(f"cannot use {values}")

    monkeypatch.setattr("breakeven.surfaces.mcp.reply", broken)

    async def run() -> None:
        async with Client(create_server(catalogue, Lookup(catalogue))) as client:
            found = await client.call_tool("finetune", {"model": "CANARY"})
            assert found.is_error
            assert "CANARY" not in found.content[0].text  # type: ignore[union-attr]

    anyio.run(run)
    assert "Unexpected RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("localhost", 200), ("evil.example", 421)])
def test_hosts_are_those_of_the_server(address: str, host: str, status: int) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    headers = {"host": host, "content-type": "application/json", "accept": "application/json, text/event-stream"}
    assert httpx2.post(address, content=body, headers=headers).status_code == status
    assert httpx2.get(address, headers=headers).status_code == (405 if status == 200 else status)
