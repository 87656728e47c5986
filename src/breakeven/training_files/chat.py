"""
Chat messages as OpenAI writes them; Azure, Together, Fireworks, Mistral and Nebius take the same form.

One line is ``{"messages": [{"role", "content", "name", "weight", "tool_calls", ...}], "tools": [...]}``, as in
https://developers.openai.com/api/docs/guides/supervised-fine-tuning and
https://docs.fireworks.ai/fine-tuning/fine-tuning-models. Every assistant message is trained on, but for those of
weight 0.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from breakeven.training_files.example import (
    Example,
    Form,
    InvalidLineError,
    Turn,
    list_of,
    object_of,
    one_of,
    text_of,
    unknown_keys,
)
from breakeven.training_files.tool_calls import calls, checked_name, definitions

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
KEYS = (
    "role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal", "reasoning_content",
)  # fmt: skip
TOP = ("messages", "tools", "functions", "parallel_tool_calls", "tool_choice")
BEDROCK_PARTS = ("text", "image", "video", "toolUse", "toolResult")


def accepts(line: Mapping[str, Any]) -> bool:
    """Messages whose content is text or parts with a type; parts without one are Bedrock's."""
    messages = line.get("messages")
    if "schemaVersion" in line or "system" in line or not isinstance(messages, list):
        return False
    return not any(is_bedrock(message) for message in messages)


def is_bedrock(message: Any) -> bool:
    """Whether a message has parts as Bedrock writes them: named by their key, without a type."""
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(
        isinstance(part, dict) and "type" not in part and any(key in part for key in BEDROCK_PARTS) for part in content
    )


def read(line: Mapping[str, Any]) -> Example:
    """The example of a line; its last message must be the assistant's."""
    turns, left_out, warnings = conversation(list_of(line.get("messages"), "messages"))
    tools = definitions(line)
    if turns[-1].role != "assistant":
        raise InvalidLineError("the last message is not the assistant's")
    if not any(turn.trained for turn in turns):
        raise InvalidLineError("every assistant message has weight 0: nothing is trained on")
    if not isinstance(line.get("parallel_tool_calls", True), bool):
        raise InvalidLineError("parallel_tool_calls is not true or false")
    if any(key not in TOP for key in line):
        warnings = [*warnings, f"keys beside {', '.join(TOP)}: some providers refuse them"]
    return Example(turns, tools, left_out, tuple(warnings))


def conversation(messages: Sequence[Any]) -> tuple[tuple[Turn, ...], tuple[str, ...], list[str]]:
    """
    The turns of messages, kinds of content that are no text, and warnings.

    Raises
    ------
    InvalidLineError
        Naming the message, counted from 1, and what is wrong with it.
    """
    turns: list[Turn] = []
    left_out: dict[str, None] = {}
    warnings: list[str] = []
    asked: dict[str, bool] = {}
    for number, message in enumerate(messages, 1):
        where = f"message {number}"
        message = object_of(message, where)
        role = one_of(message.get("role"), ROLES, f"{where}: its role")
        unknown_keys(message, KEYS, where)
        texts, kinds = content(message.get("content"), role, where)
        left_out |= dict.fromkeys(kinds)
        made, ids, _ = calls(message, where)
        if made and role != "assistant":
            raise InvalidLineError(f"{where} calls a tool but is not the assistant's")
        if not (texts or made or kinds) and role not in ("tool", "function"):
            refusal = message.get("refusal")
            texts = [text_of(refusal if refusal else message.get("content"), f"{where}: its content")]
        _answered(message, role, where, asked)
        if role not in ("tool", "function") and not all(asked.values()):
            warnings.append("a tool call that no tool message answers, with messages after it")
        asked |= dict.fromkeys(ids, False)
        if isinstance(message.get("reasoning_content"), str):
            texts.append(message["reasoning_content"])
        name = "" if message.get("name") is None else checked_name(message["name"], f"{where}: its name")
        trained = role == "assistant" and weight(message, where) == 1
        turns.append(Turn(role, (*texts, *made), name, trained))
    if not any(turn.role == "assistant" for turn in turns):
        raise InvalidLineError("no message is the assistant's")
    if not any(turn.role == "user" for turn in turns):
        warnings.append("no message of a user")
    if any(turn.role in ("system", "developer") for turn in turns[1:]):
        warnings.append("a system message that is not the first, which Together and Fireworks refuse")
    spoken = [turn.role for turn in turns if turn.role in ("user", "assistant")]
    if any(role == before for role, before in pairwise(spoken)) and "tool" not in {turn.role for turn in turns}:
        warnings.append("two messages of one role in a row; at Together user and assistant must alternate")
    return tuple(turns), tuple(left_out), list(dict.fromkeys(warnings))


def content(value: Any, role: str, where: str) -> tuple[list[str], list[str]]:
    """Texts of a message's content, and kinds of parts that are no text. Raises InvalidLineError."""
    if value is None:
        return [], []
    if isinstance(value, str):
        return ([value] if value.strip() else []), []
    if not isinstance(value, list):
        raise InvalidLineError(f"{where}: its content is neither text nor a list of parts")
    texts, kinds = [], []
    for place, part in enumerate(value, 1):
        part = object_of(part, f"{where}, part {place}")
        kind = one_of(
            part.get("type"), ("text", "refusal", "image_url", "input_audio", "file"), f"{where}, part {place}"
        )
        if kind in ("text", "refusal"):
            texts.append(text_of(part.get(kind), f"{where}, part {place}"))
        elif role == "assistant":
            raise InvalidLineError(f"{where}, part {place}: an assistant's message holds text only")
        else:
            kinds.append({"image_url": "images", "input_audio": "audio", "file": "files"}[kind])
    return texts, kinds


def weight(message: Mapping[str, Any], where: str) -> int:
    """1 where a message is trained on, else 0. Raises InvalidLineError for another weight."""
    value = message.get("weight")
    if value is None:
        return 1
    if isinstance(value, bool) or value not in (0, 1):
        raise InvalidLineError(f"{where}: its weight is not 0 or 1")
    return int(value)


def _answered(message: Mapping[str, Any], role: str, where: str, asked: dict[str, bool]) -> None:
    """Note which call a tool's message answers. Raises InvalidLineError where there is no such call."""
    if role != "tool":
        return
    call = message.get("tool_call_id")
    if not isinstance(call, str) or not call:
        raise InvalidLineError(f"{where} is a tool's and has no tool_call_id")
    if call not in asked:
        raise InvalidLineError(f"{where} answers a tool call that no message before it makes")
    asked[call] = True


FORM = Form(
    "chat",
    "chat messages (OpenAI, Azure, Together, Fireworks, Mistral, Nebius)",
    "https://developers.openai.com/api/docs/guides/supervised-fine-tuning",
    accepts,
    read,
)
