"""Routing: evaluations whose right answer is known beforehand, and what must hold of every answer."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError
from breakeven.questions.registry import QUESTIONS
from breakeven.questions.route import KIND, RouteAnswer
from breakeven.questions.route_evaluation import Evaluated
from breakeven.surfaces.asking import reply

DAY = dt.date(2026, 11, 23)
CALLS = {"calls_per_month": 10_000, "as_of": DAY}
TIERS = CALLS | {"model": "gpt-5", "input_tokens": 800, "output_tokens": 400}


def ask(catalogue: Catalogue, **fields: Any) -> RouteAnswer:
    found: RouteAnswer = KIND.reply(CALLS | fields, catalogue, DAY)
    return found


def study_of(catalogue: Catalogue, **fields: Any) -> Evaluated:
    found = ask(catalogue, **fields).evaluation
    assert found is not None
    return found


def rows(task: str, count: int, **models: tuple[float, float]) -> list[dict[str, Any]]:
    """So many items of a task, each the same on a model: (score, cost)."""
    return [
        {"item": f"{task} {number}", "task": task, "model": model, "score": score, "cost_usd": usd}
        for number in range(count)
        for model, (score, usd) in models.items()
    ]


EASY_AND_HARD = rows("easy", 40, cheap=(1, 0.01), strong=(1, 0.1)) + rows("hard", 40, cheap=(0, 0.01), strong=(1, 0.1))
"""Every item of a task is the same, so the halves are too."""


def named(study: Evaluated, name: str) -> Any:
    return next(each for each in study.strategies if each.name == name)


def test_tasks_go_to_the_cheapest_model_that_can_do_them(catalogue: Catalogue) -> None:
    study = study_of(catalogue, evaluation=EASY_AND_HARD, kept_share=1)
    assert study.premium == "strong"
    assert [(each.task, each.model) for each in study.tasks] == [("easy", "cheap"), ("hard", "strong")]
    by_task = named(study, "by task")
    # 0.5 x 0.01 + 0.5 x 0.1 = 0.055: 45 % less than 0.1
    assert by_task.usd_per_call == pytest.approx(0.055)
    assert by_task.saving_share == pytest.approx(0.45)
    assert by_task.monthly_usd == pytest.approx(550)
    assert by_task.score == 1
    assert study.chosen == "by task"
    # no single model and no random mix keeps a score of 1 for less
    assert named(study, "cheapest single model").models == ["strong"]
    assert named(study, "random mix, no router").usd_per_call == pytest.approx(0.1)
    # try cheap (0.01), escalate half of it (0.1): 0.06; a judge wrong in 10 %: 0.01 + (0.5 x 0.9 + 0.5 x 0.1) x 0.1
    assert named(study, "cascade, perfect judge").usd_per_call == pytest.approx(0.06)
    assert named(study, "cascade, perfect judge").kind == "bound"
    assert named(study, "oracle by item").usd_per_call == pytest.approx(0.055)
    # 90 % right: 0.9 x 0.055 + 0.1 x 0.055; score 0.9 + 0.1 x (half of it, the easy ones on strong)
    wrong = named(study, "router by item, 90% right")
    assert wrong.score == pytest.approx(0.95)
    assert study.accuracy_needed == pytest.approx(1)


def test_the_router_and_the_floor_count(catalogue: Catalogue) -> None:
    study = study_of(catalogue, evaluation=EASY_AND_HARD, kept_share=1, router_usd_call=0.05)
    # 0.055 + 0.05 is more than 0.1: the rule that is chosen has no router
    assert named(study, "by task").usd_per_call == pytest.approx(0.105)
    assert study.chosen != "by task"
    half = study_of(catalogue, evaluation=EASY_AND_HARD, floor_score=0.5)
    assert named(half, "by task").usd_per_call == pytest.approx(0.01)
    assert half.floor_score == 0.5


def test_the_frontier_runs_from_the_cheapest_to_the_best(catalogue: Catalogue) -> None:
    points = study_of(catalogue, evaluation=EASY_AND_HARD).frontier
    assert [(each.usd_per_call, each.score) for each in points] == [
        (pytest.approx(0.01), pytest.approx(0.5)),
        (pytest.approx(0.055), pytest.approx(1)),
    ]


def test_what_is_chosen_by_luck_does_not_hold_on_the_other_half(catalogue: Catalogue) -> None:
    # Twenty models score by the toss of a coin: the best one of the first half is no better on the second.
    promised, kept = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        evaluation = [
            {"item": f"i{item}", "model": f"m{model}", "score": int(rng.random() < 0.5), "cost_usd": 0.01 + model / 1e4}
            for item in range(60)
            for model in range(20)
        ]
        study = study_of(catalogue, evaluation=evaluation, draws=100, seed=seed)
        premium = study.strategies[0]
        promised.append(premium.chosen_score)
        kept.append(premium.score)
    assert np.mean(promised) > 0.62
    assert 0.42 < np.mean(kept) < 0.58


def test_the_order_of_rows_and_a_repeated_question_change_nothing(catalogue: Catalogue) -> None:
    one = study_of(catalogue, evaluation=noisy())
    assert study_of(catalogue, evaluation=noisy()[::-1]) == one
    assert study_of(catalogue, evaluation=noisy(), seed=2) != one


def noisy() -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    return [
        {"item": f"{task}{item}", "task": task, "model": model, "score": int(rng.random() < right), "cost_usd": usd}
        for task in ("a", "b", "c")
        for item in range(30)
        for model, right, usd in (("small", 0.6, 0.001), ("medium", 0.75, 0.004), ("large", 0.9, 0.02))
    ]


def test_rows_are_used_or_left_out_with_a_reason(catalogue: Catalogue) -> None:
    evaluation = [
        *EASY_AND_HARD,
        {"item": "easy 0", "task": "easy", "model": "rare", "score": 1, "cost_usd": 1},
        {"item": "easy 1", "task": "easy", "model": "cheap", "score": 1, "cost_usd": 0},
        {"item": "easy 2", "task": "easy", "model": "cheap", "score": 1},
        {"model": "cheap", "score": 1, "cost_usd": 1},
        {"item": "hard 99", "task": "hard", "model": "cheap", "score": 1, "cost_usd": 1},
        {"item": "easy 3", "task": "easy", "model": "cheap", "score": 0, "cost_usd": 0.03},
    ]
    study = study_of(catalogue, evaluation=evaluation, evaluation_left_out=[{"reason": "no score", "rows": 4}])
    assert study.rows == {"in": len(evaluation) + 4, "used": len(EASY_AND_HARD) + 1, "left_out": 9}
    assert sum(study.left_out.values()) == 9
    assert study.left_out["no score"] == 4
    assert {"a cost of 0, taken as not recorded", "no cost, and no tokens with a price"} <= study.left_out.keys()
    assert any("several times" in note for note in study.notes)
    assert any("rare" in note for note in study.notes)


def test_few_items_prove_nothing(catalogue: Catalogue) -> None:
    study = study_of(catalogue, model="strong", evaluation=rows("easy", 20, cheap=(1, 0.01), strong=(1, 0.1)))
    assert named(study, "cheapest single model").floor_met == "not proven"
    with pytest.raises(BreakevenError, match="20 are needed"):
        ask(catalogue, evaluation=rows("easy", 19, cheap=(1, 0.01), strong=(1, 0.1)))


def test_small_tasks_are_taken_together(catalogue: Catalogue) -> None:
    some = (
        EASY_AND_HARD + rows("x", 3, cheap=(1, 0.01), strong=(1, 0.1)) + rows("y", 3, cheap=(1, 0.01), strong=(1, 0.1))
    )
    study = study_of(catalogue, evaluation=some)
    assert [each.task for each in study.tasks] == ["easy", "hard", "other tasks"]


def test_a_signal_makes_a_cascade_that_can_be_followed(catalogue: Catalogue) -> None:
    evaluation = [row | {"signal": 0.9 if row["score"] else 0.2} for row in EASY_AND_HARD]
    found = named(study_of(catalogue, evaluation=evaluation), "cascade")
    assert found.kind == "rule"
    assert found.usd_per_call == pytest.approx(0.06)


def test_tokens_are_priced_by_the_tier_or_the_list(catalogue: Catalogue) -> None:
    evaluation = [
        {"item": f"i{item}", "model": model, "score": 1, "input_tokens": 800, "output_tokens": 400}
        for item in range(30)
        for model in ("gpt-5", "gpt-5-mini")
    ]
    listed = study_of(catalogue, evaluation=evaluation)
    assert {each.model: each.usd_per_call for each in listed.models} == {
        "gpt-5": pytest.approx(0.005),
        "gpt-5-mini": pytest.approx(0.001),
    }
    own = [{"name": "own", "price_input": 1, "price_output": 2, "evaluated_as": "gpt-5-mini"}]
    mine = study_of(catalogue, evaluation=evaluation, tiers=own, model="gpt-5")
    assert {each.model: each.usd_per_call for each in mine.models}["gpt-5-mini"] == pytest.approx(0.0016)


def test_a_tuned_model_is_worth_what_the_mix_saves_by_it(catalogue: Catalogue) -> None:
    tuned = {"name": "tuned", "price_input": 1, "price_output": 1, "evaluated_as": "cheap", "upfront_usd": 880,
             "hosting_usd_month": 10}  # fmt: skip
    tiers = [tuned, {"name": "top", "price_input": 1, "price_output": 1, "evaluated_as": "strong"}]
    found = study_of(catalogue, evaluation=EASY_AND_HARD, kept_share=1, tiers=tiers).added
    # without it 10,000 x 0.1 = 1,000; with it 550 + 10: 440 a month; 880 / 440 = 2 months
    assert [(each.model, each.tasks) for each in found] == [("cheap", ["easy"])]
    assert (found[0].with_monthly_usd, found[0].without_monthly_usd) == (pytest.approx(560), pytest.approx(1000))
    assert found[0].break_even_months == pytest.approx(2)


def test_a_table_of_whole_runs_chooses_nothing(catalogue: Catalogue) -> None:
    runs = [{"model": name, "score": score, "cost_usd": usd} for name, score, usd in (("a", 0.7, 9), ("b", 0.6, 10))]
    study = study_of(catalogue, evaluation=runs)
    assert study.strategies == []
    assert [(each.model, each.dominated) for each in study.models] == [("a", False), ("b", True)]
    assert any("no items" in note for note in study.notes)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Give tiers in --file, or an evaluation"),
        ({"tiers": [{"name": "a", "share": 2, "model": "gpt-5"}]}, "tiers.0.share is 2; it must be at most 1"),
        ({"tiers": [{"name": "a", "shre": 0.2, "model": "gpt-5"}]}, "tiers.0.shre: .* Did you mean share"),
        ({"tiers": [{"share": 0.2, "model": "gpt-5"}]}, "tiers.0.name is needed"),
        ({"tiers": ["x"]}, "tiers.0 is 'x'; it must be an object"),
        ({"tiers": [{"name": "a", "share": 0.2}]}, "tiers.0: give model, tuned_model"),
        ({"tiers": [{"name": "a", "share": 0.2, "model": "gpt-55"}]}, "tiers.0: .*Did you mean"),
        (
            {"tiers": [{"name": "a", "share": 0.7, "model": "gpt-5"}, {"name": "b", "share": 0.7, "model": "gpt-5"}]},
            "1.4",
        ),
        ({"tiers": [{"name": "a", "model": "gpt-5"}]}, "tiers.0.share is needed"),
        ({"tiers": [{"name": "a", "share": 1, "tuned_model": "fireworks/deepseek-v4-flash"}]}, "give upfront_usd"),
        ({"evaluation": [{"model": "a", "score": "x"}]}, "evaluation.0.score is 'x'"),
        ({"evaluation": EASY_AND_HARD}, "no such model"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(catalogue: Catalogue, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BreakevenError, match=said) as error:
        KIND.reply(TIERS | fields, catalogue, DAY)
    assert "\n" not in str(error.value)


def test_the_example_is_answered_by_json_too(catalogue: Catalogue) -> None:
    fields = {name: (float(text) if str(text).isdigit() else text) for name, text in KIND.question.example.items()}
    found = reply(QUESTIONS["route"], fields, catalogue, DAY)
    assert found.mix is not None
    assert json.dumps(found.to_dict(), allow_nan=False)
    for table in found.tables():
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_rows_of_the_evaluation_are_not_repeated(catalogue: Catalogue) -> None:
    found = ask(catalogue, evaluation=noisy())
    assert found.question["evaluation"] == []
    for table in found.tables():
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert len({row[0] for row in table.rows}) == len(table.rows)
