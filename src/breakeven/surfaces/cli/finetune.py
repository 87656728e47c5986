"""``breakeven finetune``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.questions.finetune import FinetuneQuestion, answer
from breakeven.surfaces.cli.fields import (
    FileOption,
    LogOption,
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


def finetune(
    *,
    fields: Mapping[str, Any],
    file: FileOption = None,
    from_log: LogOption = (),
    log_task: Annotated[str | None, Parameter(help="Task of the log to look at; --task names it too.")] = None,
    task_by: TaskByOption = None,
    tasks: TasksOption = None,
    billing_zone: ZoneOption = None,
    prices: PricesOption = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
    output: OutputOption = None,
    chart: Annotated[
        tuple[Path, ...], Parameter(help="Draw the charts to this .svg, .png or .html; several times.", negative="")
    ] = (),
) -> None:
    """Fine-tune a model, or keep paying for API calls?

    Six numbers are enough: --model, --calls-per-month, --input-tokens, --output-tokens, --training-usd and
    --premium, or --file scenario.yaml, or --from-log calls.jsonl. Numbers may be written 50k, 1.5M, 30% or $0.25.
    """
    if chart:
        from breakeven.surfaces.cli.charts import check_names, write_charts

        check_names(chart)
    catalogue = load_catalogue(prices)
    question, read = gather(
        FinetuneQuestion,
        fields,
        file=file,
        from_log=from_log,
        log_task=log_task,
        task_by=task_by,
        tasks=tasks,
        billing_zone=billing_zone,
        catalogue=catalogue,
    )
    found = answer(question, catalogue, read)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.finetune import draw

        draw(found, console)

    if chart:
        write_charts(chart, question, found, catalogue)
    show(found, draw, format_, output)


command = with_flags(FinetuneQuestion, finetune)
