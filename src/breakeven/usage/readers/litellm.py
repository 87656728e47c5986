"""
LiteLLM: rows of its spend table (``LiteLLM_SpendLogs``, JSON lines or CSV) and its call-log callbacks.

Read: docs.litellm.ai, proxy spend tracking and logging, as of 2026-11-23 (litellm 1.109.1).

==============  =============================================================================================
column          field
==============  =============================================================================================
task            first of ``request_tags``, else "all"
model           ``model``
provider        ``custom_llm_provider``
instant         ``startTime`` (UTC where it has no offset) or ``timestamp``
input_tokens    ``prompt_tokens``, which holds the cache counts for every provider, Anthropic's too
cache counts    ``usage_object`` or ``additional_usage_values`` of ``metadata``, else ``response.usage``
output_tokens   ``completion_tokens``
batch, calls    a row of call type ``aretrieve_batch`` is of a batch, of which it does not say how many calls it holds
service_tier    ``metadata.cost_breakdown.service_tier``; "gateway-cache" where ``cache_hit`` is true: LiteLLM gave
                a stored answer, and no provider billed its tokens
ok              ``status``
cost_usd        ``spend``, ``response_cost`` or ``cost``; 0 with tokens means unknown, not free
prompt          JSON text of ``request.messages`` or ``messages``, where prompts are stored
tools           ``tools`` of ``request``, ``proxy_server_request`` or ``model_parameters``; so ``response_format``
==============  =============================================================================================
"""

from collections.abc import Sequence

from breakeven.usage.calls import GATEWAY_CACHE
from breakeven.usage.readers.reader import Columns, Reader, following, header, json_rows

EVIDENCE = (
    {"spend", "prompt_tokens", "completion_tokens", "startTime"},
    {"response_cost", "prompt_tokens", "completion_tokens", "startTime"},
    {"timestamp", "status", "model", "prompt_tokens", "completion_tokens", "cost"},
)
"""The fields of a spend row, of a logging payload, and of a call-log callback."""

USAGE = ("metadata>usage_object.", "metadata>additional_usage_values.", "response>usage.")


def accepts(head: bytes, name: str) -> bool:
    """All fields of one of the three kinds of row; CSV only of the first two."""
    if any(fields <= row.keys() for row in json_rows(head) for fields in EVIDENCE):
        return True
    names = set(header(head)[1])
    return any(fields <= names for fields in EVIDENCE[:2])


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    written = _usage("cache_creation_input_tokens", "prompt_tokens_details.cache_creation_tokens")
    long = _usage(
        "cache_creation.ephemeral_1h_input_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    )
    messages = "{request.messages|messages}"
    batch = "coalesce(among({call_type}, '|aretrieve_batch|retrieve_batch|'), false)"
    return {
        "task": "{request_tags>0}",
        "model": "{model}",
        "provider": "{custom_llm_provider}",
        "instant": "{startTime|timestamp}",
        "inclusive": "true",
        "input_tokens": "{prompt_tokens}",
        "cache_read_tokens": _usage(
            "cache_read_input_tokens", "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"
        ),
        "cache_write_short_tokens": f"whole({written}) - coalesce(whole({long}), 0)",
        "cache_write_long_tokens": long,
        "output_tokens": "{completion_tokens}",
        "reasoning_tokens": _usage(
            "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"
        ),
        "calls_known": f"NOT {batch}",
        "batch": batch,
        "service_tier": f"CASE WHEN lower({{cache_hit}}) = 'true' THEN '{GATEWAY_CACHE}'"
        " ELSE {metadata>cost_breakdown.service_tier} END",
        "status": "{status}",
        "cost_usd": "{spend|response_cost|cost}",
        "response_id": "{response>id|request_id|id}",
        "prompt": f"CASE WHEN length({messages}) > 2 THEN {messages} END",
        "answered": "{response}",
        "first_message": "{request.messages>0.content|messages>0.content}",
        "first_role": "{request.messages>0.role|messages>0.role}",
        "following": following(
            ("request.messages>#.content", "messages>#.content"), ("request.messages>#.role", "messages>#.role")
        ),
        "tools": "{request.tools|proxy_server_request>tools|model_parameters>tools}",
        "output_format": "{request.response_format.type|proxy_server_request>response_format.type"
        "|model_parameters>response_format.type}",
    }


def _usage(*paths: str) -> str:
    """The first of these counts that any of the places in ``USAGE`` gives."""
    return "{" + "|".join(f"{place}{path}" for place in USAGE for path in paths) + "}"


READER = Reader("litellm", "LiteLLM spend logs (JSON lines or CSV) or call-log callbacks", accepts, columns)
