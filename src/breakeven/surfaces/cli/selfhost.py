"""``breakeven selfhost``: serving calls on GPUs of one's own, from fields, a log and a benchmark; or a whole table."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.errors import InputError
from breakeven.questions.selfhost import KIND, SelfhostAnswer
from breakeven.questions.selfhost_fields import SelfhostQuestion
from breakeven.surfaces.cli.fields import (
    FileOption,
    LogOption,
    LogTaskOption,
    More,
    PricesOption,
    TaskByOption,
    TasksOption,
    gather,
)
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.output import Format, OutputOption, show

if TYPE_CHECKING:
    from rich.console import Console

    from breakeven.surfaces.cli.from_log import LogRead


def selfhost(
    *,
    fields: Mapping[str, Any],
    benchmark: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Result of vllm bench serve, GuideLLM, AIPerf or genai-perf on your server; several times.",
            negative="",
        ),
    ] = (),
    predict: Annotated[
        Path | None, Parameter(help="Table of serving runs, CSV: write it to --out with predicted throughput.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="File to write, with --predict.")] = None,
    file: FileOption = None,
    from_log: LogOption = (),
    log_task: LogTaskOption = None,
    task_by: TaskByOption = None,
    tasks: TasksOption = None,
    prices: PricesOption = None,
    format_: Annotated[Format, Parameter(name="--format", help="text or json.")] = "text",
    output: OutputOption = None,
) -> None:
    """What does it take to serve these calls on GPUs of your own?

    Every kind of GPU, number of GPUs and storage of the weights is looked at; throughput is predicted with a band, or
    taken from --benchmark, whose server --gpu, --gpus and --weights must name.
    """
    catalogue = load_catalogue(prices)
    if predict is not None:
        if fields or benchmark or from_log or file is not None:
            raise InputError("--predict takes a table of runs and --out alone", "predict")
        _predict(predict, out, catalogue)
        return
    if out is not None:
        raise InputError("--out is the table that --predict writes; an answer goes to --output", "out")
    question, read = gather(
        SelfhostQuestion,
        fields,
        file=file,
        from_log=from_log,
        log_task=log_task,
        task_by=task_by,
        tasks=tasks,
        catalogue=catalogue,
        more=_measured(benchmark),
    )
    found: SelfhostAnswer = KIND.answer(question, catalogue, read)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.tables import draw

        draw(found, console)

    show(found, draw, format_, output)


def _predict(rows: Path, out: Path | None, catalogue: Catalogue) -> None:
    """Predicted throughput beside the runs of a table, and how many rows got one."""
    from breakeven.compute.predict import predict_serving

    if out is None:
        raise InputError("--predict needs --out FILE, the table to write", "out")
    count = predict_serving(rows, out, catalogue)
    rest = count.rows - count.predicted
    print(f"{count.rows:,} rows = {count.predicted:,} predicted + {rest:,} not predicted, in {out}")


def _measured(files: tuple[Path, ...]) -> More:
    """The field ``measured``: the runs of benchmark files."""

    def fields(given: dict[str, Any], log: "LogRead | None") -> tuple[dict[str, Any], dict[str, str]]:
        if not files:
            return {}, {}
        if given.get("measured"):
            raise InputError("Give either --benchmark or measured, not both", "measured")
        from breakeven.compute.measured import read_benchmarks

        points = read_benchmarks(files)
        runs = [
            {
                "run": each.run,
                "concurrency": each.concurrency,
                "input_tokens": each.input_tokens,
                "output_tokens": each.output_tokens,
                "output_tokens_s": each.output_tokens_s,
                "ms_per_token": 1000 * each.token_s,
            }
            for each in points
        ]
        names = ", ".join(sorted({file.name for file in files}))
        return {"measured": runs}, {"measured": f"{len(runs)} runs in {names}"}

    return fields


command = with_flags(SelfhostQuestion, selfhost)
