"""JSON schemas of questions and answers, as the API and MCP publish them: names, units, bounds and words kept."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from breakeven.questions.fields import Question

Schema = dict[str, Any]

BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
EXTRAS = {"unit": "x-unit", "group": "x-group"}


def question_schema(shape: type[Question], refs: str = "#/$defs/{model}") -> Schema:
    """
    The fields of a question; ``as_of`` may be left out, and days state their bounds in words.

    ``refs`` is where the objects inside it are found; they stand under ``$defs``.
    """
    schema = shape.model_json_schema(ref_template=refs)
    for name, field in schema["properties"].items():
        info = shape.model_fields[name]
        for part in _within(field):
            # Pydantic leaves bounds under their Python names where a number may also be null.
            _rename(part, BOUNDS)
        _rename(field, EXTRAS)
        field.pop("title", None)
        days = [
            f"{word} {day}"
            for each in info.metadata
            for key, word in (("ge", "from"), ("le", "to"))
            if isinstance(day := getattr(each, key, None), dt.date)
        ]
        if days:
            field["description"] += f" A day {' '.join(days)}."
        if name == "as_of":
            field["description"] += " Today if left out."
    schema["required"] = [name for name in schema.get("required", ()) if name != "as_of"]
    return schema


def answer_schema(shape: type) -> Schema:
    """A dataclass as it is written to JSON, its parts under ``$defs``."""
    return TypeAdapter(shape).json_schema(mode="serialization")


def _rename(schema: Schema, names: dict[str, str]) -> None:
    for old, new in names.items():
        if old in schema:
            value = schema.pop(old)
            if value != "":
                schema[new] = value


def _within(schema: Any) -> Iterator[Schema]:
    """A schema and every schema inside it."""
    if isinstance(schema, dict):
        yield schema
        for inner in list(schema.values()):
            yield from _within(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _within(inner)
