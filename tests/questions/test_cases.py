"""Every YAML case: a question as a user writes it, and the numbers worked out by hand beside it."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from breakeven.catalogue.load import Catalogue
from breakeven.questions.registry import QUESTIONS

FOLDER = Path(__file__).parents[1] / "cases"
AS_OF = dt.date(2026, 11, 23)
CASES = {
    f"{file.stem}:{case['id']}": case
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
}


def look_up(document: Any, path: str) -> Any:
    """``options.0.lines`` -> document["options"][0]["lines"]."""
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, catalogue: Catalogue) -> None:
    case = CASES[name]
    stem = name.partition(":")[0]
    kind = QUESTIONS[stem if stem in QUESTIONS else case.get("kind", "finetune")]
    document = kind.reply({"as_of": AS_OF} | case["question"], catalogue, AS_OF).to_dict()
    wrong = []
    for path, want in case["expect"].items():
        got = look_up(document, path)
        if isinstance(want, int | float) and not isinstance(want, bool):
            close = got is not None and abs(got - want) <= max(1e-4 * abs(want), 5e-5)
        else:
            close = got == want
        if not close:
            wrong.append(f"{path}: {got} instead of {want}")
    assert case["expect"], "a case without expectations proves nothing"
    assert not wrong, "\n".join(wrong)


def test_every_published_error_is_named() -> None:
    named = [case["id"] for key, case in CASES.items() if key.startswith("worked_examples") and "error" in case]
    assert len(named) >= 12
    assert all(case.get("source") for key, case in CASES.items() if key.startswith("worked_examples"))
