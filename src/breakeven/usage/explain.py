"""
How one file would be read: which reader claims it and why, which field becomes what, and some numbers from it.

Nothing but field names and numbers of the file is told.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from breakeven.errors import LogError, NoLogError
from breakeven.usage.calls import TOKENS
from breakeven.usage.column_map import ColumnMap
from breakeven.usage.documents import Form
from breakeven.usage.fields import PLACEHOLDER
from breakeven.usage.inputs import LogFile
from breakeven.usage.layout import head_of, knows, reader_of
from breakeven.usage.lines import BLANK
from breakeven.usage.parquet import PARQUET, parquet_rows
from breakeven.usage.propose import Seen, has_path, has_tokens, propose, seen_json, seen_parquet, seen_table
from breakeven.usage.readers import READERS, find_reader
from breakeven.usage.readers.reader import Reader, header, header_line, json_rows
from breakeven.usage.scan import open_engine, scan_files
from breakeven.usage.wrapped import lists_in

EXAMPLES = 3
PLAIN = re.compile(r"[*]|[A-Za-z_][A-Za-z0-9_-]{0,39}")
"""A key that is shown: no other can hold a value by mistake."""

SHOWN = ("line", "at_us", *TOKENS, "calls", "reported_cost_nano")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A reader, whether it claims the file, and what it looks for."""

    reader: str
    claims: bool
    looks_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A canonical column, the fields of this file it is made from, and whether it is more than the first of them."""

    column: str
    fields: tuple[str, ...]
    computed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """
    How a file would be read.

    kind : JSON lines, JSON objects, these with the lists in them that hold the rows, delimited text or Parquet.
    reader : the one that reads it, None where none or several claim it.
    examples : numbers of the first good rows: line, UTC time in microseconds, counts, stated cost in nano-USD.
    reject_counts : rows of the file's beginning that are no calls, by reason.
    why_not : why it cannot be read, "" where it can.
    proposed_map : for a file that no reader knows, a column map as YAML, None where one is not needed.
    """

    file: str
    kind: str
    claims: tuple[Claim, ...]
    reader: str | None
    columns: tuple[Mapped, ...]
    examples: tuple[Mapping[str, int | None], ...]
    reject_counts: Mapping[str, int]
    why_not: str
    proposed_map: str | None


def explain(file: LogFile, *, reader: str | None = None, column_map: ColumnMap | None = None) -> Explanation:
    """
    How a file would be read, from its beginning.

    Parameters
    ----------
    reader : str, optional
        Name of the reader to use.
    column_map : ColumnMap, optional
        Used where the file has its columns.

    Raises
    ------
    LogError
        The file is missing, empty, or cannot be read at all.
    """
    forced = find_reader(reader) if reader else None
    with open_engine() as engine:
        head, form = head_of(file, knows(engine, file, forced, column_map))
        is_parquet = head.startswith(PARQUET)
        evidence = head
        if is_parquet:
            kind, seen = "Parquet", seen_parquet(engine, *parquet_rows(engine, file))
            evidence = header_line(seen.names)
        elif json_rows(head) or head.lstrip(BLANK)[:1] == b"{":
            kind, seen = _kind(form), seen_json(json_rows(head))
        else:
            separator = {",": "commas", "\t": "tabs", ";": "semicolons"}[header(head)[0]]
            kind, seen = f"text delimited by {separator}", seen_table(head)
        claims = tuple(
            Claim(reader=each.name, claims=each.accepts(evidence, file.name), looks_for=_first_sentence(each))
            for each in READERS
        )
        chosen: Reader | None = None
        with suppress(NoLogError):
            chosen = reader_of(engine, file, head, forced, column_map)
        mapped = chosen is not None and column_map is not None and chosen.name == column_map.name
        if chosen is not None and chosen.expand is not None and seen.is_json:
            seen = seen_json(json_rows(head, chosen.expand))
        if chosen is None and seen.is_json:
            lists = lists_in(head, lambda rows: has_tokens(seen_json(json_rows(rows))))
            if lists is not None:
                kind = _kind(Form(lists))
                seen = seen_json([row for value in json_rows(head) for row in lists.of(value) if isinstance(row, dict)])
        source = file if is_parquet else _beginning(file, head)
        examples, rejects, why_not = _examples(engine, source, reader, column_map if mapped else None)
    unknown = bool(why_not) and not rejects
    return Explanation(
        file=file.name,
        kind=kind,
        claims=claims,
        reader=chosen.name if chosen else None,
        columns=_columns(chosen, seen) if chosen else (),
        examples=examples,
        reject_counts=rejects,
        why_not=why_not,
        proposed_map=propose(seen, file.name) if unknown else None,
    )


def _kind(form: Form | None) -> str:
    """What JSON lies in a file, with the paths of the lists that its rows are in."""
    if form is None:
        return "JSON lines"
    if form.lists is None:
        return "JSON objects"
    paths = (".".join(key if PLAIN.fullmatch(key) else "?" for key in path) for path in sorted(form.lists.paths))
    return f"JSON objects with the rows in {' and '.join(paths)}"


def _examples(
    engine: Any, source: LogFile, reader: str | None, column_map: ColumnMap | None
) -> tuple[tuple[Mapping[str, int | None], ...], dict[str, int], str]:
    """Numbers of the first good rows, rejected rows by reason, and why there are neither."""
    try:
        found = scan_files(engine, [source], reader=reader, column_map=column_map)
        names = ", ".join(SHOWN)
        rows = engine.execute(f"SELECT {names} FROM log WHERE NOT faulty ORDER BY line LIMIT {EXAMPLES}").fetchall()
        good = engine.execute("SELECT count(*) FROM log WHERE NOT faulty").fetchall()[0][0]
        _, counts = found.rejected(good)
    except NoLogError as error:
        return (), {}, error.reason
    except LogError as error:
        return (), {}, str(error)
    examples = tuple(dict(zip(SHOWN, row, strict=True)) for row in rows)
    return examples, {reason: rows for (_, reason), rows in counts.most_common()}, ""


def _beginning(file: LogFile, head: bytes) -> LogFile:
    """The whole lines of a file's beginning as a log of their own."""
    whole = head[: head.rfind(b"\n") + 1] or head
    return LogFile(file.place, file.name, lambda: io.BytesIO(whole))


def _first_sentence(reader: Reader) -> str:
    return " ".join((reader.accepts.__doc__ or reader.reads).split())


def _columns(reader: Reader, seen: Seen) -> tuple[Mapped, ...]:
    """Each canonical column with those of its fields that the file has; columns without any are left out."""
    found = []
    for column, sql in reader.columns(list(seen.names)).items():
        fields = [part for each in PLACEHOLDER.findall(sql) for part in each.split("|")]
        present = tuple(dict.fromkeys(field for field in fields if has_path(seen, field)))
        if present:
            plain = re.fullmatch(r"(whole\()?\{[^{}]*\}\)?", sql) is not None
            found.append(Mapped(column=column, fields=present, computed=not plain))
    return tuple(found)


def summary(values: Sequence[Mapping[str, int | None]]) -> list[str]:
    """The examples as lines of ``name number``, null and zero left out but for input and output."""
    always, apart = ("input_tokens", "output_tokens"), ("line", "at_us")
    return [
        ", ".join(
            f"{name} {number:,}" for name, number in row.items() if name in always or (number and name not in apart)
        )
        for row in values
    ]
