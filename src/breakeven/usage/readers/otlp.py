"""
OTLP's JSON notation of spans made plain: attributes as objects, one span per line.

Read: opentelemetry.io/docs/specs/otlp, JSON protobuf encoding, as of 2026-11-23. Counts are texts there, and attributes
lists of ``{"key": ..., "value": {"intValue": ...}}``; names are in camelCase, in some exports in snake_case.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from breakeven.usage.readers.reader import json_object


def flat_spans(line: str) -> Sequence[str]:
    """
    The spans of a line of OTLP, or of one span in OTLP's notation, with attributes as objects.

    A line that has no list of attributes comes back as it is.
    """
    if '"resourceSpans"' not in line and '"resource_spans"' not in line and not _has_list(line):
        return [line]
    document = json_object(line)
    if document is None:
        return [line]
    return [json.dumps(span) for span in _spans(document)]


def _has_list(line: str) -> bool:
    start = line.find('"attributes"')
    return start >= 0 and line[start + 12 : start + 32].lstrip(" :").startswith("[")


def _spans(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    resources = document.get("resourceSpans", document.get("resource_spans"))
    if not isinstance(resources, list):
        yield _flat(document)
        return
    for resource in resources:
        about = _flat(_get(resource, "resource") or {})["attributes"]
        scopes = _get(resource, "scopeSpans", "scope_spans", "instrumentationLibrarySpans")
        for scope in scopes if isinstance(scopes, list) else ():
            spans = _get(scope, "spans")
            for span in spans if isinstance(spans, list) else ():
                yield {**_flat(span), "resource": about} if isinstance(span, dict) else {}


def _flat(span: dict[str, Any]) -> dict[str, Any]:
    """A span with its attributes as an object, and without its events and links, which nothing is read from."""
    attributes = span.get("attributes")
    if isinstance(attributes, list):
        pairs = [pair for pair in attributes if isinstance(pair, dict) and isinstance(pair.get("key"), str)]
        attributes = {pair["key"]: _value(pair.get("value")) for pair in pairs}
    kept = {key: value for key, value in span.items() if key not in ("events", "links", "resource")}
    return {**kept, "attributes": attributes if isinstance(attributes, dict) else {}}


def _value(value: Any) -> Any:
    """A value of OTLP without the name of its type."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    kind, inner = next(iter(value.items()))
    if isinstance(inner, dict) and "values" in inner:
        pairs = inner["values"] if isinstance(inner["values"], list) else []
        if kind in ("kvlistValue", "kvlist_value"):
            return {str(_get(pair, "key")): _value(_get(pair, "value")) for pair in pairs}
        return [_value(each) for each in pairs]
    return inner


def _get(holder: Any, *keys: str) -> Any:
    """What a dictionary holds under the first of some keys, None where it is none or has none."""
    return next((holder[key] for key in keys if key in holder), None) if isinstance(holder, dict) else None
