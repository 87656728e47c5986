"""What all answers as text are laid out with: headings, grids, lists, sources."""

from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from breakeven.questions.statement import Cited


def heading(text: str, console: Console) -> None:
    """A heading below an empty line."""
    console.print()
    console.print(Text(text, style="bold underline"))


def grid(*columns: str, right: Iterable[int] = ()) -> Table:
    """An empty table; ``right`` are the positions of columns of numbers."""
    rights = set(right)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in rights else "left", overflow="fold")
    return table


def bullets(title: str, lines: list[str], console: Console) -> None:
    """A list under its heading, nothing where it is empty."""
    if lines:
        heading(title, console)
        for line in lines:
            console.print(Padding(Text(f"- {line}"), (0, 0, 0, 2)))


def sources(prices: Mapping[str, str | None], as_of: object, cited: Iterable[Cited], console: Console) -> None:
    """The price list an answer rests on, and the other sources, with their days."""
    heading("Sources", console)
    refreshed = f", refreshed {prices['refreshed']}" if prices["refreshed"] else ""
    newest = f"newest price change {prices['newest_change']}"
    words = f"List prices: {prices['package']} {prices['version']}{refreshed}, {newest}"
    console.print(Text(f"  {words}; prices and offers as of {as_of}", style="dim"))
    for source in cited:
        line = f"{source.title}, seen {source.seen} ({source.confidence}) {source.url}"
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))
