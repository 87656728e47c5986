"""A real server and a real browser. The browser is the system's Chromium; where there is none, it is installed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

sys.path.insert(0, str(Path(__file__).parent))
from chromium import find_chromium

AS_OF = "2026-11-23"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    return {"executable_path": find_chromium(), "args": flags}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Tests name the server themselves; the plug-in's own fixture is of a kind that pytest warns about."""


@pytest.fixture(scope="session")
def server(_own_cache: None) -> Iterator[str]:
    """The address of ``breakeven serve`` in a process of its own."""
    command = [sys.executable, "-m", "breakeven", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://[\w.:\[\]]+", line):
            break
    else:
        pytest.fail("the server did not start")
    with process:
        yield found[0].rstrip("/")
        process.terminate()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains about, policy violations among it."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "422" not in message.text:
            found.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found
