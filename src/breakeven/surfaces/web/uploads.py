"""
Logs in, a table of tasks out: a page, and an address of the API. Each row opens the calculator filled in.

A log is kept in a private folder until its answer is made; of prompts and completions nothing is shown or stored.
"""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse

from breakeven.errors import LogError
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion
from breakeven.questions.logs import Decision, LogsAnswer, Task
from breakeven.questions.task_details import TaskDetails
from breakeven.surfaces.asking import in_json_words
from breakeven.surfaces.render.finetune import WORDS
from breakeven.surfaces.render.log_files import compared_calls, signed_amount
from breakeven.surfaces.render.numbers import calls_of, money
from breakeven.surfaces.render.task_details import figures, found_words
from breakeven.surfaces.web import state
from breakeven.surfaces.web.capped_files import Caps
from breakeven.surfaces.web.drawing import draw
from breakeven.surfaces.web.intake import TASKS, private_folder, receive
from breakeven.surfaces.web.reading import Order, answer_of
from breakeven.usage.readers import READERS

if TYPE_CHECKING:
    from breakeven.surfaces.web.app import Settings

UPLOAD_PATHS: Final = ("/logs", "/api/v1/logs", "/training", "/api/v1/training/files")
"""Addresses that take uploads."""

MAX_UPLOADS = 8
READINGS = 2
"""Most uploads under way, and of those being read: each reading takes a processor and up to some hundred MB."""

STALE_SECONDS = 3600.0
SHOWN_TASKS, SHOWN_REJECTS, SHOWN_CHECKS = 100, 8, 20
SHOWN_NAME_LENGTH = 80
FILLED = ("your log", "estimated from your log")
"""How the origin of a field begins that a log filled."""

FRAGMENT_HEADER = "x-fragment"
CLIENT_GONE = 499

Found = TypeVar("Found")

router = APIRouter()
document: TypeAdapter[LogsAnswer] = TypeAdapter(LogsAnswer)


@dataclass
class Gate:
    """Uploads under way in one application."""

    uploads: int = 0
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READINGS))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One task on one model, as shown."""

    task: str
    about: list[str]
    model: str
    calls: str
    tokens_per_call: str
    cost: str
    reported: str
    verdict: str
    word: str
    words: str
    notes: list[str]
    link: str | None


@router.get("/logs", include_in_schema=False)
async def logs_page(request: Request) -> Response:
    """The form."""
    return _page(request)


@router.post("/logs", include_in_schema=False)
async def logs_form(request: Request) -> Response:
    """The form again, with the table of tasks or what is wrong; the latter alone for the page's own script."""
    try:
        answer = document.validate_json(await _answer(request))
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    except LogError as error:
        return _page(request, status=422, fault=in_web_words(str(error)))
    except HTTPException as error:
        return _page(request, status=error.status_code, fault=error.detail)
    return _page(request, answer=answer, rows=_rows(answer))


@router.post(
    "/api/v1/logs",
    operation_id="logs",
    summary="What do my logs say?",
    response_class=Response,
    responses={200: {"model": LogsAnswer}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            "task_by": {"type": "string"},
                            "reader": {"type": "string"},
                            "columns": {"type": "string", "description": "One NAME=COLUMN a line."},
                            "tasks": {"type": "string", "description": "YAML that names and merges tasks."},
                        },
                        "required": ["files"],
                    }
                },
            },
        }
    },
)
async def logs_document(
    request: Request,
    name: Annotated[str, Query(description="What the log is called in the answer.")] = "log",
    task_by: Annotated[str | None, Query(description="Field that names the task; 'prompt': the system prompt.")] = None,
    reader: Annotated[str | None, Query(description="Format to read as, in place of the one that claims it.")] = None,
    column: Annotated[Sequence[str], Query(description="Column of a table, e.g. input_tokens=my_col.")] = (),
) -> Response:
    """
    Real usage per task and model, its cost, and the fine-tuning decision for each.

    The body is one log (JSON lines, CSV, TSV, each also gzip, or Parquet), whatever its content type; or several as
    the files of a multipart form. Nothing of it is kept.
    """
    try:
        found = await _answer(request, name=name, task_by=task_by, reader=reader, columns=column)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    except LogError as error:
        raise LogError(in_web_words(str(error))) from None
    return Response(found, media_type="application/json")


async def _answer(
    request: Request,
    *,
    name: str = "log",
    task_by: str | None = None,
    reader: str | None = None,
    columns: Sequence[str] = (),
) -> bytes:
    """The document of the logs that a request brings; fields of its form go before the parameters."""
    settings: Settings = request.app.state.settings
    caps = Caps(text_bytes=settings.max_upload_bytes, line_bytes=settings.max_line_bytes)
    stale_seconds = max(STALE_SECONDS, 2 * settings.upload_seconds)
    async with place(request) as gate, private_folder(stale_seconds) as folder:
        upload = await receive(request, folder, caps, name)
        lines = upload.fields.get("columns", "").splitlines()
        order = Order(
            files=upload.files,
            names=upload.names,
            catalogue=request.app.state.catalogue,
            as_of=dt.date.today(),
            task_by=upload.fields.get("task_by") or task_by or None,
            reader=upload.fields.get("reader") or reader or None,
            columns=dict(_pair(each) for each in [*columns, *lines] if each.strip()),
            tasks=upload.fields.get(TASKS) or None,
        )
        return await while_waited_for(request, _read(gate, order))


@asynccontextmanager
async def place(request: Request) -> AsyncIterator[Gate]:
    """A place among the uploads under way. Raises 429 where there is none."""
    kept = request.app.state
    if not hasattr(kept, "gate"):
        kept.gate = Gate()
    gate: Gate = kept.gate
    if gate.uploads >= MAX_UPLOADS:
        raise HTTPException(429, "Too many uploads are under way; try again in a minute", {"Retry-After": "60"})
    gate.uploads += 1
    try:
        yield gate
    finally:
        gate.uploads -= 1


async def _read(gate: Gate, order: Order) -> bytes:
    async with gate.reading:
        return await answer_of(order)


async def while_waited_for(request: Request, work: Coroutine[Any, Any, Found]) -> Found:
    """What some work gives; it is cancelled as soon as nobody waits for it. Raises ClientDisconnect then."""
    task, gone = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _pair(text: str) -> tuple[str, str]:
    name, equals, own = (part.strip() for part in text.partition("="))
    if not equals or not own:
        raise LogError(f"The column {text[:SHOWN_NAME_LENGTH]!r} must be NAME=COLUMN, e.g. input_tokens=prompt_len")
    return name, own


def _page(
    request: Request,
    *,
    status: int = 200,
    answer: LogsAnswer | None = None,
    rows: Sequence[Row] = (),
    fault: str | None = None,
) -> Response:
    """The page, or its fragment with the table where its script asks for that."""
    fragment = request.method == "POST" and FRAGMENT_HEADER in request.headers
    settings: Settings = request.app.state.settings
    page = draw(
        "_tasks.html" if fragment else "logs.html",
        current="logs",
        answer=answer,
        rows=rows,
        rejects=answer.rejects[:SHOWN_REJECTS] if answer else (),
        checks=_checks(answer) if answer else (),
        fault=fault,
        readers=READERS,
        max_upload_bytes=settings.max_upload_bytes,
    )
    return HTMLResponse(page, status, {FRAGMENT_HEADER: "1"} if fragment else None)


def _rows(answer: LogsAnswer) -> list[Row]:
    """The rows of the table; what is said of a task as a whole stands at its dearest model."""
    details = {each.task: each for each in answer.task_facts}
    return [_row(task, details.pop(task.task, None)) for task in answer.tasks[:SHOWN_TASKS]]


def _checks(answer: LogsAnswer) -> list[dict[str, str]]:
    """Our price beside the stated cost, by model, as shown."""
    return [
        {
            "model": shortened(str(check["model"] or "(none)")),
            "calls": compared_calls(check),
            "ours": signed_amount(check["cost_usd"]),
            "stated": signed_amount(check["reported_cost_usd"]),
            "difference": signed_amount(check["difference_usd"]),
            "cause": in_web_words(str(check["explanation"])),
        }
        for check in answer.price_check[:SHOWN_CHECKS]
    ]


def _row(task: Task, details: TaskDetails | None) -> Row:
    """One row of the table."""
    about = [] if details is None else [f"{found_words(details)}: {details.description}", figures(details)]
    decision = task.answer
    sizes = [size.mean for size in (task.input_per_call, task.output_per_call)]
    notes = [] if decision is None else [in_web_words(note) for note in decision.unknowns[:2]]
    if task.unpriced_calls:
        notes.append(f"{task.unpriced_calls:,} calls without a price: {task.unpriced_reason}")
    return Row(
        task=shortened(task.task),
        about=[in_web_words(words) for words in about if words],
        model=shortened(task.model or "(none)"),
        calls=calls_of(task.calls),
        tokens_per_call=" + ".join("?" if size is None else f"{size:,.0f}" for size in sizes),
        cost=money(task.cost_usd, unknown="no price"),
        reported=money(task.reported_cost_usd, unknown="not stated"),
        word="none" if decision is None else decision.verdict.word,
        verdict="no answer" if decision is None else WORDS[decision.verdict.word][0],
        words=in_web_words(task.why_no_answer or "") if decision is None else decision.verdict.headline,
        notes=notes,
        link=None if decision is None else f"/finetune?{calculator_query(decision)}",
    )


def calculator_query(decision: Decision) -> str:
    """
    The calculator's address query that asks a task's question again, with ``from_log`` naming what the log filled in.

    What the answer itself filled in is left out: it will do so again.
    """
    origins = decision.origins
    names = [name for name in FinetuneQuestion.model_fields if origins.get(name, "").startswith(FILLED)]
    fields = {name: decision.question[name] for name in names}
    today = dt.date.fromisoformat(str(decision.question["as_of"]))
    query = state.query_of(ask(FinetuneQuestion, fields | {"as_of": today}), today)
    return f"{query}&{urlencode({state.FROM_LOG: ','.join(names)}, safe=',')}"


def in_web_words(message: str) -> str:
    """A message without what only the command line has."""
    named = re.sub(r"--column NAME=COLUMN", "NAME=COLUMN in columns", message)
    named = re.sub(r"--column (\w+=COLUMN)", r"\1 in columns", named)
    return in_json_words(named.replace("--reader", "reader"), FinetuneQuestion)


def shortened(name: str) -> str:
    """A name from a log, of limited length."""
    return name if len(name) <= SHOWN_NAME_LENGTH else name[: SHOWN_NAME_LENGTH - 1] + "…"
