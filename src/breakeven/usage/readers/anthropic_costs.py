"""
Anthropic's organisation costs: daily buckets of ``/v1/organizations/cost_report``.

Read: docs.anthropic.com, Usage and Cost Admin API, as of 2026-11-23. A line is a page, a bucket or a result.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``workspace_id``, else "all"
model           ``model``, else ``description`` up to its last " - "; null unless grouped by description
instant         ``starting_at`` of the bucket
cost_usd        ``amount``, a decimal number of *cents*, divided by 100
batch           ``service_tier`` "batch"
==============  =============================================================================================

A row states a cost and no tokens: it is unpriced, and its cost stands beside the price of the usage report, which
should be read with it.
"""

from collections.abc import Sequence

from breakeven.usage.calls import COST_ONLY
from breakeven.usage.readers.pages import expand, results
from breakeven.usage.readers.reader import Columns, Reader, json_rows

CENTS_PER_USD = 100


def accepts(head: bytes, name: str) -> bool:
    """A result with an amount and a currency in a bucket that starts at a time written out."""
    fields = {"amount", "currency", "starting_at"}
    return any(fields <= result.keys() for row in json_rows(head) for result in results(row))


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    cents = "TRY_CAST({amount} AS DOUBLE)"
    return {
        "task": "{workspace_id}",
        "model": "coalesce({model}, regexp_replace({description}, ' - [^-]*$', ''))",
        "provider": "'anthropic'",
        "instant": "{starting_at}",
        "input_tokens": "0",
        "output_tokens": "0",
        "calls_known": "false",
        "batch": "coalesce(among({service_tier}, '|batch|'), false)",
        "service_tier": f"'{COST_ONLY}'",
        "cost_usd": f"{cents} / {CENTS_PER_USD}",
        "fault": f"CASE WHEN {cents} IS NULL THEN 'no amount'"
        " WHEN lower({currency}) <> 'usd' THEN 'billed in another currency than USD'"
        f" WHEN {cents} < 0 THEN 'a credit, not usage' END",
    }


READER = Reader("anthropic-costs", "Anthropic cost report (Admin API pages)", accepts, columns, expand)
