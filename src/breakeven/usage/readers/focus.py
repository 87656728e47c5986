"""
FOCUS bills: rows of a Cost and Usage dataset, version 1.0 to 1.4; CSV, Parquet or JSON lines.

Read: focus.finops.org, column library 1.0 to 1.4, as of 2026-11-23.

===============  ============================================================================================
column           field
===============  ============================================================================================
task             tag ``task`` or ``Task``, else ``SubAccountName``, else "all"
model            ``x_AIModel``, else the meter's name without its words for direction, else the service
provider         ``ServiceProviderName``, ``ProviderName`` or ``PublisherName``, as one of the price table's
instant          ``ChargePeriodStart``
tokens           ``ConsumedQuantity`` in ``ConsumedUnit``, else ``PricingQuantity`` in ``PricingUnit``, where the unit
                 is tokens, thousands or millions of them; to which count they belong is read from the meter's name
                 (``SkuMeter``, else ``ChargeDescription``, else ``SkuId``)
batch            the meter's name has the word batch
service_tier     the tag ``service_tier`` of a charge that ``breakeven logs --focus`` wrote
cost_usd         ``EffectiveCost``, else ``BilledCost``, where ``BillingCurrency`` is USD: what a commitment covers is
                 billed at 0, and its purchase is no usage
===============  ============================================================================================

Of a charge that ``breakeven logs --focus`` wrote, the tag ``bucket`` names the count and ``SkuId`` the model.

A bill does not say how many calls it is for. Usage of AI services that is not in tokens, or whose meter does not say
which, states a cost only: it is unpriced. Everything else is rejected: other services, taxes, purchases, credits,
adjustments and corrections.
"""

from collections.abc import Sequence

from breakeven.usage.calls import COST_ONLY, LONG_CONTEXT
from breakeven.usage.readers.reader import Columns, Reader, header, json_rows

EVIDENCE = {"BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart"}

AI_CATEGORY = "AI and Machine Learning"
AI_WORDS = "bedrock|openai|anthropic|claude|vertex ai|gemini|cognitive services|foundry models"

UNITS = (("million|\\bm ?tok|[0-9] ?m\\b", 1_000_000), ("thousand|\\bk ?tok|[0-9] ?k\\b", 1_000))
"""Pattern in a unit's name -> what the number in it, or 1, is multiplied by to have tokens; any other stands for 1."""

TOKENS, NUMBER = "token|\\b[mk]tok", "[0-9][0-9,]*(?:[.][0-9]+)?"

WRITE, READ = "cache.?(write|creation)|cchd? ?w", "cache|cchd"
OUTPUT, INPUT = "output|outp|completion|response", "input|inp\\b|inpt|prompt|request"
OTHER = "train|fine.?tun|image|audio|video|embedding.?storage|cache.?storage"

WRITTEN = {
    "input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write_short": "cache_write_short_tokens",
    "cache_write_long": "cache_write_long_tokens",
    "output": "output_tokens",
    "reasoning": "output_tokens",
    "request": COST_ONLY,
}
"""Tag ``bucket`` of charges written by ``breakeven.usage.focus`` -> the count."""

PROVIDERS = (("amazon|aws", "aws"), ("microsoft|azure", "azure"), ("google|gcp", "google"))


def accepts(head: bytes, name: str) -> bool:
    """The columns every FOCUS version has."""
    return any(set(row) >= EVIDENCE for row in [*json_rows(head), header(head)[1]])


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    meter = "{SkuMeter|ChargeDescription|SkuId}"
    ours = f"coalesce({{Tags>bucket}} = {_of_sku(3)}, false)"
    service = "{ServiceName}"
    seller = "{ServiceProviderName|ProviderName|PublisherName}"
    tokens = f"CASE WHEN {_in_tokens('Consumed')} THEN {_tokens('Consumed')} ELSE {_tokens('Pricing')} END"
    in_tokens = f"coalesce({_in_tokens('Consumed')} OR {_in_tokens('Pricing')}, false)"
    count = {
        "cache_write_long_tokens": f"{_has(meter, WRITE)} AND {_has(meter, '1h|1 hour')}",
        "cache_write_short_tokens": _has(meter, WRITE),
        "cache_read_tokens": _has(meter, READ),
        "output_tokens": _has(meter, OUTPUT),
        "input_tokens": _has(meter, INPUT),
    }
    kinds = " ".join(f"WHEN {when} THEN '{name}'" for name, when in count.items())
    written = " ".join(f"WHEN '{bucket}' THEN '{name}'" for bucket, name in WRITTEN.items())
    kind = (
        f"CASE WHEN {ours} THEN CASE {{Tags>bucket}} {written} END"
        f" WHEN NOT {in_tokens} OR {_has(meter, OTHER)} THEN '{COST_ONLY}' {kinds} ELSE '{COST_ONLY}' END"
    )
    is_ai = f"{{ServiceCategory}} = '{AI_CATEGORY}' OR {_has(service, AI_WORDS)} OR {in_tokens}"
    provider = " ".join(f"WHEN {_has(seller, pattern)} THEN '{name}'" for pattern, name in PROVIDERS)
    model = f"CASE WHEN {ours} THEN {_of_sku(2)} ELSE coalesce({{x_AIModel}}, {_model(meter, service)}) END"
    long = f"CASE WHEN {_has(meter, 'long.?context|lctx|>.?200k')} THEN '{LONG_CONTEXT}' END"
    batch = f"CASE WHEN {ours} THEN {{Tags>service_tier}} = 'batch' ELSE {_has(meter, 'batch')} END"
    usd = "lower({BillingCurrency}) = 'usd'"
    least = "least(TRY_CAST({BilledCost} AS DOUBLE), TRY_CAST({EffectiveCost} AS DOUBLE))"
    return {
        **{name: f"CASE WHEN {kind} = '{name}' THEN round({tokens}) ELSE 0 END" for name in count},
        "reasoning_tokens": f"CASE WHEN {ours} AND {{Tags>bucket}} = 'reasoning' THEN round({tokens}) ELSE 0 END",
        "inclusive": "false",
        "task": "{Tags>task|Tags>Task|SubAccountName}",
        "model": model,
        "provider": f"CASE WHEN {ours} THEN {_of_sku(1)} {provider} ELSE lower({seller}) END",
        "instant": "{ChargePeriodStart}",
        "calls_known": "false",
        "batch": f"coalesce({batch}, false)",
        "service_tier": f"CASE WHEN {kind} = '{COST_ONLY}' THEN '{COST_ONLY}'"
        f" WHEN {ours} THEN {{Tags>service_tier}} ELSE {long} END",
        "cost_usd": f"CASE WHEN {usd} THEN {{EffectiveCost|BilledCost}} END",
        "fault": f"CASE WHEN NOT coalesce({is_ai}, false) THEN 'not usage of an AI service'"
        " WHEN {ChargeCategory} <> 'Usage' THEN 'a tax, purchase, credit or adjustment, not usage'"
        " WHEN lower({ChargeClass}) = 'correction' THEN 'a correction of an earlier bill'"
        f" WHEN {least} < 0 THEN 'an amount below zero: a credit or a reversal'"
        f" WHEN {kind} = '{COST_ONLY}' AND NOT {usd} THEN 'billed in another currency than USD, and no tokens' END",
    }


def _has(text: str, pattern: str) -> str:
    return f"regexp_matches(lower({text}), '{pattern}')"


def _of_sku(part: int) -> str:
    """SQL of a part of ``SkuId`` as it is in charges written here: provider, model, bucket."""
    return f"regexp_extract({{SkuId}}, '^([^/]+)/(.+)/({'|'.join(WRITTEN)})(?:/[^/]*)?$', {part})"


def _in_tokens(kind: str) -> str:
    return f"({{{kind}Quantity}} IS NOT NULL AND {_has(f'{{{kind}Unit}}', TOKENS)})"


def _tokens(kind: str) -> str:
    """SQL of a quantity in tokens."""
    scale = " ".join(f"WHEN {_has(f'{{{kind}Unit}}', pattern)} THEN {each}" for pattern, each in UNITS)
    number = f"coalesce(TRY_CAST(replace(regexp_extract({{{kind}Unit}}, '{NUMBER}'), ',', '') AS DOUBLE), 1)"
    return f"(TRY_CAST({{{kind}Quantity}} AS DOUBLE) * {number} * CASE {scale} ELSE 1 END)"


def _model(meter: str, service: str) -> str:
    """SQL of the model a meter is of: "USE1-ClaudeHaiku4.5-input-tokens" -> "claude-haiku-4.5"."""
    words = r"[-_ :,/(]*(cache|cchd|batch|input|inp\b|output|outp|prompt|completion|response|tokens?).*$"
    bare = f"regexp_replace({meter}, '^[A-Z]+[0-9]-', '')"
    bare = f"regexp_replace({bare}, '{words}', '', 'i')"
    spaced = f"regexp_replace({bare}, '([a-z])([A-Z0-9])', '\\1-\\2', 'g')"
    name = f"replace(lower(trim({spaced})), ' ', '-')"
    edition = f"replace(lower(regexp_extract({service}, '^(.*) [(]Amazon Bedrock Edition[)]', 1)), ' ', '-')"
    return f"coalesce(nullif({edition}, ''), nullif({name}, ''), {service})"


READER = Reader("focus", "FOCUS bills, 1.0 to 1.4 (CSV, Parquet, JSON lines)", accepts, columns)
