"""
OpenAI's organisation costs: daily buckets of ``/v1/organization/costs``.

Read: platform.openai.com/docs/api-reference/usage/costs, as of 2026-11-23. A line is a page, a bucket or a result.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``project_id``, else ``api_key_id``, else "all"
model           ``line_item`` up to its last comma: "gpt-4.1-mini-2025-04-14, input" is of that model
instant         ``start_time`` of the bucket
cost_usd        ``amount.value`` [USD]
==============  =============================================================================================

A row states a cost and no tokens: it is unpriced, and its cost stands beside the price of the usage export, which
should be read with it. Other currencies are rejected, and amounts below zero (credits) too.
"""

from collections.abc import Sequence

from breakeven.usage.calls import COST_ONLY
from breakeven.usage.readers.pages import expand, results
from breakeven.usage.readers.reader import Columns, Reader, json_rows

OBJECT = "organization.costs.result"


def accepts(head: bytes, name: str) -> bool:
    """A result that names itself one of costs."""
    return any(result.get("object") == OBJECT for row in json_rows(head) for result in results(row))


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    return {
        "task": "{project_id|api_key_id}",
        "model": "regexp_replace({line_item}, ',[^,]*$', '')",
        "provider": "'openai'",
        "instant": "{start_time}",
        "input_tokens": "0",
        "output_tokens": "0",
        "calls_known": "false",
        "service_tier": f"'{COST_ONLY}'",
        "cost_usd": "{amount.value}",
        "fault": "CASE WHEN {amount.value} IS NULL THEN 'no amount'"
        " WHEN lower({amount.currency}) <> 'usd' THEN 'billed in another currency than USD'"
        " WHEN TRY_CAST({amount.value} AS DOUBLE) < 0 THEN 'a credit, not usage' END",
    }


READER = Reader("openai-costs", "OpenAI organisation costs (API pages)", accepts, columns, expand)
