"""
A prompt and its completion: Together's and Nebius's instruction form, Bedrock's for models other than Nova.

One line is ``{"prompt": text, "completion": text}``, as in https://docs.together.ai/docs/fine-tuning/data-preparation.
"""

from collections.abc import Mapping
from typing import Any

from breakeven.training_files.example import Example, Form, Turn, text_of

KEYS = ("prompt", "completion")


def accepts(line: Mapping[str, Any]) -> bool:
    """By a completion, or a prompt without messages."""
    return "completion" in line or ("prompt" in line and "messages" not in line)


def read(line: Mapping[str, Any]) -> Example:
    """A user's turn and the assistant's."""
    prompt, completion = (text_of(line.get(key), key) for key in KEYS)
    more = ("keys beside prompt and completion: some providers refuse them",) if line.keys() - set(KEYS) else ()
    return Example((Turn("user", (prompt,)), Turn("assistant", (completion,), trained=True)), warnings=more)


FORM = Form(
    "prompt-completion",
    "a prompt and its completion (Together, Nebius, Bedrock except Nova)",
    "https://docs.together.ai/docs/fine-tuning/data-preparation",
    accepts,
    read,
)
