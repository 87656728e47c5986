"""One test body on every engine: its cells are those of the log file that holds the same rows, to the integer."""

import csv
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines import ENGINES, Rows, arrow, in_databricks, instant, sessions, spark
from usage_logs import as_text, chats

import breakeven
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.table import PriceTable
from breakeven.errors import BreakevenError, LogError
from breakeven.surfaces.cli import main
from breakeven.usage import Usage, read_usage
from breakeven.usage.cube import Cube
from breakeven.usage.frame_cube import frame_cube
from breakeven.usage.frames import canonical_frame
from breakeven.usage.models import Finder
from breakeven.usage.spark import spark_session

AS_OF = dt.date(2026, 11, 23)

TYPED = {
    "task": "text",
    "model": "text",
    "provider": "text",
    "timestamp": "instant",
    "input_tokens": "int32",
    "cached_tokens": "int32",
    "cache_write_tokens": "int64",
    "output_tokens": "int32",
    "reasoning_tokens": "float",
    "batch": "bool",
    "service_tier": "text",
    "status": "int32",
    "cost": "float",
}

BIG = 2_000_000_000
"""Two of these pass 32 bits. [tokens]"""

LAST = "2026-10-31T23:59:59.999999"
GOOD: Rows = [
    {"timestamp": instant(LAST), "input_tokens": BIG, "cached_tokens": 1000, "output_tokens": BIG, "batch": True},
    {"timestamp": instant(LAST), "input_tokens": BIG, "cached_tokens": None, "output_tokens": BIG, "batch": True},
    {"timestamp": instant("2026-11-01"), "input_tokens": 200_000, "output_tokens": 7, "batch": False, "cost": 0.25},
    {"timestamp": instant("2026-11-01"), "input_tokens": 200_001, "output_tokens": 7, "cost": 1.5e-9},
    {"timestamp": instant("2026-11-01T03:30"), "input_tokens": 200_000, "cache_write_tokens": 9, "output_tokens": 0},
    {"timestamp": None, "input_tokens": 1, "output_tokens": 3, "reasoning_tokens": 3.0, "cost": 0.0},
    {"timestamp": None, "model": None, "input_tokens": 0, "output_tokens": 0, "cost": 0.0},
    {"input_tokens": 11, "output_tokens": 12, "service_tier": " Flex ", "status": 200},
    {"input_tokens": 11, "output_tokens": 12, "service_tier": "on_demand_priority", "provider": "openai"},
    {"input_tokens": 11, "output_tokens": 12, "service_tier": "batch", "task": " b "},
    {"input_tokens": 11, "output_tokens": 12, "service_tier": "gateway-cache", "cost": 0.0, "task": "b"},
    {"input_tokens": None, "output_tokens": None, "status": 500, "task": "b"},
    {"input_tokens": 5, "output_tokens": None, "status": 429},
    {"timestamp": instant("2026-03-08T07:00"), "model": "deepseek-chat", "input_tokens": 90, "output_tokens": 9},
    {"timestamp": instant("2026-11-01T16:30"), "model": "deepseek-chat", "input_tokens": 90, "output_tokens": 9},
    {"model": "a-model-nobody-lists", "input_tokens": 90, "output_tokens": 9, "task": None},
]
BAD: Rows = [
    {"input_tokens": -1, "output_tokens": 1},
    {"input_tokens": 1, "output_tokens": 1, "reasoning_tokens": 0.5},
    {"input_tokens": None, "output_tokens": None, "status": 200},
    {"input_tokens": 1, "output_tokens": None},
    {"input_tokens": None, "output_tokens": 1},
    {"input_tokens": 1, "output_tokens": 1, "reasoning_tokens": 2.0},
    {"input_tokens": 1, "cached_tokens": 1, "cache_write_tokens": 1, "output_tokens": 1},
    {"input_tokens": 1, "output_tokens": 1, "timestamp": instant("1999-12-31")},
    {"input_tokens": 1, "output_tokens": 1, "cost": -0.5},
    {"input_tokens": 1, "output_tokens": 1, "cost": 2e9},
    {"input_tokens": 1, "output_tokens": 1, "cost": -1.0, "timestamp": instant("2100-01-01")},
]
LOG = [
    {"task": "a", "model": "gemini-2.5-pro"} | row for pair in zip(GOOD, [*BAD, *[{}] * 5], strict=True) for row in pair
]
LOG = [row for row in LOG if len(row) > 2]

WORDS: Rows = [
    {"time": "2026-10-31T23:59:59.999999Z", "prompt_tokens": "100", "completion_tokens": "10"},
    {"time": "2026-11-01 01:59:59.9999994+02:00", "prompt_tokens": " 1e2", "completion_tokens": "10.0"},
    {"time": "2026-10-31T16:30:00-0730", "prompt_tokens": "+100.", "completion_tokens": "10", "ok": "TRUE"},
    {"time": "2026-11-01", "prompt_tokens": "100", "completion_tokens": "10", "batch": "Yes", "ok": "no"},
    {"time": "2024-02-29 12:30", "prompt_tokens": "100", "completion_tokens": "10", "status": "Error"},
    {"time": "1793491200", "prompt_tokens": "100", "completion_tokens": "10", "status": "404"},
    {"time": "1793491200123", "prompt_tokens": "100", "completion_tokens": "10", "status": "fine"},
    {"time": "1793491200123456", "prompt_tokens": "100", "completion_tokens": "10", "status": "200"},
    {"time": "null", "prompt_tokens": "100", "completion_tokens": "10", "cost": "NaN", "reasoning_tokens": "NULL"},
    {"time": "", "prompt_tokens": "100", "completion_tokens": "10", "cost": "0.000001"},
    {"time": "2026-02-29T00:00:00Z", "prompt_tokens": "100", "completion_tokens": "10"},
    {"time": "2026-13-01T00:00:00Z", "prompt_tokens": "100", "completion_tokens": "10"},
    {"time": "2026-11-01T24:10:00Z", "prompt_tokens": "100", "completion_tokens": "10"},
    {"time": "yesterday", "prompt_tokens": "100", "completion_tokens": "10"},
    {"time": "5", "prompt_tokens": "100", "completion_tokens": "10"},
    {"prompt_tokens": "a hundred", "completion_tokens": "10"},
    {"prompt_tokens": "100", "completion_tokens": "1.5"},
    {"prompt_tokens": "100", "completion_tokens": "1000000000001"},
    {"prompt_tokens": "100", "completion_tokens": ""},
    {"prompt_tokens": "100", "completion_tokens": "10", "cost": "free"},
]
TEXT = dict.fromkeys(
    (
        "model",
        "time",
        "prompt_tokens",
        "completion_tokens",
        "reasoning_tokens",
        "batch",
        "ok",
        "status",
        "cost",
    ),
    "text",
)
WORDS = [{"model": "gpt-5"} | row for row in WORDS]


@pytest.fixture(scope="module", autouse=True)
def _sessions() -> Iterator[None]:
    with sessions():
        yield


@pytest.fixture(scope="module")
def prices(catalogue: Catalogue) -> PriceTable:
    return catalogue.prices


@pytest.fixture(scope="module")
def typed(prices: PriceTable, tmp_path_factory: pytest.TempPathFactory) -> Usage:
    """What a Parquet file of the typed log says."""
    file = tmp_path_factory.mktemp("typed") / "log.parquet"
    pq.write_table(arrow(LOG, TYPED), file)
    return read_usage(file, table=prices, as_of=AS_OF)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def cube_in(engine: str, table: pa.Table, folder: Path, prices: PriceTable, **options: Any) -> Cube:
    """The cube of a table that an engine holds."""
    frame, own = ENGINES[engine](table, folder)
    fetch = own.pop("fetch", None)
    return frame_cube(canonical_frame(frame, **own, **options), Finder(prices), fetch=fetch)


def same(cube: Cube, usage: Usage) -> None:
    """What a frame gives is what the file gave."""
    assert cube.cells == usage.cube.cells
    assert cube.histograms == usage.cube.histograms
    assert cube.times == usage.cube.times
    assert cube.reject_counts == usage.cube.reject_counts
    assert (cube.rows_in, cube.day_edges_us) == (usage.cube.rows_in, usage.cube.day_edges_us)
    if cube.rejects:
        assert [(each.line, each.reason) for each in cube.rejects] == [
            (each.line, each.reason) for each in usage.rejects
        ]
    assert cube.rows_in == sum(cell.rows for cell in cube.cells) + sum(rows for _, rows in cube.reject_counts)


def test_the_samples_hold_what_they_should() -> None:
    assert len(LOG) == len(GOOD) + len(BAD)


def test_cells_are_those_of_the_file(engine: str, prices: PriceTable, tmp_path: Path, typed: Usage) -> None:
    assert typed.rows.rejected == len(BAD)
    assert sum(cell.input_tokens for cell in typed.cube.cells if cell.batch) > 2**31
    same(cube_in(engine, arrow(LOG, TYPED), tmp_path, prices), typed)


def test_text_is_read_as_in_a_csv(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(TEXT))
        writer.writeheader()
        writer.writerows(WORDS)
    usage = read_usage(file, table=prices, as_of=AS_OF)
    assert usage.rows.rejected == 10
    cube = cube_in(engine, arrow(WORDS, TEXT), tmp_path, prices, zone="UTC")
    lines = [(each.line + 1, each.reason) for each in cube.rejects]  # a CSV has its header on line 1
    assert not lines or lines == [(each.line, each.reason) for each in usage.rejects]
    assert cube.cells == usage.cube.cells
    assert cube.reject_counts == usage.cube.reject_counts
    assert cube.histograms == usage.cube.histograms


@pytest.mark.parametrize("kind", ["naive", "day", "int64"])
def test_times_of_every_kind(engine: str, kind: str, prices: PriceTable, tmp_path: Path) -> None:
    at = {"naive": dt.datetime(2026, 3, 8, 2, 30, 0, 5), "day": dt.date(2026, 3, 8), "int64": 1772937000}[kind]
    types = {"model": "text", "input_tokens": "int64", "output_tokens": "int64", "timestamp": kind}
    rows: Rows = [{"model": "gpt-5", "input_tokens": 1, "output_tokens": 1, "timestamp": each} for each in (at, None)]
    cube = cube_in(engine, arrow(rows, types), tmp_path, prices, zone=None if kind == "int64" else "+01:00")
    expected = {"naive": 1772933400000005, "day": 1772924400000000, "int64": 1772937000000000}[kind]
    assert [cell.first_us for cell in cube.cells] == [None, expected]


def test_text_for_databricks_gives_the_same(prices: PriceTable, tmp_path: Path, typed: Usage) -> None:
    """Instants in a session with summer time too, which its difference of two times would take for local ones."""
    frame, own = in_databricks(arrow(LOG, TYPED), tmp_path)
    fetch = own.pop("fetch")
    same(frame_cube(canonical_frame(frame, **own), Finder(prices), fetch=fetch), typed)


@pytest.mark.parametrize("kind", ["naive", "day"])
def test_naive_times_of_databricks(kind: str, prices: PriceTable, tmp_path: Path) -> None:
    at = {"naive": dt.datetime(2026, 3, 8, 2, 30, 59, 500_000), "day": dt.date(2026, 3, 8)}[kind]
    types = {"input_tokens": "int64", "output_tokens": "int64", "timestamp": kind}
    rows: Rows = [{"input_tokens": 1, "output_tokens": 1, "timestamp": at}]
    frame, own = in_databricks(arrow(rows, types), tmp_path)
    fetch = own.pop("fetch")
    (cell,) = frame_cube(canonical_frame(frame, zone="UTC", **own), Finder(prices), fetch=fetch).cells
    assert cell.first_us == {"naive": 1772937059500000, "day": 1772928000000000}[kind]


CLOCKS = ("2026-03-29T01:59:59", "2026-03-29T02:30", "2026-03-29T03:00", "2026-10-25T02:30", "2026-10-25T03:00")
"""Around the two nights on which the clocks of Berlin are set; one time that they skip, one that they show twice."""


@pytest.mark.parametrize("kind", ["naive", "text"])
def test_times_of_a_zone_with_summer_time(engine: str, kind: str, prices: PriceTable, tmp_path: Path) -> None:
    types = {"task": "text", "model": "text", "input_tokens": "int64", "output_tokens": "int64", "timestamp": kind}
    row = {"model": "gpt-5", "input_tokens": 1, "output_tokens": 1}
    rows: Rows = [
        row | {"task": str(number), "timestamp": dt.datetime.fromisoformat(text) if kind == "naive" else text}
        for number, text in enumerate(CLOCKS)
    ]
    rows.append(row | {"task": "5", "timestamp": None})
    cube = cube_in(engine, arrow(rows, types), tmp_path, prices, zone="Europe/Berlin")
    # by hand: winter is one hour ahead of UTC, summer two; 02:30 in March does not occur, in October it is summer first
    utc = ("2026-03-29T00:59:59", "2026-03-29T01:30", "2026-03-29T01:00", "2026-10-25T00:30", "2026-10-25T02:00")
    expected = {str(number): int(instant(text).timestamp() * 1e6) for number, text in enumerate(utc)}
    assert {cell.task: cell.first_us for cell in cube.cells} == expected | {"5": None}


WIDE = pa.table(
    {
        "model": pa.array(["gpt-5", None, "gpt-5", "gpt-5", "gpt-5", "gpt-5"]).dictionary_encode(),
        "input_tokens": pa.array([7, 8, 2**64 - 1, None, 9, 255], pa.uint64()),
        "cached_tokens": pa.array([-1, 0, 127, 0, 1, 2], pa.int8()),
        "output_tokens": pa.array(map(Decimal, ["1", "2", "3", "4", f"{10**37}", "6"]), pa.decimal128(38, 0)),
        "reasoning_tokens": [0.0, float("nan"), 1.0, float("inf"), 1e300, 2.5],
        "timestamp": [1793491200.25, float("nan"), 1e30, float("inf"), -1e300, None],
        "batch": [1.0, 0.0, float("nan"), 2.0, None, 1.0],
        "status": [200.0, float("nan"), 500.0, None, 0.0, 399.0],
        "service_tier": pa.array(["Flex", "default", None, "Flex", "batch", "batch"]).dictionary_encode(),
        "cost": [0.5, float("nan"), float("inf"), None, 1e300, 0.25],
    }
)


def test_numbers_of_every_type(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    """Unsigned and decimal ones, ones no 64 bits hold, NaN and infinity, words by number: as in the file of them."""
    pq.write_table(WIDE, tmp_path / "log.parquet")
    usage = read_usage(tmp_path / "log.parquet", table=prices, as_of=AS_OF)
    assert usage.rows.rejected == 5
    same(cube_in(engine, WIDE, tmp_path, prices), usage)
    good = WIDE.set_column(3, "output_tokens", pa.array([9] * 6, pa.uint64()))
    good = good.drop_columns(["reasoning_tokens", "timestamp", "cached_tokens", "cost"])
    pq.write_table(good, tmp_path / "log.parquet")
    usage = read_usage(tmp_path / "log.parquet", table=prices, as_of=AS_OF)
    assert [cell.batch for cell in usage.cube.cells if cell.service_tier == "flex"] == [True]
    assert (usage.rows.read, usage.rows.rejected) == (6, 2)
    same(cube_in(engine, good, tmp_path, prices), usage)


def test_text_in_categories(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    """Counts, times and statuses as text of which each value is held once."""
    columns = {
        "input_tokens": ["1", "x", None, "4"],
        "output_tokens": ["1", "1", "1", "1e2"],
        "timestamp": ["2026-11-01T00:00:00Z", None, None, "1793491200"],
        "status": ["OK", "ok", None, "Error"],
    }
    table = pa.table({name: pa.array(values).dictionary_encode() for name, values in columns.items()})
    cube = cube_in(engine, table, tmp_path, prices)
    assert [(cell.ok, cell.input_tokens, cell.output_tokens) for cell in cube.cells] == [(False, 4, 100), (True, 1, 1)]
    assert [reason for reason, _ in cube.reject_counts] == [
        "input_tokens is not a whole number from 0 to 10^12",
        "no input_tokens",
    ]


def test_an_empty_frame_says_so(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="The frame holds no rows"):
        cube_in(engine, arrow([], TYPED), tmp_path, prices)


def test_naive_times_need_a_zone(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    table = arrow(LOG[:1], TYPED | {"timestamp": "naive"})
    with pytest.raises(LogError, match=r"'timestamp' have no time zone; .* zone='UTC'"):
        cube_in(engine, table, tmp_path, prices)


def test_text_without_an_offset_needs_a_zone(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    cube = cube_in(engine, arrow(WORDS[:5], TEXT), tmp_path, prices)
    assert cube.reject_counts == (("a time without a time zone, and none is declared", 2),)


def test_a_frame_is_priced_and_profiled_as_its_file(typed: Usage) -> None:
    found = breakeven.usage(arrow(LOG, TYPED), as_of=AS_OF)
    assert (found.rows, found.cost_usd, found.profiles) == (typed.rows, typed.cost_usd, typed.profiles)
    assert found.rows.read == found.rows.priced + found.rows.unpriced + found.rows.rejected


STRUCTURE = pa.table(
    {
        "model": ["gpt-5", "gpt-5"],
        "usage": [
            {"prompt_tokens": 70, "completion_tokens": 7, "details": {"cached": 9}},
            {"prompt_tokens": 30, "completion_tokens": 3, "details": {"cached": None}},
        ],
    }
)
INSIDE = {
    "input_tokens": "usage.prompt_tokens",
    "output_tokens": "usage.completion_tokens",
    "cache_read_tokens": "usage.details.cached",
}


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pyarrow", "ibis", "spark"])
def test_columns_inside_structures(engine: str, prices: PriceTable, tmp_path: Path) -> None:
    (cell,) = cube_in(engine, STRUCTURE, tmp_path, prices, columns=INSIDE).cells
    assert (cell.input_tokens, cell.cache_read_tokens, cell.output_tokens) == (91, 9, 10)


@pytest.mark.parametrize("kind", ["structures", "text"])
@pytest.mark.parametrize("engine", ["ibis", "spark"])
def test_prompts_of_an_engine_are_those_of_a_frame_here(engine: str, kind: str, tmp_path: Path) -> None:
    """Tasks, their names, what their prompts have alike, retries and repeats; by beginnings too."""
    rows = chats()
    for number, row in enumerate(rows[::3]):
        row["messages"] = [
            {"role": "user", "content": f"Translate this for our customers, in short words: {number} " * 9}
        ]
    table = pa.Table.from_pylist(rows if kind == "structures" else as_text(rows))
    here = breakeven.usage(table, columns={"prompt": "messages"}, as_of=AS_OF)
    assert {each.found_by for each in here.facts} == {"prompt", "beginning"}
    frame, _ = ENGINES[engine](table, tmp_path)
    there = breakeven.usage(frame, columns={"prompt": "messages"}, as_of=AS_OF)
    assert (there.facts, there.profiles, there.notes) == (here.facts, here.profiles, here.notes)
    assert there.cube.cells == here.cube.cells
    assert "You sort" not in repr(there)


def test_prompts_on_a_worker_without_our_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duckdb.__version__", "0.0.1")
    frame, _ = ENGINES["spark"](pa.Table.from_pylist(as_text(chats())), tmp_path)
    with pytest.raises(
        LogError, match=r"hash the prompts \(.*\); its workers need the packages pyarrow and duckdb==0.0.1"
    ):
        breakeven.usage(frame, columns={"prompt": "messages"})


def test_a_row_number_of_the_users_own(prices: PriceTable, tmp_path: Path) -> None:
    table = arrow([{"input_tokens": 1}, {"input_tokens": 1, "output_tokens": 1}], TYPED)
    table = table.append_column("id", pa.array([70, 71]))
    cube = cube_in("polars-lazy", table, tmp_path, prices, columns={"line": "id"})
    assert [(each.file, each.line, each.reason) for each in cube.rejects] == [("frame", 70, "no output_tokens")]


def test_task_by_a_column(prices: PriceTable, tmp_path: Path) -> None:
    rows: Rows = [{"input_tokens": 1, "output_tokens": 1, "status": status} for status in (200, 200, None)]
    cube = cube_in("pandas", arrow(rows, TYPED), tmp_path, prices, task_by="status")
    assert {cell.task: cell.calls for cell in cube.cells} == {"200": 2, "(none)": 1}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"input_token": "x"}, "No column 'input_token' to name. Did you mean input_tokens"),
        ({"input_tokens": "modle"}, "The frame has no column 'modle'. Did you mean model"),
        ({"input_tokens": "usage.prompt_token"}, "The frame has no column 'usage.prompt_token'"),
        ({"input_tokens": "usage"}, "Column 'usage' is of type Struct"),
        ({"timestamp": "usage"}, "Column 'usage' is of type Struct.* holds no times"),
        ({"line": "model"}, "Column 'model' is of type String, which does not number rows"),
        ({"output_tokens": "model"}, "The frame has no column for input_tokens"),
    ],
)
def test_faults_of_columns_are_one_line(columns: dict[str, str], message: str) -> None:
    own = columns if "output_tokens" in columns else INSIDE | columns
    with pytest.raises(LogError, match=message) as found:
        canonical_frame(STRUCTURE, own)
    assert "\n" not in str(found.value)


def test_what_is_no_frame() -> None:
    with pytest.raises(LogError, match=r"A builtins.list is no frame; give one of Polars, pandas"):
        canonical_frame([1, 2])


def test_sums_that_pass_64_bits_are_refused(prices: PriceTable, tmp_path: Path) -> None:
    rows: Rows = [{"input_tokens": 1, "output_tokens": 1, "cost": 1e9}] * 12
    with pytest.raises(LogError, match="The sum of reported_cost_nano passes"):
        cube_in("polars", arrow(rows, TYPED), tmp_path, prices)


def test_spark_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that Spark reads give the answer that the same file gives without it."""
    spark()
    file = tmp_path / "log.csv"
    lines = [",".join(TEXT), *(",".join(str(row.get(name, "")) for name in TEXT) for row in WORDS)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    answers = []
    for flags in ([], ["--engine", "spark", "--master", "local[2]", "--zone", "UTC"]):
        assert main(["logs", str(file), *flags, "--as-of", "2026-11-23", "--format", "json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    here, there = answers
    assert there["files"][0]["name"] == "log.csv"
    assert {name for name in here if here[name] != there[name]} <= {"files", "rejects"}
    assert main(["logs", str(tmp_path / "none.csv"), "--engine", "spark"]) == 2
    assert "Spark cannot read it as csv (PATH_NOT_FOUND)" in capsys.readouterr().err


def test_spark_says_that_java_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BreakevenError, match="Spark needs Java 17 or newer"), spark_session("local[1]"):
        pass
