"""The FOCUS file: its columns are those of the specification, its total is that of the answer, to the last digit."""

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from usage_logs import LOGS, samples

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.usage import Usage, read_usage
from breakeven.usage.calls import TOKENS
from breakeven.usage.focus import COLUMNS, COSTS, charges, write_focus

AS_OF = dt.date(2026, 11, 23)
HEADER = "timestamp,model,input_tokens,cached_tokens,output_tokens,reasoning_tokens,batch,task\n"
ROWS = (
    "2026-10-13T00:00:00Z,gpt-4.1-mini,1000000,250000,1000000,400000,no,triage",
    "2026-10-31T23:59:59Z,gpt-4.1-mini,1000000,0,7,0,no,triage",
    "2026-11-01T00:00:00Z,gpt-4.1-mini,1000000,0,1000000,0,yes,triage",
    ",gpt-4o,3,0,1,0,no,",
    "2026-11-01T00:00:00Z,nobody-lists-it,1000000,0,1000000,0,no,triage",
)


def write(tmp_path: Path, catalogue: Catalogue, name: str) -> tuple[Path, Decimal]:
    log = tmp_path / "calls.csv"
    log.write_text(HEADER + "\n".join(ROWS) + "\n")
    usage = read_usage(log, table=catalogue.prices, as_of=AS_OF)
    write_focus(usage.cube, usage.bill, catalogue.prices, AS_OF, tmp_path / name)
    return tmp_path / name, usage.cost_usd


def test_charges_by_hand(tmp_path: Path, catalogue: Catalogue) -> None:
    file, total = write(tmp_path, catalogue, "out.csv")
    with file.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == COLUMNS
    shown = [
        tuple(row[name] for name in ("ChargePeriodStart", "SkuId", "ConsumedQuantity", "ListUnitPrice", "BilledCost"))
        for row in rows
    ]
    october, november, mini = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "openai/gpt-4.1-mini"
    assert shown == [
        (october, f"{mini}/input", "1750000", "0.4", "0.7"),
        (october, f"{mini}/cache_read", "250000", "0.1", "0.025"),
        (october, f"{mini}/output", "600007", "1.6", "0.9600112"),
        (october, f"{mini}/reasoning", "400000", "1.6", "0.64"),
        (november, f"{mini}/input/batch", "1000000", "0.2", "0.2"),
        (november, f"{mini}/output/batch", "1000000", "0.8", "0.8"),
        (november, "openai/gpt-4o/input", "3", "2.5", "0.0000075"),
        (november, "openai/gpt-4o/output", "1", "10", "0.00001"),
    ]
    assert sum(Decimal(row["BilledCost"]) for row in rows) == total
    for row in rows:
        assert len({row[name] for name in COSTS}) == 1
        assert Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"]) == Decimal(row["ListCost"])
    first, last = rows[0], rows[-1]
    assert json.loads(first["Tags"]) == {"task": "triage", "model": "gpt-4.1-mini", "bucket": "input"}
    assert json.loads(last["Tags"]) == {"task": "all", "model": "gpt-4o", "bucket": "output", "time": "unknown"}
    assert (first["ProviderName"], first["ServiceCategory"], first["ChargeCategory"], first["BillingCurrency"]) == (
        *("OpenAI", "AI and Machine Learning", "Usage", "USD"),
    )
    assert (first["PricingUnit"], first["ConsumedUnit"], first["ChargePeriodEnd"]) == ("1M tokens", "Tokens", november)


def test_parquet_holds_the_same(tmp_path: Path, catalogue: Catalogue) -> None:
    file, total = write(tmp_path, catalogue, "out.parquet")
    found = duckdb.sql(f"SELECT sum(BilledCost), count(*), min(ChargePeriodStart)::DATE::VARCHAR FROM '{file}'")
    assert found.fetchall() == [(total, 8, "2026-10-01")]
    types = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '{file}')").fetchall())
    assert tuple(types) == COLUMNS
    assert types["BilledCost"].startswith("DECIMAL(38,")
    assert types["Tags"] == "VARCHAR"


def test_the_total_of_all_samples_is_exact(catalogue: Catalogue) -> None:
    usage = read_usage(LOGS, table=catalogue.prices, as_of=AS_OF)
    rows = charges(usage.cube, usage.bill, catalogue.prices, AS_OF)
    assert sum(row["BilledCost"] for row in rows) == usage.cost_usd > 1  # type: ignore[misc]


def test_the_columns_are_those_of_the_sample_data() -> None:
    assert len(COLUMNS) == 43
    assert list(COLUMNS) == sorted(COLUMNS)


def test_other_names_are_refused_and_nothing_half_written_is_left(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match=r"--focus .*out\.xlsx: the name must end in \.csv or \.parquet"):
        write(tmp_path, catalogue, "out.xlsx")
    assert [file.name for file in tmp_path.iterdir()] == ["calls.csv"]


def tokens_by_task(usage: Usage) -> dict[tuple[str, str], list[int]]:
    """Of priced calls, by task and the list price used."""
    sums: dict[tuple[str, str], list[int]] = {}
    for cell, usd, priced_as in zip(usage.cube.cells, usage.bill.usd, usage.bill.priced_as, strict=True):
        if usd is not None and priced_as and any(getattr(cell, name) for name in TOKENS):
            found = sums.setdefault((cell.task, priced_as), [0] * len(TOKENS))
            found[:] = (had + getattr(cell, name) for had, name in zip(found, TOKENS, strict=True))
    return sums


@pytest.mark.parametrize("sample", samples(), ids=lambda file: f"{file.parent.name}/{file.name}")
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_charges_read_back_are_the_same_tokens_and_the_same_cost(
    tmp_path: Path, catalogue: Catalogue, sample: Path, ending: str
) -> None:
    usage = read_usage(sample, table=catalogue.prices, as_of=AS_OF)
    file = tmp_path / f"charges{ending}"
    if not write_focus(usage.cube, usage.bill, catalogue.prices, AS_OF, file):
        return
    again = read_usage(file, table=catalogue.prices, as_of=AS_OF)
    assert again.rows.rejected == 0
    assert tokens_by_task(again) == tokens_by_task(usage)
    rounded = again.rows.read * Decimal("0.5e-9")  # a stated cost is kept in nano-dollars
    assert again.reported_cost_usd is not None
    assert abs(again.reported_cost_usd - usage.cost_usd) <= rounded
