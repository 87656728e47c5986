"""
What every request passes first: host, origin, size and time; and the headers that every response carries.

Plain ASGI, because a wrapper that reads whole responses would cost more than most answers.
"""

import asyncio
import ipaddress
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from breakeven.surfaces.web.problems import Problem, respond, too_large, unexpected

if TYPE_CHECKING:
    from breakeven.surfaces.web.app import Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # addresses hold the user's numbers
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
ENCODED_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
READING = ("GET", "HEAD", "OPTIONS")


class TooLargeError(HTTPException):
    """A body that grew over its cap while it was read."""


class Guard:
    """
    Refuses what must not reach the application, and catches what falls out of it.

    Parameters
    ----------
    settings : Settings
        Hosts, caps and time limits.
    upload_paths : collection of str
        Paths that take uploads, with the cap and the time of an upload.
    """

    def __init__(self, app: ASGIApp, *, settings: "Settings", upload_paths: Collection[str]) -> None:
        self.app = app
        self.settings = settings
        self.upload_paths = frozenset(upload_paths)
        self.hosts = frozenset(name_of(host) for host in settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *ENCODED_HEADERS]
            await send(message)

        request = Request(scope)
        upload = scope["path"] in self.upload_paths and scope["method"] not in READING
        most = self.settings.max_upload_bytes if upload else self.settings.max_body_bytes
        seconds = self.settings.upload_seconds if upload else self.settings.request_seconds
        problem = self._refusal(request, most)
        if problem is None:
            try:
                async with asyncio.timeout(seconds) as limit:
                    await self.app(scope, _counted(receive, most), send_with_headers)
            except TooLargeError:
                problem = too_large(most)
            except Exception as error:
                problem = _too_slow(seconds) if limit.expired() else unexpected(error)
        if problem is not None and not started:
            await respond(request, problem)(scope, receive, send_with_headers)

    def _refusal(self, request: Request, most: int) -> Problem | None:
        """Why a request is refused by its headers alone, None if it is not."""
        host = name_of(request.headers.get("host", ""))
        if not ("*" in self.hosts or host in self.hosts or is_address(host)):
            return Problem(
                name="unknown-host",
                status=421,
                detail=f"{host[:99]!r} is not served here; start the server with --allowed-hosts to add it.",
            )
        if request.method not in READING and request.headers.get("sec-fetch-site") == "cross-site":
            return Problem(name="cross-site", status=403, detail="Pages of other sites may not send to this one.")
        length = request.headers.get("content-length", "0")
        if length.isascii() and length.isdecimal() and (len(length) > 15 or int(length) > most):
            return too_large(most)
        return None


def _counted(receive: Receive, most: int) -> Receive:
    """``receive``, raising TooLargeError once the body is over its cap, whatever its length was said to be."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise TooLargeError(413, too_large(most).detail)
        return message

    return counted


def _too_slow(seconds: float) -> Problem:
    return Problem(name="too-slow", status=503, detail=f"It was given up after {seconds:g} seconds.")


def name_of(host: str) -> str:
    """The name in a Host header: without its port, in lower case, without a dot at the end."""
    host = host.strip().lower()
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0].rstrip(".")


def is_address(host: str) -> bool:
    """Whether a host is an IP address. No page of another site can send one: only names can be pointed elsewhere."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
