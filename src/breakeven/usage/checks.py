"""
SQL that turns what a reader gives into canonical columns, or into the reason why it cannot.

Every reason is made of fixed words and column names: it never quotes the row.
"""

from collections.abc import Mapping, Sequence

from breakeven.usage.calls import EARLIEST_US, GATEWAY_CACHE, LATEST_US, MAX_TOKENS, TOKENS, ZERO_COST
from breakeven.usage.prompt_columns import START_CHARS

TRUE = ("true", "yes", "y", "t", "1", "1.0", "batch")
FAILED = (
    "failure",
    "failed",
    "fail",
    "error",
    "errored",
    "canceled",
    "cancelled",
    "expired",
    "timeout",
    "false",
)
STANDARD_TIERS = ("", "standard", "default", "auto", "on_demand", "batch", "null", "none")
EMPTY = ("", "null", "nan")
"""Words, in lower case, that mean yes, failure, the standard service tier, and null in text."""


def _listed(words: Sequence[str]) -> str:
    return f"'|{'|'.join(words)}|'"


MACROS = (
    f"""whole(x) AS CASE WHEN x IS NULL THEN NULL
    WHEN TRY_CAST(x AS DOUBLE) BETWEEN 0 AND {MAX_TOKENS} AND TRY_CAST(x AS DOUBLE) = floor(TRY_CAST(x AS DOUBLE))
    THEN TRY_CAST(x AS DOUBLE) ELSE CAST('nan' AS DOUBLE) END""",
    f"""whole_of(x, n) AS CASE WHEN x IS NULL THEN NULL
    WHEN n BETWEEN 0 AND {MAX_TOKENS} AND n = floor(n) THEN n ELSE CAST('nan' AS DOUBLE) END""",
    "among(x, words) AS contains(words, '|' || lower(trim(x)) || '|')",
    f"plain(x) AS CASE WHEN among(x, {_listed(EMPTY)}) THEN NULL ELSE x END",
    f"truth(x) AS among(x, {_listed(TRUE)})",
    f"""succeeded(x) AS coalesce(NOT among(x, {_listed(FAILED)}), true)
    AND CASE WHEN x < ':' THEN coalesce(TRY_CAST(x AS DOUBLE) BETWEEN 0 AND 399, true) ELSE true END""",
    """unix_us(n) AS CASE WHEN abs(n) < 1e11 THEN TRY_CAST(round(n * 1e6) AS BIGINT)
    WHEN abs(n) < 1e14 THEN TRY_CAST(round(n * 1e3) AS BIGINT)
    WHEN abs(n) < 1e17 THEN TRY_CAST(round(n) AS BIGINT) ELSE TRY_CAST(round(n / 1e3) AS BIGINT) END""",
    """text_us(x, n) AS CASE WHEN x IS NULL THEN NULL WHEN n IS NOT NULL THEN unix_us(n)
    ELSE epoch_us(TRY_CAST(x AS TIMESTAMPTZ)) END""",
    """amounts(map, keys, but) AS CASE WHEN json_valid(map) THEN list_sum(list_transform(
    list_filter(json_keys(map), lambda key: regexp_matches(key, keys) AND NOT regexp_matches(key, but)),
    lambda key: whole(json_extract_string(map, concat('/', replace(replace(key, '~', '~0'), '/', '~1')))))) END""",
    """compacted(steps, path) AS coalesce(CASE WHEN contains(steps, 'compaction') THEN list_sum(list_transform(
    CAST(json_extract(steps, '$[*]') AS JSON[]), lambda step:
    CASE WHEN json_extract_string(step, '$.type') = 'compaction'
    THEN coalesce(whole(json_extract_string(step, path)), 0) END)) END, 0)""",
    "text_of(x) AS CAST(x AS VARCHAR)",
    "chars_of(x) AS length(x)",
    f"unnumbered(x) AS regexp_replace(substring(x, 1, {START_CHARS}), '[0-9]+', '', 'g')",
    f"""tier_name(x) AS CASE WHEN among(x, {_listed(STANDARD_TIERS)}) THEN NULL
    ELSE replace(lower(trim(x)), 'on_demand_', '') END""",
)
"""
Functions for readers' SQL and for ``canonical``. ``among`` is not written with IN, which DuckDB turns into a join
that costs more than the scan. A macro works out its argument wherever it is named, so text is made a number before.
"""

SETTINGS = "SET TimeZone = 'UTC'"
"""A time without an offset is UTC."""

DEFAULTS = {
    "task": "NULL",
    "model": "NULL",
    "provider": "NULL",
    "instant": "NULL",
    "inclusive": "true",
    **dict.fromkeys(TOKENS, "NULL"),
    "calls": "1",
    "calls_known": "true",
    "fault": "NULL",
    "batch": "false",
    "service_tier": "NULL",
    "ok": "true",
    "status": "NULL",
    "cost_usd": "NULL",
}
"""What a reader need not say, as SQL."""

MAX_COST_USD = 10**9

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")

CACHES = ("cache_read_tokens", "cache_write_short_tokens", "cache_write_long_tokens")

FAULT = "fault"
"""Raw column in which a reader says itself why a row is no call, in fixed words."""

NO_COUNTS = "no token counts"

NOTHING = "NOTHING"
"""Stands for the type of a column that is NULL throughout; engines disagree on what to call it."""


def canonical(
    raw: str, types: Mapping[str, str], *, constants: Mapping[str, str] | None = None, kept: Sequence[str] = ()
) -> str:
    """
    A query for the columns of ``calls.TYPES`` and ``ZERO_COST`` from a query of raw ones.

    Parameters
    ----------
    raw : str
        Query with columns ``file``, ``line``, ``broken`` (the line is no row at all), and all of ``DEFAULTS``.
    types : mapping
        DuckDB type of each raw column, or ``NOTHING``. Integers are taken as they are; all else passes through
        ``whole``.
    constants : mapping, optional
        Raw columns that are the same in every row, as SQL: written into the query, where the engine can drop what
        depends on them.
    kept : sequence of str
        Further columns to pass on unchanged.
    """
    fixed = dict(constants or {})
    extra = "".join(f", {name}" for name in kept)
    inclusive = fixed.get("inclusive", "inclusive")
    cached = " + ".join(f"coalesce({name}, 0)" for name in CACHES if types[name] != NOTHING)
    fresh = f"input_tokens - CASE WHEN {inclusive} THEN {cached} ELSE 0 END" if cached else "input_tokens"
    read = ", ".join(f"{_number(name, types[name])} AS {name}" for name in (*TOKENS, "calls"))
    faults = _faults(types, fixed, cached)
    reason = " ".join(f"WHEN {when} THEN {words if words == FAULT else repr(words)}" for when, words in faults)
    batches = [fixed.get("batch") or f"coalesce({_truth('batch', types)}, false)"]
    successes = [fixed.get("ok") or f"coalesce({_truth('ok', types)}, true)"]
    if types["status"] != NOTHING:
        successes.append("succeeded(CAST(status AS VARCHAR))")
    tiered = types["service_tier"] != NOTHING
    if tiered:
        batches.append("coalesce(among(CAST(service_tier AS VARCHAR), '|batch|'), false)")
    tier = f"{'tier_name' if tiered else ''}(CAST(service_tier AS VARCHAR))"
    billed = f"service_tier IS DISTINCT FROM '{GATEWAY_CACHE}'" if tiered else "true"
    counts = {"input_tokens": fresh} | {name: name for name in TOKENS[1:]}
    text_time = types["instant"] == "VARCHAR"
    numbered = f"SELECT *, TRY_CAST(instant AS DOUBLE) AS instant_number FROM ({raw})" if text_time else raw
    return f"""
SELECT file, line, {", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in ("task", "model", "provider"))}, at_us,
    {", ".join(f"{_integer(sql, billed)} AS {name}" for name, sql in counts.items())},
    {_calls(fixed)} AS calls, batch, service_tier, ok,
    {_cost(types, billed, cached)} AS reported_cost_nano, {_zero_cost(types, billed, cached)} AS {ZERO_COST},
    CASE {reason} END AS reason, coalesce({" OR ".join(when for when, _ in faults)}, false) AS faulty{extra}
FROM (
    SELECT file, line, broken, task, model, provider, {_time(types["instant"])} AS at_us, instant, inclusive, {read},
        calls_known, fault, {" OR ".join(batches)} AS batch, {tier} AS service_tier,
        {" AND ".join(successes)} AS ok, TRY_CAST(cost_usd AS DOUBLE) AS usd, cost_usd{extra}
    FROM ({numbered})
)"""


def _faults(types: Mapping[str, str], fixed: Mapping[str, str], cached: str) -> list[tuple[str, str]]:
    """(condition, reason) of everything that makes a row no call, in the order in which they are reported."""
    found = [("broken", "not a JSON object")] if "broken" not in fixed else []
    if types["fault"] != NOTHING:
        found.append(("fault IS NOT NULL", FAULT))
    for name in TOKENS:
        if types[name] != NOTHING and name not in fixed:
            found.append((f"{name} < 0 OR {name} > {MAX_TOKENS}", f"{name} is not a whole number from 0 to 10^12"))
    if "calls" not in fixed:
        known = "" if "calls_known" in fixed else "calls_known AND "
        outside = f"{known}(calls < 1 OR calls > {MAX_TOKENS})"
        found.append((outside, "calls is not a whole number from 1 to 10^12"))
    found.append(("ok AND input_tokens IS NULL AND output_tokens IS NULL", NO_COUNTS))
    found += [(f"ok AND {name} IS NULL", f"no {name}") for name in ("input_tokens", "output_tokens")]
    if types["reasoning_tokens"] != NOTHING:
        exceed = "reasoning_tokens exceed the output_tokens that hold them"
        found.append(("reasoning_tokens > output_tokens", exceed))
    if cached:
        exceed = "cached tokens exceed the input_tokens that hold them"
        found.append((f"{fixed.get('inclusive', 'inclusive')} AND {cached} > input_tokens", exceed))
    if types["instant"] != NOTHING:
        outside = f"at_us < {EARLIEST_US} OR at_us > {LATEST_US} OR (instant IS NOT NULL AND at_us IS NULL)"
        found.append((outside, "unreadable time, or outside 2000 to 2099"))
    if types["cost_usd"] != NOTHING:
        unreadable = f"usd < 0 OR usd > {MAX_COST_USD} OR (cost_usd IS NOT NULL AND usd IS NULL)"
        found.append((unreadable, f"cost is not a number from 0 to {MAX_COST_USD:,}"))
    return found


def _calls(fixed: Mapping[str, str]) -> str:
    """SQL of how many calls a row stands for; 0 where that is unknown."""
    calls = fixed.get("calls") or "coalesce(TRY_CAST(calls AS BIGINT), 1)"
    known = fixed.get("calls_known", "calls_known")
    return {"true": calls, "false": "0"}.get(known, f"CASE WHEN calls_known THEN {calls} ELSE 0 END")


def _truth(name: str, types: Mapping[str, str]) -> str:
    """SQL of a boolean given as one, or as a word or number."""
    return name if types[name] in ("BOOLEAN", NOTHING) else f"truth(CAST({name} AS VARCHAR))"


def _number(name: str, kind: str) -> str:
    """SQL of a count as a number; NaN, which is above any number, for what is not whole or out of range."""
    return name if kind == NOTHING or kind in INTEGERS else f"whole({name})"


def _integer(sql: str, billed: str) -> str:
    """SQL of a count as stored: 0 where absent or not billed."""
    count = f"coalesce(TRY_CAST({sql} AS BIGINT), 0)"
    return count if billed == "true" else f"CASE WHEN {billed} THEN {count} ELSE 0 END"


def _cost(types: Mapping[str, str], billed: str, cached: str) -> str:
    """SQL of the reported cost, null also where it is 0 though tokens were billed: that is an unknown price."""
    if types["cost_usd"] == NOTHING:
        return "CAST(NULL AS BIGINT)"
    return f"CASE WHEN {_zero_cost(types, billed, cached)} THEN NULL ELSE TRY_CAST(round(usd * 1e9) AS BIGINT) END"


def _zero_cost(types: Mapping[str, str], billed: str, cached: str) -> str:
    """SQL: whether the log states a cost of 0 though tokens were billed."""
    if types["cost_usd"] == NOTHING:
        return "false"
    return f"({billed} AND usd = 0 AND coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + {cached or 0} > 0)"


def timestamp_us(sql: str, kind: str) -> str:
    """SQL for UTC microseconds from a timestamp or day of this type; those without a zone are taken to be UTC."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"epoch_us({sql})"
    return f"epoch_us(CAST({sql} AS {'TIMESTAMPTZ' if kind == 'TIMESTAMPTZ_NS' else 'TIMESTAMP'}))"


def _time(kind: str) -> str:
    """SQL for UTC microseconds from a raw time of this type."""
    if kind == NOTHING:
        return "CAST(NULL AS BIGINT)"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return timestamp_us("instant", kind)
    if kind == "VARCHAR":
        return "text_us(instant, instant_number)"
    return "unix_us(CAST(instant AS DOUBLE))"
