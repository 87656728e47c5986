"""Where Chromium is; installed where it is missing and that is allowed."""

import os
import shutil
import subprocess
import sys


def find_chromium() -> str:
    """``$CHROMIUM``, or the system's; installed by apt where it is missing. Raises RuntimeError where there is none."""
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
    raise RuntimeError("Chromium is needed: install it, or name it in the variable CHROMIUM")
