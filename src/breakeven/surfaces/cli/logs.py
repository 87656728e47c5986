"""``breakeven logs``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.errors import InputError
from breakeven.questions.fields import group_of
from breakeven.questions.finetune import USAGE, FinetuneQuestion
from breakeven.questions.logs import answer_logs
from breakeven.surfaces.cli.engines import Engine, Where, print_sql, usage_elsewhere
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.offers import parse_day
from breakeven.surfaces.cli.output import Format, show
from breakeven.usage import read_usage

if TYPE_CHECKING:
    from rich.console import Console

FROM_THE_LOG = {"model", "as_of"} | {
    name
    for name, info in FinetuneQuestion.model_fields.items()
    if group_of(info) == USAGE and name != "calls_per_month"
}
"""Fields that the log itself answers; all others may be given for every task."""


def logs(
    *files: Annotated[str, Parameter(help="JSON lines, CSV, TSV (also gzip) or Parquet; see docs/log-formats.md.")],
    fields: Mapping[str, Any],
    task_by: Annotated[str | None, Parameter(help="Field that names the task; 'prompt': the system prompt.")] = None,
    reader: Annotated[str | None, Parameter(help="Format to read as, in place of the one that claims a file.")] = None,
    column: Annotated[
        tuple[str, ...], Parameter(help="Column of a table, e.g. input_tokens=my_col; several times.", negative="")
    ] = (),
    engine: Annotated[
        Engine, Parameter(help="duckdb here, spark on a cluster, or sql: see docs/engines.md.")
    ] = "duckdb",
    table_: Annotated[str | None, Parameter(name="--table", help="Table of calls, for spark or sql.")] = None,
    zone: Annotated[str | None, Parameter(help="UTC or an offset, of times without one, for spark or sql.")] = None,
    master: Annotated[str | None, Parameter(help="Spark's master, e.g. local[2] or spark://host:7077.")] = None,
    dialect: Annotated[str | None, Parameter(help="Print the SQL of the sums in this dialect.")] = None,
    connection: Annotated[str | None, Parameter(help="Run it on this warehouse, an Ibis URL.", metavar="URL")] = None,
    since: Annotated[
        str | None, Parameter(help="First day of the calls, for printed SQL (default 2023-01-01).", metavar="DATE")
    ] = None,
    as_of: Annotated[str | None, Parameter(help="Day of offers, and of calls without a time.", metavar="DATE")] = None,
    prices: Annotated[Path | None, Parameter(help="YAML file with your own prices, models and offers.")] = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
    output: Annotated[Path | None, Parameter(help="Write the answer to this file.")] = None,
) -> None:
    """Read logs of real calls: what they cost, and the fine-tuning decision per task.

    Nothing of a prompt or an answer is stored, shown or sent anywhere. The other flags are those of
    `breakeven finetune` and hold for every task.
    """
    catalogue = load_catalogue(prices)
    day = parse_day(as_of)
    columns = dict(_pair(each) for each in column)
    where = Where(engine, table_, zone, master, dialect, connection, parse_day(since) if since else None)
    if engine == "duckdb":
        where.check()
        usage = read_usage(
            files, table=catalogue.prices, as_of=day, task_by=task_by, reader=reader, columns=columns or None
        )
    else:
        if engine == "sql" and not connection:
            print_sql(where, files, columns, task_by, catalogue.prices, day, output)
            return
        usage = usage_elsewhere(where, files, columns, task_by, reader, catalogue.prices, day)
    found = answer_logs(usage, catalogue, fields)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.logs import draw

        draw(found, console)

    show(found, draw, format_, output)


def _pair(text: str) -> tuple[str, str]:
    name, equals, own = text.partition("=")
    if not equals or not own:
        raise InputError(f"--column is {text!r}; it must be NAME=COLUMN, e.g. input_tokens=prompt_len", "column")
    return name.strip(), own.strip()


command = with_flags(FinetuneQuestion, logs, leave_out=FROM_THE_LOG)
