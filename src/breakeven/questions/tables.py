"""An answer as tables: what every surface draws alike, whatever the question."""

import datetime as dt
from typing import Literal, Protocol

from breakeven.catalogue.load import Catalogue
from breakeven.questions.fields import Question
from breakeven.questions.statement import Cited, part

Unit = Literal[
    "text", "usd", "usd_per_mtok", "share", "signed_share", "months", "tokens", "count", "ratio", "score", "rough"
]
"""
How a column's values are printed; all but ``text`` are numbers, null where not known. ``rough`` is predicted: two
digits that count.
"""

Cell = str | float | int | None


@part
class Column:
    """A column: its heading, and how its values are printed."""

    title: str
    unit: Unit = "text"


@part
class Plot:
    """
    How a table's numbers are drawn: a line with its band over the first column.

    y, low, high : columns by place; low and high are None without a band.
    x_title, y_title : of the axes, with their units. log_x : whether the first column grows by factors.
    """

    y: int
    x_title: str
    y_title: str
    low: int | None = None
    high: int | None = None
    log_x: bool = False


@part
class Table:
    """
    One table of an answer.

    name : unique in the answer, for addresses and differences between answers.
    rows : one value per column; the first column names the row.
    note : one or more sentences below it: what was assumed, where its prices come from.
    folded : whether it is a detail: pages fold it, text leaves it out.
    plot : how it is drawn as a chart, None where it is not.
    """

    name: str
    title: str
    columns: list[Column]
    rows: list[list[Cell]]
    note: str = ""
    folded: bool = False
    plot: Plot | None = None


class Tabled(Protocol):
    """What an answer has, beside its own parts, that surfaces draw."""

    @property
    def headline(self) -> str:
        """The answer in a few sentences."""

    @property
    def question(self) -> dict[str, object]:
        """Every field as used."""

    @property
    def origins(self) -> dict[str, str]:
        """Where each field came from."""

    @property
    def unknowns(self) -> list[str]:
        """What is not known."""

    @property
    def sources(self) -> list[Cited]:
        """Sources, with who used each."""

    @property
    def prices(self) -> dict[str, str | None]:
        """Which price list."""

    def tables(self) -> list[Table]:
        """The answer as tables, the most important first."""


def echo(question: Question) -> dict[str, object]:
    """Every field as used, for the answer's ``question``."""
    return question.model_dump(mode="json")


def origins_of(question: Question, read: dict[str, str]) -> dict[str, str]:
    """Of each field: yours, from your log, or a default; ``read`` says it of those read from elsewhere."""
    given = dict.fromkeys(question.model_fields_set, "yours")
    return dict.fromkeys(type(question).model_fields, "default") | given | read


def price_list(catalogue: Catalogue, as_of: dt.date) -> dict[str, str | None]:
    """Which price list an answer rests on, as the JSON documents hold it."""
    table = catalogue.prices.document
    return {
        "package": table["package"],
        "version": table["version"],
        "refreshed": table["refreshed"],
        "newest_change": catalogue.price_source(as_of).seen,
        "own_file": catalogue.own_file or None,
    }
