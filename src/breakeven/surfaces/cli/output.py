"""Printing: JSON as it is, text through rich at the width of the terminal."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter
from pydantic_core import to_json

from breakeven.files import whole_file

if TYPE_CHECKING:
    from rich.console import Console

Format = Literal["text", "json"]
OutputOption: TypeAlias = Annotated[Path | None, Parameter(help="Write the answer to this file.")]

PIPED_WIDTH = 110
"""Width of text that is not shown on a terminal. [characters]"""


def show(
    document: Any,
    draw: "Callable[[Console], None]",
    format_: Literal["text", "json", "markdown"],
    output: Path | None,
) -> None:
    """
    Print an answer, or write it to a file whole or not at all.

    Parameters
    ----------
    document : dict or dataclass
        The JSON document; dataclasses in it are written as objects. For Markdown, an answer drawn as tables.
    draw : callable
        Draws the same answer as text on a console.
    """
    text = None
    if format_ == "json":
        text = to_json(document, indent=2).decode() + "\n"
    elif format_ == "markdown":
        from breakeven.surfaces.render.markdown import markdown

        text = markdown(document)
    if output is None:
        if text is None:
            draw(console())
        else:
            sys.stdout.write(text)
        return
    if text is None:
        import io

        from breakeven.surfaces.render.plain import PlainConsole

        page = io.StringIO()
        draw(PlainConsole(PIPED_WIDTH, page))
        text = page.getvalue()
    with whole_file(output, "--output") as part:
        part.write_text(text, encoding="utf-8")


def console() -> "Console":
    """Standard output, as wide as the terminal, or ``PIPED_WIDTH`` where there is none."""
    from breakeven.surfaces.render.plain import PlainConsole

    width = min(shutil.get_terminal_size().columns, 140) if sys.stdout.isatty() else PIPED_WIDTH
    return PlainConsole(width)
