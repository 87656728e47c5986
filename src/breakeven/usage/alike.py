"""
What most prompts of a task have alike, as hashes and counts: kept in a cube, so that cubes of one task can be compared.

The hash of a system prompt (or first message) and that of tool definitions are the same everywhere; those of beginnings
are the engine's own, and compared only where one version of it made both. None can be turned back into text.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from breakeven.usage.calls import PREFIX_LENGTHS
from breakeven.usage.prefix import MOST


@dataclass(frozen=True, slots=True)
class Common:
    """
    The commonest value among the calls of a task.

    key : its hash; 0 for no tool definitions.
    calls : at least so many calls have it.
    chars : its length. [characters]
    detail : whether it is known to be a system prompt, as 1 or 0; the number of tool definitions.
    """

    key: int
    calls: int
    chars: int
    detail: int


@dataclass(frozen=True, slots=True)
class Alike:
    """
    Of one task.

    first : system prompt, or first message; None where the log holds none.
    tools : tool definitions, none being one kind of them.
    beginnings : (hash, calls) of the commonest beginning at each of ``PREFIX_LENGTHS``, as far as two calls share one.
    engine : version of the engine that hashed these; "" where several did.
    """

    first: Common | None
    tools: Common | None
    beginnings: tuple[tuple[int, int], ...]
    engine: str

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))


def alike_of(text: str) -> Alike:
    """What a text of ``Alike.text`` says. Raises ValueError, KeyError or TypeError where it is none."""
    told = json.loads(text)
    beginnings = tuple((int(key), int(calls)) for key, calls in told["beginnings"])
    return Alike(_common(told["first"]), _common(told["tools"]), beginnings, str(told["engine"]))


def _common(told: dict[str, Any] | None) -> Common | None:
    if told is None:
        return None
    return Common(*(int(told[name]) for name in ("key", "calls", "chars", "detail")))


def template(alike: Alike, calls: int, prompts: int) -> dict[str, Any]:
    """
    What most calls of a task have alike, as the fields of ``prompt_facts.PromptFacts``.

    Parameters
    ----------
    calls, prompts : int
        All calls of the task, and those of them with a prompt.
    """
    first, tools = alike.first, alike.tools
    is_common = first is not None and first.calls >= MOST * calls
    characters, before = 0, 0
    for length, (_, shared) in zip(PREFIX_LENGTHS, alike.beginnings, strict=False):
        if shared < MOST * prompts:
            break
        characters += shared * (length - before)
        before = length
    if first is not None and is_common:
        characters = max(characters, first.calls * first.chars)
    known = tools if tools is not None and tools.calls >= MOST * calls else None
    return {
        "template_characters": characters + (known.calls * known.chars if known else 0),
        "first_calls": first.calls if first else None,
        "first_chars": first.chars if first is not None and is_common else None,
        "first_is_system": first is not None and is_common and bool(first.detail),
        "tools": known.detail if known else None,
    }


def added_alike(parts: Sequence[tuple[Alike, int, int]]) -> tuple[Alike, dict[str, Any]]:
    """
    What calls of one task in several cubes have alike, and the fields of ``template``.

    Of each cube only the commonest value is known. It is counted over those cubes in which it is the commonest, so the
    number is a lower bound. Where it is below half of all calls and may still be above it, the fields are None; so is
    the template where nothing is known to be common and something may be.

    Parameters
    ----------
    parts : sequence of (Alike, int, int)
        With all calls, and those with a prompt, as for ``template``.
    """
    calls, prompts = sum(own for _, own, _ in parts), sum(own for _, _, own in parts)
    first, first_open = _joined([(alike.first, own) for alike, own, _ in parts], calls)
    tools, tools_open = _joined([(alike.tools, own) for alike, own, _ in parts], calls)
    engines = {alike.engine for alike, _, _ in parts}
    beginnings: list[tuple[int, int]] = []
    open_ = len(engines) > 1
    for at in range(0 if open_ else max(len(alike.beginnings) for alike, _, _ in parts)):
        known = [(alike.beginnings[at : at + 1], own) for alike, _, own in parts]
        common, is_open = _joined([(Common(*each[0], 0, 0) if each else None, own) for each, own in known], prompts)
        open_ = open_ or is_open
        if common is None:
            break
        beginnings.append((common.key, common.calls))
    found = Alike(first, tools, tuple(beginnings), engines.pop() if len(engines) == 1 else "")
    fields = template(found, calls, prompts)
    if first_open:
        fields["first_calls"] = None
    if not fields["template_characters"] and (first_open or tools_open or open_):
        fields["template_characters"] = None
    return found, fields


def _joined(parts: Sequence[tuple[Common | None, int]], calls: int) -> tuple[Common | None, bool]:
    """The value common to most calls of several parts, and whether it may be that of half of them though not known."""
    found: dict[int, Common] = {}
    for each, _ in parts:
        if each is not None:
            before = found.get(each.key)
            found[each.key] = replace(each, calls=each.calls + (before.calls if before else 0))
    best = max(found.values(), key=lambda each: (each.calls, each.key), default=None)
    if best is None:
        return None, len(parts) > 1
    hidden = sum(own - (each.calls if each else 0) for each, own in parts if each is None or each.key != best.key)
    return best, best.calls < MOST * calls <= best.calls + hidden
