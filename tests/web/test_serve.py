"""``breakeven serve`` as a program of its own: what it prints, whom it serves, how it ends."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakeven.surfaces.cli import main

SIX = {"model": "gpt-5-mini", "calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}
SECRET = "calls_per_month=4711"

Server = subprocess.Popen[str]


@pytest.fixture
def serve(catalogue: object) -> Iterator[Callable[..., tuple[Server, int]]]:
    """Starts servers at free ports, and ends those that still run."""
    started: list[Server] = []

    def start(*arguments: str) -> tuple[Server, int]:
        command = [sys.executable, "-m", "breakeven", "serve", "--port", "0", *arguments]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        started.append(server)
        assert server.stdout is not None
        first = server.stdout.readline()
        found = re.search(r"http://\S+:(\d+)/", first)
        assert found, (first, server.poll(), server.stderr.read() if server.stderr and not first else "")
        return server, int(found[1])

    yield start
    for server in started:
        if server.poll() is None:
            server.kill()
        with server:
            pass


def end(server: Server, sign: int = signal.SIGINT) -> tuple[str, str]:
    """What a server still printed after a signal."""
    server.send_signal(sign)
    server.wait(timeout=20)
    assert server.stdout is not None
    assert server.stderr is not None
    return server.stdout.read(), server.stderr.read()


def test_it_answers_where_it_says_and_ends_cleanly(serve: Callable[..., tuple[Server, int]]) -> None:
    server, port = serve()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/api/v1/finetune", json.dumps(SIX), {"content-type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("server") is None
    assert json.load(response)["schema"] == "breakeven/finetune/1"
    connection.request("GET", f"/nothing?{SECRET}")
    response = connection.getresponse()
    assert response.status == 404
    response.read()
    connection.close()
    out, err = end(server)
    assert server.returncode == 130
    assert (out, err) == ("", "")


def test_it_listens_at_this_machine_alone(serve: Callable[..., tuple[Server, int]]) -> None:
    server, port = serve()
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for address in own - {"127.0.0.1", "127.0.1.1"}:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, port), timeout=5)
    end(server, signal.SIGTERM)


def test_opening_it_to_others_says_what_that_means(serve: Callable[..., tuple[Server, int]]) -> None:
    server, port = serve("--host", "0.0.0.0", "--allowed-hosts", "calc.example")
    for host, status in (("calc.example", 200), ("10.1.2.3", 200), ("evil.example", 421)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/healthz", headers={"host": host})
        assert connection.getresponse().status == status
        connection.close()
    out, err = end(server)
    assert "no login" in out
    assert "not encrypted" in out
    assert "calc.example" in out
    assert err == ""


def test_a_refused_upload_reaches_its_sender(serve: Callable[..., tuple[Server, int]]) -> None:
    server, port = serve()
    for headers in ({"content-length": "3000000"}, {"transfer-encoding": "chunked"}):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            given = {"host": "localhost", "content-type": "application/json"} | headers
            lines = [f"{name}: {value}" for name, value in given.items()]
            connection.sendall(("POST /api/v1/finetune HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
            connection.settimeout(20)
            if "transfer-encoding" in headers:
                # A little over the cap; what follows may meet a closed connection.
                for _ in range(11):
                    connection.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
            assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]
    end(server)


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"breakeven: --port {port} is taken; give another, or 0 for any free one\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "--port is 70000; it must be a whole number from 0 to 65535"),
        (["--host", "no.such.host.invalid"], "--host is 'no.such.host.invalid', which is no address of this machine"),
        (["--host", "192.0.2.1", "--port", "0"], "--host is '192.0.2.1', which is no address of this machine"),
        (["--port", "0", "--prices", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_every_fault_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(["serve", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("command", "module", "extra"), [("serve", "fastapi", "web"), ("mcp", "mcp", "mcp")])
def test_a_missing_extra_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main([command]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"breakeven: needs the {extra} extra; install it with: pip install 'breakeven[{extra}]'\n"


def test_own_prices_are_served(serve: Callable[..., tuple[Server, int]]) -> None:
    file = Path(__file__).parents[2] / "examples" / "my-prices.yaml"
    server, port = serve("--prices", str(file))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/api/v1/models?q=house")
    found = json.load(connection.getresponse())
    connection.close()
    assert any("house" in model["id"] for model in found["models"])
    end(server)
