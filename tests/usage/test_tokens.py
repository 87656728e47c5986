"""Tokens of texts against published counts, and of a log's texts against what was billed."""

import builtins
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.surfaces.cli import main
from breakeven.usage import read_usage
from breakeven.usage.prompt_file import Around, count_prompt_file, said_in
from breakeven.usage.recount import recount
from breakeven.usage.spoken import spoken
from breakeven.usage.tokens import _count, count_tokens

ROOT = Path(__file__).parents[2]
HAIKU = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"
AROUND = Around(message=3, name=1, reply=3)
CANARY = "canary_91ab7e"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
        ("", 0),
    ],
)
def test_counts_are_those_that_openai_publishes(text: str, tokens: int) -> None:
    # OpenAI Cookbook, How to count tokens with tiktoken, cl100k_base
    assert count_tokens(text, "cl100k_base") == tokens


def test_long_odd_and_special_texts_are_counted(catalogue: Catalogue) -> None:
    assert count_tokens("hello world " * 200_000, "o200k_base") == 400_001
    assert count_tokens("<|endoftext|>", "o200k_base") > 1
    assert count_tokens("\ud83d", "o200k_base") == count_tokens("\ufffd", "o200k_base")


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("bpe_openai"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    monkeypatch.delitem(sys.modules, "bpe_openai", raising=False)
    _count.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'breakeven\[tokens\]'"):
        count_tokens("x", "o200k_base")


@pytest.mark.parametrize("model", ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"])
def test_recounted_prompts_are_what_was_billed_to_the_token(catalogue: Catalogue, model: str) -> None:
    usage = read_usage(HAIKU, table=catalogue.prices, as_of=dt.date(2026, 11, 23))
    (profile,) = [each for each in usage.profiles if each.model == model]
    around = Around(*(catalogue.assume(f"chat_tokens_per_{what}") for what in ("message", "name", "reply")))
    found = recount([HAIKU], task=profile.task, model=model, vocabularies=("o200k_base", "cl100k_base"), around=around)
    assert (found.calls, found.asked.calls, found.answered.calls) == (504, 504, 504)
    assert found.asked.counted["o200k_base"] == found.asked.logged_tokens == profile.tokens.all_input
    # Of an answer the token that ends it is billed too, and sometimes one more.
    ends = found.answered.logged_tokens - found.answered.counted["o200k_base"]
    assert 504 <= ends <= 506
    assert found.asked.counted["cl100k_base"] != found.asked.counted["o200k_base"]


@pytest.mark.parametrize(
    ("text", "texts", "messages", "left_out"),
    [
        ("plain", ["plain"], 0, set()),
        ("{broken", ["{broken"], 0, set()),
        ('[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]}]',
         ["user", "a", "assistant", "b"], 2, set()),
        ('{"model":"m","tools":[{"type":"function"}],"messages":[{"role":"user","name":"n","content":"a"}]}',
         ["user", "n", "a"], 1, {"tool definitions"}),
        ('[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]', ["user"], 1, {"image_url"}),
        ('[{"role":"tool","content":"{\\"a\\":1}"}]', ["tool", '{"a":1}'], 1, set()),
        ('["be kind", "[{\\"role\\":\\"user\\",\\"content\\":\\"a\\"}]", null]', ["be kind", "user", "a"], 1, set()),
        ('{"contents":[{"role":"user","parts":[{"text":"a"}]}]}', ["user", "a"], 1, set()),
    ],
)  # fmt: skip
def test_what_is_said_in_a_prompt(text: str, texts: list[str], messages: int, left_out: set[str]) -> None:
    found = spoken(text)
    assert (found.texts, found.messages, found.left_out) == (texts, messages, left_out)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"a"}}],"usage":{}}', ["a"]),
        ('{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"type":"function","function":'
         '{"name":"f","arguments":"{}"}}]}}]}', ["f", "{}"]),
        ('{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"},{"type":"tool_use","name":"f",'
         '"input":{"x":1}}]}', ["a", "f", '{"x":1}']),
        ('{"output":[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":'
         '[{"type":"output_text","text":"a"}]}]}', ["a"]),
        ('{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}]}', ["a"]),
        ('{"choices":["Choices(message=...)"]}', []),
        ('{"label":"spam"}', ['{"label":"spam"}']),
    ],
)  # fmt: skip
def test_what_is_said_in_an_answer(text: str, texts: list[str]) -> None:
    assert spoken(text, roles=False).texts == texts


def test_a_chat_file_is_its_texts_and_what_is_around_them(tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_text(
        json.dumps([{"role": "system", "content": "Be kind"}, {"role": "user", "name": "Bo", "content": "Hi"}])
    )
    found = count_prompt_file(file, AROUND)
    # system, Be kind: 1 + 2; user, Bo, Hi: 1 + 1 + 1; around: 2 x 3 + 1 + 3
    assert (found.messages, found.around, found.tokens["o200k_base"]) == (2, 10, 16)
    plain = tmp_path / "plain.txt"
    plain.write_text("Be kind")
    assert count_prompt_file(plain, AROUND).tokens == {"o200k_base": 2, "cl100k_base": 2}


def test_json_that_is_no_chat_is_a_text() -> None:
    assert said_in('{"a": 1}').texts == ['{"a": 1}']


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xfe\x00"])
def test_a_prompt_file_without_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "prompt.txt"
    file.write_bytes(content)
    with pytest.raises(InputError, match="--prompt-file"):
        count_prompt_file(file, AROUND)


def test_cost_counts_a_prompt_for_each_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("お誕生日おめでとう " + CANARY)
    models = ["--models", "gpt-4o-mini", "--models", "gpt-4-turbo", "--models", "claude-haiku-4-5"]
    usage = ["--calls-per-month", "1000", "--output-tokens", "10", "--as-of", "2026-10-01", "--format", "json"]
    assert main(["cost", "--prompt-file", str(file), *models, *usage]) == 0
    out = capsys.readouterr().out
    assert CANARY not in out
    found = {each["model"]: each for each in json.loads(out)["models"]}
    for name, vocabulary in (("openai/gpt-4o-mini", "o200k_base"), ("openai/gpt-4-turbo", "cl100k_base")):
        assert found[name]["counts"] == "counted"
        assert found[name]["input_tokens"] == count_tokens(file.read_text(), vocabulary)  # type: ignore[arg-type]
    claude = found["anthropic/claude-haiku-4-5"]
    assert claude["counts"] == "estimated"
    assert claude["monthly_low_usd"] < claude["monthly_usd"] < claude["monthly_high_usd"]
    assert main(["cost", "--prompt-file", str(file), "--input-tokens", "3", *usage]) == 2
    assert "not both" in capsys.readouterr().err


SWITCH = ["switch", "--from-log", str(HAIKU), "--to", "gpt-4-turbo", "--as-of", "2026-08-01", "--format", "json"]


def test_switch_recounts_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SWITCH) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["moves"][0]["counts"] == "recounted from 504 calls"
    # cl100k makes 93,152 tokens of these prompts where o200k makes 92,901
    assert found["moves"][0]["input_ratio"] == pytest.approx(93_152 / 92_901)
    assert "100.0% of the logged input tokens" in found["origins"]["by_model"]


def test_switch_says_why_it_did_not_recount(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("breakeven.usage.tokens.is_installed", lambda: False)
    assert main(SWITCH) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["moves"][0]["counts"] == "estimated"
    assert "breakeven[tokens]" in found["origins"]["by_model"]


@pytest.mark.parametrize("kind", ["spans", "csv"])
def test_texts_of_a_log_are_counted_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    file = tmp_path / f"log.{'jsonl' if kind == 'spans' else 'csv'}"
    if kind == "csv":
        file.write_text(f"model,input_tokens,output_tokens,prompt,answer\ngpt-4o,100,10,{CANARY} ä,{CANARY}\n")
    else:
        asked, part = [{"role": "user", "content": CANARY}], {"type": "text", "content": CANARY}
        span = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 10,
            "gen_ai.input.messages": json.dumps(asked),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [part]}]),
        }
        around = {"traceId": "t", "spanId": "b", "attributes": {"gen_ai.operation.name": "invoke_agent"}}
        call = {"traceId": "t", "spanId": "a", "parentSpanId": "b", "attributes": span}
        file.write_text(json.dumps(call) + "\n" + json.dumps(around) + "\n")
    asked = ["switch", "--from-log", str(file), "--to", "gpt-4-turbo", "--as-of", "2026-08-01"]
    assert main([*asked, "--format", "json"]) == 0
    out = capsys.readouterr()
    assert CANARY not in out.out + out.err
    found = json.loads(out.out)
    assert found["moves"][0]["counts"] == "recounted from 1 calls"
    o200k, cl100k = (count_tokens(CANARY, name) for name in ("o200k_base", "cl100k_base"))  # type: ignore[arg-type]
    assert found["moves"][0]["output_ratio"] == pytest.approx(cl100k / o200k)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
