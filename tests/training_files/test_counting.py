"""Tokens of examples against OpenAI's published rule, worked out by hand and by its own examples."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_lines import AROUND, DATA, chat, read, turns

from breakeven.training_files.checks import read_training_file
from breakeven.training_files.counting import Tally
from breakeven.training_files.example import Example, Turn
from breakeven.training_files.personal import is_card, is_iban, kinds_in

WEATHER = {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
            "unit": {
                "type": "string",
                "description": "The unit of temperature to return",
                "enum": ["celsius", "fahrenheit"],
            },
        },
        "required": ["location"],
    },
}


def counts(tmp_path: Path, *lines: Any) -> Any:
    return read(tmp_path, *lines).train.counts[0]


def test_an_example_of_one_token_words(tmp_path: Path) -> None:
    # Each text and each role is one token: 3 + 3; around each of 3 messages 3, and 3 for the example: 18.
    found = counts(tmp_path, chat("cool", "negative", "positive"))
    assert (found.text_tokens, found.role_tokens, found.trained_tokens) == (3, 3, 1)
    assert found.lengths == ((18, 1),)
    assert found.trained_lengths == ((1, 1),)


def test_a_name_costs_its_text_and_one_token(tmp_path: Path) -> None:
    messages = chat()["messages"]
    messages[1]["name"] = "cool"
    assert counts(tmp_path, turns(*messages)).lengths == ((20, 1),)


def test_messages_of_weight_0_are_billed_but_not_trained_on(tmp_path: Path) -> None:
    user, answer = {"role": "user", "content": "cool"}, {"role": "assistant", "content": "negative"}
    found = counts(tmp_path, turns(user, answer | {"weight": 0}, user, answer))
    # 4 texts, 4 roles, 4 x 3 around them, 3: 23; one of the two answers is trained on.
    assert found.lengths == ((23, 1),)
    assert found.trained_tokens == 1


def test_text_without_roles_has_nothing_around_it(tmp_path: Path) -> None:
    assert counts(tmp_path, {"text": "cool"}).lengths == ((1, 1),)


@pytest.mark.parametrize(("vocabulary", "tokens"), [("o200k_base", 101), ("cl100k_base", 105)])
def test_tools_as_the_cookbook_counts_them(vocabulary: Any, tokens: int) -> None:
    # The Cookbook's own example: 101 tokens for gpt-4o, 105 for gpt-4, as the API bills them.
    system = Turn("system", ("You are a helpful assistant that can answer to questions about the weather.",))
    user = Turn("user", ("What's the weather like in San Francisco?",))
    assert Tally(vocabulary, AROUND).tokens(Example((system, user), (WEATHER,))).length == tokens


@pytest.mark.parametrize("file", sorted(DATA.glob("*.jsonl")), ids=lambda file: file.name)
def test_counts_hang_together_in_every_sample(file: Path) -> None:
    facts = read_training_file(file, AROUND).train
    assert [each.vocabulary for each in facts.counts] == ["o200k_base", "cl100k_base"]
    for each in facts.counts:
        around = 3 * facts.messages + facts.names + 3 * facts.valid
        whole = each.text_tokens + each.role_tokens + each.tool_tokens + around
        assert sum(tokens * examples for tokens, examples in each.lengths) == whole
        assert sum(tokens * examples for tokens, examples in each.trained_lengths) == each.trained_tokens
        assert sum(examples for _, examples in each.lengths) == facts.valid
        assert 0 < each.trained_tokens <= each.text_tokens


@given(st.lists(st.tuples(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip)), min_size=2))
def test_tokens_are_additive(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    lines = [chat(*pair) for pair in pairs]
    whole = counts(tmp_path, *lines)
    parts = [counts(tmp_path, line) for line in lines]
    assert whole.text_tokens == sum(each.text_tokens for each in parts)
    lengths = sorted(tokens for each in parts for tokens, _ in each.lengths)
    assert sorted(tokens for tokens, examples in whole.lengths for _ in range(examples)) == lengths


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ann.b@example.org", "e-mail addresses"),
        ("call +49 30 901820", "phone numbers"),
        ("call (030) 555-0134", "phone numbers"),
        ("card 4111 1111 1111 1111", "card numbers"),
        ("IBAN DE89 3704 0044 0532 0130 00", "bank accounts (IBAN)"),
        ("from 192.0.2.7 today", "internet addresses"),
        ("sk-abcdefghijklmnopqrstuvwx", "keys of programs"),
        ("AKIAIOSFODNN7EXAMPLE", "keys of programs"),
    ],
)
def test_personal_data_is_found_by_kind(text: str, kind: str) -> None:
    assert kinds_in([text]) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "in 2024-11-25 at 12:30",
        "order 4111 1111 1111 1112",
        "version 1.2.3",
        "3.14159265358979",
        "DE89 3704 0044 0532 0130 03",
    ],
)
def test_numbers_that_only_look_alike_are_not(text: str) -> None:
    assert kinds_in([text]) == []


def test_check_digits() -> None:
    # 79927398713 is the textbook number of Luhn's check, padded in front to 13 digits by zeros; 97 - 98 rule for IBAN.
    assert is_card("0079927398713")
    assert not is_card("0079927398714")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB82 WEST 1234 5698 7654 33")


def test_personal_data_is_counted_by_line(tmp_path: Path) -> None:
    facts = read(tmp_path, chat("ann@example.org"), chat("cool"), chat("cool", "+49 30 901820, ann@example.org")).train
    assert {each.what: each.lines for each in facts.personal} == {"e-mail addresses": (1, 3), "phone numbers": (3,)}


def test_the_longest_lines_are_named(tmp_path: Path) -> None:
    found = counts(tmp_path, chat("cool"), chat("cool cool cool"), chat("cool cool"), chat("cool cool cool"))
    assert found.longest == ((2, 20), (4, 20), (3, 19), (1, 18))
