"""The library call ``breakeven.usage(frame)``."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

import breakeven
from breakeven.errors import LogError
from breakeven.usage.of_frame import usage_of

DAY = dt.date(2026, 11, 23)

CALLS = pl.DataFrame({"llm": ["gpt-5-mini"], "tokens_in": [1000], "tokens_out": [100]})
COLUMNS = {"model": "llm", "input_tokens": "tokens_in", "output_tokens": "tokens_out"}


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import breakeven.usage.scan",
        "from breakeven import usage",
        "breakeven.usage_of",
        "breakeven.load_catalogue()",
    ],
)
def test_the_package_usage_is_the_call_whatever_was_imported_first(before: str) -> None:
    text = f"""
import breakeven, polars as pl
{before}
calls = pl.DataFrame({{"model": ["gpt-5-mini"], "input_tokens": [1000], "output_tokens": [100]}})
print(breakeven.usage(calls).rows.priced, breakeven.usage.read_usage is breakeven.read_usage)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1", "True"], done.stderr


def test_it_is_usage_of() -> None:
    day = dt.date(2026, 11, 23)
    assert breakeven.usage(CALLS, columns=COLUMNS, as_of=day) == usage_of(CALLS, columns=COLUMNS, as_of=day)
    assert {"usage", "usage_of"} <= set(breakeven.__all__)


def test_without_a_day_calls_without_a_time_are_priced_as_of_today() -> None:
    assert breakeven.usage(CALLS, columns=COLUMNS).as_of == dt.date.today()


def test_an_option_that_is_unknown() -> None:
    with pytest.raises(TypeError, match="colums"):
        breakeven.usage(CALLS, colums=COLUMNS)  # type: ignore[call-arg]


def chats() -> list[dict[str, object]]:
    """Sixty calls of two system prompts, one of which is that of thirty in a row."""
    texts = {"a": "You sort letters by topic. " * 8, "b": "You write short answers to customers. " * 8}
    return [
        {
            "model": "gpt-5-mini",
            "input_tokens": 100 + number,
            "output_tokens": 10,
            "timestamp": dt.datetime(2026, 11, 1 + number % 20, tzinfo=dt.UTC),
            "messages": [
                {"role": "system", "content": texts["ab"[number % 2]]},
                {"role": "user", "content": f"{number}: what is it"},
            ],
        }
        for number in range(60)
    ]


@pytest.mark.parametrize("kind", ["polars", "lazy", "text", "pandas", "pyarrow"])
def test_prompts_of_a_frame_find_its_tasks(kind: str, tmp_path: Path) -> None:
    """As a log file of the same calls does."""
    rows = chats()
    file = tmp_path / "log.jsonl"
    spend = {"spend": 0.0, "startTime": "2026-11-02"}
    lines = [
        spend | {"model": row["model"], "prompt_tokens": row["input_tokens"], "completion_tokens": 10}
        | {"messages": row["messages"]}
        for row in rows
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    wanted = breakeven.read_usage(file, table=breakeven.load_catalogue().prices, as_of=DAY)
    frame = pl.DataFrame(rows)
    given = {
        "polars": lambda: frame,
        "lazy": frame.lazy,
        "text": lambda: pl.DataFrame([row | {"messages": json.dumps(row["messages"])} for row in rows]),
        "pandas": lambda: pytest.importorskip("pandas").DataFrame(rows),
        "pyarrow": frame.to_arrow,
    }[kind]()
    found = breakeven.usage(given, columns={"prompt": "messages"}, as_of=DAY)
    told = [
        [(each.task, each.found_by, each.calls, each.prompts and each.prompts.first_chars) for each in usage.facts]
        for usage in (found, wanted)
    ]
    assert told[0] == told[1]
    assert {found_by for _, found_by, _, _ in told[0]} == {"prompt"}
    assert found.rows.read == found.rows.priced == 60
    assert found.profiles[0].months[0].month == "2026-11"
    assert "You sort" not in repr(found)


def test_prompts_beside_rows_that_cannot_be_counted() -> None:
    frame = pl.DataFrame(
        {
            "model": ["gpt-5-mini"] * 3,
            "input_tokens": [1000, None, 1000],
            "output_tokens": [100, 1, 100],
            "cost": [0.00045, None, 0.0],
            "task": ["a", "a", None],
            "question": ["x" * 100, "y", None],
        }
    )
    plain = breakeven.usage(frame, as_of=DAY)
    found = breakeven.usage(frame, as_of=DAY, columns={"prompt": "question"})
    assert (found.rows, found.cost_usd, found.reject_counts) == (plain.rows, plain.cost_usd, plain.reject_counts)
    assert [(each.line, each.reason) for each in found.rejects] == [(2, "no input_tokens")]
    assert found.price_checks == plain.price_checks
    assert found.cube.cells == plain.cube.cells


def test_prompts_are_not_fetched_from_elsewhere() -> None:
    relation = duckdb.sql("SELECT 'gpt-5' AS model, 1 AS input_tokens, 1 AS output_tokens, 'hello' AS p")
    with pytest.raises(LogError, match="prompts is read from Polars, pandas and PyArrow frames alone"):
        breakeven.usage(relation, columns={"prompt": "p"})
    with pytest.raises(LogError, match="no column 'question'"):
        breakeven.usage(CALLS, columns=COLUMNS | {"prompt": "question"})


def test_an_infinite_time_is_no_time() -> None:
    relation = duckdb.sql("SELECT 1 AS input_tokens, 1 AS output_tokens, 'infinity'::TIMESTAMPTZ AS timestamp")
    assert breakeven.usage(relation).reject_counts == (("unreadable time, or outside 2000 to 2099", 1),)


def test_names_of_columns_in_pandas() -> None:
    """That are no text are nobody's; that occur twice are told."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"input_tokens": [1], "output_tokens": [1], 3: ["x"]})
    assert breakeven.usage(frame).calls == 1
    with pytest.raises(LogError, match="The frame has several columns named 'input_tokens'; rename them"):
        breakeven.usage(pandas.concat([frame, frame[["input_tokens"]]], axis=1))


def test_a_fault_of_the_engine_is_told_without_its_words() -> None:
    relation = duckdb.sql("SELECT error('canary') AS input_tokens, 1 AS output_tokens")
    with pytest.raises(LogError, match=r"duckdb could not add the frame up \(InvalidInputException\)") as fault:
        breakeven.usage(relation)
    assert not any("canary" in repr(error) for error in (fault.value, fault.value.__context__, fault.value.__cause__))


def test_arrow_with_values_by_run() -> None:
    arrow = pytest.importorskip("pyarrow")
    models = arrow.RunEndEncodedArray.from_arrays([2, 3], ["gpt-5", "gpt-5-mini"])
    table = arrow.table({"model": models, "input_tokens": [1, 2, 4], "output_tokens": [1, 1, 1]})
    assert [cell.input_tokens for cell in breakeven.usage(table).cube.cells] == [3, 4]
