"""``breakeven cube``: logs to a small file of integer sums, such files added up, and what is in one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.errors import InputError
from breakeven.surfaces.cli.logs import column_pairs
from breakeven.surfaces.cli.offers import parse_day
from breakeven.surfaces.cli.output import Format
from breakeven.surfaces.cli.output import show as print_answer
from breakeven.surfaces.render.cube import cube_document, draw_cube
from breakeven.usage import Usage, usage_of
from breakeven.usage.cube import Cube
from breakeven.usage.cube_file import read_cube, write_cube
from breakeven.usage.gather import gather
from breakeven.usage.merge import merged, refuse_twice
from breakeven.usage.models import Finder
from breakeven.usage.scan import open_engine

app = App(
    name="cube",
    help="A log as a small file of integer sums, without text: build, merge, show. It is read everywhere a log is.",
    help_format="plaintext",
)

Prices = Annotated[Path | None, Parameter(help="YAML file with your own prices, models and offers.")]
AsOf = Annotated[str | None, Parameter(help="Day of the prices of calls without a time.", metavar="DATE")]
Output = Annotated[Path, Parameter(name=["--output", "-o"], help="The file to write, e.g. usage.cube.parquet.")]
Twice = Annotated[bool, Parameter(help="Add up even where a source is in both, and counts twice.", negative="")]


@app.command
def build(
    *files: Annotated[Path, Parameter(help="Logs, as for breakeven logs; also cubes.")],
    output: Output,
    task_by: Annotated[str | None, Parameter(help="Field that names the task; 'prompt': the system prompt.")] = None,
    reader: Annotated[str | None, Parameter(help="Format to read as, in place of the one that claims a file.")] = None,
    column: Annotated[
        tuple[str, ...], Parameter(help="Column of a table, e.g. input_tokens=my_col; several times.", negative="")
    ] = (),
    billing_zone: Annotated[
        str | None, Parameter(help="Time zone of billing months, e.g. America/Los_Angeles (default: UTC).")
    ] = None,
    count_twice: Twice = False,
    prices: Prices = None,
    as_of: AsOf = None,
) -> None:
    """Sum up logs in a file: per task, model, month and kind of price. No text of a prompt or an answer is in it."""
    _check_output(output, files)
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    with open_engine() as engine:
        cube = gather(
            engine,
            files,
            find,
            task_by=task_by,
            reader=reader,
            columns=column_pairs(column) or None,
            billing_zone=billing_zone,
            count_twice=count_twice,
        )
        if not count_twice:
            refuse_twice([(output.name, cube)])
        write_cube(engine, cube, output)
    _show(output, cube, usage_of(cube, find, day), "text")


@app.command
def merge(
    *files: Annotated[Path, Parameter(help="Cubes, two or more.")],
    output: Output,
    count_twice: Twice = False,
    prices: Prices = None,
    as_of: AsOf = None,
) -> None:
    """Add cubes up to one. Cubes that hold the same source, or that cannot be added exactly, are refused."""
    if len(files) < 2:
        raise InputError("Two cubes or more are needed: breakeven cube merge A B -o C")
    _check_output(output, files)
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    with open_engine() as engine:
        cubes = [(file.name, read_cube(engine, file)) for file in files]
        if not count_twice:
            refuse_twice(cubes)
        cube = merged(cubes, find)
        write_cube(engine, cube, output)
    _show(output, cube, usage_of(cube, find, day), "text")


@app.command
def show(
    file: Annotated[Path, Parameter(help="A cube.")],
    *,
    prices: Prices = None,
    as_of: AsOf = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
) -> None:
    """What is in a cube: sources, rows, months, where it is cut, and what present prices would need cut elsewhere."""
    find = Finder(load_catalogue(prices).prices)
    day = parse_day(as_of)
    with open_engine() as engine:
        cube = read_cube(engine, file)
    _show(file, cube, usage_of(cube, find, day), format_)


def _show(file: Path, cube: Cube, usage: Usage, format_: Format) -> None:
    document = cube_document(file.name, file.stat().st_size, cube, usage)
    print_answer(document, lambda console: draw_cube(document, console), format_, None)


def _check_output(output: Path, files: Sequence[Path]) -> None:
    """Raise InputError where a result would replace what it is made from."""
    if any(output.absolute() == file.absolute() for file in files):
        raise InputError(f"--output {output}: is one of the files that are read; write to another", "output")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"--output {output}: its folder does not exist, or it is a folder itself", "output")
