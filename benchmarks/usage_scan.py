"""
CPU of reading and pricing a usage log, against a bare scan that decodes the same columns.

Makes a seeded log of calls (Parquet, 10,000,000 rows unless told otherwise), then times, each in this process and as
the median of several runs: one trivial aggregate over every column of the file, and the cube with its exact price.
Prints both, their ratio and the limit of 2.2; exits with 1 above it. CPU seconds, not wall: they depend little on
what else the machine does. About 0.3 s of the cube do not grow with the rows (plans, cells, prices), so a log of
1,000,000 rows is above the limit though it takes half a second.

    python benchmarks/usage_scan.py [--rows N] [--repeat N]
"""

import argparse
import datetime as dt
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import narwhals.stable.v2 as nw

from breakeven.catalogue import genai
from breakeven.catalogue.table import PriceTable
from breakeven.usage import _fetch
from breakeven.usage.cube import build
from breakeven.usage.models import Finder
from breakeven.usage.price import price_cube
from breakeven.usage.scan import THREADS, open_engine, scan_files

LIMIT = 2.2
YEAR_SECONDS = 31_536_000
AS_OF = dt.date(2026, 11, 23)
MODELS = (
    "gpt-5-mini",
    "gpt-5",
    "gpt-4o-mini",
    "gpt-4.1",
    "claude-haiku-4-5",
    "claude-sonnet-4-5",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "mistral-large-latest",
    "a-model-nobody-lists",
)


def make_log(file: Path, rows: int) -> None:
    """A year of calls: 24 tasks, each on one or two of ten models, log-normal sizes, 10 % batch, 2 % failures."""
    models = ", ".join(f"'{model}'" for model in MODELS)
    duckdb.connect(config={"threads": 1}).execute(
        f"""
        COPY (
            SELECT TIMESTAMPTZ '2025-11-01 00:00:00+00' + to_seconds(i * {YEAR_SECONDS} // {rows}) AS timestamp,
                'task ' || task AS task, ([{models}])[1 + (task + (h4 % 7 = 0)::INT) % {len(MODELS)}] AS model,
                CAST(exp(6.5 + 1.1 * z1) AS INTEGER) + cached AS input_tokens, cached AS cached_tokens,
                CAST(exp(5 + 0.8 * z2) AS INTEGER) AS output_tokens, h4 % 10 = 1 AS batch,
                CASE WHEN h4 % 50 = 2 THEN 'error' ELSE 'success' END AS status
            FROM (
                SELECT i, CAST(floor(24 * pow(u5, 2)) AS INTEGER) AS task, h4,
                    sqrt(-2 * ln(u1)) * cos(2 * pi() * u2) AS z1, sqrt(-2 * ln(u3)) * cos(2 * pi() * u2) AS z2,
                    CASE WHEN h4 % 3 = 0 THEN 1024 * (1 + h4 % 4) ELSE 0 END AS cached
                FROM (
                    SELECT i, (hash(i, 1) % 1000003 + 1) / 1000004 AS u1, (hash(i, 2) % 1000003 + 1) / 1000004 AS u2,
                        (hash(i, 3) % 1000003 + 1) / 1000004 AS u3, CAST(hash(i, 4) % 1000000 AS INTEGER) AS h4,
                        (hash(i, 5) % 1000003) / 1000004 AS u5
                    FROM range({rows}) AS t(i)
                )
            )
        ) TO '{file}' (FORMAT parquet)
        """
    )


def bare_scan(file: Path) -> None:
    """One trivial aggregate over every column."""
    with duckdb.connect(config={"threads": THREADS}) as engine:
        engine.execute(
            f"""SELECT epoch_us(max(timestamp)), max(task), max(model), sum(input_tokens), sum(cached_tokens),
            sum(output_tokens), bool_or(batch), max(status) FROM read_parquet('{file}')"""
        ).fetchall()


def cube_and_price(file: Path, table: PriceTable) -> tuple[int, str]:
    """The cube of the file and its price: number of cells, and dollars."""
    find = Finder(table)
    with open_engine() as engine:
        found = scan_files(engine, [file])
        cube = build(nw.from_native(found.relation()).lazy(), _fetch, find, found.span_us(), found.absent)
    return len(cube.cells), f"{price_cube(cube, find, AS_OF).total_usd:.2f}"


def cpu_seconds(run: Callable[[], object], repeat: int) -> float:
    """Median CPU time, user and system, of some runs after a first one that does not count. [s]"""
    run()
    spent = []
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_SELF)
        run()
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(spent)


def main() -> int:
    """Run, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    table = PriceTable(genai.load_document())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls.parquet"
        make_log(file, given.rows)
        cells, usd = cube_and_price(file, table)
        bare = cpu_seconds(lambda: bare_scan(file), given.repeat)
        ours = cpu_seconds(lambda: cube_and_price(file, table), given.repeat)
    print(f"{given.rows:,} rows, {cells:,} cells, ${usd}")
    print(f"bare scan {bare:.3f} CPU s, cube and price {ours:.3f} CPU s: {ours / bare:.2f} x (limit {LIMIT})")
    return 0 if ours / bare <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
