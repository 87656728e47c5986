"""How much of a task's prompts is a beginning shared by several calls: what a provider's cache could hold."""

from collections import Counter

import duckdb

from breakeven.usage.calls import PREFIX_LENGTHS
from breakeven.usage.cells import task_name
from breakeven.usage.cube import Prefix


def shared_prefixes(engine: duckdb.DuckDBPyConnection) -> tuple[Prefix, ...]:
    """
    How many prompt characters other calls of the task begin with too, for each task with prompts.

    A call's shared prefix is the largest k of ``PREFIX_LENGTHS`` such that its prompt has k characters or more and
    another good call of the task begins with the same k; shared characters are the sum of these. What two calls share
    they share at every smaller k too, so the sum needs no join: at each k, add what k has over the k before, for each
    call that shares it. A lower bound, as lengths are powers of two.

    Parameters
    ----------
    engine : connection
        With the view ``log``; prompts are there as hashes and lengths only.
    """
    good = "FROM log WHERE NOT faulty AND ok"
    lengths: Counter[str] = Counter()
    shared: Counter[str] = Counter()
    for task, characters in engine.execute(f"SELECT task, sum(prompt_chars) {good} GROUP BY task").fetchall():
        lengths[task_name(task)] += int(characters or 0)
    before = 0
    for length in PREFIX_LENGTHS:
        column = f"prefix_{length}"
        found = engine.execute(
            f"SELECT task, sum(calls) FROM (SELECT task, {column}, count(*) AS calls {good} AND {column} IS NOT NULL"
            f" GROUP BY task, {column}) WHERE calls > 1 GROUP BY task"
        ).fetchall()
        if not found:
            break
        for task, calls in found:
            shared[task_name(task)] += int(calls) * (length - before)
        before = length
    return tuple(Prefix(task, characters, shared[task]) for task, characters in sorted(lengths.items()) if characters)
