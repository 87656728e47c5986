"""Evaluation tables: every row used or left out with a reason, whatever the notation; nothing guessed."""

import gzip
import json
from pathlib import Path

import duckdb
import pytest

from breakeven.errors import LogError
from breakeven.surfaces.cli import main
from breakeven.usage.evaluation import Evaluation, read_evaluation

EXAMPLE = Path(__file__).parents[2] / "examples" / "evaluation.csv"


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def conserved(found: Evaluation) -> Evaluation:
    assert found.rows_in == len(found.rows) + sum(found.left_out.values())
    return found


def test_messy_cells_are_read_or_left_out_with_a_reason(tmp_path: Path) -> None:
    text = (
        'Item,Model,Overall Acc,Total Cost ($)\n1,a,72.51%,"$1,298.47"\n2,a,N/A,1\n3,a,85,1\n4,a,0.5,N/A\n5,,70%,1\n'
        "6,a,wrong words,1\n7,a,60%\n8,a,60%,-1\n"
    )
    found = conserved(read_evaluation(written(tmp_path, text), {"score": "Overall Acc", "cost_usd": "Total Cost ($)"}))
    assert found.rows == [
        {"item": "1", "model": "a", "score": 0.7251, "cost_usd": 1298.47},
        {"item": "4", "model": "a", "score": 0.5},
        {"item": "8", "model": "a", "score": 0.6},
    ]
    assert found.left_out == {
        "no score": 1,
        "no model": 1,
        "its score is not a number": 1,
        "not a row of the table": 1,
        "its score is not on the scale of the others, which are percentages": 1,
    }


def test_all_notations_hold_the_same(tmp_path: Path) -> None:
    rows = [{"item": "x", "model": "a", "score": True, "cost_usd": 0.25}, {"item": "y", "model": "a", "score": False}]
    lines = written(tmp_path, "\n".join(map(json.dumps, rows)), "a.jsonl")
    array = written(tmp_path, json.dumps(rows, indent=1), "a.json")
    text = "item;model;score;cost_usd\nx;a;true;0.25\ny;a;no;\n"
    semicolons = written(tmp_path, text)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    parquet = tmp_path / "a.parquet"
    duckdb.sql(f"SELECT * FROM read_csv('{semicolons}')").write_parquet(str(parquet))
    found = [conserved(read_evaluation(file)).rows for file in (lines, array, semicolons, packed, parquet)]
    assert found[0] == [
        {"item": "x", "model": "a", "score": 1, "cost_usd": 0.25},
        {"item": "y", "model": "a", "score": 0},
    ]
    assert all(each == found[0] for each in found)


def test_several_scores_in_a_row(tmp_path: Path) -> None:
    wide = written(tmp_path, 'prompt,subject,a_ok,b_ok\n"two\nlines",m,1,0\nq,m,N/A,1\n')
    found = conserved(read_evaluation(wide, {"score:a": "a_ok", "score:b": "b_ok"}))
    assert found.rows_in == 4
    assert [(row["item"], row["task"], row["model"], row["score"]) for row in found.rows] == [
        ("two lines", "m", "a", 1),
        ("two lines", "m", "b", 0),
        ("q", "m", "b", 1),
    ]
    tasks = written(tmp_path, "Model,Live,Multi\na,50%,40%\n")
    by_task = read_evaluation(tasks, {"score:live": "Live", "score:multi": "Multi"})
    assert [(row["task"], row["model"]) for row in by_task.rows] == [("live", "a"), ("multi", "a")]


def test_long_items_may_be_prompts_and_are_not_kept(tmp_path: Path) -> None:
    found = read_evaluation(written(tmp_path, f"prompt,model,score\n{'secret words ' * 20},a,1\n"))
    assert "secret" not in str(found)
    assert found.rows[0]["item"].startswith("text-")


def test_rows_can_be_kept_by_a_column(tmp_path: Path) -> None:
    file = written(tmp_path, "item,model,score,strategy\n1,a,1,cheap\n2,a,1,strong\n3,a,1,mixed\n")
    found = conserved(read_evaluation(file, where={"strategy": ["cheap", "strong"]}))
    assert (len(found.rows), found.left_out) == (2, {"filtered out": 1})


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("item,model,x\n1,a,1\n", {}, "no column for the score"),
        ("item,score\n1,1\n", {}, "no column for the model"),
        ("item,model,score\n1,a,1\n", {"score": "skore"}, "no column 'skore'. Did you mean score"),
        ("item,model,score\n1,a,1\n", {"scores": "score"}, "No column 'scores' to name. Did you mean score"),
        ("item,model,score\n", {}, "has no rows"),
        ("item,model,score\n1,a,N/A\n", {}, "no row can be used: 1 no score"),
        ("[1, 2", {}, "JSON array"),
    ],
)
def test_what_is_no_evaluation_is_said(tmp_path: Path, text: str, columns: dict[str, str], said: str) -> None:
    with pytest.raises(LogError) as error:
        read_evaluation(written(tmp_path, text), columns)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_example_is_read_whole() -> None:
    found = conserved(read_evaluation(EXAMPLE))
    assert (found.rows_in, len(found.rows), found.left_out) == (361, 360, {"no score": 1})


def test_the_command_reads_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["route", "--calls-per-month", "100k", "--evaluation", str(EXAMPLE), "--as-of", "2026-11-23"]
    assert main([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["evaluation"]
    assert found["rows"] == {"in": 361, "used": 360, "left_out": 1}
    assert (found["first_items"], found["second_items"]) == (60, 60)
    assert main([*arguments, "--eval-columns", "score"]) == 2
    assert "write it as NAME=COLUMN" in capsys.readouterr().err
    assert main(["route", "--calls-per-month", "1", "--eval-columns", "score=correct"]) == 2
    assert "need --evaluation" in capsys.readouterr().err
