"""Column maps: what they read, what is wrong with them, what is proposed for a file that no reader knows."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from usage_logs import chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError, LogError
from breakeven.usage import Usage, read_usage
from breakeven.usage.column_map import NAMES, read_map
from breakeven.usage.explain import Explanation, explain
from breakeven.usage.inputs import as_log
from breakeven.usage.profile import Tokens

AS_OF = dt.date(2026, 11, 23)


def read(catalogue: Catalogue, text: str, *files: Path) -> Usage:
    column_map = files[0].with_name("map.yaml")
    column_map.write_text(text)
    return read_usage(files, table=catalogue.prices, as_of=AS_OF, column_map=read_map(column_map))


def test_paths_units_constants_and_keys_with_dots(tmp_path: Path, catalogue: Catalogue) -> None:
    rows: list[dict[str, Any]] = [
        {"t": 1760000000123, "u": {"in": 100, "gen.out": 20, "c": 40}, "cents": 0.5, "meta": '{"team": "a"}'},
        {"t": 1760000000123, "u": {"in": 100, "gen.out": 20, "c": 40}, "cents": "free", "model": "gpt-4o"},
        {"t": 17, "u": {"in": 100, "gen.out": 20}, "cents": 0},
        {"t": None, "u": {"in": "many", "gen.out": 20}},
    ]
    usage = read(
        catalogue,
        """
        input_tokens: [u.nothing, u.in]
        output_tokens: 'u."gen.out"'
        cache_read_tokens: u.c
        input_includes_cached: yes
        timestamp: {column: t, unit: ms}
        cost_usd: {column: cents, unit: cent}
        model: {constant: gpt-4o-mini}
        batch: {constant: no}
        task: meta>team
        """,
        write_lines(tmp_path / "log.jsonl", rows),
    )
    (profile,) = usage.profiles
    assert (profile.task, profile.model, profile.calls) == ("a", "gpt-4o-mini", 1)
    assert profile.tokens == Tokens(60, 40, 0, 0, 20, 0)
    assert str(profile.reported_cost_usd) == "0.005000000"
    assert profile.first == dt.datetime(2025, 10, 9, 8, 53, 20, 123000, dt.UTC)
    assert dict(usage.reject_counts) == {
        "cost is not a number from 0 to 1,000,000,000": 1,
        "unreadable time, or outside 2000 to 2099": 1,
        "input_tokens is not a whole number from 0 to 10^12": 1,
    }


@pytest.mark.parametrize(
    ("extra", "tokens"),
    [
        ("input_tokens: i\ninput_includes_cached: true", Tokens(6, 4, 0, 0, 5, 2)),
        ("input_tokens: i\ninput_includes_cached: false", Tokens(10, 4, 0, 0, 5, 2)),
        ("input_uncached_tokens: i", Tokens(10, 4, 0, 0, 5, 2)),
        ("input_uncached_tokens: i\noutput_includes_reasoning: false", Tokens(10, 4, 0, 0, 7, 2)),
    ],
)
def test_what_holds_what(tmp_path: Path, catalogue: Catalogue, extra: str, tokens: Tokens) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("who,i,o,c,r\ngpt-4o,10,5,4,2\n")
    text = f"model: who\noutput_tokens: O\ncache_read_tokens: c\nreasoning_tokens: r\n{extra}\n"
    assert read(catalogue, text, file).profiles[0].tokens == tokens


def test_a_map_takes_files_with_its_columns_and_leaves_the_others(tmp_path: Path, catalogue: Catalogue) -> None:
    csv, parquet = tmp_path / "calls.csv", tmp_path / "calls.parquet"
    csv.write_text("who,i,o\ngpt-4o,10,5\n")
    duckdb.sql(f"COPY (SELECT 'gpt-4o' AS who, 7 AS i, 5 AS o) TO '{parquet}'")
    other = write_lines(tmp_path / "log.jsonl", [chat()])
    text = "model: who\ninput_tokens: i\noutput_tokens: o\n"
    usage = read(catalogue, text, csv, parquet, other)
    assert [(file.name, file.reader) for file in usage.files] == [
        ("calls.csv", "map.yaml"),
        ("calls.parquet", "map.yaml"),
        ("log.jsonl", "openai-response"),
    ]
    with pytest.raises(LogError, match=r"map\.yaml: no file has the columns it names: i, o"):
        read(catalogue, text, other)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "map.yaml: expected one 'name: column' per line"),
        ("- a\n- b\n", "map.yaml: expected one 'name: column' per line"),
        ("a: [1\nb: 2\n", "map.yaml line 2: not YAML: "),
        ("input_tokens: a\noutput_token: b\n", "map.yaml line 2: no name 'output_token'. Did you mean output_tokens"),
        ("input_tokens: a\ninput_tokens: b\noutput_tokens: c\n", "map.yaml line 2: input_tokens is given twice, first"),
        ("input_tokens: a\n", "map.yaml: output_tokens is missing"),
        ("output_tokens: a\n", "map.yaml: input_tokens is missing, or input_uncached_tokens"),
        ("input_tokens: 3\noutput_tokens: b\n", "map.yaml line 1: input_tokens must be a column, a list of columns"),
        ("input_tokens: a\noutput_tokens: {column: b, unit: ms}\n", "line 2: output_tokens has the unit 'ms', which"),
        ("input_tokens: a\noutput_tokens: b\ntimestamp: {column: t, unit: h}\n", "which must be one of s, ms, us, ns"),
        ("input_tokens: a\noutput_tokens: b\ncost_usd: {column: t, unit: eur}\n", "one of usd, cent, micro_usd, nano"),
        ("input_tokens: a\noutput_tokens: b\nmodel: {constant: '{x}'}\n", "line 3: model has a constant that is no"),
        ("input_tokens: a|b\noutput_tokens: b\n", "line 1: input_tokens reads 'a|b': a column with a brace or a bar"),
        ("input_tokens: 'a\"b'\noutput_tokens: b\n", "line 1: input_tokens reads 'a\"b': a field name with a double"),
        ("input_tokens: a\noutput_tokens: b\ncache_read_tokens: c\n", "say input_includes_cached: true, or false"),
        (
            "input_tokens: a\noutput_tokens: b\ninput_includes_cached: perhaps\n",
            "line 3: input_includes_cached must be",
        ),
    ],
)
def test_faults_are_one_line_with_the_number_of_theirs(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        read_map(file)
    assert fault in str(raised.value)
    assert "\n" not in str(raised.value)


def explained(file: Path, rows: list[dict[str, Any]]) -> Explanation:
    return explain(as_log(write_lines(file, rows)))


def test_a_known_file_is_explained_by_numbers_alone(tmp_path: Path) -> None:
    row = chat(1500, 200, 1024, choices=[{"message": {"content": "secret words"}}], metadata={"task": "secret task"})
    found = explained(tmp_path / "log.jsonl", [row, row | {"usage": {"prompt_tokens": "secret"}}])
    assert (found.reader, found.kind, found.proposed_map) == ("openai-response", "JSON lines", None)
    assert [claim.reader for claim in found.claims if claim.claims] == ["openai-response"]
    columns = {each.column: each for each in found.columns}
    assert columns["model"].fields == ("model",)
    assert columns["cache_read_tokens"].fields == ("usage.prompt_tokens_details.cached_tokens",)
    assert "cost_usd" not in columns
    assert found.examples[0]["input_tokens"] == 1500 - 1024
    assert found.examples[0]["at_us"] == 1741106434_000000
    assert sum(found.reject_counts.values()) == 1
    assert "secret" not in repr(found)


def test_a_file_of_two_claimants_is_explained(tmp_path: Path) -> None:
    spend = {"spend": 1.0, "prompt_tokens": 1, "completion_tokens": 1, "startTime": "2026-01-01", "model": "m"}
    found = explained(tmp_path / "log.jsonl", [chat(), spend])
    assert (found.reader, found.why_not) == (None, "claimed by openai-response and litellm")


HOLDS, BESIDE = "input_includes_cached: true", "input_includes_cached: false"


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        ({"in_tokens": 100, "out_tokens": 5, "cached": 40, "total": 105}, HOLDS + "\n"),
        ({"in_tokens": 100, "out_tokens": 5, "cached": 40, "total": 145}, BESIDE + "\n"),
        ({"in_tokens": 3, "out_tokens": 5, "cached": 400}, BESIDE + "\n"),
        ({"in_tokens": 100, "out_tokens": 5, "cached": 40}, HOLDS + "   # CHECK"),
    ],
)
def test_inclusion_is_told_by_the_numbers(tmp_path: Path, usage: dict[str, int], line: str) -> None:
    proposed = explained(tmp_path / "odd.jsonl", [{"model": "m", **usage}]).proposed_map
    assert proposed is not None
    assert line in proposed


def test_a_proposed_map_reads_the_file(tmp_path: Path, catalogue: Catalogue) -> None:
    row = {
        "req": {"llm.model": "gpt-4o-mini", "Feature": "triage"},
        "usage": {"promptTokens": 1500, "completionTokens": 200, "cachedTokens": 1024, "totalTokens": 1700},
        "sentAt_ms": 1741106434000,
        "price_cents": 0.02682,
        "text": "secret words",
    }
    file = tmp_path / "odd.jsonl"
    proposed = explained(file, [row, row]).proposed_map or ""
    assert "secret" not in proposed
    usage = read(catalogue, proposed, file)
    (profile,) = usage.profiles
    assert (profile.task, profile.model, profile.calls) == ("triage", "gpt-4o-mini", 2)
    assert profile.months[0].month == "2025-03"
    # gpt-4o-mini: 476 x 0.15 + 1024 x 0.075 + 200 x 0.60 = 268.2 millionths, twice
    assert usage.cost_usd == usage.reported_cost_usd == Decimal("0.0005364")
    assert usage.price_checks[0].cause == "agrees"


def test_what_is_missing_is_said_in_the_proposal(tmp_path: Path) -> None:
    proposed = explained(tmp_path / "odd.jsonl", [{"model": "m", "n": 5, "tokens_out": 3}]).proposed_map or ""
    assert "# input_tokens:   (missing; fields with numbers: n)" in proposed
    assert "\noutput_tokens: tokens_out" in proposed


def test_proposals_for_tables(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "odd.csv", tmp_path / "odd.parquet"
    csv.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,4808,10\n")
    duckdb.sql(f"COPY (SELECT 'm' AS deployment, 7 AS tokens_in, 5 AS tokens_out) TO '{parquet}'")
    proposed = [explain(as_log(file)).proposed_map or "" for file in (csv, parquet)]
    assert "timestamp: TIMESTAMP\ninput_tokens: ContextTokens\noutput_tokens: GeneratedTokens\n" in proposed[0]
    assert "model: deployment\ninput_tokens: tokens_in\noutput_tokens: tokens_out\n" in proposed[1]


def test_every_name_of_a_map_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "log-formats.md").read_text()
    missing = [name for name in NAMES if f"`{name}`" not in page]
    assert not missing


def test_the_example_of_the_page_is_a_map(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "log-formats.md").read_text()
    file = tmp_path / "map.yaml"
    file.write_text(page.partition("<!-- every form -->")[2].partition("```yaml\n")[2].partition("```")[0])
    assert read_map(file).needed == ("usage.input or usage.in", 'usage."gen.out"')
