"""``breakeven route``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.errors import InputError
from breakeven.questions.route import KIND
from breakeven.questions.route_fields import RouteQuestion
from breakeven.surfaces.cli.fields import (
    FileOption,
    LogOption,
    LogTaskOption,
    PricesOption,
    TaskByOption,
    TasksOption,
    gather,
)
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.output import Format, OutputOption, show

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS_HELP = "Column of the table, NAME=COLUMN, e.g. score=correct or score:gpt-5=gpt5_ok; several times."
WHERE_HELP = "Only rows with these values, COLUMN=VALUE,VALUE; several times."


def route(
    *,
    fields: Mapping[str, Any],
    file: FileOption = None,
    evaluation: Annotated[Path | None, Parameter(help="Evaluation table: CSV, JSON lines or Parquet.")] = None,
    eval_columns: Annotated[tuple[str, ...], Parameter(help=COLUMNS_HELP, negative="")] = (),
    eval_where: Annotated[tuple[str, ...], Parameter(help=WHERE_HELP, negative="")] = (),
    from_log: LogOption = (),
    log_task: LogTaskOption = None,
    task_by: TaskByOption = None,
    tasks: TasksOption = None,
    prices: PricesOption = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
    output: OutputOption = None,
) -> None:
    """What does it save to send each call to the model it needs, against one premium model for all?

    From tiers with shares and prices (--file mix.yaml), from an evaluation table (--evaluation table.csv), or both.
    """
    catalogue = load_catalogue(prices)
    given = dict(fields)
    notes: list[str] = []
    if evaluation is not None:
        from breakeven.usage.evaluation import read_evaluation

        where = {column: values.split(",") for column, values in _pairs("--eval-where", eval_where).items()}
        table = read_evaluation(evaluation, _pairs("--eval-columns", eval_columns), where)
        given |= {
            "evaluation": table.rows,
            "evaluation_left_out": [{"reason": reason, "rows": rows} for reason, rows in table.left_out.items()],
        }
        notes = table.notes
    elif eval_columns or eval_where:
        raise InputError("--eval-columns and --eval-where need --evaluation", "evaluation")
    question, read = gather(
        RouteQuestion,
        given,
        file=file,
        from_log=from_log,
        log_task=log_task,
        task_by=task_by,
        tasks=tasks,
        catalogue=catalogue,
    )
    if evaluation is not None:
        read |= dict.fromkeys(
            ("evaluation", "evaluation_left_out"), "; ".join([f"read from {evaluation.name}", *notes])
        )
    found = KIND.answer(question, catalogue, read)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.tables import draw

        draw(found, console)

    show(found, draw, format_, output)


def _pairs(flag: str, texts: tuple[str, ...]) -> dict[str, str]:
    """``NAME=COLUMN`` texts as a mapping. Raises InputError for a text without both."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, column = text.partition("=")
        if not (name.strip() and equals and column.strip()):
            raise InputError(f"{flag} {text}: write it as NAME=COLUMN", "evaluation")
        found[name.strip()] = column.strip()
    return found


command = with_flags(RouteQuestion, route)
