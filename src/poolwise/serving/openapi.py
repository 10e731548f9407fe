"""The OpenAPI document of the operations that are served, and a page that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from poolwise.serving.errors import (
    BodyTooLargeError,
    ComputationError,
    DeadlineError,
    EmptyInputError,
    InvalidRequestError,
    MediaTypeError,
    OverloadedError,
    RequestError,
    RequestTimeoutError,
    TooLongError,
    TooManyInputsError,
    UnavailableError,
    UnknownModelError,
)
from poolwise.serving.operations import JSON, Operation
from poolwise.version import __version__

COMMON = {
    400: "The request cannot be understood, or names what cannot be.",
    401: "A key is missing or wrong.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    429: "The queue is full; Retry-After says when to try again.",
    500: "The computation failed.",
    503: "The server is starting or stopping.",
    504: "The request waited too long.",
    404: "The model or readout is not served.",
    405: "The method is not served here.",
    422: "The request's values cannot be.",
    424: "Not offered by an embedding model.",
}

ERRORS_OF_BODIES: tuple[type[RequestError], ...] = (
    InvalidRequestError,
    EmptyInputError,
    TooManyInputsError,
    TooLongError,
    UnknownModelError,
    RequestTimeoutError,
    BodyTooLargeError,
    MediaTypeError,
    OverloadedError,
    ComputationError,
    UnavailableError,
    DeadlineError,
)
"""What every operation with a body may raise."""

PATHS = "#/components/schemas/{name}"


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1, from the types that requests are checked against."""
    types: list[Any] = []
    for operation in operations:
        types += [t for t in (operation.body, operation.reply, operation.errors.schema) if t]
    unique = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(unique, ref_template=PATHS)
    schema_of = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        method = operation.method.lower()
        paths.setdefault(operation.path, {})[method] = _described(operation, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "poolwise",
            "version": __version__,
            "description": "Sentence vectors of named readouts. Every reply says which readout "
            "made it (x-poolwise-readout).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def statuses(operation: Operation) -> list[int]:
    """Every status that the operation may give beside 200."""
    found = set(operation.statuses)
    if not operation.public:
        found.add(401)
    if operation.body is not None:
        found |= {operation.errors.status(kind("")) for kind in ERRORS_OF_BODIES}
    return sorted(found)


def _described(operation: Operation, schema_of: dict[Any, Any]) -> dict[str, Any]:
    ok: dict[str, Any] = {"description": "Done."}
    if operation.reply is not None:
        ok["content"] = {operation.media_type: {"schema": schema_of[operation.reply]}}
    elif operation.media_type != JSON:
        ok["content"] = {operation.media_type: {"schema": {"type": "string"}}}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}{operation.path.replace('/', '_')}",
        "security": [] if operation.public else [{"key": []}],
        "responses": {"200": ok} if 200 not in operation.statuses else {},
    }
    for status in statuses(operation):
        error: dict[str, Any] = {"description": COMMON.get(status, "See the protocol.")}
        if not (status == 401 and operation.errors.empty_401):
            error["content"] = {JSON: {"schema": schema_of[operation.errors.schema]}}
        described["responses"][str(status)] = error
    if operation.body is not None:
        content = {JSON: {"schema": schema_of[operation.body]}}
        if operation.form:
            content["application/x-www-form-urlencoded"] = content[JSON]
        described["requestBody"] = {"required": True, "content": content}
    return described
