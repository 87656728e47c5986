"""The library call ``breakeven.usage(frame)``."""

import datetime as dt
import subprocess
import sys

import polars as pl
import pytest

import breakeven
from breakeven.usage.of_frame import usage_of

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
