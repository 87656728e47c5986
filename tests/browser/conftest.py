"""A real server and a real browser. The browser is the system's Chromium; where there is none, it is installed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

AS_OF = "2026-11-23"
EXAMPLES = Path(__file__).parents[2] / "examples"


def find_chromium() -> str:
    """``$CHROMIUM``, or the system's; installed by apt where it is missing and that is allowed."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing Chromium for the browser tests", file=sys.stderr)
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
            subprocess.run(
                command, check=False, capture_output=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            )
    if found := shutil.which("chromium"):
        return found
    pytest.fail("The browser tests need Chromium: install it, or name it in the variable CHROMIUM", pytrace=False)


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
