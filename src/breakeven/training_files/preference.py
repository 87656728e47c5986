"""
Pairs of a preferred and another answer, for direct preference optimisation.

One line is ``{"input": {"messages", "tools"}, "preferred_output": [...], "non_preferred_output": [...]}``, as in
https://developers.openai.com/api/docs/guides/direct-preference-optimization; Together takes the same.
"""

from collections.abc import Mapping
from typing import Any

from breakeven.training_files.chat import conversation
from breakeven.training_files.example import Example, Form, InvalidLineError, list_of, object_of
from breakeven.training_files.tool_calls import definitions

OUTPUTS = ("preferred_output", "non_preferred_output")


def accepts(line: Mapping[str, Any]) -> bool:
    """By either output."""
    return any(key in line for key in OUTPUTS)


def read(line: Mapping[str, Any]) -> Example:
    """The prompt, and both answers as turns that are trained on."""
    asked = object_of(line.get("input"), "input")
    messages = list_of(asked.get("messages"), "input: messages")
    answers = []
    for key in OUTPUTS:
        answer = list_of(line.get(key), key)
        if len(answer) != 1 or not isinstance(answer[0], dict) or answer[0].get("role") != "assistant":
            raise InvalidLineError(f"{key} is not one assistant message")
        answers.append(answer[0])
    if answers[0] == answers[1]:
        raise InvalidLineError("the preferred and the other output are the same")
    if isinstance(messages[-1], dict) and messages[-1].get("role") == "assistant":
        raise InvalidLineError("the last message of input is the assistant's; the outputs must follow a user or a tool")
    turns, left_out, warnings = conversation([*messages, *answers])
    before = tuple(turn._replace(trained=False) for turn in turns[:-2])
    return Example((*before, *turns[-2:]), definitions(asked), left_out, tuple(warnings))


FORM = Form(
    "preference",
    "pairs of a preferred and another answer (OpenAI, Azure, Together)",
    "https://developers.openai.com/api/docs/guides/direct-preference-optimization",
    accepts,
    read,
)
