"""Results of printed SQL: read back as the cube of the table, or refused with what is wrong."""

import csv
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from engines import ENGINES, SESSIONS, arrow, instant
from test_engines import LOG, TYPED
from test_warehouse import COLUMNS

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.surfaces.cli import main
from breakeven.usage import Usage, read_usage
from breakeven.usage.sums import How, how_of
from breakeven.usage.warehouse import warehouse_statement

AS_OF = dt.date(2026, 11, 23)
FIRST, LAST = dt.date(2024, 1, 1), dt.date(2027, 11, 24)

Captured = pytest.CaptureFixture[str]
Row = dict[str, str]


@pytest.fixture(scope="module")
def direct(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Usage:
    """The table read as a file."""
    file = tmp_path_factory.mktemp("log") / "log.parquet"
    pq.write_table(arrow(LOG, TYPED), file)
    return read_usage(file, table=catalogue.prices, as_of=AS_OF)


@pytest.fixture(scope="module")
def result(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the statement gives, as CSV, from an engine that never heard of us."""
    return saved(catalogue, tmp_path_factory.mktemp("result"), "csv", "(FORMAT csv, HEADER)")


def saved(catalogue: Catalogue, folder: Path, end: str, options: str, **changes: Any) -> Path:
    sql = warehouse_statement("calls", COLUMNS, "duckdb", catalogue.prices, **{"first": FIRST, "last": LAST} | changes)
    pq.write_table(arrow(LOG, TYPED), folder / "log.parquet")
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'America/New_York'")
        engine.execute(f"CREATE TABLE calls AS FROM '{folder / 'log.parquet'}'")
        engine.execute(f"COPY ({sql}) TO '{folder / f'result.{end}'}' {options}")
    return folder / f"result.{end}"


def told_of_rows(usage: Usage) -> list[tuple[Any, ...]]:
    """What became of the rows of each source, and the calls by model that state a cost of 0."""
    zeros = [(each.model, each.zero_calls) for each in usage.price_checks if each.zero_calls]
    return [*((file.priced, file.unpriced, file.rejected, file.reasons) for file in usage.files), *zeros]


def said(usage: Usage) -> tuple[Any, ...]:
    """What a result can tell of its table: all but the lines of rejects."""
    facts = usage.profiles, usage.facts
    return usage.rows, usage.calls, usage.cost_usd, usage.reject_counts, facts, told_of_rows(usage)


@pytest.mark.parametrize(
    ("end", "options"),
    [
        ("csv", "(FORMAT csv, HEADER)"),
        ("tsv.gz", "(FORMAT csv, HEADER, DELIMITER '\t', COMPRESSION gzip)"),
        ("csv", "(FORMAT csv, HEADER, FORCE_QUOTE *, NULLSTR 'NULL')"),
        ("jsonl", "(FORMAT json)"),
        ("json", "(FORMAT json, ARRAY)"),
        ("parquet", "(FORMAT parquet)"),
    ],
)
def test_a_result_says_what_its_table_says(
    end: str, options: str, catalogue: Catalogue, direct: Usage, tmp_path: Path
) -> None:
    file = saved(catalogue, tmp_path, end, options)
    usage = read_usage(file, table=catalogue.prices, as_of=AS_OF)
    assert said(usage) == said(direct)
    assert [(each.name, each.reader, each.rows) for each in usage.sources] == [("calls", "sql", len(LOG))]


def test_a_result_of_clickhouse(catalogue: Catalogue, direct: Usage, tmp_path: Path) -> None:
    ENGINES["clickhouse"](arrow(LOG, TYPED), tmp_path)
    sql = warehouse_statement("calls", COLUMNS, "clickhouse", catalogue.prices, first=FIRST, last=LAST)
    for form in ("CSVWithNames", "JSONEachRow", "Parquet"):
        file = tmp_path / f"result.{form}"
        file.write_bytes(SESSIONS["chdb"].query(sql, form).bytes())
        assert said(read_usage(file, table=catalogue.prices, as_of=AS_OF)) == said(direct), form


def test_a_task_column_and_a_billing_zone_are_carried(catalogue: Catalogue, tmp_path: Path) -> None:
    file = saved(
        catalogue, tmp_path, "csv", "(FORMAT csv, HEADER)", task_by="provider", billing_zone="America/Los_Angeles"
    )
    usage = read_usage(file, table=catalogue.prices, as_of=AS_OF)
    log = read_usage(
        tmp_path / "log.parquet",
        table=catalogue.prices,
        as_of=AS_OF,
        task_by="provider",
        billing_zone="America/Los_Angeles",
    )
    assert usage.cube.billing_zone == "America/Los_Angeles"
    assert said(usage) == said(log)
    assert {each.found_by for each in usage.facts} == {"field", "none"}


def test_prices_by_the_hour_are_honoured(catalogue: Catalogue, tmp_path: Path) -> None:
    """DeepSeek's price depends on the hour: 30 calls, every 48 minutes of a day."""
    rows = [
        {
            "model": name,
            "provider": "deepseek" if "deep" in name else "openai",
            "timestamp": instant("2025-06-02") + dt.timedelta(minutes=48 * number),
            "input_tokens": 1000,
            "output_tokens": 100,
        }
        for number in range(30)
        for name in ("deepseek-chat", "gpt-5-mini")
    ]
    pq.write_table(arrow(rows, TYPED), tmp_path / "log.parquet")
    sql = warehouse_statement("calls", COLUMNS, "duckdb", catalogue.prices, first=FIRST, last=LAST)
    with duckdb.connect() as engine:
        engine.execute(f"CREATE TABLE calls AS FROM '{tmp_path / 'log.parquet'}'")
        engine.execute(f"COPY ({sql}) TO '{tmp_path / 'r.csv'}'")
    usage, log = (read_usage(tmp_path / name, table=catalogue.prices, as_of=AS_OF) for name in ("r.csv", "log.parquet"))
    assert said(usage) == said(log)
    parts = {cell.model: set() for cell in usage.cube.cells}
    for cell in usage.cube.cells:
        parts[cell.model].add(cell.day_part)
    assert len(parts["deepseek-chat"]) > 1
    assert parts["gpt-5-mini"] == {-1}


def test_import_makes_a_cube_like_any_other(result: Path, direct: Usage, tmp_path: Path, capsys: Captured) -> None:
    cube, log = tmp_path / "usage.cube.parquet", tmp_path / "more.csv"
    assert main(["cube", "import", str(result), "-o", str(cube), "--as-of", "2026-11-23"]) == 0
    assert f"Rows in {direct.rows.read} = " in capsys.readouterr().out
    log.write_text("model,input_tokens,output_tokens\ngpt-5,1,1\n")
    assert main(["logs", str(cube), str(log), "--as-of", "2026-11-23", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["in"] == direct.rows.read + 1
    assert main(["logs", str(cube), str(result), "--as-of", "2026-11-23"]) == 2
    assert "would be counted twice" in capsys.readouterr().err


def test_what_is_no_result_is_not_imported(tmp_path: Path, capsys: Captured) -> None:
    log = tmp_path / "log.csv"
    log.write_text("model,input_tokens,output_tokens\ngpt-5,1,1\n")
    assert main(["cube", "import", str(log), "-o", str(tmp_path / "x.cube.parquet")]) == 2
    assert "is no result of a printed statement" in capsys.readouterr().err
    assert not (tmp_path / "x.cube.parquet").exists()


def part(name: str) -> Callable[[Row], bool]:
    return lambda row: row["part"] == name


def timed(row: Row) -> bool:
    return row["part"] == "cell" and row["epoch"] != "-1"


def without(of: Callable[[Row], bool]) -> Callable[[list[Row]], list[Row]]:
    """The rows without the first of a kind."""
    return lambda rows: [row for row in rows if row is not next(filter(of, rows))]


def changed(of: Callable[[Row], bool], **values: str) -> Callable[[list[Row]], list[Row]]:
    """The rows with other values in the first of a kind."""
    return lambda rows: [row | values if row is next(filter(of, rows)) else row for row in rows]


def told(**values: Any) -> Callable[[list[Row]], list[Row]]:
    """The rows with something else in the text that says how they were made."""

    def change(rows: list[Row]) -> list[Row]:
        (how,) = filter(part("how"), rows)
        return [
            row | {"breakeven_sums": json.dumps(json.loads(how["breakeven_sums"]) | values)} if row is how else row
            for row in rows
        ]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without(part("cell")), "is not the whole result of the statement: its rows in cells are"),
        (without(part("rows")), "its rows by reason are"),
        (without(part("input size")), "its calls by size of the input are"),
        (without(part("output size")), "its calls by size of the output are"),
        (without(part("hour")), "its calls by hour are"),
        (without(part("zero cost")), "its calls with a stated cost of 0 are"),
        (without(part("how")), "does not have the row with part 'how'"),
        (lambda rows: [*rows, next(filter(part("cell"), rows))], "its rows in cells are"),
        (lambda rows: rows + rows, "has 2 rows with part 'how'"),
        (changed(part("cell"), breakeven_sums="0123456789abcdef"), "is of another statement than the others"),
        (changed(part("cell"), part="cells"), "its part is none that a statement gives"),
        (changed(part("cell"), input_tokens="2.0E+09"), "input_tokens is not a whole number with all its digits"),
        (changed(part("cell"), input_tokens=""), "input_tokens is not a whole number"),
        (changed(part("cell"), input_tokens="12.5"), "input_tokens is not a whole number"),
        (changed(part("cell"), output_tokens="9" * 19 + "9"), "output_tokens is not a whole number"),
        (changed(part("cell"), ok="maybe"), "ok is not true or false"),
        (changed(part("cell"), output_tokens="-1"), "is damaged: a count is below 0"),
        (
            changed(timed, epoch="999"),
            "have a time outside their epoch",
        ),
        (
            changed(timed, epoch="40"),
            "have a time outside their epoch",
        ),
        (told(thresholds=[1]), "is of another statement than the others"),
        (told(schema="breakeven/sums/9"), "was changed, or is of another version"),
        (changed(part("how"), breakeven_sums="{}"), "was changed, or is of another version"),
    ],
)
def test_a_result_that_is_not_whole_is_refused(
    change: Callable[[list[Row]], list[Row]], message: str, result: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    with result.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    file = tmp_path / "r.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys())
        writer.writeheader()
        writer.writerows(change(rows))
    with pytest.raises(LogError, match=message) as caught:
        read_usage(file, table=catalogue.prices, as_of=AS_OF)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_a_column_left_out_and_a_line_cut_short(result: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    lines = result.read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "r.csv"
    for text, message in (
        ([lines[0].replace(",bucket", ",buckets"), *lines[1:]], "has no column 'bucket'"),
        ([*lines[:-1], lines[-1][:9]], f"line {len(lines)}: 1 fields where the header has"),
    ):
        file.write_text("".join(text), encoding="utf-8")
        with pytest.raises(LogError, match=message):
            read_usage(file, table=catalogue.prices, as_of=AS_OF)


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (dt.date(2026, 11, 1), LAST, r"before the first month .* print it again with --since 2026-03-08"),
        (FIRST, dt.date(2026, 10, 5), r"after the last month .* print it again with --as-of 20"),
    ],
)
def test_calls_outside_the_months_of_the_statement(
    first: dt.date, last: dt.date, message: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    """The table has calls from 8 March 2026 to November."""
    file = saved(catalogue, tmp_path, "csv", "(FORMAT csv, HEADER)", first=first, last=last)
    with pytest.raises(LogError, match=message):
        read_usage(file, table=catalogue.prices, as_of=AS_OF)


def test_what_a_statement_says_of_itself_comes_back() -> None:
    how = How('a."b"', (1, 5), (2,), (3, 4), 9, "field", "Asia/Tokyo")
    assert how_of(how.text()) == how
    for name, value in (("cuts_us", [5, 1]), ("thresholds", [3, 3]), ("until_us", "x"), ("schema", "other")):
        with pytest.raises(ValueError, match=r"order|schema|invalid literal"):
            how_of(json.dumps(json.loads(how.text()) | {name: value}))
    assert set(json.loads(how.text())) == {"schema", *asdict(how)}
