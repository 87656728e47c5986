"""Cost paths add up to the answer's totals; every cell of the map is what the answer itself says there."""

import datetime as dt
from typing import Any

import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.questions.break_even_map import break_even_map
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion, answer

AS_OF = dt.date(2026, 11, 23)
PLAIN = {"calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400, "as_of": AS_OF}
SITUATIONS: dict[str, dict[str, Any]] = {
    "list model": {"model": "gpt-4.1"},
    "premium": {"model": "gpt-5-mini", "premium": 0.5, "training_usd": 500, "data_usd": 100},
    "own prices": {
        "price_input": 2,
        "price_output": 8,
        "tuned_price_input": 1,
        "tuned_price_output": 4,
        "training_usd": 300,
        "hosting_usd_month": 20,
    },
    "growth, retraining, failures": {
        "model": "gpt-4.1",
        "growth_month": 0.1,
        "retrain_every_months": 3,
        "success_rate": 0.9,
        "tuned_success_rate": 0.95,
        "failure_usd": 0.001,
        "people_usd": 5000,
        "horizon_months": 24,
    },
    "announced price change": {"model": "gemini-3.1-flash-lite", "premium": 0.7, "training_usd": 40},
    "rented machines": {"model": "gpt-4.1", "tuned_model": "together/dedicated", "calls_per_month": 500_000},
    "retired within the horizon": {"model": "gpt-4.1", "as_of": dt.date(2026, 9, 1), "buyer": "existing"},
}


@pytest.fixture(params=SITUATIONS)
def asked(request: pytest.FixtureRequest, catalogue: Catalogue) -> tuple[FinetuneQuestion, FinetuneAnswer]:
    values = PLAIN | SITUATIONS[request.param]
    if "tuned_model" in values:
        values |= {"tuned_model": next(each.id for each in catalogue.offers.values() if each.kind == "hours")}
    question = ask(FinetuneQuestion, values)
    return question, answer(question, catalogue)


def test_parts_add_up_to_the_path(asked: tuple[FinetuneQuestion, FinetuneAnswer]) -> None:
    question, found = asked
    assert found.paths[0].role == "stay"
    for path in found.paths:
        total = path.cumulative_usd[question.horizon_months]
        assert sum(each.usd for each in path.parts) == pytest.approx(total, rel=1e-9, abs=1e-9), path.id
    assert found.paths[0].cumulative_usd[question.horizon_months] == pytest.approx(found.stay.horizon_usd)


def test_paths_agree_with_the_months_of_the_leading_option(asked: tuple[FinetuneQuestion, FinetuneAnswer]) -> None:
    _, found = asked
    leading = [path for path in found.paths if path.id == found.verdict.option_id]
    if not leading:
        assert found.projection == [] or found.projection[0].option_usd is None or not found.options[0].available
        return
    stay = found.paths[0].cumulative_usd
    for row in found.projection:
        saved = stay[row.month] - leading[0].cumulative_usd[row.month]
        assert saved == pytest.approx(row.cumulative_saving_usd, rel=1e-9, abs=1e-7)


def test_paths_cross_where_the_break_even_is(asked: tuple[FinetuneQuestion, FinetuneAnswer]) -> None:
    _, found = asked
    stay = found.paths[0].cumulative_usd
    for path in found.paths:
        months = path.break_even_months
        if months is None or months > len(stay) - 1 or months == 0:
            continue
        before, after = int(-(-months // 1)) - 1, int(-(-months // 1))
        assert path.cumulative_usd[after] <= stay[after] + 1e-6
        if before:
            assert path.cumulative_usd[before] >= stay[before] - 1e-6


def test_every_cell_is_the_answer_with_its_volume_and_reduction(
    asked: tuple[FinetuneQuestion, FinetuneAnswer], catalogue: Catalogue
) -> None:
    question, found = asked
    shown = break_even_map(question, found, catalogue)
    if shown is None:
        assert not found.options or not found.options[0].available
        return
    for row in (0, 3, 9):
        for column in (0, 4, 6, 12):
            fields = {
                "calls_per_month": shown.calls_per_month[column],
                "output_reduction": shown.output_reduction[row],
            }
            there = answer(question.model_copy(update=fields), catalogue)
            option = next(each for each in there.options if each.id == shown.option_id)
            months = shown.break_even_months[row][column]
            if option.break_even_months is None or option.break_even_months_vs_best_untuned is None:
                assert months is None
            else:
                want = max(option.break_even_months, option.break_even_months_vs_best_untuned)
                assert months == pytest.approx(want)
            assert (shown.words[row][column] == "unknown") == (option.verdict == "unknown")


def test_volumes_are_round_and_surround_the_given_one(catalogue: Catalogue) -> None:
    question = ask(FinetuneQuestion, PLAIN | {"model": "gpt-4.1", "calls_per_month": 48_000})
    shown = break_even_map(question, answer(question, catalogue), catalogue)
    assert shown is not None
    assert shown.calls_per_month[6] == 50_000
    assert shown.calls_per_month[0] == 500
    assert shown.calls_per_month[-1] == 5_000_000
    assert shown.here == (48_000, 0.0)
