"""One page per question: its form and its answer, whole or only the parts that change; its charts as images."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError
from breakeven.questions.break_even_map import break_even_map
from breakeven.questions.fields import ask
from breakeven.questions.kind import Kind
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.asking import in_json_words
from breakeven.surfaces.lookup import Lookup
from breakeven.surfaces.render.chart_rows import rows
from breakeven.surfaces.render.chart_theme import ThemeName
from breakeven.surfaces.web import state
from breakeven.surfaces.web.drawing import draw
from breakeven.surfaces.web.figures import Figures
from breakeven.surfaces.web.forms import SEARCHED, form, texts_of
from breakeven.surfaces.web.views import view_of

Pairs = Sequence[tuple[str, str]]
OWN_PARAMETERS = ("theme",)
"""Parameters of an address that are about its look."""

IMAGE_WIDTH = 700
"""Width of a chart's image. [px]"""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a question cannot be answered, and the field at fault, if one is."""

    message: str
    field: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What an address asks.

    texts : what stands in the form. question, answer : None where there is a fault.
    query : the address as short as it goes. example : the fields are ours, because none were given.
    """

    texts: dict[str, str]
    question: Any = None
    answer: Any = None
    fault: Fault | None = None
    query: str = ""
    baseline: str = ""
    from_log: str = ""
    example: bool = False
    figures: Figures | None = field(default=None)


def router(catalogue: Catalogue, lookup: Lookup) -> APIRouter:
    """The pages of all questions."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home(request: Request) -> Response:
        return RedirectResponse(f"/{next(iter(QUESTIONS))}", 303)

    for kind in QUESTIONS.values():
        _add_page(routes, kind, catalogue, lookup)
    _add_charts(routes, QUESTIONS["finetune"], catalogue)
    _add_plots(routes, catalogue)
    return routes


def _add_page(routes: APIRouter, kind: Kind, catalogue: Catalogue, lookup: Lookup) -> None:
    """The page of one question, and the parts of it that change with its fields."""

    async def page(request: Request) -> Response:
        pairs = request.query_params.multi_items()
        asked = _ask(kind, pairs, catalogue)
        if asked.question and any(not text for _, text in pairs):
            # A form without scripts sends its empty fields too: show the short address.
            return RedirectResponse(f"/{kind.name}?{_kept_query(asked)}", 303)
        names = _context(kind, asked, lookup, request, catalogue) | {"groups": form(kind.question, asked.texts)}
        return HTMLResponse(draw("question.html", **names), 422 if asked.fault else 200)

    async def parts(request: Request) -> Response:
        asked = _ask(kind, request.query_params.multi_items(), catalogue)
        return HTMLResponse(draw("_parts.html", **_context(kind, asked, lookup, request)), 422 if asked.fault else 200)

    routes.add_api_route(f"/{kind.name}", page, name=kind.name)
    routes.add_api_route(f"/{kind.name}/parts", parts, name=f"{kind.name}-parts")


def _add_charts(routes: APIRouter, kind: Kind, catalogue: Catalogue) -> None:
    """The rows of the break-even map, and each chart as an image for readers without scripts."""

    @routes.get(f"/{kind.name}/map")
    async def map_rows(request: Request) -> Response:
        asked = _answered(kind, request, catalogue)
        found = rows(asked.answer, break_even_map(asked.question, asked.answer, catalogue))
        return Response(
            to_json({name: found[name] for name in ("cells", "words", "here")}), media_type="application/json"
        )

    @routes.get(f"/{kind.name}/charts/{{name}}.svg")
    async def chart(name: str, request: Request) -> Response:
        from breakeven.surfaces.render.chart_files import chart_spec, svg
        from breakeven.surfaces.render.charts import CHARTS

        if name not in CHARTS:
            raise HTTPException(404)
        asked = _answered(kind, request, catalogue)
        found = rows(asked.answer, break_even_map(asked.question, asked.answer, catalogue) if name == "map" else None)
        theme: ThemeName = "dark" if request.query_params.get("theme") == "dark" else "light"
        drawn = await run_in_threadpool(lambda: svg(chart_spec(name, found, theme, IMAGE_WIDTH)))
        return Response(drawn, media_type="image/svg+xml")


def _add_plots(routes: APIRouter, catalogue: Catalogue) -> None:
    """Tables that are drawn as charts, as images, whatever the question."""

    @routes.get("/{kind_name}/charts/{name}.svg")
    async def plot(kind_name: str, name: str, request: Request) -> Response:
        from breakeven.surfaces.render.plots import plot_svg

        if kind_name not in QUESTIONS:
            raise HTTPException(404)
        found = _answered(QUESTIONS[kind_name], request, catalogue).answer
        tables = found.tables() if hasattr(found, "tables") else []
        table = next((each for each in tables if each.name == name and each.plot), None)
        if table is None:
            raise HTTPException(404)
        theme: ThemeName = "dark" if request.query_params.get("theme") == "dark" else "light"
        drawn = await run_in_threadpool(lambda: plot_svg(table, theme, IMAGE_WIDTH))
        return Response(drawn, media_type="image/svg+xml")


def _answered(kind: Kind, request: Request, catalogue: Catalogue) -> Asked:
    """What an address asks, answered. Raises a fault of status 422 where it cannot be."""
    asked = _ask(kind, request.query_params.multi_items(), catalogue)
    if asked.fault:
        raise HTTPException(422, asked.fault.message)
    return asked


def _ask(kind: Kind, pairs: Pairs, catalogue: Catalogue) -> Asked:
    """The answer to an address, or what is wrong with it."""
    today = dt.date.today()
    pairs = [(name, text) for name, text in pairs if name not in OWN_PARAMETERS]
    texts = {name: text for name, text in pairs if name in kind.question.model_fields}
    from_log = next((text for name, text in pairs if name == state.FROM_LOG), "")
    baseline = next((text for name, text in pairs if name == state.BASELINE), "")
    try:
        values = state.read_query(kind.question, pairs) or dict(kind.question.example)
        question = ask(kind.question, {"as_of": today} | values)
        origins = state.origins_from_log(pairs, values) | ({} if "as_of" in values else {"as_of": "today"})
        answer = kind.answer(question, catalogue, origins)
    except BreakevenError as error:
        message = in_json_words(str(error), kind.question)
        return Asked(
            texts=texts, fault=Fault(message, getattr(error, "field", None)), baseline=baseline, from_log=from_log
        )
    return Asked(
        texts=texts_of(question) if "as_of" in values else texts_of(question) | {"as_of": ""},
        question=question,
        answer=answer,
        query=state.query_of(question, today),
        baseline=baseline,
        from_log=from_log,
        example=not texts,
        figures=_baseline(kind.name, catalogue, baseline, today) if baseline else None,
    )


@lru_cache(maxsize=256)
def _baseline(kind_name: str, catalogue: Catalogue, query: str, today: dt.date) -> Figures | None:
    """The figures of the answer to compare with; None where its query cannot be answered."""
    kind = QUESTIONS[kind_name]
    try:
        values = {"as_of": today} | state.read_query(kind.question, parse_qsl(query))
        return view_of(kind).figures(kind.answer(ask(kind.question, values), catalogue, {}))
    except BreakevenError:
        return None


def _kept_query(asked: Asked) -> str:
    """The short address, with what is kept beside the fields."""
    return asked.query + _kept(asked)


def _kept(asked: Asked) -> str:
    """What an address keeps beside the fields."""
    baseline = f"&{state.BASELINE}={quote(asked.baseline, safe='')}" if asked.baseline else ""
    return baseline + (f"&{state.FROM_LOG}={quote(asked.from_log, safe=',')}" if asked.from_log else "")


def _context(
    kind: Kind, asked: Asked, lookup: Lookup, request: Request, catalogue: Catalogue | None = None
) -> dict[str, Any]:
    """What the templates of a question's page need; with a catalogue, also the map in words, for images of it."""
    shared = {
        "kind": kind,
        "answer_template": view_of(kind).template,
        "upload_template": view_of(kind).upload,
        "max_upload_bytes": request.app.state.settings.max_upload_bytes,
        "current": kind.name,
        "answer": None,
        "fault": asked.fault,
        "hints": _hints(kind, asked, lookup),
        "query": asked.query,
        "kept": _kept(asked),
        "baseline": asked.baseline,
        "from_log": asked.from_log,
        "example": asked.example,
        "page_title": "breakeven",
    }
    if asked.question is None or asked.answer is None:
        return shared
    base_url = str(request.base_url).rstrip("/")
    return (
        shared
        | view_of(kind).names(asked.question, asked.answer, asked.figures, catalogue)
        | {
            "base_url": base_url,
            "copies": {
                "cli": state.cli_command(asked.question),
                "api": state.api_call(asked.question, base_url),
                "yaml": state.scenario_yaml(asked.question),
            },
        }
    )


def _hints(kind: Kind, asked: Asked, lookup: Lookup) -> dict[str, str]:
    """Under each name of the catalogue in the form: what it is, its price and the day of that price."""
    names = {name: search for name, search in SEARCHED.items() if name in kind.question.model_fields}
    found = dict.fromkeys(names, "")
    question = asked.question
    if question is None:
        return found
    for name, search in names.items():
        value = getattr(question, name)
        if isinstance(value, str):
            words = lookup.model_words if search == "models" else lookup.offer_words
            found[name] = words(value, question.as_of)
    return found
