"""
Each sample log gives the rows written beside it, and they are those of its folder's reader.

A person reads the difference: ``python tests/usage/test_samples.py`` writes all expectations anew.
"""

import json
from pathlib import Path

import pytest
from usage_logs import LOGS, expected_file, result_of, samples

from breakeven.usage.readers import READERS


@pytest.mark.parametrize("sample", samples(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_sample_gives_the_rows_beside_it(sample: Path) -> None:
    assert result_of(sample) == json.loads(expected_file(sample).read_text())


@pytest.mark.parametrize("sample", samples(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_sample_is_claimed_by_the_reader_of_its_folder(sample: Path) -> None:
    assert json.loads(expected_file(sample).read_text())["reader"] == sample.parent.name


def test_every_reader_has_a_sample_and_every_expectation_belongs_to_one() -> None:
    assert {sample.parent.name for sample in samples()} == {reader.name for reader in READERS}
    assert set(LOGS.glob("*/*.expected.json")) == {expected_file(sample) for sample in samples()}


def write() -> None:
    """Write what is read now as what is expected."""
    for sample in samples():
        result = result_of(sample)
        rows = ",\n  ".join(json.dumps(row) for row in result.pop("rows"))
        head = json.dumps(result)[:-1]
        expected_file(sample).write_text(f'{head},\n "rows": [\n  {rows}\n]}}\n')


if __name__ == "__main__":
    write()
