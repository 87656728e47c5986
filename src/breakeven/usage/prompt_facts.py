"""What the prompts of each task say about it: how alike they are, what they ask for, retries, repeats, judging."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from breakeven.usage.alike import Alike, Common, added_alike, template
from breakeven.usage.calls import ALL_TASKS, GATEWAY_CACHE
from breakeven.usage.cells import task_name
from breakeven.usage.prefix import shared_beginnings

NAMED = f"(SELECT * REPLACE (coalesce(nullif(trim(task), ''), '{ALL_TASKS}') AS task) FROM log)"
"""The log with tasks as they are shown."""

RETRY_US = 600_000_000
"""The same prompt within this time after a failure is a retry of it. [us]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFacts:
    """
    Of one task, whatever its models, as whole numbers and hashes. Shares of them are None where the log does not hold
    what they are of.

    calls : that succeeded.
    prompts : those of them whose prompt is in the log.
    characters, tools_characters : of these prompts; of the tool definitions with them. [characters]
    shared_characters : a beginning shared with another call; see ``prefix.py``. [characters]
    template_characters : those alike in half of the calls or more: the longest common beginning at a power of two, or
        the system prompt where it is longer, and the tool definitions. A lower bound; None where cubes were added up
        that do not say whether anything is the same in all. [characters]
    first_calls : calls with the commonest system prompt, or first message; None where the log holds none of them, or as
        above.
    first_chars, first_is_system : its length, if most calls have it, and whether it is known to be the former; None
        otherwise. [characters]
    tools : tool definitions of most calls, None where that differs from call to call.
    formats, json_calls : calls that say which format they want, and those of them that want JSON.
    asked, retries, repeats : calls with a prompt, failed ones too; those made within ten minutes after the same prompt
        failed; those that repeat an earlier one exactly and are no retries, answers from a gateway's cache left out.
    judgeable, judging : calls whose prompt may tell whether it asks to judge another answer, and those whose does.
    alike : what the numbers from ``template_characters`` to ``tools`` are told by, to be compared across cubes.
    """

    task: str
    calls: int
    prompts: int
    characters: int
    tools_characters: int
    shared_characters: int
    template_characters: int | None
    first_calls: int | None
    first_chars: int | None
    first_is_system: bool
    tools: int | None
    formats: int
    json_calls: int
    asked: int
    retries: int
    repeats: int
    judgeable: int
    judging: int
    alike: Alike | None = field(default=None, repr=False)

    @property
    def prefix_share(self) -> float | None:
        """Of the prompt characters, a beginning shared with another call. [1]"""
        return _share(self.shared_characters, self.characters)

    @property
    def template_share(self) -> float | None:
        """Of the characters of prompts and tool definitions, those in the template. [1]"""
        return _share(self.template_characters, self.characters + self.tools_characters) if self.characters else None

    @property
    def first_share(self) -> float | None:
        """Of the calls, those with the commonest system prompt or first message. [1]"""
        return _share(self.first_calls, self.calls)

    @property
    def json_share(self) -> float | None:
        """Of the calls that say which format they want, those that want JSON. [1]"""
        return _share(self.json_calls, self.formats)

    @property
    def retry_share(self) -> float | None:
        """Of the calls with a prompt, retries. [1]"""
        return _share(self.retries, self.asked)

    @property
    def repeat_share(self) -> float | None:
        """Of the calls with a prompt, exact repeats. [1]"""
        return _share(self.repeats, self.asked)

    @property
    def judge_share(self) -> float | None:
        """Of the calls whose prompt may tell, those that judge. [1]"""
        return _share(self.judging, self.judgeable)


ADDED = (
    "calls",
    "prompts",
    "characters",
    "tools_characters",
    "shared_characters",
    "formats",
    "json_calls",
    "asked",
    "retries",
    "repeats",
    "judgeable",
    "judging",
)
"""What of ``PromptFacts`` can be added up; ``shared_characters`` then leaves out what calls of two cubes share."""


def prompt_facts(engine: duckdb.DuckDBPyConnection) -> tuple[PromptFacts, ...]:
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
    tools = _by_task(engine, _commonest("coalesce(tools_hash, 0)", "tools_chars", "tools", good))
    again = _by_task(engine, _AGAIN)
    beginnings = shared_beginnings(engine)
    found = []
    for task, (calls, prompts, chars, tools_chars, json_calls, formats, judging, judgeable) in sorted(sums.items()):
        if not (prompts or task in firsts):
            continue
        begun = beginnings[task]
        alike = Alike(
            first=Common(*firsts[task]) if task in firsts else None,
            tools=Common(*tools[task]),
            beginnings=begun.commonest,
            engine=duckdb.__version__,
        )
        asked, retries, repeats = again.get(task, (0, 0, 0))
        found.append(
            PromptFacts(
                task=task,
                calls=calls,
                prompts=prompts,
                characters=chars or 0,
                tools_characters=tools_chars or 0,
                shared_characters=begun.shared,
                **template(alike, calls, prompts),
                formats=formats,
                json_calls=json_calls or 0,
                asked=asked,
                retries=retries,
                repeats=repeats,
                judgeable=judgeable,
                judging=judging or 0,
                alike=alike,
            )
        )
    return tuple(found)


def added_facts(parts: Iterable[PromptFacts]) -> tuple[PromptFacts, ...]:
    """Facts added up by task; what most calls of a task have alike is told as far as it can be."""
    groups: dict[str, list[PromptFacts]] = defaultdict(list)
    for each in parts:
        groups[each.task].append(each)
    return tuple(_added(groups[task]) for task in sorted(groups))


def _added(parts: Sequence[PromptFacts]) -> PromptFacts:
    if len(parts) == 1:
        return parts[0]
    sums = {name: sum(getattr(each, name) for each in parts) for name in ADDED}
    known = [(each.alike, each.calls, each.prompts) for each in parts if each.alike is not None]
    if len(known) == len(parts):
        alike, fields = added_alike(known)
        return replace(parts[0], **sums, **fields, alike=alike)
    unknown: dict[str, Any] = dict.fromkeys(("template_characters", "first_calls", "first_chars", "tools", "alike"))
    return replace(parts[0], first_is_system=False, **sums, **unknown)


def _share(part: int | None, whole: int) -> float | None:
    return None if part is None or not whole else part / whole


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
    """Query of the commonest key of each task, how many calls have it, and two columns of those calls."""
    return (
        "SELECT task, arg_max(key, calls), max(calls), arg_max(one, calls), arg_max(other, calls)"
        f" FROM (SELECT task, {key} AS key, count(*) AS calls, coalesce(max({one}), 0) AS one,"
        f" coalesce(max({other}), 0) AS other {good} AND {key} IS NOT NULL GROUP BY task, key"
        " ORDER BY calls DESC, key) GROUP BY task"
    )


def _by_task(engine: duckdb.DuckDBPyConnection, query: str) -> Mapping[str, tuple[Any, ...]]:
    """Rows of a query by task, as whole numbers; a task whose names differ by blanks has the row of the first."""
    found: dict[str, tuple[Any, ...]] = {}
    for task, *values in engine.execute(query).fetchall():
        found.setdefault(task_name(task), tuple(None if value is None else int(value) for value in values))
    return found
