"""A column map proposed for a file that no reader knows, from its field names and its numbers."""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from breakeven.usage.column_map import CACHES, dump_line, value_at
from breakeven.usage.lines import csv_names
from breakeven.usage.readers.reader import BOM, header

if TYPE_CHECKING:
    import duckdb

LOOKED_AT = 200
"""Rows of a file's beginning that are looked at."""

NUMBER, TEXT, TRUTH = "number", "text", "truth"

TOKEN = r"(tokens?|token_counts?|toks?|tokens_count)"
INTO, OUT = "(input|prompt|request|context|in)", "(output|completion|generated|generation|response|answer|out)"
PATTERNS: tuple[tuple[str, str, str], ...] = (
    ("cache_write_long_tokens", NUMBER, r"cach.*(1h|hour|long)"),
    ("cache_write_short_tokens", NUMBER, r"cach.*(write|writ|creat|5m)"),
    ("cache_read_tokens", NUMBER, r"cach"),
    ("reasoning_tokens", NUMBER, r"(reason|think|thought)"),
    ("total_tokens", NUMBER, rf"total(_{TOKEN})?$|{TOKEN}_total$"),
    (
        "input_tokens",
        NUMBER,
        rf"(^|_){INTO}_{TOKEN}$|{TOKEN}_{INTO}$|(n|num|count)_{INTO}(_{TOKEN})?$|{TOKEN}_.*_{INTO}$",
    ),
    ("output_tokens", NUMBER, rf"(^|_){OUT}_{TOKEN}$|{TOKEN}_{OUT}$|(n|num|count)_{OUT}(_{TOKEN})?$|{TOKEN}_.*_{OUT}$"),
    ("cost_usd", NUMBER, r"(^|_)(costs?|spend|spent|price|charge|amount)(_|$)|(^|_)usd$"),
    (
        "timestamp",
        "",
        r"(^|_)(timestamp|created|created_at|started_at|start_time|startedat|time|datetime|date|ts|at|when)(_(s|ms|us|ns|utc))?$",
    ),
    ("calls", NUMBER, r"(^|_)(calls|requests|num_requests|request_count|call_count|num_calls)$"),
    ("batch", TRUTH, r"(^|_)(is_)?batch$"),
    ("ok", TRUTH, r"(^|_)(ok|success|succeeded)$"),
    ("status", "", r"(^|_)(status|status_code|outcome)$"),
    ("service_tier", TEXT, r"(^|_)(service_)?tier$"),
    ("provider", TEXT, r"(^|_)(provider|vendor)(_name)?$"),
    ("model", TEXT, r"(^|_)(model|deployment|engine|llm)(_(name|id))?$"),
    ("task", TEXT, r"(^|_)(task|task_name|feature|use_case|usecase|function_name|workflow|route|endpoint|operation)$"),
)
"""Canonical name, kind of its values ("" for any), and how such fields are called, words joined by underscores."""

FAMILIES = "gpt|chatgpt|o[134]|claude|gemini|gemma|llama|mistral|mixtral|magistral|codestral|command|deepseek|qwen|grok"
FAMILIES += "|nova|titan|phi|kimi|glm|text-embedding|embed|sonar|palmyra|jamba"
MODEL_NAME = re.compile(rf"([\w.-]+/)*([a-z]+\.)*({FAMILIES})[-.:@\w]*", re.IGNORECASE)
"""What a model's name looks like, in fields whose own name does not say that they hold one."""

WEAK = (
    ("input_tokens", NUMBER, rf"(^|_){INTO}_(len|length|size)$"),
    ("output_tokens", NUMBER, rf"(^|_){OUT}_(len|length|size)$"),
)
"""How fields are called that may hold tokens, or characters: a person has to say."""

ORDER = (
    *("model", "provider", "timestamp", "task", "input_tokens", *CACHES, "output_tokens", "reasoning_tokens"),
    *("calls", "cost_usd", "status", "ok", "batch", "service_tier"),
)


@dataclass(frozen=True)
class Seen:
    """
    The beginning of a file.

    names : its columns, or the keys of its JSON objects.
    rows : JSON objects, or records by column.
    is_json : whether dots in a path go into objects.
    """

    names: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    is_json: bool


def seen_json(rows: Sequence[Mapping[str, Any]]) -> Seen:
    """What JSON objects hold."""
    return Seen(tuple(dict.fromkeys(key for row in rows for key in row)), tuple(rows[:LOOKED_AT]), True)


def seen_table(head: bytes) -> Seen:
    """What the records of a delimited text hold; a last one that is cut short is left out."""
    names = csv_names(head)
    text = head.removeprefix(BOM).decode("utf-8", "replace")
    rows = []
    try:
        for record in csv.reader(io.StringIO(text), delimiter=header(head)[0]):
            if len(record) == len(names):
                rows.append(dict(zip(names, record, strict=True)))
            if len(rows) > LOOKED_AT:
                break
    except csv.Error:
        pass
    return Seen(tuple(names), tuple(rows[1:]), False)


def seen_parquet(engine: "duckdb.DuckDBPyConnection", rows: str, types: Mapping[str, str]) -> Seen:
    """What the rows of a Parquet file hold."""
    found = engine.execute(f"SELECT * EXCLUDE (file_row_number) FROM {rows} LIMIT {LOOKED_AT}").fetchall()
    return Seen(tuple(types), tuple(dict(zip(types, row, strict=True)) for row in found), False)


def has_path(seen: Seen, path: str) -> bool:
    """Whether some row has a value at a path, or a table the column that it begins with."""
    base, _, inside = path.partition(">")
    if not seen.is_json:
        names = {name.lower() for name in seen.names}
        return base.lower() in names or base.partition(".")[0].lower() in names
    for row in seen.rows:
        value = value_at(row, base)
        if inside and isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                continue
        if (value_at(value, inside) if inside else value) is not None:
            return True
    return False


def has_tokens(seen: Seen) -> bool:
    """Whether some fields are called as those of input and output tokens are, so that a proposal is whole."""
    return {"input_tokens", "output_tokens"} <= _choose(_fields(seen)).keys()


def propose(seen: Seen, file: str) -> str:
    """
    A map as YAML, with a remark on what has to be checked.

    It can be used as it is if the fields of input and output tokens were found; where not, it says what is missing.
    """
    fields = _fields(seen)
    chosen = _choose(fields)
    total = chosen.pop("total_tokens", None)
    lines = [f"# Proposed for {file}: check each line, then read it with --map"]
    for name in ORDER:
        if name in chosen:
            weak = name.endswith("tokens") and re.search(r"_(len|length|size)$", _words(chosen[name]))
            lines.append(_line(name, chosen[name], fields) + ("   # CHECK: tokens, not characters?" if weak else ""))
        elif name in ("input_tokens", "output_tokens"):
            numbers = [
                path for path, values in fields.items() if _kind(values) == NUMBER and path not in chosen.values()
            ]
            choices = ", ".join(path for path in numbers if re.fullmatch(r"[\w.]{1,60}", path)) or "none was found"
            lines.append(f"# {name}:   (missing; fields with numbers: {choices})")
        elif name == "model":
            texts = [path for path, values in fields.items() if _kind(values) == TEXT and path not in chosen.values()]
            choices = ", ".join(path for path in texts if re.fullmatch(r"[\w.]{1,60}", path)) or "none was found"
            lines.append(f"# model:   (missing, and without it calls have no price; fields with text: {choices})")
        if name == "input_tokens" and any(cache in chosen for cache in CACHES):
            lines.append(_inclusion(fields, chosen, total))
        if name == "reasoning_tokens" and name in chosen:
            beside = any(more > least for more, least in _pairs(fields, chosen[name], chosen.get("output_tokens")))
            lines.append(f"output_includes_reasoning: {'false' if beside else 'true'}")
    return "\n".join(lines) + "\n"


def _line(name: str, path: str, fields: Mapping[str, list[Any]]) -> str:
    leaf = _words(path)
    units = {
        "timestamp": {"_ms": "ms", "_us": "us", "_ns": "ns", "_s": "s"},
        "cost_usd": {"cent": "cent", "micro": "micro_usd", "nano": "nano_usd"},
    }.get(name, {})
    numeric = _kind(fields[path]) == NUMBER
    unit = next((unit for word, unit in units.items() if leaf.endswith(word) or (len(word) > 3 and word in leaf)), "")
    return dump_line(name, {"column": path, "unit": unit} if unit and numeric else path)


def _inclusion(fields: Mapping[str, list[Any]], chosen: Mapping[str, str], total: str | None) -> str:
    """Whether input holds cached tokens, as far as the numbers tell."""
    names = [
        chosen.get("input_tokens"),
        chosen.get("output_tokens"),
        *(chosen[cache] for cache in CACHES if cache in chosen),
    ]
    beside = within = False
    for index in range(max(len(fields[path]) for path in names if path)):
        whole, out, *caches = (_number(fields[path][index]) if path else None for path in names)
        cached = sum(cache or 0 for cache in caches)
        if whole is None or not cached:
            continue
        stated = _number(fields[total][index]) if total else None
        beside |= cached > whole or (out is not None and stated == whole + out + cached)
        within |= out is not None and stated == whole + out
    if beside != within:
        return f"input_includes_cached: {'false' if beside else 'true'}"
    return "input_includes_cached: true   # CHECK: the numbers seen do not tell"


def _choose(fields: Mapping[str, list[Any]]) -> dict[str, str]:
    """Canonical name -> path, each path once; of several that match the one least deep, then the first."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for name, kind, pattern in (*PATTERNS, *WEAK):
        if name in chosen:
            continue
        matching = [
            path
            for path, values in fields.items()
            if path not in taken
            and re.search(pattern, _words(path))
            and (not kind or _kind(values) == kind or (kind == TRUTH and _kind(values) == TEXT))
            and (name != "timestamp" or _is_time(values))
            and (not name.endswith("tokens") or all((_number(value) or 0) % 1 == 0 for value in values))
        ]
        if matching:
            chosen[name] = min(matching, key=lambda path: path.count("."))
            taken.add(chosen[name])
    named = [path for path, values in fields.items() if path not in taken and _are_models(values)]
    return chosen if "model" in chosen or not named else chosen | {"model": named[0]}


def _are_models(values: list[Any]) -> bool:
    known = [str(value) for value in values if value not in (None, "")]
    return bool(known) and all(map(MODEL_NAME.fullmatch, known))


def _is_time(values: list[Any]) -> bool:
    known = [value for value in values if value not in (None, "")]
    numbers = [_number(value) for value in known]
    if all(number is not None and number > 9e8 for number in numbers):
        return bool(known)
    return all(re.match(r"\d{4}-\d\d-\d\d", str(value)) for value in known) and bool(known)


def _fields(seen: Seen) -> dict[str, list[Any]]:
    """Every path to a single value -> its value in each row, None where a row has none."""
    found: dict[str, list[Any]] = defaultdict(lambda: [None] * len(seen.rows))
    for index, row in enumerate(seen.rows):
        for path, value in _leaves(row, seen.is_json):
            found[path][index] = value
    return dict(found)


def _leaves(row: Mapping[str, Any], is_json: bool, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if '"' in key or "\\" in key or not key:
            continue
        path = prefix + (f'"{key}"' if is_json and not re.fullmatch(r"[^.>|{}]+", key) else key)
        if set(path) & set("{}|"):
            continue
        if isinstance(value, dict):
            yield from _leaves(value, True, f"{path}.")
        elif not isinstance(value, list):
            yield path, value


def _words(path: str) -> str:
    """``usage.promptTokens`` -> ``usage_prompt_tokens``."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path)
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")


def _kind(values: list[Any]) -> str:
    known = [value for value in values if value not in (None, "")]
    if not known:
        return ""
    if all(isinstance(value, bool) or str(value).lower() in ("true", "false") for value in known):
        return TRUTH
    return NUMBER if all(_number(value) is not None for value in known) else TEXT


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _pairs(fields: Mapping[str, list[Any]], one: str, other: str | None) -> list[tuple[float, float]]:
    if other is None:
        return []
    pairs = zip(map(_number, fields[one]), map(_number, fields[other]), strict=True)
    return [(first, second) for first, second in pairs if first is not None and second is not None]
