"""The question of training files: what must hold of every bill, whatever the file."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.catalogue.records import EpochRule
from breakeven.errors import InputError
from breakeven.questions.training import KIND, TrainingAnswer

AS_OF = dt.date(2026, 11, 23)


def ask(catalogue: Catalogue, **fields: Any) -> TrainingAnswer:
    found: TrainingAnswer = KIND.reply({"as_of": AS_OF} | fields, catalogue, AS_OF)
    return found


def file(lengths: list[tuple[int, int]], **more: Any) -> dict[str, Any]:
    """Counts of a file of such lengths, nine tenths of them text."""
    examples = sum(count for _, count in lengths)
    tokens = sum(length * count for length, count in lengths)
    counts = {"text_tokens": tokens * 9 // 10, "trained_tokens": 0, "lengths": lengths}
    return {
        "lines": examples,
        "valid": examples,
        "counts": [{"vocabulary": name} | counts for name in ("o200k_base", "cl100k_base")],
    } | more


def rule() -> EpochRule:
    found = load_catalogue().training_files["openai"].epochs
    assert found is not None
    return found


@given(st.integers(1, 10_000_000))
def test_default_epochs_keep_within_what_the_rule_says(examples: int) -> None:
    epochs = rule().epochs(examples)
    assert 1 <= epochs <= 25
    if epochs not in (1, 25):
        assert 100 - examples < epochs * examples <= 25_000


@given(
    st.lists(st.tuples(st.integers(1, 200_000), st.integers(1, 50)), min_size=1, max_size=5), st.integers(1, 200_000)
)
def test_cutting_bills_no_more_and_never_above_the_limit(lengths: list[tuple[int, int]], most: int) -> None:
    catalogue = load_catalogue()
    fields = {"training_file": file(lengths), "epochs": 1, "model": "gpt-4.1-mini", "buyer": "existing"}
    whole, cut = (ask(catalogue, **fields, **more).offers[0] for more in ({}, {"max_tokens": most}))
    assert whole.billed_tokens == sum(length * count for length, count in lengths)
    assert cut.billed_tokens == sum(min(most, length) * count for length, count in lengths)
    assert cut.cut_examples == sum(count for length, count in lengths if length > most)


def test_bands_hold_their_value_and_closed_offers_come_last(catalogue: Catalogue) -> None:
    answer = ask(catalogue, training_file=file([(100, 400), (300, 100)]), buyer="existing")
    assert len(answer.offers) > 50
    open_ones = [row.available for row in answer.offers]
    assert open_ones == sorted(open_ones, reverse=True)
    prices = [row.usd for row in answer.offers if row.available and row.usd is not None]
    assert len(prices) > 20
    assert prices == sorted(prices)
    for row in answer.offers:
        assert row.available is (row.why_not is None)
        assert row.billed_tokens is not None
        assert (row.billed_tokens_low or 0) <= row.billed_tokens <= (row.billed_tokens_high or 0)
        if row.usd is None:
            assert row.unknowns
        else:
            assert (row.usd_low or 0) <= row.usd <= (row.usd_high or 0)
        if row.counted == "exact":
            assert row.billed_tokens_low == row.billed_tokens_high


def test_a_minimum_charge_is_paid_and_said(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        """
sources: {deal: {title: Our deal, url: 'https://example.org/deal', seen: '2026-11-01', confidence: yours}}
offers:
  - id: house/small
    base_model: small
    label: small model tuned in the house
    kind: tokens
    answers_for: [small]
    sold_to: {new: {source: deal}}
    training: {usd_per_mtok: {value: 2, source: deal}, minimum_usd: {value: 5, source: deal}}
"""
    )
    catalogue = load_catalogue(own)
    small, large = (
        ask(catalogue, training_tokens=tokens, examples=100, epochs=1, model="small").offers[0]
        for tokens in (1_000_000, 4_000_000)
    )
    # 1M at $2 is $2, below $5; 4M are $8.
    assert (small.usd, small.minimum_applied) == (5, True)
    assert (large.usd, large.minimum_applied) == (8, False)


def test_a_form_that_nobody_takes_there_is_to_be_converted(catalogue: Catalogue) -> None:
    offers = {row.id: row for row in ask(catalogue, training_file=file([(100, 100)], form="gemini")).offers}
    assert offers["vertex/gemini-2.5-flash"].convert_to == []
    assert offers["bedrock/nova-micro-v1"].convert_to == ["bedrock-conversation"]
    assert "chat" in offers["together/up-to-16b"].convert_to


def test_a_file_without_a_valid_line_is_nobodys(catalogue: Catalogue) -> None:
    answer = ask(catalogue, training_file={"lines": 2, "valid": 0, "invalid_lines": 2, "counts": []})
    assert not any(row.available for row in answer.offers)
    assert answer.headline == "0 of 2 lines of training file can be trained on."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Give a training file"),
        ({"training_file": {"lines": 2, "valid": 1, "counts": []}}, "valid and invalid_lines do not add up to lines"),
        ({"training_tokens": 1, "validation_file": file([(1, 1)])}, "A validation file needs a training file"),
        ({"training_tokens": 1, "built": {"task": "a", "calls": 2, "train": 1}}, "do not add up to calls"),
        ({"training_tokens": 1, "model": "no-such-model"}, "No fine-tuning offer is about"),
    ],
)
def test_what_does_not_fit_together_is_refused(catalogue: Catalogue, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ask(catalogue, **fields)
