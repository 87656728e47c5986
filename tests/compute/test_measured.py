"""Benchmarks of one's own server: each format read by hand-made samples, and damage answered in one line."""

import copy
import datetime as dt
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.compute.measured import MeasuredPoint, read_benchmark, read_benchmarks
from breakeven.errors import InputError

DATA = Path(__file__).parent / "data"


def sample(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def read(tmp_path: Path, content: Any) -> tuple[MeasuredPoint, ...]:
    file = tmp_path / "run.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_benchmark(file)


def refused(tmp_path: Path, content: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_vllm_by_hand() -> None:
    (point,) = read_benchmark(DATA / "vllm.json")
    assert (point.tool, point.model, point.day) == ("vllm bench serve", "example/model-8b", dt.date(2026, 11, 10))
    assert (point.concurrency, point.input_tokens, point.output_tokens) == (16, 1024, 256)
    assert (point.requests_s, point.output_tokens_s) == (6, 1536)
    assert (point.token_s, point.first_token_s, point.first_token_s_p99) == pytest.approx((0.01, 0.12, 0.36))
    assert point.latency_s == pytest.approx(2.67)  # 0.12 + 255 * 0.01
    assert (point.completed, point.failed, point.notes) == (640, 0, ())


def test_vllm_appended_runs_keep_their_order() -> None:
    points = read_benchmark(DATA / "vllm_appended.jsonl")
    assert [point.concurrency for point in points] == [8, 16, 32]
    assert [point.run for point in points] == [f"vllm_appended.jsonl, run {place}" for place in (1, 2, 3)]
    assert points[1].latency_s == pytest.approx(2.67)  # from first token and others, without e2el


def test_older_vllm_does_not_say_what_failed() -> None:
    (point,) = read_benchmark(DATA / "vllm_2025.json")
    assert point.failed is None
    assert point.output_tokens_s == 1536


def test_guidellm_by_hand() -> None:
    first, second = read_benchmark(DATA / "guidellm_v2.json")
    assert (first.tool, first.model, first.day) == ("GuideLLM", "example/model-8b", dt.date(2026, 11, 11))
    assert (first.concurrency, first.input_tokens, first.output_tokens) == (10, 512, 128)
    assert (first.requests_s, first.output_tokens_s, first.latency_s) == (5, 640, 2)
    assert (first.token_s, first.first_token_s, first.first_token_s_p99) == pytest.approx((0.015, 0.08, 0.16))
    assert (first.completed, first.failed) == (500, 4)  # six more were cut off by the end
    assert (second.run, second.concurrency) == ("guidellm_v2.json, benchmark 2", 20)


def test_guidellm_before_version_2() -> None:
    (point,) = read_benchmark(DATA / "guidellm_v1.json")
    assert (point.model, point.completed, point.failed) == ("example/model-8b", 500, 0)
    assert point.day == dt.date(2025, 4, 30)


@pytest.mark.parametrize(
    ("name", "tool", "failed"),
    [
        ("profile_export_aiperf.json", "AIPerf", 2),
        ("aiperf_early.json", "AIPerf", 3),
        ("profile_export_genai_perf.json", "genai-perf", None),
    ],
)
def test_aiperf_and_genai_perf_by_hand(name: str, tool: str, failed: int | None) -> None:
    (point,) = read_benchmark(DATA / name)
    assert (point.tool, point.model, point.failed) == (tool, "example/model-8b", failed)
    assert (point.concurrency, point.input_tokens, point.output_tokens) == (8, 550, 101)
    assert (point.requests_s, point.output_tokens_s, point.completed) == (4, 404, 400)
    times = (point.token_s, point.first_token_s, point.first_token_s_p99, point.latency_s)
    assert times == pytest.approx((0.019, 0.1, 0.24, 2.0))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_are_read_not_assumed(tmp_path: Path, unit: str) -> None:
    record = sample("profile_export_aiperf.json")
    scale = {"s": 1e-3, "ms": 1.0, "us": 1e3, "ns": 1e6}[unit]
    for metric in ("request_latency", "time_to_first_token", "inter_token_latency"):
        record[metric] = {"unit": unit, **{key: record[metric][key] * scale for key in ("avg", "p50", "p99")}}
    (point,) = read(tmp_path, record)
    assert (point.token_s, point.first_token_s, point.latency_s) == pytest.approx((0.019, 0.1, 2.0))


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    record = sample("profile_export_aiperf.json")
    record["request_latency"]["unit"] = "minutes"
    assert "request_latency.unit 'minutes' is no unit of time" in refused(tmp_path, record)
    del record["request_latency"]["unit"]
    assert "request_latency.unit is missing" in refused(tmp_path, record)
    record = sample("profile_export_aiperf.json")
    record["output_token_throughput"]["unit"] = "tokens/min"
    assert "output_token_throughput.unit 'tokens/min' is no rate per second" in refused(tmp_path, record)


def test_without_a_recorded_concurrency_littles_law_gives_it(tmp_path: Path) -> None:
    for record in (
        sample("vllm.json") | {"max_concurrency": None},
        sample("profile_export_genai_perf.json") | {"input_config": {}},
    ):
        (point,) = read(tmp_path, record)
        assert point.concurrency == pytest.approx(point.requests_s * point.latency_s)
        assert point.notes == ("concurrency was not recorded: requests per second times mean latency",)


def test_too_many_failures_are_refused(tmp_path: Path) -> None:
    record = sample("vllm.json")
    assert read(tmp_path, record | {"failed": 12})[0].failed == 12  # 12 / 640 = 1.9 %
    said = refused(tmp_path, record | {"failed": 13})  # 2.03 %
    assert said.startswith("run.json: 13 requests failed for 640 that completed, more than 2%")


def test_an_unsteady_load_is_refused(tmp_path: Path) -> None:
    # 6 requests/s of 2.67 s: 16.02 in flight; 18 is 11 % more, 20 is 20 % more
    record = sample("vllm.json")
    assert read(tmp_path, record | {"max_concurrency": 18})
    said = refused(tmp_path, record | {"max_concurrency": 20})
    assert said.startswith("run.json: concurrency 20, but requests per second times mean latency is 16, more than 15%")


def test_the_run_at_fault_is_named(tmp_path: Path) -> None:
    first, second = sample("vllm.json"), sample("vllm.json") | {"failed": 99}
    assert refused(tmp_path, json.dumps(first) + "\n" + json.dumps(second)).startswith("run.json, run 2: 99 requests")
    record = sample("guidellm_v2.json")
    record["benchmarks"][1]["metrics"]["request_latency"]["successful"]["mean"] = 9
    assert refused(tmp_path, record).startswith("run.json, benchmark 2: concurrency 20, but")


NEEDED = {
    "vllm.json": (
        *("completed", "total_input_tokens", "total_output_tokens", "request_throughput", "output_throughput"),
        *("mean_ttft_ms", "mean_tpot_ms"),
    ),
    "guidellm_v2.json": tuple(
        f"benchmarks.0.metrics.{name}.successful.mean"
        for name in (
            *("requests_per_second", "request_concurrency", "request_latency", "prompt_token_count"),
            *("output_token_count", "output_tokens_per_second", "inter_token_latency_ms", "time_to_first_token_ms"),
        )
    ),
    "profile_export_aiperf.json": tuple(
        f"{name}.avg"
        for name in (
            *("request_throughput", "request_latency", "request_count", "time_to_first_token"),
            *("inter_token_latency", "output_token_throughput", "input_sequence_length", "output_sequence_length"),
        )
    ),
}


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in NEEDED.items() for path in paths])
@pytest.mark.parametrize("value", ["missing", "many", True, -1, float("nan"), 0])
def test_every_needed_field(tmp_path: Path, name: str, path: str, value: Any) -> None:
    record = copy.deepcopy(sample(name))
    *holders, last = path.split(".")
    here = record
    for part in holders:
        here = here[int(part)] if part.isdigit() else here[part]
    if value == "missing":
        del here[last]
        if name == "vllm.json" and last in ("request_throughput", "output_throughput"):
            assert "not a benchmark that can be read" in refused(tmp_path, record)
            return
    else:
        here[last] = value
    said = refused(tmp_path, record)
    assert path.removeprefix("benchmarks.0.") in said
    assert said.startswith("run.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no JSON object"),
        ("[]", "holds no JSON object"),
        ("3", "holds no JSON object"),
        ('{"benchmarks": []}', "holds no run"),
        ('{"benchmarks": [7]}', "is no object"),
        ('{"model": "x"}', "not a benchmark that can be read"),
        ('{"output_throughput": 1,\n', "line 1 is not JSON, nor is the whole file"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_damaged_files(tmp_path: Path, content: str, said: str) -> None:
    assert said in refused(tmp_path, content)


@pytest.mark.parametrize("name", sorted(each.name for each in DATA.glob("*.json")))
def test_a_file_cut_short_anywhere_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8").rstrip()
    for cut in range(0, len(text) - 1, max(1, len(text) // 60)):
        assert refused(tmp_path, text[:cut])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_benchmark(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match=r"bytes\.json: not UTF-8 text"):
        read_benchmark(tmp_path / "bytes.json")


def test_texts_of_a_detailed_file_never_reach_a_message(tmp_path: Path) -> None:
    secret = "the patient said"
    record = sample("vllm.json") | {"generated_texts": [secret], "errors": [secret], "failed": 600}
    assert secret not in refused(tmp_path, record)
    assert secret not in refused(tmp_path, json.dumps(record)[:-2])
    assert secret not in repr(read(tmp_path, record | {"failed": 0}))


def test_several_files_one_after_another() -> None:
    points = read_benchmarks([DATA / "vllm.json", DATA / "vllm_appended.jsonl"])
    assert [point.concurrency for point in points] == [16, 8, 16, 32]


SAMPLES = sorted(each.name for each in DATA.glob("*.json"))
ODD = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5), st.just([]), st.just({}))


def paths_of(value: Any) -> list[tuple[Any, ...]]:
    """Every path into nested lists and objects."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(key, *rest) for key, each in inner for rest in [(), *paths_of(each)]]


@given(st.data())
def test_no_value_anywhere_breaks_reading(tmp_path: Path, data: st.DataObject) -> None:
    record = sample(data.draw(st.sampled_from(SAMPLES)))
    *holders, last = data.draw(st.sampled_from(paths_of(record)))
    here = record
    for part in holders:
        here = here[part]
    here[last] = data.draw(ODD)
    points: tuple[MeasuredPoint, ...] = ()
    with suppress(InputError):
        points = read(tmp_path, record)
    for point in points:
        numbers = (point.concurrency, point.input_tokens, point.output_tokens, point.output_tokens_s, point.token_s)
        assert all(0 < number < math.inf for number in numbers)
