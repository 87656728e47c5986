"""
What the readers of spans share: the attributes of every convention, and the notations they are written in.

Read: opentelemetry.io/docs/specs/semconv/gen-ai (v1.36, v1.41, genai v0.1.0), OpenInference semantic conventions
0.1.42, and the attributes that Traceloop, Pydantic AI and the Vercel AI SDK add, all as of 2026-11-23.

Attributes are looked up as keys of an object ``attributes``, with dots in the key or nested; as keys or columns
``attributes.KEY`` of the row; or, where a row has neither, as keys of the row itself. OTLP's lists of keys and values
are made into such objects by ``otlp.flat_spans`` first.

Kinds of span. A row is a model call where its operation or kind says so, or says nothing known and the row has token
counts. Tools, agents, chains, retrievers, judges and plain spans are none; where such a row has token counts, they are
the total of calls inside it.

Cached tokens lie inside the input by both conventions. Some instrumentations write the provider's own smaller number
instead, so a row is read as exclusive where its caches exceed its input, or its total is the sum of all of them.
Likewise reasoning lies inside the output, but beside it where the total is the sum of input, output and reasoning.
"""

from collections.abc import Callable, Sequence

from breakeven.usage.nesting import NOT_A_CALL, TOTAL
from breakeven.usage.readers.reader import Columns, following

Attribute = Callable[..., str]

INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
TOTALS = (
    "gen_ai.usage.total_tokens",
    "llm.token_count.total",
    "llm.usage.total_tokens",
    "ai.usage.totalTokens",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
)
MODEL = (
    "gen_ai.response.model",
    "llm.response.model_name",
    "ai.response.model",
    "gen_ai.request.model",
    "llm.model_name",
    "llm.request.model_name",
    "embedding.model_name",
    "reranker.model_name",
    "ai.model.id",
    "model_name",
)
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
TASK = (
    "gen_ai.prompt.name",
    "gen_ai.workflow.name",
    "traceloop.workflow.name",
    "gen_ai.agent.name",
    "agent.name",
    "agent_name",
    "traceloop.entity.name",
    "ai.telemetry.functionId",
)
TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
COST = ("gen_ai.usage.cost", "llm.cost.total", "operation.cost")
RESPONSE_ID = ("gen_ai.response.id", "llm.response.id", "ai.response.id")
PROMPT = ("gen_ai.input.messages", "gen_ai.prompt", "ai.prompt.messages", "input.value")
ANSWER = ("gen_ai.output.messages", "gen_ai.completion", "ai.response.text", "output.value")
FIRST_MESSAGE = (
    "gen_ai.system_instructions",
    "gen_ai.prompt.0.content",
    "llm.input_messages.0.message.content",
    "gen_ai.input.messages>0",
    "ai.prompt.messages>0.content",
)
FIRST_ROLE = (
    "gen_ai.prompt.0.role",
    "llm.input_messages.0.message.role",
    "gen_ai.input.messages>0.role",
    "ai.prompt.messages>0.role",
)
TEXTS = (
    "gen_ai.prompt.#.content",
    "llm.input_messages.#.message.content",
    "gen_ai.input.messages>#.parts.0.content",
    "gen_ai.input.messages>#.content",
    "ai.prompt.messages>#.content",
)
ROLES = (
    "gen_ai.prompt.#.role",
    "llm.input_messages.#.message.role",
    "gen_ai.input.messages>#.role",
    "ai.prompt.messages>#.role",
)
"""Text and role of a message, with # for its place."""

CALLS = "|chat|generate_content|text_completion|embeddings|llm|embedding|reranker|completion|rerank|"
TOOLS = "|execute_tool|tool|ai.toolcall|"
JUDGES = "|evaluator|evaluate|"
OTHERS = "|invoke_agent|invoke_workflow|create_agent|plan|retrieval|chain|agent|workflow|task|retriever|guardrail|"
OTHERS += "prompt|decision|unknown|"
EMBEDDINGS = "|embeddings|embedding|reranker|rerank|"
"""Operations and kinds of span in lower case, those without output last."""


def attribute(names: Sequence[str]) -> Attribute:
    """
    A function from attributes to a raw field, the first of them that a row has.

    Parameters
    ----------
    names : sequence of str
        Columns of the table, or keys of the first JSON rows.
    """
    forms: tuple[str, ...] = ('"{}"',)
    if "attributes" in names:
        forms = ('attributes."{}"', "attributes.{}")
    elif any(name.startswith("attributes.") for name in names):
        forms = ('"attributes.{}"',)

    def field(*attributes: str) -> str:
        parts = []
        for path, _, rest in (each.partition(">") for each in attributes):
            nested = path.startswith(("llm.", "embedding.", "reranker.", "input."))
            for form in forms if nested else forms[:1]:
                parts.append(form.format(path) + (f">{rest}" if rest else ""))
        return "{" + "|".join(parts) + "}"

    return field


def counts(field: Attribute) -> Columns:
    """The columns of token counts."""
    given, made, total = (f"whole({field(*names)})" for names in (INPUT, OUTPUT, TOTALS))
    read, written = (f"coalesce(whole({field(*names)}), 0)" for names in (CACHE_READ, CACHE_WRITE))
    cached = f"({read} + {written})"
    apart = f"{cached} > {given} OR {cached} > 0 AND {total} = {given} + {made} + {cached}"
    thought = f"coalesce(whole({field(*REASONING)}), 0)"
    beside = f"{thought} > 0 AND {total} = {given} + {made} + {thought} AND {cached} <> {thought}"
    embedding = f"({_kind_in(field, EMBEDDINGS)} OR {field('ai.operationId')} LIKE '%.doEmbed')"
    return {
        "input_tokens": given,
        "output_tokens": f"CASE WHEN {made} IS NULL AND {embedding} THEN 0"
        f" WHEN {beside} THEN {made} + {thought} ELSE {made} END",
        "inclusive": f"NOT coalesce({apart}, false)",
        "cache_read_tokens": f"whole({field(*CACHE_READ)})",
        "cache_write_short_tokens": f"whole({field(*CACHE_WRITE)})",
        "reasoning_tokens": f"whole({field(*REASONING)})",
    }


def span_columns(field: Attribute, own_kind: str = "{span_kind}") -> dict[str, str]:
    """
    Every column of a span whose ids, time and status lie where some exporter writes them.

    Parameters
    ----------
    own_kind : str
        Raw field outside the attributes that may hold a kind of OpenInference.
    """
    given, made = f"whole({field(*INPUT)})", f"whole({field(*OUTPUT)})"
    system = field("gen_ai.system_instructions")
    kind = _kind(field, own_kind)
    status = "CAST({status.code|status.status_code|status_code|otel_status_code} AS VARCHAR)"
    failed = f"among({status}, '|2|error|status_code_error|')"
    return {
        **counts(field),
        "task": task_name(field(*TASK)),
        "model": field(*MODEL),
        "provider": field(*PROVIDER),
        "instant": "{startTimeUnixNano|start_time_unix_nano|start_time|start_timestamp|startTime.0|startTime}",
        "service_tier": field(*TIER),
        "ok": f"NOT coalesce({failed} OR {field('error.type')} IS NOT NULL, false)",
        "cost_usd": field(*COST),
        "response_id": f"coalesce({field(*RESPONSE_ID)}, CASE WHEN {field('output.value>model')} IS NOT NULL"
        f" THEN {field('output.value>id')} END)",
        "prompt": f"nullif(concat({system}, {field(*PROMPT)}), '')",
        "asked": f"to_json([{system}, {field(*PROMPT)}])",
        "answered": field(*ANSWER),
        "first_message": field(*FIRST_MESSAGE),
        "following": following(TEXTS, ROLES, system, field),
        "first_role": f"CASE WHEN {system} IS NOT NULL THEN 'system' ELSE {field(*FIRST_ROLE)} END",
        "tools": field("gen_ai.tool.definitions"),
        "output_format": field("gen_ai.output.type"),
        "fault": no_call(kind, f"coalesce({given}, 0) + coalesce({made}, 0) > 0"),
        "span_kind": kind,
        "span": span_id(
            '{traceId|trace_id|context.trace_id|"context.trace_id"|spanContext.traceId}',
            '{spanId|span_id|context.span_id|"context.span_id"|spanContext.spanId}',
        ),
        "parent": span_id(
            '{traceId|trace_id|context.trace_id|"context.trace_id"|spanContext.traceId}',
            "{parentSpanId|parent_span_id|parent_id|parentId|parentSpanContext.spanId}",
        ),
    }


def no_call(kind: str, counted: str) -> str:
    """SQL of why a row of a kind, "call" or another, is no call; null where it is one."""
    return f"CASE WHEN {kind} = 'call' THEN NULL WHEN {counted} THEN '{TOTAL}' ELSE '{NOT_A_CALL}' END"


def span_id(trace: str, span: str) -> str:
    """SQL of an id that is unique over all traces; null without one."""
    trace, span = (f"regexp_replace(lower(CAST({id_} AS VARCHAR)), '^0x', '')" for id_ in (trace, span))
    return f"CASE WHEN ltrim({span}, '0') <> '' THEN concat({trace}, '/', {span}) END"


def task_name(sql: str) -> str:
    """SQL of a name, with * for each UUID in it: a name made anew for every run names no task."""
    uuid = "-".join("[0-9a-fA-F]" * digits for digits in (8, 4, 4, 4, 12))
    return f"regexp_replace({sql}, '{uuid}', '*', 'g')"


def _kind_in(field: Attribute, words: str, own_kind: str = "{span_kind}") -> str:
    """SQL: whether some field that names a kind or an operation has one of these words."""
    named = (
        field("gen_ai.operation.name"),
        field("openinference.span.kind"),
        field("llm.request.type"),
        field("traceloop.span.kind"),
        field("ai.operationId"),
        own_kind,
    )
    return "(" + " OR ".join(f"coalesce(among(CAST({name} AS VARCHAR), '{words}'), false)" for name in named) + ")"


def _kind(field: Attribute, own_kind: str) -> str:
    """SQL of "call", "tool", "judge" or "other"."""
    sdk = field("ai.operationId")
    given = f"coalesce({field(*INPUT)}, {field(*OUTPUT)})"
    agent = f"{field('agent_name')} IS NOT NULL AND {field('gen_ai.operation.name')} IS NULL"
    tool = f"{field('gen_ai.tool.name')} IS NOT NULL AND {field('gen_ai.operation.name')} IS NULL"
    return (
        f"CASE WHEN {_kind_in(field, TOOLS, own_kind)} OR {tool} THEN 'tool'"
        f" WHEN {_kind_in(field, JUDGES, own_kind)} THEN 'judge'"
        f" WHEN {_kind_in(field, CALLS, own_kind)} OR {sdk} LIKE '%.do%' THEN 'call'"
        f" WHEN {_kind_in(field, OTHERS, own_kind)} OR {sdk} IS NOT NULL OR {agent} THEN 'other'"
        f" WHEN {given} IS NOT NULL THEN 'call' ELSE 'other' END"
    )
