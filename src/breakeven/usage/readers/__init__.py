"""
The usage-log formats that can be read, and which of them a file is.

A new format is one module here with a ``READER``, one line in ``READERS``, a sample with its expected result in
``tests/logs``, and a section in ``docs/log-formats.md``.
"""

import re
import shlex
from collections.abc import Sequence

from breakeven.errors import LogError, NoLogError, nearest
from breakeven.usage.readers import (
    anthropic_costs,
    anthropic_usage,
    azure,
    bedrock,
    focus,
    helicone,
    http_exchange,
    langfuse,
    litellm,
    logfire,
    openai_costs,
    openai_response,
    openai_usage,
    openinference,
    openrouter,
    otel,
    provider_response,
    table,
    tensorzero,
)
from breakeven.usage.readers.reader import BOM, Reader, header, header_line, json_rows

READERS: tuple[Reader, ...] = (
    openai_response.READER,
    provider_response.READER,
    http_exchange.READER,
    openai_usage.READER,
    openai_costs.READER,
    anthropic_usage.READER,
    anthropic_costs.READER,
    bedrock.READER,
    azure.READER,
    litellm.READER,
    helicone.READER,
    openrouter.READER,
    focus.READER,
    tensorzero.READER,
    otel.READER,
    openinference.READER,
    logfire.READER,
    langfuse.READER,
    table.READER,
)


def find_reader(name: str) -> Reader:
    """The reader of this name. Raises LogError naming the nearest ones."""
    for reader in READERS:
        if reader.name == name:
            return reader
    names = [reader.name for reader in READERS]
    raise LogError(f"No reader {name!r}.{nearest(name, names)} Known: {', '.join(names)}")


def gives_ids(name: str) -> bool:
    """Whether the rows of a reader have ids, by which a row given twice counts once."""
    return any(reader.name == name and "span" in reader.columns(()) for reader in READERS)


def identify(head: bytes, name: str) -> Reader:
    """
    The one reader that claims a file; that of plain tables only where no other does.

    Parameters
    ----------
    head : bytes
        The decompressed beginning of the file, at least one whole line.
    name : str
        Name of the file, for messages.

    Raises
    ------
    NoLogError
        No reader claims it, or several do; the message names them, and what the file's first row holds.
    """
    if reader := _claimant(head, name):
        return reader
    if table.READER.accepts(head, name):
        return table.READER
    raise NoLogError(
        f"{name}: no reader knows this format; {_seen(head)}. Readers: {', '.join(r.name for r in READERS)}."
        f" Name the columns of a table with --column NAME=COLUMN, or let breakeven logs --explain {shlex.quote(name)}"
        " propose a map; see docs/log-formats.md",
        "no reader knows this format",
    )


def identify_table(names: Sequence[str], name: str) -> Reader:
    """The one reader that claims a table of these columns, that of plain tables where no other does."""
    return _claimant(header_line(names), name) or table.READER


def claimants(head: bytes, name: str) -> list[Reader]:
    """The readers, but for that of plain tables, that claim a file."""
    return [reader for reader in READERS if reader is not table.READER and reader.accepts(head, name)]


def _claimant(head: bytes, name: str) -> Reader | None:
    """The one reader, but for that of plain tables, that claims a file; None where none does."""
    claims = claimants(head, name)
    if len(claims) > 1:
        names = " and ".join(reader.name for reader in claims)
        raise NoLogError(
            f"{name}: claimed by {names}; choose one with --reader, or split the file by format", f"claimed by {names}"
        )
    return claims[0] if claims else None


def _seen(head: bytes) -> str:
    """What a file's first row holds, by field names alone: values may be private."""
    rows = json_rows(head)
    if rows:
        return f"its first JSON object has {_listed(list(rows[0]))}"
    if head.removeprefix(BOM).lstrip()[:1] == b"[":
        return "it is a JSON array that does not begin with a whole object"
    names = header(head)[1]
    if len(names) > 1 and all(map(_plain, names)):
        return f"its columns are {_listed(names)}"
    return "its first line is neither a JSON object nor a header of column names"


def _listed(names: Sequence[str]) -> str:
    plain = [name for name in names if _plain(name)][:20]
    others = len(names) - len(plain)
    return (", ".join(plain) or "no plain names") + (f" and {others} more" if others else "")


def _plain(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,39}", name) is not None
