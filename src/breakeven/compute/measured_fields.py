"""One run of a serving benchmark, and how its numbers are taken from what its tool wrote."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from breakeven.errors import InputError

TOOLS = "vllm bench serve --save-result, GuideLLM, AIPerf or genai-perf"


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """
    One run at one load. What the server ran on is not in it: no tool records GPUs, their number or the precision.

    run : file and number of the run, for messages.
    tool, model : as recorded; day : of the run. Null where not recorded.
    concurrency : requests in flight, offered or (see ``notes``) from Little's law.
    input_tokens, output_tokens : mean of a request. [tokens]
    requests_s, output_tokens_s : of the whole server. [1/s, tokens/s]
    token_s : mean time between two tokens of one request. [s]
    first_token_s, first_token_s_p99 : mean and 99th percentile of the time to the first token. [s]
    latency_s : mean time of a whole request. [s]
    completed, failed : requests; failed is null where not recorded.
    """

    run: str
    tool: str
    model: str | None
    day: dt.date | None
    concurrency: float
    input_tokens: float
    output_tokens: float
    requests_s: float
    output_tokens_s: float
    token_s: float
    first_token_s: float
    first_token_s_p99: float | None
    latency_s: float
    completed: int
    failed: int | None
    notes: tuple[str, ...] = ()


class Fields:
    """
    Numbers of one run by the path to them; messages name the run and the path.

    Parameters
    ----------
    record : mapping
        The run as its tool wrote it.
    run : str
        What to call it.
    """

    def __init__(self, record: Mapping[str, Any], run: str) -> None:
        self.record = record
        self.run = run

    def get(self, path: str) -> Any:
        """What stands at ``a.b.c``, null where any part is missing."""
        here: Any = self.record
        for part in path.split("."):
            if not isinstance(here, Mapping) or part not in here:
                return None
            here = here[part]
        return here

    def optional(self, *paths: str) -> float | None:
        """The first number among ``paths``, null where there is none. Raises InputError where it is no number."""
        for path in paths:
            value = self.get(path)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InputError(f"{self.run}: {path} is not a number; repeat the benchmark")
            return float(value)
        return None

    def number(self, *paths: str) -> float:
        """The first number among ``paths``. Raises InputError where it is missing or not above 0."""
        value = self.optional(*paths)
        if value is None:
            raise InputError(f"{self.run}: {' or '.join(paths)} is missing; give a file of {TOOLS}, not cut short")
        if value <= 0:
            raise InputError(f"{self.run}: {paths[0]} is {value:g}, not above 0; repeat the benchmark")
        return value

    def text(self, *paths: str) -> str | None:
        """The first text among ``paths``, or the first of a list of texts; null where there is none."""
        for path in paths:
            value = self.get(path)
            if isinstance(value, list) and value:
                value = value[0]
            if isinstance(value, str) and value:
                return value
        return None
