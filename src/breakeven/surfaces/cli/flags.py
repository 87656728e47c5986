"""A question's fields as command-line flags: same names with dashes, same help, same defaults."""

import inspect
import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, get_args, get_origin

from cyclopts import Group, Parameter
from pydantic_core import PydanticUndefined

from breakeven.questions.fields import Question, group_of, is_structured, unit_of


def with_flags(shape: type[Question], own: Callable[..., Any], leave_out: Collection[str] = ()) -> Callable[..., Any]:
    """
    The command ``own(fields, ...)`` with one flag per field of ``shape``, but for those left out.

    ``own`` takes ``fields``, a mapping of the fields that were given, and options of its own. Numbers are passed on
    as written; the question reads and checks them, so that every surface says the same of the same fault.
    """
    parameters = [p for name, p in inspect.signature(own, eval_str=True).parameters.items() if name != "fields"]
    shown = {
        name: info for name, info in shape.model_fields.items() if name not in leave_out and not is_structured(info)
    }
    headings = dict.fromkeys(group_of(info) for info in shown.values())
    groups = {heading: Group(heading, sort_key=place) for place, heading in enumerate(headings)}
    flags = [_flag(name, info, groups) for name, info in shown.items()]

    def command(*positional: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in shown if name in values}
        return own(*positional, fields={name: value for name, value in given.items() if value is not None}, **values)

    command.__doc__ = own.__doc__
    command.__name__ = own.__name__
    command.__signature__ = inspect.Signature([*parameters, *flags])  # type: ignore[attr-defined]
    return command


def _flag(name: str, info: Any, groups: dict[str, Group]) -> inspect.Parameter:
    """One field as a keyword that may be left out."""
    kind = _plain(info.annotation)
    default = info.default
    shown = default not in (None, (), PydanticUndefined) and default != 0
    unit = unit_of(info)
    choices = _choices(info.annotation)
    words = " ".join(
        [
            info.description,
            *([f"[{unit}]"] if unit else []),
            *([f"One of: {', '.join(choices)}."] if choices else []),
            *([f"(default {default})"] if shown else []),
        ]
    )
    setting = Parameter(
        help=words,
        group=groups[group_of(info)],
        negative=f"--no-{name.replace('_', '-')}" if kind is bool else "",
        show_default=False,
        allow_leading_hyphen=kind is str,
        metavar=_metavar(kind, info),
    )
    annotation = Annotated[kind | None, setting]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _metavar(kind: Any, info: Any) -> str | None:
    """What stands for the value in the help: NUMBER, NAME, DATE; None leaves switches as they are."""
    if kind not in (str, list[str]):
        return None
    words = str(info.annotation)
    return "DATE" if "date" in words else "NUMBER" if re.search(r"\b(float|int)\b", words) else "NAME"


def _choices(annotation: Any) -> tuple[str, ...]:
    """The values of a choice, () for anything else."""
    parts = (annotation, *get_args(annotation))
    return next((get_args(each) for each in parts if get_origin(each) is Literal), ())


def _plain(annotation: Any) -> Any:
    """The type the command line reads: yes/no and lists as they are, all else as text that the question checks."""
    if bool in (annotation, *get_args(annotation)):
        return bool
    return list[str] if get_origin(annotation) is tuple else str
