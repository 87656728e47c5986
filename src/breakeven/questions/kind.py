"""A question as surfaces know it. Every question's module ends with its ``KIND``."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import Question, ask


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One question as surfaces know it.

    name : in addresses, commands and tools, e.g. ``finetune``.
    title : as people ask it, one line.
    short : two or three words for a menu.
    question : its fields.
    document : dataclass of its answer.
    answer : called with the question, the catalogue, and where fields not given by the user came from.
    """

    name: str
    title: str
    short: str
    question: type[Question]
    document: type
    answer: Callable[[Any, Catalogue, dict[str, str]], Any]

    def reply(self, values: Mapping[str, Any], catalogue: Catalogue, today: dt.date) -> Any:
        """
        The answer for values of its fields, ``as_of`` being today where it is not given.

        Raises InputError naming the field at fault.
        """
        question = ask(self.question, {"as_of": today} | dict(values))
        return self.answer(question, catalogue, {} if "as_of" in values else {"as_of": "today"})
