"""
Pydantic Logfire: rows of its ``records`` table (JSON lines, CSV, Parquet).

Read: logfire.pydantic.dev/docs, SQL and query API, as of 2026-11-23.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``gen_ai.prompt.name``, ``gen_ai.agent.name``, ``agent_name`` and the like, see ``spans.py``
model, provider as in OpenTelemetry, see ``otel.py``
instant         ``start_timestamp``
counts          as in OpenTelemetry; where a span of the first instrumentations has none, ``response_data.usage``,
                read by its shape, see ``shapes.py``
calls           spans of a model operation; pending spans, agent runs, tools and log lines are none
ok              ``otel_status_code`` other than ERROR, no ``error.type``
cost_usd        ``operation.cost``
prompt          as in OpenTelemetry, else ``request_data.messages``
==============  =============================================================================================
"""

import json
from collections.abc import Sequence

from breakeven.usage.nesting import NOT_A_CALL
from breakeven.usage.readers.reader import Columns, Reader, following, header, json_rows
from breakeven.usage.readers.shapes import any_counts, fields
from breakeven.usage.readers.spans import INPUT, OUTPUT, attribute, span_columns

EVIDENCE = {"trace_id", "span_id", "span_name", "start_timestamp", "attributes"}

RESPONSE = fields(("attributes.response_data.",))


def accepts(head: bytes, name: str) -> bool:
    """The ids, the name, the start and the attributes of a record, under Logfire's names."""
    return any(row.keys() >= EVIDENCE for row in json_rows(head)) or set(header(head)[1]) >= EVIDENCE


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    field = attribute(names)
    spans, body = span_columns(field), any_counts(RESPONSE)
    absent = f"coalesce({field(*INPUT)}, {field(*OUTPUT)}) IS NULL"
    bare = f"({absent} AND coalesce({body['input_tokens']}, {body['output_tokens']}) IS NOT NULL)"
    both = {name: f"CASE WHEN {bare} THEN {sql} ELSE {spans.get(name, 'NULL')} END" for name, sql in body.items()}
    asked = following(("attributes.request_data.messages.#.content",), ("attributes.request_data.messages.#.role",))
    pending = "{kind} = 'pending_span'"
    return {
        **spans,
        **both,
        "fault": f"CASE WHEN {pending} THEN '{NOT_A_CALL}' WHEN {bare} THEN NULL ELSE {spans['fault']} END",
        "model": f"coalesce({spans['model']}, {RESPONSE('model')}, {{attributes.request_data.model}})",
        "response_id": f"coalesce({spans['response_id']}, {RESPONSE('id')})",
        "prompt": f"coalesce({spans['prompt']}, {{attributes.request_data.messages}})",
        "following": f"coalesce({spans['following']}, {asked})",
        "first_message": f"coalesce({spans['first_message']}, {{attributes.request_data.messages.0.content}})",
    }


def opened(line: str) -> Sequence[str]:
    """A line with its attributes as an object, where they are JSON in a text."""
    start = line.find('"attributes"')
    if start < 0 or not line[start + 12 : start + 32].lstrip(" :").startswith('"'):
        return [line]
    try:
        row = json.loads(line)
        row["attributes"] = json.loads(row["attributes"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return [line]
    return [json.dumps(row)]


READER = Reader("logfire", "records of Pydantic Logfire (JSON lines, CSV, Parquet)", accepts, columns, opened)
