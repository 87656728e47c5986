"""
TensorZero: rows of its ``ModelInference`` table, one JSON object per line.

Read: tensorzero.com/docs, data model, as of 2026-11-23.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``function_name`` if the row was joined with its inference, else "all"
model           ``model`` of the provider's response, else ``model_name`` without ``provider::``
provider        what stands before ``::`` in ``model_name``, else ``model_provider_name``
instant         ``created`` of the response, else the time inside ``id`` (UUIDv7), else ``timestamp``
counts          ``usage`` of the response, see ``shapes.py``; without one, the row's ``input_tokens`` and
                ``output_tokens``, which do not say how much was cached
service_tier    of the response; "gateway-cache" where ``cached`` is true: TensorZero gave a stored answer
prompt          ``system`` followed by the JSON text of ``input_messages``; else the messages of ``raw_request``
asked           ``raw_request``, else ``system`` and ``input_messages``
answered        ``raw_response``, else ``output``
first_message   ``system``, else the first message
tools           ``tools`` of ``raw_request``; so ``response_format``
==============  =============================================================================================
"""

from collections.abc import Sequence

from breakeven.usage.calls import GATEWAY_CACHE
from breakeven.usage.readers.reader import Columns, Reader, following, json_rows
from breakeven.usage.readers.shapes import any_counts, fields

FIELD = fields(("raw_response>",))


def accepts(head: bytes, name: str) -> bool:
    """Rows with a raw response, a model name and the id of the inference they belong to."""
    return any({"inference_id", "raw_response", "model_name"} <= row.keys() for row in json_rows(head))


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    counts = any_counts(FIELD)
    spoken = "{system} IS NOT NULL OR {input_messages} IS NOT NULL"
    return {
        **counts,
        "input_tokens": f"coalesce({counts['input_tokens']}, whole({{input_tokens}}))",
        "output_tokens": f"coalesce({counts['output_tokens']}, whole({{output_tokens}}))",
        "inclusive": f"coalesce({counts['inclusive']}, true)",
        "task": "{function_name}",
        "model": f"coalesce({FIELD('model')}, regexp_replace({{model_name}}, '^.*::', ''))",
        "provider": "CASE WHEN {model_name} LIKE '%::%' THEN split_part({model_name}, '::', 1)"
        " ELSE {model_provider_name} END",
        "instant": f"coalesce({FIELD('created')}, {FIELD('created_at')}, {_uuid_time('{id}')}, {{timestamp}})",
        "service_tier": f"CASE WHEN lower({{cached}}) = 'true' THEN '{GATEWAY_CACHE}'"
        f" ELSE coalesce({FIELD('service_tier')}, {FIELD('usage.service_tier')}) END",
        "response_id": f"coalesce({FIELD('id')}, {FIELD('responseId')}, {{id}})",
        "prompt": f"CASE WHEN {spoken} THEN concat({{system}}, {{input_messages}}) ELSE {{raw_request>messages}} END",
        "asked": "coalesce({raw_request}, CASE WHEN " + spoken + " THEN to_json([{system}, {input_messages}]) END)",
        "answered": "{raw_response|output}",
        "first_message": "{system|input_messages>0.content|raw_request>messages.0.content}",
        "following": following(
            ("input_messages>#.content", "raw_request>messages.#.content"),
            ("input_messages>#.role", "raw_request>messages.#.role"),
            "{system}",
        ),
        "first_role": "CASE WHEN {system} IS NOT NULL THEN 'system'"
        " ELSE {input_messages>0.role|raw_request>messages.0.role} END",
        "tools": "{raw_request>tools}",
        "output_format": "{raw_request>response_format.type}",
    }


def _uuid_time(uuid: str) -> str:
    """SQL: Unix milliseconds, as text, inside a version-7 UUID; null for any other."""
    digits = f"replace(left({uuid}, 13), '-', '')"
    return f"CASE WHEN substr({uuid}, 15, 1) = '7' THEN CAST(TRY_CAST('0x' || {digits} AS BIGINT) AS VARCHAR) END"


READER = Reader("tensorzero", "TensorZero ModelInference rows, one JSON object per line", accepts, columns)
