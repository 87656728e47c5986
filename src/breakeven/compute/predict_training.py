"""A table of fine-tuning runs, with the speed that each row should have reached beside what it says."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.compute.predict import read_table
from breakeven.compute.training_rows import run_of
from breakeven.compute.tuning import tokens_s
from breakeven.errors import InputError
from breakeven.files import whole_file

ADDED = (
    *("predicted_tokens_per_s", "predicted_low", "predicted_high"),
    *("predicted_tokens_per_s_per_gpu", "predicted_hours", "predicted_note"),
)
"""Columns that are added; those of an earlier prediction are replaced."""

NEEDED = ("gpu", "method")
"""Columns without which no row can be predicted."""


class Count(NamedTuple):
    """Rows of the file: ``rows = predicted + unpredicted``."""

    rows: int
    predicted: int
    unpredicted: int


def predict_row(row: Mapping[str, str], catalogue: Catalogue) -> dict[str, str]:
    """
    The added cells of one row: numbers to four digits, blank where it cannot be predicted; the note says why.

    ``predicted_low`` and ``predicted_high`` bound ``predicted_tokens_per_s``, all GPUs together. Speeds of rows whose
    ``metric_basis`` counts the whole run include start-up and evaluation, as hours always do.
    """
    blank = dict.fromkeys(ADDED, "")
    constants = catalogue.compute.training
    try:
        run = run_of(row, catalogue)
        speed = tokens_s(run.job, constants)
    except InputError as error:
        return blank | {"predicted_note": f"not predicted: {error}"}
    overhead = 1 + float(constants.figures.overhead.value)
    shown = [each / overhead if run.wall_clock else each for each in speed]
    taken = "" if run.train_tokens is None else f"{run.train_tokens * overhead / speed.middle / 3600:.4g}"
    numbers = (shown[1], shown[0], shown[2], shown[1] / run.job.gpus)
    cells = (*(f"{number:.4g}" if number < 1e4 else f"{number:.0f}" for number in numbers), taken)
    return dict(zip(ADDED, (*cells, "; ".join(("estimated", *run.notes))), strict=True))


def predict_training(rows_path: Path | str, out_path: Path | str, catalogue: Catalogue) -> Count:
    """
    Copy a table and add predicted speeds. Rows, their order and their cells stay as they are.

    Parameters
    ----------
    rows_path : path
        CSV with a header; columns as in ``benchmarks/data/training_runs.csv``. Only those in ``training_rows.READ``
        are read: never a measured speed, time or cost.
    out_path : path
        Written whole or not at all.

    Raises
    ------
    InputError
        The file cannot be read, is no CSV with the needed columns, or a row has more cells than the header.
    BreakevenError
        The copy cannot be written.
    """
    names, rows = read_table(Path(rows_path), NEEDED)
    answers = [predict_row(row, catalogue) for row in rows]
    kept = [name for name in names if name not in ADDED]
    with whole_file(Path(out_path), "--out") as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*kept, *ADDED])
        for row, answer in zip(rows, answers, strict=True):
            writer.writerow([*(row[name] for name in kept), *answer.values()])
    predicted = sum(bool(answer["predicted_tokens_per_s"]) for answer in answers)
    return Count(len(rows), predicted, len(rows) - predicted)
