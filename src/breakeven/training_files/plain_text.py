"""
Text without roles, all of it trained on: Together's generic form.

One line is ``{"text": text}``, as in https://docs.together.ai/docs/fine-tuning/data-preparation.
"""

from collections.abc import Mapping
from typing import Any

from breakeven.training_files.example import Example, Form, Turn, text_of


def accepts(line: Mapping[str, Any]) -> bool:
    """By ``text``, where no key of another form is."""
    return "text" in line and not line.keys() & {"messages", "prompt", "completion", "contents", "question", "answer"}


def read(line: Mapping[str, Any]) -> Example:
    """One turn."""
    more = ("keys beside text: some providers refuse them",) if line.keys() - {"text"} else ()
    return Example((Turn("", (text_of(line.get("text"), "text"),), trained=True),), warnings=more)


FORM = Form(
    "text",
    "text without roles (Together)",
    "https://docs.together.ai/docs/fine-tuning/data-preparation",
    accepts,
    read,
)
