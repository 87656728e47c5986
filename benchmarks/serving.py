"""
Error of predicted serving throughput on measured runs, against the limits in the design (``make bench-serving``).

    python benchmarks/serving.py [ROWS.csv]

The runs lie in benchmarks/data/serving_runs.csv.gz, with the address of each. With a file of other runs, the shipped
constants are judged on those of them with ``in_fit_scope`` yes, and nothing is fitted. Exit code 1 where a limit is
missed.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from breakeven.catalogue.load import load_catalogue
from breakeven.compute.accuracy import errors_of, held_by_others
from breakeven.compute.fit import FoldBy, left_out, log_ratio, read_rows, table
from breakeven.compute.predict import predict_row

ROWS = Path(__file__).parent / "data" / "serving_runs.csv.gz"
WAYS: tuple[FoldBy, ...] = ("model", "gpu", "series")
LIMITS = {"none": 0.13, "model": 0.15, "gpu": 0.15}
"""Median error over all rows, by what was left out of the fit."""
COVERED = 0.8
"""Share of left-out rows inside the band."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=Path, help="other measured runs, .csv or .csv.gz")
    other = parser.parse_args().rows
    return judge_shipped() if other is None else judge_others(other)


def judge_others(path: Path) -> int:
    """Error of the shipped constants on rows of another file, predicted as for a user, and rows left without one."""
    catalogue = load_catalogue()
    rows = [row for row in read_rows(path) if row["in_fit_scope"] == "yes"]
    cells = [predict_row(row, catalogue, catalogue.compute.serving) for row in rows]
    pairs = [
        (float(row["output_tok_s"]), *map(float, cell[:3])) for row, cell in zip(rows, cells, strict=True) if cell[0]
    ]
    for reason, count in Counter(cell[3] for cell in cells if not cell[0]).items():
        print(f"{count} rows not predicted: {reason}")
    if not pairs:
        print("no row could be predicted")
        return 1
    measured, middle, low, high = np.array(pairs).T
    wrong = np.abs(middle / measured - 1)
    median, covered = float(np.median(wrong)), float(np.mean((low <= measured) & (measured <= high)))
    print(f"{len(pairs)} of {len(rows)} rows predicted; {covered:.1%} of them inside the band")
    print(f"absolute error: median {median:.1%}, 90th percentile {np.quantile(wrong, 0.9):.0%}")
    return int(median > LIMITS["model"] or covered < COVERED)


def judge_shipped() -> int:
    """Error on the shipped rows, in sample and left out."""
    catalogue = load_catalogue()
    constants = catalogue.compute.serving.constants
    data = table(read_rows(ROWS), catalogue)
    residuals = np.stack([left_out(data, constants, way) for way in WAYS])
    by_way = {"none": errors_of(data, log_ratio(data, constants), "none", None)}
    for place, way in enumerate(WAYS):
        by_way[way] = errors_of(data, residuals[place], way, held_by_others(data, residuals, place, way))

    print("absolute error of predicted output tokens/s: median / 90th percentile; in band: of left-out rows")
    print(f"{'':<34}{'rows':>6}{'in sample':>14}" + "".join(f"{'without ' + way:>16}{'in band':>9}" for way in WAYS))
    for lines in zip(*by_way.values(), strict=True):
        first, *others = lines
        cells = "".join(f"{each.median:>9.1%} /{each.p90:>4.0%}{each.covered or 0:>10.0%}" for each in others)
        print(f"{first.slice:<34}{first.rows:>6}{first.median:>7.1%} /{first.p90:>4.0%} {cells}")

    missed = []
    for way, limit in LIMITS.items():
        found = by_way[way][0]
        print(f"median error, left out: {way:<8}{found.median:>7.1%}   limit {limit:.0%}")
        missed += [f"median error without {way}"] if found.median > limit else []
        if found.covered is not None:
            print(f"inside the band, left out: {way:<5}{found.covered:>7.1%}   at least {COVERED:.0%}")
            missed += [f"band without {way}"] if found.covered < COVERED else []
    print(f"missed: {', '.join(missed)}" if missed else "every limit is kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
