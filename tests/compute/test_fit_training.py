"""The shipped training constants come from the rows that ship with them, and are as good as the documents say."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.compute import fit_training
from breakeven.compute.fit_training import START, Measured, predicted, read_measured
from breakeven.errors import InputError

RUNS = Path(__file__).parents[2] / "benchmarks" / "data" / "training_runs.csv"


@pytest.fixture(scope="module")
def rows(catalogue: Catalogue) -> Measured:
    return read_measured(RUNS, catalogue)


def test_the_fit_gives_the_shipped_section(rows: Measured, catalogue: Catalogue) -> None:
    shipped = catalogue.compute.training
    new = fit_training.refit(rows, shipped, shipped.fitted)
    assert new.rows == shipped.rows == 114
    for name, value in new.constants:
        assert value == pytest.approx(getattr(shipped.constants, name), rel=0.002), name
    assert [band.slice for band in new.bands] == [band.slice for band in shipped.bands] == ["all", "dense", "qlora"]
    for band, kept in zip(new.bands, shipped.bands, strict=True):
        assert (band.low, band.high) == pytest.approx((kept.low, kept.high), abs=0.011)
    for error, kept_error in zip(new.errors, shipped.errors, strict=True):
        assert (error.slice, error.left_out) == (kept_error.slice, kept_error.left_out)
        assert (error.median, error.p90) == pytest.approx((kept_error.median, kept_error.p90), abs=0.005)


@pytest.mark.parametrize("fold", ["model", "gpu", "series", "source"])
def test_left_out_rows_are_predicted_within_the_bar(rows: Measured, fold: str) -> None:
    error = np.abs(fit_training.left_out(rows, fold) - 1)
    assert np.median(error) <= 0.15
    assert np.percentile(error, 90) <= 0.5


def test_bands_hold_four_fifths_of_left_out_rows(catalogue: Catalogue) -> None:
    for error in catalogue.compute.training.errors:
        if error.slice != "moe":  # eight rows: too few for a band of their own
            assert error.covered is not None
            assert error.covered >= 0.8, error


def test_better_than_the_equations_it_replaces(rows: Measured, catalogue: Catalogue) -> None:
    # published before: median 8.3 %, 90th percentile 30 % of rows that took part in the fit
    error = np.abs(predicted(rows, catalogue.compute.training.constants) - 1)
    assert np.median(error) < 0.083
    assert np.percentile(error, 90) < 0.30


def test_without_rows_constants_stay_where_they_start(rows: Measured) -> None:
    none = rows.part(np.zeros(len(rows.runs), bool))
    for name, value in fit_training.fit(none):
        assert value == pytest.approx(START[name].value, rel=1e-3)


def test_the_fit_finds_constants_that_made_its_rows(rows: Measured, catalogue: Catalogue) -> None:
    true = catalogue.compute.training.constants.model_copy(update={"arithmetic_share": 0.7, "layer_s": 0.005})
    made = rows._replace(tokens_s_gpu=fit_training.tokens_s_gpu(rows.work, true))
    found = fit_training.fit(made)
    assert found.arithmetic_share == pytest.approx(0.7, rel=0.05)
    assert found.layer_s == pytest.approx(0.005, rel=0.05)
    assert np.abs(predicted(made, found) - 1).max() < 0.05


def test_one_absurd_row_moves_the_fit_little(rows: Measured) -> None:
    speeds = rows.tokens_s_gpu.copy()
    speeds[0] *= 1000
    before, after = fit_training.fit(rows), fit_training.fit(rows._replace(tokens_s_gpu=speeds))
    for name, value in after:
        assert value == pytest.approx(getattr(before, name), rel=0.15), name


def test_every_row_has_a_source_and_a_day() -> None:
    import csv

    with RUNS.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert len({row["id"] for row in table}) == len(table) == 114
    for row in table:
        assert row["source_url"].startswith("https://"), row["id"]
        assert dt.date.fromisoformat(f"{row['source_date']}-01") < dt.date(2026, 11, 25)


def test_a_row_without_a_usable_speed_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "runs.csv"
    file.write_text("model,gpu,method,tokens_per_s\nllama-2-70b,h100-sxm,lora,-5\n")
    with pytest.raises(InputError, match="tokens_per_s '-5' is not a number above 0"):
        read_measured(file, catalogue)


def test_the_document_says_what_is_shipped(catalogue: Catalogue) -> None:
    text = (RUNS.parents[2] / "docs" / "training-model.md").read_text(encoding="utf-8")
    shipped = catalogue.compute.training
    for error in shipped.errors:
        median = 100 * error.median
        assert (f"{median:.0f} %, " if median >= 30 else f"{median:.1f} %, ") in text, error
    for band in shipped.bands:
        assert f"{band.low:.2f} to {band.high:.2f}" in text, band
    assert f"{shipped.constants.arithmetic_share:.2f}" in text
