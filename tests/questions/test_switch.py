"""The switch question: what must hold whatever the numbers, what it says, and what it refuses."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError
from breakeven.questions.recounted import terms_from
from breakeven.questions.switch import KIND
from breakeven.questions.switch_answer import SwitchAnswer
from breakeven.usage.recount import Recount, Side

EARLY = dt.date(2026, 1, 5)
LATE = dt.date(2026, 11, 23)
USAGE = {"calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}


def switch(catalogue: Catalogue, as_of: dt.date = EARLY, **fields: Any) -> SwitchAnswer:
    asked = USAGE | {"model": "gpt-4o", "to": ["gpt-4o-mini"], "as_of": as_of} | fields
    found: SwitchAnswer = KIND.reply(asked, catalogue, as_of)
    return found


@given(
    calls=st.floats(1, 1e7),
    into=st.floats(1, 1e4),
    out=st.floats(1, 1e4),
    people=st.floats(0, 1e5),
    growth=st.floats(-0.2, 0.3),
    months=st.integers(1, 12),
)
def test_what_is_saved_is_what_staying_costs_more(
    catalogue: Catalogue, calls: float, into: float, out: float, people: float, growth: float, months: int
) -> None:
    found = switch(
        catalogue, calls_per_month=calls, input_tokens=into, output_tokens=out, people_usd=people, growth_month=growth,
        horizon_months=months,
    )  # fmt: skip
    move = found.moves[0]
    assert found.forced is None
    assert found.stay.horizon_usd is not None
    rounding = 1e-9 * (found.stay.horizon_usd + move.horizon_usd)
    assert found.stay.horizon_usd - move.horizon_usd == pytest.approx(move.saving_usd, abs=rounding)
    assert sum(move.months_usd) + move.upfront_usd == pytest.approx(move.horizon_usd)
    if move.break_even_months is not None and move.break_even_months <= months and growth > 0:
        assert move.saving_usd >= -rounding


@given(ratio=st.floats(0.2, 3), change=st.floats(-0.9, 3))
def test_cost_rises_with_tokens(catalogue: Catalogue, ratio: float, change: float) -> None:
    one = switch(catalogue, token_ratio=ratio, output_change=change).moves[0]
    more = switch(catalogue, token_ratio=ratio * 1.1, output_change=change).moves[0]
    longer = switch(catalogue, token_ratio=ratio, output_change=change + 0.1).moves[0]
    assert one.monthly_usd < longer.monthly_usd
    assert more.monthly_usd == pytest.approx(1.1 * one.monthly_usd)


@given(new=st.floats(0.3, 1), failure=st.floats(0.001, 10))
def test_parity_is_where_a_month_costs_the_same(catalogue: Catalogue, new: float, failure: float) -> None:
    rates = {"success_rate": 0.9, "new_success_rate": new, "failure_usd": failure}
    move = switch(catalogue, **rates).moves[0]
    if move.success_rate_at_parity is not None:
        even = switch(catalogue, **rates | {"new_success_rate": move.success_rate_at_parity})
        assert even.moves[0].monthly_usd == pytest.approx(even.stay.monthly_usd)
    if move.failure_usd_at_parity is not None and 1e-6 < move.failure_usd_at_parity < 1e6:
        even = switch(catalogue, **rates | {"failure_usd": move.failure_usd_at_parity})
        assert even.moves[0].monthly_usd == pytest.approx(even.stay.monthly_usd)


def test_several_models_are_those_asked_for_one_by_one_in_order_of_cost(catalogue: Catalogue) -> None:
    names = ["claude-haiku-4-5", "gpt-5.4-mini", "gpt-5.4-nano"]
    together = switch(catalogue, LATE, to=names).moves
    alone = {move.model: move for name in names for move in switch(catalogue, LATE, to=[name]).moves}
    assert [move.horizon_usd for move in together] == sorted(move.horizon_usd for move in together)
    assert {move.model: move for move in together} == alone


def test_the_band_of_an_estimate_holds_it_and_is_told(catalogue: Catalogue) -> None:
    found = switch(catalogue, LATE, to=["claude-haiku-4-5"])
    move = found.moves[0]
    assert move.monthly_low_usd is not None
    assert move.monthly_high_usd is not None
    assert move.monthly_low_usd < move.monthly_usd < move.monthly_high_usd
    assert any("1 to 1.35" in words for words in found.unknowns)


def test_a_verdict_that_the_band_changes_is_told(catalogue: Catalogue) -> None:
    # at 1.00 tokens for one the move saves, at 1.35 it costs more
    found = switch(catalogue, EARLY, model="gpt-4.1", to=["claude-haiku-4-5"], people_usd=300, output_change=0.37)
    move = found.moves[0]
    assert (move.verdict_low, move.verdict_high) == ("clear_win", "never")
    assert any("from clear win to never pays back" in words for words in found.unknowns)


def test_a_forced_move_says_so_first(catalogue: Catalogue) -> None:
    found = switch(catalogue, LATE, to=["gpt-5.4-mini", "claude-haiku-4-5"], people_usd=1000)
    assert found.headline.startswith("The move is forced: openai/gpt-4o is retired on 2027-01-14, in 1.7 months.")
    assert found.moves[0].model == "openai/gpt-5.4-mini"
    (stay_row,) = [row for row in found.tables()[0].rows if str(row[0]).startswith("stay")]
    assert "not possible" in stay_row


def test_what_is_taken_for_granted_is_said(catalogue: Catalogue) -> None:
    said = " ".join(switch(catalogue).unknowns)
    for words in ("as long as today's", "counted as 0", "quality is not compared"):
        assert words in said
    given = {"output_change": 0, "people_usd": 1, "success_rate": 0.9, "new_success_rate": 0.9, "failure_usd": 1}
    assert switch(catalogue, **given).unknowns == []


@pytest.mark.parametrize("name", ["gpt-4-turbo", "gpt-3.5-turbo"])
def test_a_retired_model_cannot_be_moved_to(catalogue: Catalogue, name: str) -> None:
    found = switch(catalogue, LATE, to=[name, "gpt-5.4-mini"])
    assert [move.verdict == "unavailable" for move in found.moves] == [False, True]
    assert switch(catalogue, LATE, to=[name]).headline.startswith("Stay on openai/gpt-4o: ")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": []}, "Give --to"),
        ({"to": ["gpt-4o"]}, "which is today's model"),
        ({"to": ["gpt-5-mnii"]}, "gpt-5-mini"),
        ({"failure_usd": 1}, "--failure-usd needs --success-rate"),
        ({"new_success_rate": 0.5}, "--new-success-rate needs --success-rate"),
        ({"cached_share": 0.7, "cache_write_share": 0.7}, "more than all input tokens"),
        ({"by_model": [{"model": "gpt-5"}]}, r"by_model.0.model: openai/gpt-5 is not among the models of --to"),
        ({"by_model": [{"model": "gpt-4o-mini"}] * 2}, "by_model.1.model: openai/gpt-4o-mini is named twice"),
        (
            {"by_model": [{"model": "gpt-4o-mini", "success_rate": 2}]},
            "success_rate is 2; it must be at most 1",
        ),
        ({"by_model": [{"model": "gpt-4o-mini", "sucess_rate": 1}]}, "by_model.0.sucess_rate: .*mean success_rate"),
        ({"by_model": [{"success_rate": 1}]}, "by_model.0.model is needed"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(catalogue: Catalogue, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BreakevenError, match=said) as fault:
        switch(catalogue, **fields)
    assert "\n" not in str(fault.value)


def counted(asked: dict[str, int], answered: dict[str, int], logged: tuple[int, int] = (1000, 200)) -> Recount:
    return Recount(10, Side(10, logged[0], asked), Side(9 if answered else 0, logged[1], answered), ("image_url",))


def test_recounted_ratios_are_those_of_the_same_texts(catalogue: Catalogue) -> None:
    texts = counted({"o200k_base": 900, "cl100k_base": 918}, {"o200k_base": 200, "cl100k_base": 210})
    to = ["openai/gpt-4-turbo", "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]
    terms, words = terms_from(texts, catalogue, "openai/gpt-4o", to)
    # 918 / 900 and 210 / 200; the other two have the same vocabulary, and none that can be counted
    assert terms == [
        {"model": "openai/gpt-4-turbo", "recounted_calls": 9, "recounted": "both", "input_ratio": 1.02,
         "output_ratio": 1.05}
    ]  # fmt: skip
    assert "90.0% of the logged input tokens" in words
    assert "image_url" in words


def test_texts_that_are_not_all_that_was_billed_are_not_used(catalogue: Catalogue) -> None:
    # Claude's own vocabulary is not known: a text of o200k makes 1 to 1.35 of its tokens, so 450 of 1,000 is not all
    texts = counted({"o200k_base": 450}, {"o200k_base": 180})
    terms, words = terms_from(texts, catalogue, "anthropic/claude-haiku-4-5", ["openai/gpt-5.4-mini"])
    assert terms == [{"model": "openai/gpt-5.4-mini", "recounted_calls": 9, "recounted": "output", "output_ratio": 0.9}]
    assert "not all that was billed" in words
    assert terms_from(counted({}, {}), catalogue, "anthropic/claude-haiku-4-5", ["openai/gpt-5.4-mini"])[0] == []
