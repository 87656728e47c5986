"""How far measurements on a server foretell others on the same one: bands for ``calibration``, from left-out points."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.constants import Band, MeasuredFit, ServingConstants, SliceError
from breakeven.compute.calibration import FEWEST, smooth
from breakeven.compute.fit import Table, predicted

Array = NDArray[np.float64]

DRAWS = 5
"""Choices of other points that are tried for each left-out one."""

COVERED = 0.8
"""Share of left-out points that a band is to hold."""


class Runs(NamedTuple):
    """
    Measured runs of several servers, all of shape (R,).

    server : what ran them, equal for runs of one server. lengths : equal for runs of one length.
    concurrency : infinite for a queue that never empties.
    measured, predicted : output tokens per second.
    """

    server: Sequence[str]
    lengths: Sequence[str]
    concurrency: Array
    measured: Array
    predicted: Array


SERVER = (
    *("source", "model", "engine", "engine_version", "gpu", "gpu_count", "tp", "pp", "attn_dp", "ep"),
    *("weight_precision", "spec_decode"),
)
"""Columns that are the same for all runs of one server."""


def runs_of(data: Table, constants: ServingConstants) -> Runs:
    """The measured rows of the serving fit, with what its equations predict."""
    return Runs(
        server=["|".join(row.get(name) or "" for name in SERVER) for row in data.rows],
        lengths=[f"{row['input_len']}/{row['output_len']}" for row in data.rows],
        concurrency=data.concurrency * data.replicas,
        measured=data.measured,
        predicted=predicted(data, constants),
    )


def left_out(runs: Runs, seed: int = 0) -> dict[str, Array]:
    """
    Logarithm of measured over expected speed of left-out points, by what was measured besides.

    ``one point``, ``two points``, ``three points``: median of measured over predicted of so many other points of the
    server, drawn ``DRAWS`` times each. ``interpolated``: between its neighbours in concurrency, at the same lengths.
    """
    ratio = np.log(runs.measured / runs.predicted)
    draw = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in ("one point", "two points", "three points", "interpolated")}
    for places in _alike(runs.server, np.arange(len(ratio))):
        for place in places:
            others = places[places != place]
            for count, name in enumerate(list(found)[:3], 1):
                for _ in range(DRAWS if len(others) >= count else 0):
                    taken = draw.choice(others, count, replace=False)
                    found[name].append(float(ratio[place] - np.median(ratio[taken])))
        for same in _alike([runs.lengths[place] for place in places], places):
            found["interpolated"] += _gaps(runs, same[np.isfinite(runs.concurrency[same])])
    return {name: np.array(values) for name, values in found.items()}


def _alike(names: Sequence[str], places: NDArray[np.int_]) -> Iterator[NDArray[np.int_]]:
    """Places whose names are equal, together."""
    labels = np.array(names)
    for name in dict.fromkeys(labels.tolist()):
        yield places[labels == name]


def _gaps(runs: Runs, places: NDArray[np.int_]) -> list[float]:
    """Measured over interpolated of each inner concurrency of one server at one length, left out."""
    loads = np.unique(runs.concurrency[places])
    if len(loads) < FEWEST + 1:
        return []
    logs = [float(np.mean(np.log(runs.measured[places[runs.concurrency[places] == load]]))) for load in loads]
    found = []
    for inner in range(1, len(loads) - 1):
        known = [load for place, load in enumerate(loads) if place != inner]
        values = [value for place, value in enumerate(logs) if place != inner]
        found.append(logs[inner] - smooth(float(loads[inner]), known, values))
    return found


def refit(runs: Runs, old: MeasuredFit, day: dt.date) -> MeasuredFit:
    """A new section ``measured``; source and note are those of ``old``."""
    errors = left_out(runs)
    found = {name: values for name, values in errors.items() if len(values)}
    bands = [_band(name, values) for name, values in found.items()]
    bands.append(bands[0].model_copy(update={"slice": "all"}))
    slices = tuple(_error(name, found[name], band) for name, band in zip(found, bands, strict=False))
    fresh: Mapping[str, object] = {"fitted": day, "rows": len(runs.measured), "bands": tuple(bands), "errors": slices}
    return old.model_copy(update=dict(fresh))


def _band(name: str, values: Array) -> Band:
    """Multipliers that hold ``COVERED`` of the left-out points."""
    low, high = np.exp(np.percentile(values, (50 * (1 - COVERED), 100 - 50 * (1 - COVERED))))
    return Band(slice=name, low=math.floor(100 * low) / 100, high=math.ceil(100 * high) / 100, rows=len(values))


def _error(name: str, values: Array, band: Band) -> SliceError:
    absolute = np.abs(np.exp(-values) - 1)
    inside = (np.exp(values) >= band.low) & (np.exp(values) <= band.high)
    return SliceError(
        slice=name,
        left_out="point",
        rows=len(values),
        median=round(float(np.median(absolute)), 3),
        p90=round(float(np.percentile(absolute, 90)), 3),
        covered=round(float(inside.mean()), 3),
    )
