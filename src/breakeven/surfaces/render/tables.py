"""Any answer that is drawn as tables, as text."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from breakeven.questions.tables import Table, Tabled
from breakeven.surfaces.render.layout import bullets, grid, heading, sources
from breakeven.surfaces.render.numbers import is_number, shown

SHOWN_ROWS = 25
"""Rows of a table that text shows; JSON has all of them."""


def draw(answer: Tabled, console: Console) -> None:
    """Print the whole answer."""
    console.print()
    console.print(Text(answer.headline, style="bold"))
    for table in answer.tables():
        if table.rows and not table.folded:
            _table(table, console)
    bullets("Not known", answer.unknowns, console)
    sources(answer.prices, answer.question["as_of"], answer.sources, console)


def _table(table: Table, console: Console) -> None:
    heading(table.title, console)
    right = [place for place, column in enumerate(table.columns) if is_number(column.unit)]
    drawn = grid(*(column.title for column in table.columns), right=right)
    for row in table.rows[:SHOWN_ROWS]:
        drawn.add_row(*(shown(value, column.unit) for value, column in zip(row, table.columns, strict=True)))
    console.print(drawn)
    if len(table.rows) > SHOWN_ROWS:
        console.print(Text(f"  and {len(table.rows) - SHOWN_ROWS} more; see --format json", style="dim"))
    if table.note:
        console.print(Padding(Text(table.note, style="dim"), (0, 0, 0, 2)))
