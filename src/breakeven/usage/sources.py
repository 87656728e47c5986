"""Where a log's rows came from, and which of them are no calls."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its name without folders, the reader that read it, its log rows, its SHA-256."""

    name: str
    reader: str
    rows: int
    sha256: str


Priced = tuple[str | None, str | None, str | None]
"""Model, provider and service tier: what tells, mostly, whether a call has a price."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """
    The rows of one source among several, as a cube keeps them.

    good : ((model, provider, service tier), rows): what tells, with the cells, which of them have a price.
    rejected : (reason, rows).
    """

    good: tuple[tuple[Priced, int], ...]
    rejected: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """
    A log row that cannot be counted: file name without folders, line from 1, and why.

    at : "row" where rows are numbered, not lines: in Parquet, and in JSON that is not one object a line.
    """

    file: str
    line: int
    reason: str
    at: str = "line"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file among several that holds no log that can be read: its name, and why. None of it is counted."""

    file: str
    reason: str
