"""Properties of the cube on random logs: nothing is lost, order is nothing, its price is that of the rows."""

import csv
import datetime as dt
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import BATCH, charge_usd
from breakeven.catalogue.table import PriceTable
from breakeven.usage import Usage, read_usage
from breakeven.usage.calls import TYPES
from breakeven.usage.cells import Cell
from breakeven.usage.cube import build, cells, histograms
from breakeven.usage.cuts import cut_instants, time_us
from breakeven.usage.gather import fetch
from breakeven.usage.models import Finder
from breakeven.usage.scan import open_engine, scan_files

AS_OF = dt.date(2026, 11, 23)

MODELS = (
    "deepseek-chat",  # hours of the day
    "deepseek-v4-flash",  # hours and two price changes
    "gemini-2.5-pro",  # a dearer tier above 200,000, cached too
    "claude-sonnet-4-5",  # cache writes, a tier
    "gpt-4.1-mini",  # batches since 2026-10-14
    "gpt-5",  # flex and priority
    "gpt-5.6-sol",
    "a-model-nobody-lists",
    "",
)

NAMES = (
    "timestamp",
    "task",
    "model",
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_long_tokens",
    "output_tokens",
    "reasoning_tokens",
    "batch",
    "service_tier",
    "status",
    "cost",
)

moments = st.datetimes(dt.datetime(2026, 7, 20), dt.datetime(2026, 11, 22))
edges = st.sampled_from(
    [
        dt.datetime(2026, 8, 17),
        dt.datetime(2026, 9, 9, 23, 59, 59, 999999),
        dt.datetime(2026, 9, 10),
        dt.datetime(2026, 10, 14),
        dt.datetime(2026, 11, 1, 0, 30),
        dt.datetime(2026, 11, 1, 16, 29, 59, 999999),
        dt.datetime(2026, 11, 1, 16, 30),
    ]
)
sizes = st.one_of(st.integers(0, 5_000), st.sampled_from([0, 1, 199_999, 200_000, 200_001, 272_001, 1_000_000]))


@pytest.fixture(scope="module")
def prices(catalogue: Catalogue) -> PriceTable:
    return catalogue.prices


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    output = draw(sizes)
    at = draw(st.one_of(moments, edges))
    return {
        "timestamp": at.isoformat(),
        "task": draw(st.sampled_from(["a", "b", ""])),
        "model": draw(st.sampled_from(MODELS)),
        "input_uncached_tokens": str(draw(sizes)),
        "cache_read_tokens": str(draw(sizes)),
        "cache_write_tokens": str(draw(sizes)),
        "cache_write_long_tokens": str(draw(sizes)),
        "output_tokens": draw(st.sampled_from([str(output)] * 9 + ["broken"])),
        "reasoning_tokens": str(draw(st.integers(0, output))),
        "batch": draw(st.sampled_from(["", "no", "yes"])),
        "service_tier": draw(st.sampled_from(["", "", "standard", "flex", "priority"])),
        "status": draw(st.sampled_from(["", "200", "error"])),
        "cost": draw(st.sampled_from(["", "0", "0.25"])),
    }


logs = st.lists(rows(), min_size=1, max_size=25)
many = settings(max_examples=25)


def write(file: Path, log: Sequence[dict[str, str]]) -> None:
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, NAMES)
        writer.writeheader()
        writer.writerows(log)


def read(prices: PriceTable, *parts: Sequence[dict[str, str]]) -> Usage:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, part in enumerate(parts):
            file = Path(folder) / f"{number}.csv"
            write(file, part)
            files.append(file)
        return read_usage(files, table=prices, as_of=AS_OF)


def charge(prices: PriceTable, row: dict[str, str]) -> Decimal | None:
    """Price of one row, worked out alone; None where its model has none, 0 where it is rejected."""
    fresh, cached, short, long, output, reasoning = (
        int(row[name]) if row[name] != "broken" else -1 for name in NAMES[3:9]
    )
    if output < 0 or (row["status"] == "error" and not any((fresh, cached, short, long, output))):
        return Decimal(0)
    if row["model"] in ("", "a-model-nobody-lists"):
        return None
    model = prices.find(row["model"])
    at = dt.datetime.fromisoformat(row["timestamp"]).replace(tzinfo=dt.UTC)
    tier = {"service_tier": row["service_tier"]}
    context = BATCH if row["batch"] == "yes" else tier
    counts = {
        "input_tokens": fresh + cached + short + long,
        "cache_read_tokens": cached,
        "cache_write_tokens": short + long,
        "cache_write_5m_tokens": short,
        "cache_write_1h_tokens": long,
        "output_tokens": output,
        "output_reasoning_tokens": reasoning,
    }
    return charge_usd(prices, model, counts, at, context if model.has_variant(at, context) else None)


def added(parts: Sequence[Cell]) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Cells by their keys but the epoch, counts summed: a log is cut on the price days of its own models."""
    sums: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for cell in parts:
        key, counts = cell[:3] + cell[4:9], cell[9:19]
        sums[key] = tuple(a + b for a, b in zip(sums[key], counts, strict=True)) if key in sums else counts
    return sums


@many
@given(log=logs)
def test_every_row_is_priced_unpriced_or_rejected(prices: PriceTable, log: list[dict[str, str]]) -> None:
    usage = read(prices, log)
    rows = usage.rows
    assert rows.read == len(log) == rows.priced + rows.unpriced + rows.rejected
    assert rows.rejected == sum(row["output_tokens"] == "broken" for row in log) == len(usage.rejects)
    assert rows.unpriced == sum(charge(prices, row) is None for row in log)
    assert sum(profile.calls for profile in usage.profiles) == usage.calls == len(log) - rows.rejected


@many
@given(log=logs)
def test_the_cube_costs_what_its_rows_cost_to_the_last_digit(prices: PriceTable, log: list[dict[str, str]]) -> None:
    assert read(prices, log).cost_usd == sum((charge(prices, row) or Decimal(0) for row in log), Decimal(0))


@many
@given(log=logs, data=st.data())
def test_the_order_of_rows_is_nothing(prices: PriceTable, log: list[dict[str, str]], data: st.DataObject) -> None:
    one, other = read(prices, log), read(prices, data.draw(st.permutations(log)))
    assert one.cube.cells == other.cube.cells
    assert one.bill == other.bill
    assert one.profiles == other.profiles


@settings(max_examples=15)
@given(log=st.lists(rows(), min_size=2, max_size=25), share=st.floats(0, 1))
def test_files_together_are_the_sum_of_their_cubes(prices: PriceTable, log: list[dict[str, str]], share: float) -> None:
    cut = min(max(1, int(len(log) * share)), len(log) - 1)
    apart = [read(prices, part) for part in (log[:cut], log[cut:])]
    together = read(prices, log[:cut], log[cut:])
    assert together.cost_usd == sum(usage.cost_usd for usage in apart)
    assert added(together.cube.cells) == added([cell for usage in apart for cell in usage.cube.cells])


@settings(max_examples=12)
@given(log=logs)
def test_duckdb_and_polars_give_the_same_cells(prices: PriceTable, log: list[dict[str, str]]) -> None:
    pl = pytest.importorskip("polars")
    kinds = {"BIGINT": pl.Int64, "INTEGER": pl.Int32, "VARCHAR": pl.String, "BOOLEAN": pl.Boolean}
    table = prices
    with tempfile.TemporaryDirectory() as folder, open_engine() as engine:
        file = Path(folder) / "log.csv"
        write(file, log)
        found = scan_files(engine, [file])
        relation = found.relation().select(*TYPES)
        frame = pl.LazyFrame(
            relation.fetchall(), schema={name: kinds[kind] for name, kind in TYPES.items()}, orient="row"
        )
        native, other = nw.from_native(relation).lazy(), nw.from_native(frame)
        cuts = cut_instants(*found.span_us(), table.since_days)
        day = [time_us(edge) for edge in table.day_edges]

        def asked(query: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
            rows = query.collect().rows() if query.implementation.is_polars() else fetch(query)
            return sorted(rows, key=repr)

        assert asked(cells(native, cuts, day, table.thresholds)) == asked(cells(other, cuts, day, table.thresholds))
        assert asked(cells(native, cuts, day, table.thresholds, found.absent)) == asked(
            cells(native, cuts, day, table.thresholds)
        )
        for tokens in ("size", "output_tokens"):
            assert asked(histograms(native, tokens)) == asked(histograms(other, tokens))


@many
@given(log=logs, likely=st.lists(st.sampled_from(MODELS), min_size=1, max_size=4))
def test_a_log_is_cut_alike_whatever_its_first_rows_name(
    prices: PriceTable, log: list[dict[str, str]], likely: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_engine() as engine:
        file = Path(folder) / "log.csv"
        write(file, log)
        found = scan_files(engine, [file])
        rows, span = nw.from_native(found.relation()).lazy(), found.span_us()
        good = [row for row in log if row["output_tokens"] != "broken"]
        named = [(name,) for name in likely if any(row["model"] == name for row in good)]
        at_once = build(rows, fetch, Finder(prices), span, found.absent, likely=named)
        assert at_once == build(rows, fetch, Finder(prices), span, found.absent)


@many
@given(log=logs)
def test_a_profile_is_the_sum_of_its_cells(prices: PriceTable, log: list[dict[str, str]]) -> None:
    usage = read(prices, log)
    priced = list(zip(usage.cube.cells, usage.bill.usd, usage.bill.reasons, strict=True))
    for profile in usage.profiles:
        mine = [each for each in priced if each[0].task == profile.task and each[0].model == profile.model]
        own = [cell for cell, _, _ in mine]
        assert profile.calls == sum(cell.calls for cell in own)
        assert profile.failed == sum(cell.calls for cell in own if not cell.ok)
        assert profile.tokens.output == sum(cell.output_tokens for cell in own)
        assert profile.batch_share == sum(cell.calls for cell in own if cell.batch) / profile.calls
        assert profile.reported_calls == sum(cell.reported_calls for cell in own)
        assert profile.unpriced_calls == sum(cell.calls for cell, usd, _ in mine if usd is None)
        assert profile.unpriced_reason in {"", *(reason for _, _, reason in mine)}
        assert profile.cost_usd == cost(mine)
        assert sum(month.calls for month in profile.months) == profile.calls
        for month in profile.months:
            within = [each for each in mine if month_of(each[0]) == month.month]
            assert (month.calls, month.cost_usd) == (sum(cell.calls for cell, _, _ in within), cost(within))
    assert sum(profile.calls for profile in usage.profiles) == usage.calls


def month_of(cell: Cell) -> str:
    assert cell.since_us is not None
    return f"{dt.datetime.fromtimestamp(cell.since_us / 1e6, dt.UTC):%Y-%m}"


def cost(priced: Sequence[tuple[Cell, Decimal | None, str]]) -> Decimal | None:
    """The sum of the known prices; None where some are unknown, and those known are of cells without tokens."""
    unknown = any(usd is None for _, usd, _ in priced)
    empty = all(usd is None or not any(cell[11:16]) for cell, usd, _ in priced)
    return None if unknown and empty else sum((usd for _, usd, _ in priced if usd is not None), Decimal(0))


@many
@given(log=logs)
def test_parquet_gives_the_same_cube_as_csv(prices: PriceTable, log: list[dict[str, str]]) -> None:
    # the tasks and models of Parquet files are grouped by their hashes
    expected = read(prices, log).cube
    with tempfile.TemporaryDirectory() as folder, open_engine() as engine:
        text, file = Path(folder) / "log.csv", Path(folder) / "log.parquet"
        write(text, log)
        engine.execute(f"COPY (FROM read_csv('{text}', all_varchar = true)) TO '{file}' (FORMAT parquet)")
        found = read_usage(file, table=prices, as_of=AS_OF).cube
    assert found.cells == expected.cells
    assert found.histograms == expected.histograms
    assert found.reject_counts == expected.reject_counts


def test_sums_too_large_for_floating_point_are_exact(prices: PriceTable) -> None:
    # 10,001 rows of 999,999,999,999 tokens: above 2^53 = 9,007,199,254,740,992, and odd
    with tempfile.TemporaryDirectory() as folder, open_engine() as engine:
        file = Path(folder) / "log.parquet"
        engine.execute(
            "COPY (SELECT 'gpt-5' AS model, 999999999999 AS input_tokens, 1 AS output_tokens FROM range(10001))"
            f" TO '{file}' (FORMAT parquet)"
        )
        usage = read_usage(file, table=prices, as_of=AS_OF)
    assert usage.cube.cells.total("input_tokens") == 10_001 * 999_999_999_999
    assert usage.cube.cells.total("output_tokens") == 10_001
