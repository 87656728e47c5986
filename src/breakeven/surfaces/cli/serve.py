"""``breakeven serve``."""

import errno
import gc
import importlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from breakeven.errors import BreakevenError, InputError

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

COLLECT_OFTEN = (5_000, 10, 20)
"""Rubbish is looked for in small portions, of 12 ms at most; the command line's rare ones took up to 300 ms."""

OPEN_WORDS = """\
Anyone who can reach this machine at that port can use it: there is no login, and the connection is not encrypted.
It answers to IP addresses and to these names: {hosts}.
Other names are refused, so that no page elsewhere can lead a browser here; --allowed-hosts adds a name."""


def serve(
    *,
    host: Annotated[str, Parameter(help="Address to listen at; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen at; 0 for any free one.")] = 8000,
    allowed_hosts: Annotated[
        tuple[str, ...],
        Parameter(help="Name by which people reach this server; may be given several times.", negative=""),
    ] = (),
    prices: Annotated[Path | None, Parameter(help="YAML file with your own prices, models and offers.")] = None,
) -> None:
    """Answer in a browser and over a JSON API, until Ctrl-C. Nothing is kept between requests."""
    needs("web", "fastapi", "uvicorn")
    import uvicorn

    from breakeven.surfaces.web.app import Settings, create_app

    with listen(host, port) as listener:
        open_to_others = not is_loopback(listener)
        names = dict.fromkeys((*LOOPBACK, *([socket.gethostname().lower()] if open_to_others else []), *allowed_hosts))
        app = create_app(Settings(prices=prices, allowed_hosts=tuple(names)))
        words = [f"breakeven: serving at {address(listener)} (Ctrl-C ends it)"]
        if open_to_others:
            words.append(OPEN_WORDS.format(hosts=", ".join(names)))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # its lines would hold the numbers in people's addresses
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=3,
        )
        # The catalogue lives as long as the server: looking for rubbish in it would stop all readers for a while.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_OFTEN)
        try:
            _announcing(uvicorn.Server(config), "\n".join(words)).run(sockets=[listener])
        finally:
            gc.unfreeze()  # else libraries complain of what was never given back


def _announcing(server: "uvicorn.Server", words: str) -> "uvicorn.Server":
    """The server, saying so once it takes requests."""
    start = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await start(sockets)
        print(words, flush=True)

    server.startup = startup  # type: ignore[method-assign]
    return server


def needs(extra: str, *modules: str) -> None:
    """Raise BreakevenError, saying what to install, where a module of an extra is missing."""
    try:
        for module in modules:
            importlib.import_module(module)
    except ModuleNotFoundError:
        raise BreakevenError(f"needs the {extra} extra; install it with: pip install 'breakeven[{extra}]'") from None


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. Raises InputError where it cannot."""
    if not 0 <= port <= 65535:
        raise InputError(f"--port is {port}; it must be a whole number from 0 to 65535", "port")
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(place[:2], family=family, backlog=2048)
        # Connections inherit it. Without it the body waits 40 ms for the reader to acknowledge the headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise InputError(f"--host is {host!r}, which is no address of this machine", "host") from None
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"--port {port} is taken; give another, or 0 for any free one", "port") from None
        raise InputError(f"--port {port}: cannot be listened at: {error.strerror}", "port") from None


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    import ipaddress

    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def address(listener: socket.socket) -> str:
    """Where a browser on this machine finds a socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
