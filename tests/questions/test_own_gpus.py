"""Own GPUs as a choice of finetune, switch, optimize and route."""

import datetime as dt
import itertools
from typing import Any

import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError
from breakeven.questions.registry import QUESTIONS

AS_OF = dt.date(2026, 11, 23)
USAGE = {"calls_per_month": 5_000_000, "input_tokens": 1500, "output_tokens": 300}
H100 = {"gpu": ["h100-sxm"], "gpu_usd_hour": 2}


def ask(catalogue: Catalogue, kind: str, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = QUESTIONS[kind].reply({"as_of": AS_OF} | fields, catalogue, AS_OF).to_dict()
    return document


def test_one_base_in_all_three_ways(catalogue: Catalogue) -> None:
    found = ask(catalogue, "finetune", model="gpt-4.1", base_model="llama-3.1-8b", **USAGE)
    kinds = {option["id"]: option["kind"] for option in found["options"]}
    assert kinds["own/llama-3.1-8b"] == "tuned_own"
    assert kinds["together/up-to-16b"] == "tuned_dedicated"
    assert kinds["nebius/llama-3.1-8b"] == "tuned_hosted"
    assert not any(name.startswith("openai/") for name in kinds)


def test_own_gpus_are_whole_and_have_a_band(catalogue: Catalogue) -> None:
    found = ask(
        catalogue, "finetune", model="gpt-4.1", tuned_model="own/llama-3.1-8b", training_usd=100, **USAGE, **H100
    )
    option = found["options"][0]
    line = next(each for each in option["lines"] if each["part"] == "hosting")
    gpus = line["quantity"] / 730
    assert gpus == pytest.approx(round(gpus))
    assert option["monthly_usd"] == pytest.approx(1460 * round(gpus))
    assert option["upfront_usd"] == 100
    assert any("work of running your own servers" in each for each in option["unknowns"])
    assert "a replica carries about" in " ".join(option["notes"])


def test_the_flip_is_a_volume_that_pays_for_whole_replicas(catalogue: Catalogue) -> None:
    fields: dict[str, Any] = {"model": "gpt-4.1", "tuned_model": "own/llama-3.1-8b", "training_usd": 5000} | H100
    found = ask(catalogue, "finetune", **fields, **USAGE)
    needed = found["options"][0]["flips"]["calls_per_month"]
    at = ask(catalogue, "finetune", **fields, **(USAGE | {"calls_per_month": needed * 1.0001}))["options"][0]
    below = ask(catalogue, "finetune", **fields, **(USAGE | {"calls_per_month": needed * 0.99}))["options"][0]
    assert at["break_even_months"] <= 12 + 1e-6
    assert below["break_even_months"] is None or below["break_even_months"] > 12


def test_growing_calls_rent_further_replicas(catalogue: Catalogue) -> None:
    fields: dict[str, Any] = {"model": "gpt-4.1", "tuned_model": "own/llama-3.1-8b", "training_usd": 0} | H100
    found = ask(catalogue, "finetune", **fields, **USAGE, growth_month=0.3)
    paid = [month["option_usd"] for month in found["projection"]]
    steps = [after - before for before, after in itertools.pairwise(paid)]
    assert paid == sorted(paid)
    assert len(set(paid)) > 3
    # One layout throughout: each step is a whole number of its replicas.
    unit = min(step for step in steps if step > 0)
    assert all(abs(step / unit - round(step / unit)) < 1e-6 for step in steps)


def test_own_gpus_can_be_left_out(catalogue: Catalogue) -> None:
    with_own = ask(catalogue, "finetune", model="gpt-4.1", **USAGE)
    without = ask(catalogue, "finetune", model="gpt-4.1", own_gpus=False, **USAGE)
    ids = [{option["id"] for option in found["options"]} for found in (with_own, without)]
    gone = ids[0] - ids[1]
    assert gone
    assert all(each.startswith("own/") for each in gone)
    assert ids[1] <= ids[0]


def test_hosting_bill_of_yours_replaces_the_computed_one(catalogue: Catalogue) -> None:
    found = ask(catalogue, "finetune", model="gpt-4.1", tuned_model="own/llama-3.1-8b", hosting_usd_month=777, **USAGE)
    assert found["options"][0]["monthly_usd"] == 777


def test_moving_to_own_gpus(catalogue: Catalogue) -> None:
    found = ask(catalogue, "switch", model="gpt-4.1", to=["own/llama-3.1-8b", "gpt-5.4-mini"], **USAGE, **H100)
    move = next(each for each in found["moves"] if each["model"] == "own/llama-3.1-8b")
    assert move["monthly_usd"] % 1460 == pytest.approx(0)
    # A call's part of what is rented counts: nothing is free.
    assert move["usd_per_call"] == pytest.approx(move["monthly_usd"] / 5_000_000)
    assert any("own servers" in each for each in move["notes"])


def test_the_cheapest_combination_may_run_on_own_gpus(catalogue: Catalogue) -> None:
    found = ask(
        catalogue, "optimize", model="gpt-4.1", also=["own/llama-3.1-8b"], other_models=False, fine_tune=False,
        shorter_output=0.5, **USAGE, **H100,
    )  # fmt: skip
    assert found["best"]["served_by"] == "own/llama-3.1-8b"
    assert found["best"]["monthly_usd"] % 1460 == pytest.approx(0)
    tuned = ask(catalogue, "optimize", model="gpt-4.1", **USAGE)
    assert any("tuned, on your own GPUs" in plan["served_by"] for plan in tuned["plans"])
    none = ask(catalogue, "optimize", model="gpt-4.1", own_gpus=False, **USAGE)
    assert not any("tuned, on your own GPUs" in plan["served_by"] for plan in none["plans"])


def test_a_tier_on_own_gpus(catalogue: Catalogue) -> None:
    tiers = [
        {"name": "simple", "share": 0.5, "model": "own/llama-3.1-8b"},
        {"name": "tuned", "share": 0.2, "tuned_model": "own/llama-3.1-8b", "upfront_usd": 100},
        {"name": "rest", "share": 0.3, "model": "gpt-5"},
    ]
    found = ask(catalogue, "route", model="gpt-5", tiers=tiers, **USAGE, **H100)
    simple, tuned, _ = found["tiers"]
    assert simple["usd_per_call"] == 0
    assert simple["fixed_monthly_usd"] % 1460 == pytest.approx(0)
    assert simple["fixed_monthly_usd"] >= 1460
    assert tuned["upfront_usd"] == 100
    with pytest.raises(BreakevenError, match="a tier may run on rented GPUs"):
        ask(catalogue, "route", model="own/llama-3.1-8b", tiers=tiers, **USAGE)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("finetune", {"tuned_model": "own/llama-9", "model": "gpt-5"}),
        ("finetune", {"base_model": "llama-9", "model": "gpt-5"}),
        ("finetune", {"gpu": ["h900"], "model": "gpt-5"}),
        ("finetune", {"gpu_usd_hour": 2, "model": "gpt-5"}),
        ("switch", {"model": "gpt-5", "to": ["own/llama-9"]}),
        ("switch", {"model": "gpt-5", "to": ["gpt-5-mini"], "gpu_usd_hour": 2}),
        ("optimize", {"model": "gpt-5", "also": ["own/llama-9"]}),
        ("optimize", {"model": "gpt-5", "gpu_usd_hour": 2}),
        ("route", {"model": "gpt-5", "tiers": [{"name": "a", "share": 1, "model": "own/llama-9"}]}),
    ],
)
def test_unknown_names_are_one_clear_line(catalogue: Catalogue, kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(BreakevenError, match=r"Did you mean|name it with --gpu") as caught:
        ask(catalogue, kind, **USAGE, **fields)
    assert "\n" not in str(caught.value)


def test_a_call_that_no_context_window_holds_cannot_be_served(catalogue: Catalogue) -> None:
    long = USAGE | {"input_tokens": 200_000}
    found = ask(catalogue, "finetune", model="gpt-4.1", tuned_model="own/llama-3.1-8b", **long)["options"][0]
    assert found["verdict"] == "unavailable"
    assert "does not fit the context window of 131,072" in found["why_unavailable"]
    rented = ask(catalogue, "finetune", model="gpt-4.1", tuned_model="together/up-to-16b", **long)["options"][0]
    assert rented["monthly_usd"] is None
    assert any("does not fit the context window" in each for each in rented["unknowns"])
