"""``breakeven finetune --from-log``: the workload fields of a question from a log."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.questions.kind import FromUsage
from breakeven.questions.logs import choose, workload_fields
from breakeven.surfaces.cli.progress import reading
from breakeven.usage import TaskProfile, read_usage
from breakeven.usage.task_names import read_task_names

PRESETS = ("classification", "extraction", "generation")
"""Values of the field ``task``; ``--task`` names one of them, or a task of the log."""


@dataclass(frozen=True)
class LogRead:
    """
    The task of a log that fields were taken from.

    task_by, names : how tasks got their names: the field, and the file of the user's own.
    """

    files: tuple[str, ...]
    task_by: str | None
    names: Path | None
    profile: TaskProfile


def fields_from_log(
    files: tuple[str, ...],
    log_task: str | None,
    task_by: str | None,
    flags: dict[str, Any],
    catalogue: Catalogue,
    as_of: dt.date,
    names: Path | None,
    from_usage: FromUsage | None = None,
    billing_zone: str | None = None,
) -> tuple[dict[str, Any], dict[str, str], LogRead | None]:
    """
    The fields a log fills, where each came from, and the task they were taken from, None where it is the whole log.

    ``--task`` names a task of the log if the log has one of that name, and is then taken out of ``flags``; otherwise
    it stays what it is elsewhere, a kind of task. With ``from_usage`` the whole log is read by it instead.

    Raises InputError for a task that the log does not have, and for ``--log-task`` where every task is read.
    """
    with reading() as watch:
        usage = read_usage(
            files,
            table=catalogue.prices,
            as_of=as_of,
            task_by=task_by,
            tasks=read_task_names(names) if names else None,
            billing_zone=billing_zone,
            watch=watch,
        )
    if from_usage is not None:
        if log_task is not None:
            raise InputError("--log-task: this question reads every task of a log", "log_task")
        return *from_usage(usage, catalogue, flags), None
    tasks = {profile.task for profile in usage.profiles}
    if log_task is None and (flags.get("task") in tasks or ("task" in flags and flags["task"] not in PRESETS)):
        log_task = flags.pop("task")
    profile = choose(usage, log_task, flags.get("model"))
    fields, origins, _ = workload_fields(profile, catalogue)
    if len(usage.profiles) > 1:
        chosen = f"task {profile.task!r} on {profile.model}, the dearest of {len(usage.profiles)}"
        origins["model"] = f"your log: {chosen if log_task is None else f'task {profile.task!r} on {profile.model}'}"
    return fields, origins, LogRead(files, task_by, names, profile)
