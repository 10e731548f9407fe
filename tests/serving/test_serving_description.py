"""The OpenAPI page is true: schemathesis reads it, calls every operation, and compares.

``POOLWISE_EXAMPLES`` requests of each operation.
"""

from __future__ import annotations

import os
import warnings

import hypothesis
import pytest

from poolwise.serving import app, serve_model

EXAMPLES = int(os.environ.get("POOLWISE_EXAMPLES", "5"))


@pytest.fixture(scope="module")
def schema(tiny):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
    from starlette.testclient import TestClient

    application = app(serve_model(tiny("bert"), ["mean@-1", "cls@-2"], name="tiny"))
    with TestClient(application):  # the thread that computes
        yield schemathesis.openapi.from_asgi("/openapi.json", application)


def test_replies_are_what_the_page_says(schema):
    from schemathesis import checks
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    wanted = [
        checks.not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    called = 0
    for result in schema.get_all_operations():
        called += bool(compare(result.ok(), wanted))
    assert called > 15


def compare(operation, wanted):
    """How many requests of an operation were made; each reply is as described."""
    count = 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def every(case):
        nonlocal count
        case.call_and_validate(checks=wanted)
        count += 1

    every()
    return count
