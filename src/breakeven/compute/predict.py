"""A table of serving runs with the predicted output tokens per second of each row beside it."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from breakeven.catalogue.constants import ServingFit
from breakeven.catalogue.load import Catalogue
from breakeven.compute import equations
from breakeven.compute.layout import case_of
from breakeven.compute.rows import NEEDED, Run, run_of
from breakeven.compute.serving import served, too_large, unknown_shape, why_not
from breakeven.errors import InputError
from breakeven.files import whole_file

ADDED = ("predicted_output_tok_s", "predicted_low", "predicted_high", "predicted_note")


class Predicted(NamedTuple):
    """Rows in the file, and how many of them could be predicted; the others carry a note."""

    rows: int
    predicted: int


def predict_serving(rows_path: Path | str, out_path: Path | str, catalogue: Catalogue) -> Predicted:
    """
    Copy a CSV file of serving runs with four columns added: prediction, its band, and a note.

    Columns as in benchmarks/data/serving_runs.csv.gz; ``rows.NEEDED`` must be there, other cells may be blank or
    missing and take the defaults in docs/serving-model.md. Columns of measured values are never read. Rows keep their
    order, number and other columns; a row that cannot be predicted gets an empty prediction and a note saying why.

    Raises
    ------
    InputError
        The file cannot be read as CSV, or lacks a needed column.
    BreakevenError
        ``out_path`` cannot be written; it is then as it was.
    """
    path = Path(rows_path)
    names, rows = read_table(path)
    fit = catalogue.compute.serving
    answers = [predict_row(row, catalogue, fit) for row in rows]
    with whole_file(Path(out_path), "--out") as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        kept = [name for name in names if name not in ADDED]
        writer.writerow([*kept, *ADDED])
        for row, answer in zip(rows, answers, strict=True):
            writer.writerow([*(row[name] for name in kept), *answer])
    return Predicted(len(rows), sum(bool(answer[0]) for answer in answers))


def read_table(path: Path, needed: Sequence[str] = NEEDED) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows of a CSV file. Raises InputError where it is none, or a needed column is missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"{path}: cannot be read: {reason}; give a CSV file with a header") from None
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""))
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV: {error}") from None
    names = [name.strip() for name in lines[0]] if lines else []
    lacking = [name for name in needed if name not in names]
    if lacking:
        raise InputError(f"{path}: no column {', '.join(lacking)}; needed are {', '.join(needed)} in the first line")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column {', '.join(twice)} stands twice in the first line")
    rows = []
    for number, line in enumerate(lines[1:], start=1):
        if len(line) > len(names):
            raise InputError(f"{path}, row {number}: {len(line)} cells under {len(names)} column names")
        rows.append(dict(zip(names, [*line, *[""] * (len(names) - len(line))], strict=True)))
    return names, rows


def predict_row(row: Mapping[str, str], catalogue: Catalogue, fit: ServingFit) -> tuple[str, str, str, str]:
    """The four added cells of a row."""
    try:
        run = run_of(row, catalogue)
    except InputError as error:
        return "", "", "", str(error)
    fault = unknown_shape(run.server.model) or too_large(run.server, fit.constants)
    if fault:
        return "", "", "", fault
    low, middle, high, notes = predict_run(run, fit)
    return f"{middle:.4g}", f"{low:.4g}", f"{high:.4g}", "; ".join(notes)


def predict_run(run: Run, fit: ServingFit) -> tuple[float, float, float, tuple[str, ...]]:
    """Low, middle and high output tokens/s of all replicas of a run, and notes."""
    concurrency = equations.offered(np.asarray(run.concurrency), np.asarray(run.requests), fit.constants)
    found = served(run.server, case_of(run.server, run.lengths), float(concurrency), fit)
    share = equations.drained(
        np.asarray(found.sequences), np.asarray(run.requests), np.asarray(float(run.uneven)), fit.constants
    )
    factor = run.replicas * float(share)
    odd = why_not(run.server, fit)
    return (
        factor * found.low_output_tokens_s,
        factor * found.output_tokens_s,
        factor * found.high_output_tokens_s,
        (*run.notes, *([odd] if odd else []), *found.warnings),
    )
