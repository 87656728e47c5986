"""A table of an answer drawn as a line with its band, as an SVG image. Needs the ``web`` extra."""

from html import escape
from typing import Any

from breakeven.questions.tables import Plot, Table
from breakeven.surfaces.render.chart_theme import THEMES, ThemeName, config
from breakeven.surfaces.render.numbers import shown

HEIGHT = 260
"""Of the drawing, axes left out. [px]"""


def described(table: Table) -> str:
    """A plot in words, for those who do not see it."""
    plot = _plot_of(table)
    points = _points(table, plot)
    if not points:
        return f"{table.title}: nothing to draw."
    first, last = points[0], points[-1]
    unit = table.columns[plot.y].unit
    ends = (f"{shown(each['y'], unit)} at {each['x']:,.4g} {plot.x_title}" for each in (first, last))
    return f"{table.title}: {plot.y_title}, from {' to '.join(ends)}."


def plot_spec(table: Table, theme: ThemeName, width: int) -> dict[str, Any]:
    """A table's plot as a Vega-Lite specification with its rows. Raises ValueError for a table without one."""
    import altair as alt

    plot = _plot_of(table)
    colours = THEMES[theme]
    data = alt.InlineData(values=_points(table, plot))
    scale = alt.Scale(type="log", base=2, nice=False) if plot.log_x else alt.Scale(nice=False)
    x = alt.X("x:Q", title=plot.x_title, scale=scale, axis=alt.Axis(grid=False, format="~s"))
    y = alt.Y("y:Q", title=plot.y_title, scale=alt.Scale(zero=True), axis=alt.Axis(format="~s", tickCount=6))
    base = alt.Chart(data).encode(x=x)
    colour = colours.lines["option_1"]
    layers: list[Any] = [base.mark_line(strokeWidth=2.5, color=colour).encode(y=y)]
    layers.append(base.mark_point(filled=True, opacity=1, size=30, color=colour).encode(y=y))
    if plot.low is not None and plot.high is not None:
        layers.insert(0, base.mark_area(opacity=0.25, color=colour).encode(y=alt.Y("low:Q"), y2="high:Q"))
    chart = alt.layer(*layers).properties(width=width, height=HEIGHT, autosize=alt.AutoSizeParams(contains="padding"))
    spec: dict[str, Any] = chart.to_dict()
    return spec | {"config": config(colours)}


def plot_svg(table: Table, theme: ThemeName, width: int) -> bytes:
    """A table's plot as an SVG image. Raises ValueError for a table without one."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(plot_spec(table, theme, width))
    label = escape(described(table))
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).encode()


def _plot_of(table: Table) -> Plot:
    if table.plot is None:
        raise ValueError(f"table {table.name} is not drawn")
    return table.plot


def _points(table: Table, plot: Plot) -> list[dict[str, float]]:
    """Rows whose numbers are known."""
    found = []
    places = {"x": 0, "y": plot.y, "low": plot.low, "high": plot.high}
    for row in table.rows:
        values = {name: row[place] for name, place in places.items() if place is not None}
        if all(isinstance(value, int | float) for value in values.values()):
            found.append({name: float(value) for name, value in values.items() if value is not None})
    return found
