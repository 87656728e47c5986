"""Any answer that is drawn as tables, as GitHub-flavoured Markdown: for a ticket, a wiki, a pull request."""

from collections.abc import Iterable, Iterator

from breakeven.questions.tables import Table, Tabled
from breakeven.surfaces.render.numbers import is_number, shown

SHOWN_ROWS = 100
"""Rows of a table; JSON has all of them."""


def markdown(answer: Tabled) -> str:
    """The whole answer, folded tables too."""
    return "\n".join(_lines(answer)).rstrip("\n") + "\n"


def _lines(answer: Tabled) -> Iterator[str]:
    yield f"**{escaped(answer.headline)}**"
    yield ""
    for table in answer.tables():
        if table.rows:
            yield from _table(table)
    if answer.unknowns:
        yield "## Not known"
        yield ""
        yield from (f"- {escaped(each)}" for each in answer.unknowns)
        yield ""
    yield "## Sources"
    yield ""
    package = f"{answer.prices['package']} {answer.prices['version']}"
    yield f"- List prices: {escaped(package)}; prices and offers as of {answer.question['as_of']}"
    for source in answer.sources:
        yield f"- {escaped(source.title)}, seen {source.seen} ({source.confidence}): <{source.url}>"


def _table(table: Table) -> Iterator[str]:
    yield f"## {escaped(table.title)}"
    yield ""
    yield _row(column.title for column in table.columns)
    yield _row("---:" if is_number(column.unit) else "---" for column in table.columns)
    for row in table.rows[:SHOWN_ROWS]:
        cells = (shown(value, column.unit) for value, column in zip(row, table.columns, strict=True))
        yield _row(map(escaped, cells))
    if len(table.rows) > SHOWN_ROWS:
        yield ""
        yield f"And {len(table.rows) - SHOWN_ROWS:,} more; the JSON holds all."
    if table.note:
        yield ""
        yield escaped(table.note)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """A text as Markdown shows it: letter by letter, on one line."""
    plain = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in plain)
