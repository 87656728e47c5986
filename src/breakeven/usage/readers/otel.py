"""
OpenTelemetry: spans with GenAI attributes, as OTLP JSON (``resourceSpans``) or one span per line.

Read: opentelemetry.io/docs/specs/semconv/gen-ai and the OTLP file exporter, as of 2026-11-23.

All three generations of attribute names are read, and those of Traceloop, Pydantic AI and the Vercel AI SDK:

==============  =============================================================================================
column          attribute (the full lists are in ``spans.py``)
==============  =============================================================================================
task            ``gen_ai.prompt.name``, ``gen_ai.workflow.name``, ``gen_ai.agent.name`` and the like
model           ``gen_ai.response.model``, else ``gen_ai.request.model``
provider        ``gen_ai.provider.name``, before 1.37 ``gen_ai.system``
instant         ``startTimeUnixNano``, ``start_time``, ``startTime``
input           ``gen_ai.usage.input_tokens``, before 1.27 ``gen_ai.usage.prompt_tokens``; holds the caches
cache counts    ``gen_ai.usage.cache_read.input_tokens``; ``cache_creation``, from genai 0.1 ``cache_write``
output          ``gen_ai.usage.output_tokens``, before 1.27 ``gen_ai.usage.completion_tokens``
reasoning       ``gen_ai.usage.reasoning.output_tokens``, inside the output
service_tier    ``openai.response.service_tier``
ok              status other than error, no ``error.type``
cost_usd        ``gen_ai.usage.cost``, ``operation.cost``
prompt          ``gen_ai.system_instructions`` followed by ``gen_ai.input.messages``, where content was captured
tools           ``gen_ai.tool.definitions``; so ``gen_ai.output.type``
==============  =============================================================================================
"""

from collections.abc import Sequence
from typing import Any

from breakeven.usage.readers import langfuse, logfire, openinference
from breakeven.usage.readers.otlp import flat_spans
from breakeven.usage.readers.reader import Columns, Reader, header, json_rows
from breakeven.usage.readers.spans import attribute, span_columns

EVIDENCE = ("gen_ai.", "ai.operationId", "traceloop.")


def accepts(head: bytes, name: str) -> bool:
    """Spans with an attribute of the GenAI conventions, that another reader of spans does not claim."""
    if any(other.accepts(head, name) for other in (openinference.READER, logfire.READER, langfuse.READER)):
        return False
    rows = json_rows(head, flat_spans)
    return any(map(_has_evidence, rows)) or any(name.startswith("attributes.gen_ai.") for name in header(head)[1])


def _has_evidence(row: dict[str, Any]) -> bool:
    attributes = row.get("attributes")
    keys = [*row, *(attributes if isinstance(attributes, dict) else ())]
    return any(key.removeprefix("attributes.").startswith(EVIDENCE) for key in keys)


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    return span_columns(attribute(names))


READER = Reader(
    "otel", "OpenTelemetry spans with GenAI attributes: OTLP JSON, or one span per line", accepts, columns, flat_spans
)
