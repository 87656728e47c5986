"""The JSON API: every question by POST, names to choose from, and a description of it all."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic_core import from_json, to_json

from breakeven import __version__
from breakeven.catalogue.load import Catalogue
from breakeven.questions.kind import Kind
from breakeven.questions.registry import QUESTIONS
from breakeven.questions.statement import part
from breakeven.surfaces.asking import reply
from breakeven.surfaces.lookup import LONGEST, MOST, FoundModels, FoundOffers, Lookup
from breakeven.surfaces.schemas import Schema, question_schema
from breakeven.surfaces.web.problems import MEDIA_TYPE, Problem, ProblemError

REFS = "#/components/schemas/{name}"
PROBLEM: Schema = {
    "type": "object",
    "description": "A fault (RFC 9457). ``field`` names the field at fault, if one is.",
    "properties": {
        "type": {"type": "string", "description": "Which kind of fault, e.g. /problems/invalid-field."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for people."},
        "field": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
FAULT = {"description": "A fault", "content": {MEDIA_TYPE: {"schema": {"$ref": REFS.format(name="Problem")}}}}


@part
class PricePackage:
    """The package that list prices come from."""

    package: str
    version: str


@part
class Health:
    """That the server answers, and with what."""

    status: Literal["ok"] = "ok"
    version: str
    prices: PricePackage


Words = Annotated[str, Query(max_length=LONGEST, description="Words that the name must hold; all if left out.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Largest number of rows.")]


def router(catalogue: Catalogue, names: Lookup) -> APIRouter:
    """All routes of the API over one catalogue."""
    routes = APIRouter()
    for kind in QUESTIONS.values():
        routes.add_api_route(
            f"/api/v1/{kind.name}",
            _asked(kind, catalogue),
            methods=["POST"],
            operation_id=kind.name,
            summary=kind.title,
            description=kind.question.__doc__ or "",
            response_class=Response,
            responses={200: {"model": kind.document}},
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": REFS.format(name=kind.question.__name__)}}},
                }
            },
        )

    async def models(q: Words = "", limit: Limit = 20) -> Response:
        return as_json(names.models(q, limit, dt.date.today()))

    async def offers(q: Words = "", limit: Limit = 20) -> Response:
        return as_json(names.offers(q, limit, dt.date.today()))

    for search, words, shape in (
        (models, "Models by a part of their name, with today's price", FoundModels),
        (offers, "Fine-tuning offers by a part of their name, and whether a new customer can order today", FoundOffers),
    ):
        routes.add_api_route(
            f"/api/v1/{search.__name__}",
            search,
            operation_id=search.__name__,
            summary=words,
            description=shape.__doc__ or "",
            response_class=Response,
            responses={200: {"model": shape}},
        )

    table = catalogue.prices.document
    health = to_json(
        Health(version=__version__, prices=PricePackage(package=table["package"], version=table["version"]))
    )

    async def healthz() -> Response:
        return Response(health, media_type="application/json")

    routes.add_api_route(
        "/healthz",
        healthz,
        operation_id="health",
        summary="Whether the server answers",
        response_class=Response,
        responses={200: {"model": Health}},
    )
    routes.add_api_route("/openapi.json", _description(), include_in_schema=False)
    return routes


def as_json(document: object) -> Response:
    """A document as an answer."""
    return Response(to_json(document, inf_nan_mode="null"), media_type="application/json")


def _asked(kind: Kind, catalogue: Catalogue) -> Callable[[Request], Awaitable[Response]]:
    """The handler of one question."""

    async def handle(request: Request) -> Response:
        return as_json(reply(kind, await read_object(request), catalogue, dt.date.today()))

    return handle


async def read_object(request: Request) -> dict[str, Any]:
    """The body as one JSON object. Raises ProblemError for another media type, or for anything else in it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(
            Problem(name="unsupported-media-type", status=415, detail="Send JSON, with Content-Type: application/json.")
        )
    body = await request.body()
    try:
        # Stricter than the standard library, which alone can see names given twice.
        from_json(body, allow_inf_nan=False)
        found = json.loads(body, object_pairs_hook=_once)
    except ValueError as error:
        raise ProblemError(_unreadable(f"The body is not JSON: {error}.")) from None
    if not isinstance(found, dict):
        raise ProblemError(_unreadable('Send one JSON object of fields, e.g. {"calls_per_month": 50000}.'))
    return found


def _unreadable(detail: str) -> Problem:
    return Problem(name="unreadable-json", status=400, detail=detail)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are given once each."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:LONGEST]!r} is given twice")
    return found


def _description() -> Callable[[Request], Awaitable[Response]]:
    """The handler of ``/openapi.json``."""
    written = cache(lambda app: to_json(openapi(app)))

    async def handle(request: Request) -> Response:
        return Response(written(request.app), media_type="application/json")

    return handle


def openapi(app: FastAPI) -> Schema:
    """The OpenAPI document of an application: its routes, and the schemas of every question and answer."""
    document = get_openapi(
        title="breakeven",
        version=__version__,
        summary="Does fine-tuning a model save money against paying for API calls, at your usage?",
        routes=app.routes,
    )
    for operation in (each for path in document["paths"].values() for each in path.values()):
        operation["responses"].pop("422", None)
        operation["responses"] |= {"4XX": FAULT, "5XX": FAULT}
    schemas = document["components"]["schemas"]
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    for kind in QUESTIONS.values():
        schema = question_schema(kind.question, REFS.format(name="{model}"))
        schemas |= schema.pop("$defs", {}) | {kind.question.__name__: schema}
    schemas["Problem"] = PROBLEM
    return document
