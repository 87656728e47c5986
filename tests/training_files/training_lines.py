"""Lines of every form, good and bad, for the tests of training files."""

import json
from pathlib import Path
from typing import Any

from breakeven.training_files.checks import Read, read_training_file
from breakeven.usage.prompt_file import Around

AROUND = Around(3, 1, 3)
DATA = Path(__file__).parent / "data"

CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Bonn"}'}}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}


def chat(user: str = "cool", answer: str = "negative", system: str = "positive", **more: Any) -> dict[str, Any]:
    """One example of three messages."""
    turns = [("system", system), ("user", user), ("assistant", answer)]
    return {"messages": [{"role": role, "content": text} for role, text in turns]} | more


def turns(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One example of these messages."""
    return {"messages": list(messages)} | more


USER = {"role": "user", "content": "cool"}
ANSWER = {"role": "assistant", "content": "negative"}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "ok"}

GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("chat", chat()),
    "several assistant turns, one of weight 0": (
        "chat", turns(USER, ANSWER | {"weight": 0}, USER, ANSWER | {"weight": 1})
    ),
    "tool calls and their answer": (
        "chat", turns(USER, CALLING, RESULT, ANSWER, tools=[TOOL], parallel_tool_calls=False)
    ),
    "ending in a call": ("chat", turns(USER, CALLING, tools=[TOOL])),
    "functions as they were called before": (
        "chat",
        turns(USER, {"role": "assistant", "function_call": CALL["function"]}, functions=[TOOL["function"]]),
    ),
    "developer and a name": ("chat", turns({"role": "developer", "content": "positive", "name": "ann"}, USER, ANSWER)),
    "images": (
        "chat",
        turns(
            {
                "role": "user",
                "content": [{"type": "text", "text": "cool"}, {"type": "image_url", "image_url": {"url": "data:,"}}],
            },
            ANSWER,
        ),
    ),
    "preference": (
        "preference",
        {
            "input": {"messages": [USER]},
            "preferred_output": [ANSWER],
            "non_preferred_output": [{"role": "assistant", "content": "positive"}],
        },
    ),
    "prompt and completion": ("prompt-completion", {"prompt": "cool", "completion": "negative"}),
    "text": ("text", {"text": "cool"}),
    "bedrock": (
        "bedrock-conversation",
        {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "positive"}],
            "messages": [
                {"role": "user", "content": [{"text": "cool"}]},
                {"role": "assistant", "content": [{"text": "negative"}]},
            ],
        },
    ),
    "gemini": (
        "gemini",
        {
            "systemInstruction": {"parts": [{"text": "positive"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "cool"}]},
                {"role": "model", "parts": [{"text": "negative"}]},
            ],
        },
    ),
    "question and answer": ("question-answer", {"question": "cool", "answer": {"name": "f", "parameters": {}}}),
}  # fmt: skip

BAD: list[tuple[Any, str]] = [
    ("{", "not JSON"),
    ('{"messages": NaN}', "NaN and Infinity are no numbers of JSON"),
    ("[1]", "not a JSON object"),
    ({"dialog": []}, "of no known form"),
    ({"prompt": "a", "completion": "b", "preferred_output": []}, "of two forms at once"),
    (turns(), "messages is empty"),
    ({"messages": "cool"}, "of no known form"),
    (turns(USER), "no message is the assistant's"),
    (turns(ANSWER, USER), "the last message is not the assistant's"),
    (turns(USER, ANSWER | {"content": " "}), "message 2: its content is empty"),
    (turns(USER, {"role": "assistant"}), "message 2: its content is missing"),
    (turns(USER, ANSWER | {"weight": 2}), "message 2: its weight is not 0 or 1"),
    (turns(USER, ANSWER | {"weight": True}), "message 2: its weight is not 0 or 1"),
    (turns(USER, ANSWER | {"weight": 0}), "every assistant message has weight 0"),
    (turns(USER, ANSWER | {"weigth": 1}), "message 2 has an unknown key, like weight"),
    (turns({"role": "asistant", "content": "a"}), "message 1: its role is unknown, like assistant"),
    (turns({"content": "a"}), "message 1: its role is missing"),
    (turns("a"), "message 1 is not an object"),
    (turns(USER, CALLING | {"tool_calls": [{**CALL, "id": ""}]}), "message 2, tool call 1 has no id"),
    (
        turns(USER, CALLING | {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}),
        "arguments must be JSON written as text, not an object",
    ),
    (
        turns(USER, CALLING | {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]}),
        "arguments are not JSON",
    ),
    (
        turns(USER, CALLING | {"tool_calls": [{**CALL, "function": {"name": "f f", "arguments": "{}"}}]}),
        "the function's name must be 1 to 64 letters",
    ),
    (turns(USER, RESULT, ANSWER), "message 2 answers a tool call that no message before it makes"),
    (turns(USER, {"role": "tool", "content": "a"}, ANSWER), "message 2 is a tool's and has no tool_call_id"),
    (turns(USER | {"tool_calls": [CALL]}, ANSWER), "message 1 calls a tool but is not the assistant's"),
    (turns(USER, ANSWER, tools=[{"type": "function", "function": {"name": "a b"}}]), "tool 1: its name must be"),
    (turns(USER, ANSWER, tools=[TOOL], functions=[]), "it has both tools and functions"),
    (turns(USER | {"name": "Frau Meier"}, ANSWER), "message 1: its name must be 1 to 64 letters"),
    (
        turns(USER, ANSWER | {"content": [{"type": "image_url", "image_url": {}}]}),
        "message 2, part 1: an assistant's message holds text only",
    ),
    (turns(USER, ANSWER, parallel_tool_calls=1), "parallel_tool_calls is not true or false"),
    ({"prompt": "a"}, "completion is missing"),
    ({"prompt": 1, "completion": "b"}, "prompt is not text"),
    ({"text": ""}, "text is empty"),
    ({"question": "a"}, "answer is missing"),
    ({"context": "a"}, "an unlabelled trace"),
    (
        {"input": {"messages": [USER]}, "preferred_output": [ANSWER], "non_preferred_output": [ANSWER]},
        "the preferred and the other output are the same",
    ),
    ({"contents": [{"role": "user", "parts": [{"text": "a"}]}]}, "the last content is not the model's"),
    (
        {"schemaVersion": "x", "messages": [{"role": "assistant", "content": [{"text": "a"}]}]},
        "the first message is not the user's",
    ),
    ({"schemaVersion": "x", "messages": [], "more": 1}, "it has an unknown key"),
]


def read(tmp_path: Path, *lines: Any, validation: list[Any] | None = None) -> Read:
    """What is found in a file of these lines: objects, or text as it is."""
    held = None if validation is None else written(tmp_path / "validation.jsonl", *validation)
    return read_training_file(written(tmp_path / "train.jsonl", *lines), AROUND, held)


def written(file: Path, *lines: Any) -> Path:
    """A file of these lines."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return file
