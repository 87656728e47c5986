"""
Answers that display themselves in a notebook: the verdict, the options and the charts.

Registered with IPython when ``breakeven`` is imported there; ``%load_ext breakeven`` does the same afterwards.
"""

import datetime as dt
from base64 import b64encode
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breakeven.questions.finetune import FinetuneAnswer

WIDTH = 700
"""Width of the charts. [px]"""

CELL = '<{tag} style="text-align:left;padding:2px 12px 2px 0">{text}</{tag}>'


def finetune(*, prices: Path | str | None = None, **fields: Any) -> "FinetuneAnswer":
    """
    Fine-tune a model, or keep paying for API calls? The answer for the fields of ``FinetuneQuestion``.

    Numbers may also be text such as "50k", "30%" or "$0.25". In a notebook the answer shows itself with its charts.

    Parameters
    ----------
    prices : path, optional
        YAML file with your own prices, models and offers.
    **fields
        As the flags of ``breakeven finetune``, e.g. ``model="gpt-5-mini", calls_per_month="50k"``; ``as_of`` is today
        where it is not given.

    Raises
    ------
    InputError
        A field that is missing, unknown or out of its bounds, or a name that the catalogue does not have.
    """
    from breakeven.catalogue.load import load_catalogue
    from breakeven.questions.registry import QUESTIONS

    catalogue = load_catalogue(None if prices is None else Path(prices))
    found: FinetuneAnswer = QUESTIONS["finetune"].reply(fields, catalogue, dt.date.today())
    return found


def register(ipython: Any) -> None:
    """Make answers display themselves in an IPython shell or a notebook."""
    ipython.display_formatter.mimebundle_formatter.for_type_by_name(
        "breakeven.questions.finetune", "FinetuneAnswer", mimebundle
    )


def mimebundle(answer: "FinetuneAnswer", include: Any = None, exclude: Any = None) -> dict[str, str]:
    """An answer as plain text and as HTML. Without the ``web`` extra the HTML has no charts."""
    return {"text/plain": as_text(answer), "text/html": as_html(answer)}


def as_text(answer: "FinetuneAnswer") -> str:
    """What the command line prints."""
    from breakeven.surfaces.cli.output import PIPED_WIDTH
    from breakeven.surfaces.render.finetune import draw
    from breakeven.surfaces.render.plain import PlainConsole

    page = StringIO()
    draw(answer, PlainConsole(PIPED_WIDTH, page))
    return page.getvalue()


def as_html(answer: "FinetuneAnswer") -> str:
    """The headline, the options as a table, and the charts as one image with their words."""
    from breakeven.surfaces.render.finetune import WORDS
    from breakeven.surfaces.render.numbers import money, months

    rows = [
        (
            option.label,
            money(option.upfront_usd, unknown="?"),
            money(option.monthly_usd, unknown="?"),
            "" if option.break_even_months is None else months(option.break_even_months),
            WORDS[option.verdict][0],
        )
        for option in answer.options
        if option.available
    ][:5]
    head = _row("th", ("Option", "Upfront", "A month", "Break-even, months", "Verdict against staying"))
    table = f"<table>{head}{''.join(_row('td', row) for row in rows)}</table>" if rows else ""
    return f"<div><p><b>{escape(answer.verdict.headline)}</b></p>{table}{_image(answer)}</div>"


def _row(tag: str, texts: tuple[str, ...]) -> str:
    return f"<tr>{''.join(CELL.format(tag=tag, text=escape(text)) for text in texts)}</tr>"


def _image(answer: "FinetuneAnswer") -> str:
    """The charts of costs and of their parts; without the ``web`` extra, what to install."""
    from breakeven.errors import BreakevenError
    from breakeven.surfaces.render.chart_rows import rows

    try:
        from breakeven.surfaces.render.chart_files import whole_svg
    except BreakevenError as error:
        return f"<p>{escape(str(error))}</p>"
    drawn = rows(answer, None)
    words = " ".join(each["text"] for each in drawn["described"])
    source = b64encode(whole_svg(drawn, "", width=WIDTH)).decode()
    return f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{source}">'
