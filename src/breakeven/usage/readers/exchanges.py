"""
What one exchange with a provider holds beside a single final response: streams, and calls of other models within it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from breakeven.usage.readers.reader import json_object

PLACES = ("response", "body", "content", "text")
"""Where a captured response may lie, one inside the other: at last a JSON object, or the text of a stream."""

ASSISTANT = re.compile(r'"type"\s*:\s*"assistant"')
"""What an answer of a model is in the log of an agent's session."""

CUT_OFF = "a stream without its final token counts: cut off, or not asked for them"


def expand(text: str) -> list[str]:
    """
    A line as its rows: a stream is replaced by the response it ends in, a call of an advisor becomes a row of its own,
    and the message of a session's line becomes its body.

    Lines with nothing of that come back as they are, without being parsed.
    """
    is_session = ASSISTANT.search(text) is not None
    if "data:" not in text and '"advisor_message"' not in text and not is_session:
        return [text]
    row = json_object(text)
    if row is None:
        return [text]
    row = _final(row)
    if is_session and is_message(row.get("message")) and not {"usage", "body", "response"} & row.keys():
        row["body"] = row.pop("message")
    return [json.dumps(each) for each in (row, *_advice(row))]


def is_message(value: Any) -> bool:
    """Whether a value is a message of a model with its counts, as agents write them into the logs of their sessions."""
    return isinstance(value, dict) and value.get("role") == "assistant" and isinstance(value.get("usage"), dict)


def _final(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the text of a stream replaced by the response it ends in."""
    place, value = row, row.get("response", row.get("body"))
    key = "response" if "response" in row else "body"
    for inner in PLACES[1:]:
        if isinstance(value, dict) and isinstance(value.get(inner), dict | str) and "usage" not in value:
            place, key, value = value, inner, value[inner]
    if isinstance(value, str) and (body := response_of(value)) is not None:
        place[key] = body
    return row


def response_of(stream: str) -> dict[str, Any] | None:
    """The response that server-sent events add up to, with the last counts given; None where there are none."""
    body: dict[str, Any] = {}
    met = complete = False
    for event in _events(stream):
        met = True
        whole = event.get("response", event.get("message"))
        if isinstance(whole, dict):
            body |= whole
        for name in ("id", "model", "modelVersion", "created", "createTime", "service_tier", "error"):
            if event.get(name):
                body[name] = event[name]
        inner = event.get("delta")
        groq = event.get("x_groq")
        for holder in (event, whole, inner, groq):
            usage = holder.get("usage") if isinstance(holder, dict) else None
            if isinstance(usage, dict):
                body["usage"] = (body.get("usage") or {}) | {k: v for k, v in usage.items() if v is not None}
                complete = complete or event.get("type") != "message_start"
        if isinstance(event.get("usageMetadata"), dict):
            body["usageMetadata"] = event["usageMetadata"]
            complete = True
    if met and not complete and not body.get("error"):
        body = {"model": body.get("model"), "fault": CUT_OFF}
    return body if met else None


def _events(stream: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream's data lines; a line cut short is none."""
    for line in stream.splitlines():
        if line.startswith("data:"):
            event = json_object(line[5:])
            if event is not None:
                yield event


def _advice(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each iteration that another model served: its counts are in none of the message's own."""
    body = _body(row)
    usage = body.get("usage")
    steps = usage.get("iterations") if isinstance(usage, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict) and step.get("type") == "advisor_message":
            called = {"model": step.get("model"), "usage": {k: v for k, v in step.items() if k != "type"}}
            yield {name: row[name] for name in ("timestamp", "host", "url", "status") if name in row} | {"body": called}


def _body(row: dict[str, Any]) -> dict[str, Any]:
    value: Any = row
    for inner in ("response", "body", "result", "message"):
        if isinstance(value, dict) and isinstance(value.get(inner), dict) and "usage" not in value:
            value = value[inner]
    return value if isinstance(value, dict) else {}
