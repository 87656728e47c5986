"""``--chart``: the charts of an answer as files."""

from collections.abc import Callable, Sequence
from pathlib import Path

from breakeven.catalogue.genai import write_whole
from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, InputError
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion

ENDINGS = (".svg", ".png", ".html")


def check_names(files: Sequence[Path]) -> None:
    """Raise InputError for a file whose ending says no kind of chart, before anything is worked out."""
    for file in files:
        if file.suffix.lower() not in ENDINGS:
            raise InputError(f"--chart is {str(file)!r}; its name must end in {', '.join(ENDINGS)}", "chart")


def write_charts(
    files: Sequence[Path], question: FinetuneQuestion, answer: FinetuneAnswer, catalogue: Catalogue
) -> None:
    """
    Write the charts, under the headline, to each file, in the format that its name says.

    Raises BreakevenError where the ``web`` extra is missing or a file cannot be written.
    """
    from breakeven.questions.break_even_map import break_even_map
    from breakeven.surfaces.render.chart_files import html, png, whole_svg
    from breakeven.surfaces.render.chart_rows import rows

    drawn = rows(answer, break_even_map(question, answer, catalogue))
    headline = answer.verdict.headline
    formats: dict[str, Callable[[], bytes]] = {
        ".svg": lambda: whole_svg(drawn, headline),
        ".png": lambda: png(whole_svg(drawn, headline)),
        ".html": lambda: html(drawn, headline),
    }
    for file in files:
        try:
            write_whole(file, formats[file.suffix.lower()]())
        except OSError as error:
            raise BreakevenError(f"--chart {file}: cannot be written: {error.strerror}") from None
