"""
Bedrock: model-invocation logs (S3 or CloudWatch, one JSON object per line) and output files of batch inference.

Read: docs.aws.amazon.com/bedrock, model invocation logging and batch inference, as of 2026-11-23.

===============  ============================================================================================
column           field
===============  ============================================================================================
task             ``requestMetadata.task``, else "all"
model            ``modelId`` after its last slash; for an application inference profile, whose id names no model, the
                 ``model`` of the response, else the id. Batch output names no model but in the response
instant          ``timestamp``
counts           ``input.inputTokenCount``, ``output.outputTokenCount`` and the cache counts, which lie beside the
                 input; where they are missing, ``usage`` of the response body. How long a cache write lives is in the
                 body alone
batch            a record of a batch output file
service_tier     "provisioned_throughput" for provisioned and imported models, which are billed by the hour
ok               no ``errorCode``, no ``error``
asked, answered  ``inputBodyJson`` and ``outputBodyJson``; in batch output ``modelInput`` and ``modelOutput``
===============  ============================================================================================
"""

from collections.abc import Sequence

from breakeven.usage.readers.reader import Columns, Reader, following, json_rows
from breakeven.usage.readers.shapes import any_counts, fields

BATCH = {"recordId", "modelInput"}

FIELD = fields(("output.outputBodyJson.", "modelOutput."))


def accepts(head: bytes, name: str) -> bool:
    """A record that names its schema, or one of a batch output file."""
    return any(row.get("schemaType") == "ModelInvocationLog" or row.keys() >= BATCH for row in json_rows(head))


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    body = any_counts(FIELD)
    read, write = ("whole({input.cacheReadInputTokenCount})", "whole({input.cacheWriteInputTokenCount})")
    own = "{input.inputTokenCount} IS NOT NULL"
    long = f"least(coalesce({body['cache_write_long_tokens']}, 0), {write})"
    counts = {
        "inclusive": "false",
        "input_tokens": "whole({input.inputTokenCount})",
        "cache_read_tokens": read,
        "cache_write_short_tokens": f"{write} - {long}",
        "cache_write_long_tokens": long,
        "output_tokens": f"coalesce(whole({{output.outputTokenCount}}), {body['output_tokens']},"
        " CASE WHEN {output.outputBodyJson.embedding|output.outputBodyJson.embeddings} IS NOT NULL THEN 0 END)",
        "reasoning_tokens": body["reasoning_tokens"],
    }
    tail = "regexp_extract({modelId}, '[^/]*$')"
    profile = "contains({modelId}, 'application-inference-profile/')"
    hourly = "regexp_matches({modelId}, ':(provisioned-model|imported-model|custom-model-deployment)/')"
    return {
        **{name: f"CASE WHEN {own} THEN {sql} ELSE {body[name]} END" for name, sql in counts.items()},
        "task": "{requestMetadata.task}",
        "model": f"CASE WHEN {{modelId}} IS NULL OR {profile} THEN coalesce({FIELD('model')}, {tail}) ELSE {tail} END",
        "provider": "'aws'",
        "instant": "{timestamp}",
        "batch": "{recordId} IS NOT NULL",
        "service_tier": f"CASE WHEN {hourly} THEN 'provisioned_throughput' ELSE {FIELD('serviceTier.type')} END",
        "response_id": f"coalesce({FIELD('id')}, {{requestId}})",
        "ok": "{errorCode} IS NULL AND {error} IS NULL",
        "prompt": "nullif(concat({input.inputBodyJson.system}, {input.inputBodyJson.messages}), '')",
        "asked": "{input.inputBodyJson|modelInput}",
        "answered": "{output.outputBodyJson|modelOutput}",
        "following": following(
            ("input.inputBodyJson.messages.#.content",),
            ("input.inputBodyJson.messages.#.role",),
            "{input.inputBodyJson.system}",
        ),
        "first_role": "CASE WHEN {input.inputBodyJson.system} IS NOT NULL THEN 'system' END",
        "tools": "{input.inputBodyJson.tools|input.inputBodyJson.toolConfig.tools}",
        "first_message": "{input.inputBodyJson.system.0.text|input.inputBodyJson.system"
        "|input.inputBodyJson.messages.0.content}",
    }


READER = Reader("bedrock", "Bedrock model-invocation logs or batch output, one JSON object per line", accepts, columns)
