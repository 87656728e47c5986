"""``breakeven logs``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.errors import InputError
from breakeven.files import whole_file
from breakeven.questions.fields import group_of
from breakeven.questions.finetune import USAGE, FinetuneQuestion
from breakeven.questions.logs import answer_logs
from breakeven.surfaces.cli.engines import Engine, Where, print_sql, usage_elsewhere
from breakeven.surfaces.cli.fields import (
    ColumnOption,
    MapOption,
    PricesOption,
    ReaderOption,
    TaskByOption,
    TasksOption,
    ZoneOption,
    column_pairs,
)
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.offers import parse_day
from breakeven.surfaces.cli.output import Format, OutputOption, show
from breakeven.surfaces.cli.progress import reading
from breakeven.usage import read_usage
from breakeven.usage.column_map import ColumnMap, read_map
from breakeven.usage.focus import write_focus
from breakeven.usage.task_names import read_task_names, starting_file

if TYPE_CHECKING:
    from rich.console import Console

FROM_THE_LOG = {"model", "as_of"} | {
    name
    for name, info in FinetuneQuestion.model_fields.items()
    if group_of(info) == USAGE and name != "calls_per_month"
}
"""Fields that the log itself answers; all others may be given for every task."""


def logs(
    *files: Annotated[
        str,
        Parameter(
            help="Logs or cubes: files, folders, globs, addresses, or - for standard input; see docs/log-formats.md.",
            allow_leading_hyphen=True,
        ),
    ],
    fields: Mapping[str, Any],
    task_by: TaskByOption = None,
    tasks: TasksOption = None,
    write_tasks: Annotated[
        Path | None, Parameter(help="Write such a file to begin with, and print the answer.")
    ] = None,
    reader: ReaderOption = None,
    column: ColumnOption = (),
    map_: MapOption = None,
    explain: Annotated[
        bool, Parameter(help="Say how one file would be read, or propose a map for it.", negative="")
    ] = False,
    rejects: Annotated[Path | None, Parameter(help="Write file, line and reason of rejected rows as CSV.")] = None,
    focus: Annotated[Path | None, Parameter(help="Write priced usage as FOCUS charges, .csv or .parquet.")] = None,
    billing_zone: ZoneOption = None,
    engine: Annotated[
        Engine, Parameter(help="duckdb here, spark on a cluster, or sql: see docs/engines.md.")
    ] = "duckdb",
    table_: Annotated[str | None, Parameter(name="--table", help="Table of calls, for spark or sql.")] = None,
    zone: Annotated[str | None, Parameter(help="Zone of times without one, for spark or sql.")] = None,
    master: Annotated[str | None, Parameter(help="Spark's master, e.g. local[2] or spark://host:7077.")] = None,
    dialect: Annotated[str | None, Parameter(help="Print the SQL of the sums in this dialect.")] = None,
    connection: Annotated[str | None, Parameter(help="Run it on this warehouse, an Ibis URL.", metavar="URL")] = None,
    since: Annotated[
        str | None, Parameter(help="First day of the calls, for printed SQL (default 2023-01-01).", metavar="DATE")
    ] = None,
    as_of: Annotated[str | None, Parameter(help="Day of offers, and of calls without a time.", metavar="DATE")] = None,
    prices: PricesOption = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
    output: OutputOption = None,
) -> None:
    """Read logs of real calls: what they cost, and the fine-tuning decision per task.

    Nothing of a prompt or an answer is stored, shown or sent anywhere. The other flags are those of
    `breakeven finetune` and hold for every task.
    """
    where = Where(engine, table_, zone, master, dialect, connection, parse_day(since) if since else None)
    where.check(
        {"tasks": tasks, "map": map_, "explain": explain or None, "rejects": rejects},
        {"write-tasks": write_tasks, "focus": focus},
    )
    column_map = read_map(map_) if map_ else None
    if explain:
        _explain(files, reader, column_map, format_, output)
        return
    catalogue = load_catalogue(prices)
    day = parse_day(as_of)
    columns = column_pairs(column)
    if engine == "sql" and not connection:
        print_sql(where, files, columns, task_by, catalogue.prices, day, output, billing_zone)
        return
    if engine != "duckdb":
        usage = usage_elsewhere(where, files, columns, task_by, reader, catalogue.prices, day, billing_zone)
    else:
        with reading() as watch:
            usage = read_usage(
                files,
                table=catalogue.prices,
                as_of=day,
                task_by=task_by,
                reader=reader,
                columns=columns or None,
                column_map=column_map,
                billing_zone=billing_zone,
                tasks=read_task_names(tasks) if tasks else None,
                rejects=rejects,
                watch=watch,
            )
    if focus is not None:
        write_focus(usage.cube, usage.bill, catalogue.prices, day, focus)
    found = answer_logs(usage, catalogue, fields)
    if write_tasks is not None:
        with whole_file(write_tasks, "--write-tasks") as part:
            part.write_text(starting_file(found.task_facts), encoding="utf-8")

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.logs import draw

        draw(found, console)

    show(found, draw, format_, output)


def _explain(
    files: tuple[str, ...], reader: str | None, column_map: ColumnMap | None, format_: Format, output: Path | None
) -> None:
    from breakeven.usage.explain import explain
    from breakeven.usage.inputs import find_logs

    logs_found = find_logs(files)
    if len(logs_found) != 1:
        raise InputError(f"--explain takes one file, not {len(logs_found):,}", "explain")
    found = explain(logs_found[0], reader=reader, column_map=column_map)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.explain import draw

        draw(found, console)

    show(found, draw, format_, output)


command = with_flags(FinetuneQuestion, logs, leave_out=FROM_THE_LOG)
