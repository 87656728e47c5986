"""The cost question over the whole catalogue."""

import datetime as dt
from typing import Any

import pytest

from breakeven.catalogue.families import begins, conversion, has_open_weights, tokenizer_of
from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, InputError
from breakeven.questions.cost import KIND, CostAnswer

DAY = dt.date(2026, 11, 23)
USAGE = {"calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400, "as_of": DAY}


def cost(catalogue: Catalogue, **fields: Any) -> CostAnswer:
    found: CostAnswer = KIND.reply(USAGE | fields, catalogue, DAY)
    return found


def test_every_listed_model_is_priced_or_left_out_for_a_reason(catalogue: Catalogue) -> None:
    found = cost(catalogue)
    assert len(found.models) + sum(found.left_out.values()) == len({model.id for model in catalogue.prices})
    assert len(found.models) > 1000
    assert all(model.monthly_usd > 0 for model in found.models)
    costs = [model.horizon_usd for model in found.models]
    assert costs == sorted(costs)


def test_filters_only_take_away(catalogue: Catalogue) -> None:
    everything = {model.model: model.monthly_usd for model in cost(catalogue).models}
    for fields in ({"provider": ["openai"]}, {"open_weights": True}, {"sold": "checked"}, {"context_tokens": "500k"}):
        some = cost(catalogue, **fields).models
        assert 0 < len(some) < len(everything)
        assert {model.model: model.monthly_usd for model in some}.items() <= everything.items()


def test_a_large_context_is_asked_for(catalogue: Catalogue) -> None:
    assert all((model.context_tokens or 0) >= 500_000 for model in cost(catalogue, context_tokens=500_000).models)


def test_a_year_is_the_sum_of_its_months(catalogue: Catalogue) -> None:
    for model in cost(catalogue, sold="checked", growth_month=0.07).models:
        assert model.year_usd == pytest.approx(sum(model.months_usd))
        assert model.monthly_usd == pytest.approx(sum(line.usd or 0 for line in model.lines))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"models": ["gpt-5-mnii"]}, "gpt-5-mini"),
        ({"provider": ["opnai"]}, "openai"),
        ({"cached_share": 0.7, "cache_write_share": 0.7}, "more than all input tokens"),
        ({"models": ["openai/text-embedding-3-small"]}, "no list price for output"),
    ],
)
def test_what_cannot_be_priced_is_said(catalogue: Catalogue, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BreakevenError, match=said):
        cost(catalogue, **fields)


def test_an_unknown_tokenizer_model_is_an_error(catalogue: Catalogue) -> None:
    with pytest.raises(InputError):
        cost(catalogue, counted_in="no-such-model")


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai/gpt-4o-mini", "o200k"),
        ("gpt-4-turbo", "cl100k"),
        ("openai/gpt-4.1", "o200k"),
        ("aws/mistral.mistral-large-3-675b-instruct", "Mistral Tekken"),
        ("openrouter/anthropic/claude-haiku-4-5", "Claude"),
        ("aws/meta.llama3-1-8b-instruct-v1:0", "Llama, Qwen, DeepSeek"),
        ("acme/own-model", "not known"),
    ],
)
def test_tokenizers_are_found_by_name(catalogue: Catalogue, model: str, family: str) -> None:
    assert tokenizer_of(catalogue, model).name == family


def test_conversions_are_their_own_inverse_and_hold_their_band(catalogue: Catalogue) -> None:
    models = ["gpt-4o", "gpt-4", "mistral-large", "claude-haiku-4-5", "gemini-3-pro", "own"]
    for one in models:
        for other in models:
            there, back = conversion(catalogue, one, other), conversion(catalogue, other, one)
            assert there.ratio * back.ratio == pytest.approx(1)
            assert there.low <= there.ratio <= there.high


def test_open_weights_are_known_for_some_and_never_denied(catalogue: Catalogue) -> None:
    assert has_open_weights(catalogue, "groq/llama-3.3-70b-versatile") is True
    assert has_open_weights(catalogue, "openai/gpt-5") is None
    assert not begins("openai/gpt-5", ["pt-5"])
