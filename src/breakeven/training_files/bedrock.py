"""
Conversations as Amazon Bedrock takes them for Nova.

One line is ``{"schemaVersion": "bedrock-conversation-2024", "system": [{"text"}], "messages": [{"role", "content":
[{"text"}]}]}``, as in https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html:
roles are user and assistant, the first message is the user's, the last the assistant's, and some words are reserved.
"""

import re
from collections.abc import Mapping
from typing import Any

from breakeven.training_files.chat import is_bedrock
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

RESERVED = re.compile(r"\b(User|Bot|Assistant|System):|<image>|<video>|\[EOS\]")
"""Words that make a job fail in a prompt of the user or the system."""


def accepts(line: Mapping[str, Any]) -> bool:
    """By its version, a system prompt beside the messages, or parts without a type."""
    messages = line.get("messages")
    if not isinstance(messages, list):
        return False
    return "schemaVersion" in line or "system" in line or any(is_bedrock(message) for message in messages)


def read(line: Mapping[str, Any]) -> Example:
    """The system prompt and the messages; the assistant's are trained on."""
    unknown_keys(line, ("schemaVersion", "system", "messages"), "it")
    turns, left_out, warnings = list[Turn](), dict[str, None](), list[str]()
    if line.get("system") is not None:
        parts = enumerate(list_of(line["system"], "system"), 1)
        texts = [text_of(object_of(part, "system").get("text"), f"system, part {place}") for place, part in parts]
        turns.append(Turn("system", tuple(texts)))
    for number, message in enumerate(list_of(line.get("messages"), "messages"), 1):
        where = f"message {number}"
        message = object_of(message, where)
        role = one_of(message.get("role"), ("user", "assistant"), f"{where}: its role")
        if number == 1 and role != "user":
            raise InvalidLineError("the first message is not the user's")
        texts = []
        for place, part in enumerate(list_of(message.get("content"), f"{where}: its content"), 1):
            part = object_of(part, f"{where}, part {place}")
            kind = one_of(next(iter(part), None), ("text", "image", "video"), f"{where}, part {place}: its kind")
            if kind == "text":
                texts.append(text_of(part["text"], f"{where}, part {place}"))
            else:
                left_out[f"{kind}s"] = None
        turns.append(Turn(role, tuple(texts), trained=role == "assistant"))
    if turns[-1].role != "assistant":
        raise InvalidLineError("the last message is not the assistant's")
    if any(RESERVED.search(text) for turn in turns if not turn.trained for text in turn.texts):
        warnings.append("a prompt with a reserved word (User:, Bot:, Assistant:, System:, <image>, <video>, [EOS])")
    if "schemaVersion" not in line:
        warnings.append('no schemaVersion: Nova wants "bedrock-conversation-2024"')
    return Example(tuple(turns), (), tuple(left_out), tuple(warnings))


FORM = Form(
    "bedrock-conversation",
    "Bedrock conversations (Amazon Nova)",
    "https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html",
    accepts,
    read,
)
