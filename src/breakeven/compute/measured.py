"""A benchmark of one's own server, as written by vLLM, GuideLLM, AIPerf or genai-perf, to checked points."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from breakeven.compute.measured_fields import TOOLS, MeasuredPoint
from breakeven.compute.measured_formats import READERS
from breakeven.errors import InputError

__all__ = ["MeasuredPoint", "read_benchmark", "read_benchmarks"]

MOST_FAILED = 0.02
"""Share of completed requests that may have failed."""

MOST_UNSTEADY = 0.15
"""Share by which concurrency may differ from requests per second times mean latency (Little's law)."""


def read_benchmark(path: Path | str) -> tuple[MeasuredPoint, ...]:
    """
    The runs of one benchmark file, in its order.

    Parameters
    ----------
    path : path
        JSON, or JSON lines as ``vllm bench serve --append-result`` writes them.

    Raises
    ------
    InputError
        The file cannot be read or is none of the formats, a field is missing or no number, more than 2 % of the
        requests failed, or concurrency differs from requests per second times mean latency by more than 15 %.
    """
    file = Path(path)
    points: list[MeasuredPoint] = []
    records = _records(file)
    for place, record in enumerate(records, 1):
        run = file.name if len(records) == 1 else f"{file.name}, run {place}"
        points += _points(record, run)
    if not points:
        raise InputError(f"{file.name}: holds no run; give a file of {TOOLS}")
    return tuple(checked(point) for point in points)


def read_benchmarks(paths: Iterable[Path | str]) -> tuple[MeasuredPoint, ...]:
    """The runs of several files, one after another. Raises InputError as ``read_benchmark``."""
    return tuple(point for path in paths for point in read_benchmark(path))


def checked(point: MeasuredPoint) -> MeasuredPoint:
    """The point itself. Raises InputError where too much failed, or the load was not steady."""
    if point.failed and point.failed > MOST_FAILED * point.completed:
        raise InputError(
            f"{point.run}: {point.failed} requests failed for {point.completed} that completed, more than "
            f"{MOST_FAILED:.0%}; repeat the benchmark at a load that the server takes"
        )
    held = point.requests_s * point.latency_s
    if abs(point.concurrency - held) > MOST_UNSTEADY * point.concurrency:
        raise InputError(
            f"{point.run}: concurrency {point.concurrency:g}, but requests per second times mean latency is "
            f"{held:.3g}, more than {MOST_UNSTEADY:.0%} apart: the load was not steady; send at least ten times as "
            "many requests as the concurrency"
        )
    return point


def _records(file: Path) -> list[Mapping[str, Any]]:
    """The objects of a JSON or JSON-lines file."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file.name}: not UTF-8 text; give a file of {TOOLS}") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or type(error).__name__}") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = [_line(file, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    records = found if isinstance(found, list) else [found]
    if not records or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{file.name}: holds no JSON object; give a file of {TOOLS}")
    return records


def _line(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(
            f"{file.name}: line {number} is not JSON, nor is the whole file; give a file of {TOOLS}, not cut short"
        ) from None


def _points(record: Mapping[str, Any], run: str) -> list[MeasuredPoint]:
    """The runs in one record, not checked yet. Raises InputError where no format fits."""
    for claims, read in READERS:
        if claims(record):
            return read(record, run)
    raise InputError(f"{run}: not a benchmark that can be read; give a file of {TOOLS}")
