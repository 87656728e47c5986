"""``breakeven route --evaluation``: the rows of an evaluation table."""

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.surfaces.cli.fields import More

if TYPE_CHECKING:
    from breakeven.surfaces.cli.from_log import LogRead

FILE_HELP = "Evaluation table: CSV, JSON lines or Parquet."
COLUMNS_HELP = "Column of the table, NAME=COLUMN, e.g. score=correct or score:gpt-5=gpt5_ok; several times."
WHERE_HELP = "Only rows with these values, COLUMN=VALUE,VALUE; several times."


def _option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


OPTIONS = (
    _option("evaluation", None, Annotated[Path | None, Parameter(help=FILE_HELP)]),
    _option("eval_columns", (), Annotated[tuple[str, ...], Parameter(help=COLUMNS_HELP, negative="")]),
    _option("eval_where", (), Annotated[tuple[str, ...], Parameter(help=WHERE_HELP, negative="")]),
)


def more(options: dict[str, Any], catalogue: Catalogue) -> More:
    """The fields ``evaluation`` and ``evaluation_left_out``, from an evaluation table where one was given."""

    def fields(given: dict[str, Any], log: "LogRead | None") -> tuple[dict[str, Any], dict[str, str]]:
        file: Path | None = options.get("evaluation")
        columns, where = options.get("eval_columns") or (), options.get("eval_where") or ()
        if file is None:
            if columns or where:
                raise InputError("--eval-columns and --eval-where need --evaluation", "evaluation")
            return {}, {}
        from breakeven.usage.evaluation import read_evaluation

        kept = {column: values.split(",") for column, values in _pairs("--eval-where", where).items()}
        table = read_evaluation(file, _pairs("--eval-columns", columns), kept)
        left_out = [{"reason": reason, "rows": rows} for reason, rows in table.left_out.items()]
        words = "; ".join([f"read from {file.name}", *table.notes])
        return (
            {"evaluation": table.rows, "evaluation_left_out": left_out},
            {"evaluation": words, "evaluation_left_out": words},
        )

    return fields


def _pairs(flag: str, texts: tuple[str, ...]) -> dict[str, str]:
    """``NAME=COLUMN`` texts as a mapping. Raises InputError for a text without both."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, column = text.partition("=")
        if not (name.strip() and equals and column.strip()):
            raise InputError(f"{flag} {text}: write it as NAME=COLUMN", "evaluation")
        found[name.strip()] = column.strip()
    return found
