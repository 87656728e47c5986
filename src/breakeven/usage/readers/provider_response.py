"""
Responses of any provider as saved by a program: the body alone on a line, or an object that carries it.

Read: the providers' API references as of 2026-11-23; the counts of each shape are in ``shapes.py``. A body lies at
the top of the line, in ``body``, in ``result.message`` (a line of Anthropic Message Batches results), or in ``message``
(a line of an agent's session). Streams may have a piece on every line, see ``stream_events.py``.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            "all": no provider's response has a task key
calls           ``request_counts.completed`` of a batch of OpenAI, whose usage is the total of its requests
model           ``model`` or ``modelVersion`` of the body, else ``model`` or ``modelId`` beside it; Google's
                ``models/`` before a name is dropped
provider        implied by the shape for Gemini, Bedrock, Cohere, Groq, Mistral, DeepSeek and OpenRouter
instant         ``created``, ``created_at`` or ``createTime`` of the body, else ``timestamp`` beside it
batch           Message Batches results, batches of OpenAI, and ``service_tier`` "batch"
service_tier    ``usage.service_tier``, ``usage.speed`` or ``usage.inference_geo`` (Anthropic), ``serviceTier`` or
                ``trafficType`` of ``usageMetadata`` (Google), ``service_tier``
ok              no ``error``; a batch result "succeeded"
cost_usd        ``usage.cost`` (OpenRouter), with the upstream cost where the key was one's own
==============  =============================================================================================
"""

from collections.abc import Sequence
from typing import Any

from breakeven.usage.nesting import NOT_A_CALL, PIECE
from breakeven.usage.readers import openai_response
from breakeven.usage.readers.exchanges import expand, is_message
from breakeven.usage.readers.reader import Columns, Reader, dig, json_rows
from breakeven.usage.readers.shapes import any_counts, fields, implied_provider, stated_cost, tier
from breakeven.usage.readers.stream_events import PIECES, joined

FIELD = fields(("body.", "result.message.", ""))

COUNTS = (
    "usage.prompt_tokens",
    "usage.input_tokens",
    "usage.inputTokens",
    "usage.billed_units.input_tokens",
    "meta.billed_units.input_tokens",
    "usageMetadata.promptTokenCount",
    "usage_metadata.prompt_token_count",
    "usage.total_input_tokens",
    "eval_count",
    "generation_token_count",
    "inputTextTokenCount",
)

ANSWERS = ("choices", "candidates", "output", "content", "message")
"""Where the shapes of responses hold the answer."""


OF_SESSIONS = ("user", "system", "summary", "attachment", "progress", "file-history-snapshot", "queue-operation")
"""Types of lines in which an agent's session holds no answer of a model."""

PROVIDERS_ID = "^(chatcmpl|cmpl|resp|msg|gen|embd)[-_]"
"""How ids begin that providers give; another one may be a program's own, unless what is beside it is a response's."""


def accepts(head: bytes, name: str) -> bool:
    """A line with counts of a known shape where a body lies, that is not an OpenAI object; or a batch result."""
    return any(_is_response(row) for row in json_rows(head))


def _is_response(row: dict[str, Any]) -> bool:
    if row.get("object") in openai_response.OBJECTS or openai_response.is_envelope(row):
        return False
    if "custom_id" in row and dig(row, "result.type") in ("succeeded", "errored", "canceled", "expired"):
        return True
    message = row.get("message")
    places = (row, row.get("body"), message if is_message(message) else None)
    return any(isinstance(dig(body, path), int) for body in places for path in COUNTS)


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    model = f"coalesce({FIELD('model')}, {FIELD('modelVersion')}, {FIELD('model_version')}, {{modelId}})"
    made_by = ", ".join(FIELD(name) for name in ("object", "type", "finish_reason"))
    given = f"coalesce({made_by}) IS NOT NULL OR regexp_matches({FIELD('id')}, '{PROVIDERS_ID}')"
    return {
        **any_counts(FIELD),
        "provider": implied_provider(FIELD),
        "model": f"regexp_replace({model}, '^models/', '')",
        "instant": f"coalesce({FIELD('created')}, {FIELD('created_at')}, {FIELD('createTime')}, {FIELD('create_time')},"
        " {timestamp})",
        "calls": "{request_counts.completed}",
        "batch": "{result.type} IS NOT NULL OR coalesce({object} = 'batch', false)",
        "service_tier": tier(FIELD),
        "ok": f"{FIELD('error')} IS NULL",
        "status": "{result.type}",
        "cost_usd": stated_cost(FIELD),
        "asked": "{request.body|request|messages}",
        "response_id": f"coalesce(CASE WHEN {given} THEN {FIELD('id')} END,"
        f" {FIELD('responseId')}, {FIELD('response_id')})",
        "fault": f"coalesce({FIELD('fault')}, CASE WHEN {{type}} IN {OF_SESSIONS} THEN '{NOT_A_CALL}'"
        f" WHEN {{type}} IN {PIECES} THEN '{PIECE}' END)",
        "answered": f"coalesce({', '.join(FIELD(path) for path in ANSWERS)})",
        "first_message": FIELD("instructions"),
    }


READER = Reader(
    "provider-response", "responses of any provider, one JSON object per line", accepts, columns, expand, joined
)
