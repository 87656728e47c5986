"""The price table against the package it is read from: every model, every unit, several days, sizes at tier edges."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import BATCH, charge_usd, mean_token_rates, token_rates
from breakeven.catalogue.table import PriceTable
from breakeven.errors import InputError, PriceNotFoundError, UnknownModelError

TIMES = [
    dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
    dt.datetime(2025, 6, 9, 23, 59, 59, tzinfo=dt.UTC),
    dt.datetime(2026, 8, 21, 3, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC),
    dt.datetime(2027, 1, 1, 0, tzinfo=dt.UTC),
]
TOLERANCE = Decimal("1e-9")


def models() -> Iterator[tuple[Provider, ModelInfo]]:
    for provider in get_snapshot().providers:
        for model in provider.models:
            yield provider, model


def sizes(model: ModelInfo, table: PriceTable) -> list[int]:
    """One token, one million, and one below, at and above every threshold of the whole table."""
    return [1, 1_000_000, *(edge + step for edge in table.thresholds for step in (-1, 0, 1))]


@pytest.mark.parametrize("at", TIMES, ids=lambda at: at.date().isoformat())
def test_every_model_and_unit_costs_what_the_package_says(catalogue: Catalogue, at: dt.datetime) -> None:
    table = catalogue.prices
    checked = 0
    wrong: list[str] = []
    for (provider, theirs), ours in zip(models(), table, strict=True):
        assert (provider.id, theirs.id) == (ours.provider, ours.model)
        rates = ours.rates(at)
        tiered = any(rate.tiers for rate in rates.values())
        for unit in rates:
            for count in sizes(theirs, table) if tiered else [1, 123_457]:
                counts = dict.fromkeys(table.containers(unit), count) if unit != "requests" else {}
                usage = Usage(**counts)
                want = theirs.calc_price(usage, provider, genai_request_timestamp=at).total_price
                got = charge_usd(table, ours, counts, at)
                checked += 1
                if abs(got - want) > TOLERANCE:
                    wrong.append(f"{ours.id} {unit} x {count} at {at}: {got} instead of {want}")
    assert not wrong, "\n".join(wrong[:20])
    assert checked > 8_000


@pytest.mark.parametrize("at", TIMES[2:], ids=lambda at: at.date().isoformat())
def test_every_variant_costs_what_the_package_says(catalogue: Catalogue, at: dt.datetime) -> None:
    table = catalogue.prices
    checked = 0
    for (provider, theirs), ours in zip(models(), table, strict=True):
        for variant in ours.variants:
            context = dict(variant.when)
            for count in (1_000, 272_000, 272_001):
                counts = {"input_tokens": count, "output_tokens": 77}
                if "cache_read_tokens" in ours.rates(at):
                    counts["cache_read_tokens"] = count // 3
                want = theirs.calc_price(
                    Usage(**counts), provider, genai_request_timestamp=at, price_context=context
                ).total_price
                assert abs(charge_usd(table, ours, counts, at, context) - want) <= TOLERANCE, (ours.id, context)
                checked += 1
    assert checked > 500


def test_every_id_is_found_as_the_package_finds_it(catalogue: Catalogue) -> None:
    snapshot = get_snapshot()
    wrong = []
    for provider, model in models():
        try:
            theirs = snapshot.find_provider_model(model.id, None, provider.id, None)[1]
        except LookupError:
            # A few of the package's ids match none of its own rules; we take them as the ids they are.
            theirs = model
        ours = catalogue.prices.find(model.id, provider.id)
        if ours.model != theirs.id:
            wrong.append(f"{provider.id}/{model.id}: {ours.model} instead of {theirs.id}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "provider", "found"),
    [
        ("gpt-5-mini", None, "openai/gpt-5-mini"),
        ("GPT-5-mini-2025-08-07", None, "openai/gpt-5-mini"),
        ("openai/gpt-5-mini", None, "openai/gpt-5-mini"),
        ("anthropic/claude-haiku-4-5", None, "anthropic/claude-haiku-4-5"),
        ("gpt-5.2-20251211", None, "openai/gpt-5.2"),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock",
            "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
    ],
)
def test_names_as_people_and_gateways_write_them(
    catalogue: Catalogue, name: str, provider: str | None, found: str
) -> None:
    assert catalogue.prices.find(name, provider).id == found


def test_an_unknown_model_names_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModelError, match=r"No model 'gpt5-mini'.*Did you mean gpt-5-mini"):
        catalogue.prices.find("gpt5-mini")


def test_a_model_of_several_sellers_asks_which(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModelError, match=r"Several providers sell .*write which: .*nebius/meta-llama"):
        catalogue.prices.find("meta-llama/llama-3.3-70b-instruct")


def test_token_rates_by_hand(catalogue: Catalogue) -> None:
    # gpt-5-mini on 2026-11-23: 0.25 in, 0.025 cached, 2.00 out per 1M tokens; it has no price for cache writes,
    # so a written token costs what an input token costs.
    at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    rates = token_rates(catalogue.prices.find("gpt-5-mini"), at)
    assert rates.input * 1_000_000 == Decimal("0.25")
    assert rates.cache_read * 1_000_000 == Decimal("0.025")
    assert rates.cache_write_short == rates.cache_write_long == rates.input
    assert rates.output * 1_000_000 == rates.reasoning * 1_000_000 == Decimal("2")


def test_long_requests_pay_the_tier_they_exceed(catalogue: Catalogue) -> None:
    # gpt-6.1-sol: 2.00 up to 272,000 input tokens, 4.00 for the whole request above.
    at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    model = catalogue.prices.find("gpt-6.1-sol")
    assert token_rates(model, at, 272_000).input * 1_000_000 == 2
    assert token_rates(model, at, 272_001).input * 1_000_000 == 4


def test_batch_is_half_price_where_it_is_published(catalogue: Catalogue) -> None:
    at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    model = catalogue.prices.find("gpt-5-mini")
    assert model.has_variant(at, BATCH)
    assert token_rates(model, at, 0, BATCH).output * 1_000_000 == 1


def test_time_of_day_prices_are_averaged_over_the_day(catalogue: Catalogue) -> None:
    # deepseek-flash: 0.30 during 01-04 and 06-10 UTC (7 hours), 0.15 during the other 17.
    # (7 * 0.30 + 17 * 0.15) / 24 = 0.19375
    model = catalogue.prices.find("deepseek-flash")
    rates = mean_token_rates(model, dt.date(2026, 11, 23))
    assert abs(rates.input * 1_000_000 - Decimal("0.19375")) < Decimal("1e-15")


def test_counts_that_do_not_fit_together_are_refused(catalogue: Catalogue) -> None:
    at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    counts = {"input_tokens": 10, "cache_read_tokens": 11}
    with pytest.raises(InputError, match="cache_read_tokens exceed the input_tokens"):
        charge_usd(catalogue.prices, catalogue.prices.find("gpt-5-mini"), counts, at)


def test_a_model_without_token_prices_says_so(catalogue: Catalogue) -> None:
    at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    with pytest.raises(PriceNotFoundError, match="text-embedding-3-small has no list price for output tokens"):
        token_rates(catalogue.prices.find("openai/text-embedding-3-small"), at)
