"""Draw the calculator's main states into docs/images, from a real server in a real browser."""

import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from chromium import find_chromium  # noqa: E402

FOLDER = ROOT / "docs" / "images"
LOG = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"
QUESTION = (
    "model=gpt-4.1&calls_per_month=50000&input_tokens=1800&output_tokens=400&tuned_model=azure/gpt-4.1-nano-2025-04-14"
    "&input_reduction=0.5&training_usd=300&people_usd=1500&hosting_usd_month=40&as_of=2026-11-23"
)


def calculator(page: Page, address: str) -> None:
    """The calculator with its charts drawn."""
    page.goto(f"{address}/finetune?{QUESTION}")
    expect(page.locator('[data-chart="map"] svg')).to_be_visible()


def charts(page: Page, address: str) -> None:
    """The calculator further down."""
    calculator(page, address)
    page.get_by_role("heading", name="Month by month").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#chart-costs').closest('figure').previousElementSibling.scrollIntoView()")


def log(page: Page, address: str) -> None:
    """The table of tasks of an uploaded log."""
    page.goto(f"{address}/logs")
    page.locator("input[type=file]").set_input_files(LOG)
    page.get_by_role("button", name="Read the logs").click()
    expect(page.locator("#tasks table")).to_be_visible()
    page.locator("#tasks").scroll_into_view_if_needed()


STATES = (
    ("calculator", calculator, 1280, "light"),
    ("charts", charts, 1280, "light"),
    ("charts-dark", charts, 1280, "dark"),
    ("phone", calculator, 360, "dark"),
    ("log", log, 1280, "light"),
)


def main() -> None:
    """Every state as one PNG file."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "breakeven", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as player:
        assert server.stdout is not None
        found = re.search(r"http://[\w.:]+", server.stdout.readline())
        assert found is not None
        browser = player.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for name, state, width, theme in STATES:
            context = browser.new_context(
                viewport={"width": width, "height": 860}, color_scheme=theme, reduced_motion="reduce"
            )
            page = context.new_page()
            state(page, found[0])
            page.screenshot(path=FOLDER / f"{name}.png")
            context.close()
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
