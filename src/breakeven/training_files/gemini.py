"""
Contents as Vertex AI takes them for Gemini.

One line is ``{"systemInstruction": {"parts": [{"text"}]}, "contents": [{"role": "user" | "model", "parts": [...]}]}``,
as in https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare.
"""

import json
from collections.abc import Mapping
from typing import Any

from breakeven.training_files.example import Example, Form, InvalidLineError, Turn, list_of, object_of, one_of, text_of

ROLES = {"user": "user", "model": "assistant", "function": "tool", "tool": "tool"}


def accepts(line: Mapping[str, Any]) -> bool:
    """By ``contents``."""
    return "contents" in line


def read(line: Mapping[str, Any]) -> Example:
    """The instruction and the contents; the model's are trained on."""
    turns, left_out = list[Turn](), dict[str, None]()
    instruction = line.get("systemInstruction", line.get("system_instruction"))
    if instruction is not None:
        turns.append(Turn("system", _parts(instruction, "systemInstruction", left_out)))
    for number, content in enumerate(list_of(line.get("contents"), "contents"), 1):
        where = f"content {number}"
        role = ROLES[one_of(object_of(content, where).get("role"), ROLES, f"{where}: its role")]
        turns.append(Turn(role, _parts(content, where, left_out), trained=role == "assistant"))
    if turns[-1].role != "assistant":
        raise InvalidLineError("the last content is not the model's")
    return Example(tuple(turns), _tools(line.get("tools")), tuple(left_out))


def _parts(content: Any, where: str, left_out: dict[str, None]) -> tuple[str, ...]:
    texts = []
    for place, part in enumerate(list_of(object_of(content, where).get("parts"), f"{where}: its parts"), 1):
        part = object_of(part, f"{where}, part {place}")
        called = part.get("functionCall", part.get("function_call", part.get("functionResponse")))
        if "text" in part:
            texts.append(text_of(part["text"], f"{where}, part {place}"))
        elif isinstance(called, dict):
            texts.append(json.dumps(called, ensure_ascii=False, separators=(",", ":")))
        elif {"fileData", "inlineData", "file_data", "inline_data"} & part.keys():
            left_out["files"] = None
        else:
            raise InvalidLineError(f"{where}, part {place} is neither text nor a file nor a call of a function")
    return tuple(texts)


def _tools(value: Any) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    for number, tool in enumerate([] if value is None else list_of(value, "tools"), 1):
        tool = object_of(tool, f"tool {number}")
        declared = tool.get("functionDeclarations", tool.get("function_declarations", []))
        found += [object_of(each, f"tool {number}") for each in declared if isinstance(declared, list)]
    return tuple(found)


FORM = Form(
    "gemini",
    "contents with parts (Gemini on Vertex AI)",
    "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare",
    accepts,
    read,
)
