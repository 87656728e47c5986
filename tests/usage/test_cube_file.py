"""A cube as a file: what is read is what was written, cubes add up exactly, and what cannot be exact is refused."""

import datetime as dt
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cube import logs, rows
from test_cube import read as read_rows
from usage_logs import chat, samples, write_lines

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.catalogue.table import PriceTable
from breakeven.errors import BreakevenError, InputError, LogError
from breakeven.usage import Cube, Usage, read_usage
from breakeven.usage.cells import Cells, distinct, group_sums, packed
from breakeven.usage.cube_file import KEY, TYPES, read_cube, write_cube
from breakeven.usage.cuts import UTC, cut_instants, midnight_us
from breakeven.usage.inputs import as_log
from breakeven.usage.merge import merged as merged_by
from breakeven.usage.models import Finder
from breakeven.usage.price import DIGITS, price_cube, reprice, what_if
from breakeven.usage.scan import open_engine
from breakeven.usage.task_names import TaskNames

AS_OF = dt.date(2026, 11, 23)
HEADER = "timestamp,model,input_tokens,cached_tokens,output_tokens,batch,status,task\n"

many = settings(max_examples=12)


def usage_of(catalogue: Catalogue, *files: Path, **options: Any) -> Usage:
    return read_usage(files, table=catalogue.prices, as_of=AS_OF, **options)


def log(file: Path, *lines: str) -> Path:
    file.write_text(HEADER + "".join(line + "\n" for line in lines))
    return file


def written(cube: Cube, file: Path) -> Path:
    with open_engine() as engine:
        write_cube(engine, cube, file)
    return file


def again(file: Path) -> Cube:
    with open_engine() as engine:
        return read_cube(engine, as_log(file))


def merged(parts: Sequence[tuple[str, Cube]]) -> Cube:
    return merged_by(parts, Finder(load_catalogue(refreshed=False).prices))


@pytest.fixture(scope="module")
def prices(catalogue: Catalogue) -> PriceTable:
    return catalogue.prices


def without_epochs(cube: Cube) -> Cells:
    """The cells added up over time: models of one log may be cut on days that matter to those of another alone."""
    return cube.cells.with_column(since_us=np.zeros(len(cube.cells), np.int64))


@many
@given(log=logs)
def test_what_is_read_is_what_was_written(prices: PriceTable, log: list[dict[str, str]]) -> None:
    usage = read_rows(prices, log)
    with tempfile.TemporaryDirectory() as folder:
        file = written(usage.cube, Path(folder) / "a.cube.parquet")
        assert again(file) == replace(usage.cube, rejects=())
        back = read_usage(file, table=prices, as_of=AS_OF)
    assert (back.rows, back.bill, back.profiles) == (usage.rows, usage.bill, usage.profiles)


@many
@given(log=st.lists(rows(), min_size=2, max_size=25), share=st.floats(0, 1))
def test_cubes_added_up_are_the_cube_of_all_logs(prices: PriceTable, log: list[dict[str, str]], share: float) -> None:
    cut = min(max(1, int(len(log) * share)), len(log) - 1)
    together = read_rows(prices, log[:cut], log[cut:]).cube
    added = merged([(str(number), read_rows(prices, part).cube) for number, part in enumerate((log[:cut], log[cut:]))])
    assert without_epochs(added) == without_epochs(together)
    assert added.histograms == together.histograms
    assert (added.rows_in, added.reject_counts) == (together.rows_in, together.reject_counts)
    assert price_cube(added, prices, AS_OF).total_usd == price_cube(together, prices, AS_OF).total_usd


@settings(max_examples=6)
@given(log=st.lists(rows(), min_size=2, max_size=12))
def test_a_cube_beside_a_log_is_both_logs(prices: PriceTable, log: list[dict[str, str]]) -> None:
    half = len(log) // 2
    whole = read_rows(prices, log[:half], log[half:])
    with tempfile.TemporaryDirectory() as folder:
        cube = written(read_rows(prices, log[:half]).cube, Path(folder) / "a.cube.parquet")
        rest = Path(folder) / "rest.csv"
        names = list(log[0])
        rest.write_text(",".join(names) + "\n" + "".join(",".join(row[n] for n in names) + "\n" for row in log[half:]))
        for files in ([cube, rest], [rest, cube]):
            mixed = read_usage(files, table=prices, as_of=AS_OF)
            assert without_epochs(mixed.cube) == without_epochs(whole.cube)
            assert (mixed.rows, mixed.cost_usd, mixed.profiles) == (whole.rows, whole.cost_usd, whole.profiles)


@many
@given(log=logs)
def test_what_if_over_many_models_is_each_repriced_alone(prices: PriceTable, log: list[dict[str, str]]) -> None:
    cube = read_rows(prices, log).cube
    models = [prices.find(name) for name in ("gpt-5", "deepseek-v4-flash", "gemini-2.5-pro", "claude-sonnet-4-5")]
    bills = what_if(cube, prices, AS_OF, models)
    for model in models:
        alone = reprice(cube, prices, AS_OF, model)
        assert (bills[model.id].total_usd, bills[model.id].notes) == (alone.total_usd, alone.notes)
        with localcontext(prec=DIGITS):
            assert alone.total_usd == sum((usd for usd in alone.usd if usd is not None), Decimal(0))
        assert bills[model.id].unpriced_rows == alone.unpriced_rows == 0


@pytest.mark.parametrize("folder", sorted({file.parent for file in samples()}), ids=lambda folder: folder.name)
def test_every_format_survives_as_a_cube(folder: Path, tmp_path: Path, catalogue: Catalogue) -> None:
    sample = next(file for file in samples() if file.parent == folder)
    usage = usage_of(catalogue, sample)
    back = usage_of(catalogue, written(usage.cube, tmp_path / "a.cube.parquet"))
    kept = ("rows", "calls", "cost_usd", "profiles", "facts", "sources", "files", "reject_counts", "reported_cost_usd")
    for name in kept:
        assert getattr(back, name) == getattr(usage, name), name
    assert set(back.notes) <= set(usage.notes)


def test_facts_of_tasks_are_kept_and_their_names_changed(tmp_path: Path, catalogue: Catalogue) -> None:
    haiku = Path(__file__).parents[2] / "examples" / "tensorzero-haiku.jsonl.gz"
    usage = usage_of(catalogue, haiku)
    cube = written(usage.cube, tmp_path / "a.cube.parquet")
    assert usage_of(catalogue, cube).facts == usage.facts
    assert all(each.prompts and each.week_hours for each in usage.facts)
    one = TaskNames("t.yaml", {"haikus": ("*haiku*",)})
    named, direct = (usage_of(catalogue, file, tasks=one) for file in (cube, haiku))
    (task,), (wanted,) = named.facts, direct.facts
    assert (task.task, task.found_by, task.members, task.calls) == (
        "haikus",
        "tasks file",
        wanted.members,
        wanted.calls,
    )
    assert (task.week_hours, task.trend, named.cost_usd) == (wanted.week_hours, wanted.trend, direct.cost_usd)
    # of what most calls of the two tasks have alike their sums know a lower bound
    assert task.prompts is not None
    assert wanted.prompts is not None
    assert 0 < (task.prompts.template_share or 0) <= (wanted.prompts.template_share or 0)
    assert task.prompts.tools == wanted.prompts.tools == 0
    assert task.prompts.characters == sum(each.prompts.characters for each in usage.facts if each.prompts)
    with pytest.raises(LogError, match="none of its names is a task"):
        usage_of(catalogue, cube, tasks=TaskNames("t.yaml", {"x": ("nothing",)}))


def test_stated_costs_are_compared_from_a_cube_too(tmp_path: Path, catalogue: Catalogue) -> None:
    # gpt-5-mini: $0.25 and $2 per million; the log charges cached tokens in full
    lines = ["model,task,input_tokens,cached_tokens,output_tokens,cost_usd"]
    for number in range(4):
        cost = (1000 * 0.25 + 100 * (number + 1) * 2) / 1e6
        lines.append(f"gpt-5-mini,t{number},1000,800,{100 * (number + 1)},{cost:.9f}")
    file = tmp_path / "log.csv"
    file.write_text("\n".join(lines) + "\n")
    usage = usage_of(catalogue, file)
    back = usage_of(catalogue, written(usage.cube, tmp_path / "a.cube.parquet"))
    assert [each.cause for each in usage.price_checks] == ["cached_at_full_price"]
    assert back.price_checks == usage.price_checks


def test_prompt_counts_are_kept_and_added(tmp_path: Path, catalogue: Catalogue) -> None:
    files = []
    for name, prompts in (("a", ["x" * 70, "x" * 90]), ("b", ["y" * 100])):
        file = tmp_path / f"{name}.csv"
        file.write_text("model,input_tokens,output_tokens,prompt\n" + "".join(f"gpt-5,1,1,{p}\n" for p in prompts))
        files.append(written(usage_of(catalogue, file).cube, tmp_path / f"{name}.cube.parquet"))
    # 64 of 70 and of 90 characters are shared; none of 100: a lower bound, as it is not compared across cubes
    assert usage_of(catalogue, files[0]).profiles[0].prefix_share == 128 / 160
    assert usage_of(catalogue, *files).profiles[0].prefix_share == 128 / 260


def test_columns_are_integers_and_no_text_is_inside(tmp_path: Path, catalogue: Catalogue) -> None:
    canary = "canary_3f9c1b"
    message = [{"role": "user", "content": canary * 30}]
    spend = {"spend": 0.1, "prompt_tokens": 10, "completion_tokens": 1, "startTime": "2026-05-01", "model": "gpt-4o"}
    source = write_lines(tmp_path / "log.jsonl", [spend | {"messages": message}] * 3 + [f'{{"x": "{canary}'])
    file = written(usage_of(catalogue, source).cube, tmp_path / "a.cube.parquet")
    described = duckdb.sql(f"DESCRIBE FROM '{file}'").fetchall()
    assert {name: kind for name, kind, *_ in described} == {"part": "VARCHAR"} | TYPES
    whole = repr(duckdb.sql(f"FROM '{file}'").fetchall())
    whole += repr(duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{file}')").fetchall())
    assert canary not in whole
    assert str(tmp_path) not in whole
    assert "log.jsonl" in whole
    assert "prompts" in whole


def test_a_cube_is_written_whole_or_not_at_all(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = usage_of(catalogue, write_lines(tmp_path / "log.jsonl", [chat()])).cube
    file = tmp_path / "out" / "a.cube.parquet"
    with pytest.raises(BreakevenError, match="cannot be written"):
        written(cube, file)
    file.parent.mkdir()
    file.write_text("before")

    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        written(cube, file)
    assert [each.name for each in file.parent.iterdir()] == ["a.cube.parquet"]
    assert file.read_text() == "before"


def tampered(file: Path, sql: str = "*", **changes: Any) -> Path:
    """A copy of a cube with other rows or metadata."""
    with duckdb.connect() as engine:
        told = json.loads(engine.execute(f"SELECT value FROM parquet_kv_metadata('{file}')").fetchall()[0][0])
        text = json.dumps(told | changes).replace("'", "''")
        copy = file.with_name("copy.parquet")
        engine.execute(
            f"COPY (SELECT {sql} FROM '{file}') TO '{copy}' (FORMAT parquet, KV_METADATA {{{KEY}: '{text}'}})"
        )
    return copy


@pytest.mark.parametrize(
    ("sql", "changes", "message"),
    [
        ("*", {"schema": "breakeven/cube/9"}, "is of schema 'breakeven/cube/9'"),
        ("*", {"rows": 7}, "holds 2 rows and says 7"),
        ("*", {"rows_in": 3}, "rows are not those of its sources"),
        ("*", {"cuts_us": [5]}, "no cut"),
        ("*", {"cuts_us": "x"}, "not as its schema says"),
        ("*", {"thresholds": []}, "a size that is none"),
        ("*", {"billing_zone": "Nowhere"}, "zone is unknown"),
        ("* REPLACE (-output_tokens AS output_tokens)", {}, "below 0"),
        ("* REPLACE (first_us - 86400000000 * 40 AS first_us)", {}, "outside its epoch"),
        ("* EXCLUDE (tier)", {}, "not as its schema says"),
        ("* REPLACE (CAST(1e30 AS DOUBLE) AS calls)", {}, "above 2^63"),
    ],
)
def test_a_cube_that_contradicts_itself_is_refused(
    tmp_path: Path, catalogue: Catalogue, sql: str, changes: dict[str, Any], message: str
) -> None:
    source = log(tmp_path / "a.csv", "2026-05-03,gpt-4o,300000,0,10,,,a", "2026-05-04,gpt-4o,10,0,10,,,a")
    file = written(usage_of(catalogue, source).cube, tmp_path / "a.cube.parquet")
    with pytest.raises(LogError, match=message.replace("^", r"\^")) as fault:
        usage_of(catalogue, tampered(file, sql, **changes))
    assert "\n" not in str(fault.value)


def coarse(cube: Cube, **lists: tuple[int, ...]) -> Cube:
    """The cube as a catalogue with fewer cuts or thresholds would have made it."""
    cells = cube.cells
    if "cuts_us" in lists:
        since = [
            None if at is None else max(cut for cut in lists["cuts_us"] if cut <= at) for at in cells.values["since_us"]
        ]
        cells = Cells.of(cells.columns, cells.values | {"since_us": since})
    if "thresholds" in lists:
        tiers = np.searchsorted(lists["thresholds"], [0, *(t + 1 for t in cube.thresholds)], "left")
        cells = cells.with_column(tier=tiers[cells.columns["tier"]])
    return replace(cube, cells=cells, **lists)


PRICE_DAY = midnight_us(dt.date(2026, 9, 10))
"""deepseek-v4-flash costs something else from this day on."""


def test_a_cube_of_an_earlier_version_is_read(tmp_path: Path, catalogue: Catalogue) -> None:
    cube = usage_of(catalogue, log(tmp_path / "a.csv", "2026-05-03,gpt-4o,300,0,10,,,a")).cube
    file = written(cube, tmp_path / "a.cube.parquet")
    assert usage_of(catalogue, tampered(file, "* EXCLUDE (alike)")).cube.cells.total("calls") == 1


def test_a_new_cut_leaves_unpriced_only_what_it_matters_for(tmp_path: Path, catalogue: Catalogue) -> None:
    lines = [
        "2026-09-09 20:00,deepseek-v4-flash,1000000,0,0,,,both",
        "2026-09-10 20:00,deepseek-v4-flash,1000000,0,0,,,both",
        "2026-09-08 20:00,deepseek-v4-flash,1000000,0,0,,,before",
        "2026-09-09 20:00,deepseek-v4-flash,1000000,0,0,,,before",
        "2026-09-12 20:00,deepseek-v4-flash,1000000,0,0,,,after",
        "2026-09-09 20:00,gpt-4o,1000000,0,0,,,other",
        "2026-09-10 20:00,gpt-4o,1000000,0,0,,,other",
    ]
    fine = usage_of(catalogue, log(tmp_path / "a.csv", *lines))
    assert fine.bill.uncut == ()
    old = coarse(fine.cube, cuts_us=tuple(cut for cut in fine.cube.cuts_us if cut != PRICE_DAY))
    assert len(old.cells) == len(fine.cube.cells) - 2
    usage = usage_of(catalogue, written(old, tmp_path / "old.cube.parquet"))
    cost = {profile.task: profile.cost_usd for profile in usage.profiles}
    assert cost == {each.task: each.cost_usd for each in fine.profiles} | {"both": None}
    (missed,) = usage.bill.uncut
    assert (missed.model, missed.where, missed.calls, missed.rows) == ("deepseek/deepseek-v4-flash", "2026-09-10", 2, 2)
    assert (usage.rows.priced, usage.rows.unpriced) == (5, 2)
    assert "2 calls of deepseek/deepseek-v4-flash have no price: it changes at 2026-09-10" in usage.notes[0]
    assert any("build it again from its logs" in profile.unpriced_reason for profile in usage.profiles)


def test_a_new_threshold_leaves_unpriced_only_the_models_that_have_it(tmp_path: Path, catalogue: Catalogue) -> None:
    lines = [f"2026-05-01,{model},{size},0,0,,,a" for model in ("gemini-2.5-pro", "gpt-4o") for size in (10, 200_001)]
    fine = usage_of(catalogue, log(tmp_path / "a.csv", *lines))
    old = coarse(fine.cube, thresholds=tuple(t for t in fine.cube.thresholds if t not in (199_999, 200_000)))
    bill = price_cube(old, catalogue.prices, AS_OF)
    assert {(each.model, each.where) for each in bill.uncut} == {("google/gemini-2.5-pro", "200,000 input tokens")}
    # 200,011 tokens of gpt-4o at 2.50 USD per million; the ten of gemini-2.5-pro lie below every threshold left
    assert bill.total_usd == Decimal("0.5000275") + Decimal("0.0000125")
    assert bill.unpriced_rows == 1


def test_hours_that_a_cube_is_not_cut_at(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = usage_of(
        catalogue, log(tmp_path / "a.csv", "2026-05-01,deepseek-chat,10,0,0,,,a", "2026-05-01,gpt-5,10,0,0,,,a")
    )
    parts = {cell.model: cell.day_part for cell in usage.cube.cells}
    assert parts == {"deepseek-chat": 0, "gpt-5": -1}, "only models with hours are cut by them"
    cells = usage.cube.cells.with_column(day_part=np.full(2, -1))
    bill = price_cube(replace(usage.cube, cells=cells), catalogue.prices, AS_OF)
    assert [(each.model, each.where) for each in bill.uncut] == [
        ("deepseek/deepseek-chat", "00:30:00 UTC, 16:30:00 UTC")
    ]
    assert bill.unpriced_rows == 1


def test_cells_are_refined_where_no_call_is_in_doubt(tmp_path: Path, catalogue: Catalogue) -> None:
    days = {"early": ("2026-09-02", "2026-09-09"), "late": ("2026-09-10", "2026-09-20")}
    cubes = {
        name: usage_of(
            catalogue, log(tmp_path / f"{name}.csv", *(f"{day},deepseek-v4-flash,7,0,1,,,{name}" for day in both))
        ).cube
        for name, both in days.items()
    }
    old = coarse(cubes["late"], cuts_us=cubes["late"].cuts_us[:1])
    both = usage_of(catalogue, tmp_path / "early.csv", tmp_path / "late.csv").cube
    assert PRICE_DAY in both.cuts_us
    assert PRICE_DAY not in old.cuts_us
    added = merged([("new", both), ("old", old)])
    assert {(cell.task, cell.since_us == PRICE_DAY): cell.calls for cell in added.cells} == {
        ("early", False): 2,
        ("late", True): 4,
    }


def test_a_cell_stays_where_a_day_matters_to_other_models_alone(tmp_path: Path, catalogue: Catalogue) -> None:
    lines = ["2026-09-09,gpt-4o,7,0,1,,,a", "2026-09-10,gpt-4o,7,0,1,,,a"]
    alone = usage_of(catalogue, log(tmp_path / "a.csv", *lines))
    other = usage_of(catalogue, log(tmp_path / "b.csv", *lines, "2026-09-10,deepseek-v4-flash,7,0,1,,,a"))
    assert PRICE_DAY in set(other.cube.cuts_us) - set(alone.cube.cuts_us)
    added = price_cube(merged([("a", alone.cube), ("b", other.cube)]), catalogue.prices, AS_OF)
    assert (added.total_usd, added.uncut) == (alone.cost_usd + other.cost_usd, ())


def test_what_cannot_be_refined_is_refused_by_name(tmp_path: Path, catalogue: Catalogue) -> None:
    file = log(
        tmp_path / "a.csv",
        "2026-10-09,gpt-4o,10,0,1,,,a",
        "2026-10-14,gpt-4o,10,0,1,,,a",
        "2026-10-14,gpt-4o,300000,0,1,,,a",
    )
    fine = usage_of(catalogue, file).cube
    old = coarse(fine, cuts_us=fine.cuts_us[:1])
    with pytest.raises(LogError, match=r"^old.parquet is not cut at .*2026-10-14, .* of gpt-4o .* old.parquet again"):
        merged([("new.parquet", fine), ("old.parquet", old)])
    wide = coarse(fine, thresholds=(272_000,))
    with pytest.raises(LogError, match=r"old.parquet is not cut at .* input tokens"):
        merged([("new.parquet", fine), ("old.parquet", coarse(fine, thresholds=()))])
    assert merged([("one", wide), ("two", wide)]).cells.total("calls") == 6
    zone = replace(fine, billing_zone="Asia/Tokyo")
    with pytest.raises(LogError, match="one has months of UTC, two of Asia/Tokyo; build one of them again"):
        merged([("one", fine), ("two", zone)])


def test_months_of_a_billing_zone(tmp_path: Path, catalogue: Catalogue) -> None:
    # New York is five hours behind UTC in winter, four in summer
    times = ["2026-03-01T04:59:59Z", "2026-03-01T05:00:00Z", "2026-04-01T03:59:59Z", "2026-04-01T04:00:00Z"]
    file = log(tmp_path / "a.csv", *(f"{time},gpt-4o,1,0,0,,,a" for time in times))
    zone = "America/New_York"
    cube = written(usage_of(catalogue, file, billing_zone=zone).cube, tmp_path / "a.cube.parquet")
    for files, options in (([file], {"billing_zone": zone}), ([cube], {}), ([cube], {"billing_zone": zone})):
        (profile,) = usage_of(catalogue, *files, **options).profiles
        months = [(month.month, month.calls) for month in profile.months]
        assert months == [("2026-02", 1), ("2026-03", 2), ("2026-04", 1)]
    assert [m.month for m in usage_of(catalogue, file).profiles[0].months] == ["2026-03", "2026-04"]
    with pytest.raises(LogError, match="has months of America/New_York; build it again with --billing-zone UTC"):
        usage_of(catalogue, cube, billing_zone=UTC)
    with pytest.raises(InputError, match="Did you mean America/New_York"):
        usage_of(catalogue, file, billing_zone="America/New_Yrok")


def test_month_starts_of_a_zone_that_changed_its_clock() -> None:
    first, last = (midnight_us(day) for day in (dt.date(2026, 3, 15), dt.date(2026, 4, 15)))
    hours = [(cut // 3_600_000_000) % 24 for cut in cut_instants(first, last, [], "America/New_York")]
    assert hours == [5, 4]


def test_group_sums_are_exact_beyond_doubles() -> None:
    counts = np.array([2**53 + 1, 2**53 + 1, 2**62 - 1, 5], np.int64)
    assert group_sums(counts, np.array([0, 0, 1, 1]), 3) == [2**54 + 2, 2**62 + 4, 0]


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 2**61), st.integers(0, 2**61)), min_size=1))
def test_packed_keys_order_rows_and_tell_them_apart(lines: list[tuple[int, int, int]]) -> None:
    keys = packed([np.array(column) for column in zip(*lines, strict=True)])
    assert [lines[at] for at in np.argsort(keys, kind="stable")] == sorted(lines)
    codes, first = distinct(keys)
    assert [lines[first[code]] for code in codes] == lines
    assert [lines[at] for at in first] == sorted(set(lines))


def test_sums_that_no_log_reaches_are_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "a.csv"
    file.write_text("model,input_tokens,output_tokens,cost\n" + "gpt-4o,1,1,1000000000\n" * 10)
    with pytest.raises(LogError, match=r"above 2\^63 - 1"):
        usage_of(catalogue, file)


def test_a_source_that_would_count_twice_is_refused_by_name(tmp_path: Path, catalogue: Catalogue) -> None:
    file = log(tmp_path / "a.csv", "2026-05-01,gpt-4o,10,0,1,,,a")
    cubes = [written(usage_of(catalogue, file).cube, tmp_path / f"{name}.cube.parquet") for name in ("one", "two")]
    with pytest.raises(LogError, match=r"^a.csv in two.cube.parquet has the same content as a.csv in one.cube"):
        usage_of(catalogue, *cubes)
    with pytest.raises(LogError, match=r"^a.csv in the logs given beside it has the same content as a.csv in one.cube"):
        usage_of(catalogue, file, cubes[0])
