"""Tables of runs: layouts as engines write them, damaged files, and nothing read that was measured."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.compute.predict import ADDED, predict_row, predict_serving
from breakeven.compute.rows import run_of
from breakeven.compute.serving import Lengths, Server, serve
from breakeven.errors import BreakevenError, InputError

HEADER = (
    "id,model,engine,gpu,gpu_count,tp,pp,attn_dp,ep,weight_precision,input_len,output_len,length_basis,concurrency,"
    "load,num_requests,spec_decode,output_tok_s,note"
)
GOOD = "a,llama-3.1-8b,vllm,h100-sxm,1,1,1,1,1,bf16,1000,500,,32,closed_loop,,none,1234,"


def predicted(tmp_path: Path, catalogue: Catalogue, *lines: str, header: str = HEADER) -> list[dict[str, str]]:
    """The rows written for a file of these lines."""
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    predict_serving(source, target, catalogue)
    with target.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_is_the_answer_of_serve(tmp_path: Path, catalogue: Catalogue) -> None:
    (row,) = predicted(tmp_path, catalogue, GOOD)
    server = Server(catalogue.open_models["llama-3.1-8b"], catalogue.gpus["h100-sxm"])
    found = serve(server, Lengths(1000, 500), 32, catalogue.compute.serving)
    assert float(row["predicted_output_tok_s"]) == pytest.approx(found.output_tokens_s, rel=1e-3)
    assert float(row["predicted_low"]) == pytest.approx(found.low_output_tokens_s, rel=1e-3)
    assert float(row["predicted_high"]) == pytest.approx(found.high_output_tokens_s, rel=1e-3)
    assert row["predicted_note"] == ""


def test_measured_values_are_not_read(tmp_path: Path, catalogue: Catalogue) -> None:
    measured = "total_tok_s,req_s,ttft_ms_mean,tpot_ms_mean"
    first, second = predicted(
        tmp_path, catalogue, GOOD + ",1,2,3,4", GOOD.replace("1234", "9") + ",,,x,", header=HEADER + "," + measured
    )
    assert [first[name] for name in ADDED] == [second[name] for name in ADDED]


def test_replicas_share_the_load(tmp_path: Path, catalogue: Catalogue) -> None:
    # 4 GPUs with tp 1 are 4 copies of 8 requests each.
    four = GOOD.replace("h100-sxm,1,", "h100-sxm,4,")
    one = GOOD.replace(",32,", ",8,")
    many, single = predicted(tmp_path, catalogue, four, one)
    assert float(many["predicted_output_tok_s"]) == pytest.approx(4 * float(single["predicted_output_tok_s"]), rel=2e-3)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # gpu_count, tp, pp, attn_dp, ep -> tensor, pipeline, groups
        ({"gpu_count": "8", "tp": "8", "attn_dp": "8", "ep": "8"}, (1, 1, 8)),
        ({"gpu_count": "4", "tp": "1", "attn_dp": "4", "ep": "4"}, (1, 1, 4)),
        ({"gpu_count": "4", "tp": "2", "attn_dp": "2", "ep": "4"}, (2, 1, 2)),
        ({"gpu_count": "8", "tp": "8", "attn_dp": "auto", "ep": ""}, (1, 1, 8)),
        ({"gpu_count": "8", "tp": "8", "attn_dp": "1", "ep": "yes"}, (8, 1, 1)),
        ({"gpu_count": "8", "tp": "1", "pp": "8"}, (1, 8, 1)),
        # 671 GB of 8-bit weights take 8 of 8 x 85.9 GB.
        ({"gpu_count": "8", "tp": ""}, (8, 1, 1)),
    ],
)
def test_layouts_as_engines_write_them(
    catalogue: Catalogue, cells: dict[str, str], expected: tuple[int, int, int]
) -> None:
    row = {"model": "deepseek-ai/DeepSeek-V3-0324", "gpu": "H100-SXM", "weight_precision": "fp8"} | cells
    run = run_of(row | {"input_len": "1000", "output_len": "100"}, catalogue)
    server = run.server
    assert (server.tensor_parallel, server.pipeline_parallel, server.data_parallel_attention) == expected
    assert run.replicas == 1


def test_blank_cells_take_defaults(tmp_path: Path, catalogue: Catalogue) -> None:
    (row,) = predicted(tmp_path, catalogue, "llama-3-8b,l40s,500,100", header="model,gpu,input_len,output_len")
    assert float(row["predicted_output_tok_s"]) > 0
    for words in ("layout not given", "no concurrency given", "engine not given"):
        assert words in row["predicted_note"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("llama-3.1-8b", "llama-3.1-9b"), "Did you mean llama-3.1-8b"),
        (("llama-3.1-8b", ""), "no shape of a model ''"),
        (("llama-3.1-8b", "mistral-medium-3.5"), "is not known (layers"),
        (("h100-sxm", "h100-smx"), "Did you mean h100-sxm"),
        ((",1000,500,", ",,500,"), "input_len and output_len are both needed"),
        ((",1000,500,", ",1000,0,"), "output_len '0' is not a number above 0"),
        ((",1000,500,", ",1000,many,"), "output_len 'many' is not a number above 0"),
        ((",1000,500,", ",1e999,500,"), "input_len '1e999' is not a number above 0"),
        ((",bf16,", ",fp3,"), "weight_precision 'fp3' is not known; use bf16"),
        ((",h100-sxm,1,1,", ",h100-sxm,1,1.5,"), "tp 1.5 is not a whole number"),
        ((",32,", ",-3,"), "concurrency '-3' is not a number above 0"),
        (("llama-3.1-8b", "llama-3.1-405b"), "do not fit into"),
    ],
)
def test_a_row_that_cannot_be_predicted_says_why(
    tmp_path: Path, catalogue: Catalogue, change: tuple[str, str], words: str
) -> None:
    first, second = predicted(tmp_path, catalogue, GOOD.replace(*change), GOOD)
    assert first["predicted_output_tok_s"] == first["predicted_low"] == first["predicted_high"] == ""
    assert words in first["predicted_note"]
    assert second["predicted_output_tok_s"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((",none,", ",mtp,"), "speculative decoding is not modelled"),
        (("closed_loop", "server_slo"), "a latency limit is not modelled"),
        (("vllm", "magic"), "engine magic: taken as a tuned one"),
        (("h100-sxm,1,1,1,", "rtx-4090,2,2,1,"), "only 1 NVIDIA GeForce RTX 4090"),
    ],
)
def test_what_is_not_modelled_is_noted(
    tmp_path: Path, catalogue: Catalogue, change: tuple[str, str], words: str
) -> None:
    (row,) = predicted(tmp_path, catalogue, GOOD.replace(*change))
    assert float(row["predicted_output_tok_s"]) > 0
    assert words in row["predicted_note"]


def test_rows_keep_their_order_number_and_columns(tmp_path: Path, catalogue: Catalogue) -> None:
    lines = [GOOD.replace("a,", f"{place},", 1) + ',"two\nlines, ""quoted"""' for place in range(20)]
    lines[7] = "7,unknown"
    rows = predicted(tmp_path, catalogue, *lines, header=HEADER + ",mine")
    assert [row["id"] for row in rows] == [str(place) for place in range(20)]
    assert rows[0]["mine"] == 'two\nlines, "quoted"'
    assert rows[7]["mine"] == ""
    assert not rows[7]["predicted_output_tok_s"]
    assert list(rows[0]) == [*HEADER.split(","), "mine", *ADDED]


def test_an_earlier_prediction_is_replaced(tmp_path: Path, catalogue: Catalogue) -> None:
    (row,) = predicted(tmp_path, catalogue, GOOD + ",1,2,3,old", header=",".join([HEADER, *ADDED]))
    assert list(row) == [*HEADER.split(","), *ADDED]
    assert float(row["predicted_output_tok_s"]) > 100


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column model, gpu, input_len, output_len"),
        (b"model,gpu,input_len\nx,y,1\n", "no column output_len; needed are model, gpu"),
        (b"\xff\xfe\x00binary", "not UTF-8 text"),
        (b"model,gpu,input_len,output_len\na,b,1,2,3\n", "row 1: 5 cells under 4"),
        (b"model,gpu,input_len,output_len,gpu\n", "column gpu stands twice"),
        (None, "No such file"),
    ],
)
def test_a_damaged_file_is_one_clear_line(
    tmp_path: Path, catalogue: Catalogue, content: bytes | None, words: str
) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    target.write_text("before")
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(InputError) as caught:
        predict_serving(source, target, catalogue)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert target.read_text() == "before"
    assert list(tmp_path.glob("*.part")) == []


def test_spreadsheets_write_a_mark_and_windows_lines(tmp_path: Path, catalogue: Catalogue) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{GOOD}\r\n\r\n".encode())
    assert predict_serving(source, target, catalogue) == (1, 1)


def test_a_place_that_cannot_be_written(tmp_path: Path, catalogue: Catalogue) -> None:
    source = tmp_path / "rows.csv"
    source.write_text(f"{HEADER}\n{GOOD}\n")
    with pytest.raises(BreakevenError, match="cannot be written"):
        predict_serving(source, tmp_path / "no" / "out.csv", catalogue)


ODD = ["", "0", "1", "8", "-1", "1e308", "nan", "inf", "1,024", "auto", "yes", "llama-3.1-8b", "l4", "fp8", "x" * 300]
CELLS = st.sampled_from(ODD) | st.text(max_size=8)


@given(st.dictionaries(st.sampled_from(HEADER.split(",")), CELLS))
def test_any_cells_give_a_prediction_or_a_reason(catalogue: Catalogue, cells: dict[str, str]) -> None:
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | cells
    middle, low, high, note = predict_row(row, catalogue, catalogue.compute.serving)
    if middle:
        assert 0 < float(low) <= float(middle) <= float(high) < float("inf")
    else:
        assert low == high == ""
        assert note
    assert "\n" not in note
