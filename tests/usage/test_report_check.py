"""A provider's usage report beside its cost report, by model and month."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_cube_file import written
from usage_logs import LOGS, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.usage import Usage, read_usage
from breakeven.usage.price_check import PriceCheck

AS_OF = dt.date(2026, 11, 23)
DAYS = (dt.date(2026, 8, 3), dt.date(2026, 8, 20), dt.date(2026, 9, 7))
COUNTS = ((1_000_000, 400_000, 100_000), (2_000_000, 0, 10_000), (500_000, 450_000, 90_000))
"""Input, cached input in it, output. [tokens]"""

MODEL = "gpt-5-mini-2025-08-07"


def unix(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def bucket(day: dt.date, *results: dict[str, Any]) -> dict[str, Any]:
    return {"object": "bucket", "start_time": unix(day), "end_time": unix(day) + 86_400, "results": list(results)}


def usage_report(folder: Path) -> Path:
    rows = []
    for day, (given, cached, made) in zip(DAYS, COUNTS, strict=True):
        counts = {"input_tokens": given, "input_cached_tokens": cached, "output_tokens": made, "num_model_requests": 9}
        rows.append(bucket(day, {"object": "organization.usage.completions.result", "model": MODEL} | counts))
    return write_lines(folder / "usage.jsonl", rows)


def cost_report(folder: Path, usd: list[dict[str, float]], days: tuple[dt.date, ...] = DAYS) -> Path:
    rows = [
        bucket(
            day,
            *(
                {
                    "object": "organization.costs.result",
                    "amount": {"value": value, "currency": "usd"},
                    "line_item": f"{MODEL}, {item}",
                }
                for item, value in items.items()
            ),
        )
        for day, items in zip(days, usd, strict=True)
    ]
    return write_lines(folder / "costs.jsonl", rows)


def list_usd(input_usd: float = 0.25, cached_usd: float = 0.025, factor: float = 1.0) -> list[dict[str, float]]:
    """What each day costs: $0.25 per million input tokens, $0.025 cached, $2 output."""
    return [
        {
            "input": factor * (given - cached) * input_usd / 1e6,
            "cached input": factor * cached * cached_usd / 1e6,
            "output": factor * made * 2 / 1e6,
        }
        for given, cached, made in COUNTS
    ]


def read(catalogue: Catalogue, *files: Path) -> Usage:
    return read_usage(files, table=catalogue.prices, as_of=AS_OF)


def check(catalogue: Catalogue, *files: Path) -> PriceCheck:
    (found,) = (each for each in read(catalogue, *files).price_checks if each.compared == "reports")
    return found


def test_reports_that_agree(tmp_path: Path, catalogue: Catalogue) -> None:
    found = check(catalogue, usage_report(tmp_path), cost_report(tmp_path, list_usd()))
    # by hand: 0.15 + 0.01 + 0.2, 0.5 + 0.02, 0.0125 + 0.01125 + 0.18
    assert found.cost_usd == Decimal("0.36") + Decimal("0.52") + Decimal("0.20375")
    assert (found.cause, found.difference_usd, found.calls, found.compared_calls) == ("agrees", 0, 27, 27)
    assert found.explanation == "usage and cost report: the stated cost is our price"


@pytest.mark.parametrize(
    ("usd", "cause"),
    [
        (list_usd(cached_usd=0.25), "cached_at_full_price"),
        (list_usd(cached_usd=0), "cached_left_out"),
        (list_usd(factor=0.8), "constant_factor"),
        (list_usd(input_usd=0.1, cached_usd=0.2), "unexplained"),
    ],
)
def test_why_reports_differ(usd: list[dict[str, float]], cause: str, tmp_path: Path, catalogue: Catalogue) -> None:
    assert check(catalogue, usage_report(tmp_path), cost_report(tmp_path, usd)).cause == cause


def test_a_month_in_which_they_cover_other_days_is_left_out(tmp_path: Path, catalogue: Catalogue) -> None:
    days = (DAYS[0], dt.date(2026, 8, 12), DAYS[2])
    found = check(catalogue, usage_report(tmp_path), cost_report(tmp_path, list_usd(), days))
    assert (found.cause, found.cost_usd, found.compared_calls) == ("agrees", Decimal("0.20375"), 9)
    assert "months left out, as their days differ" in found.explanation
    days = tuple(day - dt.timedelta(days=9) for day in DAYS)
    found = check(catalogue, usage_report(tmp_path), cost_report(tmp_path, list_usd(), days))
    assert (found.cause, found.cost_usd) == ("other_days", None)


def test_cubes_of_the_reports_are_compared_and_other_logs_are_not(tmp_path: Path, catalogue: Catalogue) -> None:
    files = [usage_report(tmp_path), cost_report(tmp_path, list_usd())]
    cubes = [written(read(catalogue, file).cube, tmp_path / f"{file.stem}.cube.parquet") for file in files]
    assert check(catalogue, *cubes) == check(catalogue, *files)
    log = tmp_path / "log.csv"
    log.write_text(f"model,input_tokens,output_tokens,timestamp\n{MODEL},100,10,2026-08-03\n", encoding="utf-8")
    assert [each for each in read(catalogue, *files, log).price_checks if each.compared == "reports"] == []


def test_anthropic_reports_are_compared_in_dollars(catalogue: Catalogue) -> None:
    """The cost report of the sample bills 123.78912 + 15 + 7 cents for the model."""
    found = check(catalogue, *(LOGS / f"anthropic-{kind}" / "pages.jsonl" for kind in ("usage", "costs")))
    assert (found.priced_as, found.calls) == ("anthropic/claude-haiku-4-5", 0)
    assert found.reported_cost_usd == Decimal("1.4578912")
    assert found.cost_usd == Decimal("0.01505")
