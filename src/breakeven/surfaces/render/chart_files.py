"""Charts as files: SVG, PNG, one HTML page; and the chart runtime for browsers. Needs the ``web`` extra."""

import gzip
import json
import re
import textwrap
from contextlib import suppress
from functools import cache
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from breakeven.catalogue.genai import cache_folder, write_whole
from breakeven.errors import BreakevenError
from breakeven.surfaces.render.chart_rows import Rows
from breakeven.surfaces.render.chart_theme import FONT, THEMES, ThemeName

try:
    import vl_convert

    from breakeven.surfaces.render.charts import CHARTS, vega_specs
except ImportError:
    raise BreakevenError("Charts need the web extra; install it with: pip install 'breakeven[web]'") from None

SNIPPET = """
import {{ parse, View }} from "/npm/vega@{vega}/+esm";
import {{ expressionInterpreter }} from "/npm/vega-interpreter@2.0.0/+esm";
globalThis.vega = {{ parse, View, expressionInterpreter }};
"""
"""What of Vega the page needs: drawing, and the interpreter that works where a page may not evaluate text as code."""

LICENCES = """/*! Vega: Copyright (c) 2015-2025, University of Washington Interactive Data Lab; BSD-3-Clause.
    D3: Copyright 2010-2025 Mike Bostock; ISC. */
"""

TITLES = {
    "costs": "Cost added up, by month",
    "map": "Months to break-even at other volumes and token reductions",
    "parts": "Cost over the horizon, by part",
}
PNG_SCALE = 2.0
FILE_WIDTH = 900
"""Width of charts in a file of their own. [px]"""
MARGIN, TITLE_HEIGHT, LINE_HEIGHT = 20, 34, 22
CHARACTER_WIDTH = 7.6
"""Mean width of a character of the headline. [px]"""


def chart_spec(name: str, rows: Rows, theme: ThemeName, width: int) -> dict[str, Any]:
    """One chart as Vega, with its rows, as wide as asked for. [px]"""
    spec = vega_specs(theme)[name]
    data = [each | {"values": rows[each["name"]]} if each["name"] in rows else each for each in spec["data"]]
    text = next((each["text"] for each in rows["described"] if each["chart"] == name), "")
    return spec | {"data": data, "width": width, "description": text}


def svg(spec: dict[str, Any]) -> bytes:
    """A chart drawn as SVG, with its words for those who do not see it."""
    drawn = vl_convert.vega_to_svg(spec)
    label = escape(spec["description"])
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).encode()


def whole_svg(rows: Rows, headline: str, theme: ThemeName = "light", width: int = FILE_WIDTH) -> bytes:
    """The headline and every chart that has something to show, one below the other, on the page's background."""
    colours = THEMES[theme]
    lines = textwrap.wrap(headline, int(width / CHARACTER_WIDTH))
    at = MARGIN + 16
    body = []
    for number, line in enumerate(lines):
        body.append(_text(line, at + number * LINE_HEIGHT, 15, colours.ink))
    at += len(lines) * LINE_HEIGHT
    for name in _shown(rows):
        body.append(_text(TITLES[name], at + LINE_HEIGHT, 14, colours.ink))
        at += TITLE_HEIGHT
        drawn = svg(chart_spec(name, rows, theme, width)).decode()
        body.append(_placed(drawn, at, name))
        at += int(_size(drawn, "height")) + MARGIN
    full = width + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{full}"'
        f' height="{at}" viewBox="0 0 {full} {at}">'
        f'<rect width="{full}" height="{at}" fill="{colours.page}"/>{"".join(body)}</svg>\n'
    ).encode()


def _shown(rows: Rows) -> list[str]:
    return [name for name in CHARTS if name != "map" or rows["cells"]]


def _text(line: str, y: float, size: int, colour: str) -> str:
    look = f'font-family="{FONT}" font-size="{size}" font-weight="bold" fill="{colour}"'
    return f'<text x="{MARGIN}" y="{y}" {look}>{escape(line)}</text>'


def _placed(drawn: str, y: float, name: str) -> str:
    """A chart inside a larger image; names of its clips are made its own."""
    own = re.sub(r'(id="|url\(#)', rf"\g<1>{name}-", drawn)
    return own.replace("<svg ", f'<svg x="{MARGIN}" y="{y}" ', 1)


def _size(drawn: str, side: str) -> float:
    found = re.search(rf'<svg [^>]*?\b{side}="([\d.]+)"', drawn)
    assert found is not None
    return float(found[1])


def png(image: bytes) -> bytes:
    """An SVG drawn as PNG, twice as fine as its size says. Its text needs no font of the system."""
    return vl_convert.svg_to_png(image.decode(), scale=PNG_SCALE)


def html(rows: Rows, headline: str) -> bytes:
    """One page that needs nothing from outside: the headline, and the charts with their runtime inside."""
    folder = Path(__file__).parents[1] / "web" / "assets"
    script = (folder / "charts.js").read_text(encoding="utf-8")
    specs = {theme: vega_specs(theme) for theme in THEMES}
    plots = "".join(
        f'<figure><figcaption>{TITLES[name]}</figcaption><div class="plot" data-chart="{name}"></div></figure>'
        for name in _shown(rows)
    )
    page = HTML_PAGE.format(
        light=THEMES["light"],
        dark=THEMES["dark"],
        headline=escape(headline),
        plots=plots,
        runtime=bundle().decode().replace("</script", "<\\/script"),
        charts=script,
        specs=_script_json(specs),
        rows=_script_json(rows),
    )
    return page.encode()


def _script_json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


HTML_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>{headline}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{
  font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem;
  background: light-dark({light.page}, {dark.page}); color: light-dark({light.ink}, {dark.ink});
}}
h1 {{ font-size: 1.2rem; }}
figure {{ margin: 1.5rem 0; }}
figcaption {{ font-weight: 600; margin-bottom: 0.4rem; }}
.plot {{ position: relative; }}
.plot svg {{ display: block; max-width: 100%; }}
.chart-tip {{
  position: absolute; z-index: 1; pointer-events: none; white-space: pre-line; padding: 0.35rem 0.6rem;
  border-radius: 4px; font-size: 0.85rem;
  background: light-dark({light.ink}, {dark.ink}); color: light-dark({light.page}, {dark.page});
}}
.spoken {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
</style>
</head>
<body>
<h1>{headline}</h1>
<main>{plots}</main>
<script type="module">{runtime}</script>
<script type="module">
{charts}
const specs = {specs};
charts(document, {{ runtime: async () => {{}}, specs: async (theme) => specs[theme] }}).draw({rows});
</script>
</body>
</html>
"""


@cache
def bundle() -> bytes:
    """The chart runtime for browsers, put together once and kept in the user's cache folder."""
    kept = _kept("js")
    try:
        return kept.read_bytes()
    except OSError:
        made = (LICENCES + vl_convert.javascript_bundle(SNIPPET.format(vega=vl_convert.get_vega_version()))).encode()
    with suppress(OSError):
        write_whole(kept, made)
    return made


@cache
def packed_bundle() -> bytes:
    """The chart runtime, packed by gzip."""
    kept = _kept("js.gz")
    try:
        return kept.read_bytes()
    except OSError:
        made = gzip.compress(bundle(), 9, mtime=0)
    with suppress(OSError):
        write_whole(kept, made)
    return made


def _kept(ending: str) -> Path:
    return cache_folder() / f"chart-runtime-{version('vl-convert-python')}.{ending}"
