"""
Error of predicted fine-tuning speed on 114 published runs, by slice, in the fit and left out of it.

    python benchmarks/tuning.py [--write]

--write fits again and rewrites the section ``training`` of ``src/breakeven/catalogue/compute.yaml``.

Slices show median and 90th percentile of the absolute error, and the share of rows inside the band that is printed
with a prediction. "left out" columns come from fits without the same model, GPU, series or source.
"""

import argparse
import datetime as dt
from pathlib import Path

import numpy as np
import yaml

from breakeven.catalogue import constants as schema
from breakeven.catalogue.load import load_catalogue
from breakeven.compute import fit_training
from breakeven.compute.fit_training import Measured, covered, left_out, predicted, read_measured, refit

RUNS = Path(__file__).parent / "data" / "training_runs.csv"
SHIPPED = Path(schema.__file__).parent / "compute.yaml"
FOLDS = ("model", "gpu", "series", "source")


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
    head, _, tail = SHIPPED.read_text(encoding="utf-8").partition("\ntraining:\n")
    section, _, rest = tail.partition("\n  constants:\n")
    after = "".join(line for line in rest.splitlines(keepends=True)[_end(rest) :])
    lines = section.splitlines()
    lines = [f"  fitted: {new.fitted}" if line.startswith("  fitted:") else line for line in lines]
    lines = [f"  rows: {new.rows}" if line.startswith("  rows:") else line for line in lines]
    lines += ["  constants:", *(f"    {name}: {_number(value)}" for name, value in new.constants)]
    for name, records in (("bands", new.bands), ("errors", new.errors)):
        lines += [f"  {name}:", *(f"    - {_flow(record.model_dump())}" for record in records)]
    SHIPPED.write_text(head + "\ntraining:\n" + "\n".join(lines) + "\n" + after, encoding="utf-8")


def _end(rest: str) -> int:
    """How many of the lines belong to the section: those before the next name at the left margin."""
    lines = rest.splitlines()
    return next((i for i, line in enumerate(lines) if line and not line.startswith((" ", "#"))), len(lines))


def _number(value: float) -> str:
    """A number that YAML reads as one: exponents need a point and a sign."""
    return yaml.safe_dump(float(f"{value:.4g}")).split("\n")[0]


def _flow(record: dict[str, object]) -> str:
    return yaml.safe_dump(record, default_flow_style=True, sort_keys=False, width=1000).strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="fit again and rewrite the shipped constants")
    if parser.parse_args().write:
        write()
    print(report())
