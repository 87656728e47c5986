"""
SQL that turns what a reader gives into canonical columns, or into the reason why it cannot.

Every reason is made of fixed words and column names: it never quotes the row.
"""

from collections.abc import Mapping, Sequence

from breakeven.usage.calls import ALL_TASKS, GATEWAY_CACHE, MAX_TOKENS, TOKENS

MACROS = f"""
CREATE OR REPLACE TEMP MACRO whole(x) AS CASE WHEN x IS NULL THEN NULL
    WHEN TRY_CAST(x AS DOUBLE) BETWEEN 0 AND {MAX_TOKENS} AND TRY_CAST(x AS DOUBLE) = floor(TRY_CAST(x AS DOUBLE))
    THEN TRY_CAST(x AS DOUBLE) ELSE CAST('nan' AS DOUBLE) END;
CREATE OR REPLACE TEMP MACRO unix_us(n) AS CASE
    WHEN abs(n) < 1e11 THEN TRY_CAST(round(n * 1e6) AS BIGINT) WHEN abs(n) < 1e14 THEN TRY_CAST(round(n * 1e3) AS BIGINT)
    WHEN abs(n) < 1e17 THEN TRY_CAST(round(n) AS BIGINT) ELSE TRY_CAST(round(n / 1e3) AS BIGINT) END;
CREATE OR REPLACE TEMP MACRO text_us(x) AS CASE WHEN x IS NULL THEN NULL
    WHEN TRY_CAST(x AS DOUBLE) IS NOT NULL THEN unix_us(TRY_CAST(x AS DOUBLE))
    ELSE epoch_us(TRY_CAST(x AS TIMESTAMPTZ)) END;
CREATE OR REPLACE TEMP MACRO tier_name(x) AS CASE
    WHEN lower(trim(x)) IN ('', 'standard', 'default', 'auto', 'on_demand', 'batch', 'null', 'none') THEN NULL
    ELSE replace(lower(trim(x)), 'on_demand_', '') END;
CREATE OR REPLACE TEMP MACRO plain(x) AS CASE WHEN lower(trim(x)) IN ('', 'null', 'nan', 'none') THEN NULL ELSE x END;
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
    "batch": "false",
    "service_tier": "NULL",
    "ok": "true",
    "cost_usd": "NULL",
}
"""What a reader need not say, as SQL."""

EARLIEST_US, LATEST_US = 946_684_800_000_000, 4_102_444_800_000_000
"""From 2000 to 2099: a time outside is a wrong unit. [us]"""

MAX_COST_USD = 10**9

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")

CACHES = ("cache_read_tokens", "cache_write_short_tokens", "cache_write_long_tokens")

NOT_JSON = "not a JSON object"
TOO_CACHED = "cached tokens exceed the input_tokens that hold them"


def canonical(raw: str, types: Mapping[str, str], *, kept: Sequence[str] = ()) -> str:
    """
    A query for the columns of ``calls.TYPES`` from a query of raw ones.

    Parameters
    ----------
    raw : str
        Query with columns ``file``, ``line``, ``broken`` (the line is no row at all), and all of ``DEFAULTS``.
    types : mapping
        DuckDB type of each raw column. Integers are taken as they are; all else passes through ``whole``.
    kept : sequence of str
        Further columns to pass on unchanged.
    """
    extra = "".join(f", {name}" for name in kept)
    counts = {name: _count(name, types[name]) for name in (*TOKENS, "calls")}
    read = ", ".join(f"{value} AS {name}" for name, (value, _) in counts.items())
    cached = " + ".join(f"coalesce({name}, 0)" for name in CACHES if types[name] != '"NULL"')
    ranged = [
        f"WHEN NOT ({good}) THEN '{name} is not a whole number from 0 to 10^12'"
        for name, (_, good) in counts.items()
        if good
    ]
    reasons = [
        f"WHEN broken THEN '{NOT_JSON}'",
        *ranged,
        "WHEN ok AND input_tokens IS NULL AND output_tokens IS NULL THEN 'no token counts'",
        *(f"WHEN ok AND {name} IS NULL THEN 'no {name}'" for name in ("input_tokens", "output_tokens")),
        *([f"WHEN inclusive AND {cached} > input_tokens THEN '{TOO_CACHED}'"] if cached else []),
        "WHEN reasoning_tokens > output_tokens THEN 'reasoning_tokens exceed the output_tokens that hold them'",
        "WHEN calls < 1 THEN 'calls is below 1'",
        f"WHEN has_time AND at_us IS NULL OR at_us NOT BETWEEN {EARLIEST_US} AND {LATEST_US - 1}"
        " THEN 'unreadable time, or outside 2000 to 2099'",
        f"WHEN has_cost AND NOT coalesce(usd BETWEEN 0 AND {MAX_COST_USD}, false) THEN 'unreadable cost'",
    ]
    billed = f"service_tier IS DISTINCT FROM '{GATEWAY_CACHE}'"

    def integer(value: str) -> str:
        return f"CAST(CASE WHEN reason IS NULL AND {billed} THEN coalesce({value}, 0) ELSE 0 END AS BIGINT)"

    fresh = f"CASE WHEN inclusive THEN input_tokens - ({cached}) ELSE input_tokens END" if cached else "input_tokens"
    return f"""
SELECT file, line, task, model, provider, at_us, {integer("fresh")} AS input_tokens,
    {", ".join(f"{integer(name)} AS {name}" for name in (*CACHES, "output_tokens", "reasoning_tokens"))},
    coalesce(TRY_CAST(calls AS BIGINT), 1) AS calls, batch, service_tier, ok,
    CASE WHEN {billed} AND usd = 0 AND input_tokens + output_tokens + {cached or 0} > 0 THEN NULL
        ELSE TRY_CAST(round(usd * 1e9) AS BIGINT) END AS reported_cost_nano, reason{extra}
FROM (
    SELECT *, {fresh} AS fresh, CASE {" ".join(reasons)} END AS reason
    FROM (
        SELECT file, line, broken, coalesce(nullif(trim(CAST(task AS VARCHAR)), ''), '{ALL_TASKS}') AS task,
            nullif(trim(CAST(model AS VARCHAR)), '') AS model, nullif(trim(CAST(provider AS VARCHAR)), '') AS provider,
            {_time(types["instant"])} AS at_us, instant IS NOT NULL AS has_time, inclusive, {read},
            coalesce(batch, false) OR coalesce(lower(CAST(service_tier AS VARCHAR)) = 'batch', false) AS batch,
            tier_name(CAST(service_tier AS VARCHAR)) AS service_tier, coalesce(ok, true) AS ok,
            TRY_CAST(cost_usd AS DOUBLE) AS usd, cost_usd IS NOT NULL AS has_cost{extra}
        FROM ({raw})
    )
)"""


def _count(name: str, kind: str) -> tuple[str, str]:
    """SQL of a count, and of whether it is a possible one ("" where it must be)."""
    if kind == '"NULL"':
        return "NULL", ""
    if kind in INTEGERS:
        return name, f"{name} BETWEEN 0 AND {MAX_TOKENS}"
    return f"whole({name})", f"{name} BETWEEN 0 AND {MAX_TOKENS}"


def _time(kind: str) -> str:
    """SQL for UTC microseconds from a raw time of this type."""
    if kind == '"NULL"':
        return "CAST(NULL AS BIGINT)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return "epoch_us(instant)"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return "epoch_us(CAST(instant AS TIMESTAMP))"
    if kind == "VARCHAR":
        return "text_us(instant)"
    return "unix_us(CAST(instant AS DOUBLE))"
