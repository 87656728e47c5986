"""Styles and scripts: files of this package, and the chart runtime and specifications, made from installed ones."""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "assets"
FILES = {file.name: file for file in FOLDER.iterdir()}
RUNTIME = "vega.js"
SPECS = {"charts-light.json": "light", "charts-dark.json": "dark"}

router = APIRouter(include_in_schema=False)


@router.get("/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    """One file; asked for again, it is sent only if it has changed."""
    if name not in FILES and name != RUNTIME and name not in SPECS:
        raise HTTPException(404)
    body, tag = await run_in_threadpool(content, name)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
        return Response(status_code=304, headers=headers)
    media_type = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
    return Response(body, media_type=media_type, headers=headers)


@cache
def content(name: str) -> tuple[bytes, str]:
    """A file's bytes, and a tag that changes with them."""
    if name in FILES:
        body = FILES[name].read_bytes()
    else:
        from breakeven.surfaces.render.chart_files import bundle
        from breakeven.surfaces.render.charts import vega_specs

        body = bundle() if name == RUNTIME else to_json(vega_specs("dark" if SPECS[name] == "dark" else "light"))
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
