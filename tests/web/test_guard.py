"""What every request passes: host, origin, size, time; and the headers of every response."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.testclient import TestClient

from breakeven.catalogue.load import Catalogue
from breakeven.surfaces.web.app import Settings, create_app
from breakeven.surfaces.web.guard import SECURITY_HEADERS, name_of

SIX = {"model": "gpt-5-mini", "calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}
CHUNK = b"x" * 1_000
CANARY = "4711 calls"
SETTINGS = Settings(
    allowed_hosts=("localhost", "Calc.Example"),
    max_body_bytes=5_000,
    max_upload_bytes=20_000,
    request_seconds=0.5,
    upload_seconds=10,
)


@pytest.fixture(scope="module")
def app(catalogue: Catalogue) -> Any:
    app = create_app(SETTINGS)

    @app.post("/api/size")
    @app.post("/size")
    async def size(request: Request) -> Response:
        return Response(str(len(await request.body())))

    @app.get("/api/slow")
    async def slow() -> Response:
        await asyncio.sleep(30)
        return Response()

    @app.get("/stream")
    async def stream(broken: bool = False) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield CHUNK
            if broken:
                raise RuntimeError(CANARY)

        return StreamingResponse(parts(), media_type="text/plain")

    # Before the routes that take everything else.
    app.router.routes[:] = [*app.router.routes[-4:], *app.router.routes[:-4]]
    return app


@pytest.fixture
def client(app: Any) -> TestClient:
    return TestClient(app, base_url="http://localhost:8000")


class Exchange:
    """One request handed to the application message by message, as a server does."""

    def __init__(self, app: Any, method: str, path: str, parts: list[bytes], **headers: str) -> None:
        self.parts = [
            {"type": "http.request", "body": part, "more_body": place < len(parts) - 1}
            for place, part in enumerate(parts)
        ]
        self.sent: list[dict[str, Any]] = []
        self.taken = 0
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path.partition("?")[0],
            "raw_path": path.encode(),
            "query_string": path.partition("?")[2].encode(),
            "root_path": "",
            "scheme": "http",
            "server": ("localhost", 8000),
            "client": ("127.0.0.1", 1),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        asyncio.run(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if self.taken == len(self.parts):
            await asyncio.sleep(60)
        self.taken += 1
        return self.parts[self.taken - 1]

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/healthz", {}),
        ("GET", "/nothing", {}),
        ("GET", "/api/slow", {}),
        ("GET", "/stream", {}),
        ("POST", "/api/v1/finetune", {}),
        ("POST", "/size", {"content-length": "999999999"}),
        ("GET", "/healthz", {"host": "evil.example"}),
        ("POST", "/size", {"sec-fetch-site": "cross-site"}),
    ],
)
def test_every_response_carries_the_headers(
    client: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    response = client.request(method, path, headers=headers)
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.get_list(name) == [value]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("localhost.:80", 200),
        ("calc.example:443", 200),
        ("127.0.0.1:8000", 200),
        ("192.168.1.20", 200),
        ("[::1]:8000", 200),
        ("[fe80::1]", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost@evil.example", 421),
        ("127.0.0.1.evil.example:8000", 421),
        ("1", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_only_known_names_and_addresses_are_served(app: Any, host: str, status: int) -> None:
    assert Exchange(app, "GET", "/healthz", [b""], host=host).status == status


def test_a_request_without_a_host_is_refused(app: Any) -> None:
    assert Exchange(app, "GET", "/healthz", [b""]).status == 421


def test_any_host_if_asked_for(catalogue: Catalogue) -> None:
    app = create_app(Settings(allowed_hosts=("*",)))
    assert Exchange(app, "GET", "/healthz", [b""], host="any.example").status == 200


def test_names_without_their_ports() -> None:
    assert [name_of(host) for host in ("A.example:80", "[::1]:80", "[::1]", "a.example.")] == [
        "a.example",
        "[::1]",
        "[::1]",
        "a.example",
    ]


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-origin", 200), ("none", 200), (None, 200)])
def test_pages_of_other_sites_may_not_send(client: TestClient, site: str | None, status: int) -> None:
    headers = {"sec-fetch-site": site} if site else {}
    assert client.post("/size", content=b"1", headers=headers).status_code == status
    assert client.get("/healthz", headers=headers).status_code == 200


def test_a_body_said_to_be_too_large_is_not_read(app: Any) -> None:
    for length in ("5001", "9" * 5_000):
        found = Exchange(app, "POST", "/api/size", [CHUNK], host="localhost", content_length=length)
        assert (found.status, found.taken) == (413, 0)
        assert json.loads(found.body)["type"] == "/problems/too-large"


@pytest.mark.parametrize("said", [None, "10"])
def test_a_body_that_grows_too_large_is_read_no_further(app: Any, said: str | None) -> None:
    headers = {"host": "localhost"} | ({"content_length": said} if said else {})
    found = Exchange(app, "POST", "/api/size", [CHUNK] * 50, **headers)
    assert (found.status, found.taken) == (413, 6)
    assert Exchange(app, "POST", "/api/size", [CHUNK] * 5, **headers).body == b"5000"


def test_uploads_have_a_cap_of_their_own(app: Any) -> None:
    found = Exchange(app, "POST", "/api/v1/logs", [CHUNK] * 50, host="localhost")
    assert (found.status, json.loads(found.body)["type"]) == (413, "/problems/too-large")
    assert 19 <= found.taken <= 21
    assert Exchange(app, "POST", "/api/v1/logs", [CHUNK] * 10, host="localhost").status == 422


def test_a_slow_answer_is_given_up(client: TestClient) -> None:
    response = client.get("/api/slow")
    assert response.status_code == 503
    assert response.json()["type"] == "/problems/too-slow"
    assert "0.5 seconds" in response.json()["detail"]


def test_a_slow_sender_is_given_up(app: Any) -> None:
    found = Exchange(app, "POST", "/api/size", [], host="localhost")
    assert (found.status, json.loads(found.body)["status"]) == (503, 503)


def test_a_stream_that_breaks_is_not_ended_as_if_whole(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    whole = Exchange(app, "GET", "/stream", [b""], host="localhost")
    assert (whole.status, whole.body) == (200, CHUNK * 3)
    assert not whole.sent[-1].get("more_body")
    broken = Exchange(app, "GET", "/stream?broken=true", [b""], host="localhost")
    assert broken.status == 200
    assert all(message["more_body"] for message in broken.sent[1:])
    assert "Unexpected" in caplog.text
    assert CANARY not in caplog.text


def test_text_is_compressed_where_it_is_welcome(client: TestClient) -> None:
    plain = client.post("/api/v1/finetune", json=SIX, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = client.post("/api/v1/finetune", json=SIX, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 4


def test_a_stream_is_compressed_part_by_part(app: Any) -> None:
    found = Exchange(app, "GET", "/stream", [b""], host="localhost", accept_encoding="gzip")
    parts = [message["body"] for message in found.sent[1:] if message.get("body")]
    assert len(parts) >= 3
    assert gzip.decompress(found.body) == CHUNK * 3
