"""
Anthropic's organisation usage: ``/v1/organizations/usage_report/messages``, or the CSV export of the Console.

Read: docs.anthropic.com, Usage and Cost Admin API, as of 2026-11-23. A line is a page, a bucket or a result.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``workspace_id`` (``workspace``), else ``api_key_id`` (``api_key``), else "all"
model           ``model`` (``model_version``); null unless grouped by it, and then without a price
instant         ``starting_at`` of the bucket (``usage_date_utc``)
input_tokens    ``uncached_input_tokens`` (``usage_input_tokens_no_cache``): caches are beside it
cache counts    ``cache_read_input_tokens``, ``cache_creation`` with its 5 minutes and 1 hour
calls           ``requests`` of the analytics report; the classic one and the CSV do not say
batch           ``service_tier`` "batch" (``usage_type``)
service_tier    ``speed`` "fast", else "long-context" where ``context_window`` is above 200k, else "us-inference" where
                ``inference_geo`` is us, else ``service_tier``
==============  =============================================================================================
"""

from collections.abc import Sequence

from breakeven.usage.calls import LONG_CONTEXT
from breakeven.usage.readers.pages import expand, results
from breakeven.usage.readers.reader import Columns, Reader, header, json_rows
from breakeven.usage.readers.shapes import US_ONLY


def accepts(head: bytes, name: str) -> bool:
    """A result, or a header, with the count of uncached input that only this report names so."""
    if any("uncached_input_tokens" in result for row in json_rows(head) for result in results(row)):
        return True
    return bool({"uncached_input_tokens", "usage_input_tokens_no_cache"} & set(header(head)[1]))


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    long = "among({context_window}, '|200k-1m|>200k|> 200k|')"
    return {
        "task": "{workspace_id|workspace|api_key_id|api_key}",
        "model": "{model|model_version}",
        "provider": "'anthropic'",
        "instant": "{starting_at|usage_date_utc}",
        "inclusive": "false",
        "input_tokens": "{uncached_input_tokens|usage_input_tokens_no_cache}",
        "cache_read_tokens": "{cache_read_input_tokens|usage_input_tokens_cache_read}",
        "cache_write_short_tokens": "{cache_creation.ephemeral_5m_input_tokens|usage_input_tokens_cache_write_5m}",
        "cache_write_long_tokens": "{cache_creation.ephemeral_1h_input_tokens|usage_input_tokens_cache_write_1h}",
        "output_tokens": "{output_tokens|usage_output_tokens}",
        "calls": "{requests}",
        "calls_known": "{requests} IS NOT NULL",
        "batch": "coalesce(among({service_tier|usage_type}, '|batch|'), false)",
        "service_tier": f"CASE WHEN {{speed}} = 'fast' THEN 'fast' WHEN {long} THEN '{LONG_CONTEXT}'"
        f" WHEN {{inference_geo}} = 'us' THEN '{US_ONLY}'"
        " ELSE {service_tier|usage_type} END",
    }


READER = Reader("anthropic-usage", "Anthropic usage report (Admin API pages or CSV)", accepts, columns, expand)
