"""
OpenAI responses as saved by a program: chat completions, Responses objects, and Batch output files.

Read: platform.openai.com/docs/api-reference, chat, responses and batch, as of 2026-11-23.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``metadata.task``, else "all"
model           ``model``, the snapshot that served the call
provider        implied by fields that only OpenRouter, Groq, Mistral or DeepSeek add; else unknown
instant         ``created`` or ``created_at``, Unix seconds
counts          see ``shapes.py``; cached and cache-write tokens lie inside the input, reasoning inside the output
batch           the line is a Batch envelope: nothing inside it says so
service_tier    ``service_tier`` of the response, not of the request
cost_usd        ``usage.cost`` (OpenRouter), with the upstream cost where the key was one's own
ok              no ``error``, a status code below 400, a status other than failed or cancelled
asked           ``request`` or ``messages``, where a program saved them beside the response
answered        ``choices`` or ``output``
first_message   ``instructions`` of a Responses object; a response does not hold the messages it answers
tools           ``tools`` of a Responses object; so ``text.format``
==============  =============================================================================================
"""

from collections.abc import Sequence
from typing import Any

from breakeven.usage.readers.reader import Columns, Reader, json_rows
from breakeven.usage.readers.shapes import IMITATORS, fields, implied_provider, openai_counts, stated_cost

OBJECTS = ("chat.completion", "response")

FIELD = fields(("", "response.body."))


def is_envelope(row: dict[str, Any]) -> bool:
    """Whether a line is one of a Batch output or error file."""
    return "custom_id" in row and "response" in row and "error" in row


def accepts(head: bytes, name: str) -> bool:
    """A line that names itself an OpenAI object, or a Batch envelope."""
    return any(row.get("object") in OBJECTS or is_envelope(row) for row in json_rows(head))


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    return {
        **openai_counts(FIELD),
        "task": FIELD("metadata.task"),
        "model": FIELD("model"),
        "provider": implied_provider(FIELD, IMITATORS),
        "instant": "{created|created_at|response.body.created|response.body.created_at}",
        "batch": "{custom_id} IS NOT NULL",
        "service_tier": FIELD("service_tier"),
        "ok": f"{FIELD('error')} IS NULL AND succeeded({{response.status_code}})",
        "status": FIELD("status"),
        "cost_usd": stated_cost(FIELD),
        "asked": "{request.body|request|messages}",
        "response_id": FIELD("id"),
        "answered": f"coalesce({FIELD('choices')}, {FIELD('output')})",
        "first_message": FIELD("instructions"),
        "first_role": "'system'",
        "tools": FIELD("tools"),
        "output_format": FIELD("text.format.type"),
    }


READER = Reader("openai-response", "OpenAI responses or Batch output, one JSON object per line", accepts, columns)
