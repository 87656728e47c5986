"""A question's fields from wherever they were given: flags, a scenario file, a log."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.questions.fields import Question, ask
from breakeven.questions.kind import FromUsage

if TYPE_CHECKING:
    from breakeven.surfaces.cli.from_log import LogRead

More: TypeAlias = Callable[[dict[str, Any], "LogRead | None"], tuple[dict[str, Any], dict[str, str]]]
"""
Further fields of one question's command, and where they came from: called with all that was given, and with the task
that a log gave, None without a log.
"""

FileOption: TypeAlias = Annotated[Path | None, Parameter(help="YAML file with the same fields; flags win.")]
LogOption: TypeAlias = Annotated[
    tuple[str, ...], Parameter(help="Log to read your usage from; may be given several times.", negative="")
]
LogTaskOption: TypeAlias = Annotated[str | None, Parameter(help="Task of the log to look at.")]
TaskByOption: TypeAlias = Annotated[
    str | None, Parameter(help="Field of the log that names the task; 'prompt': the system prompt.")
]
ReaderOption: TypeAlias = Annotated[
    str | None, Parameter(help="Format to read as, in place of the one that claims a file.")
]
ColumnOption: TypeAlias = Annotated[
    tuple[str, ...], Parameter(help="Column of a table, e.g. input_tokens=my_col; several times.", negative="")
]
MapOption: TypeAlias = Annotated[
    Path | None, Parameter(name="--map", help="YAML file: which column means what, for other formats.")
]
ZoneOption: TypeAlias = Annotated[
    str | None, Parameter(help="Time zone of billing months, e.g. America/Los_Angeles (default: UTC).")
]
TasksOption: TypeAlias = Annotated[
    Path | None, Parameter(help="YAML file that names and merges tasks of the log; see docs/tasks.md.")
]
PricesOption: TypeAlias = Annotated[Path | None, Parameter(help="YAML file with your own prices, models and offers.")]


def column_pairs(texts: Sequence[str]) -> dict[str, str]:
    """What ``--column`` says, each text ``NAME=COLUMN``."""
    pairs = {}
    for text in texts:
        name, equals, own = text.partition("=")
        if not equals or not own:
            raise InputError(f"--column is {text!r}; it must be NAME=COLUMN, e.g. input_tokens=prompt_len", "column")
        pairs[name.strip()] = own.strip()
    return pairs


def gather(
    shape: type[Question],
    flags: Mapping[str, Any],
    *,
    file: Path | None,
    from_log: tuple[str, ...],
    log_task: str | None,
    task_by: str | None,
    tasks: Path | None,
    billing_zone: str | None = None,
    catalogue: Catalogue,
    more: More | None = None,
    from_usage: FromUsage | None = None,
) -> tuple[Any, dict[str, str]]:
    """
    The question, and where its fields came from that were neither flags nor in the file.

    Flags win over the file, the file over the log; what ``more`` adds stands above all. ``from_usage`` is the
    question's own way to read a whole log; without it one task of the log is read. Raises InputError for the first
    field at fault, with its place.
    """
    today = dt.date.today()
    flags = dict(flags)
    scenario: dict[str, Any] = {}
    places: dict[str, str] = {}
    if file is not None:
        from breakeven.surfaces.cli.scenario import read_scenario

        scenario, places = read_scenario(file)
    filled: dict[str, Any] = {}
    origins: dict[str, str] = {}
    log_read = None
    if from_log:
        from breakeven.surfaces.cli.from_log import fields_from_log

        read_fields, said, log_read = fields_from_log(
            from_log, log_task, task_by, flags, catalogue, today, tasks, from_usage, billing_zone
        )
        found, origins = (
            {shape.from_log.get(name, name): value for name, value in each.items()} for each in (read_fields, said)
        )
        filled = {name: value for name, value in found.items() if name in shape.model_fields}
    merged = {"as_of": today} | filled | scenario | flags
    added, added_origins = more(merged, log_read) if more else ({}, {})
    places = {name: place for name, place in places.items() if name not in flags and name not in added}
    question = ask(shape, merged | added, places)
    origins = {"as_of": "today"} | {name: origin for name, origin in origins.items() if name in shape.model_fields}
    read = {name: origin for name, origin in origins.items() if name not in scenario and name not in flags}
    return question, read | added_origins
