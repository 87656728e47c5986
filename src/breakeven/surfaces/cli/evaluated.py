"""``breakeven optimize --evaluation``: scores of models from an evaluation table."""

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.surfaces.cli.fields import More

if TYPE_CHECKING:
    from breakeven.surfaces.cli.from_log import LogRead

HELP = "Evaluation table (CSV, JSON lines or Parquet): its mean score per model is used in place of scores."

OPTIONS = (
    inspect.Parameter(
        "evaluation",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[Path | None, Parameter(help=HELP)],
    ),
)


def more(options: dict[str, Any], catalogue: Catalogue) -> More:
    """The field ``scores``: the mean score of each model of an evaluation table, where one was given."""

    def fields(given: dict[str, Any], log: "LogRead | None") -> tuple[dict[str, Any], dict[str, str]]:
        file: Path | None = options.get("evaluation")
        if file is None:
            return {}, {}
        if given.get("scores"):
            raise InputError("Give either --evaluation or scores, not both", "scores")
        from breakeven.usage.evaluation import read_evaluation

        table = read_evaluation(file)
        by_model: dict[str, list[float]] = {}
        for row in table.rows:
            by_model.setdefault(row["model"], []).append(row["score"])
        scores = [{"model": name, "score": sum(each) / len(each)} for name, each in sorted(by_model.items())]
        left_out = "".join(f"; {rows:,} rows left out: {reason}" for reason, rows in table.left_out.items())
        return {"scores": scores}, {"scores": f"means of {len(table.rows):,} rows of {file.name}{left_out}"}

    return fields
