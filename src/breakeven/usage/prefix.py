"""How much of a task's prompts is shared: between any two calls, as a cache could hold, and between most of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from breakeven.usage.calls import PREFIX_LENGTHS
from breakeven.usage.cells import task_name

MOST = 0.5
"""What this share of a task's calls or more have alike is its template. [1]"""


@dataclass(frozen=True, slots=True)
class Shared:
    """
    The beginnings that prompts of one task share. Lower bounds, as they are compared at powers of two. [characters]

    shared : summed over its calls, a beginning that another call of the task has too.
    commonest : (hash, calls) of the commonest beginning at each length, as far as two calls share one.
    """

    shared: int
    commonest: tuple[tuple[int, int], ...]


def shared_beginnings(engine: duckdb.DuckDBPyConnection) -> Mapping[str, Shared]:
    """
    What prompts of each task begin with alike.

    A call's shared prefix is the largest k of ``PREFIX_LENGTHS`` such that its prompt has k characters or more and
    another good call of the task begins with the same k. What two calls share they share at every smaller k too, so
    the sum needs no join: at each k, add what k has over the k before, for each call that shares it.

    Parameters
    ----------
    engine : connection
        With the view ``log``; prompts are there as hashes and lengths only.
    """
    good = "FROM log WHERE NOT faulty AND ok"
    shared: Counter[str] = Counter()
    commonest: dict[str, list[tuple[int, int]]] = {}
    for (task,) in engine.execute(f"SELECT DISTINCT task {good}").fetchall():
        commonest[task_name(task)] = []
    before = 0
    for length in PREFIX_LENGTHS:
        column = f"prefix_{length}"
        found = engine.execute(
            f"SELECT task, sum(calls), max(calls), arg_max({column}, calls) FROM (SELECT task, {column}, count(*) AS"
            f" calls {good} AND {column} IS NOT NULL GROUP BY task, {column} ORDER BY calls DESC, {column})"
            f" WHERE calls > 1 GROUP BY task"
        ).fetchall()
        if not found:
            break
        named: dict[str, tuple[int, int]] = {}
        for task, calls, most, key in found:
            name = task_name(task)
            shared[name] += int(calls) * (length - before)
            named[name] = max(named.get(name, (0, 0)), (int(most), int(key)))
        for name, (most, key) in named.items():
            commonest[name].append((key, most))
        before = length
    return {task: Shared(shared[task], tuple(each)) for task, each in commonest.items()}
