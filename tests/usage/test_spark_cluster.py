"""A Spark cluster of its own: a master and a worker, each a process, and calls that are read through them."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines import find_java
from usage_logs import as_text, chats

import breakeven

LEAN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss512k"
"""Options of a JVM that lives for seconds."""

SETTINGS = f"""
spark.executor.memory 512m
spark.executor.extraJavaOptions {LEAN}
spark.driver.extraJavaOptions {LEAN}
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.sql.shuffle.partitions 1
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.sql.session.timeZone America/New_York
"""

Start = Callable[..., re.Match[str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str], Path]]:
    """Address of a master with one worker, the environment of a driver, and the log of the worker."""
    home = Path(pytest.importorskip("pyspark").__file__).parent
    if os.name != "posix":
        pytest.skip("Spark's programs are started by a shell")
    find_java()
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "spark-defaults.conf").write_text(SETTINGS, encoding="utf-8")
    env = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": LEAN,
        "PYSPARK_PYTHON": sys.executable,
    }

    with ExitStack() as running:

        def start(name: str, said: str, *words: str) -> re.Match[str]:
            """Start a daemon, and wait until its log says something. Returns what it said."""
            log = folder / f"{name}.log"
            with log.open("wb") as out:
                command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name.lower()}.{name}", *words]
                daemon = subprocess.Popen(command, env=env, stdout=out, stderr=out)
            running.callback(daemon.wait)
            running.callback(daemon.terminate)
            for _ in range(600):
                found = re.search(said, log.read_text(errors="replace"))
                if found:
                    return found
                if daemon.poll() is not None:
                    break
                time.sleep(0.1)
            pytest.fail(f"Spark's {name} did not start: {log.read_text(errors='replace')[-500:]}")

        here = ("--host", "127.0.0.1", "--webui-port", "0")
        master = start("Master", r"Starting Spark master at (spark://\S+)", *here, "--port", "0")[1]
        work = ("--cores", "1", "--memory", "600m", "--work-dir", str(folder / "work"), master)
        start("Worker", "Successfully registered with master", *here, *work)
        yield master, env, folder / "Worker.log"


def test_calls_on_a_cluster(cluster: tuple[str, dict[str, str], Path], tmp_path: Path) -> None:
    """From the command line, with prompts hashed by the worker: the answer that the same calls give here."""
    master, env, log = cluster
    table = pa.Table.from_pylist(as_text([*chats(), chats()[0] | {"input_tokens": None}]))
    pq.write_table(table, tmp_path / "calls.parquet")
    command = f"logs {tmp_path}/calls.parquet --engine spark --master {master} --column prompt=messages --format json"
    done = subprocess.run(
        [sys.executable, "-m", "breakeven", *command.split(), "--as-of", "2026-11-23"],
        env=env | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Asked to launch executor" in log.read_text(encoding="utf-8")
    there = json.loads(done.stdout)
    here = breakeven.usage(table, as_of=dt.date(2026, 11, 23), columns={"prompt": "messages"})
    assert there["rows"] == {"in": 61, "priced": 60, "unpriced": 0, "rejected": 1}
    assert [(each["task"], each["calls"], each["found_by"]) for each in there["task_facts"]] == [
        (each.task, each.calls, each.found_by) for each in here.facts
    ]
    assert {each.found_by for each in here.facts} == {"prompt"}
    assert float(there["cost_usd"]) == float(here.cost_usd)
    assert "You sort" not in done.stdout + done.stderr
