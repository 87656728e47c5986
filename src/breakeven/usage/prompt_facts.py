"""What the prompts of each task say about it: how alike they are, what they ask for, retries, repeats, judging."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from breakeven.usage.calls import ALL_TASKS, GATEWAY_CACHE
from breakeven.usage.cube import task_name
from breakeven.usage.prefix import MOST, Shared, shared_beginnings

NAMED = f"(SELECT * REPLACE (coalesce(nullif(trim(task), ''), '{ALL_TASKS}') AS task) FROM log)"
"""The log with tasks as they are shown."""

RETRY_US = 600_000_000
"""The same prompt within this time after a failure is a retry of it. [us]"""


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """
    Of one task, whatever its models. Shares are None where the log does not hold what they are of.

    prompts : calls whose prompt is in the log.
    prefix_share : of the prompt characters, a beginning shared with another call; see ``prefix.py``. [1]
    template_share : of the prompt characters, tool definitions included, those alike in half of the calls or more: the
        longest common beginning at a power of two, or the system prompt where it is longer, and the tool definitions.
        A lower bound. [1]
    first_chars, first_is_system : length of the commonest system prompt, or first message, if most calls have it, and
        whether it is known to be the former; None otherwise. [characters]
    first_share : of the calls, with that very one. [1]
    tools : tool definitions of most calls, None where it differs from call to call.
    json_share : of the calls, that asked for JSON. [1]
    retry_share : of the calls with a prompt, made within ten minutes after the same prompt failed. [1]
    repeat_share : of the calls with a prompt, that repeat an earlier one exactly and are no retries; answers from a
        gateway's cache do not count. [1]
    judge_share : of the calls, whose prompt asks to judge another answer. [1]
    """

    prompts: int
    prefix_share: float | None
    template_share: float | None
    first_chars: int | None
    first_is_system: bool
    first_share: float | None
    tools: int | None
    json_share: float | None
    retry_share: float | None
    repeat_share: float | None
    judge_share: float | None


def prompt_facts(engine: duckdb.DuckDBPyConnection) -> dict[str, PromptFacts]:
    """
    The facts of each task of the view ``log`` that has any.

    Parameters
    ----------
    engine : connection
        With the view ``log``; prompts are there as hashes, lengths and yes or no only.
    """
    good = f"FROM {NAMED} WHERE NOT faulty AND ok"
    sums = _by_task(
        engine,
        f"SELECT task, count(*), count(prompt_chars), sum(prompt_chars), sum(tools_chars), sum(json_output),"
        f" count(json_output), sum(judge_like), count(judge_like) {good} GROUP BY task",
    )
    firsts = _by_task(engine, _commonest("first_hash", "first_chars", "first_is_system", good))
    tools = _by_task(engine, _commonest("coalesce(tools_hash, 0)", "tools", "tools_chars", good))
    again = _by_task(engine, _AGAIN)
    beginnings = shared_beginnings(engine)
    found = {}
    for task, (calls, prompts, chars, tools_chars, json, formats, judged, judgeable) in sums.items():
        if not (prompts or task in firsts):
            continue
        first_calls, first_chars, is_system = firsts.get(task, (0, None, None))
        alike = first_calls >= MOST * calls
        tool_calls, count, each = tools[task]
        known = tool_calls >= MOST * calls
        shared = beginnings.get(task)
        repeats = again.get(task, (0, 0, 0))
        found[task] = PromptFacts(
            prompts=prompts,
            prefix_share=shared.share if shared else None,
            template_share=_template_share(
                shared,
                first_calls * first_chars if alike else 0,
                tool_calls * (each or 0) if known else 0,
                (chars or 0) + (tools_chars or 0),
            ),
            first_chars=first_chars if alike else None,
            first_is_system=bool(is_system) and alike,
            first_share=first_calls / calls if task in firsts else None,
            tools=(count or 0) if known else None,
            json_share=json / formats if formats else None,
            retry_share=repeats[1] / repeats[0] if repeats[0] else None,
            repeat_share=repeats[2] / repeats[0] if repeats[0] else None,
            judge_share=judged / judgeable if judgeable else None,
        )
    return found


_AGAIN = f"""
SELECT task, sum(calls), sum(CASE WHEN retry THEN calls ELSE 0 END),
    sum(CASE WHEN nth > 1 AND NOT retry AND asked THEN calls ELSE 0 END)
FROM (
    SELECT task, calls, service_tier IS DISTINCT FROM '{GATEWAY_CACHE}' AS asked, row_number() OVER earlier AS nth,
        coalesce(NOT lag(ok) OVER earlier AND at_us - lag(at_us) OVER earlier <= {RETRY_US}, false) AS retry
    FROM {NAMED} WHERE NOT faulty AND prompt_hash IS NOT NULL
    WINDOW earlier AS (PARTITION BY task, prompt_hash, tools_hash ORDER BY at_us, file, line)
) GROUP BY task"""


def _commonest(key: str, one: str, other: str, good: str) -> str:
    """Query of how many calls of a task have its commonest key, and two columns of those calls."""
    return (
        f"SELECT task, max(calls), arg_max(one, calls), arg_max(other, calls) FROM (SELECT task, {key} AS key,"
        f" count(*) AS calls, coalesce(max({one}), 0) AS one, coalesce(max({other}), 0) AS other {good}"
        f" AND {key} IS NOT NULL GROUP BY task, key ORDER BY calls DESC, key) GROUP BY task"
    )


def _by_task(engine: duckdb.DuckDBPyConnection, query: str) -> Mapping[str, tuple[Any, ...]]:
    """Rows of a query by task, as whole numbers; a task whose names differ by blanks has the row of the first."""
    found: dict[str, tuple[Any, ...]] = {}
    for task, *values in engine.execute(query).fetchall():
        found.setdefault(task_name(task), tuple(None if value is None else int(value) for value in values))
    return found


def _template_share(shared: Shared | None, first: int, tools: int, characters: int) -> float | None:
    """Share of the characters of a task that lies in its template; None without prompts. [1]"""
    if shared is None or not characters:
        return None
    return (max(shared.template_chars, first) + tools) / characters
