"""
Calls priced one by one by litellm, which is no dependency: it is installed for the time of a benchmark, in a virtual
environment of its own, where that is asked for.
"""

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import Any

SCRIPT = """
import json, resource, sys
import litellm
calls = json.load(open(sys.argv[1]))
def price():
    for model, fresh, cached, output in calls:
        litellm.cost_per_token(
            model=model, prompt_tokens=fresh, completion_tokens=output, cache_read_input_tokens=cached
        )
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
price()
before = cpu()
price()
from importlib.metadata import version
print(json.dumps({"cpu": cpu() - before, "rows": len(calls), "version": version("litellm")}))
"""
"""The first pass does not count. Its own price list is used: the newest one would be fetched."""


def litellm_cost(calls: list[tuple[Any, ...]], folder: Path) -> dict[str, Any]:
    """
    CPU seconds that litellm takes for calls of (model, all input, cached input, output), how many, and its version.

    Raises CalledProcessError where it cannot be installed.
    """
    place = folder / "litellm"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "litellm"], check=True, capture_output=True)
    given = folder / "calls.json"
    given.write_text(json.dumps(calls))
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-c", SCRIPT, given], check=True, capture_output=True, text=True, env=environment, cwd=folder
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
