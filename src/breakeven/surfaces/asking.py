"""Questions asked in JSON, by the API and by MCP: JSON's own types, and fields named as JSON names them."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.questions.fields import Question, ask
from breakeven.questions.kind import Kind

FLAG = re.compile(r"--([a-z][a-z-]*)")


class FieldError(InputError):
    """A value that breaks the published schema of its field."""


def reply(kind: Kind, values: Mapping[str, Any], catalogue: Catalogue, today: dt.date) -> Any:
    """
    The answer to a question whose fields came as JSON, ``as_of`` being today where it is not given.

    Raises FieldError for a value that breaks the schema, InputError for values that do not fit together or name what
    the catalogue does not know.
    """
    try:
        question = ask(kind.question, {"as_of": today} | dict(values), from_json=True)
    except InputError as error:
        fault = InputError if error.field is None else FieldError
        raise fault(in_json_words(str(error), kind.question), error.field) from None
    try:
        return kind.answer(question, catalogue, {} if "as_of" in values else {"as_of": "today"})
    except InputError as error:
        raise InputError(in_json_words(str(error), kind.question), error.field) from None


def in_json_words(message: str, shape: type[Question]) -> str:
    """A message without what only the command line has: flags become field names, commands to type are left out."""

    def field_name(flag: re.Match[str]) -> str:
        name = flag[1].replace("-", "_")
        return name if name in shape.model_fields else flag[0]

    return FLAG.sub(field_name, message.partition(" See: ")[0])
