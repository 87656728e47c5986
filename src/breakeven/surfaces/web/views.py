"""How each question's answer becomes a page: as tables, unless it has a page of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from breakeven.questions.kind import Kind
from breakeven.surfaces.web import finetune_view, table_view
from breakeven.surfaces.web.figures import Figures


@dataclass(frozen=True, slots=True)
class View:
    """
    What the page of a question is drawn from.

    template : of the answer in full. upload : of a form above the question's own that takes files, "" for none.
    names : called with the question, its answer, the figures of a pinned answer and the catalogue (None for the parts
        of a page only): what the templates need.
    figures : the numbers of an answer that differences are shown for.
    """

    template: str
    names: Callable[..., dict[str, Any]]
    figures: Callable[[Any], Figures]
    upload: str = ""


TABLES = View("tables.html", table_view.names, table_view.figures)
OWN = {
    "finetune": View("finetune.html", finetune_view.names, finetune_view.figures),
    "training": replace(TABLES, upload="_training_upload.html"),
}


def view_of(kind: Kind) -> View:
    """The view of a question."""
    return OWN.get(kind.name, TABLES)
