"""
A question and its answer, as distillation tools write them: no provider takes it as it is.

One line is ``{"question": text, "answer": text or object, "context": text}``. It is counted as what it becomes: the
context and the question a user's message, the answer the assistant's. A chat written as JSON in one of them is text.
"""

import json
from collections.abc import Mapping
from typing import Any

from breakeven.training_files.example import Example, Form, InvalidLineError, Turn, text_of

ADVICE = (
    "No provider takes lines of question and answer: write each as messages, the question as the user's and the answer"
    " as the assistant's; tokens are counted as if that were done."
)


def accepts(line: Mapping[str, Any]) -> bool:
    """By ``question`` or ``answer``, or a ``context`` alone."""
    return "messages" not in line and ("question" in line or "answer" in line or line.keys() == {"context"})


def read(line: Mapping[str, Any]) -> Example:
    """A user's turn and the assistant's."""
    if "question" not in line and "answer" not in line:
        raise InvalidLineError("it has a context but no question and no answer: an unlabelled trace")
    question = text_of(line.get("question"), "question")
    context = () if not line.get("context") else (text_of(line["context"], "context"),)
    answer = line.get("answer")
    if isinstance(answer, dict | list) and answer:
        answer = json.dumps(answer, ensure_ascii=False)
    return Example((Turn("user", (*context, question)), Turn("assistant", (text_of(answer, "answer"),), trained=True)))


FORM = Form("question-answer", "questions and answers (distillation tools)", "", accepts, read, ADVICE)
