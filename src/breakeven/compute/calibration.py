"""Measured speeds of one server put to use: as they are between measured loads, else to correct the equations."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator

from breakeven.catalogue.constants import MeasuredFit
from breakeven.compute.measured_fields import MeasuredPoint
from breakeven.errors import InputError

Predict = Callable[[float, float, float], float]
"""Output tokens per second of the measured server from input tokens, output tokens and concurrency."""

SAME_LENGTH = 0.1
"""Share by which lengths may differ and still count as the same."""

FEWEST = 3
"""Concurrencies at one length from which speeds are interpolated."""


class Speed(NamedTuple):
    """
    Output tokens per second of the whole server, with the band that held 80 % of left-out measured runs.

    label : ``measured`` where interpolated between measured loads at measured lengths, else ``calibrated``.
    """

    low: float
    middle: float
    high: float
    label: Literal["measured", "calibrated"]


@dataclass(frozen=True, slots=True)
class Curve:
    """
    Measured speeds at one length, by rising concurrency. All arrays of shape (C,).

    log_speed : of output tokens per second; log_ratio : of measured over predicted.
    """

    input_tokens: float
    output_tokens: float
    concurrency: tuple[float, ...]
    log_speed: tuple[float, ...]
    log_ratio: tuple[float, ...]

    def holds(self, input_tokens: float, output_tokens: float, concurrency: float) -> bool:
        """Whether a load lies inside what was measured."""
        lengths = ((input_tokens, self.input_tokens), (output_tokens, self.output_tokens))
        same = all(abs(asked - here) <= SAME_LENGTH * here for asked, here in lengths)
        return same and self.concurrency[0] <= concurrency <= self.concurrency[-1]

    def distance(self, input_tokens: float, output_tokens: float) -> float:
        """How far lengths are from those of the curve, in logarithms."""
        return abs(math.log(input_tokens / self.input_tokens)) + abs(math.log(output_tokens / self.output_tokens))


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    What measurements say about one server.

    scale : median of measured over predicted, of all points.
    curves : measured speeds at lengths with at least ``FEWEST`` concurrencies; () with fewer.
    points : measurements used.
    """

    points: tuple[MeasuredPoint, ...]
    scale: float
    curves: tuple[Curve, ...]
    predict: Predict
    fitted: MeasuredFit

    def output_tokens_s(self, input_tokens: float, output_tokens: float, concurrency: float) -> Speed:
        """
        Output tokens per second at one load.

        Inside a measured curve: a monotone cubic (PCHIP) through the measured points, both axes logarithmic. Elsewhere
        the equations, times measured over predicted of the nearest curve at that concurrency (its end beyond it), or
        times ``scale``.

        Raises
        ------
        InputError
            A length or the concurrency is not above 0.
        """
        for name, value in (("input_tokens", input_tokens), ("output_tokens", output_tokens)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} {value:g} is not a number above 0", field=name)
        if not concurrency > 0:
            raise InputError(f"concurrency {concurrency:g} is not above 0", field="concurrency")
        for curve in self.curves:
            if curve.holds(input_tokens, output_tokens, concurrency):
                middle = math.exp(smooth(concurrency, curve.concurrency, curve.log_speed))
                return self._speed(middle, "measured", "interpolated")
        predicted = self.predict(input_tokens, output_tokens, concurrency)
        if self.curves:
            near = min(self.curves, key=lambda curve: curve.distance(input_tokens, output_tokens))
            ratio = math.exp(level(concurrency, near.concurrency, near.log_ratio))
            return self._speed(ratio * predicted, "calibrated", "three points")
        few = ("one point", "two points", "three points")[min(len(self.points), 3) - 1]
        return self._speed(self.scale * predicted, "calibrated", few)

    def _speed(self, middle: float, label: Literal["measured", "calibrated"], kind: str) -> Speed:
        band = self.fitted.band(kind)
        return Speed(band.low * middle, middle, band.high * middle, label)


def smooth(concurrency: float, known: Sequence[float], values: Sequence[float]) -> float:
    """``values`` at a concurrency inside ``known``: a cubic in its logarithm that keeps rises and falls (PCHIP)."""
    return float(PchipInterpolator(np.log(known), values)(math.log(concurrency)))


def level(concurrency: float, known: Sequence[float], values: Sequence[float]) -> float:
    """``values`` at a concurrency, linear in its logarithm, level beyond the ends."""
    return float(np.interp(math.log(min(concurrency, known[-1])), np.log(known), values))


def calibrate(points: Sequence[MeasuredPoint], predict: Predict, fitted: MeasuredFit) -> Calibration:
    """
    Measurements of one server as a correction of what the equations predict for it.

    Parameters
    ----------
    points : sequence of MeasuredPoint
        Runs on the same GPUs, with the same model and precision; the caller knows which, the files do not.
    predict : callable
        Predicted output tokens per second of that server.
    fitted : MeasuredFit
        ``catalogue.compute.measured``: the bands.

    Raises
    ------
    InputError
        No points, points of several models, or one at which the server is predicted to do nothing.
    """
    if not points:
        raise InputError("no measured run was given; give at least one benchmark file")
    models = sorted({point.model for point in points if point.model is not None})
    if len(models) > 1:
        raise InputError(f"the runs are of several models ({', '.join(models)}); give those of one server")
    ratios = []
    for point in points:
        predicted = predict(point.input_tokens, point.output_tokens, point.concurrency)
        if not (predicted > 0 and math.isfinite(predicted)):
            raise InputError(f"{point.run}: the server given cannot take this load; check its GPUs and precision")
        ratios.append(point.output_tokens_s / predicted)
    curves = tuple(curve for group in _groups(points, ratios) if (curve := _curve(group)) is not None)
    return Calibration(tuple(points), float(np.median(ratios)), curves, predict, fitted)


Measured = tuple[MeasuredPoint, float]
"""A point, and measured over predicted."""


def _groups(points: Sequence[MeasuredPoint], ratios: Sequence[float]) -> list[list[Measured]]:
    """Points of like lengths together."""
    groups: list[list[Measured]] = []
    for point, ratio in zip(points, ratios, strict=True):
        for group in groups:
            first = group[0][0]
            if (
                abs(point.input_tokens - first.input_tokens) <= SAME_LENGTH * first.input_tokens
                and abs(point.output_tokens - first.output_tokens) <= SAME_LENGTH * first.output_tokens
            ):
                group.append((point, ratio))
                break
        else:
            groups.append([(point, ratio)])
    return groups


def _curve(group: list[Measured]) -> Curve | None:
    """A curve through a group's points, repeated runs averaged; None with too few concurrencies."""
    loads = sorted({point.concurrency for point, _ in group})
    if len(loads) < FEWEST:
        return None
    at = [[each for each in group if each[0].concurrency == load] for load in loads]
    return Curve(
        input_tokens=float(np.mean([point.input_tokens for point, _ in group])),
        output_tokens=float(np.mean([point.output_tokens for point, _ in group])),
        concurrency=tuple(loads),
        log_speed=tuple(float(np.mean([math.log(point.output_tokens_s) for point, _ in runs])) for runs in at),
        log_ratio=tuple(float(np.mean([math.log(ratio) for _, ratio in runs])) for runs in at),
    )
