"""The web application: pages, the JSON API, uploads. Nothing is kept between requests."""

from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from breakeven import __version__
from breakeven.catalogue.load import load_catalogue

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    How the application serves.

    prices : the user's own price file, as for every command.
    allowed_hosts : names a request may be addressed to; "*" for any.
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
    app = FastAPI(title="breakeven", version=__version__, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.catalogue = load_catalogue(settings.prices)
    return app
