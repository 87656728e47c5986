"""``breakeven selfhost`` as a person meets it: an answer, a benchmark, a log, a table of runs."""

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.surfaces.cli import main

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "compute" / "data"
USAGE = ["--calls-per-month", "2M", "--input-tokens", "800", "--output-tokens", "400", "--as-of", "2026-11-23"]
SERVER = ["--model", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "1", "--weights", "bf16"]

Captured = pytest.CaptureFixture[str]


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = main(["selfhost", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def ask(capsys: Captured, *arguments: str) -> dict[str, Any]:
    code, out, err = run(capsys, *arguments, "--format", "json")
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def test_the_contract(capsys: Captured) -> None:
    found = ask(capsys, "--model", "llama-3.1-8b", *USAGE)
    assert found["schema"] == "breakeven/selfhost/1"
    assert set(found["throughput_tokens_s"]) == {"low", "mid", "high"}
    assert found["label"] == "estimated"
    assert found["replicas"] >= 1
    assert found["monthly_usd"] > 0
    assert found["usd_per_mtok_output"] == pytest.approx(found["monthly_usd"] / 800)
    assert len(found["layouts"]) > 100


def test_the_text_has_two_digits_for_what_is_predicted(capsys: Captured) -> None:
    code, out, err = run(capsys, *SERVER, *USAGE, "--api-model", "gpt-5-mini")
    assert (code, err) == (0, "")
    for words in ("Layouts, the cheapest first", "The next replica", "Following the load", "What they can do"):
        assert words in out
    assert "throughput is predicted, not measured" in out
    curve = out.partition("One replica as more calls are in flight")[2].split("What they can do")[0].splitlines()
    # The first column is how many calls are in flight; the others are predicted.
    numbers = [cell.replace(",", "") for line in curve if line.strip()[:1].isdigit() for cell in line.split()[1:]]
    assert len(numbers) > 20
    assert all(len(number.replace(".", "").strip("0")) <= 2 for number in numbers)


@pytest.mark.parametrize(
    ("file", "label"), [("vllm.json", "calibrated"), ("guidellm_v2.json", None), ("profile_export_aiperf.json", None)]
)
def test_a_benchmark_replaces_the_prediction(capsys: Captured, file: str, label: str | None) -> None:
    plain = ask(capsys, *SERVER, *USAGE)
    found = ask(capsys, *SERVER, *USAGE, "--benchmark", str(DATA / file))
    assert found["label"] in ([label] if label else ["calibrated", "measured"])
    assert found["throughput_tokens_s"] != plain["throughput_tokens_s"]
    assert found["origins"]["measured"].endswith(file)
    assert found["question"]["measured"]
    assert not any("--benchmark" in each for each in found["unknowns"])


def test_runs_measured_at_the_load_asked_for_are_used_as_they_are(capsys: Captured, tmp_path: Path) -> None:
    # 16, 64 and 256 calls in flight make 1,000, 3,000 and 6,000 tokens a second: 16, 21.3 and 42.7 ms per token.
    runs = [
        {
            "concurrency": n,
            "input_tokens": 800,
            "output_tokens": 400,
            "output_tokens_s": x,
            "ms_per_token": 1000 * n / x,
        }
        for n, x in ((16, 1000), (64, 3000), (256, 6000))
    ]
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps({"measured": runs}))
    found = ask(capsys, *SERVER, *USAGE, "--file", str(file), "--ms-per-token", "21.4", "--gpu-usd-hour", "2")
    assert found["label"] == "measured"
    assert found["best"]["concurrency"] == 64
    assert found["throughput_tokens_s"]["mid"] == pytest.approx(3000)
    # 3,000 tokens a second at 70 % use and a peak of 3: 3,000 x 2,628,000 x 0.7 / 3 / 400 = 4,599,000 calls a month.
    assert found["steps"][0]["calls_per_month"] == pytest.approx(4_599_000)
    assert found["monthly_usd"] == pytest.approx(1460)


def test_a_log_gives_the_load_by_hour(capsys: Captured, tmp_path: Path) -> None:
    # Two weeks; 20 calls in each hour from 8 to 16 UTC, 10 in the others: 320 a day, the busiest 20 / (320 / 24) = 1.5.
    log = tmp_path / "calls.csv"
    start = dt.datetime(2026, 9, 7, tzinfo=dt.UTC)
    with log.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["time", "model", "input_tokens", "output_tokens"])
        for hour in range(14 * 24):
            at = start + dt.timedelta(hours=hour)
            for minute in range(20 if 8 <= at.hour < 16 else 10):
                writer.writerow([(at + dt.timedelta(minutes=minute)).isoformat(), "gpt-5-mini", 800, 400])
    found = ask(capsys, "--from-log", str(log), "--model", "llama-3.1-8b", "--as-of", "2026-11-23")
    assert found["autoscaled"]["measured"] is True
    assert max(found["autoscaled"]["hours"]) == pytest.approx(1.5)
    assert found["question"]["peak_factor"] == pytest.approx(1.5 * 1.5)
    assert "busiest hour of the week 1.50 x the mean" in found["origins"]["peak_factor"]
    assert found["by_api"]["model"] == "openai/gpt-5-mini"


def test_predictions_beside_a_table_of_runs(capsys: Captured, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "predicted.csv"
    rows.write_text(
        "id,model,engine,gpu,gpu_count,tp,weight_precision,input_len,output_len,concurrency,mine\n"
        "a,llama-3.1-8b,vllm,h100-sxm,1,1,fp8,1024,1024,64,x\n"
        "b,llama-99,vllm,h100-sxm,1,1,fp8,1024,1024,64,y\n"
    )
    code, said, err = run(capsys, "--predict", str(rows), "--out", str(out))
    assert (code, err) == (0, "")
    assert said == f"2 rows = 1 predicted + 1 not predicted, in {out}\n"
    with out.open(newline="") as stream:
        first, second = list(csv.DictReader(stream))
    assert list(first)[-5:] == ["mine", "predicted_output_tok_s", "predicted_low", "predicted_high", "predicted_note"]
    low, middle, high = (float(first[f"predicted_{name}"]) for name in ("low", "output_tok_s", "high"))
    assert low < middle < high
    assert (second["mine"], second["predicted_output_tok_s"]) == ("y", "")
    assert "llama-99" in second["predicted_note"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--predict", "no.csv", "--out", "x.csv"], "no.csv"),
        (["--predict", "no.csv"], "--predict needs --out FILE"),
        (["--predict", "no.csv", "--out", "x.csv", "--model", "x"], "--predict takes a table of runs and --out alone"),
        ([*SERVER, *USAGE, "--out", "x.csv"], "--out is the table that --predict writes"),
        (["--model", "llama-3.1-8b", *USAGE, "--benchmark", str(DATA / "vllm.json")], "give --gpu, --gpus, --weights"),
        ([*SERVER, *USAGE, "--benchmark", "no.json"], "no.json"),
        (["--model", "llama-3.1-9b", *USAGE], "Did you mean llama-3.1-8b"),
        (["--model", "llama-3.1-8b", *USAGE, "--kv-cache", "fp4"], "kv_cache"),
    ],
)
def test_faults_are_one_line_and_exit_code_2(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words.replace("_", "-") in err.replace("_", "-")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
