"""
Evaluation tables: who scored what on which item, at which cost. CSV, TSV, JSON lines, a JSON array, or Parquet.

Columns are found by name, whatever its case, or named by the user:

==============  =======================================================================================
name            columns it is known by
==============  =======================================================================================
item            item, item_id, instance_id, canonical_id, question_id, example_id, id, prompt
task            task, task_type, category, subject, dataset
model           model, model_name, selected_model
score           score, correct, resolved, accuracy, quality, passed
cost_usd        cost_usd, cost, total_cost
input_tokens    input_tokens, prompt_tokens
output_tokens   output_tokens, completion_tokens
signal          signal, confidence, routing_score
==============  =======================================================================================

A table may hold several scores in a row: ``score:NAME``, ``cost_usd:NAME`` and so on name the column of one of them.
NAME is a model where the table has no column for models, otherwise a task. Such a row counts once per NAME.

Nothing is guessed: what cannot be read is left out with its reason, a cost that is missing stays unknown.
"""

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from breakeven.errors import LogError, nearest
from breakeven.usage.lines import open_log, readable

NAMES: dict[str, tuple[str, ...]] = {
    "item": ("item", "item_id", "instance_id", "canonical_id", "question_id", "example_id", "id", "prompt"),
    "task": ("task", "task_type", "category", "subject", "dataset"),
    "model": ("model", "model_name", "selected_model"),
    "score": ("score", "correct", "resolved", "accuracy", "quality", "passed"),
    "cost_usd": ("cost_usd", "cost", "total_cost"),
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "signal": ("signal", "confidence", "routing_score"),
}
"""Name to be used in ``columns`` -> the column names it is known by, first come first taken."""

MANY = ("score", "cost_usd", "input_tokens", "output_tokens", "signal")
"""Names of which a row may hold several, written ``name:NAME``."""

MAX_BYTES = 256 * 1024 * 1024
MAX_TEXT = 99
"""Longest name of an item, a task or a model that is kept; a longer one may be a prompt: a hash stands for it. [1]"""

NOTHING = {"", "n/a", "na", "nan", "none", "null", "-", "--", "?"}
TRUE = {"true", "yes", "y", "pass", "passed", "correct"}
FALSE = {"false", "no", "n", "fail", "failed", "incorrect", "wrong"}

NO_MODEL = "no model"
NO_SCORE = "no score"
NOT_A_SCORE = "its score is not a number"
OTHER_SCALE = "its score is not on the scale of the others, which are percentages"
FILTERED = "filtered out"
NOT_A_ROW = "not a row of the table"


@dataclass(frozen=True)
class Evaluation:
    """
    What a table holds: ``rows_in == len(rows) + sum(left_out.values())``, always.

    rows : one dictionary per score, with the names of ``NAMES`` that are known of it.
    left_out : reason -> rows.
    columns : name -> the file's own column it was read from.
    notes : what a reader should know of how it was read, in whole sentences.
    """

    name: str
    rows_in: int
    rows: list[dict[str, Any]]
    left_out: dict[str, int]
    columns: dict[str, str]
    notes: list[str] = field(default_factory=list)


def read_evaluation(
    file: Path, columns: Mapping[str, str] | None = None, where: Mapping[str, Sequence[str]] | None = None
) -> Evaluation:
    """
    Read an evaluation table.

    Parameters
    ----------
    columns : mapping, optional
        Name of ``NAMES``, or ``name:NAME``, -> the file's own column.
    where : mapping, optional
        Column of the file -> the values to keep; other rows are left out.

    Raises
    ------
    LogError
        The file is missing, damaged, empty or too large, or lacks a column it must have.
    """
    records, names = _records(file)
    chosen = _columns(names, columns or {}, file)
    for column in where or {}:
        if column not in names:
            raise LogError(f"{file.name}: has no column {column!r} to filter by.{nearest(column, names)}")
    parts = list(dict.fromkeys(name.partition(":")[2] for name in chosen if ":" in name)) or [""]
    named = "task" if "model" in chosen else "model"
    left_out: Counter[str] = Counter()
    found: list[dict[str, Any]] = []
    percent: list[bool | None] = []
    for record in records:
        if record is None:
            left_out[NOT_A_ROW] += len(parts)
            continue
        if any(_text(record.get(column)) not in kept for column, kept in (where or {}).items()):
            left_out[FILTERED] += len(parts)
            continue
        for part in parts:
            row, is_percent, reason = _row(record, chosen, part, named)
            if reason:
                left_out[reason] += 1
            else:
                found.append(row)
                percent.append(is_percent)
    if any(percent):
        kept = [
            is_percent is not False or abs(row["score"]) <= 1 for row, is_percent in zip(found, percent, strict=True)
        ]
        left_out[OTHER_SCALE] += kept.count(False)
        found = [row for row, keep in zip(found, kept, strict=True) if keep]
    rows_in = len(records) * len(parts)
    left = {reason: count for reason, count in left_out.most_common() if count}
    if not found:
        raise LogError(
            f"{file.name}: no row can be used: {'; '.join(f'{count:,} {reason}' for reason, count in left.items())}"
        )
    notes = ["scores written with a percent sign were divided by 100"] if any(percent) else []
    return Evaluation(file.name, rows_in, found, left, chosen, notes)


def _row(
    record: Mapping[str, Any], chosen: Mapping[str, str], part: str, named: str
) -> tuple[dict[str, Any], bool | None, str]:
    """One score of a record, whether it was written as a percentage, and why it is left out ("" if it is not)."""

    def value(name: str) -> Any:
        column = chosen.get(f"{name}:{part}" if part and f"{name}:{part}" in chosen else name)
        return None if column is None else record.get(column)

    row: dict[str, Any] = {name: _name(value(name)) for name in ("item", "task", "model") if value(name)}
    if part:
        row[named] = _name(part)
    row = {name: text for name, text in row.items() if text is not None}
    if "model" not in row:
        return row, None, NO_MODEL
    score, is_percent = number_of(value("score"), truth=True)
    if score is None:
        return row, None, NO_SCORE if _text(value("score")).lower() in NOTHING else NOT_A_SCORE
    row["score"] = score
    for name in MANY[1:]:
        amount, _ = number_of(value(name), truth=False)
        if amount is not None and (name == "signal" or amount >= 0):
            row[name] = amount
    return row, is_percent, ""


def number_of(value: Any, *, truth: bool) -> tuple[float | None, bool | None]:
    """
    A number from what a cell holds, and whether it was a percentage; None for what is no number.

    ``85%`` is 0.85, ``$1,234.5`` is 1234.5; with ``truth``, yes and no are 1 and 0. The second value is None for what
    has no scale of its own: truth.
    """
    if isinstance(value, bool):
        return (float(value), None) if truth else (None, None)
    if isinstance(value, int | float):
        return (float(value), False) if math.isfinite(value) else (None, None)
    text = _text(value)
    if truth and text.lower() in TRUE | FALSE:
        return float(text.lower() in TRUE), None
    is_percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%").removeprefix("$").replace(",", "").strip())
    except ValueError:
        return None, None
    if not math.isfinite(number):
        return None, None
    return (round(number / 100, 12), True) if is_percent else (number, False)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _name(value: Any) -> str | None:
    """A name as it is kept: a hash in place of a long one, None for none."""
    text = " ".join(_text(value).split())
    if not text or text.lower() in NOTHING:
        return None
    if len(text) <= MAX_TEXT:
        return text
    return f"text-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _columns(names: Sequence[str], own: Mapping[str, str], file: Path) -> dict[str, str]:
    """Name -> column of the file, the user's own before those that are found. Raises LogError."""
    for name, column in own.items():
        base = name.partition(":")[0]
        if base not in NAMES or (":" in name and base not in MANY):
            raise LogError(f"No column {name!r} to name.{nearest(base, NAMES)} Known: {', '.join(NAMES)}")
        if column not in names:
            raise LogError(f"{file.name}: has no column {column!r}.{nearest(column, names)}")
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    taken = set(own.values())
    found: dict[str, str] = {}
    for name, aliases in NAMES.items():
        known = [by_lower[each] for each in aliases if each in by_lower and by_lower[each] not in taken]
        if known:
            found[name] = known[0]
    chosen = found | dict(own)
    if any(name.startswith("score:") for name in own):
        chosen.pop("score", None)
    elif "score" not in chosen:
        raise LogError(
            f"{file.name}: no column for the score. Name it with --eval-columns score=COLUMN, see docs/route.md"
        )
    if "model" not in chosen and not any(name.startswith("score:") for name in own):
        raise LogError(
            f"{file.name}: no column for the model. Name it with --eval-columns model=COLUMN, or the scores of several"
            " models with --eval-columns score:MODEL=COLUMN, see docs/route.md"
        )
    return chosen


def _records(file: Path) -> tuple[list[dict[str, Any] | None], list[str]]:
    """The rows of a file as dictionaries, None for what is no row, and its columns."""
    with open_log(file) as handle, readable(file):
        data = handle.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LogError(f"{file.name}: larger than {MAX_BYTES // 2**20} MiB; an evaluation table is smaller")
    if data.startswith(b"PAR1"):
        return _parquet(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LogError(f"{file.name}: not UTF-8 text") from None
    start = text.lstrip()[:1]
    records = list(_json(text, file)) if start in ("{", "[") else list(_delimited(text, file))
    if not records:
        raise LogError(f"{file.name}: has no rows")
    names = list(dict.fromkeys(name for record in records if record for name in record))
    return records, names


def _json(text: str, file: Path) -> Iterator[dict[str, Any] | None]:
    """Rows of JSON lines, or of one array of objects."""
    if text.lstrip().startswith("["):
        try:
            values: Iterable[Any] = json.loads(text)
        except (ValueError, RecursionError):
            raise LogError(f"{file.name}: begins as a JSON array and is none") from None
        yield from (value if isinstance(value, dict) else None for value in values)
        return
    for line in text.splitlines():
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            yield value if isinstance(value, dict) else None


def _delimited(text: str, file: Path) -> Iterator[dict[str, Any] | None]:
    """Rows of a delimited text with a header line; fields may hold line breaks."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;", key=first.count)
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names: list[str] | None = None
        for record in reader:
            if not record:
                continue
            if names is None:
                names = [name.strip() for name in record]
            else:
                yield dict(zip(names, record, strict=True)) if len(record) == len(names) else None
    except csv.Error as error:
        raise LogError(f"{file.name}: line {reader.line_num} cannot be read: {error}") from None


def _parquet(file: Path) -> tuple[list[dict[str, Any] | None], list[str]]:
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as engine:
        try:
            found = engine.read_parquet(str(file))
            names = [str(name) for name in found.columns]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()], names
        except duckdb.Error as error:
            raise LogError(f"{file.name}: cannot be read as Parquet ({type(error).__name__})") from None
