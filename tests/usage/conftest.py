"""Shared by the tests of usage: a PostgreSQL server where there is one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BIN = next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Address of a PostgreSQL server of our own that listens on a socket in a temporary folder."""
    pytest.importorskip("psycopg")
    found = shutil.which("initdb")
    programs = Path(found).parent if found else BIN
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine")
    as_user: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="breakeven-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:  # the server refuses to run as root
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
            as_user = {"user": "postgres", "cwd": folder}

        def run(program: str, *words: str | Path) -> None:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run([programs / program, "-D", folder / "data", *words], check=True, **quiet, **as_user)

        run("initdb", "-U", "tester", "-A", "trust")
        run("pg_ctl", "-o", f"-k {folder} -c listen_addresses=", "-w", "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "fast", "stop")
