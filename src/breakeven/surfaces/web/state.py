"""A question as an address: only the fields that differ from their defaults; and the same question for other tools."""

import datetime as dt
import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from breakeven.errors import InputError, nearest
from breakeven.questions.fields import Question, flag, is_structured

BASELINE = "baseline"
"""Parameter that holds the query of the answer to compare with."""

FROM_LOG = "from_log"
"""Parameter that names the fields which a log filled."""


def read_query(shape: type[Question], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """
    The fields given in a query; empty ones are not given. A list is written with commas, or several times.

    Raises InputError for a name that is no field.
    """
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name in (BASELINE, FROM_LOG) or not text.strip():
            continue
        if name not in shape.model_fields:
            close = nearest(name, shape.model_fields)
            raise InputError(f"The address has a field {name!r} that is not known.{close}", name)
        if is_structured(shape.model_fields[name]):
            values[name] = read_objects(name, text)
        elif is_list(shape, name):
            words = tuple(word.strip() for word in text.split(",") if word.strip())
            values[name] = (*values.get(name, ()), *words)
        else:
            values[name] = text.strip()
    return values


def read_objects(name: str, text: str) -> Any:
    """The objects of a structured field, written as YAML or JSON. Raises InputError for what is neither."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{name} is not YAML: {' '.join(str(error).split())[:200]}", name) from None


def origins_from_log(pairs: Iterable[tuple[str, str]], values: Mapping[str, Any]) -> dict[str, str]:
    """Where fields came from, for those the address says a log filled."""
    names = [name for key, text in pairs if key == FROM_LOG for name in text.split(",")]
    return {name: "your log" for name in names if name in values}


def query_of(question: Question, today: dt.date) -> str:
    """The address of a question: its fields that differ from their defaults, in their order, as short as they go."""
    fields = {name: value for name, value in differing(question).items() if (name, value) != ("as_of", today)}
    return urlencode({name: as_text(value) for name, value in fields.items()}, safe=",/:")


def differing(question: Question) -> dict[str, Any]:
    """Fields that were given and differ from their defaults; a field that has no default always does."""
    return {
        name: getattr(question, name)
        for name, info in type(question).model_fields.items()
        if name in question.model_fields_set
        and (info.default is PydanticUndefined or getattr(question, name) != info.default)
    }


def as_text(value: Any) -> str:
    """A value as short text that reads back as the same value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if has_objects(value):
        return as_yaml(_plain(value)).strip()
    return ",".join(map(as_text, value)) if isinstance(value, tuple | list) else str(value)


def has_objects(value: Any) -> bool:
    """Whether a value is an object or a list of them."""
    return isinstance(value, BaseModel | dict) or (isinstance(value, tuple | list) and any(map(has_objects, value)))


def cli_command(question: Question) -> str:
    """
    The same question for a terminal, its day given, so that it has the same answer on another one.

    A question with objects in it needs its scenario file, called ``scenario.yaml``.
    """
    words = ["breakeven", question.command]
    fields = differing(question)
    if any(has_objects(value) for value in fields.values()):
        return shlex.join([*words, "--file", "scenario.yaml"])
    for name, value in fields.items():
        if isinstance(value, bool):
            words.append(flag(name) if value else "--no-" + name.replace("_", "-"))
            continue
        for each in value if isinstance(value, tuple) else (value,):
            words += [flag(name), as_text(each)]
    return shlex.join(words)


def api_call(question: Question, base_url: str) -> str:
    """The same question as a call of the JSON API."""
    body = json.dumps({name: _plain(value) for name, value in differing(question).items()})
    address = f"{base_url.rstrip('/')}/api/v1/{question.command}"
    return f"curl {shlex.quote(address)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"


def scenario_yaml(question: Question) -> str:
    """The same question as a scenario file for ``--file``."""
    return as_yaml({name: _plain(value) for name, value in differing(question).items()})


def as_yaml(value: Any) -> str:
    """Plain values as YAML, in their order."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # six times as fast where libyaml is
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True))


def is_list(shape: type[Question], name: str) -> bool:
    """Whether a field holds several values."""
    return isinstance(shape.model_fields[name].default, tuple)


def _plain(value: Any) -> Any:
    """A value as JSON and YAML hold it."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, BaseModel):
        given = [name for name in type(value).model_fields if name in value.model_fields_set]
        return {name: _plain(getattr(value, name)) for name in given}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
