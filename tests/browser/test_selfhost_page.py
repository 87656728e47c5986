"""The page of own GPUs in a real browser: layouts, the capacity curve, and what a change of the load does."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

FIELDS = {
    "model": "llama-3.1-8b",
    "gpu": "h100-sxm",
    "gpu_usd_hour": "2.5",
    "calls_per_month": "5000000",
    "input_tokens": "800",
    "output_tokens": "400",
    "api_model": "gpt-5-mini",
    "as_of": "2026-11-23",
}
QUERY = "&".join(f"{name}={value}" for name, value in FIELDS.items())


def cli(**fields: str) -> Any:
    """The answer of the command line, as JSON."""
    flags = [part for name, value in fields.items() for part in ("--" + name.replace("_", "-"), value)]
    command = [sys.executable, "-m", "breakeven", "selfhost", *flags, "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def numbers(page: Page, table: str, row: int = 0) -> list[float]:
    """The numbers of one row of a table."""
    cells = page.locator(f'table[data-table="{table}"] tbody tr').nth(row).locator("td.n")
    return [float(cell.get_attribute("data-value") or "nan") for cell in cells.all()]


def drawn(picture: Locator) -> None:
    """The picture has arrived and is not empty."""
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("each => each.naturalWidth") > 300


def test_layouts_and_curve_are_those_of_the_command_line(page: Page, server: str, complaints: list[str]) -> None:
    page.goto(f"{server}/selfhost?{QUERY}")
    answer = cli(**FIELDS)
    best = answer["best"]
    first, second, *_ = (sentence for sentence in answer["headline"].split(": "))
    expect(page.locator("#verdict h1")).to_contain_text(first)
    expect(page.locator("#verdict")).to_contain_text(second[1:30])
    assert numbers(page, "layouts")[:4] == [
        best["replicas"], best["monthly_usd"], best["usd_per_mtok_output"], best["usd_per_mtok_output_full"],
    ]  # fmt: skip
    points = answer["curve"]
    expect(page.locator('table[data-table="curve"] tbody tr')).to_have_count(len(points))
    assert numbers(page, "curve", len(points) - 1)[1] == points[-1]["throughput_tokens_s"]["mid"]
    picture = page.locator('img[data-plot="curve"]')
    drawn(picture)
    assert "output tokens a second of one replica" in (picture.get_attribute("alt") or "")
    assert complaints == []


def test_more_calls_rent_more_replicas_while_typing(page: Page, server: str, complaints: list[str]) -> None:
    page.goto(f"{server}/selfhost?{QUERY}")
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")
    before = numbers(page, "layouts")[0]
    page.locator('input[name="calls_per_month"]').first.fill("100000000")
    expect(page.locator("#verdict")).to_have_attribute("data-query", re.compile("calls_per_month=100000000"))
    after = numbers(page, "layouts")[0]
    assert after > before
    answer = cli(**(FIELDS | {"calls_per_month": "100000000"}))
    assert after == answer["replicas"]
    drawn(page.locator('img[data-plot="curve"]'))
    assert complaints == []


def test_what_cannot_be_used_says_why(page: Page, server: str) -> None:
    page.goto(f"{server}/selfhost?{QUERY.replace('llama-3.1-8b', 'llama-3.3-70b').replace('h100-sxm', 'l4')}&gpus=1")
    expect(page.locator('table[data-table="cannot"]')).to_contain_text("weights per GPU do not fit")
    page.goto(f"{server}/selfhost?{QUERY.replace('llama-3.1-8b', 'llama-9')}")
    expect(page.locator("[role=alert]").first).to_contain_text("no open-weights model 'llama-9'")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_without_scripts_it_shows_the_same(browser: Browser, server: str, theme: Any) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{server}/selfhost?{QUERY}")
    expect(page.locator('table[data-table="layouts"]')).to_be_visible()
    picture = page.locator('img[data-plot="curve"]')
    expect(picture).to_be_visible()
    source = page.locator("figure.chart source").get_attribute("srcset") if theme == "dark" else None
    address = source or picture.get_attribute("src") or ""
    reply = page.request.get(server + address)
    assert reply.headers["content-type"] == "image/svg+xml"
    assert "calls in flight" in reply.text()
    context.close()


def test_it_is_accessible_on_a_phone(browser: Browser, server: str) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": 320, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server}/selfhost?{QUERY}")
    drawn(page.locator('img[data-plot="curve"]'))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    context.close()
