"""
Which field of a log names the task, where its format has none: the most telling key among its metadata.

Keys whose names say what they are come first, in the order of ``TELLING``. Any other key counts only inside metadata,
and only where it tells something of the calls: their model, and the size of their input and output.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

SAMPLE_ROWS = 5000
"""Rows of a file, from its beginning, that the choice is made from."""

TELLING: tuple[frozenset[str], ...] = (
    frozenset({"task", "usecase", "promptname", "prompttemplate", "function", "feature", "template"}),
    frozenset({"workflow", "agent", "operation", "component", "step", "stage", "node", "job", "intent", "purpose"}),
    frozenset({"skill", "action", "pipeline", "application", "app", "service", "project", "product", "team"}),
)
"""Words in the name of a key that names tasks, the surest first."""

NEVER = frozenset(
    "id ids uuid guid session sessions user users customer client tenant email ip trace span request key token tokens"
    " hash version time timestamp date day month year created updated started ended start end duration latency env"
    " environment region host url path model provider status object role finish fingerprint tier stream cached cost"
    " currency error level lang locale country text content input output question answer message messages query"
    " completion response instruction instructions system body title description comment label category class score"
    " result expected target verdict topic phone address prompt prompts secret password".split()
)
"""Words in the name of a key that names no task: identities, times, and what may be text of a prompt or an answer."""

METADATA = ("metadata", "tags", "properties", "labels", "extra", "request_properties", "requestMetadata")
"""Fields that hold keys of the user's own, as an object or as JSON text."""

INNER = ("spend_logs_metadata", "requester_metadata")
"""Objects inside metadata that hold more of them."""

NAME = re.compile(r"\w[\w.:/+|# -]{0,63}")
PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]{0,39}")
TAG = re.compile(r"([A-Za-z_][\w-]{0,39}[:=])(.+)")
"""A tag that is a key with its value."""

MOST_TAGS = 5
"""So many tags of a list are looked at by their place."""

MOST_WORDS = 4
MOST_CANDIDATES = 12

LEAST_COVERAGE = 0.5
MOST_VALUES = 50
LEAST_CALLS_A_VALUE = 5
LEAST_BITS = 0.1
"""A key without a telling name must say at least so much of the shape of a call. [bit]"""


def candidates(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Paths, as readers write them, of fields of JSON rows that may name a task."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen.update({path for path, value in _leaves(row) if isinstance(value, str)})
    ranked = sorted(seen, key=lambda path: (rank(path), -seen[path], path))
    return [path for path in ranked if _may_name(path)][:MOST_CANDIDATES]


def table_candidates(names: Iterable[str], metadata: Sequence[dict[str, Any]] = ()) -> list[str]:
    """
    Columns of a table whose names say that they name a task, and keys inside its columns of metadata.

    Parameters
    ----------
    metadata : sequence of dict, optional
        Of the first rows what stands in the columns of ``METADATA``, as of JSON.
    """
    telling = [name for name in names if _may_name(name) and rank(name) < len(TELLING)]
    inside = [path for path in candidates(metadata) if path not in telling]
    return sorted([*telling, *inside], key=lambda path: (rank(path), path in inside, path))[:MOST_CANDIDATES]


def rank(path: str) -> int:
    """Place of a key's name in ``TELLING``, its length where it says nothing."""
    words = _words(path)
    joined = {*words, *(first + second for first, second in pairwise(words))}
    return next((place for place, telling in enumerate(TELLING) if joined & telling), len(TELLING))


def choose(paths: Sequence[str], calls: Sequence[Sequence[Any]]) -> str | None:
    """
    The field that names the task, None where none does.

    Parameters
    ----------
    paths : sequence of str
        Candidates.
    calls : sequence
        Of each sampled call: model, input tokens, output tokens, then its value of every candidate.
    """
    best: tuple[int, float, int] | None = None
    for number, path in enumerate(paths):
        values = [call[3 + number] for call in calls]
        known = [value for value in values if value is not None]
        counts = Counter(known)
        if len(known) < LEAST_COVERAGE * len(calls) or not all(map(is_name, counts)):
            continue
        place = rank(path)
        few = len(counts) <= min(MOST_VALUES, max(1, len(known) // LEAST_CALLS_A_VALUE))
        bits = information_bits(values, [_shape(call) for call in calls])
        if not few or (place == len(TELLING) and (len(counts) < 2 or bits < LEAST_BITS)):
            continue
        key = (place, -bits, number)
        best = key if best is None else min(best, key)
    return None if best is None else paths[best[2]]


def information_bits(one: Sequence[Any], other: Sequence[Any]) -> float:
    """
    What one variable tells of another, from pairs of their values: mutual information, never below 0. [bit]

    Less the bias of few observations, (a - 1)(b - 1) / (2 n ln 2) for a and b different values (Miller and Madow).
    """
    return information_of(Counter(zip(one, other, strict=True)))


def information_of(pairs: Mapping[tuple[Any, Any], int]) -> float:
    """As ``information_bits``, from how often each pair occurs. [bit]"""
    first, second = Counter[Any](), Counter[Any]()
    for (a, b), calls in pairs.items():
        first[a] += calls
        second[b] += calls
    count = first.total()
    found = math.fsum(n / count * math.log2(n * count / (first[a] * second[b])) for (a, b), n in pairs.items())
    bias = (len(first) - 1) * (len(second) - 1) / (2 * count * math.log(2)) if count else 0.0
    return max(0.0, found - bias)


def is_name(value: Any) -> bool:
    """Whether a value is short enough, and made of such characters, that it names something."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None and len(value.split()) <= MOST_WORDS


def _shape(call: Sequence[Any]) -> tuple[Any, int, int]:
    """A call's model, and its input and output to the power of two."""
    return call[0], int(call[1] or 0).bit_length(), int(call[2] or 0).bit_length()


def _words(path: str) -> list[str]:
    """The words of a field's own name, lower case: of ``metadata.promptName`` prompt and name."""
    last = re.split(r"[.>]", path)[-1]
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", last)]


def _may_name(path: str) -> bool:
    words = _words(path)
    joined = "".join(words)
    return joined in TELLING[0] or not NEVER & set(words)


def _leaves(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields at the top that have a telling name, and all inside metadata."""
    for key, value in row.items():
        if PLAIN_KEY.fullmatch(key) and rank(key) < len(TELLING):
            yield key, value
    for key in METADATA:
        yield from _inside(key, ".", row.get(key), deeper=True)


def _inside(base: str, join: str, value: Any, *, deeper: bool) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str) and value.startswith("{") and join == "." and deeper:
        try:
            value, join = json.loads(value), ">"
        except (ValueError, RecursionError):
            return
    if isinstance(value, list) and join == ".":
        yield from _tags(base, value)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if not PLAIN_KEY.fullmatch(key):
            continue
        if key in INNER and deeper and isinstance(inner, dict):
            yield from _inside(f"{base}{join}{key}", ".", inner, deeper=False)
        elif isinstance(inner, list):
            yield from _tags(f"{base}{join}{key}", inner)
        else:
            yield f"{base}{join}{key}", inner


def _tags(path: str, tags: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Tags of a list by their place, and those that are a key with its value by that key: ``tags[task:]``."""
    for place, tag in enumerate(tags):
        if not isinstance(tag, str):
            continue
        if found := TAG.fullmatch(tag):
            yield f"{path}[{found[1]}]", found[2]
        elif place < MOST_TAGS:
            yield f"{path}.{place}", tag
