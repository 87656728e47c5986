"""No question prices a model on a day before that model could be called."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError
from breakeven.questions.registry import QUESTIONS

EXAMPLES = Path(__file__).parents[2] / "examples"
EARLY = dt.date(2001, 1, 1)
USAGE = {"calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}


def scenario(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    return found


ASKED: dict[str, dict[str, Any]] = {
    "finetune": USAGE | {"model": "gpt-4.1"},
    "cost": USAGE | {"models": ["gpt-4.1"]},
    "switch": USAGE | {"model": "gpt-4.1", "to": ["gpt-5"]},
    "optimize": USAGE | {"model": "gpt-4.1"},
    "pipeline": scenario("pipeline.yaml"),
    "route": scenario("mix.yaml"),
    "training": {"training_tokens": 1e6, "model": "gpt-4.1"},
    "selfhost": USAGE | {"model": "llama-3.1-8b", "api_model": "gpt-4.1"},
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_day_before_its_price_is_refused(kind: str, catalogue: Catalogue) -> None:
    with pytest.raises(BreakevenError, match="before 20") as caught:
        QUESTIONS[kind].reply(ASKED[kind] | {"as_of": EARLY}, catalogue, EARLY)
    assert "\n" not in str(caught.value)


def test_models_that_were_not_there_yet_are_counted_out(catalogue: Catalogue) -> None:
    found = QUESTIONS["cost"].reply(USAGE | {"as_of": EARLY}, catalogue, EARLY)
    assert found.models == []
    assert found.left_out["without a price yet on that day"] > 1000
    assert "without a price yet on that day" in found.headline


def test_a_new_model_does_not_serve_calls_of_an_earlier_day(catalogue: Catalogue) -> None:
    # gpt-5 came on 2025-08-07, gpt-4.1 on 2025-04-14.
    day = dt.date(2025, 6, 1)
    with pytest.raises(BreakevenError, match="gpt-5 has no price before"):
        QUESTIONS["switch"].reply(ASKED["switch"] | {"as_of": day}, catalogue, day)
    with pytest.raises(BreakevenError, match="gpt-5 has no price before"):
        QUESTIONS["cost"].reply(USAGE | {"models": ["gpt-5"], "as_of": day}, catalogue, day)
