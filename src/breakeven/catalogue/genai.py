"""
The list prices of the genai-prices package as one plain document, cached so that importing it is paid once.

The package is the only source of list prices; nothing of it is copied into this project. Importing it costs
more than a whole answer may, so the first use writes the document below to the user's cache folder and later
runs read that. The cache is keyed by the installed package's data file and by the shape of the document.

Shape of the document (decimals as text, days and times as ISO text)::

    {"package", "version", "refreshed", "units": {usage_key: {"per", "dimensions"}},
     "since_days", "day_edges", "thresholds": every day, time of day and request size at which a price changes,
     "providers": [{"id", "name", "url", "model_match", "provider_match", "fallbacks", "models": JSON text of
                    [{"id", "name", "match", "deprecated", "context", "minimums",
                      "prices": [ENTRY...], "variants": [ENTRY with "when"...]}]}]}
    ENTRY = {"since": day | null, "daily": [start, end] | null, "usd": {usage_key: [base, [[above, usd]...]]}}

Each provider's models are text inside the text, so that only the providers asked for are read in full.
"""

import datetime as dt
import hashlib
import json
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from breakeven.errors import BreakevenError, CatalogueError

SHAPE = 5
"""Raise when the document's shape changes, so that older caches are rebuilt."""

Document = dict[str, Any]


def cache_folder() -> Path:
    """Where the document is kept: ``$BREAKEVEN_CACHE``, else ``breakeven`` in the user's cache folder."""
    own = os.environ.get("BREAKEVEN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(own) if own else Path(base) / "breakeven"


def stamp(*files: Path) -> str:
    """A short text that changes when one of the files does: names, sizes and times of change, hashed."""
    seen = [(file.name, stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]]
    return hashlib.sha256(repr(sorted(seen)).encode()).hexdigest()[:16]


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def refreshed_file() -> Path:
    """The document written by ``breakeven prices refresh``; while it exists it replaces the package's prices."""
    return cache_folder() / f"refreshed-{SHAPE}.json"


def load_document(*, refreshed: bool = True) -> Document:
    """
    The price document: refreshed prices if the user asked for them once, else those of the installed package.

    Parameters
    ----------
    refreshed : bool
        False ignores a refreshed document.
    """
    if refreshed and refreshed_file().exists():
        document = _read(refreshed_file())
        if document is not None:
            return document
    spec = find_spec("genai_prices")
    if spec is None or spec.origin is None:
        raise CatalogueError("The package genai-prices is not installed; run: pip install genai-prices")
    file = cache_folder() / f"list-prices-{SHAPE}-{stamp(Path(spec.origin).parent / 'data.py')}.json"
    document = _read(file)
    if document is None:
        from genai_prices.data import providers
        from genai_prices.data_snapshot import DataSnapshot

        document = to_document(DataSnapshot(providers=providers, from_auto_update=False))
        _write(file, document)
    return document


def refresh(url: str | None = None) -> Document:
    """
    Fetch the newest prices and keep them. The only function of this project that uses the network.

    Raises BreakevenError, in one line, where they cannot be fetched or read; what was kept before stays.
    """
    from genai_prices import UpdatePrices

    update = UpdatePrices() if url is None else UpdatePrices(url=url)
    try:
        snapshot = update.fetch()
        if snapshot is None or not snapshot.providers:
            raise ValueError("it held no providers")
        document = to_document(snapshot)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BreakevenError(
            f"Newer prices could not be fetched from {update.url}: {reason}. The prices in use are unchanged."
        ) from error
    document["refreshed"] = dt.datetime.now(dt.UTC).date().isoformat()
    _write(refreshed_file(), document, required=True)
    return document


def forget_refreshed() -> bool:
    """Go back to the installed package's prices. True if there was anything to forget."""
    existed = refreshed_file().exists()
    refreshed_file().unlink(missing_ok=True)
    return existed


def to_document(snapshot: Any) -> Document:
    """One genai-prices snapshot as the plain document described at the top of this module."""
    from genai_prices import __version__
    from genai_prices.data_units import unit_data

    models = {provider.id: [_model(provider.id, model) for model in provider.models] for provider in snapshot.providers}
    entries = [entry for each in models.values() for model in each for entry in (*model["prices"], *model["variants"])]
    tiers = [tier for entry in entries for _, tiers in entry["usd"].values() for tier in tiers]
    return {
        "package": "genai-prices",
        "version": __version__,
        "refreshed": None,
        "units": {
            key: {"per": unit["per"], "dimensions": dict(unit.get("dimensions", {}))} for key, unit in unit_data.items()
        },
        "since_days": sorted({entry["since"] for entry in entries if entry["since"]}),
        "day_edges": sorted({edge for entry in entries for edge in entry["daily"] or ()} - {"00:00:00"}),
        "thresholds": sorted({tier[0] for tier in tiers}),
        "providers": [_provider(provider, models[provider.id]) for provider in snapshot.providers],
    }


def _provider(provider: Any, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "url": (provider.pricing_urls or [""])[0],
        "model_match": _clause(provider.model_match),
        "provider_match": _clause(provider.provider_match),
        "fallbacks": list(provider.fallback_model_providers or ()),
        "models": json.dumps(models, separators=(",", ":")),
    }


def _model(provider_id: str, model: Any) -> dict[str, Any]:
    from genai_prices.types import ConditionalPrice, ModelPrice

    prices = [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, ModelPrice) else model.prices
    return {
        "id": model.id,
        "name": model.name or model.id,
        "match": _clause(model.match),
        "deprecated": bool(model.deprecated),
        "context": model.context_window,
        "minimums": _minimums(provider_id, model.id),
        "prices": [_entry(price) for price in prices],
        "variants": [{"when": dict(variant.when), **_entry(variant)} for variant in model.price_variants or ()],
    }


def _minimums(provider_id: str, model_id: str) -> dict[str, int]:
    """Least billed counts per request, which the package keeps in code: Groq bills 10 s of audio or more."""
    if provider_id == "groq" and model_id in ("whisper-large-v3", "whisper-large-v3-turbo"):
        return {"audio_seconds": 10, "input_audio_seconds": 10}
    return {}


def _entry(price: Any) -> dict[str, Any]:
    from genai_prices.types import StartDateConstraint, TieredPrices, TimeOfDateConstraint

    usage_keys = _usage_keys()
    usd: dict[str, list[Any]] = {}
    for key, value in price.prices.__dict__.items():
        if value is None:
            continue
        tiered = isinstance(value, TieredPrices)
        tiers = [[tier.start, str(tier.price)] for tier in value.tiers] if tiered else []
        usd[usage_keys[key]] = [str(value.base if tiered else value), tiers]
    when = price.constraint
    return {
        "since": when.start_date.isoformat() if isinstance(when, StartDateConstraint) else None,
        "daily": [_utc(when.start_time), _utc(when.end_time)] if isinstance(when, TimeOfDateConstraint) else None,
        "usd": usd,
    }


@cache
def _usage_keys() -> dict[str, str]:
    """The package's name of each price -> its name of what is counted."""
    from genai_prices.data_units import unit_data

    return {unit.get("price_key", key): key for key, unit in unit_data.items()}


def _utc(time: dt.time) -> str:
    """A time of day as UTC wall-clock text; naive times are UTC already."""
    moment = dt.datetime.combine(dt.date(1970, 1, 2), time)
    return (moment.astimezone(dt.UTC) if time.tzinfo else moment).time().isoformat()


def _clause(clause: Any) -> list[Any] | None:
    """A match clause of the package as ``[kind, text]`` or ``["or" | "and", clauses]``."""
    if clause is None:
        return None
    ((field, value),) = clause.__dict__.items()
    if isinstance(value, list):
        return [field.rstrip("_"), [_clause(part) for part in value]]
    return [field, value if field == "regex" else value.lower()]


def _read(file: Path) -> Document | None:
    try:
        document: Document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return document


def _write(file: Path, document: Document, *, required: bool = False) -> None:
    """Keep a document. A cache that cannot be written is done without, unless ``required``."""
    try:
        write_whole(file, json.dumps(document, separators=(",", ":")).encode())
    except OSError as error:
        if required:
            raise BreakevenError(f"The prices could not be written to {file}: {error.strerror}") from error
