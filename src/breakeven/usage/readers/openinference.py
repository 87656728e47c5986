"""
OpenInference: spans as Arize Phoenix exports them (JSON lines, CSV, Parquet), or as OTLP JSON.

Read: OpenInference semantic conventions 0.1.42 and Phoenix's span export, as of 2026-11-23.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``task`` of ``metadata``, else ``agent.name`` or a name of the GenAI conventions
model           ``llm.model_name``; for embeddings ``embedding.model_name``
provider        ``llm.provider``, else ``llm.system``
instant         ``start_time``
input           ``llm.token_count.prompt``; holds the caches
cache counts    ``llm.token_count.prompt_details.cache_read`` and ``.cache_write``
output          ``llm.token_count.completion``, reasoning included
calls           spans of kind LLM, EMBEDDING and RERANKER; AGENT, CHAIN, TOOL, RETRIEVER, EVALUATOR are none
ok              ``status_code`` other than ERROR
cost_usd        ``llm.cost.total``
prompt          ``input.value``
==============  =============================================================================================

Rows of the GenAI conventions in the same file are read by ``spans.py`` too.
"""

from collections.abc import Sequence
from typing import Any

from breakeven.usage.readers import langfuse, logfire
from breakeven.usage.readers.otlp import flat_spans
from breakeven.usage.readers.reader import Columns, Reader, dig, header, json_rows
from breakeven.usage.readers.spans import TASK, attribute, span_columns, task_name

KIND = "openinference.span.kind"

EVIDENCE = (KIND, "llm.token_count.prompt", f"attributes.{KIND}", "attributes.llm.token_count.prompt")


def accepts(head: bytes, name: str) -> bool:
    """Spans with a kind or a count of OpenInference, or the columns of a Phoenix export."""
    if langfuse.accepts(head, name) or logfire.accepts(head, name):
        return False
    return any(map(_has_evidence, json_rows(head, flat_spans))) or _is_export(header(head)[1])


def _has_evidence(row: dict[str, Any]) -> bool:
    attributes = row.get("attributes")
    if isinstance(attributes, dict) and (KIND in attributes or EVIDENCE[1] in attributes):
        return True
    nested = dig(attributes, "openinference.span.kind") or dig(attributes, "llm.token_count")
    return bool(nested) or any(key in row for key in EVIDENCE) or _is_export(row)


def _is_export(names: Sequence[str] | dict[str, Any]) -> bool:
    return "span_kind" in names and ("context.span_id" in names or "context" in names)


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    field = attribute(names)
    task = f"coalesce({field('metadata>task')}, {field(*TASK)})"
    return {**span_columns(field), "task": task_name(task)}


READER = Reader(
    "openinference", "OpenInference spans: exports of Arize Phoenix, or OTLP JSON", accepts, columns, flat_spans
)
