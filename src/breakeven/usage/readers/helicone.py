"""
Helicone: rows of its export or query API, and of its table ``request_response_rmt``; JSON lines or CSV.

Read: docs.helicone.ai and github.com/Helicone/helicone, as of 2026-11-23.

===============  ============================================================================================
column           field
===============  ============================================================================================
task             property ``Task`` or ``task`` of ``request_properties`` (``properties``), else ``prompt_id``
model            ``response_model``, ``request_model`` or ``model``
provider         ``provider``
instant          ``request_created_at``
counts           ``usage`` of the response body where it is kept, read by its shape; else ``prompt_tokens``,
                 ``prompt_cache_read_tokens``, ``prompt_cache_write_tokens``, ``completion_tokens``
service_tier     "gateway-cache" where ``cached`` is true or ``cache_reference_id`` is set: Helicone gave an answer
                 it had stored
status           ``response_status`` (``status``); -1 to -4 are pending, cancelled and timed out calls
asked, answered  the bodies of the request and of the response, where they are kept
cost_usd         ``costUSD`` or ``cost``; in the table a whole number of 1e-9 dollars
===============  ============================================================================================

Without a body the row's own arithmetic says whether the prompt contains the cache counts, as Helicone's versions
differ: it does not where they exceed it, where ``total_tokens`` is the sum of all four counts, or where the provider
is one whose own responses keep them apart (Anthropic, Bedrock). Reasoning is beside the completion where the total is
the sum of them all.
"""

from collections.abc import Sequence

from breakeven.usage.calls import GATEWAY_CACHE
from breakeven.usage.readers.reader import Columns, Reader, following, header, json_rows
from breakeven.usage.readers.shapes import any_counts, fields

EVIDENCE = {"request_id", "request_created_at", "prompt_tokens", "completion_tokens"}

FIELD = fields(("response_body>",))

NO_REQUEST = "|00000000-0000-0000-0000-000000000000||"
NANO = "1e-9"


def accepts(head: bytes, name: str) -> bool:
    """A request with its id, the time it was made and its counts."""
    return any(set(row) >= EVIDENCE for row in [*json_rows(head), header(head)[1]])


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    body = any_counts(FIELD)
    prompt, completion, total = (
        f"whole({{{name}}})" for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    read, write = (f"coalesce(whole({{prompt_cache_{side}_tokens}}), 0)" for side in ("read", "write"))
    cached = f"({read} + {write})"
    thought = "coalesce(whole({reasoning_tokens}), 0)"
    sums = f"{prompt} + {completion} + {thought}, {prompt} + {completion} + {thought} + {cached}"
    beside = f"{total} IN ({sums}) AND {thought} <> {cached}"
    apart = (
        f"{cached} > {prompt} OR ({cached} > 0 AND {total} = {prompt} + {completion} + {cached})"
        " OR among({provider}, '|anthropic|aws|bedrock|')"
    )
    row = {
        "inclusive": f"NOT coalesce({apart}, false)",
        "input_tokens": prompt,
        "cache_read_tokens": "whole({prompt_cache_read_tokens})",
        "cache_write_short_tokens": "whole({prompt_cache_write_tokens})",
        "output_tokens": f"{completion} + CASE WHEN {beside} THEN {thought} ELSE 0 END",
        "reasoning_tokens": "whole({reasoning_tokens})",
    }
    of_body = f"{body['input_tokens']} IS NOT NULL AND {body['output_tokens']} IS NOT NULL"
    stored = f"lower({{cached}}) = 'true' OR NOT among({{cache_reference_id}}, '{NO_REQUEST}')"
    cost = "TRY_CAST({cost} AS DOUBLE)"
    scaled = f"CASE WHEN {{organization_id}} IS NOT NULL AND {{response_status}} IS NULL AND {cost} = floor({cost})"
    system = "{request_body>system}"
    return {
        **{name: f"CASE WHEN {of_body} THEN {body[name]} ELSE {row.get(name, 'NULL')} END" for name in body},
        "task": "{request_properties>Task|request_properties>task|properties>Task|properties>task|prompt_id}",
        "model": "{response_model|request_model|model}",
        "provider": "lower({provider})",
        "instant": "{request_created_at}",
        "service_tier": f"CASE WHEN {stored} THEN '{GATEWAY_CACHE}' END",
        "status": "{response_status|status}",
        "cost_usd": f"coalesce(TRY_CAST({{costUSD|costUsd}} AS DOUBLE), {scaled} THEN {cost} * {NANO} ELSE {cost} END)",
        "response_id": f"coalesce({FIELD('id')}, {FIELD('responseId')}, {{request_id}})",
        "prompt": f"nullif(concat({system}, {{request_body>messages}}), '')",
        "asked": "{request_body}",
        "answered": "{response_body}",
        "first_role": f"CASE WHEN {system} IS NOT NULL THEN 'system' ELSE {{request_body>messages.0.role}} END",
        "following": following(("request_body>messages.#.content",), ("request_body>messages.#.role",), system),
        "tools": "{request_body>tools}",
        "output_format": "{request_body>response_format.type}",
        "first_message": "{request_body>system|request_body>messages.0.content}",
    }


READER = Reader("helicone", "Helicone requests (JSON lines or CSV)", accepts, columns)
