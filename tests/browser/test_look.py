"""How the calculator looks: text in charts stands out, charts follow the reader's theme, figures explain themselves."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

QUERY = (
    "model=gpt-4.1&calls_per_month=50000&input_tokens=1800&output_tokens=400&tuned_model=azure/gpt-4.1-nano-2025-04-14"
    "&input_reduction=0.5&training_usd=300&people_usd=1500&hosting_usd_month=40&as_of=2026-11-23"
)

TEXTS_AND_WHAT_IS_BEHIND = """() => {
    const found = [];
    const page = getComputedStyle(document.body).backgroundColor;
    for (const text of document.querySelectorAll("[data-chart] svg text")) {
        text.scrollIntoView({ block: "center" });
        const box = text.getBoundingClientRect();
        const look = getComputedStyle(text);
        if (!box.width || !text.textContent.trim() || look.stroke === page) continue;  // a halo has the page's colour
        const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        const filled = stack.find((each) => {
            const behind = getComputedStyle(each);
            return /^(path|rect)$/.test(each.nodeName) && /^rgb\\(/.test(behind.fill) && behind.fillOpacity !== "0";
        });
        const chart = text.closest("[data-chart]").dataset.chart;
        found.push({ chart, text: text.textContent, size: parseFloat(look.fontSize), ink: look.fill,
            behind: filled ? getComputedStyle(filled).fill : page });
    }
    return found;
}"""


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2 between two colours as the browser names them."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def drawn(page: Page, address: str) -> None:
    page.goto(address)
    for chart in ("costs", "map", "parts"):
        expect(page.locator(f'[data-chart="{chart}"] svg')).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_text_inside_charts_stands_out(browser: Browser, server: str, theme: Any, width: int) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
    page = context.new_page()
    drawn(page, f"{server}/finetune?{QUERY}")
    texts = page.evaluate(TEXTS_AND_WHAT_IS_BEHIND)
    assert {text["chart"] for text in texts} == {"costs", "map", "parts"}
    assert len({text["behind"] for text in texts}) >= 3  # the page, and cells of two verdicts
    faint = [text for text in texts if contrast(text["ink"], text["behind"]) < 4.5]
    assert faint == []
    assert [text for text in texts if text["size"] < 12] == []
    context.close()


def test_charts_follow_the_theme_when_it_changes(page: Page, server: str) -> None:
    page.emulate_media(color_scheme="light")
    drawn(page, f"{server}/finetune?{QUERY}")
    label = page.locator('[data-chart="costs"] svg text', has_text="month").first
    light = label.evaluate("each => getComputedStyle(each).fill")
    page.emulate_media(color_scheme="dark")
    expect(label).not_to_have_css("fill", light)
    dark = label.evaluate("each => getComputedStyle(each).fill")
    assert contrast(dark, page.evaluate("getComputedStyle(document.body).backgroundColor")) >= 4.5


def test_the_crossing_and_the_retirement_are_marked(page: Page, server: str) -> None:
    drawn(page, f"{server}/finetune?{QUERY}")
    costs = page.locator('[data-chart="costs"]')
    expect(costs.locator("svg")).to_contain_text("month 6.3")
    expect(costs.locator("svg")).to_contain_text("GPT-4.1 nano tuned on Azure retired")
    expect(costs).to_have_attribute("aria-label", re.compile("break-even against staying in month 6.3"))


def test_a_figure_says_where_it_comes_from(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    figure = page.locator(".rivals .fig").first
    tip = figure.locator(".tip")
    expect(tip).to_be_hidden()
    figure.focus()
    expect(tip).to_be_visible()
    # 50,000 x 1,800 input tokens at the list price of $2 per million
    expect(tip).to_contain_text("90 x 1M tokens at $2 = $180.00 (openai/gpt-4.1, list price")
    upfront = page.locator("table.options .fig").first
    upfront.hover()
    expect(upfront.locator(".tip")).to_contain_text("yours")


def test_a_cell_of_the_map_can_be_clicked(page: Page, server: str) -> None:
    drawn(page, f"{server}/finetune?{QUERY}")
    chart = page.locator("#chart-map")
    chart.scroll_into_view_if_needed()
    cell = chart.locator("svg .mark-rect path, svg .mark-rect rect").nth(0)
    box = cell.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = chart.locator(".chart-tip").inner_text()
    calls, share = re.match(r"([\d,]+) calls a month, (\d+)%", said).groups()  # type: ignore[union-attr]
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#calls_per_month")).to_have_value(calls.replace(",", ""))
    expect(page.locator("#verdict")).to_have_attribute(
        "data-query", re.compile(f"calls_per_month={calls.replace(',', '')}&")
    )
    assert float(page.locator("#output_reduction").input_value() or 0) == int(share) / 100


def test_a_shared_address_shows_the_same_to_another_reader(browser: Browser, page: Page, server: str) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    page.locator("#calls_per_month").fill("75k")
    expect(page).to_have_url(re.compile("calls_per_month=75000"))
    other = browser.new_context(color_scheme="dark", viewport={"width": 400, "height": 800}).new_page()
    other.goto(page.url)
    for part in (".headline", ".rivals", "table.options"):
        expect(other.locator(part)).to_have_text(page.locator(part).text_content() or "")
    other.context.close()


def test_names_are_searched_with_price_and_day(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune")
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")
    page.locator("#model").fill("haiku 4.5")
    option = page.locator("#model-list option").first
    expect(option).to_have_attribute("value", re.compile("claude-haiku-4-5"))
    expect(option).to_have_attribute(
        "label", re.compile(r"\$[\d.]+ in, \$[\d.]+ out per 1M tokens, (since|list of) 20")
    )
    offers = page.locator("#tuned_model")
    offers.fill("azure mini")
    expect(page.locator("#tuned_model-list option").first).to_have_attribute("label", re.compile("seen 20"))


def test_on_a_phone_the_verdict_comes_first(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page = context.new_page()
    drawn(page, f"{server}/finetune?{QUERY}")
    tops = [page.locator(part).bounding_box()["y"] for part in ("#verdict h1", "#model", "#chart-costs")]  # type: ignore[index]
    assert tops == sorted(tops)
    assert tops[0] < 640
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for target in page.locator(
        "button:visible, input:visible:not([type=range]), select:visible, summary:visible"
    ).all():
        assert target.bounding_box()["height"] >= 24  # type: ignore[index]
    context.close()


def test_paper_gets_the_answer_without_the_form(page: Page, server: str) -> None:
    drawn(page, f"{server}/finetune?{QUERY}")
    page.emulate_media(media="print")
    expect(page.locator("#form")).to_be_hidden()
    expect(page.locator("#verdict h1")).to_be_visible()
    expect(page.locator("#chart-costs svg")).to_be_visible()
