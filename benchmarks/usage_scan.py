"""
Cube and price of a usage log, against bare scans of the same file and against pricing row by row.

Each case runs in a process of its own, a few times after a first that does not count; the figure is the median of CPU
seconds, user and system, of all threads. Ratios are of one run on one machine, named at the end. Exits with 1 where a
ratio is above its limit and --check is given.

    python benchmarks/usage_scan.py [--rows N] [--json-rows N] [--kinds KIND ...] [--repeat N] [--litellm] [--check]

cells       scan, group, exact price, in memory; "bare" is one trivial aggregate over every column of the file
cube build  what the command does: hash of the file, cells, histograms, and the cube written to a file
reprice     a stored cube read from its file and priced
what-if     the same cube priced as each of 100 models
peers       the same calls priced one by one by genai-prices; with --litellm, which installs it for this one run, by
            litellm

The run of a hundred million rows, each kind of log, takes a quarter of an hour and 3 GB of disk for as long:

    make bench-usage BENCH="--rows 100000000 --json-rows 0 --repeat 1"
"""

import argparse
import datetime as dt
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
from usage_logs import TASKS, make_log, query
from usage_peers import litellm_cost

from breakeven.catalogue import genai
from breakeven.catalogue.table import PriceTable
from breakeven.usage.cells import NO_CODES
from breakeven.usage.columns import cells_of_query, likely_models, with_codes
from breakeven.usage.cube import Cube, build
from breakeven.usage.cube_file import read_cube, write_cube
from breakeven.usage.gather import fetch, gather
from breakeven.usage.inputs import as_log
from breakeven.usage.models import Finder
from breakeven.usage.price import price_cube, what_if
from breakeven.usage.scan import MEMORY, THREADS, open_engine, scan_files

AS_OF = dt.date(2026, 11, 23)
PEER_CALLS = 5_000

LIMITS = {
    "cells / bare, realistic": 2.2,
    "cells / bare, worst": 4.0,
    "cells / own parse, JSON lines": 2.0,
    "reprice seconds, worst": 1.5,
    "peak GiB, realistic": 2.0,
    "peak GiB, worst": 2.0,
}

LEAST = {"rows per CPU s, x genai-prices": 300.0, "rows per CPU s, x litellm": 300.0}


def bare(file: Path) -> None:
    """One trivial aggregate over every column."""
    with duckdb.connect(config={"threads": THREADS}) as engine:
        engine.execute(
            f"""SELECT epoch_us(max(timestamp)), max(task), max(model), sum(input_tokens), sum(cached_tokens),
            sum(output_tokens), bool_or(batch), max(status) FROM read_parquet('{file}')"""
        ).fetchall()


def own_parse(file: Path) -> None:
    """DuckDB's reading of JSON lines, types guessed by itself: one trivial aggregate over every column."""
    with duckdb.connect(config={"threads": THREADS}) as engine:
        engine.execute(
            f"SELECT max(object), max(id), max(created), max(model), max(metadata), max(usage) FROM read_json('{file}')"
        ).fetchall()


def own_fields(file: Path) -> None:
    """The same of only those fields that the cube is made of, their types told."""
    usage = (
        "STRUCT(prompt_tokens BIGINT, completion_tokens BIGINT, total_tokens BIGINT,"
        " prompt_tokens_details STRUCT(cached_tokens BIGINT))"
    )
    types = f"{{created: 'BIGINT', model: 'VARCHAR', metadata: 'STRUCT(task VARCHAR)', usage: '{usage}'}}"
    with duckdb.connect(config={"threads": THREADS}) as engine:
        engine.execute(
            f"""SELECT max(created), max(model), max(metadata.task), sum(usage.prompt_tokens),
            sum(usage.completion_tokens), sum(usage.total_tokens), sum(usage.prompt_tokens_details.cached_tokens)
            FROM read_json('{file}', format = 'newline_delimited', columns = {types})"""
        ).fetchall()


def cells(file: Path) -> dict[str, Any]:
    """Cells and their price."""
    table = PriceTable(genai.load_document())
    find = Finder(table)
    with open_engine() as engine:
        found = scan_files(engine, [file])
        rows, codes = with_codes(engine, "log") if found.in_place else (found.relation(), NO_CODES)
        cube = build(
            nw.from_native(rows).lazy(),
            fetch,
            find,
            found.span_us(),
            found.absent,
            cells_of=lambda query, cuts: cells_of_query(engine, query, cuts, found.absent, codes),
            codes=codes,
            likely=() if codes else likely_models(engine, "log", found.absent),
        )
    bill = price_cube(cube, find, AS_OF)
    return {"cells": len(cube.cells), "usd": f"{bill.total_usd:.2f}", "rows": cube.cells.total("rows")}


def cube_build(file: Path) -> dict[str, Any]:
    """The command ``cube build``."""
    target = file.with_suffix(".cube.parquet")
    with open_engine() as engine:
        cube = gather(engine, [as_log(file)], Finder(PriceTable(genai.load_document()))).cube
        write_cube(engine, cube, target)
    return {"cells": len(cube.cells), "bytes": target.stat().st_size}


def stored(file: Path) -> Cube:
    with open_engine() as engine:
        return read_cube(engine, as_log(file.with_suffix(".cube.parquet")))


def reprice_stored(file: Path) -> dict[str, Any]:
    """Read a cube's file and price it."""
    return {"usd": f"{price_cube(stored(file), PriceTable(genai.load_document()), AS_OF).total_usd:.2f}"}


def what_if_100(file: Path) -> dict[str, Any]:
    """Read a cube's file and price it as a hundred models."""
    table = PriceTable(genai.load_document())
    priced = [model for model in table if "input_tokens" in model.entries[0].rates]
    return {"models": len(what_if(stored(file), table, AS_OF, priced[:100]))}


def peer_genai(file: Path) -> dict[str, Any]:
    """Calls one by one through genai-prices."""
    from genai_prices import Usage, calc_price

    for model, fresh, cached, output in _calls(file):
        calc_price(Usage(input_tokens=fresh, cache_read_tokens=cached, output_tokens=output), model_ref=model)
    return {"rows": PEER_CALLS}


def _calls(file: Path) -> list[tuple[Any, ...]]:
    named = "model LIKE 'gpt%' OR model LIKE 'claude%'"
    asked = f"SELECT model, input_tokens, cached_tokens, output_tokens FROM '{file}' WHERE {named} LIMIT {PEER_CALLS}"
    with duckdb.connect() as engine:
        return engine.execute(asked).fetchall()


CASES: dict[str, Callable[[Path], Any]] = {
    each.__name__: each
    for each in (bare, own_parse, own_fields, cells, cube_build, reprice_stored, what_if_100, peer_genai)
}


def measure(case: str, file: Path, repeat: int) -> dict[str, Any]:
    """Run a case in this process: medians of CPU and wall seconds, peak memory, and what it says."""
    run = CASES[case]
    said = run(file) if repeat > 1 else None
    cpu, wall = [], []
    for _ in range(repeat):
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        said = run(file)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        wall.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"cpu": statistics.median(cpu), "wall": statistics.median(wall), "peak_gib": peak} | (said or {})


def apart(case: str, file: Path, repeat: int) -> dict[str, Any]:
    """``measure`` in a process of its own, printed."""
    command = [sys.executable, __file__, "--case", case, "--file", str(file), "--repeat", str(repeat)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    rest = ", ".join(f"{name} {value}" for name, value in found.items() if name not in ("cpu", "wall", "peak_gib"))
    print(
        f"{file.stem:<10} {case:<16} {found['cpu']:>8.3f} CPU s {found['wall']:>8.3f} s {found['peak_gib']:>6.2f} GiB"
        f"  {rest}",
        flush=True,
    )
    return found


def make_json(file: Path, rows: int) -> None:
    """The realistic log as chat completions, one a line."""
    usage = (
        "{'prompt_tokens': input_tokens, 'completion_tokens': output_tokens,"
        " 'total_tokens': input_tokens + output_tokens, 'prompt_tokens_details': {'cached_tokens': cached_tokens}}"
    )
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as engine:
        engine.execute(
            f"""COPY (SELECT 'chat.completion' AS object, 'chatcmpl-' || md5(CAST(timestamp AS VARCHAR) || task) AS id,
            epoch_us(timestamp) // 1000000 AS created, model, {{'task': task}} AS metadata, {usage} AS usage
            FROM ({query(rows, "realistic")})) TO '{file}' (FORMAT json)"""
        )


def ratios(given: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Make the logs, run every case, give the ratios."""
    found: dict[str, float] = {}
    for kind in given.kinds:
        file = folder / f"{kind}.parquet"
        made = time.process_time()
        make_log(file, given.rows, kind)
        print(f"{kind:<10} generator        {time.process_time() - made:>8.3f} CPU s, {file.stat().st_size:,} bytes")
        floor, ours, whole = (apart(case, file, given.repeat) for case in ("bare", "cells", "cube_build"))
        found[f"cells / bare, {kind}"] = ours["cpu"] / floor["cpu"]
        found[f"cube build / bare, {kind}"] = whole["cpu"] / floor["cpu"]
        found[f"peak GiB, {kind}"] = max(ours["peak_gib"], whole["peak_gib"])
        found[f"reprice seconds, {kind}"] = apart("reprice_stored", file, given.repeat)["wall"]
        found[f"what-if of 100 models seconds, {kind}"] = apart("what_if_100", file, given.repeat)["wall"]
        if kind == "realistic":
            rate = given.rows / ours["cpu"]
            peer = apart("peer_genai", file, max(2, given.repeat))
            found["rows per CPU s, x genai-prices"] = rate / (peer["rows"] / peer["cpu"])
            if given.litellm:
                peer = litellm_cost(_calls(file), folder)
                print(f"{'':<10} litellm {peer['version']:<8} {peer['cpu']:>8.3f} CPU s  rows {peer['rows']}")
                found["rows per CPU s, x litellm"] = rate / (peer["rows"] / peer["cpu"])
            else:
                print("litellm not measured: give --litellm")
        file.unlink()
    if given.json_rows:
        file = folder / "calls.jsonl"
        make_json(file, given.json_rows)
        parse, fields, ours = (apart(case, file, given.repeat) for case in ("own_parse", "own_fields", "cells"))
        found["cells / own parse, JSON lines"] = ours["cpu"] / parse["cpu"]
        found["cells / own parse of the fields, JSON lines"] = ours["cpu"] / fields["cpu"]
    return found


def main() -> int:
    """Run, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--json-rows", type=int, default=5_000_000, help="0 leaves them out")
    parser.add_argument("--kinds", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--litellm", action="store_true", help="install litellm for this run and measure it too")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a limit is exceeded")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(measure(given.case, given.file, given.repeat)))
        return 0
    print(f"{given.rows:,} rows, {given.json_rows:,} JSON lines, engine limited to {MEMORY} and {THREADS} threads")
    with tempfile.TemporaryDirectory() as folder:
        found = ratios(given, Path(folder))
    over = False
    for name, value in found.items():
        limit, least = LIMITS.get(name), LEAST.get(name)
        over |= (limit is not None and value > limit) or (least is not None and value < least)
        bar = f"   limit {limit}" if limit else f"   at least {least}" if least else ""
        print(f"{name:<46}{value:>10.2f}{bar}")
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python"
        f" {platform.python_version()}, DuckDB {duckdb.__version__}, genai-prices {genai.load_document()['version']}"
    )
    return 1 if over and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
