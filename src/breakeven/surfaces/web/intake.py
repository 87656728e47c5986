"""
The bytes of an upload, to files in a private folder that is removed whatever happens.

They are handed on while they arrive; the request itself is capped by the guard, its files by ``capped_files``.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from breakeven.errors import LogError
from breakeven.surfaces.web.capped_files import Caps, Intake, Upload

PREFIX = "breakeven-upload-"
WRITE_BYTES = 1 << 20
MAX_FIELDS = 20
MAX_FIELD_BYTES = 1000
TASKS = "tasks"
"""Field of the form with a file of names for tasks; it is small, and kept as a field."""
MAX_TASKS_BYTES = 64 * 1024
BAD_FORM = "The form cannot be read: it is not multipart/form-data, or ends early"


@asynccontextmanager
async def private_folder(stale_seconds: float) -> AsyncIterator[Path]:
    """
    A folder that this user alone can enter, removed at the end, on errors and on cancellation.

    Folders that a killed server left behind are removed too, once they are older than ``stale_seconds``.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        await in_thread(_sweep, folder.parent, time.time() - stale_seconds)
        yield folder
    finally:
        await in_thread(shutil.rmtree, folder, True)


def _sweep(parent: Path, before: float) -> None:
    for folder in parent.glob(PREFIX + "*"):
        try:
            stale = folder.lstat().st_mtime < before
        except OSError:
            continue
        if stale:
            shutil.rmtree(folder, ignore_errors=True)


async def in_thread(work: Callable[..., None], *args: Any) -> None:
    """Some work off the event loop. It is finished before this returns, cancelled or not: nothing writes later."""
    done = asyncio.get_running_loop().run_in_executor(None, work, *args)
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


async def receive(request: Request, folder: Path, caps: Caps, name: str) -> Upload:
    """
    The logs of a request: the files of a multipart form, or else its whole body as one file.

    Parameters
    ----------
    name : str
        What a whole body is called.

    Raises
    ------
    HTTPException
        413: a cap is exceeded; the message names it. 400: the form cannot be read.
    LogError
        gzip data that do not unpack, or a form without a file.
    """
    upload = Upload()
    intake = Intake(upload, folder, caps)
    kind, options = parse_options_header(request.headers.get("content-type"))
    try:
        if kind == b"multipart/form-data":
            form = _Form(intake, options.get(b"boundary", b""))
            await _each(request, form.write)
            form.finish()
        else:
            intake.begin(name)
            await _each(request, intake.write)
    finally:
        intake.end()
    if not upload.files:
        raise LogError("No file was given")
    return upload


async def _each(request: Request, write: Callable[[bytes], None]) -> None:
    """
    Hand on the body in pieces, off the event loop.

    After a fault the rest is read and dropped: a client that is still sending would not hear the answer.
    """
    chunks, pending = request.stream(), bytearray()
    try:
        async for chunk in chunks:
            pending += chunk
            if len(pending) >= WRITE_BYTES:
                await in_thread(write, bytes(pending))
                pending.clear()
        await in_thread(write, bytes(pending))
    except (HTTPException, LogError):
        with suppress(HTTPException):
            async for _ in chunks:
                pass
        raise


class _Form:
    """A multipart form as it comes: its files go to an intake, its other fields are kept."""

    def __init__(self, intake: Intake, boundary: bytes) -> None:
        self.intake = intake
        self.header = self.value = b""
        self.disposition: dict[bytes, bytes] = {}
        self.field: bytearray | None = None
        self.is_file = self.ended = False
        if not boundary:
            raise HTTPException(400, BAD_FORM)
        try:
            self.parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise HTTPException(400, BAD_FORM) from None

    def write(self, data: bytes) -> None:
        """The next bytes of the form."""
        try:
            self.parser.write(data)
        except FormParserError:
            raise HTTPException(400, BAD_FORM) from None

    def finish(self) -> None:
        """Raise where the form did not come to its end."""
        if not self.ended:
            raise HTTPException(400, BAD_FORM)

    def _begin(self) -> None:
        self.disposition, self.field, self.is_file = {}, None, False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def _header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            self.disposition = parse_options_header(self.value.decode("latin-1"))[1]
        self.header = self.value = b""

    def _headers_finished(self) -> None:
        filename = self.disposition.get(b"filename")
        if self.disposition.get(b"name") == TASKS.encode():
            self.field = bytearray()
        elif filename:
            self.is_file = True
            field_name = self.disposition.get(b"name", b"").decode(errors="replace")
            self.intake.begin(filename.decode(errors="replace"), field_name)
        elif filename is None:
            self.field = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.is_file:
            self.intake.write(data[start:end])
        elif self.field is not None:
            self.field += data[start:end]
            most = MAX_TASKS_BYTES if self.disposition.get(b"name") == TASKS.encode() else MAX_FIELD_BYTES
            if len(self.field) > most:
                raise HTTPException(413, f"A field of the form is longer than {most:,} bytes")

    def _part_end(self) -> None:
        if self.is_file:
            self.intake.end()
        elif self.field is not None:
            name = self.disposition.get(b"name", b"").decode(errors="replace")
            self.intake.upload.fields[name] = self.field.decode(errors="replace").strip()
            if len(self.intake.upload.fields) > MAX_FIELDS:
                raise HTTPException(413, f"More than {MAX_FIELDS} fields in the form")

    def _end(self) -> None:
        self.ended = True
