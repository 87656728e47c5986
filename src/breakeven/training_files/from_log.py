"""
A training file made of one task of a log: what was asked and what was answered, once each, split by time.

Texts are held in the memory of this process; they are written to the files that the user names, and nowhere else.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from breakeven.errors import InputError
from breakeven.files import whole_file
from breakeven.training_files.checks import read_line
from breakeven.training_files.conversion import chat_line
from breakeven.training_files.example import InvalidLineError
from breakeven.training_files.repeats import Digest, digest_of
from breakeven.usage.cube_file import is_cube
from breakeven.usage.inputs import LogFile, find_logs
from breakeven.usage.naming import name_tasks
from breakeven.usage.readers import table
from breakeven.usage.recount import of_model, one_call
from breakeven.usage.said import Wanted, texts_of, want
from breakeven.usage.scan import open_engine, scan_files
from breakeven.usage.task_names import TaskNames
from breakeven.usage.tokens import Vocabulary, counter

FAILED = "the call failed"
NO_SCORE = "no score"
LOW_SCORE = "its score is below the least"
UNSEEN = "the log holds no texts of it, or does not tell it from others"
REPEATED = "it repeats another call"
LEAKED = "its prompt is in the training file too"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What is taken from a log.

    task, model : as in a ``TaskProfile``; model None takes every model of the task.
    score_by : field of a row that holds a score or yes or no. min_score : calls below it are left out, and those
        without a score. keep_failed : whether calls that failed are taken.
    validation_share : of the examples, the latest of them.
    """

    task: str
    model: str | None = None
    score_by: str = ""
    min_score: float | None = None
    keep_failed: bool = False
    validation_share: float = 0.0


class Made(NamedTuple):
    """One example: its line of the file, hashes, when it was, the logged output tokens and those of its answer."""

    line: str
    digest: Digest
    at_us: int | None
    logged_tokens: int
    counted_tokens: int | None


@dataclass
class Built:
    """
    Examples made of a log: ``calls == len(train) + len(validation) + sum(dropped.values())``, always.

    logged_tokens : output tokens of every call of the task that succeeded, as logged, reasoning included. [tokens]
    """

    calls: int
    train: list[Made] = field(default_factory=list)
    validation: list[Made] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    logged_tokens: list[int] = field(default_factory=list)
    undated: int = 0


def build(
    files: Sequence[str | Path | LogFile],
    plan: Plan,
    vocabulary: Vocabulary | None,
    *,
    task_by: str | None = None,
    tasks: TaskNames | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Built:
    """
    Make examples of the calls of a task.

    Parameters
    ----------
    vocabulary : str, optional
        In which answers are counted, None not to count them.
    task_by, tasks, reader, columns
        As ``read_usage``.

    Raises
    ------
    InputError
        ``vocabulary`` is given, and the package that counts is missing.
    LogError
        As ``read_usage``.
    """
    count = counter(vocabulary) if vocabulary else None
    kept = {"at_us": "at_us", "ok": "ok", "made": "output_tokens"}
    named = Wanted(table.READER.name if columns else reader, columns, tuple(kept), plan.score_by)
    with open_engine() as engine:
        logs = find_logs(files)
        sums = next((log for log in logs if is_cube(engine, log)), None)
        if sums is not None:
            raise InputError(f"{sums.name}: is a cube, which holds sums and no text; give the log it was made of")
        found = scan_files(engine, logs, task_by=task_by, reader=reader, columns=columns, find_keys=True)
        name_tasks(found, task_by, tasks)
        where = one_call(plan.task) + (f" AND {of_model(plan.model)}" if plan.model is not None else "")
        built = Built(want(found, where, kept))
        skipped = {each.file for each in found.skipped}
        examples: list[Made] = []
        seen = 0
        for row in texts_of(engine, [log for log in logs if log.name not in skipped], named):
            seen += 1
            asked, answered, *rest = row
            score = rest.pop(0) if plan.score_by else None
            _take(plan, built, examples, (asked, answered, score), rest, count)
    built.dropped[UNSEEN] += built.calls - seen
    _split(built, examples, plan.validation_share)
    built.dropped = Counter({reason: calls for reason, calls in built.dropped.items() if calls})
    return built


def _take(
    plan: Plan, built: Built, examples: list[Made], said: tuple[Any, Any, Any], rest: list[Any], count: Any
) -> None:
    """One call: an example, or the reason why it is none."""
    asked, answered, score = said
    at_us, ok, made = rest
    if ok:
        built.logged_tokens.append(int(made or 0))
    reason = _refusal(plan, bool(ok), score)
    if reason:
        built.dropped[reason] += 1
        return
    try:
        line = json.dumps(chat_line(asked, answered), ensure_ascii=False)
        _, example = read_line(line)
    except (InvalidLineError, UnicodeError) as error:
        built.dropped[str(error) if isinstance(error, InvalidLineError) else "not valid Unicode"] += 1
        return
    counted = None if count is None else sum(map(count, example.turns[-1].texts))
    examples.append(Made(line, digest_of(example), at_us, int(made or 0), counted))


def _refusal(plan: Plan, ok: bool, score: Any) -> str:
    """Why a call is not taken, "" where it is."""
    if not ok and not plan.keep_failed:
        return FAILED
    if plan.min_score is None:
        return ""
    number = number_of(score)
    if number is None:
        return NO_SCORE
    return LOW_SCORE if number < plan.min_score else ""


def number_of(score: Any) -> float | None:
    """A score as a number: yes and true are 1, no and false 0; None for what is none."""
    text = str(score).strip().strip('"').lower() if score is not None else ""
    if text in ("true", "yes", "pass", "passed"):
        return 1.0
    if text in ("false", "no", "fail", "failed"):
        return 0.0
    try:
        return float(text)
    except ValueError:
        return None


def _split(built: Built, examples: list[Made], share: float) -> None:
    """Each example once, the latest share for validation; none of it with a prompt that is trained on."""
    once: dict[bytes, Made] = {}
    for each in examples:
        before = once.get(each.digest.whole)
        if before is None or _when(each) < _when(before):
            once[each.digest.whole] = each
    built.dropped[REPEATED] += len(examples) - len(once)
    ordered = sorted(once.values(), key=lambda each: (_when(each), each.line))
    built.undated = sum(each.at_us is None for each in ordered)
    first = len(ordered) - round(len(ordered) * share)
    built.train = ordered[:first]
    prompts = {each.digest.prompt for each in built.train}
    built.validation = [each for each in ordered[first:] if each.digest.prompt not in prompts]
    built.dropped[LEAKED] += len(ordered) - first - len(built.validation)


def _when(made: Made) -> int:
    return -1 if made.at_us is None else made.at_us


def write(built: Built, out: Path, validation_out: Path | None, *, force: bool) -> None:
    """
    Write the examples, each file whole or not at all.

    Raises InputError for a file that is there already, unless ``force``d; BreakevenError where one cannot be written.
    """
    places = [("--out", out, built.train)]
    if validation_out is not None:
        places.append(("--validation-out", validation_out, built.validation))
    refuse_existing([(flag, file) for flag, file, _ in places], force=force)
    with ExitStack() as stack:
        for flag, file, examples in places:
            part = stack.enter_context(whole_file(file, flag))
            with part.open("w", encoding="utf-8", newline="\n") as handle:
                handle.writelines(f"{each.line}\n" for each in examples)


def refuse_existing(places: Sequence[tuple[str, Path]], *, force: bool) -> None:
    """Raise InputError where a file to be written is a folder, is named twice, or is there already."""
    names = [file.absolute() for _, file in places]
    if len(set(names)) < len(names):
        raise InputError("--out and --validation-out name the same file")
    for flag, file in places:
        if file.is_dir() or not file.absolute().parent.is_dir():
            raise InputError(f"{flag} {file}: its folder does not exist, or it is a folder itself")
        if file.exists() and not force:
            raise InputError(f"{flag} {file}: is there already; write to another, or give --force to replace it")
