"""Fits the constants of the serving model again to measured runs, and writes them (docs/serving-model.md)."""

import argparse
import datetime as dt
import sys
from pathlib import Path

from breakeven.catalogue.load import load_catalogue
from breakeven.compute.accuracy import markdown, refit
from breakeven.compute.constants_file import FILE, write_section
from breakeven.compute.fit import read_rows, table
from breakeven.errors import BreakevenError

ROWS = Path(__file__).parents[1] / "benchmarks" / "data" / "serving_runs.csv.gz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=Path, default=ROWS, help="measured runs, .csv or .csv.gz")
    parser.add_argument("--out", type=Path, default=FILE, help="compute.yaml whose section 'serving' is written anew")
    parser.add_argument("--date", type=dt.date.fromisoformat, default=dt.date.today(), help="day of the fit")
    parser.add_argument("--source", default="serving-runs", help="key of the rows' source in that file")
    options = parser.parse_args()
    try:
        catalogue = load_catalogue()
        data = table(read_rows(options.rows), catalogue)
        before = catalogue.compute.serving
        found = refit(data, before.constants, options.date, before.source)
        write_section("serving", found, options.source, options.out)
    except BreakevenError as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown(found))
    print(f"{found.rows} rows; written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
