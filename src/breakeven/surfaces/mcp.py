"""
Questions as MCP tools: one for each question, and two that find names of models and offers.

Built on the SDK's plain ``Server``, whose tools are described by our own schemas and whose faults are our own
sentences. Structured answers are the JSON documents of the API.
"""

import datetime as dt
import logging
import signal
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from pydantic_core import from_json, to_json

from breakeven import __version__
from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, InputError, nearest
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.asking import reply
from breakeven.surfaces.lookup import LONGEST, MOST, FoundModels, FoundOffers, Lookup
from breakeven.surfaces.schemas import Schema, answer_schema, question_schema

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

PATH = "/mcp"
INSTRUCTIONS = (
    "Compares fine-tuning a model with paying for API calls, from dated list prices and offers. Numbers are plain JSON "
    "numbers: 50000, not '50k'; shares are 0 to 1. Null in an answer means unknown or never. Prompts are never needed."
)
SEARCH: Schema = {
    "type": "object",
    "properties": {
        "q": {"type": "string", "maxLength": LONGEST, "default": "", "description": "Words that the name must hold."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST,
            "default": 20,
            "description": "Largest number of rows.",
        },
    },
    "additionalProperties": False,
}

LIST_ROWS = 5
"""Rows of each list that the text of an answer keeps."""

log = logging.getLogger("breakeven.mcp")

Tool = tuple[types.Tool, Callable[[Mapping[str, Any]], object]]


def create_server(catalogue: Catalogue, names: Lookup) -> "Server[Any]":
    """An MCP server over one catalogue."""
    tools = _tools(catalogue, names)

    async def list_tools(_: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool for tool, _ in tools.values()])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in tools:
            close = nearest(params.name[:LONGEST], tools)
            raise MCPError(types.INVALID_PARAMS, f"No tool {params.name[:LONGEST]!r}.{close}")
        try:
            text = to_json(tools[params.name][1](params.arguments or {}), inf_nan_mode="null")
        except BreakevenError as error:
            return _said(str(error), is_error=True)
        except Exception as error:
            # Never the error's text: it may hold what was asked.
            log.error("Unexpected %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            return _said("Something went wrong in the server; this is a fault of the program.", is_error=True)
        document = from_json(text)
        return _said(to_json(shortened(document)).decode(), structured=document)

    return Server(
        "breakeven",
        version=__version__,
        title="breakeven",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def shortened(value: Any) -> Any:
    """A document with long lists cut, for assistants that read text alone: the whole one fills their memory."""
    if isinstance(value, list):
        left = [f"... {len(value) - LIST_ROWS} more in structuredContent"] if len(value) > LIST_ROWS else []
        return [*(shortened(each) for each in value[:LIST_ROWS]), *left]
    return {key: shortened(each) for key, each in value.items()} if isinstance(value, dict) else value


def run_stdio(catalogue: Catalogue) -> None:
    """Serve one client on standard input and output, until it closes them."""
    server = create_server(catalogue, Lookup(catalogue))
    # Ctrl-C ends the program at once: the thread that waits for input would hold up any other way out.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


def add_to(app: "FastAPI") -> None:
    """
    Serve MCP at ``/mcp`` of a web application, each request on its own: no sessions, no streams.

    The application's own guard checks hosts, sizes and times.
    """
    from starlette.routing import Route

    server = create_server(app.state.catalogue, app.state.lookup)

    class Endpoint:
        async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
            await app.state.mcp.handle_request(scope, receive, send)

    @asynccontextmanager
    async def sessions() -> AsyncIterator[None]:
        app.state.mcp = StreamableHTTPSessionManager(app=server, json_response=True, stateless=True)
        async with app.state.mcp.run():
            yield

    app.router.routes.append(Route(PATH, Endpoint(), methods=["POST"]))
    app.state.while_serving.append(sessions)


def _tools(catalogue: Catalogue, names: Lookup) -> dict[str, Tool]:
    """Every tool by name: its description, and what it does with its arguments."""

    def asks(kind: Any) -> Callable[[Mapping[str, Any]], object]:
        return lambda values: reply(kind, values, catalogue, dt.date.today())

    tools = {
        kind.name: (
            _tool(kind.name, kind.title, kind.question.__doc__ or "", question_schema(kind.question), kind.document),
            asks(kind),
        )
        for kind in QUESTIONS.values()
    }
    return tools | {
        "find_models": (
            _tool("find_models", "Find models by name", FoundModels.__doc__ or "", SEARCH, FoundModels),
            lambda values: names.models(*_search(values), dt.date.today()),
        ),
        "find_offers": (
            _tool("find_offers", "Find fine-tuning offers by name", FoundOffers.__doc__ or "", SEARCH, FoundOffers),
            lambda values: names.offers(*_search(values), dt.date.today()),
        ),
    }


def _tool(name: str, title: str, words: str, asked: Schema, answered: type) -> types.Tool:
    return types.Tool(
        name=name,
        title=title,
        description=words,
        input_schema=asked,
        output_schema=answer_schema(answered),
        annotations=types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )


def _search(values: Mapping[str, Any]) -> tuple[str, int]:
    """The arguments of a search. Raises InputError."""
    words, limit = values.get("q", ""), values.get("limit", 20)
    unknown = values.keys() - {"q", "limit"}
    if unknown:
        raise InputError(f"Unknown field {min(unknown)[:LONGEST]!r}; there are q and limit")
    if not isinstance(words, str) or len(words) > LONGEST:
        raise InputError(f"q must be text of at most {LONGEST} characters", "q")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST:
        raise InputError(f"limit must be a whole number from 1 to {MOST}", "limit")
    return words, limit


def _said(text: str, *, structured: Any = None, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=structured, is_error=is_error
    )
