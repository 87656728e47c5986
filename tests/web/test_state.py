"""A question's address reads back as the same question, whatever kinds of fields it has."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qsl

import pytest

from breakeven.questions.fields import ask
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.web import state

DAY = dt.date(2026, 11, 23)
USAGE = {"calls_per_month": 1234.5, "input_tokens": 800, "output_tokens": 400, "as_of": dt.date(2026, 11, 1)}
ASKED: list[tuple[str, dict[str, Any]]] = [
    (
        "finetune",
        USAGE | {"model": "gpt-5-mini", "also": ["gpt-5", "gpt-4.1"], "own_gpus": False, "gpu": ["l4", "l40s"]},
    ),
    ("switch", USAGE | {"model": "gpt-5", "to": ["own/llama-3.1-8b", "gpt-5-mini"], "peak_factor": 2.5}),
    ("cost", USAGE | {"models": ["gpt-5"], "open_weights": True}),
    (
        "selfhost",
        USAGE
        | {
            "model": "llama-3.1-8b",
            "gpus": [1, 2],
            "weights": ["fp8", "bf16"],
            "hourly_load": [0.5, *range(1, 24)],
            "measured": [
                {"concurrency": 8, "input_tokens": 1, "output_tokens": 2, "output_tokens_s": 3, "ms_per_token": 4.5}
            ],
        },
    ),
]


@pytest.mark.parametrize(("kind", "fields"), ASKED, ids=[kind for kind, _ in ASKED])
def test_an_address_reads_back_as_the_same_question(kind: str, fields: dict[str, Any]) -> None:
    shape = QUESTIONS[kind].question
    question = ask(shape, fields)
    address = state.query_of(question, DAY)
    assert ask(shape, state.read_query(shape, parse_qsl(address))) == question
    assert state.cli_command(question).startswith(f"breakeven {kind} --")
