"""
Training files in, what is wrong with them and what training costs out: a page, and an address of the API.

A file is kept in a private folder until its answer is made; of its text nothing is shown or stored.
"""

import datetime as dt
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse

from breakeven.errors import BreakevenError, InputError, LogError, nearest
from breakeven.questions.training import TrainingAnswer
from breakeven.questions.training_fields import TrainingQuestion
from breakeven.surfaces.asking import in_json_words
from breakeven.surfaces.web import table_view
from breakeven.surfaces.web.capped_files import Caps
from breakeven.surfaces.web.drawing import draw
from breakeven.surfaces.web.intake import private_folder, receive
from breakeven.surfaces.web.reading import answer_of, renamed
from breakeven.surfaces.web.uploads import CLIENT_GONE, FRAGMENT_HEADER, STALE_SECONDS, place, while_waited_for

if TYPE_CHECKING:
    from breakeven.catalogue.load import Catalogue
    from breakeven.surfaces.web.app import Settings

VALIDATION = "validation_file"
"""Field of a form that holds the validation file; any other holds the training file."""

router = APIRouter()
document: TypeAdapter[TrainingAnswer] = TypeAdapter(TrainingAnswer)


@dataclass(frozen=True, kw_only=True)
class TrainingOrder:
    """
    What is to be read.

    files, names, inputs : the files, what each is called in the answer, and the field each came in.
    fields : fields of the question as text.
    """

    files: Sequence[Path]
    names: Sequence[str]
    inputs: Sequence[str]
    catalogue: "Catalogue"
    as_of: dt.date
    fields: Mapping[str, str]

    def answered(self) -> bytes:
        """The JSON document ``breakeven/training/1``; called in the process that reads."""
        from pydantic_core import to_json

        from breakeven.questions.fields import ask
        from breakeven.questions.training import KIND
        from breakeven.surfaces.counted import around, counted_fields, wanted_vocabularies
        from breakeven.training_files.checks import read_training_file

        train, validation = self._places()
        folder = train.parent
        os.chdir(folder)
        tempfile.tempdir = str(folder)
        read = read_training_file(
            Path(train.name),
            around(self.catalogue),
            None if validation is None else Path(validation.name),
            wanted_vocabularies(self.catalogue, self.fields.get("model"), self.fields.get("offer")),
        )
        read = read._replace(
            train=replace(read.train, name=renamed(read.train.name, self.names)),
            validation=None
            if read.validation is None
            else replace(read.validation, name=renamed(read.validation.name, self.names)),
        )
        values, origins = counted_fields(*read)
        given = {"as_of": self.as_of} | _fields(self.fields) | values
        if "as_of" not in self.fields:
            origins |= {"as_of": "today"}
        return to_json(KIND.answer(ask(TrainingQuestion, given), self.catalogue, origins))

    def _places(self) -> tuple[Path, Path | None]:
        """The training file, and the validation file if there is one. Raises InputError for other numbers of them."""
        held = [file for file, name in zip(self.files, self.inputs, strict=True) if name == VALIDATION]
        train = [file for file, name in zip(self.files, self.inputs, strict=True) if name != VALIDATION]
        if len(train) != 1 or len(held) > 1:
            raise InputError("Send one training file as training_file, and at most one as validation_file")
        return train[0], held[0] if held else None


def _fields(texts: Mapping[str, str]) -> dict[str, Any]:
    """Fields of the question as text; lists are written with commas, empty texts are not given."""
    from breakeven.surfaces.web.state import is_list

    found: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in TrainingQuestion.model_fields or name in TrainingQuestion.hidden:
            close = nearest(name, set(TrainingQuestion.model_fields) - set(TrainingQuestion.hidden))
            raise InputError(f"There is no field {name[:99]!r}.{close}")
        if text.strip():
            words = tuple(word.strip() for word in text.split(",") if word.strip())
            found[name] = words if is_list(TrainingQuestion, name) else text.strip()
    return found


@router.post("/training", include_in_schema=False)
async def training_form(request: Request) -> Response:
    """The page again with the report or what is wrong; the latter alone for the page's own script."""
    try:
        answer = document.validate_json(await _answer(request))
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    except BreakevenError as error:
        return _page(request, {"fault": in_json_words(str(error), TrainingQuestion)}, 422)
    except HTTPException as error:
        return _page(request, {"fault": error.detail}, error.status_code)
    figures = table_view.figures(answer)
    tables = [table_view.drawn(table, figures) for table in answer.tables()]
    return _page(request, {"fault": "", "answer": answer, "tables": tables}, 200)


@router.post(
    "/api/v1/training/files",
    operation_id="training_files",
    summary="What does training on this file cost, and what is wrong with it?",
    response_class=Response,
    responses={200: {"model": TrainingAnswer}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "training_file": {"type": "string", "format": "binary"},
                            "validation_file": {"type": "string", "format": "binary"},
                            "model": {"type": "string"},
                            "offer": {"type": "string"},
                            "epochs": {"type": "string"},
                            "base_model": {"type": "string"},
                            "buyer": {"type": "string"},
                        },
                        "required": ["training_file"],
                    }
                },
            },
        }
    },
)
async def training_document(request: Request) -> Response:
    """
    A fine-tuning file checked line by line, its tokens as each provider counts them, and what a run costs.

    The body is the training file (JSON lines, also gzip or Zstandard), whatever its content type; or a multipart form
    with ``training_file``, perhaps ``validation_file``, and fields of the question as text. Nothing of it is kept.
    """
    try:
        found = await _answer(request)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    except LogError as error:
        raise LogError(in_json_words(str(error), TrainingQuestion)) from None
    return Response(found, media_type="application/json")


async def _answer(request: Request) -> bytes:
    """The document of the files that a request brings."""
    settings: Settings = request.app.state.settings
    caps = Caps(text_bytes=settings.max_upload_bytes, line_bytes=settings.max_line_bytes)
    stale_seconds = max(STALE_SECONDS, 2 * settings.upload_seconds)
    async with place(request) as gate, private_folder(stale_seconds) as folder:
        upload = await receive(request, folder, caps, "training file")
        order = TrainingOrder(
            files=upload.files,
            names=upload.names,
            inputs=upload.inputs,
            catalogue=request.app.state.catalogue,
            as_of=dt.date.today(),
            fields=upload.fields,
        )

        async def read() -> bytes:
            async with gate.reading:
                return await answer_of(order)

        return await while_waited_for(request, read())


def _page(request: Request, report: Mapping[str, Any], status: int) -> Response:
    """The page with the report, or the report alone where its script asks for that."""
    fragment = FRAGMENT_HEADER in request.headers
    settings: Settings = request.app.state.settings
    page = draw(
        "_training_report.html" if fragment else "training_file.html",
        current="training",
        report=report,
        max_upload_bytes=settings.max_upload_bytes,
    )
    return HTMLResponse(page, status, {FRAGMENT_HEADER: "1"} if fragment else None)
