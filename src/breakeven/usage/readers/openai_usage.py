"""
OpenAI's organisation usage: buckets of ``/v1/organization/usage/completions`` and ``embeddings``, or their CSV export.

Read: platform.openai.com/docs/api-reference/usage, as of 2026-11-23. A line is a page, a bucket or a result.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``project_id``, else ``api_key_id``, else "all"; both are null unless the export was grouped by them
model           ``model``; null unless grouped by it, and then without a price
instant         ``start_time`` of the bucket
input_tokens    ``input_tokens``, which holds ``input_cached_tokens`` and ``input_cache_write_tokens``
output_tokens   ``output_tokens``; 0 for embeddings and moderations
calls           ``num_model_requests``
batch           ``batch``
service_tier    ``service_tier``
==============  =============================================================================================

Reasoning is inside the output and not shown apart. Results of other kinds (pictures, speech, storage) are rejected:
they are not counted in tokens.
"""

from collections.abc import Sequence

from breakeven.usage.readers.pages import expand, results
from breakeven.usage.readers.reader import Columns, Reader, header, json_rows

KIND = "organization.usage."
WITHOUT_OUTPUT = "|organization.usage.embeddings.result|organization.usage.moderations.result|"


def accepts(head: bytes, name: str) -> bool:
    """A result that names itself one, or a table with the count of requests that only this export has."""
    if any(str(result.get("object")).startswith(KIND) for row in json_rows(head) for result in results(row)):
        return True
    return {"num_model_requests", "input_tokens", "start_time"} <= set(header(head)[1])


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    written, long = "whole({input_cache_write_tokens})", "whole({input_cache_write_12h_tokens})"
    return {
        "task": "{project_id|api_key_id}",
        "model": "{model}",
        "provider": "'openai'",
        "instant": "{start_time}",
        "inclusive": "true",
        "input_tokens": "{input_tokens}",
        "cache_read_tokens": "{input_cached_tokens}",
        "cache_write_short_tokens": f"{written} - coalesce({long}, 0)",
        "cache_write_long_tokens": long,
        "output_tokens": f"CASE WHEN among({{object}}, '{WITHOUT_OUTPUT}') THEN coalesce(whole({{output_tokens}}), 0)"
        " ELSE whole({output_tokens}) END",
        "calls": "{num_model_requests}",
        "batch": "{batch}",
        "service_tier": "{service_tier}",
    }


READER = Reader("openai-usage", "OpenAI organisation usage (API pages or CSV)", accepts, columns, expand)
