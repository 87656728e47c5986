"""Measured speeds put to use: scaled, interpolated, and moved to other loads."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalogue.constants import MeasuredFit
from breakeven.catalogue.load import Catalogue
from breakeven.compute.calibration import Calibration, calibrate, level, smooth
from breakeven.compute.fit import read_rows, table
from breakeven.compute.fit_measured import Runs, left_out, refit, runs_of
from breakeven.compute.measured import MeasuredPoint, read_benchmark
from breakeven.errors import InputError

DATA = Path(__file__).parent / "data"
ROWS = Path(__file__).parents[2] / "benchmarks" / "data" / "serving_runs.csv.gz"


def predict(input_tokens: float, output_tokens: float, concurrency: float) -> float:
    """A server that saturates: 100 tokens/s a request at first, 2,000 in all; prompts take their share."""
    return 2000 * concurrency / (20 + concurrency) * output_tokens / (output_tokens + input_tokens / 10)


def point(
    concurrency: float, factor: float = 1.0, input_tokens: float = 1000, output_tokens: float = 200
) -> MeasuredPoint:
    (like,) = read_benchmark(DATA / "vllm.json")
    return replace(
        like,
        run=f"run at {concurrency:g}",
        concurrency=concurrency,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        output_tokens_s=factor * predict(input_tokens, output_tokens, concurrency),
    )


@pytest.fixture
def fitted(catalogue: Catalogue) -> MeasuredFit:
    return catalogue.compute.measured


def made(fitted: MeasuredFit, *points: MeasuredPoint) -> Calibration:
    return calibrate(points, predict, fitted)


def test_one_point_scales_the_equations(fitted: MeasuredFit) -> None:
    found = made(fitted, point(16, 0.8))
    assert found.scale == pytest.approx(0.8)
    assert found.curves == ()
    speed = found.output_tokens_s(3000, 500, 64)
    assert speed.middle == pytest.approx(0.8 * predict(3000, 500, 64))
    assert speed.label == "calibrated"
    band = fitted.band("one point")
    assert (speed.low, speed.high) == pytest.approx((band.low * speed.middle, band.high * speed.middle))


def test_two_points_take_the_median(fitted: MeasuredFit) -> None:
    found = made(fitted, point(16, 0.8), point(32, 1.0))
    assert found.scale == pytest.approx(0.9)
    assert found.output_tokens_s(1000, 200, 20).label == "calibrated"
    assert found.output_tokens_s(1000, 200, 20).middle == pytest.approx(0.9 * predict(1000, 200, 20))


def test_three_concurrencies_are_interpolated(fitted: MeasuredFit) -> None:
    found = made(fitted, point(32, 0.9), point(8, 0.7), point(16, 0.8))
    for load, factor in ((8, 0.7), (16, 0.8), (32, 0.9)):
        speed = found.output_tokens_s(1000, 200, load)
        assert speed.middle == pytest.approx(factor * predict(1000, 200, load))
        assert speed.label == "measured"
    between = found.output_tokens_s(1050, 195, 23)
    assert between.label == "measured"
    assert 0.8 * predict(1000, 200, 16) < between.middle < 0.9 * predict(1000, 200, 32)


def test_a_power_law_is_interpolated_exactly(fitted: MeasuredFit) -> None:
    # 100 * c ** 0.5: 200, 400, 800 at 4, 16, 64; 300 at 9
    runs = [replace(point(load), output_tokens_s=100 * math.sqrt(load)) for load in (4, 16, 64)]
    assert made(fitted, *runs).output_tokens_s(1000, 200, 9).middle == pytest.approx(300)


def test_outside_what_was_measured_the_equations_carry_on(fitted: MeasuredFit) -> None:
    found = made(fitted, point(8, 0.7), point(16, 0.8), point(32, 0.9))
    for load, ratio in ((4, 0.7), (64, 0.9), (math.inf, 0.9)):
        speed = found.output_tokens_s(1000, 200, load)
        expected = predict(1000, 200, load) if math.isfinite(load) else math.nan
        assert speed.label == "calibrated"
        if math.isfinite(load):
            assert speed.middle == pytest.approx(ratio * expected)
    other = found.output_tokens_s(4000, 200, 16)
    assert other.label == "calibrated"
    assert other.middle == pytest.approx(0.8 * predict(4000, 200, 16))


def test_the_nearest_length_decides(fitted: MeasuredFit) -> None:
    short = [point(load, 0.5) for load in (8, 16, 32)]
    long = [point(load, 0.9, 8000, 800) for load in (8, 16, 32)]
    found = made(fitted, *short, *long)
    assert found.output_tokens_s(6000, 800, 16).middle == pytest.approx(0.9 * predict(6000, 800, 16))
    assert found.output_tokens_s(1300, 200, 16).middle == pytest.approx(0.5 * predict(1300, 200, 16))


def test_repeated_runs_are_averaged(fitted: MeasuredFit) -> None:
    found = made(fitted, point(8), point(16, 0.5), point(16, 2.0), point(32))
    assert found.output_tokens_s(1000, 200, 16).middle == pytest.approx(predict(1000, 200, 16))  # sqrt(0.5 * 2) = 1


@given(st.lists(st.floats(0.3, 3), min_size=3, max_size=8), st.floats(0, 1))
def test_interpolation_stays_between_its_neighbours(factors: list[float], where: float) -> None:
    known = [4.0 * 2**place for place in range(len(factors))]
    values = [math.log(factor) for factor in factors]
    load = known[0] * (known[-1] / known[0]) ** where
    place = min(int(math.log2(load / known[0])), len(known) - 2)
    low, high = sorted(values[place : place + 2])
    assert low - 1e-9 <= smooth(load, known, values) <= high + 1e-9
    assert low - 1e-9 <= level(load, known, values) <= high + 1e-9


def test_narrower_bands_with_more_measured(fitted: MeasuredFit) -> None:
    widths = [fitted.band(name).high / fitted.band(name).low for name in ("one point", "two points", "three points")]
    assert widths == sorted(widths, reverse=True)
    assert fitted.band("interpolated").high / fitted.band("interpolated").low < widths[-1]
    for error in fitted.errors:
        assert error.covered is not None
        assert error.covered >= 0.8


def test_refusals(fitted: MeasuredFit) -> None:
    with pytest.raises(InputError, match="no measured run was given"):
        made(fitted)
    with pytest.raises(InputError, match=r"several models \(a, b\)"):
        made(fitted, replace(point(8), model="a"), replace(point(8), model="b"))
    with pytest.raises(InputError, match="run at 8: the server given cannot take this load"):
        calibrate([point(8)], lambda *_: 0.0, fitted)
    with pytest.raises(InputError, match="output_tokens 0 is not a number above 0"):
        made(fitted, point(8)).output_tokens_s(10, 0, 1)
    with pytest.raises(InputError, match="concurrency nan is not above 0"):
        made(fitted, point(8)).output_tokens_s(10, 10, math.nan)


def test_left_out_points_by_hand() -> None:
    # one server, measured over predicted always 0.8: other points foretell each exactly
    loads = np.array([4.0, 8, 16, 32])
    runs = Runs(["a"] * 4, ["x"] * 4, loads, 80 * np.sqrt(loads), 100 * np.sqrt(loads))
    found = left_out(runs)
    assert {name: len(values) for name, values in found.items()} == {
        "one point": 20,
        "two points": 20,
        "three points": 20,
        "interpolated": 2,
    }
    for values in found.values():
        assert np.abs(values).max() < 1e-9


def test_servers_are_kept_apart() -> None:
    loads = np.array([4.0, 4.0])
    runs = Runs(["a", "b"], ["x", "x"], loads, np.array([80.0, 300.0]), np.array([100.0, 100.0]))
    assert all(len(values) == 0 for values in left_out(runs).values())


def test_bands_hold_four_fifths(fitted: MeasuredFit) -> None:
    import datetime as dt

    draw = np.random.default_rng(1)
    servers = [f"s{place // 10}" for place in range(400)]
    loads = np.tile(2.0 ** np.arange(10), 40)
    true = 100 * np.sqrt(loads) * np.exp(draw.normal(0, 0.1, 400))
    new = refit(Runs(servers, servers, loads, true, 90 * np.sqrt(loads)), fitted, dt.date(2026, 11, 25))
    assert new.rows == 400
    assert [band.slice for band in new.bands] == [band.slice for band in fitted.bands]
    for error in new.errors:
        assert error.covered == pytest.approx(0.81, abs=0.02)


def test_samples_make_a_calibration(fitted: MeasuredFit) -> None:
    points = read_benchmark(DATA / "vllm_appended.jsonl")
    rates = [json.loads(line)["output_throughput"] for line in (DATA / "vllm_appended.jsonl").read_text().splitlines()]
    found = made(fitted, *points)
    assert [found.output_tokens_s(1024, 256, load).middle for load in (8, 16, 32)] == pytest.approx(rates)


def test_the_shipped_bands_come_from_the_shipped_runs(catalogue: Catalogue) -> None:
    shipped = catalogue.compute.measured
    runs = runs_of(table(read_rows(ROWS), catalogue), catalogue.compute.serving.constants)
    new = refit(runs, shipped, shipped.fitted)
    assert new.rows == shipped.rows
    for band, kept_band in zip(new.bands, shipped.bands, strict=True):
        assert band.slice == kept_band.slice
        assert (band.low, band.high) == pytest.approx((kept_band.low, kept_band.high), abs=0.011)
    for error, kept in zip(new.errors, shipped.errors, strict=True):
        assert (error.median, error.p90) == pytest.approx((kept.median, kept.p90), abs=0.005)


def test_the_document_says_what_is_shipped(fitted: MeasuredFit) -> None:
    text = (Path(__file__).parents[2] / "docs" / "measured-benchmarks.md").read_text(encoding="utf-8")
    for error in fitted.errors:
        band = fitted.band(error.slice)
        assert f"{band.low:.2f} to {band.high:.2f}" in text, error.slice
        assert f"{100 * error.median:.1f} %" in text, error.slice
    assert f"{fitted.rows:,} published runs" in text
