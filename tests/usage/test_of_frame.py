"""The library call ``breakeven.usage(frame)``."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from usage_logs import as_text, chats

import breakeven
from breakeven.errors import LogError
from breakeven.usage.frame_cube import fault_of
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


@pytest.mark.parametrize("kind", ["polars", "lazy", "text", "pandas", "pyarrow", "duckdb", "duckdb-text"])
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
        "text": lambda: pl.DataFrame(as_text(rows)),
        "pandas": lambda: pytest.importorskip("pandas").DataFrame(rows),
        "pyarrow": frame.to_arrow,
        "duckdb": lambda: duckdb.connect().from_arrow(frame.to_arrow()),
        "duckdb-text": lambda: duckdb.connect().from_arrow(pl.DataFrame(as_text(rows)).to_arrow()),
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


def test_prompts_of_a_relation_that_fails() -> None:
    relation = duckdb.sql("SELECT 'gpt-5' AS model, 1 AS input_tokens, 1 AS output_tokens, error('canary') AS p")
    with pytest.raises(LogError, match=r"duckdb could not give the prompts \(InvalidInputException\)") as fault:
        breakeven.usage(relation, columns={"prompt": "p"})
    assert not any("canary" in repr(error) for error in (fault.value, fault.value.__context__, fault.value.__cause__))
    with pytest.raises(LogError, match="no column 'question'"):
        breakeven.usage(relation, columns={"prompt": "question"})
    with pytest.raises(LogError, match="no column 'question'"):
        breakeven.usage(CALLS, columns=COLUMNS | {"prompt": "question"})
    with pytest.raises(LogError, match="The frame holds no rows"):
        breakeven.usage(relation.filter("model = 'none'"), columns={"prompt": "p"})


def test_rejected_rows_of_a_relation_are_counted_and_not_numbered() -> None:
    relation = duckdb.sql("SELECT i AS input_tokens, NULL::INT AS output_tokens, 'hello' AS p FROM range(3) t(i)")
    found = breakeven.usage(relation, columns={"prompt": "p"})
    assert (found.reject_counts, found.rejects) == ((("no output_tokens", 3),), ())
    numbered = breakeven.usage(relation, columns={"prompt": "p", "line": "input_tokens"})
    assert [each.line for each in numbered.rejects] == [0, 1, 2]


def test_an_infinite_time_is_no_time() -> None:
    relation = duckdb.sql("SELECT 1 AS input_tokens, 1 AS output_tokens, 'infinity'::TIMESTAMPTZ AS timestamp")
    assert breakeven.usage(relation).reject_counts == (("unreadable time, or outside 2000 to 2099", 1),)


def test_names_of_columns_in_pandas() -> None:
    """That are no text are nobody's; that occur twice are told."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"input_tokens": [1], "output_tokens": [1], 3: ["x"]})
    assert breakeven.usage(frame).calls == 1
    with pytest.raises(LogError, match="The frame has several columns named 'input_tokens'; rename them"):
        breakeven.usage(pandas.concat([frame, frame[["input_tokens"]]], axis=1), columns={"prompt": "input_tokens"})


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


def test_an_interrupt_is_no_fault_of_the_frame() -> None:
    """DuckDB tells of Ctrl-C by an error of its own."""
    with pytest.raises(KeyboardInterrupt):
        fault_of(RuntimeError("Query interrupted"))
    assert fault_of(RuntimeError("canary")) == "RuntimeError"
