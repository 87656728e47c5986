"""Tools in chats of OpenAI's form: definitions, calls, and answers to calls."""

import json
import re
from collections.abc import Mapping
from typing import Any

from breakeven.training_files.example import InvalidLineError, list_of, object_of

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What functions and authors may be called."""


def checked_name(value: Any, where: str) -> str:
    """A name of a function or an author. Raises InvalidLineError."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise InvalidLineError(f"{where} must be 1 to 64 letters, digits, _ or -")
    return value


def definitions(line: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The functions of ``tools``, or of ``functions`` as it was called before. Raises InvalidLineError."""
    if line.get("tools") is not None and line.get("functions") is not None:
        raise InvalidLineError("it has both tools and functions; functions is the older name of tools")
    found = []
    for number, tool in enumerate(_listed(line.get("tools"), "tools"), 1):
        tool = object_of(tool, f"tool {number}")
        if tool.get("type", "function") != "function":
            raise InvalidLineError(f"tool {number} is not of type function")
        found.append(_definition(tool.get("function"), f"tool {number}"))
    for number, function in enumerate(_listed(line.get("functions"), "functions"), 1):
        found.append(_definition(function, f"function {number}"))
    return tuple(found)


def calls(message: Mapping[str, Any], where: str) -> tuple[list[str], list[str], list[str]]:
    """
    The calls that an assistant's message makes: their texts, their ids, and the names of the functions.

    Raises
    ------
    InvalidLineError
        No id, no name, or arguments that are not JSON written as text.
    """
    texts, ids, names = list[str](), list[str](), list[str]()
    for number, call in enumerate(_listed(message.get("tool_calls"), f"{where}, tool_calls"), 1):
        place = f"{where}, tool call {number}"
        call = object_of(call, place)
        if not isinstance(call.get("id"), str) or not call["id"]:
            raise InvalidLineError(f"{place} has no id")
        if call.get("type", "function") != "function":
            raise InvalidLineError(f"{place} is not of type function")
        ids.append(call["id"])
        texts += _call(call.get("function"), place)
        names.append(texts[-2])
    if message.get("function_call") is not None:
        texts += _call(message["function_call"], f"{where}, function_call")
        names.append(texts[-2])
    return texts, ids, names


def _call(function: Any, place: str) -> list[str]:
    """Name and arguments."""
    function = object_of(function, f"{place}: its function")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise InvalidLineError(f"{place}: arguments must be JSON written as text, not {_kind(arguments)}")
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        raise InvalidLineError(f"{place}: arguments are not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidLineError(f"{place}: arguments are not a JSON object")
    return [checked_name(function.get("name"), f"{place}: the function's name"), arguments]


def _definition(value: Any, where: str) -> Mapping[str, Any]:
    function = object_of(value, f"{where}: its function")
    checked_name(function.get("name"), f"{where}: its name")
    if not isinstance(function.get("description", ""), str | None):
        raise InvalidLineError(f"{where}: its description is not text")
    if function.get("parameters") is not None:
        object_of(function["parameters"], f"{where}: its parameters")
    return function


def _listed(value: Any, where: str) -> list[Any]:
    return [] if value is None else list_of(value, where)


def _kind(value: Any) -> str:
    return "missing" if value is None else "an object" if isinstance(value, dict) else "something else"
