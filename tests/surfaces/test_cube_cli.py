"""``breakeven cube``, and a cube in place of a log."""

import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.surfaces.cli import main

HEADER = "timestamp,model,input_tokens,output_tokens,task\n"
DAY = ["--as-of", "2026-11-23"]

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "march.csv"
    file.write_text(HEADER + "2026-03-03,gpt-4o,1000000,100000,a\n2026-03-04,nobody,1,1,b\n2026-03-05,gpt-4o,x,1,a\n")
    return file


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def answer(capsys: Captured, *arguments: object) -> Any:
    assert run(*arguments, *DAY, "--format", "json") == 0
    return json.loads(capsys.readouterr().out)


def test_build_show_and_read(tmp_path: Path, log: Path, capsys: Captured) -> None:
    cube = tmp_path / "march.cube.parquet"
    assert run("cube", "build", log, "-o", cube, *DAY) == 0
    shown = capsys.readouterr().out
    assert "Rows in 3 = priced 1 + unpriced 1 + rejected 1; calls 2" in shown
    assert "rejected 1: input_tokens is not a whole number" in shown
    # gpt-4o: 2.50 and 10 USD per million
    document = answer(capsys, "cube", "show", cube)
    assert (document["cost_usd"], document["cells"], document["rescan"]) == (3.5, 2, [])
    assert document["rows"] == {"in": 3, "priced": 1, "unpriced": 1, "rejected": 1}
    from_log, from_cube = (answer(capsys, "logs", file) for file in (log, cube))
    assert from_cube | {"rejects": from_log["rejects"], "files": from_log["files"]} == from_log
    # what became of the rows of each file is not in a cube
    assert [file["rows"] for file in from_cube["files"]] == [file["rows"] for file in from_log["files"]]
    calls = ["--calls-per-month", "50k"]
    one, other = (answer(capsys, "finetune", "--from-log", file, *calls) for file in (log, cube))
    assert one == other


def test_merge(tmp_path: Path, log: Path, capsys: Captured) -> None:
    april = tmp_path / "april.csv"
    april.write_text(HEADER + "2026-04-03,gpt-4o,1000000,0,a\n")
    cubes = [tmp_path / f"{file.stem}.cube.parquet" for file in (log, april)]
    for file, cube in zip((log, april), cubes, strict=True):
        assert run("cube", "build", file, "-o", cube) == 0
    both = tmp_path / "both.cube.parquet"
    assert run("cube", "merge", *cubes, "-o", both) == 0
    capsys.readouterr()
    document = answer(capsys, "cube", "show", both)
    assert (document["cost_usd"], document["rows"]["in"], len(document["sources"])) == (6.0, 4, 2)
    assert run("cube", "merge", *cubes, both, "-o", tmp_path / "x.parquet") == 2
    message = capsys.readouterr().err
    assert message.startswith("breakeven: march.csv in both.cube.parquet has the same content as march.csv in ")
    assert not (tmp_path / "x.parquet").exists()
    assert run("cube", "merge", *cubes, both, "-o", tmp_path / "x.parquet", "--count-twice") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cube", "show", "{log}"], "is no cube; make one with: breakeven cube build"),
        (["cube", "show", "{log}.none"], "no such file"),
        (["cube", "build", "{log}"], "--output"),
        (["cube", "build", "-o", "{log}.parquet"], "No log file"),
        (["cube", "build", "{log}", "-o", "{log}"], "is one of the files that are read"),
        (["cube", "build", "{log}", "-o", "{log}.d/x.parquet"], "its folder does not exist"),
        (["cube", "merge", "{log}", "-o", "{log}.parquet"], "Two cubes or more"),
        (["cube", "build", "{log}", "-o", "{log}.parquet", "--billing-zone", "Mars"], "No time zone 'Mars'"),
    ],
)
def test_mistakes_are_one_line(log: Path, arguments: list[str], words: str, capsys: Captured) -> None:
    assert run(*(argument.replace("{log}", str(log)) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [file.name for file in log.parent.iterdir()] == ["march.csv"]
