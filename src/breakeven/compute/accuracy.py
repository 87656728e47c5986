"""How far serving predictions are from measured runs, by slice, and the bands taken from runs left out of the fit."""

import datetime as dt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.constants import Band, ServingConstants, ServingFit, SliceError
from breakeven.catalogue.records import Source
from breakeven.compute.fit import FoldBy, Table, fitted, left_out, log_ratio
from breakeven.compute.layout import ENGINES, Array

COVER = 0.85
"""Share of left-out rows a band is taken from, so that it holds 80 % of those of a model or GPU it never saw."""
SHRINK = 8
"""Series a slice needs for its own band to weigh as much as that of the slice around it."""
LEAST_SERIES = 4
NAMED = ("model ", "gpu ", "weight_precision ")
"""Starts of slices too small for the constants file; the benchmark prints them."""

Mask = NDArray[np.bool_]


def slices_of(data: Table) -> dict[str, Mask]:
    """Rows of each slice as a mask: all, dense and moe, each by engine, and every model and GPU."""
    moe = data.case.moe > 0
    engines = np.array([run.server.engine for run in data.runs])
    found: dict[str, Mask] = {"all": np.ones(len(data.rows), dtype=bool), "dense": ~moe, "moe": moe}
    for kind, mask in (("dense", ~moe), ("moe", moe)):
        found |= {f"{kind} {engine}": mask & (engines == engine) for engine in ENGINES}
    for engine in ENGINES:
        found[f"engine {engine}"] = engines == engine
    for column in ("weight_precision", "model", "gpu"):
        names = np.array([row[column] for row in data.rows])
        found |= {f"{column} {name}": names == name for name in sorted(set(names.tolist()))}
    return {name: mask for name, mask in found.items() if mask.any()}


def bands_of(data: Table, residuals: Array, keep: Mask | None = None) -> tuple[Band, ...]:
    """
    Bands by slice from the log ratios of left-out rows: the middle ``COVER`` of measured over predicted.

    ``residuals`` has shape (folds, rows). A slice of few series is drawn towards the slice around it.
    """
    kept = np.ones(len(data.rows), dtype=bool) if keep is None else keep
    series = np.array([row["series"] for row in data.rows])
    found: dict[str, Band] = {}
    for name, mask in slices_of(data).items():
        kind, _, engine = name.partition(" ")
        if kind not in ("all", "dense", "moe") or not (mask & kept).any():
            continue
        pooled = -residuals[:, mask & kept].ravel()
        low, high = np.quantile(pooled, [(1 - COVER) / 2, (1 + COVER) / 2])
        around = found[kind] if engine else found.get("all")
        count = len(set(series[mask & kept].tolist()))
        if around is not None:
            if engine and count < LEAST_SERIES:
                continue
            own = count / (count + SHRINK)
            low, high = (own * np.array([low, high]) + (1 - own) * np.log([around.low, around.high])).tolist()
        found[name] = Band(slice=name, low=float(np.exp(low)), high=float(np.exp(high)), rows=int((mask & kept).sum()))
    return tuple(found.values())


def inside(data: Table, ratios: Array, bands: tuple[Band, ...]) -> Mask:
    """Whether each row's measured value lies in the band around its prediction."""
    known = {band.slice: band for band in bands}
    moe = data.case.moe > 0
    held = np.empty(len(ratios), dtype=bool)
    for place, run in enumerate(data.runs):
        kind = "moe" if moe[place] else "dense"
        band = known.get(f"{kind} {run.server.engine}") or known.get(kind) or known["all"]
        held[place] = np.log(band.low) <= -ratios[place] <= np.log(band.high)
    return held


def held_by_others(data: Table, residuals: Array, row: int, by: FoldBy) -> Mask:
    """
    Whether each left-out row lies in a band that rows of its model, GPU or series had no part in.

    residuals : log ratios of left-out rows, shape (folds, rows); ``row`` is the one judged.
    """
    labels = np.array([each[by] for each in data.rows])
    held = np.empty(len(labels), dtype=bool)
    for label in np.unique(labels):
        out = labels == label
        bands = bands_of(data, residuals, keep=~out)
        held[out] = inside(data, residuals[row], bands)[out]
    return held


def errors_of(
    data: Table, ratios: Array, way: Literal["none", "model", "gpu", "series"], held: Mask | None
) -> tuple[SliceError, ...]:
    """Median and 90th percentile of the absolute error as a share of the measured value, by slice."""
    wrong = np.abs(np.exp(ratios) - 1)
    return tuple(
        SliceError(
            slice=name,
            left_out=way,
            rows=int(mask.sum()),
            median=round(float(np.median(wrong[mask])), 4),
            p90=round(float(np.quantile(wrong[mask], 0.9)), 4),
            covered=None if held is None else round(float(held[mask].mean()), 4),
        )
        for name, mask in slices_of(data).items()
    )


def refit(data: Table, before: ServingConstants, fitted_on: dt.date, source: Source) -> ServingFit:
    """
    Section ``serving`` of compute.yaml from measured rows: constants, bands from left-out rows, errors by slice.

    Constants that are not fitted are taken from ``before``.
    """
    constants = fitted(data, before)
    ways: tuple[FoldBy, ...] = ("model", "gpu", "series")
    residuals = np.stack([left_out(data, constants, way) for way in ways])
    errors = list(errors_of(data, log_ratio(data, constants), "none", None))
    for place, way in enumerate(ways):
        errors += errors_of(data, residuals[place], way, held_by_others(data, residuals, place, way))
    return ServingFit(
        source=source,
        fitted=fitted_on,
        rows=len(data.rows),
        constants=rounded(constants),
        bands=tuple(
            band.model_copy(update={"low": round(band.low, 3), "high": round(band.high, 3)})
            for band in bands_of(data, residuals)
        ),
        errors=tuple(error for error in errors if not error.slice.startswith(NAMED)),
    )


def rounded(constants: ServingConstants) -> ServingConstants:
    """The constants to four significant digits."""

    def short(value: Any) -> Any:
        return {key: short(each) for key, each in value.items()} if isinstance(value, dict) else float(f"{value:.4g}")

    return ServingConstants(**{name: short(value) for name, value in constants.model_dump().items()})


def markdown(fit: ServingFit) -> str:
    """The errors of a fit as the table of docs/serving-model.md."""
    found = {(error.slice, error.left_out): error for error in fit.errors}
    lines = [
        "| slice | rows | median | 90th pct. | model left out | GPU left out | series left out | in the band |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(error.slice for error in fit.errors):
        inside = found[name, "none"]
        others = [found[name, way] for way in ("model", "gpu", "series")]
        medians = " | ".join(f"{error.median:.1%}" for error in others)
        covered = min(error.covered or 0.0 for error in others)
        lines.append(f"| {name} | {inside.rows} | {inside.median:.1%} | {inside.p90:.0%} | {medians} | {covered:.0%} |")
    return "\n".join(lines)
