"""An answer that is drawn as tables, as its page shows it."""

from dataclasses import dataclass
from typing import Any

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import Question
from breakeven.questions.tables import Table, Tabled
from breakeven.surfaces.render.numbers import is_number, shown
from breakeven.surfaces.render.plots import described
from breakeven.surfaces.web.figures import Figure, Figures, compared, inputs

SHOWN_ROWS = 60
"""Rows of a table that a page shows; the JSON has all of them."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    A table ready to be drawn: headings with whether they head numbers, and a figure for each cell.

    picture : its chart in words, "" where it has none.
    """

    name: str
    title: str
    note: str
    folded: bool
    heads: list[tuple[str, bool]]
    rows: list[list[Figure]]
    hidden: int
    picture: str


def names(question: Question, answer: Tabled, baseline: Figures | None, catalogue: Catalogue | None) -> dict[str, Any]:
    """What the templates need."""
    first, _, rest = answer.headline.partition(": ")
    found = figures(answer)
    return {
        "answer": answer,
        "page_title": f"{first} - breakeven",
        "sentence": first.rstrip("."),
        "headline": rest[:1].upper() + rest[1:],
        "badge": "",
        "badge_words": "",
        "flips": [],
        "tables": [drawn(table, found if baseline is None else compared(found, baseline)) for table in answer.tables()],
        "inputs": inputs(answer),
        "cited": answer.sources,
    }


def figures(answer: Tabled) -> Figures:
    """Every number of the tables by table, row and column."""
    found: Figures = {}
    for table in answer.tables():
        for row in table.rows:
            for place, (value, column) in enumerate(zip(row, table.columns, strict=True)):
                if is_number(column.unit):
                    number = None if value is None or isinstance(value, str) else float(value)
                    key = f"{table.name}.{row[0]}.{place}{'_usd' if column.unit == 'usd' else ''}"
                    found[key] = Figure(shown(value, column.unit), number, "")
    return found


def drawn(table: Table, found: Figures) -> Drawn:
    """A table with the figures of its cells, those with a difference from a pinned answer among them."""
    rows = []
    for row in table.rows[:SHOWN_ROWS]:
        cells = []
        for place, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            key = f"{table.name}.{row[0]}.{place}{'_usd' if column.unit == 'usd' else ''}"
            cells.append(found[key] if is_number(column.unit) else Figure(shown(value, column.unit), None, ""))
        rows.append(cells)
    return Drawn(
        name=table.name,
        title=table.title,
        note=table.note,
        folded=table.folded,
        heads=[(column.title, is_number(column.unit)) for column in table.columns],
        rows=rows,
        hidden=max(0, len(table.rows) - SHOWN_ROWS),
        picture=described(table) if table.plot else "",
    )
