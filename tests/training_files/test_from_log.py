"""A training file made of a log: every call is an example or has a reason, split by time, without leaks."""

import json
from pathlib import Path
from typing import Any

import pytest
from training_lines import written

from breakeven.errors import InputError
from breakeven.surfaces.cli import main
from breakeven.training_files.checks import read_training_file
from breakeven.training_files.conversion import chat_line
from breakeven.training_files.example import InvalidLineError
from breakeven.training_files.from_log import FAILED, LEAKED, LOW_SCORE, NO_SCORE, REPEATED, Plan, build, write
from breakeven.training_files.reduction import reduction
from breakeven.usage.prompt_file import Around

ASSISTANT = {"role": "assistant", "content": "negative"}
CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
LOG = Path(__file__).parents[2] / "examples" / "tensorzero-haiku.jsonl.gz"


def call(user: str, answer: str, *, at: int = 0, output: int = 2, **more: Any) -> dict[str, Any]:
    """One call of an OpenAI-style log, ``at`` seconds after the first."""
    return {
        "object": "chat.completion",
        "created": 1_760_000_000 + at,
        "model": "gpt-4o-mini-2024-07-18",
        "request": {"messages": [{"role": "system", "content": "positive"}, {"role": "user", "content": user}]},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": output, "total_tokens": 10 + output},
    } | more


REQUESTS: dict[str, tuple[Any, Any, list[dict[str, Any]]]] = {
    "OpenAI chat": (
        {"messages": [{"role": "user", "content": "cool"}], "tools": [{"type": "function", "function": {"name": "f"}}]},
        [{"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": CALLS}}],
        [{"role": "user", "content": "cool"}, {"role": "assistant", "content": None, "tool_calls": CALLS}],
    ),
    "OpenAI responses": (
        {"instructions": "positive", "input": [{"role": "user", "content": [{"type": "input_text", "text": "cool"}]}]},
        [
            {"type": "reasoning", "summary": []},
            {"type": "message", "content": [{"type": "output_text", "text": "negative"}]},
        ],
        [{"role": "system", "content": "positive"}, {"role": "user", "content": "cool"}, ASSISTANT],
    ),
    "Anthropic": (
        {"system": [{"type": "text", "text": "positive"}], "messages": [{"role": "user", "content": "cool"}]},
        [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "negative"}],
        [{"role": "system", "content": "positive"}, {"role": "user", "content": "cool"}, ASSISTANT],
    ),
    "Anthropic tools": (
        {
            "messages": [
                {"role": "user", "content": "cool"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "ok"}]},
            ]
        },
        [{"type": "text", "text": "negative"}],
        [
            {"role": "user", "content": "cool"},
            {"role": "assistant", "content": None, "tool_calls": CALLS},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
            ASSISTANT,
        ],
    ),
    "Gemini": (
        {
            "systemInstruction": {"parts": [{"text": "positive"}]},
            "contents": [{"role": "user", "parts": [{"text": "cool"}]}],
        },
        [{"content": {"role": "model", "parts": [{"text": "negative"}]}}],
        [{"role": "system", "content": "positive"}, {"role": "user", "content": "cool"}, ASSISTANT],
    ),
    "Bedrock": (
        {"system": [{"text": "positive"}], "messages": [{"role": "user", "content": [{"text": "cool"}]}]},
        {"output": {"message": {"role": "assistant", "content": [{"text": "negative"}]}}},
        [{"role": "system", "content": "positive"}, {"role": "user", "content": "cool"}, ASSISTANT],
    ),
    "a system prompt and messages": (
        ["positive", json.dumps([{"role": "user", "content": "cool"}])],
        {"role": "assistant", "content": "negative"},
        [{"role": "system", "content": "positive"}, {"role": "user", "content": "cool"}, ASSISTANT],
    ),
    "texts": ("cool", "negative", [{"role": "user", "content": "cool"}, ASSISTANT]),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_and_responses_become_chats(name: str) -> None:
    asked, answered, messages = REQUESTS[name]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in (asked, answered)]
    assert chat_line(*texts)["messages"] == messages


@pytest.mark.parametrize(
    ("asked", "answered", "reason"),
    [
        ("", "a", "the log holds no prompt"),
        ("a", None, "the log holds no answer"),
        ('{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "a", "it holds images"),
        ('{"more": 1}', "a", "in no known form"),
        ('{"messages": [{"role": "system", "content": "a"}]}', "a", "the log holds no prompt"),
    ],
)
def test_calls_without_their_texts_say_why(asked: str, answered: str | None, reason: str) -> None:
    with pytest.raises(InvalidLineError, match=reason):
        chat_line(asked, answered)


def test_every_call_is_an_example_or_has_a_reason(tmp_path: Path) -> None:
    calls = [
        call("one", "a", at=1, score=0.9),
        call("two", "b", at=2, score=0.1),
        call("three", "c", at=3),
        call("one", "a", at=4, score=1),
        call("four", "d", at=5, score=True),
        call("five", "e", at=6, score="yes", status="failed"),
    ]
    log = written(tmp_path / "log.jsonl", *calls)
    built = build([log], Plan("all", score_by="score", min_score=0.5), None)
    assert built.calls == 6
    assert dict(built.dropped) == {FAILED: 1, LOW_SCORE: 1, NO_SCORE: 1, REPEATED: 1}
    assert [json.loads(each.line)["messages"][1]["content"] for each in built.train] == ["one", "four"]
    assert len(build([log], Plan("all", keep_failed=True), None).train) == 5


def test_the_latest_share_is_for_validation_without_prompts_that_are_trained_on(tmp_path: Path) -> None:
    calls = [call(f"q{number}", "a", at=10 - number) for number in range(8)]
    calls += [call("q7", "another", at=100), call("late", "a", at=101)]
    log = written(tmp_path / "log.jsonl", *calls)
    built = build([log], Plan("all", validation_share=0.2), "o200k_base")
    # 10 examples: the last 2 by time are q7 asked again, whose prompt was trained on, and "late".
    assert (len(built.train), len(built.validation), dict(built.dropped)) == (8, 1, {LEAKED: 1})
    assert json.loads(built.train[0].line)["messages"][1]["content"] == "q7"
    assert json.loads(built.validation[0].line)["messages"][1]["content"] == "late"
    assert [each.counted_tokens for each in built.validation] == [1]
    assert len(built.logged_tokens) == 10


def test_what_is_written_is_a_training_file(tmp_path: Path) -> None:
    built = build([LOG], Plan("write_haiku", validation_share=0.25), "o200k_base")
    assert built.calls == 504 == len(built.train) + len(built.validation) + built.dropped.total()
    train, held = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    write(built, train, held, force=False)
    read = read_training_file(train, Around(3, 1, 3), held)
    assert read.validation is not None
    assert read.leaks is not None
    assert (read.train.valid, read.validation.valid) == (len(built.train), len(built.validation))
    assert (read.train.invalid_lines, read.train.repeated.count) == (0, 0)
    assert (read.leaks.examples.count, read.leaks.prompts.count) == (0, 0)
    # An answer of a chat is billed one token more than its text, the end of the message.
    assert sum(each.logged_tokens - (each.counted_tokens or 0) == 1 for each in built.train) >= len(built.train) - 2


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    built = build([written(tmp_path / "log.jsonl", call("a", "b"))], Plan("all"), None)
    out = tmp_path / "train.jsonl"
    write(built, out, None, force=False)
    before = out.read_bytes()
    with pytest.raises(InputError, match="is there already; write to another, or give --force"):
        write(built, out, None, force=False)
    with pytest.raises(InputError, match="name the same file"):
        write(built, out, out, force=True)
    with pytest.raises(InputError, match="its folder does not exist"):
        write(built, tmp_path / "none" / "train.jsonl", None, force=True)
    assert out.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log.jsonl", "train.jsonl"]


def test_reduction_by_hand() -> None:
    # Means 100 and 75: a quarter fewer; medians 100 and 70: 30 % fewer.
    found = reduction([90, 100, 110], [65, 70, 90])
    assert found is not None
    assert (found.logged_mean, found.file_mean, found.logged_median, found.file_median) == (100, 75, 100, 70)
    assert (round(found.mean, 9), round(found.median, 9)) == (0.25, 0.3)
    # Relative variances of the means: 100 / 3 / 100^2 and 175 / 3 / 75^2; their root times 1.96.
    half = 1.96 * (100 / 3 / 100**2 + 175 / 3 / 75**2) ** 0.5
    assert round(found.mean_low, 9) == round(1 - 0.75 * (1 + half), 9)
    assert round(found.mean_high, 9) == round(1 - 0.75 * (1 - half), 9)
    assert found.median_low <= found.median <= found.median_high


def test_a_reduction_is_wider_where_tokens_are_estimated() -> None:
    exact = reduction([100, 120], [50, 60])
    wider = reduction([100, 120], [50, 60], (1.1, 1.0, 1.3))
    assert exact is not None
    assert wider is not None
    assert wider.file_mean == pytest.approx(1.1 * exact.file_mean)
    assert wider.mean_low < exact.mean_low
    assert reduction([], [1]) is None
    assert reduction([0], [1]) is None


def test_a_cube_holds_no_texts(tmp_path: Path) -> None:

    cube = tmp_path / "sums.parquet"
    assert main(["cube", "build", str(LOG), "-o", str(cube)]) == 0
    with pytest.raises(InputError, match="is a cube, which holds sums and no text"):
        build([cube], Plan("write_haiku"), None)


def test_a_table_with_its_texts_and_compressed_logs_work(tmp_path: Path) -> None:
    table = tmp_path / "calls.csv"
    table.write_text("model,input_tokens,output_tokens,prompt,completion\nm,5,1,cool,negative\nm,5,1,,negative\n")
    built = build([table], Plan("all"), None)
    assert [json.loads(each.line)["messages"][0]["content"] for each in built.train] == ["cool"]
    assert dict(built.dropped) == {"the log holds no prompt": 1}
    assert built.undated == 1
