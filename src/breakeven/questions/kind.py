"""A question as surfaces know it. Every question's module ends with its ``KIND``."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import Question, ask

FromUsage = Callable[[Any, Catalogue, Mapping[str, Any]], tuple[dict[str, Any], dict[str, str]]]
"""A whole log's usage, the catalogue and the fields given, to fields and where each came from."""


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
    from_usage : called with the usage of a whole log, the catalogue and the fields given: the fields it fills, and
        where each came from. None where a question is about one task, see ``logs.workload_fields``.
    """

    name: str
    title: str
    short: str
    question: type[Question]
    document: type
    answer: Callable[[Any, Catalogue, dict[str, str]], Any]
    from_usage: FromUsage | None = None

    def reply(self, values: Mapping[str, Any], catalogue: Catalogue, today: dt.date) -> Any:
        """
        The answer for values of its fields, ``as_of`` being today where it is not given.

        Raises InputError naming the field at fault.
        """
        question = ask(self.question, {"as_of": today} | dict(values))
        return self.answer(question, catalogue, {} if "as_of" in values else {"as_of": "today"})
