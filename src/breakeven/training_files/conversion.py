"""
What a log holds of a call, as a line of chat messages: requests and responses of providers, and plain texts.

=====================  ================================================================================
known requests         OpenAI chat and Responses, Anthropic, Bedrock, Gemini, lists of messages or texts
known responses        the same providers' bodies, an assistant's message, plain text
=====================  ================================================================================

Calls that hold images, audio, files or tools that the provider runs are not converted: the training file would lack
what they are about.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from breakeven.training_files.example import InvalidLineError

NO_PROMPT = "the log holds no prompt"
NO_ANSWER = "the log holds no answer"
NOT_TEXT = "it holds images, audio, files, or tools of the provider's own"
UNKNOWN = "its texts are in no known form"

Message = dict[str, Any]

HIDDEN = ("thinking", "reasoning", "redacted_thinking")
TEXT = ("text", "input_text", "output_text", "refusal")


def chat_line(asked: str | None, answered: str | None) -> dict[str, Any]:
    """
    A call as ``{"messages": [...], "tools": [...]}``, ending with the answer.

    Raises InvalidLineError with a reason that quotes nothing.
    """
    if not asked or not asked.strip():
        raise InvalidLineError(NO_PROMPT)
    if not answered or not answered.strip():
        raise InvalidLineError(NO_ANSWER)
    request = _parsed(asked)
    messages = _request(request)
    answer = _answer(_parsed(answered))
    if not any(message["role"] != "system" for message in messages):
        raise InvalidLineError(NO_PROMPT)
    if not answer.get("content") and not answer.get("tool_calls"):
        raise InvalidLineError(NO_ANSWER)
    tools = _tools(request)
    return {"messages": [*messages, answer]} | ({"tools": tools} if tools else {})


def _parsed(text: str) -> Any:
    """JSON where a text is an object or a list of it, else the text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _request(value: Any) -> list[Message]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, list):
        if all(each is None or isinstance(each, str) for each in value):
            return _texts([each for each in value if each])
        return _messages(value)
    if not isinstance(value, dict):
        raise InvalidLineError(UNKNOWN)
    body = value.get("body")
    if isinstance(body, dict) and "messages" not in value:
        return _request(body)
    found: list[Message] = []
    for key in ("system", "instructions", "systemInstruction", "system_instruction"):
        if value.get(key):
            found.append({"role": "system", "content": _text(value[key])})
    for key in ("messages", "input", "contents"):
        held = value.get(key)
        if isinstance(held, str) and held:
            return [*found, {"role": "user", "content": held}]
        if isinstance(held, list) and held:
            return [*found, *_messages(held)]
    if isinstance(value.get("prompt"), str):
        return [*found, {"role": "user", "content": value["prompt"]}]
    if isinstance(value.get("role"), str):
        return _messages([value])
    raise InvalidLineError(UNKNOWN)


def _texts(texts: Sequence[str]) -> list[Message]:
    """A system prompt and what follows it, each a text that may be JSON; one text alone is the user's."""
    found: list[Message] = []
    for place, text in enumerate(texts):
        value = _parsed(text)
        if isinstance(value, str) and place == 0 and len(texts) > 1:
            found.append({"role": "system", "content": value})
        elif isinstance(value, list) and value and all(_is_text_part(each) for each in value) and place == 0:
            found.append({"role": "system", "content": _text(value)})
        else:
            found += _request(value)
    return found


def _is_text_part(value: Any) -> bool:
    return isinstance(value, dict) and "role" not in value and ("text" in value or "content" in value)


def _messages(values: Sequence[Any]) -> list[Message]:
    found: list[Message] = []
    for value in values:
        if isinstance(value, str):
            found.append({"role": "user", "content": value})
        elif isinstance(value, dict):
            found += _message(value)
        else:
            raise InvalidLineError(UNKNOWN)
    return found


def _message(value: Mapping[str, Any]) -> list[Message]:
    """One message, or several where one holds the results of several tools."""
    kind = value.get("type")
    if kind == "function_call":
        return [{"role": "assistant", "content": None, "tool_calls": [_call(value, str(value.get("call_id", "")))]}]
    if kind == "function_call_output":
        return [{"role": "tool", "tool_call_id": str(value.get("call_id", "")), "content": _text(value.get("output"))}]
    if kind in HIDDEN:
        return []
    if kind and "role" not in value and str(kind).endswith("_call"):
        raise InvalidLineError(NOT_TEXT)
    role = {"model": "assistant", "ai": "assistant", "human": "user"}.get(str(value.get("role")), value.get("role"))
    if role not in ("system", "developer", "user", "assistant", "tool"):
        raise InvalidLineError(UNKNOWN)
    if role == "tool" and value.get("tool_call_id"):
        return [{"role": "tool", "tool_call_id": str(value["tool_call_id"]), "content": _text(value.get("content"))}]
    parts = value.get("content", value.get("parts"))
    texts, calls, results = _parts(parts)
    calls += [_call(each, str(each.get("id", ""))) for each in value.get("tool_calls") or () if isinstance(each, dict)]
    found: list[Message] = list(results)
    if texts or calls or not results:
        message: Message = {"role": role, "content": "\n".join(texts) if texts else None}
        if calls:
            message["tool_calls"] = calls
        found.append(message)
    return found


def _parts(value: Any) -> tuple[list[str], list[dict[str, Any]], list[Message]]:
    """Texts, calls of tools, and their results, in a message's content."""
    texts, calls, results = list[str](), list[dict[str, Any]](), list[Message]()
    for part in [value] if isinstance(value, str | dict) else value or ():
        if isinstance(part, str):
            texts += [part] if part else []
            continue
        if not isinstance(part, dict):
            raise InvalidLineError(UNKNOWN)
        kind = part.get("type", "")
        used = part.get("toolUse") or part.get("functionCall") or (part if kind in ("tool_use", "tool_call") else None)
        given = part.get("toolResult") or (part if kind in ("tool_result", "tool_call_response") else None)
        if kind in HIDDEN or "reasoningContent" in part:
            continue
        if isinstance(used, dict):
            calls.append(_call(used, str(used.get("id", used.get("toolUseId", "")))))
        elif isinstance(given, dict):
            call = str(given.get("tool_use_id", given.get("toolUseId", given.get("id", ""))))
            results.append({"role": "tool", "tool_call_id": call, "content": _text(given.get("content", ""))})
        elif (not kind or kind in TEXT) and isinstance(text := _said(part), str):
            texts += [text] if text else []
        else:
            raise InvalidLineError(NOT_TEXT if kind or "inlineData" in part or "image" in part else UNKNOWN)
    return texts, calls, results


def _said(part: Mapping[str, Any]) -> Any:
    return next((part[key] for key in ("text", "refusal", "value", "content") if part.get(key) is not None), None)


def _text(value: Any) -> str:
    """The text of a system prompt, or of what a tool gave."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("parts"), list):
        value = value["parts"]
    if isinstance(value, list) and all(isinstance(each, str) or _is_text_part(each) for each in value):
        return "\n".join(_parts(value)[0])
    return json.dumps(value, ensure_ascii=False)


def _call(value: Mapping[str, Any], call: str) -> dict[str, Any]:
    """A call of a tool as OpenAI writes it."""
    inner = value.get("function")
    inner = inner if isinstance(inner, dict) else value
    arguments: Any = next((inner[key] for key in ("arguments", "input", "args") if inner.get(key) is not None), {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {
        "id": call or "call_1",
        "type": "function",
        "function": {"name": str(inner.get("name", "")), "arguments": text or "{}"},
    }


def _answer(value: Any) -> Message:
    """The assistant's message of a response."""
    if isinstance(value, str):
        return {"role": "assistant", "content": value}
    if isinstance(value, list):
        return _joined(_responses(value))
    if not isinstance(value, dict):
        raise InvalidLineError(UNKNOWN)
    for key in ("choices", "candidates", "generations"):
        held = value.get(key)
        if isinstance(held, list) and held:
            return _answer([held[0]])
    if isinstance(value.get("output"), dict | list):
        return _answer(value["output"])
    if isinstance(value.get("message"), dict):
        return _answer(value["message"])
    if isinstance(value.get("raw"), str):
        return {"role": "assistant", "content": value["raw"]}
    if "content" in value or "parts" in value or "tool_calls" in value:
        return _joined(_message({"role": "assistant"} | {key: each for key, each in value.items() if key != "type"}))
    for key in ("text", "completion", "output", "response", "answer"):
        if isinstance(value.get(key), str):
            return {"role": "assistant", "content": value[key]}
    raise InvalidLineError(UNKNOWN)


def _responses(values: Sequence[Any]) -> list[Message]:
    """Messages in a list: choices, items of the Responses API, parts of a content, or messages."""
    found: list[Message] = []
    for value in values:
        if isinstance(value, str):
            found.append({"role": "assistant", "content": value})
        elif not isinstance(value, dict):
            raise InvalidLineError(UNKNOWN)
        elif isinstance(value.get("message"), dict):
            found.append(_answer(value["message"]))
            break
        elif value.get("type") in ("message", *HIDDEN) or "role" in value or str(value.get("type")).endswith("_call"):
            found += _message(value | {"role": "assistant"} if value.get("type") == "message" else value)
        elif isinstance(value.get("content"), dict):
            found.append(_answer(value["content"]))
        else:
            found += _message({"role": "assistant", "content": [value]})
    return found


def _joined(messages: Sequence[Message]) -> Message:
    """The assistant's messages as one."""
    texts = [message["content"] for message in messages if message["role"] == "assistant" and message.get("content")]
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    content = "\n".join(texts) if texts else None
    return {"role": "assistant", "content": content} | ({"tool_calls": calls} if calls else {})


def _tools(value: Any) -> list[dict[str, Any]]:
    """Definitions of tools as OpenAI writes them; those of other shapes are left away."""
    listed = value.get("tools") if isinstance(value, dict) else None
    found = []
    for tool in listed if isinstance(listed, list) else ():
        if not isinstance(tool, dict):
            continue
        inner = tool.get("function") if isinstance(tool.get("function"), dict) else tool.get("toolSpec", tool)
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            continue
        schema = inner.get("parameters", inner.get("input_schema", inner.get("inputSchema")))
        function = {"name": inner["name"]}
        if isinstance(inner.get("description"), str):
            function["description"] = inner["description"]
        if isinstance(schema, dict):
            function["parameters"] = schema.get("json", schema)
        found.append({"type": "function", "function": function})
    return found
