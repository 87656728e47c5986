"""Every line is valid or invalid; an invalid one comes back with its number and a reason that quotes nothing."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_lines import AROUND, BAD, DATA, GOOD, chat, read, turns

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.training_files.checks import read_training_file
from breakeven.training_files.forms import BY_NAME, FORMS

CANARY = "canary_3f9c1b"


@pytest.mark.parametrize("name", GOOD)
def test_a_good_line_is_read_by_the_one_form_it_has(name: str, tmp_path: Path) -> None:
    form, line = GOOD[name]
    assert [each.name for each in FORMS if each.accepts(line)] == [form]
    facts = read(tmp_path, line).train
    assert (facts.form, facts.valid, facts.invalid) == (form, 1, ())


def test_every_form_has_a_good_line() -> None:
    assert {form for form, _ in GOOD.values()} == set(BY_NAME)


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_comes_with_its_number_and_the_reason(line: Any, reason: str, tmp_path: Path) -> None:
    # Two good lines of the same form before it, so that the form of the file is known.
    form = next((each.name for each in FORMS if isinstance(line, dict) and each.accepts(line)), "chat")
    good = next(example for name, example in GOOD.values() if name == form)
    facts = read(tmp_path, good, good, line).train
    assert [each.line for each in facts.invalid] == [3]
    assert reason in facts.invalid[0].reason
    assert (facts.lines, facts.valid, facts.invalid_lines) == (3, 2, 1)


def test_lines_of_another_form_are_named(tmp_path: Path) -> None:
    facts = read(tmp_path, chat(), chat("a"), {"prompt": "a", "completion": "b"}).train
    assert facts.form == "chat"
    assert [(each.what, each.count, each.lines) for each in facts.other_forms] == [("prompt-completion", 1, (3,))]
    assert facts.invalid[0].reason == "of form prompt-completion, most lines are chat: one file has one form"


def test_blank_lines_are_counted_apart_and_keep_the_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(chat()).encode() + b"\r\n\r\n  \n\xff\n" + b"{\n\n")
    facts = read_training_file(file, AROUND).train
    assert (facts.lines, facts.valid, facts.blank) == (3, 1, 3)
    assert [(each.line, each.reason) for each in facts.invalid] == [(4, "not UTF-8 text"), (5, "not JSON")]
    assert facts.notes == ("it begins with a byte order mark, which some providers refuse",)


def test_a_packed_file_is_read_and_said_to_be_packed(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress((json.dumps(chat()) + "\n").encode()))
    facts = read_training_file(file, AROUND).train
    assert (facts.valid, facts.notes) == (1, ("it is packed: upload it unpacked",))


@pytest.mark.parametrize("text", ['[{"messages": []}]', '[\n{"messages": []}\n]', '{\n "messages": []\n}'])
def test_one_json_document_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(LogError, match="is one JSON document; a training file is JSON lines"):
        read_training_file(file, AROUND)


def test_a_file_without_a_line_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n\n")
    with pytest.raises(LogError, match="holds no line"):
        read_training_file(file, AROUND)
    with pytest.raises(LogError, match="no such file"):
        read_training_file(tmp_path / "b.jsonl", AROUND)


def test_what_a_provider_may_object_to_is_a_warning(tmp_path: Path) -> None:
    calling = GOOD["ending in a call"][1]["messages"]
    unanswered = turns(*calling, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})
    user, answer = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    lines = [chat(more=1), turns(answer), unanswered, turns(user, user, answer), turns(user, *chat()["messages"])]
    facts = read(tmp_path, *lines).train
    assert {each.what.partition(":")[0]: each.lines for each in facts.warnings} == {
        "keys beside messages, tools, functions, parallel_tool_calls, tool_choice": (1,),
        "no message of a user": (2,),
        "a tool call that no tool message answers, with messages after it": (3,),
        "two messages of one role in a row; at Together user and assistant must alternate": (4, 5),
        "a system message that is not the first, which Together and Fireworks refuse": (5,),
    }


def test_repeats_and_conflicts_are_found_whatever_the_blanks(tmp_path: Path) -> None:
    facts = read(tmp_path, chat("a", "b"), chat("a ", "b"), chat("a", "c"), chat("d", "c")).train
    assert (facts.repeated.count, facts.repeated.lines) == (1, (2,))
    assert (facts.same_prompt.count, facts.same_prompt.lines) == (1, (3,))


def test_what_validation_shares_with_training_is_found(tmp_path: Path) -> None:
    found = read(tmp_path, chat("a", "b"), chat("c", "d"), validation=[chat("a", "b"), chat("c", "e"), chat("f", "g")])
    assert found.validation is not None
    assert found.leaks is not None
    assert found.leaks.examples.lines == (1,)
    assert found.leaks.prompts.lines == (2,)


def test_the_samples_are_valid_all_of_them() -> None:
    files = sorted(DATA.glob("*.jsonl"))
    assert len(files) >= 6
    for file in files:
        facts = read_training_file(file, AROUND).train
        assert facts.valid == facts.lines >= 10, file.name
    toy = read_training_file(DATA / "openai_toy_chat.jsonl", AROUND).train
    # The five examples of the Cookbook come twice.
    assert (toy.valid, toy.repeated.lines) == (10, (6, 7, 8, 9, 10))


def test_catalogue_names_forms_that_exist(catalogue: Catalogue) -> None:
    named = [form for rules in catalogue.training_files.values() for form in rules.forms]
    named += [form for offer in catalogue.offers.values() for form in offer.training.forms]
    assert len(named) > 10
    assert set(named) <= set(BY_NAME)


def test_no_reason_quotes_a_line(tmp_path: Path) -> None:
    lines: list[Any] = [
        CANARY,
        {CANARY: CANARY},
        chat() | {CANARY: CANARY},
        turns({"role": CANARY, "content": CANARY}),
        turns({"role": "user", "content": CANARY, CANARY: 1}, {"role": "assistant", "content": CANARY}),
        turns({"role": "user", "content": CANARY, "name": f"{CANARY} {CANARY}"}, {"role": "assistant", "content": "a"}),
        turns({"role": "user", "content": [{"type": CANARY}]}),
        chat(tools=[{"type": "function", "function": {"name": f"{CANARY} x"}}]),
        {"schemaVersion": CANARY, "messages": [{"role": "user", "content": [{CANARY: CANARY}]}]},
        chat(CANARY, CANARY),
    ]
    found = read(tmp_path, *lines, validation=[chat(CANARY, CANARY)])
    assert found.train.invalid_lines == 8
    assert CANARY not in repr(found)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["messages", "role", "content", "text", "parts", "contents", "tools", "weight", "prompt"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(VALUES.map(json.dumps) | st.sampled_from([json.dumps(line) for _, line in GOOD.values()]), min_size=1))
def test_lines_are_conserved_whatever_they_hold(tmp_path: Path, lines: list[str]) -> None:
    try:
        facts = read(tmp_path, *lines).train
    except LogError:
        # The first line may be a whole document.
        return
    assert facts.lines == facts.valid + facts.invalid_lines == len(lines)
    assert sum(each.count for each in facts.reasons) == facts.invalid_lines


@given(st.binary(max_size=40), st.integers(0, 2000))
def test_damaged_bytes_never_crash(tmp_path: Path, noise: bytes, place: int) -> None:
    data = bytearray((DATA / "together_coqa_10.jsonl").read_bytes())
    data[place : place + len(noise)] = noise
    file = tmp_path / "damaged.jsonl"
    for content in (bytes(data), gzip.compress(bytes(data))[: place or 1]):
        file.write_bytes(content)
        try:
            facts = read_training_file(file, AROUND).train
        except LogError:
            continue
        assert facts.lines == facts.valid + facts.invalid_lines
