"""
What is said in a prompt or an answer, whatever shape it is kept in: the texts a model reads or writes.

Known are the messages of chats (OpenAI, Anthropic, Google, OpenTelemetry, Langfuse), whole requests and responses of
these providers, and plain text. Texts stay in the memory of this process and are gone when they have been counted.
"""

import json
from dataclasses import dataclass, field
from typing import Any

INSIDE = (
    "system", "instructions", "messages", "message", "choices", "candidates", "contents", "content", "parts", "input",
    "output", "prompt", "completion", "text", "value", "answer", "response", "generations", "refusal",
)  # fmt: skip
"""Keys under which requests, responses and their parts hold what is said, in the order in which it is counted."""

OBJECTS = ("choices", "candidates", "generations")
"""Those of them that hold objects only."""

CALLS = ("tool_use", "tool_call", "function_call", "function", "custom_tool_call")
RESULTS = ("tool_result", "tool_call_response", "function_call_output", "custom_tool_call_output")
HIDDEN = ("thinking", "reasoning", "redacted_thinking")
"""Types of a part: a call of a tool, what a tool gave back, and thought that is billed but not part of the answer."""

DATA = ("arguments", "input", "args", "parameters")
GIVEN = ("content", "output", "result", "response")


@dataclass
class Spoken:
    """
    Texts, and what is around them.

    roles : whether the texts hold the roles and names of messages, as those of a prompt do.
    messages, names : messages of a chat, and those of them with a name.
    left_out : kinds of content that are billed but cannot be counted as text, e.g. ``image_url``.
    """

    roles: bool = True
    texts: list[str] = field(default_factory=list)
    messages: int = 0
    names: int = 0
    left_out: set[str] = field(default_factory=set)


def spoken(text: str | None, *, roles: bool = True) -> Spoken:
    """
    What is said in a text that may be JSON: a chat, a request, a response, a list of such texts; else the text itself.

    Of an answer, roles are not: no model writes them.
    """
    found = Spoken(roles)
    _read(text, found)
    return found


def is_chat(value: Any) -> bool:
    """Whether parsed JSON is a list of messages, or a request that holds one."""
    messages = value.get("messages", value.get("input")) if isinstance(value, dict) else value
    return isinstance(messages, list) and bool(messages) and all(_is_message(each) for each in messages)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _read(text: str | None, found: Spoken) -> None:
    """Text that may be JSON."""
    if not text:
        return
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list) and all(each is None or isinstance(each, str) for each in value):
            for each in value:
                _read(each, found)
            return
        if value is not None:
            _walk(value, found)
            return
    found.texts.append(text)


def _walk(value: Any, found: Spoken) -> None:
    """Parsed JSON: texts are what they are, whatever they look like."""
    if isinstance(value, str):
        if value:
            found.texts.append(value)
    elif isinstance(value, list):
        for each in value:
            _walk(each, found)
    elif isinstance(value, dict):
        if _is_message(value):
            _message(value, found)
        else:
            _part(value, found)


def _message(value: dict[str, Any], found: Spoken) -> None:
    found.messages += 1
    if found.roles:
        found.texts.append(value["role"])
    if found.roles and isinstance(value.get("name"), str):
        found.names += 1
        found.texts.append(value["name"])
    for key in ("content", "parts", "refusal"):
        _walk(value.get(key), found)
    if isinstance(value.get("function_call"), dict):
        _call(value["function_call"], found)
    for call in value.get("tool_calls") or ():
        if isinstance(call, dict):
            _call(call, found)


def _part(value: dict[str, Any], found: Spoken) -> None:
    kind = str(value.get("type", "")).lower()
    if kind in HIDDEN:
        found.left_out.add("reasoning")
    elif kind in CALLS and any(key in value for key in (*DATA, "function", "name")):
        _call(value, found)
    elif kind in RESULTS:
        for key in GIVEN:
            _walk(value.get(key), found)
    elif isinstance(value.get("functionCall"), dict):
        _call(value["functionCall"], found)
    elif kind.startswith(("image", "input_image", "audio", "input_audio", "video", "file", "document", "blob")):
        found.left_out.add(kind)
    elif "inlineData" in value or "inline_data" in value:
        found.left_out.add("inline data")
    elif held := [key for key in INSIDE if value.get(key) is not None]:
        if value.get("tools") or value.get("functions"):
            found.left_out.add("tool definitions")
        for key in held:
            inner = value[key]
            if key in OBJECTS and isinstance(inner, list):
                # Some loggers write the names of classes here in place of objects.
                inner = [each for each in inner if isinstance(each, dict)]
            _walk(inner, found)
    elif value:
        found.texts.append(_as_text(value))


def _call(value: dict[str, Any], found: Spoken) -> None:
    """A call of a tool: its name, and its arguments as text."""
    inner = value.get("function")
    value = inner if isinstance(inner, dict) else value
    if isinstance(value.get("name"), str):
        found.texts.append(value["name"])
    data = next((value[key] for key in DATA if value.get(key) is not None), None)
    if data is not None:
        found.texts.append(data if isinstance(data, str) else _as_text(data))


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
