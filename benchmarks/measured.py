"""
How far measured points of a server foretell its others, on the runs of benchmarks/data/serving_runs.csv.gz.

    python benchmarks/measured.py [--write]

--write rewrites the section ``measured`` of ``src/breakeven/catalogue/compute.yaml``. Exit code 1 where a limit is
missed.
"""

import argparse
import datetime as dt
import sys
from pathlib import Path

from breakeven.catalogue.load import load_catalogue
from breakeven.compute.constants_file import write_numbers
from breakeven.compute.fit import read_rows, table
from breakeven.compute.fit_measured import refit, runs_of

ROWS = Path(__file__).parent / "data" / "serving_runs.csv.gz"
LIMITS = {"one point": 0.10, "two points": 0.09, "three points": 0.08, "interpolated": 0.03}
"""Median error by what was measured besides."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="rewrite the shipped bands")
    write = parser.parse_args().write
    catalogue = load_catalogue()
    runs = runs_of(table(read_rows(ROWS), catalogue), catalogue.compute.serving.constants)
    found = refit(runs, catalogue.compute.measured, dt.date.today())
    if write:
        write_numbers("measured", found)
    print(f"{'measured besides':<20}{'left out':>9}{'median':>8}{'90th':>6}{'limit':>7}   band")
    missed = []
    for error in found.errors:
        band, limit = found.band(error.slice), LIMITS[error.slice]
        print(
            f"{error.slice:<20}{error.rows:>9}{error.median:>8.1%}{error.p90:>6.0%}{limit:>7.0%}   "
            f"{band.low:g} to {band.high:g}"
        )
        missed += [error.slice] if error.median > limit else []
    print(f"missed: {', '.join(missed)}" if missed else "every limit is kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
