"""
Colours of the charts, one set per background. ``tests/surfaces/test_charts.py`` holds them to what readers can tell
apart: text 4.5:1 against what lies behind it, lines 3:1, and line colours also under colour blindness.
"""

from dataclasses import dataclass
from typing import Any, Literal

ThemeName = Literal["light", "dark"]

FONT = "system-ui, 'Liberation Sans', Arial, sans-serif"
"""The reader's own font; where there is none, as on a server, the one that vl-convert carries."""


@dataclass(frozen=True, kw_only=True)
class Theme:
    """
    page, ink, muted, grid : background of the page, text and marks, lesser text, grid lines.
    lines : colour of each slot of a path, see ``chart_rows``.
    words : fill and text of each verdict on the map.
    parts : fill of each part of a cost.
    """

    page: str
    ink: str
    muted: str
    grid: str
    lines: dict[str, str]
    words: dict[str, tuple[str, str]]
    parts: dict[str, str]


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        page="#fcfcfb",
        ink="#1b1d21",
        muted="#555a63",
        grid="#dcdee2",
        lines={
            "stay": "#0072b2",
            "best_untuned": "#1b1d21",
            "option_1": "#d55e00",
            "option_2": "#00845f",
            "option_3": "#b0598c",
            "option_4": "#8a6d00",
        },
        words={
            "clear_win": ("#0b5a94", "#ffffff"),
            "worth_considering": ("#a6cfec", "#1b1d21"),
            "not_worth_it": ("#f7d2a8", "#1b1d21"),
            "never": ("#a8480a", "#ffffff"),
            "unknown": ("#dcdee2", "#1b1d21"),
        },
        parts={
            "training": "#d55e00",
            "data": "#e69f00",
            "people": "#f3cf73",
            "hosting": "#1b1d21",
            "input": "#0072b2",
            "cached input": "#56b4e9",
            "cache writes": "#a9d8f4",
            "output": "#00845f",
            "requests": "#7fc8ad",
            "failed calls": "#b0598c",
            "staying, after its end": "#c3c7ce",
        },
    ),
    "dark": Theme(
        page="#16181c",
        ink="#f0f1f3",
        muted="#b3b8c1",
        grid="#363a42",
        lines={
            "stay": "#5fb4ec",
            "best_untuned": "#f0f1f3",
            "option_1": "#ff8c3a",
            "option_2": "#22b68b",
            "option_3": "#dc8fbd",
            "option_4": "#d0b02e",
        },
        words={
            "clear_win": ("#6bbcf0", "#16181c"),
            "worth_considering": ("#1f5580", "#ffffff"),
            "not_worth_it": ("#744413", "#ffffff"),
            "never": ("#f0964d", "#16181c"),
            "unknown": ("#4a4f59", "#ffffff"),
        },
        parts={
            "training": "#ff8c3a",
            "data": "#ffc04d",
            "people": "#8f6a1e",
            "hosting": "#f0f1f3",
            "input": "#5fb4ec",
            "cached input": "#2b78ad",
            "cache writes": "#1d4a6e",
            "output": "#22b68b",
            "requests": "#136b52",
            "failed calls": "#dc8fbd",
            "staying, after its end": "#565b66",
        },
    ),
}


def config(theme: Theme) -> dict[str, Any]:
    """The Vega-Lite configuration: transparent background, the page's colours, nothing smaller than 12 px."""
    text = {"font": FONT, "fontSize": 12, "color": theme.ink}
    labels = {"labelFont": FONT, "labelFontSize": 12, "labelColor": theme.muted}
    titles = {"titleFont": FONT, "titleFontSize": 12, "titleColor": theme.muted, "titleFontWeight": "normal"}
    return {
        "aria": False,
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "text": text,
        "axis": labels
        | titles
        | {"gridColor": theme.grid, "domainColor": theme.muted, "tickColor": theme.muted, "labelPadding": 4},
        "legend": labels | titles | {"labelColor": theme.ink, "labelLimit": 260, "symbolStrokeWidth": 3},
        "title": text | {"anchor": "start", "fontWeight": "normal", "color": theme.muted, "offset": 8},
    }
