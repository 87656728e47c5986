"""What a start of the program must not load. How long a start takes is measured in benchmarks/."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "duckdb",
    "fastapi",
    "genai_prices",
    "httpx2",
    "narwhals",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
}
"""Never at the start of an answer from six numbers, once prices have been read."""

FOR_HELP = HEAVY | {"cyclopts", "numpy", "pydantic", "rich", "yaml"}
"""Not for the first page of help."""

FINETUNE = "finetune --model gpt-5-mini --calls-per-month 50000 --input-tokens 800 --output-tokens 400".split()

SWITCH = (
    "switch --model gpt-5.4 --to gpt-5.4-mini --calls-per-month 50000 --input-tokens 800 --output-tokens 400".split()
)


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules in memory after running the program in a process of its own."""
    code = (
        "import sys, json, io, contextlib\n"
        "from breakeven.surfaces.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    code = main({list(arguments)!r})\n"
        "print(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    exit_code, modules = json.loads(done.stdout)
    assert exit_code == 0
    return set(modules)


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--help"], FOR_HELP),
        (["--version"], FOR_HELP),
        ([*FINETUNE, "--format", "json"], HEAVY | {"rich", "yaml"}),
        (FINETUNE, HEAVY | {"yaml"}),
        (SWITCH, HEAVY | {"bpe_openai", "yaml"}),
        (["offers"], HEAVY | {"numpy"}),
        (["prices", "show", "gpt-5-mini"], HEAVY | {"numpy"}),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else None,
)
def test_a_start_leaves_heavy_modules_alone(catalogue: object, arguments: list[str], forbidden: set[str]) -> None:
    assert not loaded_by(*arguments) & forbidden


def test_the_first_run_reads_prices_from_the_package_and_keeps_them(tmp_path: Path) -> None:
    env = os.environ | {"BREAKEVEN_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "breakeven", *FINETUNE, "--format", "json", "--as-of", "2026-11-23"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True, env=env) for _ in range(2))
    assert first.stdout == second.stdout
    assert len(list((tmp_path / "cache").iterdir())) == 2
