"""
What every question's fields share: how numbers may be written, what each field says of itself, and error lines.

Surfaces derive themselves from these: a flag, a form field and a documentation row all come from ``field``.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from breakeven.errors import InputError, nearest

MULTIPLES = {"k": 1e3, "m": 1e6, "b": 1e9}
NUMBER = re.compile(r"^\$?\s*(-?[\d_,]*\.?\d+(?:e[+-]?\d+)?)\s*([kmb%]?)$", re.IGNORECASE)


class Question(BaseModel):
    """
    Base of all questions: frozen, no unknown fields, no infinities.

    command : what people type to ask it.
    front : fields that a form shows at once; the others are folded away under their headings.
    hidden : fields that no form shows, because a page fills them from an upload.
    example : fields of a situation to begin with.
    from_log : names of ``logs.workload_fields`` that are called otherwise here.
    """

    command: ClassVar[str] = ""
    front: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[Mapping[str, Any]] = {}
    from_log: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


AnyQuestion = TypeVar("AnyQuestion", bound=Question)


def as_number(value: Any) -> Any:
    """A number as people write it: ``50_000``, ``50,000``, ``50k``, ``1.5M``, ``30%``, ``$0.25``; else as given."""
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not yes or no")
    if not isinstance(value, str):
        return value
    match = NUMBER.match(value.strip())
    if match is None:
        return value
    digits, suffix = match.groups()
    number = float(digits.replace(",", "").replace("_", ""))
    scaled = number / 100 if suffix == "%" else number * MULTIPLES.get(suffix.lower(), 1)
    return int(scaled) if scaled.is_integer() and abs(scaled) < 1e15 else scaled


def read_number(value: Any, info: ValidationInfo) -> Any:
    """A number as people write it, or from JSON: there text is no number, and 12.0 is as whole as 12."""
    if info.mode == "json" and isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return as_number(value)


Number = Annotated[float, BeforeValidator(read_number)]
Count = Annotated[int, BeforeValidator(read_number)]


def field(default: Any, help_text: str, *, unit: str, group: str, **bounds: Any) -> Any:
    """
    A field of a question.

    Parameters
    ----------
    help_text : str
        One line, shown by every surface.
    unit : str
        Unit as printed: ``tokens``, ``USD per 1M tokens``, ``share``; "" for names and choices.
    group : str
        Heading it stands under.
    bounds
        Pydantic's own: ge, gt, le, lt, max_length ...
    """
    return Field(default, description=help_text, json_schema_extra={"unit": unit, "group": group}, **bounds)


MOST = 1e12
"""Largest amount of money, calls or price that a field takes."""


def share(default: float | None, group: str, help_text: str) -> Any:
    """A field holding a share of something, 0 to 1."""
    return field(default, help_text, unit="share", group=group, ge=0, le=1)


def usd(default: float | None, group: str, help_text: str, unit: str = "USD", title: str | None = None) -> Any:
    """A field holding money, zero or more."""
    return field(default, help_text, unit=unit, group=group, ge=0, le=MOST, title=title)


def tokens(default: Any, group: str, help_text: str, most: float) -> Any:
    """A field holding a number of tokens, zero or more."""
    return field(default, help_text, unit="tokens", group=group, ge=0, le=most)


def usd_per_mtok(group: str, help_text: str, title: str) -> Any:
    """A field holding a price per token that may be left out."""
    return usd(None, group, help_text, "USD per 1M tokens", title)


def name(default: Any, group: str, help_text: str, **bounds: Any) -> Any:
    """A field holding a name, a choice, yes or no, or a day."""
    return field(default, help_text, unit="", group=group, **bounds)


def flag(name: str) -> str:
    """The command-line flag of a field."""
    return "--" + name.replace("_", "-")


def unit_of(info: FieldInfo) -> str:
    """The unit a field states, "" for none."""
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def group_of(info: FieldInfo) -> str:
    """The heading a field stands under."""
    extra = info.json_schema_extra
    return str(extra.get("group", "")) if isinstance(extra, dict) else ""


def is_structured(info: FieldInfo) -> bool:
    """Whether a field holds objects, such as the steps of a pipeline: given in a file or as JSON, never as a flag."""

    def has_model(annotation: Any) -> bool:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return True
        return any(has_model(each) for each in get_args(annotation))

    return has_model(info.annotation)


def label_of(name: str, info: FieldInfo) -> str:
    """What a form calls a field: its title, else its name without the unit at its end, which stands beside it."""
    words = re.sub(r"_(usd_month|usd|months|year)$", "", name) if unit_of(info) else name
    return info.title or words.replace("_", " ").capitalize()


def ask(
    shape: type[AnyQuestion],
    values: Mapping[str, Any],
    places: Mapping[str, str] | None = None,
    *,
    from_json: bool = False,
) -> AnyQuestion:
    """
    Make a question from values, or say in one line what is wrong with the first field at fault.

    Parameters
    ----------
    values : mapping
        Field name -> value, numbers as people write them.
    places : mapping, optional
        Field name -> where its value was given, e.g. ``scenario.yaml line 3``; flags are named without it.
    from_json : bool
        Values came as JSON, whose types they must have: ``"50k"`` is then no number, and ``1`` not yes.

    Raises
    ------
    InputError
        Field, what was given, what is allowed, and for an unknown field the nearest names.
    """
    try:
        if from_json:
            return shape.model_validate_json(_as_json(values), strict=True)
        return shape.model_validate(dict(values))
    except ValidationError as error:
        # A misspelt field leaves its right name missing: say the former first.
        fault = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        name = str(fault["loc"][0]) if fault["loc"] else ""
        place = _place(fault["loc"], places or {})
        holder, inner, path = _inside(shape, fault["loc"])
        if fault["type"] == "extra_forbidden":
            close = nearest(inner[:LONGEST_SHOWN], holder.model_fields)
            unknown = f"Unknown field {_shown(inner)}{place}.{close} See: breakeven {shape.command} --help"
            inside = f"{path}.{inner[:LONGEST_SHOWN]}{place}: there is no such field.{close}"
            raise InputError(inside if path else unknown, name) from None
        if path:
            # Fields of an object that contradict each other are, as those of a question, no field's own fault.
            field_name = name if inner or fault["type"] != "value_error" else None
            raise InputError(_explain_inside(holder, inner, path, fault, place), field_name) from None
        raise InputError(_explain(shape, name, fault, place), name or None) from None


def _place(loc: tuple[int | str, ...], places: Mapping[str, str]) -> str:
    """Where the value at fault was given, or the nearest thing around it; "" where that is not known."""
    paths = [".".join(map(str, loc[:length])) for length in range(len(loc), 0, -1)]
    return next((f" ({places[path]})" for path in paths if path in places), "")


def _inside(shape: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[type[BaseModel], str, str]:
    """
    The object in which a fault lies, its field at fault, and the object's path: ``steps.2``.

    The path is "" for a field of the question itself; the field is "" where the object as a whole is at fault.
    """
    holder, depth = shape, 0
    for place in range(1, len(loc)):
        field_name = str(loc[depth])
        inner = _object_of(holder.model_fields[field_name].annotation) if field_name in holder.model_fields else None
        if inner is None:
            break
        if isinstance(loc[place], int):
            holder, depth = inner, place + 1
        elif depth == place - 1:
            holder, depth = inner, place
    path = ".".join(map(str, loc[:depth]))
    return holder, str(loc[depth]) if depth < len(loc) else "", path


def _object_of(annotation: Any) -> type[BaseModel] | None:
    """The kind of objects that a field holds, None where it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _object_of(each))), None)


def _explain_inside(shape: type[BaseModel], name: str, path: str, fault: Mapping[str, Any], place: str) -> str:
    """One line for one fault inside an object, which is named by its path: ``steps.2.model``."""
    if not name:
        if fault["type"] == "value_error":
            return f"{path}{place}: {str(fault['msg']).removeprefix('Value error, ')}"
        some = ", ".join(list(shape.model_fields)[:4])
        return f"{path}{place} is {_shown(fault['input'])}; it must be an object with fields such as {some}"
    info = shape.model_fields[name]
    if fault["type"] == "missing":
        return f"{path}.{name}{place} is needed: {info.description}"
    limits = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bound = next((f"{words} {fault['ctx'][key]:g}" for key, words in limits.items() if key in fault.get("ctx", {})), "")
    return _wrong(f"{path}.{name}", info, fault, place, bound)


LONGEST_SHOWN = 99
"""Longest part of a wrong value that a message repeats. [characters]"""


def _shown(value: Any) -> str:
    """A wrong value as a message repeats it."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _as_json(values: Mapping[str, Any]) -> bytes:
    """Values as JSON again. Raises InputError for what JSON cannot hold, such as half a surrogate pair."""
    try:
        return to_json(dict(values))
    except ValueError:
        raise InputError("A value is nested too deeply, or holds text that is not valid Unicode") from None


def _explain(shape: type[Question], name: str, fault: Mapping[str, Any], place: str) -> str:
    """One line for one fault, in the words of the field: its bounds, its unit, what was given."""
    if not name:
        return str(fault["msg"]).removeprefix("Value error, ")
    info = shape.model_fields[name]
    shown = name if is_structured(info) else flag(name)
    if fault["type"] == "missing":
        given = " Give it in a YAML file with --file." if is_structured(info) else ""
        return f"{shown}{place} is needed: {info.description}{given}"
    return _wrong(shown, info, fault, place)


def _wrong(shown: str, info: FieldInfo, fault: Mapping[str, Any], place: str, bound: str = "") -> str:
    """One line for a value that its field does not take; ``bound`` is the one it breaks, where that is known."""
    if fault["type"] == "value_error":
        return f"{shown}{place}: {str(fault['msg']).removeprefix('Value error, ')}"
    unit = f" [{unit_of(info)}]" if unit_of(info) else ""
    given = _shown(fault["input"])
    return f"{shown}{place} is {given}; it must be {bound or _allowed(info, fault)}{unit}. {info.description}"


def _allowed(info: FieldInfo, fault: Mapping[str, Any]) -> str:
    """What a field accepts, from its bounds."""
    kind = fault["type"]
    if kind == "literal_error":
        return str(fault["ctx"]["expected"]).replace("'", "")
    if "date" in kind:
        return "a date like 2026-11-23"
    if kind.startswith("bool"):
        return "yes or no"
    if kind == "string_too_long":
        return f"at most {fault['ctx']['max_length']} characters"
    if kind == "string_too_short":
        return "a name"
    if kind == "too_short":
        return f"a list of at least {fault['ctx']['min_length']}"
    if kind == "too_long":
        return f"a list of at most {fault['ctx']['max_length']}"
    if kind == "string_type":
        return "a list of text" if isinstance(fault["loc"][-1], int) else "text"
    if kind == "tuple_type":
        return "a list"
    words = {"gt": "above {}", "ge": "at least {}", "lt": "below {}", "le": "at most {}"}
    bounds = [
        text.format(format(value, "g") if isinstance(value := getattr(each, key), int | float) else value)
        for each in info.metadata
        for key, text in words.items()
        if getattr(each, key, None) is not None
    ]
    if "date" in str(info.annotation):
        return f"a date {' and '.join(bounds)}"
    whole = "a whole number" if "int" in str(info.annotation) and "float" not in str(info.annotation) else "a number"
    return " ".join([whole, " and ".join(bounds)]).strip()
