"""A question's model as a form: what each field is called, what it may hold, and what stands in it."""

import datetime as dt
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from breakeven.questions.fields import Question, group_of, is_structured, label_of, unit_of
from breakeven.surfaces.web.state import as_text

Control = Literal["number", "text", "choice", "day", "objects"]

UNIT_WORDS = {
    "change": "-0.2 or 20%",
    "share": "0 to 1, or 30%",
    "share/month": "0.05 or 5%",
    "share/year": "0.05 or 5%",
}
"""How units are explained in a form, where they need it."""


@dataclass(frozen=True, slots=True)
class Slider:
    """A slider beside a number; ``scale`` is how its travel maps to values, a log one reaching 0 at its left end."""

    low: float
    high: float
    scale: Literal["log", "linear"]


SLIDERS = {
    "calls/month": Slider(100, 1e8, "log"),
    "tokens": Slider(1, 200_000, "log"),
    "share": Slider(0, 1, "linear"),
    "ratio": Slider(0, 5, "linear"),
    "USD": Slider(1, 100_000, "log"),
    "USD/month": Slider(1, 20_000, "log"),
    "months": Slider(1, 60, "linear"),
}
"""By unit: the range that a slider of a field covers; a number outside it can still be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """
    One field as a form shows it.

    search : what its value is looked up in, "models" or "offers", "" for nothing.
    choices : (value, words) of a choice, the empty value first where it may be left out.
    text : what stands in it; ``default_text`` what counts while it is empty.
    """

    name: str
    label: str
    unit: str
    hint: str
    help: str
    control: Control
    required: bool
    search: str
    choices: tuple[tuple[str, str], ...]
    slider: Slider | None
    text: str
    default_text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading: those shown at once, and those folded away; ``given`` of the latter are filled in."""

    title: str
    front: list[FormField]
    folded: list[FormField]
    given: int


SEARCHED = dict.fromkeys(("model", "also", "counted_in", "models", "to"), "models") | {
    "tuned_model": "offers",
    "offer": "offers",
}
"""Fields that hold a name of the catalogue, and where it is looked up."""


def form(shape: type[Question], texts: Mapping[str, str]) -> list[Group]:
    """The form of a question, filled with texts, in the order of its fields."""
    groups: dict[str, Group] = {}
    for name, info in shape.model_fields.items():
        if name in shape.hidden:
            continue
        each = _form_field(name, info, texts.get(name, ""), front=name in shape.front)
        group = groups.setdefault(group_of(info), Group(group_of(info), [], [], 0))
        (group.front if name in shape.front else group.folded).append(each)
    return [
        Group(group.title, group.front, group.folded, sum(bool(each.text) for each in group.folded))
        for group in groups.values()
    ]


def texts_of(question: Question) -> dict[str, str]:
    """What stands in the fields of a form for a question: those that were given."""
    return {name: as_text(getattr(question, name)) for name in question.model_fields_set}


def _form_field(name: str, info: FieldInfo, text: str, *, front: bool) -> FormField:
    kinds = _kinds(info.annotation)
    choices = _choices(kinds, optional=type(None) in kinds)
    slider = SLIDERS.get(unit_of(info)) if front else None
    no_default = info.default is None or info.default is PydanticUndefined or info.default == ()
    control: Control = "text"
    if is_structured(info):
        control = "objects"
    elif choices:
        control = "choice"
    elif dt.date in kinds:
        control = "day"
    elif unit_of(info):
        control = "number"
    return FormField(
        name=name,
        label=label_of(name, info),
        unit=unit_of(info),
        hint=UNIT_WORDS.get(unit_of(info), ""),
        help=info.description or "",
        control=control,
        required=info.is_required() and control != "day",
        search=SEARCHED.get(name, ""),
        choices=choices,
        slider=slider,
        text=text,
        default_text="" if no_default else as_text(info.default),
    )


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The types a field may hold, None among them where it may be left out."""
    union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if union else (annotation,)


def _choices(kinds: tuple[Any, ...], *, optional: bool) -> tuple[tuple[str, str], ...]:
    """The values of a choice, () for what is not one."""
    words: list[tuple[str, str]] = []
    for kind in kinds:
        if get_origin(kind) is Literal:
            words += [(value, value) for value in get_args(kind)]
        elif kind is bool:
            words += [("yes", "yes"), ("no", "no")]
    return (("", "not given"), *words) if words and optional else tuple(words)
