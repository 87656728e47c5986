"""
Raw fields in a reader's SQL, ``{path}``, replaced by what they are in one file's rows.

All paths of a JSON text are taken out of it at once, so a line is parsed once however many fields are read.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from breakeven.errors import LogError

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
PART = re.compile(r'(?:^|(?<=\.))"([^"]+)"(?=\.|$)|([^".]+)')
"""A key in double quotes between dots, or one without dots."""


class Fields:
    """
    The raw fields of one file.

    Parameters
    ----------
    outer : callable
        Path or column name -> SQL of that field in a row, or None where a row cannot have it.

    Attributes
    ----------
    whole : sequence of str
        SQL of fields that are read as numbers and known to be whole, and no larger than a count may be, or null.
    """

    def __init__(self, outer: Callable[[str], str | None]) -> None:
        self.outer = outer
        self.whole: Sequence[str] = ()
        self.inner: dict[str, list[str]] = {}

    def resolve(self, sql: str) -> str:
        """The SQL with every ``{...}`` replaced."""
        return PLACEHOLDER.sub(lambda found: self._field(found[1]), sql)

    def unpack(self, source: str) -> str:
        """A query of ``source`` with the fields of each text that holds JSON again as a list beside it."""
        lists = [
            f"CASE WHEN json_valid({text}) THEN json_extract_string({text}, {path_list(paths)}) END AS inner_{number}"
            for number, (text, paths) in enumerate((_opened(text), paths) for text, paths in self.inner.items())
        ]
        return f"SELECT {', '.join(['*', *lists])} FROM ({source})"

    def _field(self, name: str) -> str:
        whole = self.outer(name)
        parts = [whole] if whole else [self._part(part) for part in name.split("|")]
        known = [part for part in parts if part is not None]
        return "NULL" if not known else known[0] if len(known) == 1 else f"coalesce({', '.join(known)})"

    def _part(self, name: str) -> str | None:
        base, inside, path = name.partition(">")
        text = self.outer(base)
        if not inside or text is None:
            return text
        paths = self.inner.setdefault(text, [])
        if path not in paths:
            paths.append(path)
        return f"inner_{list(self.inner).index(text)}[{paths.index(path) + 1}]"


class JsonLine(Fields):
    """Fields of a JSON object in column ``raw``."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(self._path)

    def source(self, chunk: str) -> str:
        """A query of a chunk's lines with every field ``resolve`` has met."""
        paths = path_list(self.paths or [""])
        return self.unpack(
            f"SELECT line, parsed IS NULL AS broken, parsed FROM (SELECT line, CASE WHEN json_valid(raw)"
            f" AND starts_with(raw, '{{') THEN json_extract_string(raw, {paths}) END AS parsed FROM {chunk})"
        )

    def _path(self, name: str) -> str | None:
        if "|" in name or ">" in name:
            return None
        if name not in self.paths:
            self.paths.append(name)
        return f"parsed[{self.paths.index(name) + 1}]"


class TableRow(Fields):
    """
    Fields of a row of a table; a dotted path goes into a column that holds JSON or a structure.

    Parameters
    ----------
    types : mapping
        Column -> DuckDB type.
    tidy : bool
        Whether empty text and the words null and nan mean null, as in CSV.
    """

    def __init__(self, types: Mapping[str, str], *, tidy: bool) -> None:
        self.types = types
        self.tidy = tidy
        self.lower = {name.lower(): name for name in reversed(list(types))}
        self.wanted: list[str] = []
        super().__init__(self._column)

    def source(self, rows: str) -> str:
        """A query of rows that have a ``line`` and the columns ``resolve`` has met."""
        columns = [f"plain({quoted(name)}) AS {quoted(name)}" if self.tidy else quoted(name) for name in self.wanted]
        return self.unpack(f"SELECT {', '.join(['line', *columns])} FROM {rows}")

    def _column(self, name: str) -> str | None:
        alone = PART.fullmatch(name)
        name = alone[1] or name if alone else name
        column = name if name in self.types else self.lower.get(name.lower())
        if column is None:
            base, dot, path = name.partition(".")
            return self._part(f"{base}>{path}") if dot and "|" not in name and ">" not in name else None
        if column not in self.wanted:
            self.wanted.append(column)
        kind = self.types[column]
        if kind in ("DOUBLE", "FLOAT"):
            return f"CASE WHEN NOT isnan({quoted(column)}) THEN {quoted(column)} END"
        if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]"):
            return f"CAST(to_json({quoted(column)}) AS VARCHAR)"
        return quoted(column)


def _opened(text: str) -> str:
    """SQL of a text, without the quotes around it where it is JSON of a text: some CSV exports write JSON twice."""
    is_text = f"starts_with(CAST({text} AS VARCHAR), '\"') AND json_valid({text})"
    return f"CASE WHEN {is_text} THEN json_extract_string({text}, '$') ELSE CAST({text} AS VARCHAR) END"


def quoted(name: str) -> str:
    """A column name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def path_list(paths: Sequence[str]) -> str:
    """Dotted paths as a SQL list of JSON paths; a whole number is a place in an array, from 0."""
    return "[" + ", ".join(literal(json_path(path)) for path in paths) + "]"


def json_path(path: str) -> str:
    """``usage.items.0`` -> ``$."usage"."items"[0]``. Raises as ``path_parts``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f'."{part}"' for part in path_parts(path))


def path_parts(path: str) -> list[str | int]:
    """
    The keys of a dotted path, a whole number for a place in an array; a key that has dots stands in double quotes.

    Raises LogError for a double quote elsewhere, or a backslash.
    """
    found = [match[1] or match[2] for match in PART.finditer(path) if match[1] or match[2]]
    quoted_keys = {match[1] for match in PART.finditer(path) if match[1]}
    if '"' in PART.sub("", path) or "\\" in path:
        raise LogError(f"{path!r}: a field name with a double quote or a backslash cannot be read")
    return [int(key) if key.isdecimal() and key not in quoted_keys else key for key in found]
