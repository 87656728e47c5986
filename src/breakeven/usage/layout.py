"""How the rows of a text file lie in it: JSON lines, other JSON, or delimited text; its keys or columns; its chunks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from breakeven.usage.documents import document_chunks
from breakeven.usage.fields import JsonLine, TableRow
from breakeven.usage.lines import BLANK, Chunk, csv_chunks, csv_names, expanded, json_chunks
from breakeven.usage.readers.reader import Reader, json_rows
from breakeven.usage.spend_table import SpendTable


@dataclass(frozen=True)
class Layout:
    """
    The rows of one text file, as a reader has them.

    head : its beginning, one row a line.
    is_json : whether its rows are JSON objects, else they are records of delimited text.
    is_document : whether these are an array, or printed over several lines.
    names : the keys of its first rows, or its columns.
    expand : see ``Reader``; None where a line is a row.
    """

    file: Path | SpendTable
    head: bytes
    is_json: bool
    is_document: bool
    names: Sequence[str]
    expand: Callable[[str], Sequence[str]] | None

    def row(self) -> JsonLine | TableRow:
        """What a field is in these rows."""
        return JsonLine() if self.is_json else TableRow(dict.fromkeys(self.names, "VARCHAR"), tidy=True)

    def chunks(self, row: JsonLine | TableRow) -> Iterator[Chunk]:
        """The rows, of a table with the columns that ``row`` was asked for. Raises as ``lines.json_chunks``."""
        if isinstance(row, TableRow):
            yield from csv_chunks(self.file, self.head, row.wanted)
            return
        for chunk in (document_chunks if self.is_document else json_chunks)(self.file):
            yield expanded(chunk, self.expand) if self.expand else chunk


def layout_of(file: Path | SpendTable, head: bytes, reader: Reader, *, is_document: bool) -> Layout:
    """The layout of a file of which the beginning is given."""
    is_json = head.lstrip(BLANK)[:1] == b"{" or bool(json_rows(head))
    expand = reader.expand if is_json else None
    names = list(dict.fromkeys(key for row in json_rows(head, expand) for key in row)) if is_json else csv_names(head)
    return Layout(file, head, is_json, is_document, names, expand)


@contextmanager
def registered(engine: duckdb.DuckDBPyConnection, chunk: Chunk) -> Iterator[None]:
    """A chunk as the table ``chunk``."""
    engine.register(
        "chunk",
        {"line": np.array(chunk.lines, np.int64)}
        | {name: np.array(texts, dtype=object) for name, texts in chunk.texts.items()},
    )
    try:
        yield
    finally:
        engine.unregister("chunk")
