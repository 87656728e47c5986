"""Reports and bills: rows that state a cost, tokens without a number of calls, or neither."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from usage_logs import LOGS, rows_of, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.questions.logs import answer_logs, choose
from breakeven.usage import Usage, read_usage

AS_OF = dt.date(2026, 11, 23)
HAIKU = "claude-haiku-4-5-20251001"


def read(catalogue: Catalogue, *files: Path, **options: Any) -> Usage:
    return read_usage(list(files), table=catalogue.prices, as_of=AS_OF, **options)


def anthropic(**result: Any) -> dict[str, Any]:
    bucket = {"starting_at": "2026-08-01T00:00:00Z", "ending_at": "2026-08-02T00:00:00Z"}
    return {"data": [bucket | {"results": [{"model": HAIKU, "uncached_input_tokens": 0, "output_tokens": 0} | result]}]}


def test_amounts_of_the_cost_report_are_cents(catalogue: Catalogue, tmp_path: Path) -> None:
    row = {"starting_at": "2026-08-01T00:00:00Z", "amount": "123.78912", "currency": "USD", "model": HAIKU}
    usage = read(catalogue, write_lines(tmp_path / "costs.jsonl", [row]))
    assert usage.reported_cost_usd == Decimal("1.237891200")
    assert (usage.rows.priced, usage.rows.unpriced, usage.cost_usd) == (0, 1, 0)
    assert usage.profiles[0].cost_usd is None, "what a cost was paid for is unknown, not free"
    assert usage.profiles[0].unpriced_reason == "the log states its cost and no token counts"


def test_usage_and_costs_of_one_account_stand_side_by_side(catalogue: Catalogue, tmp_path: Path) -> None:
    counts = write_lines(tmp_path / "usage.jsonl", [anthropic(uncached_input_tokens=10**6, output_tokens=2 * 10**5)])
    row = {"starting_at": "2026-08-01T00:00:00Z", "amount": "200", "currency": "USD", "model": HAIKU}
    costs = write_lines(tmp_path / "costs.jsonl", [row])
    (profile,) = read(catalogue, counts, costs).profiles
    # 1 M at $1 and 0.2 M at $5
    assert (profile.cost_usd, profile.reported_cost_usd) == (Decimal(2), Decimal(2))


def test_a_cost_without_tokens_is_not_compared_with_a_price(catalogue: Catalogue, tmp_path: Path) -> None:
    row = {"starting_at": "2026-08-01T00:00:00Z", "amount": "200", "currency": "USD", "model": HAIKU}
    assert read(catalogue, write_lines(tmp_path / "costs.jsonl", [row])).price_checks == ()
    # lines of a bill that have tokens are
    checks = {each.model: each for each in read(catalogue, LOGS / "focus" / "ai.csv").price_checks}
    assert checks.keys() == {"claude-haiku-4.5", "gpt-4o-0806"}
    assert checks["claude-haiku-4.5"].compared_calls == 0
    stated = Decimal("12.40") + 5 + Decimal("0.31") + Decimal("1.25") + 2 + Decimal("0.5")
    assert checks["claude-haiku-4.5"].reported_cost_usd == stated


def test_tokens_of_unknown_calls_are_priced_and_no_decision_is_made_up(catalogue: Catalogue, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "usage.jsonl", [anthropic(uncached_input_tokens=10**9, output_tokens=10**6)])
    usage = read(catalogue, file)
    assert (usage.calls, usage.cost_usd) == (0, Decimal(1000 + 5))
    (profile,) = usage.profiles
    assert (profile.calls, profile.input.mean, profile.batch_share) == (0, None, 0.0)
    with pytest.raises(InputError, match="does not say how many calls there were"):
        choose(usage, None, None)
    (task,) = answer_logs(usage, catalogue, {}).tasks
    assert (task.answer, task.why_no_answer) == (None, "the log does not say how many calls these are")


@pytest.mark.parametrize(
    ("window", "usd"),
    # claude-sonnet-4-5: $3 and $15 per million, $6 and $22.50 for requests above 200k
    [("0-200k", "0.6"), ("200k-1M", "1.05")],
)
def test_long_context_is_what_the_report_says_and_not_the_sum_of_a_day(
    catalogue: Catalogue, tmp_path: Path, window: str, usd: str
) -> None:
    counts = {"uncached_input_tokens": 10**5, "output_tokens": 2 * 10**4, "context_window": window}
    row = anthropic(model="claude-sonnet-4-5-20250929", **counts)
    assert read(catalogue, write_lines(tmp_path / "usage.jsonl", [row])).cost_usd == Decimal(usd)


def test_a_sum_of_requests_is_priced_by_their_mean_size(catalogue: Catalogue, tmp_path: Path) -> None:
    counts = {"input_tokens": 4 * 10**6, "output_tokens": 0, "num_model_requests": 40, "model": "gpt-4.1-mini"}
    page = {
        "data": [{"start_time": 1764547200, "results": [counts | {"object": "organization.usage.completions.result"}]}]
    }
    usage = read(catalogue, write_lines(tmp_path / "usage.jsonl", [page]))
    assert (usage.calls, usage.cost_usd, usage.profiles[0].input.p50) == (
        40,
        Decimal("1.6"),
        pytest.approx(1e5, rel=0.025),
    )


def test_a_bill_is_priced_where_it_counts_tokens_and_keeps_what_it_billed(catalogue: Catalogue) -> None:
    usage = read(catalogue, LOGS / "focus" / "ai.csv", task_by="SubAccountName")
    by_model = {profile.model: profile for profile in usage.profiles}
    haiku = by_model["claude-haiku-4.5"]
    # in 31 M + 2 M + 1 M at $1 (its batch price is not on record), out 1 M at $5, read 3.1 M at $0.1,
    # write 1 M at $1.25 and 1 M at $2
    assert haiku.cost_usd == 34 + 5 + Decimal("0.31") + Decimal("1.25") + 2
    assert any(note.startswith("calls of unknown number priced as anthropic/claude-haiku-4-5") for note in usage.notes)
    # every billed amount of that model but the one in euros
    assert haiku.reported_cost_usd == Decimal("12.40") + 5 + Decimal("0.31") + Decimal("1.25") + 2 + Decimal("0.5")
    hours = by_model["provisioned-throughput-model-units"]
    assert (hours.cost_usd, hours.reported_cost_usd) == (None, 30)
    rows = usage.rows
    assert rows.read == rows.priced + rows.unpriced + rows.rejected == 16


def test_a_bill_without_ai_says_so(catalogue: Catalogue) -> None:
    usage = read(catalogue, LOGS / "focus" / "sample-1.0.csv")
    assert (usage.rows.priced, usage.rows.unpriced, usage.calls) == (0, 0, 0)
    assert dict(usage.reject_counts)["not usage of an AI service"] == 9


@pytest.mark.parametrize(
    ("quantity", "unit", "tokens"),
    [
        ("31", "1M tokens", 31_000_000),
        ("31", "1M Tokens", 31_000_000),
        ("31", "Million tokens", 31_000_000),
        ("31000", "1K tokens", 31_000_000),
        ("31000", "1000 tokens", 31_000_000),
        ("31000", "Thousand Tokens", 31_000_000),
        ("31000000", "Tokens", 31_000_000),
        ("0.0000005", "1M tokens", 1),
    ],
)
def test_units_of_a_bill(tmp_path: Path, quantity: str, unit: str, tokens: int) -> None:
    row = {
        "BilledCost": "1", "BillingCurrency": "USD", "ChargeCategory": "Usage", "ChargePeriodStart": "2026-10-01",
        "ServiceName": "Amazon Bedrock", "SkuMeter": "NovaLite-input-tokens", "PricingQuantity": quantity,
        "PricingUnit": unit,
    }  # fmt: skip
    found = rows_of(write_lines(tmp_path / "bill.jsonl", [row]))[0][0]
    assert (found["input_tokens"], found["reason"]) == (tokens, None)


def test_a_bill_in_parquet_is_known_by_its_columns(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "bill.parquet"
    duckdb.sql(
        f"""COPY (SELECT 12.40::DECIMAL(20, 10) AS BilledCost, 'USD' AS BillingCurrency, 'Usage' AS ChargeCategory,
        TIMESTAMP '2026-10-01' AS ChargePeriodStart, 31.0 AS PricingQuantity, '1M tokens' AS PricingUnit,
        'Amazon Bedrock' AS ServiceName, 'AWS' AS ProviderName, 'ClaudeHaiku4.5-input-tokens' AS SkuMeter,
        MAP {{'task': 'triage'}} AS Tags) TO '{file}' (FORMAT parquet)"""
    )
    rows, found = rows_of(file)
    assert found.sources[0].reader == "focus"
    row = rows[0]
    assert (row["task"], row["model"], row["input_tokens"]) == ("triage", "claude-haiku-4.5", 31_000_000)
    assert (row["reported_cost_nano"], row["calls"]) == (12_400_000_000, 0)


def test_a_page_is_as_many_rows_as_it_has_results(tmp_path: Path) -> None:
    file = LOGS / "openai-usage" / "pages.jsonl"
    results = 0
    for line in file.read_text().splitlines()[:-1]:
        row = json.loads(line)
        results += sum(len(bucket["results"]) for bucket in row.get("data", [row]))
    rows, found = rows_of(file)
    assert found.rows == len(rows) == results + 1, "and the line that is cut off is one"
