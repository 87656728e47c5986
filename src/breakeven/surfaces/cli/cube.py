"""``breakeven cube``: logs to a small file of integer sums, such files added up, and what is in one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.errors import InputError, LogError
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
from breakeven.surfaces.cli.offers import parse_day
from breakeven.surfaces.cli.output import Format
from breakeven.surfaces.cli.output import show as print_answer
from breakeven.surfaces.cli.progress import reading
from breakeven.surfaces.render.cube import cube_document, draw_cube
from breakeven.usage import Usage, summary
from breakeven.usage.column_map import read_map
from breakeven.usage.cube_file import read_cube, write_cube
from breakeven.usage.gather import gather
from breakeven.usage.inputs import find_logs
from breakeven.usage.merge import merged, refuse_twice
from breakeven.usage.models import Finder
from breakeven.usage.parquet import local
from breakeven.usage.price import price_cube
from breakeven.usage.scan import open_engine
from breakeven.usage.sums import MARK
from breakeven.usage.sums_file import head_of_sums, is_sums
from breakeven.usage.task_names import read_task_names

app = App(
    name="cube",
    help="A log as a small file of integer sums, without text, read everywhere a log is: build, import, merge, show.",
    help_format="plaintext",
)

AsOf = Annotated[str | None, Parameter(help="Day of the prices of calls without a time.", metavar="DATE")]
Output = Annotated[Path, Parameter(name=["--output", "-o"], help="The file to write, e.g. usage.cube.parquet.")]
Twice = Annotated[bool, Parameter(help="Add up even where a source is in both, and counts twice.", negative="")]


@app.command
def build(
    *files: Annotated[str, Parameter(help="Logs, as for breakeven logs; also cubes.", allow_leading_hyphen=True)],
    output: Output,
    task_by: TaskByOption = None,
    tasks: TasksOption = None,
    reader: ReaderOption = None,
    column: ColumnOption = (),
    map_: MapOption = None,
    billing_zone: ZoneOption = None,
    count_twice: Twice = False,
    prices: PricesOption = None,
    as_of: AsOf = None,
) -> None:
    """Sum up logs in a file: per task, model, month and kind of price. No text of a prompt or an answer is in it."""
    logs = find_logs(files)
    _check_output(output, [log.path for log in logs if log.path is not None])
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    with open_engine() as engine:
        with reading() as watch:
            got = gather(
                engine,
                logs,
                find,
                task_by=task_by,
                reader=reader,
                columns=column_pairs(column) or None,
                column_map=read_map(map_) if map_ else None,
                tasks=read_task_names(tasks) if tasks else None,
                billing_zone=billing_zone,
                count_twice=count_twice,
                watch=watch,
            )
        if not count_twice:
            refuse_twice([(output.name, got.cube)])
        write_cube(engine, got.cube, output)
    usage = summary(got.cube, price_cube(got.cube, find, day), day, notes=got.notes, skipped=got.scan.skipped)
    _show(output.name, output.stat().st_size, usage, "text")


@app.command(name="import")
def import_(
    file: Annotated[
        str, Parameter(help="CSV, JSON lines or Parquet; - for standard input.", allow_leading_hyphen=True)
    ],
    *,
    output: Output,
    tasks: TasksOption = None,
    prices: PricesOption = None,
    as_of: AsOf = None,
) -> None:
    """Make a cube of the result of a statement that breakeven logs --engine sql --dialect NAME printed."""
    logs = find_logs([file])
    _check_output(output, [log.path for log in logs if log.path is not None])
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    if len(logs) != 1:
        raise InputError(f"{file}: is {len(logs)} files; import one at a time, then: breakeven cube merge")
    with open_engine() as engine:
        if not is_sums(engine, logs[0], head_of_sums(logs[0])[0]):
            raise LogError(
                f"{file}: is no result of a printed statement: it lacks the column {MARK!r}; for a log:"
                " breakeven cube build LOG -o usage.cube.parquet"
            )
        got = gather(engine, logs, find, tasks=read_task_names(tasks) if tasks else None)
        write_cube(engine, got.cube, output)
    usage = summary(got.cube, price_cube(got.cube, find, day), day, notes=got.notes)
    _show(output.name, output.stat().st_size, usage, "text")


@app.command
def merge(
    *files: Annotated[str, Parameter(help="Cubes, two or more: files, folders, globs or addresses.")],
    output: Output,
    count_twice: Twice = False,
    prices: PricesOption = None,
    as_of: AsOf = None,
) -> None:
    """Add cubes up to one. Cubes that hold the same source, or that cannot be added exactly, are refused."""
    logs = find_logs(files)
    if len(logs) < 2:
        raise InputError("Two cubes or more are needed: breakeven cube merge A B -o C")
    _check_output(output, [log.path for log in logs if log.path is not None])
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    with open_engine() as engine:
        cubes = [(log.name, read_cube(engine, log)) for log in logs]
        if not count_twice:
            refuse_twice(cubes)
        cube = merged(cubes, find)
        write_cube(engine, cube, output)
    _show(output.name, output.stat().st_size, summary(cube, price_cube(cube, find, day), day), "text")


@app.command
def show(
    file: Annotated[str, Parameter(help="A cube: a file or an address.")],
    *,
    prices: PricesOption = None,
    as_of: AsOf = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
) -> None:
    """What is in a cube: sources, rows, months, where it is cut, and what present prices would need cut elsewhere."""
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    logs = find_logs([file])
    if len(logs) != 1:
        raise InputError(f"{file}: is {len(logs)} files; show one at a time, or: breakeven logs {file}")
    with open_engine() as engine:
        cube = read_cube(engine, logs[0])
        size = local(engine, logs[0]).stat().st_size
    _show(logs[0].name, size, summary(cube, price_cube(cube, find, day), day), format_)


def _show(name: str, size: int, usage: Usage, format_: Format) -> None:
    document = cube_document(name, size, usage)
    print_answer(document, lambda console: draw_cube(document, console), format_, None)


def _check_output(output: Path, files: Sequence[Path]) -> None:
    """Raise InputError where a result would replace what it is made from."""
    if any(output.absolute() == file.absolute() for file in files):
        raise InputError(f"--output {output}: is one of the files that are read; write to another", "output")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"--output {output}: its folder does not exist, or it is a folder itself", "output")
