"""What a request can be refused for: one class a status, whatever the protocol writes of it."""

from __future__ import annotations

from poolwise.errors import PoolwiseError


class RequestError(PoolwiseError):
    """A request that is not answered with what it asks for.

    ``status`` is HTTP's; ``code`` a short name for programs. ``param`` names the field that is
    wrong, "" for none. ``retry_after`` are the seconds after which it may be tried again, None
    where that is pointless.
    """

    status = 400
    code = "invalid_request"

    def __init__(self, message: str, *, param: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.param, self.retry_after = param, retry_after


class InvalidRequestError(RequestError):
    """A body that is no JSON, a field of the wrong type or value."""


class EmptyInputError(InvalidRequestError):
    """No text, or an empty one, where a text is needed."""

    code = "empty_input"


class TooManyInputsError(InvalidRequestError):
    """More inputs than a request may hold."""

    code = "too_many_inputs"


class TooLongError(InvalidRequestError):
    """A text of more tokens than the model reads, where it may not be cut."""

    code = "too_long"


class TokenizationError(InvalidRequestError):
    """A text that the tokenizer cannot read, or token ids that it does not have."""

    code = "tokenization_failed"


class KeyMissingError(RequestError):
    """No key, or one that is not among the server's."""

    status, code = 401, "invalid_api_key"


class NotFoundError(RequestError):
    """A path that is not served."""

    status, code = 404, "not_found"


class UnknownModelError(NotFoundError):
    """A model, or a readout, that is not served."""

    code = "model_not_found"


class MethodError(RequestError):
    """A path that is served, by another method; ``allowed`` are those."""

    status, code = 405, "method_not_allowed"
    allowed: tuple[str, ...] = ()


class RequestTimeoutError(RequestError):
    """Headers or a body that did not arrive in time."""

    status, code = 408, "request_timeout"


class BodyTooLargeError(RequestError):
    """A body of more bytes than are read."""

    status, code = 413, "body_too_large"


class MediaTypeError(RequestError):
    """A body that is not announced as JSON, or is compressed."""

    status, code = 415, "unsupported_media_type"


class NotSupportedError(RequestError):
    """What this protocol has, and an encoder of sentences does not give."""

    status, code = 424, "not_supported"


class OverloadedError(RequestError):
    """The queue is full."""

    status, code = 429, "overloaded"


class ComputationError(RequestError):
    """The pass failed, or gave a vector that is not finite."""

    status, code = 500, "computation_failed"


class UnavailableError(RequestError):
    """The server is starting, stopping or unwell."""

    status, code = 503, "unavailable"


class DeadlineError(RequestError):
    """The request waited longer than a request may take."""

    status, code = 504, "deadline_exceeded"

    @classmethod
    def after(cls, seconds: float) -> DeadlineError:
        """Of a request that may take so many."""
        return cls(f"the request took more than {seconds:g} s; try less text")


def statuses(*kinds: type[RequestError]) -> frozenset[int]:
    """The statuses of these errors."""
    return frozenset(kind.status for kind in kinds)
