"""
A plain table of calls: CSV or TSV with a header line, or Parquet. Names match whatever their case.

Where several names of one row are present, the first counts. ``input_tokens`` includes cached and cache-write
tokens; use ``input_uncached_tokens`` where it does not. Times without an offset are taken as UTC.

==========================  ===================================================================================
column                      names
==========================  ===================================================================================
input_tokens                input_tokens, prompt_tokens
input_uncached_tokens       input_uncached_tokens
output_tokens               output_tokens, completion_tokens
cache_read_tokens           cache_read_tokens, cached_tokens, cached_input_tokens, input_cached_tokens
cache_write_short_tokens    cache_write_short_tokens, cache_write_tokens, cache_creation_tokens
cache_write_long_tokens     cache_write_long_tokens
reasoning_tokens            reasoning_tokens, output_reasoning_tokens
calls                       calls: the row stands for so many calls, its counts and cost are their totals
model                       model, model_name
provider                    provider
timestamp                   timestamp, created_at, time, date
task                        task
cost_usd                    cost_usd, cost
batch                       batch
service_tier                service_tier
ok                          ok, success
status                      status
response_id                 response_id: the provider's own id of the response; rows with one are one call
prompt                      prompt
completion                  completion, response, answer
==========================  ===================================================================================

``columns={"input_tokens": "My column"}`` replaces any of them by the name on the left.
"""

from collections.abc import Sequence

from breakeven.usage.readers.reader import BOM, Columns, Reader, header, of_chat

NAMES = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "input_uncached_tokens": ("input_uncached_tokens",),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "cache_read_tokens": ("cache_read_tokens", "cached_tokens", "cached_input_tokens", "input_cached_tokens"),
    "cache_write_short_tokens": ("cache_write_short_tokens", "cache_write_tokens", "cache_creation_tokens"),
    "cache_write_long_tokens": ("cache_write_long_tokens",),
    "reasoning_tokens": ("reasoning_tokens", "output_reasoning_tokens"),
    "calls": ("calls",),
    "model": ("model", "model_name"),
    "provider": ("provider",),
    "timestamp": ("timestamp", "created_at", "time", "date"),
    "task": ("task",),
    "cost_usd": ("cost_usd", "cost"),
    "batch": ("batch",),
    "service_tier": ("service_tier",),
    "ok": ("ok", "success"),
    "status": ("status",),
    "response_id": ("response_id",),
    "prompt": ("prompt",),
    "completion": ("completion", "response", "answer"),
}
"""Name to be used in ``columns`` -> the column names it is known by, first come first taken."""


def accepts(head: bytes, name: str) -> bool:
    """Parquet, or a header line with a model, an input and an output column."""
    if head.startswith(b"PAR1"):
        return True
    if head.removeprefix(BOM).lstrip()[:1] in (b"{", b"["):
        return False
    found = known(header(head)[1]).keys()
    has_input = "input_tokens" in found or "input_uncached_tokens" in found
    return {"model", "output_tokens"} <= found and has_input


def known(names: Sequence[str]) -> dict[str, str]:
    """The name used in ``columns`` -> this table's own name, for those columns that are present."""
    own = {name.strip().lower(): name for name in reversed(names)}
    found = {name: next((own[alias] for alias in aliases if alias in own), "") for name, aliases in NAMES.items()}
    return {name: column for name, column in found.items() if column}


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    return mapped(known(names))


def mapped(own: Columns) -> Columns:
    """Canonical name -> SQL, given this table's own name for each name used in ``columns``."""
    apart = ("input_uncached_tokens", "timestamp", "completion")
    sql = {name: "{" + column + "}" for name, column in own.items() if name not in apart} | {"inclusive": "true"}
    if "timestamp" in own:
        sql["instant"] = "{" + own["timestamp"] + "}"
    if "input_uncached_tokens" in own and "input_tokens" not in own:
        sql |= {"input_tokens": "{" + own["input_uncached_tokens"] + "}", "inclusive": "false"}
    if "completion" in own:
        sql["answered"] = "{" + own["completion"] + "}"
    if "prompt" in own:
        sql |= of_chat([own["prompt"]])
    return sql


READER = Reader("table", "CSV, TSV or Parquet with one row per call (or per group of calls)", accepts, columns)
