"""
Error of predicted fine-tuning speed on 114 published runs, by slice, in the fit and left out of it.
Exit code 1 where a limit is missed.

    python benchmarks/tuning.py [--write]

--write fits again and rewrites the section ``training`` of ``src/breakeven/catalogue/compute.yaml``.

Slices show median and 90th percentile of the absolute error, and the share of rows inside the band that is printed
with a prediction. "left out" columns come from fits without the same model, GPU, series or source.
"""

import argparse
import datetime as dt
import sys
from pathlib import Path

import numpy as np

from breakeven.catalogue.load import load_catalogue
from breakeven.compute import fit_training
from breakeven.compute.constants_file import write_numbers
from breakeven.compute.fit_training import Measured, covered, left_out, predicted, read_measured, refit

RUNS = Path(__file__).parent / "data" / "training_runs.csv"
FOLDS = ("model", "gpu", "series", "source")
LIMIT = 0.15
"""Median error of left-out rows."""
COVERED = 0.8
"""Share of left-out rows inside the bands; the fold by source takes no part in them."""


def report() -> str:
    """Errors by slice as text."""
    catalogue = load_catalogue()
    rows, fitted = read_measured(RUNS, catalogue), catalogue.compute.training
    ratios = {"in the fit": predicted(rows, fitted.constants)}
    ratios |= {f"{fold} left out": left_out(rows, fold) for fold in FOLDS}
    kinds = [(kind, held) for kind, held in fit_training.slices(rows).items() if kind != "all"]
    lines = [f"{'slice':34}{'rows':>5}" + "".join(f"{name:>20}" for name in ratios)]
    for name, held in slices(rows):
        cells = []
        for ratio in ratios.values():
            error = np.abs(ratio[held] - 1)
            inside = np.average(
                [covered(ratio[held & part], fitted.band(kind)) for kind, part in kinds if (held & part).any()],
                weights=[(held & part).sum() for _, part in kinds if (held & part).any()],
            )
            cells.append(f"{np.median(error):8.1%}{np.percentile(error, 90):6.0%}{inside:6.0%}")
        lines.append(f"{name:34}{held.sum():5d}" + "".join(cells))
    lines.append("each: median, 90th percentile, share of rows inside the band")
    lines += [f"band {band.slice}: {band.low:g} to {band.high:g}" for band in fitted.bands]
    return "\n".join(lines)


def slices(rows: Measured) -> list[tuple[str, fit_training.Held]]:
    """Slices by name: kinds of model, then methods, GPUs, frameworks and models."""
    found = list(fit_training.slices(rows).items())
    for group in ("method", "gpu", "framework", "model"):
        values = np.array(rows.groups[group])
        found += [(f"{group} {value}", values == value) for value in np.unique(values)]
    return found


def write() -> None:
    """Fit again, and rewrite the fitted parts of the section; figures stay as they are."""
    catalogue = load_catalogue()
    new = refit(read_measured(RUNS, catalogue), catalogue.compute.training, dt.date.today())
    write_numbers("training", new)


def missed() -> list[str]:
    """Folds whose median error or share inside the bands misses its limit."""
    catalogue = load_catalogue()
    shipped = {error.left_out: error for error in catalogue.compute.training.errors if error.slice == "all"}
    rows, found = read_measured(RUNS, catalogue), []
    for fold in FOLDS:
        if float(np.median(np.abs(left_out(rows, fold) - 1))) > LIMIT:
            found.append(f"median error without {fold}")
        if fold in shipped and (shipped[fold].covered or 0) < COVERED:
            found.append(f"band without {fold}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="fit again and rewrite the shipped constants")
    if parser.parse_args().write:
        write()
    print(report())
    late = missed()
    print(f"missed: {', '.join(late)}" if late else "every limit is kept")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
