"""
Faults as answers: problem documents (RFC 9457) for programs, one line of text for all else.

Each fault has a ``type`` of its own, listed in docs/api.md. What was not foreseen is logged without what was asked.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from breakeven.errors import BreakevenError, InputError, LogError
from breakeven.surfaces.asking import FieldError

MEDIA_TYPE = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/healthz", "/openapi.json", "/mcp")
"""Beginnings of the paths whose faults are JSON."""

TITLES = {
    "unreadable-json": "The body is not one JSON object",
    "invalid-field": "A field breaks the published schema",
    "unusable-question": "Fields contradict each other, or name what is not known",
    "unreadable-log": "The log cannot be read",
    "unusable-input": "The input cannot be used",
    "cross-site": "The request came from another site",
    "not-found": "There is nothing at this address",
    "method-not-allowed": "This address does not take this method",
    "too-large": "The body is too large",
    "unsupported-media-type": "The body is of a type that is not taken here",
    "unknown-host": "The request is addressed to a host that is not served here",
    "too-many": "Too many requests are under way",
    "failed": "The request failed",
    "internal-error": "Something went wrong in the server",
    "too-slow": "The request took too long",
}
"""Every problem type and its title."""

BY_STATUS = {
    400: "unusable-input",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    422: "unusable-input",
    429: "too-many",
    503: "too-slow",
}

log = logging.getLogger("breakeven.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    One fault.

    name : key of ``TITLES``.
    detail : one sentence for people.
    field : the question's field at fault, if one is.
    """

    name: str
    status: int
    detail: str
    field: str | None = None

    def document(self) -> dict[str, object]:
        """The problem document."""
        document: dict[str, object] = {
            "type": f"/problems/{self.name}",
            "title": TITLES[self.name],
            "status": self.status,
            "detail": self.detail,
        }
        return document if self.field is None else document | {"field": self.field}


class ProblemError(Exception):
    """Raised by a handler to answer with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


Page = Callable[[Request, Problem], Response]
"""Draws a fault for people."""


def one_line(_: Request, problem: Problem) -> Response:
    """A fault as one line of text."""
    return PlainTextResponse(f"{TITLES[problem.name]}: {problem.detail}\n", problem.status)


def respond(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A fault in the form that suits the address that was asked for."""
    if request.url.path.startswith(FOR_PROGRAMS):
        response = Response(to_json(problem.document()), problem.status, media_type=MEDIA_TYPE)
    else:
        response = cast(Page, request.app.state.problem_page)(request, problem)
    response.headers.update(headers or {})
    return response


def register(app: FastAPI, page: Page = one_line) -> None:
    """Make an application answer every fault this way; ``page`` draws those that people see."""
    app.state.problem_page = page
    app.add_exception_handler(ProblemError, _stated)
    app.add_exception_handler(BreakevenError, _mendable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _query)


def unexpected(error: Exception) -> Problem:
    """A fault of ours: where it happened is logged, never its text, which may hold what was asked."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("Unexpected %s\n%s", type(error).__name__, frames)
    return Problem(
        name="internal-error",
        status=500,
        detail="This is a fault of the program, not of your numbers. Its log says where it happened.",
    )


async def _stated(request: Request, error: Exception) -> Response:
    """A problem that a handler stated."""
    return respond(request, cast(ProblemError, error).problem)


async def _mendable(request: Request, error: Exception) -> Response:
    """Input that cannot be used."""
    kinds = {FieldError: "invalid-field", InputError: "unusable-question", LogError: "unreadable-log"}
    name = next((name for kind, name in kinds.items() if isinstance(error, kind)), "unusable-input")
    return respond(request, Problem(name=name, status=422, detail=str(error), field=getattr(error, "field", None)))


async def _http(request: Request, error: Exception) -> Response:
    """What the router refuses, and what a handler refuses by status."""
    error = cast(HTTPException, error)
    name = BY_STATUS.get(error.status_code, "failed")
    detail = error.detail
    if name == "not-found":
        detail = "Addresses are listed at /openapi.json."
    elif name == "method-not-allowed":
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.method} is not taken here; use {allowed}."
    return respond(request, Problem(name=name, status=error.status_code, detail=detail), error.headers)


async def _query(request: Request, error: Exception) -> Response:
    """A query parameter that breaks its schema."""
    fault: dict[str, Any] = cast(RequestValidationError, error).errors()[0]
    field = str(fault["loc"][-1])
    return respond(request, Problem(name="invalid-field", status=422, detail=f"{field}: {fault['msg']}.", field=field))


def too_large(most: int) -> Problem:
    """A body over its cap."""
    return Problem(name="too-large", status=413, detail=f"At most {most} bytes are taken here.")
