"""
Azure: calls through API Management (``ApiManagementGatewayLlmLog``), and diagnostics of Azure OpenAI.

Read: learn.microsoft.com, API Management LLM logs and Azure OpenAI monitoring, as of 2026-11-23; CSV or JSON lines as
Log Analytics exports them, or records of a storage account, whose names are camelCase under ``properties``.

===============  ============================================================================================
column           field
===============  ============================================================================================
task             ``DeploymentName`` (``modelDeploymentName``), else "all"
model            ``ModelName`` (``modelName``)
instant          ``TimeGenerated`` (``time``), also as the portal's CSV has it: 9/1/2026, 12:00:00.000 PM
input_tokens     ``PromptTokens``; cached tokens lie inside and are not shown apart
output_tokens    ``CompletionTokens``
status           ``ResultSignature`` (``resultSignature``), for diagnostics
===============  ============================================================================================

A call is one row of ``SequenceNumber`` 0 with the counts, and others with its text: those are rejected as parts of it.
Diagnostics (``RequestResponse``) hold lengths in bytes and no tokens: their successful calls are rejected, with the
reason, and failed ones are counted.
"""

from collections.abc import Sequence
from typing import Any

from breakeven.usage.readers.reader import Columns, Reader, header, json_rows

GATEWAY = ({"CorrelationId", "PromptTokens", "CompletionTokens"}, {"promptTokens", "completionTokens"})
CATEGORIES = ("Audit", "RequestResponse", "Trace", "AzureOpenAIRequestUsage")

PORTAL_TIME = "%-m/%-d/%Y, %-I:%M:%S.%g %p"

NO_COUNTS = "Azure request diagnostics hold no token counts; export ApiManagementGatewayLlmLog instead"


def accepts(head: bytes, name: str) -> bool:
    """Rows of the gateway's log, or diagnostics of a category that Azure OpenAI writes."""
    names = set(header(head)[1])
    return GATEWAY[0] <= names or {"Category", "properties_s"} <= names or any(map(_is_azure, json_rows(head)))


def _is_azure(row: dict[str, Any]) -> bool:
    inside = row.get("properties")
    if GATEWAY[0] <= row.keys() or (isinstance(inside, dict) and GATEWAY[1] <= inside.keys()):
        return True
    return row.get("Category", row.get("category")) in CATEGORIES and ("properties_s" in row or "properties" in row)


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    prompt = "whole({PromptTokens|properties.promptTokens})"
    completion = "whole({CompletionTokens|properties.completionTokens})"
    category = "{Category|category}"
    time = "{TimeGenerated|TimeGenerated [UTC]|time}"
    status = "{ResultSignature|resultSignature}"
    part = "whole({SequenceNumber|properties.sequenceNumber}) > 0"
    diagnostic = f"{category} IS NOT NULL AND {prompt} IS NULL AND {completion} IS NULL"
    deployment = "properties_s>modelDeploymentName|properties>modelDeploymentName"
    return {
        "task": f"{{DeploymentName|properties.deploymentName|{deployment}}}",
        "model": "nullif({ModelName|properties.modelName|properties_s>modelName|properties>modelName}, '')",
        "provider": "'azure'",
        "instant": f"coalesce(CAST(TRY_STRPTIME({time}, '{PORTAL_TIME}') AS VARCHAR), {time})",
        "input_tokens": prompt,
        "output_tokens": completion,
        "status": status,
        "response_id": "{CorrelationId|correlationId}",
        "fault": f"CASE WHEN {diagnostic} AND NOT among({category}, '|requestresponse|gatewayllmlogs|')"
        " THEN 'a diagnostic record that is no model call'"
        f" WHEN {part} THEN 'text of a call whose counts are in its first row'"
        f" WHEN {diagnostic} AND succeeded({status}) THEN '{NO_COUNTS}'"
        f" WHEN {prompt} = 0 AND {completion} = 0 THEN 'its token counts are all 0, which no call has' END",
    }


READER = Reader(
    "azure", "Azure API Management LLM logs and Azure OpenAI diagnostics (CSV, JSON lines)", accepts, columns
)
