"""Requests made up from the published description, right and wrong ones: each answer must be as described."""

import datetime as dt

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from breakeven.catalogue.load import Catalogue
from breakeven.surfaces.web.app import Settings, create_app

api = schemathesis.pytest.from_fixture("description")

# JSON Schema has no bounds for days; the description of as_of states them in words.
schemathesis.openapi.format("date", st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)).map(str))


KNOWN = {
    "model": "gpt-5-mini",
    "tuned_model": "bedrock/nova-micro-v1",
    "also": ["gpt-5"],
    "as_of": "2026-11-23",
    "success_rate": 0.9,
    "tuned_price_input": 1,
    "tuned_price_output": 1,
}
"""In place of what was made up: the description can neither list every name nor say which fields go together."""


@pytest.fixture(scope="module")
def application_description(catalogue: Catalogue) -> schemathesis.BaseSchema:
    app = create_app(Settings(allowed_hosts=("testserver",)))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    # Well-formed data may still contradict itself, or be no log: see right_data_is_never_called_malformed.
    schema.config.checks.positive_data_acceptance.expected_statuses.append("422")
    return schema


@pytest.fixture
def description(
    application_description: schemathesis.BaseSchema, request: pytest.FixtureRequest
) -> schemathesis.BaseSchema:
    # Schemathesis 4.32 reads a name that pytest 9.2 no longer sets.
    request.node._nodeid = request.node.nodeid
    return application_description


def right_data_is_never_called_malformed(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What the description allows may be refused for what it says, never for its form."""
    if response.status_code == 422 and case.meta is not None and case.meta.generation.mode.is_positive:
        assert response.json()["type"] in ("/problems/unusable-question", "/problems/unreadable-log"), response.json()


@api.parametrize()
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case) -> None:
    right = case.meta is not None and case.meta.generation.mode.is_positive
    if right and case.operation.label == "POST /api/v1/finetune" and isinstance(case.body, dict):
        case.body |= KNOWN
    case.call_and_validate(additional_checks=[right_data_is_never_called_malformed])
