"""
Streams of Anthropic's Messages API with one event a line: the first names the message, a later one has the counts.

Read: docs.anthropic.com, streaming messages, as of 2026-11-23. ``message_start`` holds id, model and the first counts,
``message_delta`` the last ones, which are totals, and nothing that says of which message. It is that of the one message
that is open and was sent the same input; where there are several, nobody can tell.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from breakeven.usage.readers.exchanges import expand
from breakeven.usage.readers.reader import json_object

PIECES = ("content_block_start", "content_block_delta", "content_block_stop", "message_stop", "ping")
"""Events without counts."""

UNTOLD = "counts of a stream of which it cannot be told which it is"

MOST_OPEN = 64
"""Streams that are taken to go on at the same time: what began earlier was cut off."""

SENT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def joined() -> Callable[[str], Sequence[str]]:
    """
    ``exchanges.expand`` for the lines of one file in their order, in which both events become rows of their message.

    Their message is the same, so the one with the most output counts.
    """
    opened: list[dict[str, Any]] = []
    ended: list[dict[str, Any]] = []

    def row_of(text: str) -> Sequence[str]:
        if '"message_start"' not in text and '"message_delta"' not in text:
            return expand(text)
        row = json_object(text) or {}
        message, usage = row.get("message"), row.get("usage")
        if row.get("type") == "message_start" and isinstance(message, dict):
            opened.append(message)
            del opened[:-MOST_OPEN]
            return [json.dumps({**row, "message": None, "body": message})]
        if row.get("type") != "message_delta" or not isinstance(usage, dict):
            return expand(text)
        meant = [each for each in opened if _agrees(each, usage)] or [each for each in ended if _agrees(each, usage)]
        if len(meant) != 1:
            return [json.dumps({"type": "message_delta", "body": {"fault": UNTOLD}})]
        (found,) = meant
        opened[:] = [each for each in opened if each is not found]
        ended[:] = [found]
        given = {name: count for name, count in usage.items() if count is not None}
        return [json.dumps({**row, "usage": None, "body": {**found, "usage": {**_usage(found), **given}}})]

    return row_of


def _agrees(message: dict[str, Any], usage: dict[str, Any]) -> bool:
    began = _usage(message)
    return all(usage.get(name) in (None, began.get(name)) for name in SENT)


def _usage(message: dict[str, Any]) -> dict[str, Any]:
    usage = message.get("usage")
    return usage if isinstance(usage, dict) else {}
