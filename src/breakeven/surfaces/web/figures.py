"""Numbers of a page: as printed, where they come from, and how they differ from a pinned answer's."""

from dataclasses import dataclass
from typing import Any

from breakeven.surfaces.render.numbers import money
from breakeven.surfaces.web.state import as_text


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One number of the page.

    text : as printed. value : as computed, None where it is unknown or never.
    why : where it comes from: your number, your log, a list price with its day, an assumption.
    delta : its difference from the baseline as printed, "" where there is none.
    """

    text: str
    value: float | None
    why: str
    delta: str = ""


Figures = dict[str, Figure]


def compared(found: Figures, baseline: Figures) -> Figures:
    """Figures with their difference from the baseline's."""
    return {
        key: Figure(figure.text, figure.value, figure.why, _delta(key, figure, baseline[key]))
        if key in baseline
        else figure
        for key, figure in found.items()
    }


def _delta(key: str, now: Figure, then: Figure) -> str:
    """How a figure differs from the baseline, "" where it is printed the same."""
    if now.text == then.text:
        return ""
    if now.value is None or then.value is None:
        return f"was {then.text}"
    change = now.value - then.value
    size = money(abs(change)) if key.endswith("_usd") else f"{abs(change):.1f}"
    return f"{'+' if change > 0 else '-'}{size}"


def inputs(answer: Any) -> list[tuple[str, str, str]]:
    """Fields that were not left at their defaults: name, value, where it came from."""
    return [
        (name, as_text(answer.question[name]), origin)
        for name, origin in answer.origins.items()
        if origin != "default" and answer.question[name] is not None
    ]
