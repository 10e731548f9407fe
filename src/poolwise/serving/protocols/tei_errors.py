"""How text-embeddings-inference (TEI) writes errors."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from poolwise.serving.errors import EmptyInputError, RequestError, TokenizationError
from poolwise.serving.operations import ErrorFormat

ErrorType = Literal["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"]

STATUSES = {400: 422, 500: 424}
"""TEI's status where it is not the error's own: what a request has wrong, and what fails here."""

TYPES: dict[int, ErrorType] = {
    424: "Backend",
    429: "Overloaded",
    500: "Backend",
    503: "Unhealthy",
    504: "Overloaded",
}
"""By the error's own status; else ``Validation``."""


class TEIError(msgspec.Struct):
    error: str
    error_type: ErrorType


def _body(error: RequestError) -> dict[str, Any]:
    kind = TYPES.get(error.status, "Validation")
    if isinstance(error, EmptyInputError):
        kind = "Empty"
    elif isinstance(error, TokenizationError):
        kind = "Tokenizer"
    return {"error": str(error), "error_type": kind}


def _status(error: RequestError) -> int:
    if isinstance(error, EmptyInputError):
        return error.status
    return STATUSES.get(error.status, error.status)


ERRORS = ErrorFormat(TEIError, _body, _status, empty_401=True)
