"""
OpenRouter activity: the CSV of generations, days of ``/api/v1/activity``, records of ``/api/v1/generation``.

Read: openrouter.ai/docs, activity export and API reference, as of 2026-11-23.

=================  ==========================================================================================
column             field
=================  ==========================================================================================
task               ``app_name``, else ``api_key_name``, else "all"
model              ``model_permaslug`` or ``model``
instant            ``created_at`` or ``date``
input_tokens       ``native_tokens_prompt`` where given, which is what is billed; else ``tokens_prompt`` or
                   ``prompt_tokens``; cached tokens lie inside
output_tokens      the same of completion; reasoning lies inside
calls              ``requests`` of a day, else one
ok                 a generation whose ``finish_reason_normalized`` is not "error"; cancelled ones are billed
cost_usd           ``cost_total``, ``total_cost`` or ``usage``, and where the key was one's own what its provider
                   billed: ``byok_usage_inference``, or ``upstream_inference_cost`` of a record with ``is_byok``
=================  ==========================================================================================
"""

from collections.abc import Sequence

from breakeven.usage.readers.reader import Columns, Reader, header, json_rows

EVIDENCE = (
    {"generation_id", "tokens_prompt", "tokens_completion", "cost_total"},
    {"model_permaslug", "byok_usage_inference", "prompt_tokens", "completion_tokens"},
    {"native_tokens_prompt", "native_tokens_completion", "total_cost"},
)
"""The fields of a generation in the CSV, of a day, and of a generation's own record."""


def accepts(head: bytes, name: str) -> bool:
    """All fields of one of the three kinds of row."""
    rows = [row.get("data") if isinstance(row.get("data"), dict) else row for row in json_rows(head)]
    return any(fields <= set(row) for row in [*rows, header(head)[1]] for fields in EVIDENCE)  # type: ignore[arg-type]


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    own = "coalesce(TRY_CAST({byok_usage_inference} AS DOUBLE), CASE WHEN truth({is_byok|data.is_byok})"
    own += " THEN TRY_CAST({upstream_inference_cost|data.upstream_inference_cost} AS DOUBLE) END, 0)"
    cost = "{cost_total|total_cost|data.total_cost|usage}"
    return {
        "task": "{app_name|api_key_name}",
        "model": "{model_permaslug|data.model|model}",
        "provider": "'openrouter'",
        "instant": "{created_at|data.created_at|date}",
        "inclusive": "true",
        "input_tokens": _count("prompt"),
        "cache_read_tokens": "{native_tokens_cached|data.native_tokens_cached|tokens_cached|cached_tokens}",
        "output_tokens": _count("completion"),
        "reasoning_tokens": "{native_tokens_reasoning|data.native_tokens_reasoning|tokens_reasoning|reasoning_tokens}",
        "calls": "{requests}",
        "status": "{finish_reason_normalized}",
        "response_id": "{generation_id|data.id|id}",
        "cost_usd": f"CASE WHEN {cost} IS NOT NULL THEN TRY_CAST({cost} AS DOUBLE) + {own} END",
        "fault": f"CASE WHEN {cost} IS NOT NULL AND TRY_CAST({cost} AS DOUBLE) IS NULL THEN 'cost is not a number' END",
    }


def _count(side: str) -> str:
    return f"{{native_tokens_{side}|data.native_tokens_{side}|tokens_{side}|data.tokens_{side}|{side}_tokens}}"


READER = Reader("openrouter", "OpenRouter activity (CSV, API days or generation records)", accepts, columns)
