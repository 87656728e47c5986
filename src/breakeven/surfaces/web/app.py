"""The web application: pages, the JSON API, uploads. Nothing is kept between requests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from breakeven import __version__
from breakeven.catalogue.load import load_catalogue
from breakeven.surfaces.lookup import Lookup
from breakeven.surfaces.web import api, assets, pages, problems, training_uploads, uploads
from breakeven.surfaces.web.guard import Guard

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    How the application serves.

    prices : the user's own price file, as for every command.
    allowed_hosts : names a request may be addressed to; "*" for any. IP addresses are always taken.
    max_body_bytes, max_upload_bytes, max_line_bytes : caps of a form or JSON body, of an upload, of one of its lines.
    request_seconds, upload_seconds : longest time a request may take.
    """

    prices: Path | None = None
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    max_body_bytes: int = MEGABYTE
    max_upload_bytes: int = 2_000 * MEGABYTE
    max_line_bytes: int = 10 * MEGABYTE
    request_seconds: float = 10.0
    upload_seconds: float = 600.0


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over one catalogue. Raises CatalogueError for a price file with faults."""
    settings = settings or Settings()
    app = FastAPI(
        title="breakeven",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.catalogue = load_catalogue(settings.prices)
    app.state.lookup = Lookup(app.state.catalogue)
    app.state.while_serving = []
    problems.register(app)
    app.include_router(api.router(app.state.catalogue, app.state.lookup))
    app.include_router(uploads.router)
    app.include_router(training_uploads.router)
    app.include_router(assets.router)
    app.include_router(pages.router(app.state.catalogue, app.state.lookup))
    if find_spec("mcp") is not None:
        from breakeven.surfaces.mcp import add_to

        add_to(app)
    # The last one added is passed first.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)
    app.add_middleware(Guard, settings=settings, upload_paths=uploads.UPLOAD_PATHS)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """While the application serves: whatever its parts asked to keep open."""
    async with AsyncExitStack() as stack:
        for part in app.state.while_serving:
            await stack.enter_async_context(part())
        yield
