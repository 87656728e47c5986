"""``breakeven training --from-log``: a training file made of one task of a log, and what was made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from breakeven.catalogue.families import exact_vocabulary, from_vocabulary
from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError, nearest
from breakeven.surfaces.cli.fields import column_pairs
from breakeven.surfaces.cli.progress import reading

if TYPE_CHECKING:
    from breakeven.training_files.from_log import Built
    from breakeven.usage import Usage

SHOWN_TASKS = 8


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to make of which log, as the command's options say it."""

    files: tuple[str, ...]
    task: str | None
    model: str | None
    task_by: str | None
    names: Path | None
    reader: str | None
    columns: tuple[str, ...]
    out: Path | None
    validation_out: Path | None
    validation_share: float
    score_by: str | None
    min_score: float | None
    keep_failed: bool
    force: bool


def build_file(order: Order, catalogue: Catalogue, as_of: Any) -> dict[str, Any]:
    """
    Make and write the files; returns the field ``built``.

    Raises InputError where an option is missing or wrong, before anything is read or written.
    """
    from breakeven.training_files.from_log import Plan, build, refuse_existing, write
    from breakeven.usage import read_usage
    from breakeven.usage.task_names import read_task_names
    from breakeven.usage.tokens import VOCABULARIES, is_installed

    out, share = _checked(order)
    places = [("--out", out), *([("--validation-out", order.validation_out)] if order.validation_out else [])]
    refuse_existing(cast(Any, places), force=order.force)
    names = read_task_names(order.names) if order.names else None
    options: Mapping[str, Any] = {
        "task_by": order.task_by,
        "tasks": names,
        "reader": order.reader,
        "columns": column_pairs(order.columns) or None,
    }
    with reading() as watch:
        usage = read_usage(order.files, table=catalogue.prices, as_of=as_of, watch=watch, **options)
        task, model = _chosen(usage, order)
        logged = model or next((each.model for each in usage.profiles if each.task == task), None) or ""
        own = exact_vocabulary(catalogue, logged) if logged else None
        vocabulary = (own or VOCABULARIES[0]) if is_installed() else None
        plan = Plan(
            task=task,
            model=model,
            score_by=order.score_by or "",
            min_score=order.min_score,
            keep_failed=order.keep_failed,
            validation_share=share,
        )
        built = build(order.files, plan, cast(Any, vocabulary), **options)
    if not built.train:
        raise InputError(f"--from-log: no call of task {task!r} can be trained on: {_reasons(built)}", "from_log")
    write(built, out, order.validation_out, force=order.force)
    return _field(built, plan, vocabulary, own is not None, logged, catalogue)


def _checked(order: Order) -> tuple[Path, float]:
    """Where to write, and the share of validation examples."""
    if order.out is None:
        raise InputError("--from-log needs --out FILE, the training file to write", "out")
    if not 0 <= order.validation_share < 1:
        raise InputError(
            f"--validation-share is {order.validation_share}; it must be at least 0 and below 1", "validation_share"
        )
    if (order.score_by is None) != (order.min_score is None):
        raise InputError("--score-by and --min-score come together: the field of a score, and the least to keep")
    return order.out, order.validation_share if order.validation_out is not None else 0.0


def _chosen(usage: "Usage", order: Order) -> tuple[str, str | None]:
    """The task and the model whose calls are taken."""
    tasks = list(dict.fromkeys(profile.task for profile in usage.profiles))
    task = order.task
    if task is None:
        if len(tasks) != 1:
            more = ", ..." if len(tasks) > SHOWN_TASKS else ""
            listed = ", ".join(tasks[:SHOWN_TASKS]) + more
            raise InputError(f"--from-log holds {len(tasks)} tasks; name one with --task: {listed}", "task")
        task = tasks[0]
    if task not in tasks:
        raise InputError(f"The log has no task {task!r}.{nearest(task, tasks)} See: breakeven logs", "task")
    models = [profile.model for profile in usage.profiles if profile.task == task]
    if order.model is None or order.model in models:
        return task, order.model
    close = nearest(order.model, [model for model in models if model])
    raise InputError(f"Task {task!r} has no calls of model {order.model!r}.{close}", "log_model")


def _reasons(built: "Built") -> str:
    return "; ".join(f"{calls:,}: {reason}" for reason, calls in built.dropped.most_common(5)) or "it has no calls"


def _field(
    built: "Built", plan: Any, vocabulary: str | None, is_own: bool, logged: str, catalogue: Catalogue
) -> dict[str, Any]:
    from breakeven.training_files.reduction import reduction

    end = int(catalogue.assume("chat_tokens_per_answer"))
    made = (*built.train, *built.validation)
    counted = [each.counted_tokens + end for each in made if each.counted_tokens is not None]
    output = None
    if vocabulary is not None:
        ratio = from_vocabulary(catalogue, vocabulary, logged or "unknown")
        found = reduction(built.logged_tokens, counted, (ratio.ratio, ratio.low, ratio.high))
        if found is not None:
            output = found._asdict() | {"counted_in": vocabulary, "exact": is_own}
    return {
        "task": plan.task,
        "model": plan.model,
        "calls": built.calls,
        "train": len(built.train),
        "validation": len(built.validation),
        "dropped": [{"what": reason, "count": calls} for reason, calls in built.dropped.most_common()],
        "undated": built.undated,
        "output": output,
    }
