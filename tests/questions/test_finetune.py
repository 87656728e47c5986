"""Properties of the whole answer, and the promises of its JSON document."""

import datetime as dt
import json
import math
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion, answer

AS_OF = dt.date(2026, 11, 23)
MODELS = ["gpt-5-mini", "gpt-4o-mini", "gpt-4o", "claude-haiku-4-5", "gemini-3.8-flash", "deepseek-flash", None]
WORDS = {"clear_win", "worth_considering", "not_worth_it", "never", "unavailable", "unknown"}

shares = st.floats(0, 1)
fields = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "calls_per_month": st.floats(1, 1e8),
        "input_tokens": st.floats(0, 50_000),
        "output_tokens": st.floats(0, 20_000),
    },
    optional={
        "cached_share": st.floats(0, 0.5),
        "cache_write_share": st.floats(0, 0.5),
        "batch_share": shares,
        "batchable_share": shares,
        "cacheable_share": shares,
        "growth_month": st.floats(-0.5, 0.5),
        "premium": st.floats(0, 10),
        "output_reduction": st.floats(0, 0.95),
        "input_reduction": st.floats(0, 0.95),
        "training_usd": st.floats(0, 1e6),
        "training_tokens": st.floats(0, 1e9),
        "epochs": st.floats(0.1, 10),
        "runs": st.integers(1, 5),
        "data_usd": st.floats(0, 1e5),
        "hosting_usd_month": st.floats(0, 1e5),
        "retrain_every_months": st.integers(1, 24),
        "horizon_months": st.integers(1, 60),
        "discount_rate_year": st.floats(-0.5, 2),
        "success_rate": shares,
        "tuned_success_rate": shares,
        "buyer": st.sampled_from(["new", "existing", "invitation"]),
        "task": st.sampled_from(["classification", "extraction", "generation"]),
        "budget_usd": st.floats(0, 1e5),
        "consistent_prompts": st.booleans(),
    },
)


@cache
def the_catalogue() -> Catalogue:
    """Not a fixture: hypothesis prints what a property was given, and the catalogue is long."""
    return load_catalogue()


def asked(values: dict[str, Any]) -> FinetuneAnswer:
    prices = {"price_input": 1.0, "price_output": 4.0} if values.get("model") is None else {}
    return answer(ask(FinetuneQuestion, {"as_of": AS_OF} | prices | values), the_catalogue())


def numbers(document: Any) -> list[float]:
    """Every number of a JSON document."""
    if isinstance(document, dict):
        return [number for value in document.values() for number in numbers(value)]
    if isinstance(document, list):
        return [number for value in document for number in numbers(value)]
    return [document] if isinstance(document, float) else []


@settings(max_examples=60)
@given(fields)
def test_every_question_has_a_whole_answer(values: dict[str, Any]) -> None:
    found = asked(values)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert all(math.isfinite(number) for number in numbers(document))
    assert document["schema"] == "breakeven/finetune/1"
    horizon = values.get("horizon_months", 12)
    assert len(document["projection"]) == horizon
    assert len(document["framework"]) == len(document["wins"]) == len(document["loses"]) == 5
    assert document["verdict"]["word"] in WORDS
    assert document["verdict"]["option_id"] == document["options"][0]["id"]
    assert document["best_untuned"]["horizon_usd"] <= document["stay"]["horizon_usd"] * (1 + 1e-12) + 1e-9
    for option in document["options"]:
        assert option["verdict"] in WORDS
        lines = option["lines"]
        monthly = [line["usd"] for line in lines if line["when"] == "month 1"]
        once = [line["usd"] for line in lines if line["when"] == "once"]
        if option["monthly_usd"] is not None:
            assert sum(monthly) == pytest.approx(option["monthly_usd"], rel=1e-9, abs=1e-9)
            assert option["monthly_saving_usd"] == pytest.approx(
                document["stay"]["monthly_usd"] - option["monthly_usd"], rel=1e-9, abs=1e-6
            )
        if option["upfront_usd"] is not None:
            assert sum(once) == pytest.approx(option["upfront_usd"], rel=1e-9, abs=1e-9)
            assert option["upfront_low_usd"] <= option["upfront_usd"] * (1 + 1e-9) + 1e-9
            assert option["upfront_usd"] <= option["upfront_high_usd"] * (1 + 1e-9) + 1e-9
        if option["verdict"] in ("clear_win", "worth_considering", "not_worth_it"):
            assert option["break_even_months"] is not None
            life = option["life_months"]
            assert life is None or option["break_even_months"] <= life + 1
        assert all(line["source"] for line in lines)


@settings(max_examples=60)
@given(fields)
def test_the_projection_adds_up(values: dict[str, Any]) -> None:
    found = asked(values)
    leading = found.options[0]
    total = -leading.at_least_upfront_usd
    if leading.saving_usd is None:
        assert {row.option_usd for row in found.projection} == {None}
        return
    for row in found.projection:
        total += row.stay_usd - row.option_usd
        assert row.cumulative_saving_usd == pytest.approx(total, rel=1e-9, abs=1e-6 * (1 + abs(row.stay_usd)))
    assert leading.saving_usd == pytest.approx(total, rel=1e-9, abs=1e-6 * (1 + abs(total)))


@settings(max_examples=80)
@given(
    st.floats(1, 1e6),
    st.floats(1.01, 50),
    st.floats(0, 0.9),
    st.floats(0, 1e4),
    st.floats(0, 500),
)
def test_more_calls_never_raise_break_even(
    calls: float, more: float, premium: float, training: float, hosting: float
) -> None:
    def months(volume: float) -> float | None:
        found = asked(
            {
                "calls_per_month": volume,
                "input_tokens": 1000,
                "output_tokens": 500,
                "premium": premium,
                "training_usd": training,
                "hosting_usd_month": hosting,
            },
        )
        return found.options[0].break_even_months

    few, many = months(calls), months(calls * more)
    if few is not None:
        assert many is not None
        assert many <= few * (1 + 1e-9) + 1e-9


@settings(max_examples=80)
@given(st.floats(100, 1e7), st.floats(0, 0.95), st.floats(1, 1e5))
def test_no_growth_is_the_simple_formula(calls: float, premium: float, training: float) -> None:
    values = {"calls_per_month": calls, "input_tokens": 700, "output_tokens": 300}
    option = asked(values | {"premium": premium, "training_usd": training}).options[0]
    assert option.simple_break_even_months == pytest.approx(option.upfront_usd / option.monthly_saving_usd)
    if option.simple_break_even_months < 600:
        assert option.break_even_months == pytest.approx(option.simple_break_even_months, rel=1e-6)


FLIPPED = ["calls_per_month", "output_reduction", "input_reduction", "premium", "training_usd"]


@pytest.mark.parametrize("name", FLIPPED)
@settings(max_examples=40)
@given(
    values=st.fixed_dictionaries(
        {
            "calls_per_month": st.floats(1e3, 1e6),
            "output_reduction": st.floats(0, 0.5),
            "input_reduction": st.floats(0, 0.5),
            "premium": st.floats(0.2, 2),
            "training_usd": st.floats(1, 5e3),
            "data_usd": st.floats(0, 1e3),
            "hosting_usd_month": st.floats(0, 100),
            "growth_month": st.floats(-0.02, 0.05),
            "runs": st.integers(1, 3),
        },
        optional={"cached_share": st.floats(0, 0.5), "success_rate": st.floats(0.5, 1)},
    )
)
def test_a_flip_put_back_gives_the_month_it_promises(name: str, values: dict[str, Any]) -> None:
    base = {"input_tokens": 1200, "output_tokens": 600}
    option = asked(base | values).options[0]
    flip = getattr(option.flips, name)
    if flip is None or (name == "calls_per_month" and flip > 1e12):
        return
    flipped = asked(base | values | {name: flip}).options[0]
    at_target = flipped.flips.at_months
    rows = asked(base | values | {name: flip, "horizon_months": int(at_target)}).projection
    scale = 1 + abs(rows[-1].stay_usd) * len(rows) + flipped.at_least_upfront_usd
    assert rows[-1].cumulative_saving_usd == pytest.approx(0, abs=1e-6 * scale)


def test_a_linear_saving_cannot_change_sign_with_volume() -> None:
    """The article's table says otherwise; see docs/article-check.md."""
    signs = set()
    for calls in (10_000, 50_000, 100_000, 500_000):
        values = {"model": "gpt-5-mini", "calls_per_month": calls, "input_tokens": 800, "output_tokens": 400}
        option = asked(values | {"premium": 2, "output_reduction": 0.3, "training_usd": 500}).options[0]
        signs.add(option.monthly_saving_usd > 0)
        assert option.flips.calls_per_month is None
    assert signs == {False}


def test_every_offer_of_the_catalogue_is_a_candidate() -> None:
    found = asked({"model": "gpt-5-mini", "calls_per_month": 1e5, "input_tokens": 800, "output_tokens": 400})
    ids = {option.id for option in found.options}
    tunable = {offer.id for offer in the_catalogue().offers.values() if offer.kind != "none"}
    assert tunable <= ids
    assert "openai/gpt-5-mini" in ids
    assert "anthropic/first-party" not in ids


def test_unknown_prices_are_never_zero() -> None:
    found = asked({"model": "gemini-3.8-flash", "calls_per_month": 1e6, "input_tokens": 5e3, "output_tokens": 1e3})
    option = next(option for option in found.options if option.id == "vertex/gemini-2.5-flash")
    assert option.verdict == "unknown"
    assert option.monthly_usd is None
    assert option.break_even_months is None
    assert any(line.usd is None for line in option.lines)
    assert option.unknowns


def test_a_retired_model_is_no_untuned_choice() -> None:
    # gpt-4.1-nano and gpt-5-nano are the cheapest on the list; one is retired, the other ends within the horizon
    found = asked({"model": "gpt-5-mini", "calls_per_month": 1e5, "input_tokens": 800, "output_tokens": 400})
    assert found.best_untuned.model == "openai/gpt-6-luna"
    looked_at = {row.model for row in found.untuned}
    assert not looked_at & {"openai/gpt-4.1-nano", "openai/gpt-5-nano"}
    assert any("openai/gpt-5-mini is retired on 2026-12-11" in unknown for unknown in found.unknowns)


def test_levers_count_only_when_the_user_says_they_are_possible() -> None:
    values = {
        "model": "gpt-4o",
        "calls_per_month": 1e6,
        "input_tokens": 2000,
        "output_tokens": 100,
        "also": ("gpt-4o",),
    }
    plain = asked(values)
    assert plain.best_untuned.label == "stay on openai/gpt-4o"
    assert [row.label for row in plain.untuned if not row.counted] == ["openai/gpt-4o, all calls in batches"]
    # 1M x (2,000 x 2.5 + 100 x 10) / 1e6 = 6,000; half the input cached and half the calls in batches:
    # standard half 1,000 x 2.5 + 1,000 x 1.25 + 1,000 = 4,750; the batch half costs half of each where published
    levers = asked(values | {"cacheable_share": 0.5, "batchable_share": 0.5})
    assert levers.best_untuned.monthly_usd < 4_750
    assert "50% of the input cached and 50% of the calls in batches" in levers.best_untuned.label


def test_sources_say_who_used_them() -> None:
    found = asked({"model": "gpt-4o-mini", "calls_per_month": 1e5, "input_tokens": 800, "output_tokens": 400})
    users = {user for source in found.sources for user in source.used_by}
    assert {"stay", "assumptions", found.options[0].id} <= users
    assert all(source.url.startswith("https://") and source.seen for source in found.sources)
    assert found.prices["package"] == "genai-prices"
