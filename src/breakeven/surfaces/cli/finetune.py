"""``breakeven finetune``."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion, answer
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.output import Format, show

if TYPE_CHECKING:
    from rich.console import Console


def finetune(
    *,
    fields: Mapping[str, Any],
    file: Annotated[Path | None, Parameter(help="YAML file with the same fields; flags win.")] = None,
    from_log: Annotated[
        tuple[Path, ...], Parameter(help="Log to read your usage from; may be given several times.", negative="")
    ] = (),
    log_task: Annotated[str | None, Parameter(help="Task of the log to look at; --task names it too.")] = None,
    task_by: Annotated[str | None, Parameter(help="Field of the log that names the task.")] = None,
    tasks: Annotated[Path | None, Parameter(help="YAML file that names and merges tasks of the log.")] = None,
    prices: Annotated[Path | None, Parameter(help="YAML file with your own prices, models and offers.")] = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
    output: Annotated[Path | None, Parameter(help="Write the answer to this file.")] = None,
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
    today = dt.date.today()
    scenario: dict[str, Any] = {}
    places: dict[str, str] = {}
    if file is not None:
        from breakeven.surfaces.cli.scenario import read_scenario

        scenario, places = read_scenario(file)
    flags = dict(fields)
    from_usage: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if from_log:
        from breakeven.surfaces.cli.from_log import fields_from_log

        from_usage, origins = fields_from_log(from_log, log_task, task_by, flags, catalogue, today, tasks)
    merged = {"as_of": today} | from_usage | scenario | flags
    question = ask(FinetuneQuestion, merged, {name: place for name, place in places.items() if name not in flags})
    origins = {"as_of": "today"} | origins
    read = {name: origin for name, origin in origins.items() if name not in scenario and name not in flags}
    found = answer(question, catalogue, read)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.finetune import draw

        draw(found, console)

    if chart:
        write_charts(chart, question, found, catalogue)
    show(found, draw, format_, output)


command = with_flags(FinetuneQuestion, finetune)
