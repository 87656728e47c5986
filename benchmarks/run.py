"""Every benchmark, one after another (``make bench``). Each can be run alone."""

import subprocess
import sys
from pathlib import Path

for script in sorted(Path(__file__).parent.glob("*.py")):
    if "__main__" in script.read_text(encoding="utf-8") and script.name != Path(__file__).name:
        print(f"\n== {script.stem} ==", flush=True)
        subprocess.run([sys.executable, str(script)], check=True)
