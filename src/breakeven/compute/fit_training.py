"""
Fit of the training constants to measured runs, judged by rows that took no part in it.

The fit minimises a soft absolute error of log speed (``2 (sqrt(1 + r^2) - 1)``, ``r`` in units of ``SCATTER``), so
single odd rows pull little, plus squared distances from starting points that come from arithmetic, not from the rows
(``START``); where rows say nothing of a constant, it stays there.
"""

import csv
import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from breakeven.catalogue.constants import Band, SliceError, TrainingFit
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.training import TrainingConstants
from breakeven.compute.rows import number
from breakeven.compute.training_rows import TrainingRun, run_of
from breakeven.compute.tuning import SLICES, slice_of, work_of
from breakeven.compute.tuning_equations import Array, Work, stack, tokens_s_gpu

Held = NDArray[np.bool_]

SCATTER = 0.1
"""Error of log speed below which rows count in full."""

COVERED = 0.8
"""Share of left-out rows that a band is to hold."""

FEWEST = 20
"""Left-out predictions that a band of its own needs."""


class Start(NamedTuple):
    """Where a constant starts, the standard deviation of its logarithm, and the arithmetic behind it."""

    value: float
    spread: float
    why: str


START: dict[str, Start] = {
    "arithmetic_share": Start(0.6, 0.3, "tuned matrix products reach 50 to 70 % of the peak"),
    "attention_share": Start(0.8, 0.4, "attention kernels are a little slower than matrix products"),
    "fp4_speed": Start(1.33, 0.2, "half of the arithmetic at twice the speed"),
    "amd_share": Start(0.8, 0.2, "as in serving"),
    "recompute_share": Start(0.5, 0.5, "between selective and full recomputing"),
    "activation_bytes": Start(250.0, 0.7, "40 tensors of 2 bytes in three passes"),
    "expert_bytes": Start(1e6, 1.0, "unknown; permuting a token of 8k values some 30 times, small products"),
    "dequantise_bytes": Start(30.0, 0.7, "three passes that read 0.5, write 2 and read 2 bytes, at half the bandwidth"),
    "gather_passes": Start(3.0, 0.3, "forward, backward, and gradients or recomputing"),
    "node_bytes_s": Start(50e9, 0.5, "one 400 Gb/s port per GPU"),
    "layer_s": Start(3e-3, 0.7, "three passes of 100 kernels at 10 microseconds"),
}  # fmt: skip


def on_trial(logs: Array) -> TrainingConstants:
    """Constants from their logarithms in the order of ``START``, not checked: this runs thousands of times."""
    return TrainingConstants.model_construct(**dict(zip(START, np.exp(logs).tolist(), strict=True)))


class Measured(NamedTuple):
    """
    Measured runs.

    tokens_s_gpu : of each GPU while steps ran. [tokens/s]
    groups : for each property by which runs are left out or reported together, its value for each run.
    """

    runs: tuple[TrainingRun, ...]
    work: Work
    tokens_s_gpu: Array
    groups: Mapping[str, tuple[str, ...]]

    def part(self, kept: Held) -> "Measured":
        """Those where ``kept``."""
        places = np.flatnonzero(kept)
        return Measured(
            tuple(self.runs[i] for i in places),
            Work(*(column[places] for column in self.work)),
            self.tokens_s_gpu[places],
            {name: tuple(values[i] for i in places) for name, values in self.groups.items()},
        )


GROUPS = ("model", "gpu", "series", "source", "framework")
"""Columns kept as ``Measured.groups``."""


def read_measured(path: Path, catalogue: Catalogue) -> Measured:
    """
    The rows of a table of measured runs that state a speed, in the columns of ``benchmarks/data/training_runs.csv``.

    A speed over the whole run is divided by the share of it that steps take (``figures.overhead``).

    Raises
    ------
    InputError
        A row that says too little of what was run, or whose speed is not a number above 0.
    """
    constants = catalogue.compute.training
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("tokens_per_s")]
    runs = tuple(run_of(row, catalogue) for row in rows)
    steps = 1 + float(constants.figures.overhead.value)
    speeds = [number(row, "tokens_per_s") or 0.0 for row in rows]
    per_gpu = [s / run.job.gpus * (steps if run.wall_clock else 1.0) for s, run in zip(speeds, runs, strict=True)]
    groups = {name: tuple(row.get(name) or "" for row in rows) for name in GROUPS}
    groups["method"] = tuple(run.job.method for run in runs)
    work = stack([work_of(run.job, constants) for run in runs])
    return Measured(runs, work, np.array(per_gpu, float), groups)


def fit(rows: Measured) -> TrainingConstants:
    """Constants that fit ``rows`` best, to four digits."""
    start = np.log([each.value for each in START.values()])
    spread = np.array([each.spread for each in START.values()])

    def residuals(logs: Array) -> Array:
        error = np.log(tokens_s_gpu(rows.work, on_trial(logs)) / rows.tokens_s_gpu) / SCATTER
        return np.concatenate([np.sign(error) * np.sqrt(2 * (np.sqrt(1 + error**2) - 1)), (logs - start) / spread])

    found = least_squares(residuals, start)
    return TrainingConstants(
        **{name: float(f"{value:.4g}") for name, value in zip(START, np.exp(found.x), strict=True)}
    )


def predicted(rows: Measured, constants: TrainingConstants) -> Array:
    """Predicted over measured speed."""
    return np.asarray(tokens_s_gpu(rows.work, constants) / rows.tokens_s_gpu)


def left_out(rows: Measured, group: str) -> Array:
    """Predicted over measured speed of each row, by a fit without all rows that share its value of ``group``."""
    names = np.array(rows.groups[group])
    ratio = np.empty(len(names))
    for name in np.unique(names):
        out = names == name
        ratio[out] = predicted(rows.part(out), fit(rows.part(~out)))
    return ratio


def folds(rows: Measured) -> dict[str, Array]:
    """Predicted over measured speed with each model, GPU and series of runs left out in turn."""
    return {group: left_out(rows, group) for group in ("model", "gpu", "series")}


def slices(rows: Measured) -> dict[str, Held]:
    """Which rows are in each slice that may have a band of its own (``tuning.slice_of``)."""
    names = np.array([slice_of(run.job) for run in rows.runs])
    return {"all": np.ones(len(names), bool), **{name: names == name for name in SLICES}}


def bands(rows: Measured, ratios: Mapping[str, Array]) -> tuple[Band, ...]:
    """
    Multipliers that hold ``COVERED`` of the left-out rows, in whichever fold they lie widest.

    A slice of fewer than ``FEWEST`` rows has no band of its own.
    """
    ends = (50 * (1 - COVERED), 100 - 50 * (1 - COVERED))
    found = []
    for name, held in slices(rows).items():
        if held.sum() >= FEWEST:
            lows, highs = zip(*(np.percentile(1 / ratio[held], ends) for ratio in ratios.values()), strict=True)
            low, high = math.floor(100 * min(lows)) / 100, math.ceil(100 * max(highs)) / 100
            found.append(Band(slice=name, low=low, high=high, rows=int(held.sum())))
    return tuple(found)


def covered(ratio: Array, band: Band) -> float:
    """Share of rows whose measured speed lies inside a band of the predicted one."""
    inside = (1 / ratio >= band.low) & (1 / ratio <= band.high)
    return float(inside.mean())


def errors(rows: Measured, ratios: Mapping[str, Array], fitted: TrainingFit) -> tuple[SliceError, ...]:
    """Median and 90th percentile of the absolute error by slice: of the fit itself, and of each fold."""
    everything = {"none": predicted(rows, fitted.constants), **ratios}
    return tuple(
        error_of(name, fold, ratio[held], fitted.band(name))
        for name, held in slices(rows).items()
        for fold, ratio in everything.items()
    )


def error_of(name: str, fold: Any, ratio: Array, band: Band) -> SliceError:
    """Error of predictions from ``predicted over measured`` speeds."""
    error = np.abs(ratio - 1)
    return SliceError(
        slice=name,
        left_out=fold,
        rows=len(ratio),
        median=round(float(np.median(error)), 3),
        p90=round(float(np.percentile(error, 90)), 3),
        covered=round(covered(ratio, band), 3),
    )


def refit(rows: Measured, old: TrainingFit, day: dt.date) -> TrainingFit:
    """A new section ``training`` from measured rows; its figures and source are those of ``old``."""
    left = folds(rows)
    fresh = {"fitted": day, "rows": len(rows.runs), "constants": fit(rows), "bands": bands(rows, left)}
    new = old.model_copy(update=fresh)
    return new.model_copy(update={"errors": errors(rows, left, new)})
