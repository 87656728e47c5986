"""The calculator as people use it, in a real browser against a real server."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from breakeven.questions.registry import QUESTIONS

DATA = Path(__file__).parent / "data"
FIELDS = {
    "model": "gpt-4o",
    "calls_per_month": "400000",
    "input_tokens": "1200",
    "output_tokens": "350",
    "tuned_model": "azure/gpt-4o-mini-2024-07-18",
    "training_usd": "150",
    "people_usd": "4000",
    "as_of": "2026-11-23",
}
QUERY = "&".join(f"{name}={value}" for name, value in FIELDS.items())


def cli(**fields: str) -> Any:
    """The answer of the command line, as JSON."""
    flags = [part for name, value in fields.items() for part in ("--" + name.replace("_", "-"), value)]
    command = [sys.executable, "-m", "breakeven", "finetune", *flags, "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def ready(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")


def settled(page: Page, query: str) -> None:
    """The page shows the answer to this address."""
    expect(page.locator("#verdict")).to_have_attribute("data-query", re.compile(query))


def figure(page: Page, option: str, column: int) -> float:
    cell = page.locator(f'tr[id="option-{option}"] td').nth(column).locator(".fig")
    return float(cell.get_attribute("data-value") or "nan")


def test_the_numbers_are_those_of_the_command_line(page: Page, server: str, complaints: list[str]) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    answer = cli(**FIELDS)
    option = answer["options"][0]
    expect(page.locator(".headline")).to_have_text(answer["verdict"]["headline"])
    assert figure(page, option["id"], 0) == option["upfront_usd"]
    assert figure(page, option["id"], 1) == option["monthly_usd"]
    assert figure(page, option["id"], 2) == option["monthly_saving_usd"]
    assert figure(page, option["id"], 3) == option["break_even_months"]
    expect(page.locator('[data-chart="costs"] svg')).to_be_visible()
    expect(page.locator('[data-chart="map"] svg')).to_be_visible()
    assert complaints == []


def test_each_copy_gives_the_same_answer(page: Page, server: str, tmp_path: Path) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    page.locator("#copies summary").click()
    want = cli(**FIELDS)

    def run(command: str) -> Any:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    line = page.locator("#copy-cli").inner_text().replace("breakeven", f"{sys.executable} -m breakeven", 1)
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(page.locator("#copy-yaml").inner_text())
    found = [
        run(f"{line} --format json"),
        run(f"{sys.executable} -m breakeven finetune --file {scenario} --format json"),
        run("curl -sf" + page.locator("#copy-api").inner_text().removeprefix("curl")),
    ]
    for each in found:
        assert each["verdict"] == want["verdict"]
        assert each["options"] == want["options"]
        assert each["projection"] == want["projection"]


def test_a_form_filled_by_keyboard(page: Page, server: str, complaints: list[str]) -> None:
    page.goto(f"{server}/finetune")
    ready(page)
    page.locator("#model").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("gpt-4o")
    settled(page, "model=gpt-4o&")
    page.locator("#calls_per_month").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("400k")
    settled(page, "calls_per_month=400000")
    expect(page.locator("#calls_per_month")).to_be_focused()
    expect(page.locator("#calls_per_month")).to_have_value("400k")
    expect(page).to_have_url(re.compile("calls_per_month=400000"))
    expect(page.locator("#model-hint")).to_contain_text("per 1M tokens")
    assert complaints == []


def test_an_open_table_and_the_scroll_stay(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune")
    ready(page)
    page.locator("#months summary").click()
    page.locator("#months").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    page.evaluate(
        """() => { const field = document.getElementById("input_tokens"); field.value = "900";
        field.dispatchEvent(new Event("input", { bubbles: true })) }"""
    )
    settled(page, "input_tokens=900")
    assert page.locator("#months").get_attribute("open") is not None
    assert page.evaluate("scrollY") == before


def test_a_slider_and_its_number_stay_in_step(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune")
    ready(page)
    slider = page.locator("#output_reduction-slider")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("PageUp")
    value = page.locator("#output_reduction").input_value()
    assert 0.3 < float(value) < 0.7
    settled(page, f"output_reduction={value}")
    page.locator("#output_reduction").fill("20%")
    assert slider.input_value() == "200"
    settled(page, "output_reduction=0.2")


def test_a_drag_is_drawn_as_it_goes(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune")
    ready(page)
    box = page.locator("#calls_per_month-slider").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(box["x"] + box["width"] * (0.5 + step / 100), y)
        page.wait_for_timeout(16)
    page.mouse.up()
    value = page.locator("#calls_per_month").input_value()
    assert float(value) > 1_000_000
    settled(page, f"calls_per_month={value}")
    assert int(page.locator("html").get_attribute("data-shown") or 0) >= 5


def test_a_fault_names_its_field_and_the_answer_stays(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune")
    ready(page)
    page.locator("#output_tokens").fill("many")
    expect(page.locator("#verdict [role=alert]")).to_contain_text("output_tokens")
    expect(page.locator("#output_tokens")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#answer h2").first).to_be_visible()
    page.locator("#output_tokens").fill("300")
    settled(page, "output_tokens=300")
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_images_for_readers_without_scripts_are_not_loaded(page: Page, server: str) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(f"{server}/finetune")
    ready(page)
    page.locator("#output_tokens").fill("300")
    settled(page, "output_tokens=300")
    page.wait_for_timeout(500)
    assert any("/finetune/parts" in url for url in loaded)
    assert [url for url in loaded if "/charts/" in url] == []


def test_a_pinned_answer_shows_what_changes(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    ready(page)
    page.get_by_role("link", name="Pin this answer").click()
    expect(page.get_by_role("link", name="Unpin it")).to_be_visible()
    page.locator("#calls_per_month").fill("200k")
    settled(page, "calls_per_month=200000")
    expect(page.locator(".rivals .delta").first).to_have_text("-$1,300.00")
    expect(page).to_have_url(re.compile("baseline="))
    page.reload()
    expect(page.locator(".rivals .delta").first).to_have_text("-$1,300.00")


def test_a_cell_of_the_map_sets_both_inputs(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    expect(page.locator('[data-chart="map"] svg')).to_be_visible()
    page.locator("#chart-map").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator("#chart-map .spoken")).to_contain_text("1,000,000 calls a month, 20% fewer output tokens")
    page.keyboard.press("Enter")
    settled(page, "calls_per_month=1000000")
    assert page.locator("#output_reduction").input_value() == "0.2"


def test_arrow_keys_walk_the_months(page: Page, server: str) -> None:
    page.goto(f"{server}/finetune?{QUERY}")
    expect(page.locator('[data-chart="costs"] svg')).to_be_visible()
    page.locator("#chart-costs").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#chart-costs .spoken")).to_contain_text("month 3")
    expect(page.locator("#chart-costs .spoken")).to_contain_text("$7,800.00")


def test_without_scripts_the_form_and_the_charts_work(browser: Browser, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/finetune")
    page.locator("#calls_per_month").fill("400k")
    page.locator("#training_usd").fill("$500")
    page.get_by_role("button", name="Work it out").click()
    query = parse_qs(urlparse(page.url).query)
    assert query == {
        "model": ["gpt-4.1"],
        "calls_per_month": ["400000"],
        "input_tokens": ["800"],
        "output_tokens": ["400"],
        "training_usd": ["500"],
    }
    images = page.locator(".chart img")
    assert images.count() == 3
    for index in range(3):
        image = images.nth(index)
        assert len(image.get_attribute("alt") or "") > 40
        assert page.request.get(server + (image.get_attribute("src") or "")).headers["content-type"] == "image/svg+xml"
    context.close()


PAGES = [
    f"/finetune?{QUERY}",
    "/finetune?calls_per_month=x",
    *(f"/{name}" for name in QUESTIONS if name != "finetune"),
    "/logs",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_and_fits(browser: Browser, server: str, path: str, width: int, theme: Any) -> None:
    context = browser.new_context(
        bypass_csp=True, color_scheme=theme, viewport={"width": width, "height": 800}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(server + path)
    if "model" in path:
        expect(page.locator('[data-chart="map"] svg')).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    context.close()


def test_an_uploaded_log_opens_the_calculator_filled_in(page: Page, server: str, complaints: list[str]) -> None:
    page.goto(f"{server}/logs")
    page.locator("#log-files").set_input_files(DATA / "litellm-agent-calls.jsonl.gz")
    page.get_by_role("button", name="Read the logs").click()
    expect(page.locator("#tasks")).to_contain_text("126 rows read")
    page.locator("#tasks table a").first.click()
    expect(page.locator("#verdict h1")).to_be_visible()
    page.locator("#inputs summary").click()
    expect(page.locator("#inputs")).to_contain_text("your log")
    assert complaints == []


def test_a_broken_upload_says_so_in_one_line(page: Page, server: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"\x00\x01 this is no log\n")
    page.goto(f"{server}/logs")
    page.locator("#log-files").set_input_files(broken)
    page.get_by_role("button", name="Read the logs").click()
    expect(page.locator("#tasks [role=alert]")).to_contain_text("broken.jsonl")
