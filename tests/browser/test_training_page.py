"""The page of training files in a real browser: upload, report, prices; with and without scripts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

EXAMPLES = Path(__file__).parents[2] / "examples"
TRAIN, VALIDATION = EXAMPLES / "training.jsonl", EXAMPLES / "training-validation.jsonl"


def cli(*arguments: str) -> Any:
    """The answer of the command line, as JSON."""
    command = [sys.executable, "-m", "breakeven", "training", *arguments, "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def upload(page: Page, server: str) -> None:
    page.goto(f"{server}/training")
    page.locator("#training-file").set_input_files(TRAIN)
    page.locator("#validation-file").set_input_files(VALIDATION)
    page.locator("#upload-model").fill("gpt-4.1-mini")
    page.locator("#upload-base-model").fill("llama-3.1-8b")
    page.locator("#upload-buyer").select_option("existing")
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#report-heading")).to_be_visible()


def figure(page: Page, table: str, row: str, column: int) -> float:
    """A number of a table by its row's name."""
    cell = page.locator(f'table[data-table="{table}"] tr', has=page.locator("th", has_text=row)).locator("td")
    return float(cell.nth(column).get_attribute("data-value") or "nan")


def test_a_file_is_checked_and_priced_as_at_the_command_line(page: Page, server: str, complaints: list[str]) -> None:
    upload(page, server)
    flags = ("--model", "gpt-4.1-mini", "--base-model", "llama-3.1-8b", "--buyer", "existing")
    answer = cli(str(TRAIN), "--validation", str(VALIDATION), *flags)
    report = page.locator("#tasks")
    expect(report).to_contain_text(answer["headline"])
    expect(report).to_contain_text("15 lines = 13 valid + 2 invalid")
    expect(report.locator('table[data-table="invalid"]')).to_contain_text("line 15")
    expect(report.locator('table[data-table="found"]')).to_contain_text("lines that the training file has too")
    expect(report.locator('table[data-table="found"]')).to_contain_text("e-mail addresses")
    assert "ann@example.org" not in page.content()
    best = answer["offers"][0]
    assert figure(page, "offers", best["id"], 1) == best["billed_tokens"]
    assert figure(page, "offers", best["id"], 3) == best["usd"]
    own = answer["compute"][0]
    assert figure(page, "compute", f"{own['gpus']} x {own['gpu']}, {own['method']}", 3) == own["usd"]
    expect(page.locator("#report-heading")).to_be_focused()
    assert complaints == []


def test_the_report_is_accessible_and_fits(browser: Browser, server: str) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": 320, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    upload(page, server)
    page.evaluate("document.querySelectorAll('#tasks details').forEach((each) => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    context.close()


def test_without_scripts_both_forms_work(browser: Browser, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    upload(page, server)
    expect(page.locator("#tasks")).to_contain_text("15 lines = 13 valid + 2 invalid")
    page.get_by_role("link", name="Without a file").click()
    page.locator("#training_tokens").fill("2M")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#verdict .headline, #verdict h1").first).to_contain_text("6,000,000 tokens are billed")
    context.close()


def test_a_file_that_is_none_says_so_in_one_line(page: Page, server: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('[{"messages": []}]')
    page.goto(f"{server}/training")
    page.locator("#training-file").set_input_files(broken)
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#tasks [role=alert]")).to_contain_text("broken.json: is one JSON document")
