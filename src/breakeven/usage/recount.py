"""
The texts of one task of a log, counted again in other vocabularies.

A log is read a second time, only for those rows that became calls of the task. Their texts are held a piece at a
time, counted, and dropped: what comes back are sums of integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from breakeven.usage.calls import ALL_TASKS, GATEWAY_CACHE, INPUT_BUCKETS
from breakeven.usage.fields import literal
from breakeven.usage.inputs import LogFile, find_logs
from breakeven.usage.naming import name_tasks
from breakeven.usage.prompt_file import Around
from breakeven.usage.readers import table
from breakeven.usage.said import Wanted, texts_of, want
from breakeven.usage.scan import Scan, open_engine, scan_files
from breakeven.usage.spoken import spoken
from breakeven.usage.task_names import TaskNames
from breakeven.usage.tokens import Vocabulary, counter

BLANKS = r"' ' || chr(9) || chr(10) || chr(13)"


@dataclass(frozen=True, slots=True)
class Side:
    """
    What was sent, or what came back.

    calls : calls with a text. logged_tokens : what the log says of them, without reasoning. [tokens]
    counted : vocabulary -> tokens of their texts; for what was sent, those around messages included. [tokens]
    """

    calls: int
    logged_tokens: int
    counted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Recount:
    """
    One task of a log on one model, counted again.

    calls : its calls that succeeded and were billed, with or without texts.
    left_out : kinds of content that are billed but are no text.
    """

    calls: int
    asked: Side
    answered: Side
    left_out: tuple[str, ...]


@dataclass
class _Sums:
    calls: int = 0
    logged: int = 0
    counted: dict[str, int] = field(default_factory=dict)

    def add(self, logged: int, counted: Mapping[str, int]) -> None:
        self.calls += 1
        self.logged += logged
        for name, tokens in counted.items():
            self.counted[name] = self.counted.get(name, 0) + tokens

    def side(self) -> Side:
        return Side(self.calls, self.logged, dict(self.counted))


def recount(
    files: Sequence[str | Path | LogFile],
    *,
    task: str,
    model: str | None,
    vocabularies: Sequence[Vocabulary],
    around: Around,
    task_by: str | None = None,
    tasks: TaskNames | None = None,
    reader: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Recount:
    """
    Count the prompts and answers of one task again.

    Parameters
    ----------
    task, model : str
        As in the ``TaskProfile`` that ``read_usage`` made of the same files, with the same ``task_by``, ``tasks``,
        ``reader`` and ``columns``.
    around : Around
        What a chat adds to its texts.

    Raises
    ------
    InputError
        The package that counts is missing.
    LogError
        As ``read_usage``.
    """
    counters = {vocabulary: counter(vocabulary) for vocabulary in vocabularies}
    asked, answered, left_out = _Sums(), _Sums(), set[str]()
    named = Wanted(table.READER.name if columns else reader, columns, ("given", "made"))
    with open_engine() as engine:
        logs = find_logs(files)
        found = scan_files(engine, logs, task_by=task_by, reader=reader, columns=columns, find_keys=True)
        name_tasks(found, task_by, tasks)
        calls = _want(found, task, model)
        skipped = {each.file for each in found.skipped}
        read = [log for log in logs if log.name not in skipped]
        for sent, came, given, made in texts_of(engine, read, named):
            prompt = spoken(sent)
            left_out |= prompt.left_out
            if prompt.texts:
                extra = around.tokens(prompt)
                asked.add(given, {name: sum(map(count, prompt.texts)) + extra for name, count in counters.items()})
            answer = spoken(came, roles=False)
            if answer.texts:
                answered.add(made, {name: sum(map(count, answer.texts)) for name, count in counters.items()})
    return Recount(calls, asked.side(), answered.side(), tuple(sorted(left_out)))


def _want(found: Scan, task: str, model: str | None) -> int:
    """
    Make the table ``wanted`` of those rows that are calls of a task: their counts; how many they are.

    A row that stands for several calls is left out, and a call that a gateway answered from what it had kept.
    """
    kept = {
        "given": " + ".join(INPUT_BUCKETS),
        "made": "output_tokens - coalesce(reasoning_tokens, 0)",
    }
    return want(found, f"ok AND {one_call(task)} AND {of_model(model)}", kept)


def one_call(task: str) -> str:
    """SQL: a row of the log is one call of a task that a provider answered."""
    return (
        f"NOT faulty AND calls = 1 AND service_tier IS DISTINCT FROM '{GATEWAY_CACHE}'"
        f" AND coalesce(nullif(trim(task, {BLANKS}), ''), '{ALL_TASKS}') = {literal(task)}"
    )


def of_model(model: str | None) -> str:
    """SQL: a row of the log is of a model, None for rows that name none."""
    return f"nullif(trim(model, {BLANKS}), '') " + ("IS NULL" if model is None else f"= {literal(model)}")
