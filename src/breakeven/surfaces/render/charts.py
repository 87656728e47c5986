"""The charts of a finetune answer as Altair specifications over named, empty datasets; see ``chart_rows``."""

from functools import cache
from typing import Any, TypeAlias

import altair as alt
import vl_convert

from breakeven.surfaces.render.chart_rows import WORDS
from breakeven.surfaces.render.chart_theme import THEMES, Theme, ThemeName, config
from breakeven.surfaces.render.chart_words import PARTS

Spec = dict[str, Any]
Chart: TypeAlias = alt.LayerChart | alt.FacetChart

CHARTS = ("costs", "map", "parts")
"""Names of the charts, in the order in which they are read."""

TEXT_DATASETS = ("words", "part_names", "left_out")
"""Datasets that only legends and titles read; Vega-Lite leaves out what no mark is drawn from."""

WIDE = 560
"""Width from which the map's cells hold months with a decimal, and legends stand in one row. [px]"""

DASHES = {
    "stay": [1, 0],
    "best_untuned": [7, 4],
    "option_1": [1, 0],
    "option_2": [10, 3, 2, 3],
    "option_3": [3, 3],
    "option_4": [12, 3, 2, 3, 2, 3],
}

USD_LABEL = "replace(format(datum.value, datum.value && abs(datum.value) < 10 ? '$.2~r' : '$.3~s'), 'G', 'B')"
SHARE_LABEL = "format(datum.value, '.0%')"
CALLS_LABEL = "replace(format(datum.value, '~s'), 'G', 'B')"


@cache
def specs(theme: ThemeName) -> dict[str, Spec]:
    """Every chart as a Vega-Lite specification, as wide as its container."""
    colours = THEMES[theme]
    drawn = {"costs": costs_chart(colours), "map": map_chart(colours), "parts": parts_chart(colours)}
    return {name: _whole(chart, colours) for name, chart in drawn.items()}


@cache
def vega_specs(theme: ThemeName) -> dict[str, Spec]:
    """Every chart compiled to Vega: its datasets are filled by name, its width is set by whoever shows it."""
    compiled = {}
    for name, spec in specs(theme).items():
        vega: Spec = vl_convert.vegalite_to_vega(spec | {"width": 700})
        vega["data"] = [{"name": each} for each in TEXT_DATASETS] + vega["data"]
        compiled[name] = vega
    return compiled


def costs_chart(theme: Theme) -> Chart:
    """What each choice has cost by the end of each month."""
    slots = list(theme.lines)
    looked_up = "data('lines')[indexof(pluck(data('lines'), 'slot'), datum.label)]"
    legend = alt.Legend(
        title=None,
        orient="top",
        direction="vertical",
        columns=alt.ExprRef(f"width < {WIDE} ? 1 : 2"),
        values=alt.ExprRef("pluck(data('lines'), 'slot')"),
        labelExpr=f"{looked_up} ? {looked_up}.label : ''",
        symbolType="stroke",
        symbolSize=600,
    )
    x = alt.X("month:Q", title="month", scale=alt.Scale(nice=False), axis=alt.Axis(grid=False, tickMinStep=1))
    y = alt.Y("usd:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(labelExpr=USD_LABEL, tickCount=6))
    colour = alt.Color("slot:N", scale=alt.Scale(domain=slots, range=list(theme.lines.values())), legend=legend)
    dash = alt.StrokeDash("slot:N", scale=alt.Scale(domain=slots, range=list(DASHES.values())), legend=legend)
    lines = alt.Chart(alt.NamedData("paths")).mark_line(strokeWidth=2.5).encode(x=x, y=y, color=colour, strokeDash=dash)
    ends = (
        alt.Chart(alt.NamedData("lines"))
        .mark_point(filled=True, opacity=1, size=36)
        .encode(x="month:Q", y="usd:Q", color=colour)
    )
    retired, *retired_texts = _retirements(theme)
    layers = [retired, lines, ends, *_crossing(theme), *retired_texts, *_month_cursor(theme, colour)]
    return alt.layer(*layers).properties(height=320, title=_left_out())


def _left_out() -> alt.TitleParams:
    """The options that are not drawn, one a line."""
    return alt.TitleParams(alt.ExprRef("pluck(data('left_out'), 'text')"), orient="bottom")


def _crossing(theme: Theme) -> list[alt.Chart]:
    """The break-even: a rule at its month, a ring on the lines, and a text at the top, where lines leave room."""
    base = alt.Chart(alt.NamedData("crossings")).encode(x="month:Q")
    rule = base.mark_rule(color=theme.ink, strokeWidth=1)
    ring = base.mark_point(size=110, filled=True, opacity=1, fill=theme.page, stroke=theme.ink, strokeWidth=2.5)
    return [rule, ring.encode(y="usd:Q"), *_beside_rule(base, "text", alt.ExprRef("2"), theme)]


def _retirements(theme: Theme) -> list[alt.Chart]:
    """Dashed rules, with their texts below that of the break-even, one below the other."""
    base = alt.Chart(alt.NamedData("retirements")).encode(x="month:Q")
    rule = base.mark_rule(color=theme.muted, strokeWidth=1.5, strokeDash=[5, 4])
    return [rule, *_beside_rule(base, "label", alt.ExprRef("54 + 18 * datum.row"), theme)]


def _beside_rule(base: alt.Chart, field: str, y: alt.ExprRef, theme: Theme) -> list[alt.Chart]:
    """A text on the side of a rule that has room, first as a halo in the page's colour."""
    look: dict[str, Any] = {
        "align": alt.ExprRef("datum.side == 'left' ? 'right' : 'left'"),
        "dx": alt.ExprRef("datum.side == 'left' ? -7 : 7"),
        "baseline": "top",
        "lineBreak": "\n",
        "limit": alt.ExprRef("width / 2 + 40"),
    }
    text = base.encode(text=f"{field}:N", y=alt.value(y))
    return [
        text.mark_text(**look, stroke=theme.page, strokeWidth=4, strokeJoin="round", fill=theme.page),
        text.mark_text(**look, color=theme.ink),
    ]


def _month_cursor(theme: Theme, colour: alt.Color) -> list[alt.Chart]:
    """The month a reader points at: its rule and a point on each line."""
    base = alt.Chart(alt.NamedData("cursor")).encode(x="month:Q")
    point = base.mark_point(filled=True, opacity=1, size=70).encode(y="usd:Q", color=colour)
    return [base.mark_rule(color=theme.muted, strokeWidth=1), point]


def map_chart(theme: Theme) -> Chart:
    """Break-even over call volume and output reduction, the cell nearest to the question outlined."""
    words = list(WORDS)
    looked_up = "data('words')[indexof(pluck(data('words'), 'word'), datum.label)]"
    legend = alt.Legend(
        title=None,
        orient="top",
        direction="vertical",
        columns=alt.ExprRef(f"width < {WIDE} ? 2 : 5"),
        values=alt.ExprRef("pluck(data('words'), 'word')"),
        labelExpr=f"{looked_up} ? {looked_up}.label : ''",
        symbolType="square",
        symbolSize=200,
        symbolStrokeWidth=0,
    )
    x = alt.X(
        "calls:O",
        title="calls a month",
        sort="ascending",
        axis=alt.Axis(labelExpr=CALLS_LABEL, labelAngle=0, labelOverlap="parity", ticks=False, domain=False),
    )
    y = alt.Y(
        "reduction:O",
        title=None,
        sort="descending",
        axis=alt.Axis(labelExpr=SHARE_LABEL, ticks=False, domain=False),
    )
    fills = alt.Scale(domain=words, range=[theme.words[word][0] for word in words])
    inks = alt.Scale(domain=words, range=[theme.words[word][1] for word in words])
    cells = alt.Chart(alt.NamedData("cells")).encode(x=x, y=y)
    rects = cells.mark_rect(stroke=theme.page, strokeWidth=1).encode(
        fill=alt.Fill("word:N", scale=fills, legend=legend)
    )
    texts = (
        cells.transform_calculate(shown=f"width >= {WIDE} ? datum.text : datum.short")
        .mark_text()
        .encode(text="shown:N", color=alt.Color("word:N", scale=inks, legend=None))
    )
    outlines = [*_outline("here", theme.ink, theme), *_outline("cell_cursor", theme.lines["option_1"], theme)]
    title = alt.TitleParams(["In the cells: months to break-even.", "Upwards: output tokens that tuning saves."])
    return alt.layer(rects, texts, *outlines).properties(height=alt.Step(28), title=title)


def _outline(name: str, colour: str, theme: Theme) -> list[alt.Chart]:
    """A cell's outline, legible on every fill."""
    base = alt.Chart(alt.NamedData(name)).encode(x="calls:O", y=alt.Y("reduction:O", sort="descending"))
    return [
        base.mark_rect(fill=None, stroke=theme.page, strokeWidth=6),
        base.mark_rect(fill=None, stroke=colour, strokeWidth=3),
    ]


def parts_chart(theme: Theme) -> Chart:
    """What each choice's cost over the horizon is made of."""
    names = list(PARTS.values())
    legend = alt.Legend(
        title=None,
        orient="top",
        direction="vertical",
        columns=alt.ExprRef(f"width < {WIDE} ? 2 : 5"),
        values=alt.ExprRef("pluck(data('part_names'), 'part')"),
        symbolType="square",
        symbolSize=200,
        symbolStrokeWidth=0,
    )
    fills = alt.Scale(domain=names, range=[theme.parts[name] for name in names])
    x = alt.X("start:Q", title=None, axis=alt.Axis(labelExpr=USD_LABEL, tickCount=5))
    y = alt.Y("place:O", axis=None, scale=alt.Scale(padding=0))
    bars = (
        alt.Chart(alt.NamedData("parts"))
        .mark_bar(height=20, yOffset=9, stroke=theme.page, strokeWidth=1)
        .encode(x=x, x2="end:Q", y=y, fill=alt.Fill("part:N", scale=fills, legend=legend))
    )
    texts = (
        alt.Chart(alt.NamedData("bars"))
        .mark_text(align="left", baseline="bottom", dy=-4, color=theme.ink, limit=alt.ExprRef("width"))
        .encode(x=alt.value(0), y=y, text="text:N")
    )
    return alt.layer(bars, texts).properties(height=alt.Step(44), title=_left_out())


def _whole(chart: Chart, theme: Theme) -> Spec:
    """The chart's document, with the theme and a width that follows its container."""
    sized = chart.properties(width="container", autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    return {**sized.to_dict(), "config": config(theme)}
