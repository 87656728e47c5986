"""The name of each call's task: what the log calls it, what was found, and what the user makes of both."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from breakeven.usage.calls import ALL_TASKS, NO_TASK
from breakeven.usage.cells import task_name
from breakeven.usage.cube import FoundTask, from_log
from breakeven.usage.finding import find_tasks, replace_view
from breakeven.usage.scan import Scan
from breakeven.usage.task_names import TaskNames, renamed


@dataclass(frozen=True)
class Named:
    """
    Where the tasks of a log have their names from.

    otherwise : how a task was found that is not in ``ways``.
    ways : task -> how it was found, in the words of ``facts.TaskFacts.found_by``.
    members : task -> the found names that the user merged into it.
    chosen : found name -> the user's own, of the log and of what is read beside it.
    notes : what a user should know of it, in whole sentences.
    """

    otherwise: str
    ways: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def found(self, tasks: Iterable[str]) -> tuple[FoundTask, ...]:
        """Where the names of tasks are from, those from the log left out."""
        found = (FoundTask(task, self._way(task), tuple(self.members.get(task, (task,)))) for task in tasks)
        return tuple(each for each in found if each != from_log(each.task))

    def _way(self, task: str) -> str:
        return self.ways.get(task) or ("none" if task in (ALL_TASKS, NO_TASK) else self.otherwise)


def name_tasks(found: Scan, task_by: str | None, names: TaskNames | None, beside: Iterable[str] = ()) -> Named:
    """
    Name the tasks in the view ``log`` of a scan, if it has one.

    Parameters
    ----------
    task_by : str, optional
        The field that the user names the tasks by: nothing is searched for then.
    names : TaskNames, optional
        The user's own names.
    beside : iterable of str
        Tasks of cubes that are read beside the log, which the user may name too.

    Raises
    ------
    LogError
        The user's names do not fit the tasks.
    """
    engine = found.engine
    if not found.sources:
        return Named("log") if names is None else Named("log", {}, {}, *_chosen(names, beside, ()))
    by_hash = find_tasks(engine) if found.has_prompts and not task_by else {}
    otherwise = "field" if task_by else "log"
    if not (by_hash or names or any(found.keys.values())):
        return Named(otherwise)
    asked = "SELECT task, file, count(*) FROM log WHERE NOT faulty GROUP BY task, file"
    ways: dict[str, str] = {}
    keyed: Counter[str] = Counter()
    total = 0
    for text, file, rows in engine.execute(asked).fetchall():
        task, key = task_name(text), found.keys.get(found.sources[file].reader)
        total += rows
        if not (text or "").strip() or (task_by and task == NO_TASK):
            ways.setdefault(task, "none")
        elif key and task not in by_hash:
            ways[task] = "key"
            keyed[key] += rows
        else:
            ways[task] = by_hash.get(task, otherwise)
    notes = [
        f"tasks are named by the field {key.replace('>', '.')!r}, found in {rows / total:.0%} of the rows; another:"
        " --task-by"
        for key, rows in sorted(keyed.items())
    ]
    if any(task in by_hash for task in ways):
        notes.append(
            "tasks named prompt-... or tools-... were found by what their prompts have alike; name or merge them with"
            " --tasks, see docs/tasks.md"
        )
    if names is None:
        return Named(otherwise, ways, notes=tuple(notes))
    chosen, told = _chosen(names, {*ways, *beside}, notes)
    members: dict[str, list[str]] = defaultdict(list)
    for each in sorted(ways):
        members[chosen.get(each, each)].append(each)
    engine.execute("CREATE TEMP TABLE task_names (found VARCHAR, name VARCHAR)")
    engine.executemany("INSERT INTO task_names VALUES (?, ?)", list(chosen.items()))
    replace_view(
        engine,
        "SELECT log.* REPLACE (coalesce(n.name, log.task) AS task) FROM found_log AS log LEFT JOIN task_names n"
        f" ON coalesce(nullif(trim(log.task), ''), '{ALL_TASKS}') = n.found",
        "found_log",
    )
    final = {task: ways[task] if parts == [task] else "tasks file" for task, parts in members.items()}
    merged = {task: parts for task, parts in members.items() if parts != [task]}
    return Named(otherwise, final, merged, chosen, told)


def _chosen(names: TaskNames, tasks: Iterable[str], notes: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The user's names for tasks, and what to tell. Raises as ``renamed``."""
    chosen, unmatched = renamed(names, sorted(tasks))
    return chosen, (*notes, *unmatched)
