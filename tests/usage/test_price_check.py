"""A stated cost beside ours: the cause named is the one that was put in, and none is named where none was."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.usage import read_usage
from breakeven.usage.price_check import PriceCheck

AS_OF = dt.date(2026, 11, 23)
COLUMNS = (
    *("timestamp", "task", "model", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens"),
    *("reasoning_tokens", "batch", "service_tier"),
)

CALLS = [(9000, 4000, 0, 300, 100), (800, 0, 0, 900, 20), (70_000, 50_000, 0, 10, 0), (5000, 1000, 0, 5000, 4000)]
"""Input, cached, cache write, output and reasoning tokens."""

Cost = Callable[[int, int, int, int, int], float]


def checks(
    tmp_path: Path,
    catalogue: Catalogue,
    cost: Cost | None,
    *,
    model: str = "gpt-4.1-mini",
    calls: list[tuple[int, int, int, int, int]] = CALLS,
    batch: str = "no",
    tier: str = "",
    day: str = "2026-11-03",
) -> list[PriceCheck]:
    """What is found in a table of calls, each a task of its own, with such a stated cost. [USD]"""
    file = tmp_path / "calls.csv"
    lines = [",".join((*COLUMNS, "cost"))]
    for number, (into, cached, written, out, reasoning) in enumerate(calls):
        stated = "" if cost is None else f"{cost(into, cached, written, out, reasoning):.9f}"
        lines.append(f"{day},t{number},{model},{into},{cached},{written},{out},{reasoning},{batch},{tier},{stated}")
    file.write_text("\n".join(lines) + "\n")
    return list(read_usage(file, table=catalogue.prices, as_of=AS_OF).price_checks)


def mini(into: float, cached: float, out: float, scale: float = 1) -> float:
    """gpt-4.1-mini: 0.40, cached 0.10, output 1.60 USD per million tokens."""
    return (into * 0.40 + cached * 0.10 + out * 1.60) * scale / 1e6


@pytest.mark.parametrize(
    ("cause", "cost"),
    [
        ("agrees", lambda i, c, w, o, r: mini(i - c, c, o)),
        ("cached_at_full_price", lambda i, c, w, o, r: mini(i, 0, o)),
        ("cached_left_out", lambda i, c, w, o, r: mini(i - c, 0, o)),
        ("cached_twice", lambda i, c, w, o, r: mini(i, c, o)),
        ("reasoning_left_out", lambda i, c, w, o, r: mini(i - c, c, o - r)),
        ("reasoning_twice", lambda i, c, w, o, r: mini(i - c, c, o + r)),
        ("output_left_out", lambda i, c, w, o, r: mini(i - c, c, 0)),
        ("input_left_out", lambda i, c, w, o, r: mini(0, 0, o)),
        ("constant_factor", lambda i, c, w, o, r: mini(i - c, c, o, 1.05)),
        ("constant_factor", lambda i, c, w, o, r: mini(i - c, c, o, 100)),
        ("cached_at_full_price+reasoning_left_out", lambda i, c, w, o, r: mini(i, 0, o - r)),
        ("unexplained", lambda i, c, w, o, r: 0.001 + i * 1e-7),
    ],
)
def test_the_cause_that_was_put_in_is_found(tmp_path: Path, catalogue: Catalogue, cause: str, cost: Cost) -> None:
    (check,) = checks(tmp_path, catalogue, cost)
    assert check.cause == cause
    assert (check.calls, check.compared_calls, check.zero_calls) == (4, 4, 0)
    assert check.cost_usd == Decimal(str(sum(round(mini(i - c, c, o) * 1e9) for i, c, _, o, _ in CALLS))) * Decimal(
        "1e-9"
    )
    assert check.explained_share == (None if cause in ("agrees", "unexplained") else 1.0)
    if "factor" in cause:
        assert "1.05 x our price" in check.explanation or "it is in cents" in check.explanation


@pytest.mark.parametrize(
    ("cause", "options", "scale"),
    [
        # gpt-4.1-mini has a batch price of one half on record since 2026-10-14
        ("no_batch_price", {"batch": "yes"}, 1),
        ("batch_price", {}, 0.5),
        ("agrees", {"batch": "yes"}, 0.5),
    ],
)
def test_batches(tmp_path: Path, catalogue: Catalogue, cause: str, options: dict[str, str], scale: float) -> None:
    calls = [(i, 0, 0, o, 0) for i, _, _, o, _ in CALLS]
    (check,) = checks(tmp_path, catalogue, lambda i, c, w, o, r: mini(i, 0, o, scale), calls=calls, **options)  # type: ignore[arg-type]
    assert check.cause == cause


def test_cache_writes(tmp_path: Path, catalogue: Catalogue) -> None:
    # claude-haiku-4-5: 1 and 5 USD per million, written for minutes 1.25
    calls = [(9000, 0, 4000, 300, 0), (800, 0, 0, 900, 0)]
    (check,) = checks(
        tmp_path, catalogue, lambda i, c, w, o, r: (i + 5 * o) / 1e6, model="claude-haiku-4-5", calls=calls
    )
    assert check.cause == "cache_write_as_input"
    (check,) = checks(
        tmp_path, catalogue, lambda i, c, w, o, r: (i - w + 5 * o) / 1e6, model="claude-haiku-4-5", calls=calls
    )
    assert check.cause == "cache_write_left_out"


def test_another_day(tmp_path: Path, catalogue: Catalogue) -> None:
    # o3: 10 and 40 USD per million until 2025-06-10, then 2 and 8
    calls = [(9000, 0, 0, 300, 0), (800, 0, 0, 900, 0)]
    (check,) = checks(
        tmp_path, catalogue, lambda i, c, w, o, r: (10 * i + 40 * o) / 1e6, model="o3", calls=calls, day="2026-02-03"
    )
    assert (check.cause, "before 2025-06-10" in check.explanation) == ("other_date", True)


def test_zero_is_not_free_and_is_counted_apart(tmp_path: Path, catalogue: Catalogue) -> None:
    (check,) = checks(tmp_path, catalogue, lambda i, c, w, o, r: mini(i - c, c, o) if i > 900 else 0.0)
    assert (check.cause, check.zero_calls, check.compared_calls) == ("agrees", 1, 3)
    assert check.explanation.endswith("1 calls state a cost of 0: the log states no cost there; 0 is not free")
    (check,) = checks(tmp_path, catalogue, lambda *_: 0.0)
    assert (check.cause, check.zero_calls, check.cost_usd, check.reported_cost_usd) == ("zero_stated", 4, None, None)


def test_rows_without_a_stated_cost_in_the_same_cell_are_not_compared(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("model,input_tokens,output_tokens,cost\ngpt-4o,1000,100,0.0035\ngpt-4o,1000,100,\ngpt-4o,9,9,0\n")
    (check,) = read_usage(file, table=catalogue.prices, as_of=AS_OF).price_checks
    # gpt-4o: 2.50 and 10 USD per million: 1000 x 2.5 + 100 x 10 = 3500 millionths
    assert (check.calls, check.compared_calls, check.zero_calls, check.cause) == (3, 1, 1, "agrees")
    assert check.cost_usd == check.reported_cost_usd == Decimal("0.0035")


def test_where_some_calls_agree_the_cause_is_that_of_the_others(tmp_path: Path, catalogue: Catalogue) -> None:
    (check,) = checks(tmp_path, catalogue, lambda i, c, w, o, r: mini(i - c, c, o) if i < 6000 else mini(i, 0, o))
    assert check.cause == "cached_at_full_price"
    assert check.explanation.startswith("2 calls agree; in the others cached tokens are charged at the full")


def test_a_log_without_costs_has_no_check_and_an_unknown_model_no_cause(tmp_path: Path, catalogue: Catalogue) -> None:
    assert not [each for each in checks(tmp_path, catalogue, None) if each.compared_calls]
    (check,) = checks(tmp_path, catalogue, lambda *_: 0.5, model="nobody-lists-it")
    assert (check.cause, check.cost_usd, check.reported_cost_usd) == ("no_price", None, Decimal(2))
