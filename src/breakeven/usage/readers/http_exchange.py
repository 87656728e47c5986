"""
Requests to any provider with their responses, one exchange a line, as a proxy or a program's own log captures them.

Read: the providers' API references as of 2026-11-23; the counts of each shape are in ``shapes.py``. ``request`` and
``response`` are JSON bodies, or objects that carry one in ``body`` (as entries of an HTTP archive do in
``content.text``); a response may also be text: JSON, or the server-sent events of a stream.

==============  =============================================================================================
column          field
==============  =============================================================================================
task            ``metadata.task`` of the request or the response, else "all"
model           for Bedrock inside the ``path`` or ``url``, as its price depends on the region there; else of the
                response, of the request, inside the ``path`` or ``url``
provider        by the host, for hosts known to be one's; else by the shape of the response
instant         of the response, else ``timestamp``, ``time``, ``started_at`` or ``startedDateTime`` beside it
batch, tier     ``service_tier`` of the response
ok              no ``error`` in the response, an HTTP ``status`` below 400, a response status other than failed
cost_usd        ``usage.cost`` (OpenRouter)
prompt          ``system`` and ``messages`` (``input``, ``contents``) of the request
asked           the request's body
answered        ``choices``, ``content``, ``candidates`` or ``output`` of the response, where it is no stream
tools           ``tools`` of the request; so ``response_format``
==============  =============================================================================================
"""

from collections.abc import Sequence
from typing import Any

from breakeven.usage.readers import litellm
from breakeven.usage.readers.exchanges import expand
from breakeven.usage.readers.reader import Columns, Reader, following, json_rows
from breakeven.usage.readers.shapes import any_counts, fields, implied_provider, stated_cost, tier

FIELD = fields(("response>", "response.body>", "response.content.text>", "body."))

HOSTS = {
    "api.openai.com": "openai",
    ".openai.azure.com": "azure",
    ".services.ai.azure.com": "azure",
    "api.anthropic.com": "anthropic",
    ".amazonaws.com": "aws",
    ".api.aws": "aws",
    "aiplatform.googleapis.com": "google",
    "generativelanguage.googleapis.com": "google",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.cerebras.ai": "cerebras",
    "api.x.ai": "x-ai",
}
"""End of a host's name -> provider of the price table."""


ANSWERS = ("choices", "content", "candidates", "output")
"""Where responses hold what was said."""


def accepts(head: bytes, name: str) -> bool:
    """A line with a request and a response, that is not a gateway's spend record."""
    return any(map(_is_exchange, json_rows(head)))


def _is_exchange(row: dict[str, Any]) -> bool:
    if any(fields <= row.keys() for fields in litellm.EVIDENCE) or "custom_id" in row:
        return False
    return isinstance(row.get("request"), dict) and isinstance(row.get("response"), dict | str)


def columns(names: Sequence[str]) -> Columns:
    """Canonical name -> SQL over the raw row."""
    url = "coalesce({path}, {url|request.url|request.path}, '')"
    host = "lower(split_part(coalesce({host}, regexp_extract({url|request.url}, '^[a-z]+://([^/]+)', 1), ''), ':', 1))"
    of_host = " ".join(f"WHEN ends_with({host}, '{end}') THEN '{provider}'" for end, provider in HOSTS.items())
    pattern = "/(model|models|deployments)/(.+?)(:[a-zA-Z]+|/[a-z-]+|/chat/.*)$"
    in_path = f"nullif(regexp_extract(url_decode({url}), '{pattern}', 2), '')"
    bedrock = f"CASE WHEN contains({host}, 'bedrock') AND NOT contains({in_path}, ':application-inference-profile/')"
    bedrock += f" THEN {in_path} END"
    model = f"coalesce({bedrock}, nullif({FIELD('model')}, ''), {FIELD('modelVersion')}, {FIELD('model_version')},"
    model += f" {{request.model|request.body>model}}, {in_path})"
    said = ", ".join(
        f"nullif(nullif({FIELD(name)}, ''), '0')" for name in ("created", "created_at", "createTime", "create_time")
    )
    system = "{request.system|request.body>system|request.instructions|request.systemInstruction}"
    turns = "{request.messages|request.body>messages|request.input|request.contents}"
    chat = following(
        ("request.messages.#.content", "request.body>messages.#.content", "request.input.#.content",
         "request.contents.#.parts.0.text"),
        ("request.messages.#.role", "request.body>messages.#.role", "request.input.#.role"),
        system,
    )  # fmt: skip
    return {
        **any_counts(FIELD),
        "task": f"coalesce({FIELD('metadata.task')}, {{request.metadata.task|request.body>metadata.task}})",
        "model": f"regexp_replace({model}, '^(models/|arn:aws.*:(foundation-model|inference-profile)/)', '')",
        "provider": f"coalesce(CASE {of_host} END, {implied_provider(FIELD)})",
        "instant": f"coalesce({said}, {{timestamp|time|started_at|startedDateTime}})",
        "service_tier": tier(FIELD),
        "ok": f"{FIELD('error')} IS NULL AND succeeded(coalesce({{status|status_code|response.status_code}}, ''))",
        "status": FIELD("status"),
        "cost_usd": stated_cost(FIELD),
        "response_id": f"coalesce({FIELD('id')}, {FIELD('responseId')}, {FIELD('response_id')})",
        "fault": FIELD("fault"),
        "prompt": f"nullif(concat({system}, {turns}), '')",
        "asked": "coalesce({request.body|request.postData.text}, {request})",
        "answered": f"coalesce({', '.join(FIELD(path) for path in ANSWERS)})",
        "following": f"coalesce({chat}, CASE WHEN NOT json_valid({{request.input}}) THEN {{request.input}} END)",
        "first_role": f"CASE WHEN {system} IS NOT NULL THEN 'system'"
        " ELSE {request.messages.0.role|request.body>messages.0.role} END",
        "tools": "{request.tools|request.body>tools}",
        "output_format": "{request.response_format.type|request.body>response_format.type|request.text.format.type}",
        "first_message": f"coalesce({system}, {{request.messages.0.content|request.body>messages.0.content"
        "|request.input|request.contents.0})",
    }


READER = Reader(
    "http-exchange", "requests and responses of any provider, one exchange per line", accepts, columns, expand
)
