"""
The counts of one provider response, whichever provider's shape it has.

The shape decides what contains what, never the model's name:

=============================  ==================  ==================  =====================================
shape, by the field it has     cache inside input  reasoning           output
=============================  ==================  ==================  =====================================
``usage.prompt_tokens``        yes                 inside completion   completion; total - prompt where larger
``usage.input_tokens``         yes                 inside output       output
same with Anthropic's caches   no                  inside output       output
``usageMetadata``              yes                 beside candidates   candidates (0 if absent) + thoughts
``usage.total_input_tokens``   yes                 beside output       output + thoughts (Gemini interactions)
``usage.inputTokens``          no                  not given           output
``usage.billed_units``         not given           not given           output (0 if absent: embeddings)
``eval_count``                 not given           not given           eval_count (Ollama)
``generation_token_count``     not given           not given           that count (Llama on Bedrock)
``inputTextTokenCount``        not given           not given           results' tokenCount, 0 for embeddings (Titan)
=============================  ==================  ==================  =====================================

Anthropic's counts do not hold those of ``iterations`` that compact the context, which are billed too and added here;
those of another model (an advisor) become rows of their own, see ``exchanges.py``.

Not counted as cache reads, as the providers do not bill by them: Mistral's ``num_cached_tokens`` and Together's
``cached_tokens`` beside ``prompt_tokens``. DeepSeek's ``prompt_cache_hit_tokens`` are, which newer responses repeat in
the details.
"""

from collections.abc import Callable, Mapping, Sequence

from breakeven.usage.fields import json_path

Field = Callable[[str], str]

US_ONLY = "us-inference"
"""``service_tier`` of calls of Anthropic that are kept in the United States, which has a price of its own."""


def fields(prefixes: Sequence[str]) -> Field:
    """A function from a path inside a response to a raw field, the response lying at one of these prefixes."""

    def field(path: str) -> str:
        return "{" + "|".join(f"{prefix}{path}" for prefix in prefixes) + "}"

    return field


def openai_counts(field: Field) -> dict[str, str]:
    """Columns of an OpenAI chat completion or Responses object, and of what imitates the former."""
    prompt, completion = f"whole({field('usage.prompt_tokens')})", f"whole({field('usage.completion_tokens')})"
    total = f"whole({field('usage.total_tokens')})"
    written = _first(
        field, "usage.prompt_tokens_details.cache_write_tokens", "usage.input_tokens_details.cache_write_tokens"
    )
    long = field("usage.input_tokens_details.cache_write_tokens_details.ttl_12h_tokens")
    return {
        "inclusive": "true",
        "input_tokens": f"coalesce({prompt}, whole({field('usage.input_tokens')}))",
        "cache_read_tokens": _first(
            field,
            "usage.prompt_tokens_details.cached_tokens",
            "usage.input_tokens_details.cached_tokens",
            "usage.prompt_cache_hit_tokens",
        ),
        "cache_write_short_tokens": f"{written} - coalesce(whole({long}), 0)",
        "cache_write_long_tokens": f"whole({long})",
        "output_tokens": f"CASE WHEN {prompt} IS NULL THEN whole({field('usage.output_tokens')})"
        f" ELSE greatest({completion}, {total} - {prompt}) END",
        "reasoning_tokens": _first(
            field, "usage.completion_tokens_details.reasoning_tokens", "usage.output_tokens_details.reasoning_tokens"
        ),
    }


def any_counts(field: Field) -> dict[str, str]:
    """Columns of a response of any shape in the table above."""
    openai = openai_counts(field)
    written, long = (
        f"whole({field('usage.cache_creation_input_tokens')})",
        f"coalesce(whole({field('usage.cache_creation.ephemeral_1h_input_tokens')}), 0)",
    )
    short = f"coalesce(whole({field('usage.cache_creation.ephemeral_5m_input_tokens')}), {written} - {long}, 0)"
    compacted_long = _compacted(field, "cache_creation.ephemeral_1h_input_tokens")
    compacted_short = (
        f"greatest({_compacted(field, 'cache_creation.ephemeral_5m_input_tokens')},"
        f" {_compacted(field, 'cache_creation_input_tokens')} - {compacted_long})"
    )
    anthropic = {
        "inclusive": "false",
        "input_tokens": f"whole({field('usage.input_tokens')}) + {_compacted(field, 'input_tokens')}",
        "cache_read_tokens": f"whole({field('usage.cache_read_input_tokens')})"
        f" + {_compacted(field, 'cache_read_input_tokens')}",
        "cache_write_short_tokens": f"{short} + {compacted_short}",
        "cache_write_long_tokens": f"{long} + {compacted_long}",
        "output_tokens": f"whole({field('usage.output_tokens')}) + {_compacted(field, 'output_tokens')}",
        "reasoning_tokens": f"whole({field('usage.output_tokens_details.thinking_tokens')})",
    }
    gemini = {
        "inclusive": "true",
        "input_tokens": f"{_gemini(field, 'prompt_token_count')}"
        f" + coalesce({_gemini(field, 'tool_use_prompt_token_count')}, 0)",
        "cache_read_tokens": _gemini(field, "cached_content_token_count"),
        "output_tokens": f"coalesce({_gemini(field, 'candidates_token_count')},"
        f" {_gemini(field, 'response_token_count')}, 0) + coalesce({_gemini(field, 'thoughts_token_count')}, 0)",
        "reasoning_tokens": _gemini(field, "thoughts_token_count"),
    }
    hours = " + ".join(
        f"CASE WHEN {field(f'usage.cacheDetails.{n}.ttl')} = '1h'"
        f" THEN coalesce(whole({field(f'usage.cacheDetails.{n}.inputTokens')}), 0) ELSE 0 END"
        for n in (0, 1)
    )
    converse = {
        "inclusive": "false",
        "input_tokens": f"whole({field('usage.inputTokens')})",
        "cache_read_tokens": _first(field, "usage.cacheReadInputTokens", "usage.cacheReadInputTokenCount"),
        "cache_write_short_tokens": _first(field, "usage.cacheWriteInputTokens", "usage.cacheWriteInputTokenCount")
        + f" - ({hours})",
        "cache_write_long_tokens": hours,
        "output_tokens": f"whole({field('usage.outputTokens')})",
    }
    billed_input = _first(field, "usage.billed_units.input_tokens", "meta.billed_units.input_tokens")
    billed_output = _first(field, "usage.billed_units.output_tokens", "meta.billed_units.output_tokens")
    cohere = {
        "inclusive": "true",
        "input_tokens": billed_input,
        "output_tokens": f"coalesce({billed_output}, 0)",
    }
    interaction = {
        "inclusive": "true",
        "input_tokens": f"whole({field('usage.total_input_tokens')})"
        f" + coalesce(whole({field('usage.total_tool_use_tokens')}), 0)",
        "cache_read_tokens": f"whole({field('usage.total_cached_tokens')})",
        "output_tokens": f"whole({field('usage.total_output_tokens')})"
        f" + coalesce(whole({field('usage.total_thought_tokens')}), 0)",
        "reasoning_tokens": f"whole({field('usage.total_thought_tokens')})",
    }
    ollama = {
        "inclusive": "true",
        "input_tokens": f"whole({field('prompt_eval_count')})",
        "output_tokens": f"whole({field('eval_count')})",
    }
    llama = {
        "inclusive": "true",
        "input_tokens": f"whole({field('prompt_token_count')})",
        "output_tokens": f"whole({field('generation_token_count')})",
    }
    titan = {
        "inclusive": "true",
        "input_tokens": f"whole({field('inputTextTokenCount')})",
        "output_tokens": f"coalesce(whole({field('results.0.tokenCount')}),"
        f" CASE WHEN {field('embedding')} IS NOT NULL OR {field('embeddingsByType')} IS NOT NULL THEN 0 END)",
    }
    has_anthropic_caches = (
        f"coalesce({field('usage.cache_read_input_tokens')}, {field('usage.cache_creation_input_tokens')},"
        f" {field('usage.cache_creation.ephemeral_5m_input_tokens')},"
        f" {field('usage.cache_creation.ephemeral_1h_input_tokens')}) IS NOT NULL"
    )
    shapes = (
        (f"{field('usage.prompt_tokens')} IS NOT NULL", openai),
        (has_anthropic_caches, anthropic),
        (f"{field('usage.input_tokens')} IS NOT NULL", openai),
        (f"{_gemini(field, 'prompt_token_count')} IS NOT NULL", gemini),
        (f"{field('usage.inputTokens')} IS NOT NULL", converse),
        (f"{billed_input} IS NOT NULL", cohere),
        (f"{field('usage.total_input_tokens')} IS NOT NULL", interaction),
        (f"{field('eval_count')} IS NOT NULL", ollama),
        (f"{field('generation_token_count')} IS NOT NULL", llama),
        (f"{field('inputTextTokenCount')} IS NOT NULL", titan),
    )
    return {name: _choose([(when, shape.get(name, "NULL")) for when, shape in shapes]) for name in openai}


IMITATORS = {
    "usage.cost_details.upstream_inference_cost": "openrouter",
    "usage.is_byok": "openrouter",
    "usage.queue_time": "groq",
    "usage.num_cached_tokens": "mistral",
    "usage.prompt_cache_hit_tokens": "deepseek",
}
"""What only one provider of those that answer in the shape of OpenAI adds to it."""

OWN_SHAPES = {
    "usageMetadata.promptTokenCount": "google",
    "usage_metadata.prompt_token_count": "google",
    "usage.inputTokens": "aws",
    "usage.billed_units.input_tokens": "cohere",
    "meta.billed_units.input_tokens": "cohere",
}


def implied_provider(field: Field, evidence: Mapping[str, str] = IMITATORS | OWN_SHAPES) -> str:
    """SQL: the provider whose own fields a response has, null where it could be anyone's."""
    return _choose([(f"{field(path)} IS NOT NULL", f"'{provider}'") for path, provider in evidence.items()])


def tier(field: Field) -> str:
    """SQL: the service tier that a response names; Vertex's traffic types may be numbers."""
    traffic = f"coalesce({field('usageMetadata.trafficType')}, {field('usage_metadata.traffic_type')})"
    named = (
        "usage.service_tier",
        "service_tier",
        "serviceTier.type",
        "usageMetadata.serviceTier",
        "usage_metadata.service_tier",
    )
    standard = field("usage.service_tier")
    cases = [
        (f"{field('usage.speed')} = 'fast'", "'fast'"),
        (f"{field('usage.inference_geo')} = 'us' AND coalesce({standard} = 'standard', true)", f"'{US_ONLY}'"),
        (f"{traffic} = '2'", "'provisioned_throughput'"),
        (f"{traffic} = '1'", "NULL"),
        ("true", f"coalesce({', '.join(map(field, named))}, {traffic})"),
    ]
    return _choose(cases)


def stated_cost(field: Field) -> str:
    """SQL: cost in USD that a response states, with what the provider billed where the key was one's own."""
    cost = f"TRY_CAST({field('usage.cost')} AS DOUBLE)"
    own = f"TRY_CAST({field('usage.cost_details.upstream_inference_cost')} AS DOUBLE)"
    whole = f"{cost} + CASE WHEN truth({field('usage.is_byok')}) THEN coalesce({own}, 0) ELSE 0 END"
    return f"coalesce({whole}, TRY_CAST({field('usage.pydantic_ai_gateway.cost_estimate')} AS DOUBLE))"


def _compacted(field: Field, count: str) -> str:
    """A count of Anthropic's iterations of the kind compaction."""
    return f"compacted(CAST({field('usage.iterations')} AS VARCHAR), '{json_path(count)}')"


def _first(field: Field, *paths: str) -> str:
    return "coalesce(" + ", ".join(f"whole({field(path)})" for path in paths) + ")"


def _gemini(field: Field, name: str) -> str:
    """A Gemini count, camelCase as on the wire or snake_case as Python dumps it."""
    head, *rest = name.split("_")
    camel = head + "".join(word.capitalize() for word in rest)
    return f"coalesce(whole({field(f'usageMetadata.{camel}')}), whole({field(f'usage_metadata.{name}')}))"


def _choose(cases: Sequence[tuple[str, str]]) -> str:
    return "CASE " + " ".join(f"WHEN {when} THEN {value}" for when, value in cases) + " END"
