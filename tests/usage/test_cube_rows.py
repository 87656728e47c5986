"""What cubes keep beside their sums: rows by file, calls with a stated cost of 0, what prompts of a task have alike."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_cube_file import written
from usage_logs import write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.surfaces.cli import main
from breakeven.usage import Usage, read_usage
from breakeven.usage.accounts import by_source
from breakeven.usage.alike import Alike, Common, added_alike, alike_of
from breakeven.usage.prompt_facts import PromptFacts

AS_OF = dt.date(2026, 11, 23)
HEADER = "model,input_tokens,output_tokens,cost_usd,timestamp\n"

GOOD = "gpt-5,100,10,0.5,2026-01-02\n"
FREE = "gpt-5,100,10,0,2026-01-02\n"
STRANGE = "nobody-lists-it,100,10,,2026-01-02\n"
BAD = "gpt-5,x,10,,2026-01-02\n"


def read(catalogue: Catalogue, *files: Path, **options: Any) -> Usage:
    return read_usage(files, table=catalogue.prices, as_of=AS_OF, **options)


def log(folder: Path, name: str, *rows: str) -> Path:
    file = folder / f"{name}.csv"
    file.write_text(HEADER + "".join(rows), encoding="utf-8")
    return file


def fates(usage: Usage) -> list[tuple[Any, ...]]:
    return [(each.name, each.rows, each.priced, each.unpriced, each.rejected, each.reasons) for each in usage.files]


def test_a_cube_keeps_what_became_of_the_rows_of_each_file(tmp_path: Path, catalogue: Catalogue) -> None:
    files = [
        log(tmp_path, "a", GOOD, FREE, BAD),
        log(tmp_path, "b", STRANGE, STRANGE, BAD, BAD, GOOD),
        log(tmp_path, "c", STRANGE),
    ]
    usage = read(catalogue, *files)
    assert [fate[1:5] for fate in fates(usage)] == [(3, 2, 0, 1), (5, 1, 2, 2), (1, 0, 1, 0)]
    whole = written(usage.cube, tmp_path / "all.cube.parquet")
    assert fates(read(catalogue, whole)) == fates(usage)
    parts = [written(read(catalogue, file).cube, tmp_path / f"{file.stem}.cube.parquet") for file in files]
    assert fates(read(catalogue, *parts)) == fates(usage)
    merged = tmp_path / "merged.cube.parquet"
    assert main(["cube", "merge", *map(str, parts), "-o", str(merged)]) == 0
    assert fates(read(catalogue, merged)) == fates(usage)
    assert sorted(fates(read(catalogue, *parts[:2], files[2]))) == fates(usage)


def test_where_a_cube_cannot_tell_it_does_not_guess(tmp_path: Path, catalogue: Catalogue) -> None:
    """Rows of one model in two files, in two cells of which one has no price: whose row that is is not in the sums."""
    later = GOOD.replace("01-02", "02-02")
    usage = read(catalogue, log(tmp_path, "a", GOOD, BAD), log(tmp_path, "b", GOOD, later), log(tmp_path, "c", STRANGE))
    reasons = ["no price on that day" if cell.model == "gpt-5" and cell.rows == 1 else "" for cell in usage.cube.cells]
    assert sum(map(bool, reasons)) == 1
    files = by_source(usage.cube, SimpleNamespace(unpriced_rows=1, reasons=reasons))  # type: ignore[arg-type]
    assert [(file.priced, file.unpriced, file.rejected) for file in files] == [
        (None, None, 1),
        (None, None, 0),
        (1, 0, 0),
    ]


def test_the_printed_answer_of_a_cube_says_it(
    tmp_path: Path, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = read(catalogue, log(tmp_path, "a", GOOD, BAD), log(tmp_path, "b", STRANGE))
    cube = written(usage.cube, tmp_path / "x.cube.parquet")
    assert main(["logs", str(cube), "--as-of", "2026-11-23"]) == 0
    out = capsys.readouterr().out
    assert "a.csv: read as table, 2 rows = 1 priced + 0 unpriced + 1 rejected" in out
    assert "b.csv: read as table, 1 rows = 0 priced + 1 unpriced + 0 rejected" in out


def test_a_source_whose_rows_do_not_add_up_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = read(catalogue, log(tmp_path, "a", GOOD, BAD), log(tmp_path, "b", GOOD))
    first, second = usage.cube.source_rows
    assert first is not None
    wrong = replace(usage.cube, source_rows=(replace(first, rejected=()), second))
    with pytest.raises(Exception, match=r"the rows of a.csv are not those that became of them"):
        read(catalogue, written(wrong, tmp_path / "x.cube.parquet"))


def test_calls_that_state_a_cost_of_0_are_kept(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = read(catalogue, log(tmp_path, "a", FREE, FREE, STRANGE))
    back = read(catalogue, written(usage.cube, tmp_path / "a.cube.parquet"))
    assert [(each.model, each.zero_calls, each.cause) for each in back.price_checks] == [("gpt-5", 2, "zero_stated")]
    assert back.price_checks == usage.price_checks
    other = written(read(catalogue, log(tmp_path, "b", FREE)).cube, tmp_path / "b.cube.parquet")
    both = read(catalogue, tmp_path / "a.cube.parquet", other)
    assert [(each.model, each.zero_calls) for each in both.price_checks] == [("gpt-5", 3)]


def chats(folder: Path, name: str, system: str, texts: list[str]) -> Path:
    """Spend-log rows with a system prompt and a user's message each."""
    row = {"spend": 0.1, "prompt_tokens": 10, "completion_tokens": 1, "startTime": "2026-05-01", "model": "gpt-4o"}
    rows = [
        row
        | {"request_tags": ["t"], "metadata": {"from": name}}
        | {"messages": [{"role": "system", "content": system}, {"role": "user", "content": text}]}
        for text in texts
    ]
    return write_lines(folder / f"{name}.jsonl", rows)


def prompts_of(usage: Usage) -> PromptFacts:
    (task,) = usage.facts
    assert task.prompts is not None
    return task.prompts


def test_the_template_of_a_task_in_several_cubes(tmp_path: Path, catalogue: Catalogue) -> None:
    """Two months of one system prompt: what the cubes say together is what the logs say together."""
    system = "You sort letters by topic. " * 10
    files = [chats(tmp_path, "a", system, ["x" * 90, "y" * 80]), chats(tmp_path, "b", system, ["z" * 70] * 3)]
    cubes = [written(read(catalogue, file).cube, tmp_path / f"{file.stem}.cube.parquet") for file in files]
    direct, added = prompts_of(read(catalogue, *files)), prompts_of(read(catalogue, *cubes))
    assert direct.first_is_system
    assert direct.first_chars == len(system)
    for name in ("template_characters", "first_calls", "first_chars", "first_is_system", "tools", "characters"):
        assert getattr(added, name) == getattr(direct, name), name


def test_half_of_all_calls_may_be_one_cube(tmp_path: Path, catalogue: Catalogue) -> None:
    """Six calls with one prompt and two with another: the first is that of most, whatever the second cube hides."""
    files = [chats(tmp_path, "a", "A" * 300, ["x"] * 6), chats(tmp_path, "b", "B" * 100, ["y"] * 2)]
    cubes = [written(read(catalogue, file).cube, tmp_path / f"{file.stem}.cube.parquet") for file in files]
    added = prompts_of(read(catalogue, *cubes))
    assert (added.first_chars, added.first_calls) == (300, 6)


def alike(key: int, calls: int, engine: str = "1") -> Alike:
    return Alike(Common(key, calls, 200, 1), Common(0, calls, 0, 0), ((key, calls),), engine)


@pytest.mark.parametrize(
    ("parts", "template", "first_calls", "first_chars"),
    [
        # 60 + 60 of 200 have it
        ([(alike(1, 60), 100, 100), (alike(1, 60), 100, 100)], 120 * 200, 120, 200),
        # 60 of 200 surely, up to 100 perhaps: not known
        ([(alike(1, 60), 100, 100), (alike(2, 60), 100, 100)], None, None, None),
        # of 230 the commonest has 95 surely, and 10 more at most: not half of them
        ([(alike(1, 90), 100, 100), (alike(2, 95), 100, 100), (alike(3, 30), 30, 30)], 0, 95, None),
        # hashes of beginnings by two engines are not compared, those of system prompts are
        ([(alike(1, 60), 100, 100), (alike(1, 60, "2"), 100, 100)], 120 * 200, 120, 200),
    ],
)
def test_what_is_known_of_several_cubes(
    parts: list[tuple[Alike, int, int]], template: int | None, first_calls: int | None, first_chars: int | None
) -> None:
    found, fields = added_alike(parts)
    assert (fields["template_characters"], fields["first_calls"], fields["first_chars"]) == (
        template,
        first_calls,
        first_chars,
    )
    assert alike_of(found.text()) == found
    assert json.loads(found.text())["first"]["key"] == found.first.key if found.first else True


def test_zero_calls_of_rejected_rows_are_none(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = read(catalogue, log(tmp_path, "a", GOOD, "gpt-5,100,x,0,2026-01-02\n"))
    assert usage.cube.zero_calls == ()
