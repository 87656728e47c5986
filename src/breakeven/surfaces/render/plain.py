"""The console on which text of a log is shown as it is, whatever markup or control characters it holds."""

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from breakeven.surfaces.visible import visible


class PlainConsole(Console):
    """A console without markup and emoji codes, on which text is ``visible``."""

    def __init__(self, width: int, file: IO[str] | None = None) -> None:
        super().__init__(file=file, width=width, highlight=False, soft_wrap=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as rich measures it."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Everything that is printed."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)
