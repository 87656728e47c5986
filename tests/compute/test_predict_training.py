"""Predicted speeds added to a table: rows and cells kept, measured columns never read, damage answered in one line."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.compute.predict_training import ADDED, Count, predict_row, predict_training
from breakeven.compute.training_rows import READ, run_of
from breakeven.errors import BreakevenError, InputError

RUNS = Path(__file__).parents[2] / "benchmarks" / "data" / "training_runs.csv"
MEASURED = ("tokens_per_s", "tokens_per_s_per_gpu", "hours", "cost_usd", "published_tflops_per_gpu")

GOOD = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpu_count": "8", "method": "lora", "seq_len": "4096"}
GOOD |= {"micro_batch": "2", "compute_precision": "bf16", "framework": "trl", "packed_or_fixed": "packed"}


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def predict(tmp_path: Path, catalogue: Catalogue, *rows: dict[str, str]) -> list[dict[str, str]]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    source = tmp_path / "in.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    predict_training(source, tmp_path / "out.csv", catalogue)
    return table(tmp_path / "out.csv")


def test_rows_order_and_cells_are_kept(tmp_path: Path, catalogue: Catalogue) -> None:
    count = predict_training(RUNS, tmp_path / "out.csv", catalogue)
    before, after = table(RUNS), table(tmp_path / "out.csv")
    assert count == Count(rows=114, predicted=114, unpredicted=0)
    assert [{name: row[name] for name in before[0]} for row in after] == before
    assert list(after[0]) == [*before[0], *ADDED]
    for row in after:
        low, middle, high = (float(row[f"predicted_{name}"]) for name in ("low", "tokens_per_s", "high"))
        assert low < middle < high
        each = float(row["predicted_tokens_per_s_per_gpu"])
        assert each * int(row["gpu_count"]) == pytest.approx(middle, rel=1e-3)
        assert row["predicted_note"].startswith("estimated")


def test_measured_columns_are_never_read(tmp_path: Path, catalogue: Catalogue) -> None:
    assert not set(MEASURED) & set(READ)
    plain = predict(tmp_path, catalogue, GOOD)[0]
    lying = predict(tmp_path, catalogue, GOOD | dict.fromkeys(MEASURED, "1"))[0]
    assert [plain[name] for name in ADDED] == [lying[name] for name in ADDED]


def test_hours_of_the_tokens_given(tmp_path: Path, catalogue: Catalogue) -> None:
    row = predict(tmp_path, catalogue, GOOD | {"train_tokens": "36000000"})[0]
    # 36 M tokens: 10,000 s at 3,600 tokens/s, and a quarter on top
    assert float(row["predicted_hours"]) == pytest.approx(
        1.25 * 10_000 / float(row["predicted_tokens_per_s"]), rel=1e-3
    )


def test_speeds_over_the_whole_run_are_lower(tmp_path: Path, catalogue: Catalogue) -> None:
    wall = {"metric_basis": "computed: samples / (run_stop - run_start), includes evaluation pauses"}
    steps, whole = predict(tmp_path, catalogue, GOOD | {"metric_basis": "published"}, GOOD | wall)
    ratio = float(steps["predicted_tokens_per_s"]) / float(whole["predicted_tokens_per_s"])
    assert ratio == pytest.approx(1.25, rel=1e-3)


def test_an_unknown_model_needs_its_size_only(tmp_path: Path, catalogue: Catalogue) -> None:
    sized, moe, bare = predict(
        tmp_path,
        catalogue,
        GOOD | {"model": "my-own-9b", "params_b": "9.1"},
        GOOD | {"model": "my-own-moe", "params_b": "90", "active_params_b": "9.1"},
        GOOD | {"model": "my-own-9b"},
    )
    assert "shape of" in sized["predicted_note"]
    assert "mixture of experts" in moe["predicted_note"]
    assert float(moe["predicted_tokens_per_s"]) < float(sized["predicted_tokens_per_s"])
    assert bare["predicted_tokens_per_s"] == ""
    assert bare["predicted_note"].startswith("not predicted: no model 'my-own-9b' is known, and params_b is blank")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gpu": "h100"}, "no GPU 'h100' is known. Did you mean h100-"),
        ({"gpu": ""}, "no GPU '' is known"),
        ({"method": "magic"}, "method 'magic' is not known; use lora, qlora or full"),
        ({"seq_len": "long"}, "seq_len 'long' is not a number above 0"),
        ({"micro_batch": "0"}, "micro_batch '0' is not a number above 0"),
        ({"micro_batch": "nan"}, "micro_batch 'nan' is not a number above 0"),
        ({"gpu_count": "1e400"}, "gpu_count '1e400' is not a number above 0"),
        ({"gpu_count": "2.5"}, "gpu_count 2.5 is not a whole number"),
        ({"train_tokens": "-1"}, "train_tokens '-1' is not a number above 0"),
        ({"model": "x", "params_b": "5", "active_params_b": "50"}, "active_params_b 50 exceeds params_b 5"),
    ],
)
def test_a_row_that_cannot_be_predicted_says_why(
    tmp_path: Path, catalogue: Catalogue, change: dict[str, str], said: str
) -> None:
    bad, good = predict(tmp_path, catalogue, GOOD | change, GOOD)
    assert bad["predicted_tokens_per_s"] == bad["predicted_low"] == bad["predicted_hours"] == ""
    assert f"not predicted: {said}" in bad["predicted_note"]
    assert good["predicted_tokens_per_s"]


def test_blank_cells_take_noted_defaults(tmp_path: Path, catalogue: Catalogue) -> None:
    row = predict(tmp_path, catalogue, {"model": "llama-3.1-8b", "gpu": "h100-sxm", "method": "lora"})[0]
    assert float(row["predicted_tokens_per_s"]) > 0
    for word in ("gpu_count", "seq_len", "micro_batch", "precision", "framework"):
        assert word in row["predicted_note"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"framework": "NeMo/Megatron"}, "megatron"),
        ({"framework": "nemo automodel (pytorch)"}, "fsdp"),
        ({"framework": "llm-foundry/fsdp"}, "fsdp"),
        ({"framework": "hf trainer/deepspeed"}, "eager"),
        ({"framework": "torchtune"}, "eager"),
        ({"framework": ""}, "eager"),
    ],
)
def test_frameworks_by_name(catalogue: Catalogue, cells: dict[str, str], expected: str) -> None:
    assert run_of(GOOD | cells, catalogue).job.stack == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [("LoRA", "lora"), ("Q-LoRA", "qlora"), ("full (pre-training run)", "full"), ("SFT", "full")],
)
def test_methods_by_name(catalogue: Catalogue, method: str, expected: str) -> None:
    assert run_of(GOOD | {"method": method}, catalogue).job.method == expected


def test_an_earlier_prediction_is_replaced(tmp_path: Path, catalogue: Catalogue) -> None:
    once = predict(tmp_path, catalogue, GOOD)
    twice = predict(tmp_path, catalogue, *once)
    assert twice == once


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column gpu, method"),
        (b"model,tokens\nx,1\n", "no column gpu, method; needed are gpu, method in the first line"),
        (b"gpu,method\nh100-sxm,lora,8\n", "row 1: 3 cells under 2 column names"),
        (b"gpu,method\n\xff\xfe,lora\n", "not UTF-8 text"),
    ],
)
def test_a_damaged_file_leaves_nothing_behind(tmp_path: Path, catalogue: Catalogue, content: bytes, said: str) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        predict_training(tmp_path / "in.csv", tmp_path / "out.csv", catalogue)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_a_missing_file_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match=r"no\.csv: cannot be read: No such file"):
        predict_training(tmp_path / "no.csv", tmp_path / "out.csv", catalogue)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(BreakevenError, match="cannot be written"):
        predict_training(RUNS, tmp_path / "none" / "out.csv", catalogue)


def test_short_and_blank_lines(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbfgpu,method,model,note\r\nh100-sxm,lora,llama-3.1-8b\r\n\r\n")
    assert predict_training(tmp_path / "in.csv", tmp_path / "out.csv", catalogue).rows == 1
    row = table(tmp_path / "out.csv")[0]
    assert row["note"] == ""
    assert float(row["predicted_tokens_per_s"]) > 0


CELL = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1e300", "1e-300", "inf", "nan", "1,000", "7", "h100-sxm", "qlora", "full", "yes", "\x00"]
    ),
    st.text(max_size=12),
)


@given(st.dictionaries(st.sampled_from(READ), CELL), st.sampled_from(["llama-3.1-8b", "qwen3-30b-a3b", "unknown", ""]))
def test_no_cell_breaks_the_table(change: dict[str, str], model: str) -> None:
    row = GOOD | {"model": model, "params_b": "8"} | change
    added = predict_row(row, load_catalogue())
    assert list(added) == list(ADDED)
    assert added["predicted_note"]
    if added["predicted_tokens_per_s"]:
        low, middle, high = (float(added[f"predicted_{name}"]) for name in ("low", "tokens_per_s", "high"))
        assert 0 < low <= middle <= high < math.inf
    else:
        assert added["predicted_note"].startswith("not predicted: ")
        assert added["predicted_low"] == added["predicted_high"] == added["predicted_hours"] == ""
