"""Commands of all questions that are drawn as tables, each made from its question's fields: ``breakeven cost``, ..."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.questions.kind import Kind
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.cli.fields import (
    FileOption,
    LogOption,
    LogTaskOption,
    PricesOption,
    TaskByOption,
    TasksOption,
    ZoneOption,
    gather,
)
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.output import Format, OutputOption, show

if TYPE_CHECKING:
    from rich.console import Console


MORE = {
    "cost": "breakeven.surfaces.cli.prompt_file",
    "optimize": "breakeven.surfaces.cli.evaluated",
    "route": "breakeven.surfaces.cli.evaluation_rows",
    "switch": "breakeven.surfaces.cli.recounting",
}
"""
Question -> module of what its command has beside its fields: ``OPTIONS``, further parameters of the command, and
``more(options, catalogue)``, the fields that come of them, see ``fields.More``.
"""


def command_of(kind: Kind) -> Callable[..., Any]:
    """The command of one question."""

    module = import_module(MORE[kind.name]) if kind.name in MORE else None
    own: tuple[inspect.Parameter, ...] = module.OPTIONS if module else ()

    def command(
        *,
        fields: Mapping[str, Any],
        file: FileOption = None,
        from_log: LogOption = (),
        log_task: LogTaskOption = None,
        task_by: TaskByOption = None,
        tasks: TasksOption = None,
        billing_zone: ZoneOption = None,
        prices: PricesOption = None,
        format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
        output: OutputOption = None,
        **options: Any,
    ) -> None:
        catalogue = load_catalogue(prices)
        question, read = gather(
            kind.question,
            fields,
            file=file,
            from_log=from_log,
            log_task=log_task,
            task_by=task_by,
            tasks=tasks,
            billing_zone=billing_zone,
            catalogue=catalogue,
            more=module.more(options, catalogue) if module else None,
            from_usage=kind.from_usage,
        )
        found = kind.answer(question, catalogue, read)

        def draw(console: "Console") -> None:
            from breakeven.surfaces.render.tables import draw

            draw(found, console)

        show(found, draw, format_, output)

    shared = [each for each in inspect.signature(command).parameters.values() if each.kind is each.KEYWORD_ONLY]
    command.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    command.__doc__ = kind.question.__doc__
    command.__name__ = kind.name
    return with_flags(kind.question, command)


def __getattr__(name: str) -> Callable[..., Any]:
    """A command by its question's name, made when it is called."""
    if name not in QUESTIONS:
        raise AttributeError(name)
    return command_of(QUESTIONS[name])
