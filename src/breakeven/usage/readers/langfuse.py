"""
Langfuse: observations (UI export, API, or rows of ``observations`` and ``events_full``), and whole traces.

Read: langfuse.com/docs, data model, export and token tracking, as of 2026-11-23 (v3, v4).

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``promptName``, else ``traceName`` or the trace's ``name``, else ``name``; "judge: " before it in the
                environment of Langfuse's own judges
model           ``providedModelName``, else ``model``
provider        ``gen_ai.provider.name``, ``gen_ai.system`` or ``llm.provider`` of ``metadata.attributes``
instant         ``startTime``
counts          ``usageDetails``, see below; else ``usage`` in tokens, or ``promptTokens`` and ``completionTokens``
calls           types GENERATION and EMBEDDING; all other observations are none
version         ``event_ts``, else ``updatedAt``: of rows with one id the latest counts, unless ``is_deleted``
ok              ``level`` other than ERROR
cost_usd        ``totalCost``, else ``costDetails.total``
prompt          ``input``
==============  =============================================================================================

The keys of ``usageDetails`` are free text: they count by what they begin with and whether they name a cache or
reasoning. Langfuse means them to be disjoint, but maps of users may have caches inside ``input`` and reasoning inside
``output``; the ``total`` decides, and where it fits neither or is absent they are disjoint. Keys of the form
``prompt_details.x`` are details of the prompt, so inside it.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from breakeven.usage.calls import JUDGE
from breakeven.usage.readers.reader import Columns, Reader, following, header, json_object, json_rows
from breakeven.usage.readers.spans import no_call, span_id, task_name

USAGE = "{usageDetails|usage_details|provided_usage_details}"

INPUT = "^(input|input_tokens|prompt_tokens)$"
OUTPUT = "^(output|output_tokens|completion_tokens)$"
TOTAL = "^(total|total_tokens)$"
READ = "cache_?read|cached"
LONG = "cache_?(creation|write).*1h"
WRITTEN = "cache_?(creation|write)"
REASONING = "^(output|completion).*(reasoning|thought|thinking)"
INPUT_SIDE = "^(input|prompt)"
OUTPUT_SIDE = "^(output|completion)"
DETAILS = "^(prompt|completion)_(tokens_)?details"
"""Keys of the map, as regular expressions."""

SUMS = {
    "given": (INPUT,),
    "made": (OUTPUT,),
    "total": (TOTAL,),
    "read": (READ,),
    "long": (LONG,),
    "short": (WRITTEN, LONG),
    "reasoning": (REASONING,),
    "more_input": (INPUT_SIDE, INPUT, READ, WRITTEN),
    "more_output": (OUTPUT_SIDE, OUTPUT, REASONING),
    "details": (DETAILS,),
}
"""Sum over the map -> the keys in it, without those after."""


def accepts(head: bytes, name: str) -> bool:
    """Observations by their usage map or their parent, or traces that hold some."""
    return any(map(_is_observation, json_rows(head, observations))) or _is_observation(header(head)[1])


def _is_observation(row: dict[str, Any] | list[str]) -> bool:
    has_usage = any(key in row for key in ("usageDetails", "usage_details", "parentObservationId"))
    return has_usage and any(key in row for key in ("traceId", "trace_id"))


def observations(line: str) -> Sequence[str]:
    """The observations of a line that holds a trace or a page of the API; any other line as it is."""
    if '"observations"' not in line and '"data"' not in line:
        return [line]
    document = json_object(line)
    if document is None or _is_observation(document):
        return [line]
    held = document.get("observations", document.get("data"))
    if not isinstance(held, list) or not all(isinstance(each, dict) for each in held):
        return [line]
    return [json.dumps(each) for each in _named(document, held)]


def _named(document: dict[str, Any], held: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Observations with the name and environment of their trace, and those of traces on a page."""
    trace = document.get("trace")
    trace = trace if isinstance(trace, dict) else document if "observations" in document else {}
    for each in held:
        inner = each.get("observations")
        if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
            yield from _named(each, inner)
        else:
            yield {"traceName": trace.get("name"), "environment": trace.get("environment"), **each}


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    kind = "lower(CAST({type} AS VARCHAR))"
    operation = f"lower({_attribute('gen_ai.operation.name', 'openinference.span.kind')})"
    kind = (
        f"CASE WHEN {kind} = 'tool' OR among({operation}, '|tool|execute_tool|') THEN 'tool'"
        f" WHEN {kind} = 'evaluator' THEN 'judge' WHEN among({kind}, '|generation|embedding|') THEN 'call'"
        f" WHEN {kind} IS NULL AND {USAGE} IS NOT NULL THEN 'call' ELSE 'other' END"
    )
    usage = _usage()
    name = task_name("coalesce(nullif({promptName|prompt_name}, ''), nullif({traceName|trace_name}, ''), {name})")
    counted = f"coalesce({usage['input_tokens']}, 0) + coalesce({usage['output_tokens']}, 0) > 0"
    turns = following(("input>#.content", "input>messages.#.content"), ("input>#.role", "input>messages.#.role"))
    deleted = "truth(CAST({is_deleted} AS VARCHAR))"
    return {
        **usage,
        "task": f"CASE WHEN {{environment}} LIKE 'langfuse-%judge%' THEN concat('{JUDGE}', {name}) ELSE {name} END",
        "model": "{providedModelName|provided_model_name|model}",
        "provider": _attribute("gen_ai.provider.name", "gen_ai.system", "llm.provider"),
        "instant": "{startTime|start_time}",
        "service_tier": "{modelParameters>service_tier|model_parameters>service_tier}",
        "status": "{level}",
        "cost_usd": "{totalCost|total_cost|costDetails>total|cost_details>total|calculatedTotalCost}",
        "response_id": f"coalesce({_attribute('gen_ai.response.id', 'llm.response.id')},"
        " CASE WHEN {output>model} IS NOT NULL THEN {output>id} END)",
        "prompt": "{input}",
        "first_role": "{input>0.role|input>messages.0.role}",
        "following": f"coalesce({turns}, CASE WHEN NOT json_valid({{input}}) THEN {{input}} END)",
        "tools": "{input>tools}",
        "answered": "{output}",
        "first_message": "{input>0.content|input>messages.0.content|input}",
        "fault": f"CASE WHEN {deleted} THEN 'deleted in the tracer' ELSE {no_call(kind, counted)} END",
        "span_kind": kind,
        "span": span_id("{traceId|trace_id}", "{id|span_id}"),
        "parent": span_id("{traceId|trace_id}", "{parentObservationId|parent_observation_id|parent_span_id}"),
        "version": "{event_ts|updatedAt|updated_at}",
    }


def _attribute(*names: str) -> str:
    """The first of these attributes of the span that an observation was made from."""
    return "{" + "|".join(f'metadata>attributes."{name}"' for name in names) + "}"


def _usage() -> Columns:
    """The columns of token counts."""
    legacy = "CASE WHEN coalesce(lower({usage.unit}), 'tokens') = 'tokens' THEN whole({usage.SIDE}) END"
    sums = {name: f"shared[{place}]" for place, name in enumerate(SUMS, 1)}
    given = f"coalesce({sums['given']}, {legacy.replace('SIDE', 'input')}, whole({{promptTokens}}))"
    made = f"coalesce({sums['made']}, {legacy.replace('SIDE', 'output')}, whole({{completionTokens}}))"
    made = f"CASE WHEN {made} IS NULL AND lower(CAST({{type}} AS VARCHAR)) = 'embedding' THEN 0 ELSE {made} END"
    names = ("read", "long", "short", "reasoning", "more_input", "more_output")
    read, long, short, reasoning, more_input, more_output = (f"coalesce({sums[name]}, 0)" for name in names)
    before = f"({read} + {long} + {short} + {more_input})"
    after = f"({reasoning} + {more_output})"
    total, total_in, total_out = sums["total"], f"({given} + {before})", f"({made} + {after})"
    apart_in = f"{total} IN ({total_in} + {total_out}, {total_in} + {made})"
    apart_out = f"{total} IN ({total_in} + {total_out}, {given} + {total_out})"
    fits_in = f"{total} IN ({given} + {made}, {given} + {total_out})"
    fits_out = f"{total} IN ({given} + {made}, {total_in} + {made})"
    detailed = f"{total} IS NULL AND {sums['details']} IS NOT NULL"
    inside_in = f"coalesce({before} <= {given} AND ({detailed} OR {fits_in} AND NOT {apart_in}), false)"
    inside_out = f"coalesce({after} <= {made} AND ({detailed} OR {fits_out} AND NOT {apart_out}), false)"
    return {
        "shared": f"[{', '.join(_sum(*keys) for keys in SUMS.values())}]",
        "inclusive": inside_in,
        "input_tokens": f"CASE WHEN {inside_in} THEN {given} ELSE {given} + {more_input} END",
        "cache_read_tokens": read,
        "cache_write_short_tokens": short,
        "cache_write_long_tokens": long,
        "output_tokens": f"CASE WHEN {inside_out} THEN {made} ELSE {made} + {after} END",
        "reasoning_tokens": reasoning,
    }


def _sum(pattern: str, *without: str) -> str:
    """SQL: the sum over the keys of the map that match a pattern and none of the others; null where there is none."""
    rest = "|".join(without) or "^$"
    return f"amounts({USAGE}, '{pattern}', '{rest}')"


READER = Reader(
    "langfuse", "Langfuse observations or traces (JSON lines, CSV, Parquet)", accepts, columns, observations
)
