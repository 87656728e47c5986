"""The shipped constants come from the rows that are shipped, and keep the limits of the design on them."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from breakeven.catalogue.constants import ComputeFile
from breakeven.catalogue.load import FOLDER, Catalogue, read
from breakeven.compute.accuracy import bands_of, errors_of, held_by_others, markdown, rounded
from breakeven.compute.constants_file import write_numbers, write_section
from breakeven.compute.fit import FREE, Table, fitted, left_out, log_ratio, read_rows, table, with_values
from breakeven.compute.predict import predict_serving
from breakeven.errors import InputError

ROWS = Path(__file__).parents[2] / "benchmarks" / "data" / "serving_runs.csv.gz"


@pytest.fixture(scope="module")
def data(catalogue: Catalogue) -> Table:
    return table(read_rows(ROWS), catalogue)


def test_every_row_in_scope_is_fitted_but_those_that_cannot_run(data: Table, catalogue: Catalogue) -> None:
    rows = [row for row in read_rows(ROWS) if row["in_fit_scope"] == "yes"]
    # Ten rows put 235 GB of weights on one GPU of 151 GB.
    assert len(rows) == 1543
    assert len(data.rows) == catalogue.compute.serving.rows == 1533
    assert all(row["source_url"].startswith("https://") for row in rows)


def test_shipped_errors_are_those_of_shipped_constants(data: Table, catalogue: Catalogue) -> None:
    fit = catalogue.compute.serving
    shipped = {error.slice: error for error in fit.errors if error.left_out == "none"}
    found = {error.slice: error for error in errors_of(data, log_ratio(data, fit.constants), "none", None)}
    for name, error in shipped.items():
        assert found[name].median == pytest.approx(error.median, abs=0.002)
        assert found[name].p90 == pytest.approx(error.p90, abs=0.01)


def test_limits_of_the_design(data: Table, catalogue: Catalogue) -> None:
    fit = catalogue.compute.serving
    everything = {error.left_out: error for error in fit.errors if error.slice == "all"}
    assert everything["none"].median <= 0.13
    assert everything["model"].median <= 0.15
    assert everything["gpu"].median <= 0.15
    assert all((everything[way].covered or 0) >= 0.8 for way in ("model", "gpu", "series"))


def test_a_fit_finds_the_shipped_constants(data: Table, catalogue: Catalogue) -> None:
    shipped = catalogue.compute.serving.constants
    again = fitted(data, with_values(shipped, FREE))
    assert np.abs(log_ratio(data, again) - log_ratio(data, shipped)).max() < 0.05
    for name in ("arithmetic_share", "expert_bandwidth_share", "engine_speed"):
        for key, value in getattr(shipped, name).items():
            assert getattr(again, name)[key] == pytest.approx(value, rel=0.02), (name, key)


def test_leaving_gpus_out_gives_the_shipped_error(data: Table, catalogue: Catalogue) -> None:
    fit = catalogue.compute.serving
    without = left_out(data, fit.constants, "gpu")
    (shipped,) = (error for error in fit.errors if error.left_out == "gpu" and error.slice == "all")
    assert np.median(np.abs(np.exp(without) - 1)) == pytest.approx(shipped.median, abs=0.005)


def test_constants_are_found_again_in_made_up_runs(data: Table, catalogue: Catalogue) -> None:
    """Runs computed with known constants: the fit finds them, whatever it starts from."""
    truth = {"layer_s": 9e-5, "arithmetic_share.fp8": 0.5, "engine_speed.vllm": 0.8, "sequence_s": 2e-5}
    constants = with_values(catalogue.compute.serving.constants, truth)
    made_up = data._replace(measured=data.measured * np.exp(log_ratio(data, constants)))
    start = dict.fromkeys(truth, 0.0) | {name: FREE[name] for name in truth}
    found = fitted(made_up, constants, start)
    assert found.layer_s == pytest.approx(9e-5, rel=0.01)
    assert found.arithmetic_share["fp8"] == pytest.approx(0.5, rel=0.01)
    assert found.engine_speed["vllm"] == pytest.approx(0.8, rel=0.01)
    assert found.sequence_s == pytest.approx(2e-5, rel=0.01)


def test_bands_hold_the_middle_of_what_was_left_out(data: Table) -> None:
    """Residuals that scatter alike everywhere: the band is their middle 85 %, and other models' rows find it too."""
    residuals = np.random.default_rng(5).normal(0, 0.2, (1, len(data.rows)))
    by_slice = {band.slice: band for band in bands_of(data, residuals)}
    # The 92.5 % point of a normal distribution is 1.4395 standard deviations.
    assert np.log(by_slice["all"].high) == pytest.approx(1.4395 * 0.2, rel=0.1)
    assert np.log(by_slice["all"].low) == pytest.approx(-1.4395 * 0.2, rel=0.1)
    assert held_by_others(data, residuals, 0, "model").mean() == pytest.approx(0.85, abs=0.03)


def test_the_band_holds_measured_rows(tmp_path: Path, catalogue: Catalogue) -> None:
    """End to end over every row of the table, as a user would check it."""
    import csv
    import gzip

    plain, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    plain.write_bytes(gzip.decompress(ROWS.read_bytes()))
    counted = predict_serving(plain, out, catalogue)
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert counted.rows == len(rows) == 1657
    assert counted.predicted == sum(bool(row["predicted_output_tok_s"]) for row in rows) >= 1640
    judged = [row for row in rows if row["in_fit_scope"] == "yes" and row["predicted_output_tok_s"]]
    ratios = [float(row["predicted_output_tok_s"]) / float(row["output_tok_s"]) for row in judged]
    inside = [
        float(row["predicted_low"]) <= float(row["output_tok_s"]) <= float(row["predicted_high"]) for row in judged
    ]
    assert np.median(np.abs(np.array(ratios) - 1)) <= 0.13
    assert np.mean(inside) >= 0.8
    assert all(row["predicted_note"] for row in rows if not row["predicted_output_tok_s"])


def test_a_section_is_written_and_the_rest_kept(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "compute.yaml"
    serving = catalogue.compute.serving
    training = catalogue.compute.training.model_copy(update={"fitted": dt.date(2026, 1, 2)})
    write_numbers("training", training, file)
    assert read(file, ComputeFile).serving == serving
    changed = serving.model_copy(update={"fitted": dt.date(2027, 1, 1), "constants": rounded(serving.constants)})
    write_section("serving", changed, "serving-runs", file)
    again = read(file, ComputeFile)
    assert again.serving == changed
    assert again.training == training
    assert again.measured == catalogue.compute.measured


def test_the_shipped_file_is_what_would_be_written(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "compute.yaml"
    write_section("serving", catalogue.compute.serving, "serving-runs", file)
    assert file.read_text(encoding="utf-8") == (FOLDER / "compute.yaml").read_text(encoding="utf-8")


def test_the_table_in_the_docs_is_that_of_the_fit(catalogue: Catalogue) -> None:
    text = (Path(__file__).parents[2] / "docs" / "serving-model.md").read_text(encoding="utf-8")
    assert markdown(catalogue.compute.serving) in text
    assert f"fitted on {catalogue.compute.serving.fitted} to {catalogue.compute.serving.rows:,} runs" in text


def test_rows_without_needed_columns(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("model,gpu\n")
    with pytest.raises(InputError, match="no column input_len, output_len, series, output_tok_s, in_fit_scope"):
        read_rows(file)
