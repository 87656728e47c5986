"""Every form of training file that is known. A new form adds its module here."""

from collections.abc import Mapping
from typing import Any

from breakeven.training_files import (
    bedrock,
    chat,
    gemini,
    plain_text,
    preference,
    prompt_completion,
    question_answer,
)
from breakeven.training_files.example import Form

FORMS: tuple[Form, ...] = (
    preference.FORM,
    chat.FORM,
    bedrock.FORM,
    gemini.FORM,
    prompt_completion.FORM,
    question_answer.FORM,
    plain_text.FORM,
)

BY_NAME: Mapping[str, Form] = {form.name: form for form in FORMS}


def form_of(line: Mapping[str, Any]) -> Form | None:
    """The form of a line as parsed JSON, None where no form, or more than one, has keys of it."""
    fits = [form for form in FORMS if form.accepts(line)]
    return fits[0] if len(fits) == 1 else None
