"""``breakeven training``: a fine-tuning file checked, counted and priced; or built from a log."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.errors import InputError
from breakeven.questions.training import KIND, TrainingAnswer
from breakeven.questions.training_fields import TrainingQuestion
from breakeven.surfaces.cli.fields import (
    ColumnOption,
    FileOption,
    More,
    PricesOption,
    ReaderOption,
    TaskByOption,
    TasksOption,
    gather,
)
from breakeven.surfaces.cli.flags import with_flags
from breakeven.surfaces.cli.output import OutputOption, show
from breakeven.surfaces.counted import around, counted_fields, wanted_vocabularies

if TYPE_CHECKING:
    from rich.console import Console

    from breakeven.surfaces.cli.from_log import LogRead


def training(
    training_file: Annotated[
        Path | None, Parameter(help="Training file: JSON lines, also gzip or Zstandard; see docs/training.md.")
    ] = None,
    *,
    fields: Mapping[str, Any],
    validation: Annotated[Path | None, Parameter(help="Validation file, compared with the training file.")] = None,
    from_log: Annotated[
        tuple[str, ...],
        Parameter(help="Log to make the training file of; may be given several times.", negative=""),
    ] = (),
    task: Annotated[
        str | None, Parameter(name=["--task", "--log-task"], help="Task of the log whose calls are taken.")
    ] = None,
    log_model: Annotated[str | None, Parameter(help="Model whose calls are taken; all if not given.")] = None,
    task_by: TaskByOption = None,
    tasks: TasksOption = None,
    reader: ReaderOption = None,
    column: ColumnOption = (),
    out: Annotated[Path | None, Parameter(help="File to write, with --from-log or --predict.")] = None,
    validation_out: Annotated[
        Path | None, Parameter(help="Validation file to write: the latest examples of the log.")
    ] = None,
    validation_share: Annotated[float, Parameter(help="Share of the examples that it gets.")] = 0.2,
    score_by: Annotated[
        str | None, Parameter(help="Field of the log that holds a score, or yes or no, e.g. metadata.score.")
    ] = None,
    min_score: Annotated[float | None, Parameter(help="Least score of a call that is taken.")] = None,
    keep_failed: Annotated[bool, Parameter(help="Take calls that failed too.", negative="")] = False,
    force: Annotated[bool, Parameter(help="Replace files that are there already.", negative="")] = False,
    predict: Annotated[
        Path | None, Parameter(help="Table of fine-tuning runs, CSV: write it to --out with predicted speeds.")
    ] = None,
    strict: Annotated[
        bool, Parameter(help="Exit with 2 where a line cannot be trained on, or both files share lines.", negative="")
    ] = False,
    file: FileOption = None,
    prices: PricesOption = None,
    format_: Annotated[
        Literal["text", "json", "markdown"], Parameter(name="--format", help="text, json or markdown.")
    ] = "text",
    output: OutputOption = None,
) -> None:
    """Check a fine-tuning file line by line, count its tokens as each provider does, and price a run everywhere.

    Invalid lines are reported with their number and the reason, and the command ends well: with --strict it ends with
    exit code 2. Nothing of a prompt or an answer is stored, shown or sent anywhere, but for the file that --from-log
    makes.
    """
    catalogue = load_catalogue(prices)
    if predict is not None:
        _predict(predict, out, fields, training_file, from_log, catalogue, force=force)
        return
    made: dict[str, Any] = {}
    if from_log:
        from breakeven.surfaces.cli.training_build import Order, build_file

        if training_file is not None or validation is not None:
            raise InputError("Give a training file, or --from-log to make one, not both", "from_log")
        order = Order(
            files=from_log,
            task=task,
            model=log_model,
            task_by=task_by,
            names=tasks,
            reader=reader,
            columns=column,
            out=out,
            validation_out=validation_out,
            validation_share=validation_share,
            score_by=score_by,
            min_score=min_score,
            keep_failed=keep_failed,
            force=force,
        )
        # A name that is not known is told before anything is written.
        KIND.reply({"training_tokens": 1} | dict(fields), catalogue, dt.date.today())
        made = {"built": build_file(order, catalogue, dt.date.today())}
        training_file, validation = out, validation_out
    elif out is not None or validation_out is not None:
        raise InputError("--out and --validation-out need --from-log, the log to make the file of", "out")
    question, read = gather(
        TrainingQuestion,
        fields,
        file=file,
        from_log=(),
        log_task=None,
        task_by=None,
        tasks=None,
        catalogue=catalogue,
        more=_counts(training_file, validation, catalogue, made),
    )
    found: TrainingAnswer = KIND.answer(question, catalogue, read)

    def draw(console: "Console") -> None:
        from breakeven.surfaces.render.tables import draw

        draw(found, console)

    show(found, draw, format_, output)
    if strict:
        _refuse(found)


def _predict(
    rows: Path,
    out: Path | None,
    fields: Mapping[str, Any],
    training_file: Path | None,
    from_log: tuple[str, ...],
    catalogue: Catalogue,
    *,
    force: bool,
) -> None:
    """Predicted speeds beside the runs of a table, and how many rows got one."""
    from breakeven.compute.predict_training import predict_training
    from breakeven.training_files.from_log import refuse_existing

    if fields or training_file is not None or from_log:
        raise InputError("--predict takes a table of runs and --out alone", "predict")
    if out is None:
        raise InputError("--predict needs --out FILE, the table to write", "out")
    refuse_existing([("--out", out)], force=force)
    count = predict_training(rows, out, catalogue)
    print(f"{count.rows:,} rows = {count.predicted:,} predicted + {count.unpredicted:,} not predicted, in {out}")


def _counts(file: Path | None, validation: Path | None, catalogue: Catalogue, made: Mapping[str, Any]) -> More:
    """The fields that hold what was counted in the files."""

    def fields(given: dict[str, Any], log: "LogRead | None") -> tuple[dict[str, Any], dict[str, str]]:
        if file is None:
            if validation is not None:
                raise InputError("--validation needs a training file: breakeven training FILE --validation FILE")
            return {}, {}
        from breakeven.training_files.checks import read_training_file

        held = None if _is_empty(validation) else validation
        vocabularies = wanted_vocabularies(catalogue, given.get("model"), given.get("offer"))
        read = read_training_file(file, around(catalogue), held, vocabularies)
        values, words = counted_fields(*read)
        return values | dict(made), words | dict.fromkeys(made, "your log")

    return fields


def _is_empty(file: Path | None) -> bool:
    """Whether a validation file was written without an example."""
    return file is not None and file.is_file() and file.stat().st_size == 0


def _refuse(found: TrainingAnswer) -> None:
    """Raise InputError where a file is not fit to be trained on as it is."""
    wrong = []
    if found.lines.invalid_lines:
        wrong.append(f"{found.lines.invalid_lines:,} lines cannot be trained on")
    if found.leaks is not None and found.leaks.examples.count:
        wrong.append(f"{found.leaks.examples.count:,} lines of the validation file are in the training file")
    if wrong:
        raise InputError(f"--strict: {'; '.join(wrong)}", "strict")


command = with_flags(TrainingQuestion, training)
