"""Whose format a file is, and how its rows lie in it: its beginning, its keys or columns, its chunks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np

from breakeven.errors import NoLogError
from breakeven.usage.column_map import ColumnMap, value_at
from breakeven.usage.documents import Form, document_chunks, document_head, first_object, form_of
from breakeven.usage.fields import JsonLine, TableRow
from breakeven.usage.inputs import LogFile
from breakeven.usage.lines import BLANK, Chunk, csv_chunks, csv_names, expanded, has_line, json_chunks, read_head
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.readers import claimants, identify, identify_table
from breakeven.usage.readers.reader import Head, Reader, json_rows

NO_ROWS = "it holds no rows"

LOOK_AGAIN = 8
"""How many times as long the beginning of a file must have become before it is looked at again."""


def head_of(file: LogFile, known: Callable[[bytes], bool]) -> tuple[bytes, Form | None]:
    """
    The beginning of a file, a row a line, and how its rows lie where they are JSON that is not one object a line.

    Parameters
    ----------
    known : callable
        Whether a log that begins so can be read, see ``knows``: rows may lie in lists inside objects.

    Raises NoLogError where it holds no rows, LogError where it cannot be read.
    """
    form: Form | None = None
    looked = 0

    def enough(head: bytes) -> bool:
        nonlocal form, looked
        text = head.lstrip(BLANK)
        found = first_object(text.lstrip(b"[ \r\n\t").decode("utf-8", "replace")) if text[:1] in (b"{", b"[") else ""
        if found != "cut":
            return found == "whole" or has_line(head)
        if len(head) >= LOOK_AGAIN * looked:
            looked = len(head)
            form = form_of(head, known)
        return form is not None and form.lists is not None

    head = read_head(file, enough)
    if form is None or form.lists is None:
        form = form_of(head, known)
    if not head.strip(BLANK) or (form is not None and not head.strip(BLANK + b"[,]")):
        raise NoLogError(f"{file}: holds no rows", NO_ROWS)
    return Head((form is not None and document_head(file, form)) or head), form


def knows(
    engine: duckdb.DuckDBPyConnection,
    file: LogFile,
    forced: Reader | None,
    column_map: ColumnMap | None,
    columns: Mapping[str, str] | None = None,
) -> Callable[[bytes], bool]:
    """Whether a file of JSON that begins so, a row a line, can be read, by what the user named or by any reader."""

    def known(head: bytes) -> bool:
        if column_map is not None and column_map.claims(engine, file, head):
            return True
        if columns:
            return any(all(value_at(row, path) is not None for path in columns.values()) for row in json_rows(head))
        return forced.accepts(head, file.name) if forced is not None else bool(claimants(head, file.name))

    return known


def reader_of(
    engine: duckdb.DuckDBPyConnection, file: LogFile, head: bytes, forced: Reader | None, column_map: ColumnMap | None
) -> Reader:
    """The map where a file has its columns, else the forced reader, else the one that claims it. Raises NoLogError."""
    if column_map is not None and column_map.claims(engine, file, head):
        return column_map.reader()
    if forced is not None:
        return forced
    if head.startswith(PARQUET):
        return identify_table(list(parquet_rows(engine, file)[1]), file.name)
    return identify(head, file.name)


@dataclass(frozen=True)
class Layout:
    """
    The rows of one text file, as a reader has them.

    head : its beginning, one row a line.
    is_json : whether its rows are JSON objects, else they are records of delimited text.
    form : how these lie where they are not one a line.
    names : the keys of its first rows, or its columns.
    expand, in_turn : see ``Reader``; None where a line is a row.
    """

    file: LogFile
    head: bytes
    is_json: bool
    form: Form | None
    names: Sequence[str]
    expand: Callable[[str], Sequence[str]] | None
    in_turn: Callable[[], Callable[[str], Sequence[str]]] | None = None

    def row(self) -> JsonLine | TableRow:
        """What a field is in these rows."""
        return JsonLine() if self.is_json else TableRow(dict.fromkeys(self.names, "VARCHAR"), tidy=True)

    def chunks(self, row: JsonLine | TableRow) -> Iterator[Chunk]:
        """The rows, of a table with the columns that ``row`` was asked for."""
        if isinstance(row, TableRow):
            yield from csv_chunks(self.file, self.head, row.wanted)
            return
        expand = self.in_turn() if self.in_turn else self.expand
        for chunk in document_chunks(self.file, self.form) if self.form else json_chunks(self.file):
            yield expanded(chunk, expand) if expand else chunk


def layout_of(file: LogFile, head: bytes, reader: Reader, form: Form | None) -> Layout:
    """The layout of a file of which the beginning is given."""
    is_json = head.lstrip(BLANK)[:1] == b"{" or bool(json_rows(head))
    expand = reader.expand if is_json else None
    names = list(dict.fromkeys(key for row in json_rows(head, expand) for key in row)) if is_json else csv_names(head)
    return Layout(file, head, is_json, form, names, expand, reader.in_turn if is_json else None)


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
