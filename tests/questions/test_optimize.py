"""The optimize question: every combination is looked at, and its parts agree with the other questions."""

import datetime as dt
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError
from breakeven.questions import cost
from breakeven.questions.optimize import KIND, OptimizeAnswer

DAY = dt.date(2026, 11, 23)
USAGE = {"model": "gpt-4.1", "calls_per_month": 50_000, "input_tokens": 2000, "output_tokens": 400, "as_of": DAY}
LEVERS = {"cacheable_share": 0.6, "batchable_share": 0.3, "shorter_prompt": 0.2, "shorter_output": 0.1}


def optimize(catalogue: Catalogue, **fields: Any) -> OptimizeAnswer:
    found: OptimizeAnswer = KIND.reply(USAGE | fields, catalogue, DAY)
    return found


def test_more_freedom_never_costs_more(catalogue: Catalogue) -> None:
    found = {
        allowed: optimize(catalogue, **{name: LEVERS[name] for name in allowed}).best.saving_usd
        for size in range(len(LEVERS) + 1)
        for allowed in itertools.combinations(LEVERS, size)
    }
    for one, other in itertools.product(found, found):
        if set(one) <= set(other):
            assert found[one] <= found[other] + 1e-9


def test_shares_add_up_to_the_saving(catalogue: Catalogue) -> None:
    found = optimize(catalogue, **LEVERS, cache_usd=100, migration_usd=50)
    assert sum(each.share_usd or 0 for each in found.levers) == pytest.approx(found.best.saving_usd)
    assert found.best == found.plans[0]
    savings = [plan.saving_usd for plan in found.plans]
    assert savings == sorted(savings, reverse=True)


def test_the_frontier_rises_in_effort_and_falls_in_cost(catalogue: Catalogue) -> None:
    edge = optimize(catalogue, **LEVERS, cache_usd=50, prompt_usd=400, migration_usd=900).frontier
    assert len(edge) > 1
    for before, after in itertools.pairwise(edge):
        assert before.upfront_usd < after.upfront_usd
        assert before.running_usd > after.running_usd


def test_staying_costs_what_the_cost_question_says(catalogue: Catalogue) -> None:
    fields = {name: value for name, value in USAGE.items() if name != "model"}
    said = cost.KIND.reply(fields | {"models": ["gpt-4.1"]}, catalogue, DAY).models[0]
    assert optimize(catalogue).stay.monthly_usd == pytest.approx(said.monthly_usd)


def test_low_volume_finds_the_cache_less_often(catalogue: Catalogue) -> None:
    few = optimize(catalogue, cacheable_share=0.6, calls_per_month=500, other_models=False, fine_tune=False)
    many = optimize(catalogue, cacheable_share=0.6, calls_per_month=5_000_000, other_models=False, fine_tune=False)
    assert (few.cache_hit_share or 0) < 0.1 < 0.99 < (many.cache_hit_share or 0)


def test_a_lever_that_saves_nothing_is_in_no_plan(catalogue: Catalogue) -> None:
    # Nova Micro on Bedrock has no batch price and no cached price on record.
    found = optimize(catalogue, cacheable_share=0.6, batchable_share=0.3)
    assert found.best.served_by == "Amazon Nova Micro tuned on Bedrock"
    assert found.best.levers == []
    assert all(each.on_top_usd is None or each.on_top_usd > 0 for each in found.levers)


def test_providers_are_counted_out(catalogue: Catalogue) -> None:
    found = optimize(catalogue, providers=["bedrock"], other_models=True)
    assert found.left_out["of a provider that is not allowed"] > 10
    assert all("Bedrock" in plan.served_by or plan.served_by == "openai/gpt-4.1" for plan in found.plans)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quality_floor": 0.5}, "needs scores"),
        ({"also": ["gpt-4o-mnii"]}, "gpt-4o-mini"),
        ({"scores": [{"model": "gpt-4o"}]}, "scores"),
        ({"cached_share": 0.8, "cache_write_share": 0.5}, "more than all input tokens"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(catalogue: Catalogue, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BreakevenError, match=said) as caught:
        optimize(catalogue, **fields)
    assert "\\n" not in str(caught.value)


def test_interactive_calls_are_in_no_batch(catalogue: Catalogue) -> None:
    found = optimize(catalogue, **LEVERS, latency="interactive")
    assert "batch" not in {each.lever for each in found.levers}


def test_scores_come_from_an_evaluation_table(tmp_path: Path) -> None:
    table = tmp_path / "evaluation.csv"
    table.write_text("item,model,score\n1,gpt-4o-mini,1\n2,gpt-4o-mini,0\n1,gpt-4.1-mini,1\n2,gpt-4.1-mini,1\n")
    command = (
        "optimize --model gpt-4o --also gpt-4o-mini --also gpt-4.1-mini --no-other-models --no-fine-tune"
        " --calls-per-month 100k --input-tokens 1000 --output-tokens 500 --quality-floor 0.9 --format json"
    )
    arguments = [*command.split(), "--as-of", "2026-11-23", "--evaluation", str(table)]
    done = subprocess.run([sys.executable, "-m", "breakeven", *arguments], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    # gpt-4o-mini is right in half of its items, below the floor; gpt-4.1-mini in all
    assert document["question"]["scores"] == [
        {"model": "gpt-4.1-mini", "score": 1.0},
        {"model": "gpt-4o-mini", "score": 0.5},
    ]
    assert document["best"]["served_by"] == "openai/gpt-4.1-mini"
    assert document["origins"]["scores"] == "means of 4 rows of evaluation.csv"
