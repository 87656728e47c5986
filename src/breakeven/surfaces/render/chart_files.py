"""Charts as files: SVG, PNG, one HTML page; and the chart runtime for browsers. Needs the ``web`` extra."""

from contextlib import suppress
from functools import cache
from html import escape
from importlib.metadata import version
from typing import Any

from breakeven.catalogue import genai
from breakeven.errors import BreakevenError

try:
    import vl_convert

    from breakeven.surfaces.render.chart_theme import THEMES, ThemeName
    from breakeven.surfaces.render.charts import CHARTS, specs
except ImportError:
    raise BreakevenError("Charts need the web extra; install it with: pip install 'breakeven[web]'") from None

from breakeven.surfaces.render.chart_rows import Rows

SNIPPET = "window.vegaEmbed = vegaEmbed;"
"""What the runtime hands to the page."""

PNG_SCALE = 2.0
HTML_WIDTH = 900
GAP = 40


def chart_spec(name: str, rows: Rows, theme: ThemeName, width: int) -> dict[str, Any]:
    """One chart with its rows, as wide as asked for. [px]"""
    return specs(theme)[name] | {"width": width, "datasets": rows}


def whole_spec(rows: Rows, theme: ThemeName, width: int) -> dict[str, Any]:
    """Every chart that has something to show, one below the other, on the page's background."""
    drawn = [specs(theme)[name] for name in CHARTS if name != "map" or rows["cells"]]
    config = drawn[0]["config"] | {"background": THEMES[theme].page}
    parts = [{key: value for key, value in spec.items() if key not in ("config", "$schema")} for spec in drawn]
    return {
        "$schema": drawn[0]["$schema"],
        "vconcat": [part | {"width": width} for part in parts],
        "resolve": {"scale": {"color": "independent", "fill": "independent", "strokeDash": "independent"}},
        "spacing": GAP,
        "padding": 16,
        "datasets": rows,
        "config": config,
    }


def svg(spec: dict[str, Any]) -> bytes:
    """A specification drawn as SVG."""
    return vl_convert.vegalite_to_svg(spec).encode()


def png(spec: dict[str, Any]) -> bytes:
    """A specification drawn as PNG, twice as fine as its size says."""
    return vl_convert.vegalite_to_png(spec, scale=PNG_SCALE)


def html(spec: dict[str, Any], headline: str) -> bytes:
    """One page that needs nothing from outside: the headline, and the charts with their runtime inside."""
    page = vl_convert.vegalite_to_html(spec, bundle=True, renderer="svg")
    title = escape(headline)
    head, _, body = page.partition("<body>")
    return f"{head}<body><h1>{title}</h1>{body}".encode()


@cache
def bundle() -> bytes:
    """The chart runtime for browsers, put together once and kept in the user's cache folder."""
    kept = genai.cache_folder() / f"vega-{version('vl-convert-python')}.js"
    try:
        return kept.read_bytes()
    except OSError:
        made = vl_convert.javascript_bundle(SNIPPET).encode()
    with suppress(OSError):
        genai.write_whole(kept, made)
    return made
