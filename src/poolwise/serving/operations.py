"""What a protocol consists of: operations, each a method and a path with its request and reply."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from poolwise.serving.errors import RequestError
from poolwise.serving.service import Service

JSON = "application/json"
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``body`` of the operation's ``body`` type, ``headers`` by lower-case names."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    content: bytes
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """``value`` as JSON; NumPy arrays are lists of numbers, each read back to the same bits."""
        content = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
        return cls(content, status, headers=headers)


@dataclass(frozen=True, slots=True)
class ErrorFormat:
    """How a protocol writes errors: the reply of each, of the type ``schema``.

    ``status`` may differ from the error's own (TEI's validation is 422). ``empty_401``: a reply
    to a wrong key has no body. ``headers`` are those of every error.
    """

    schema: type
    body: Callable[[RequestError], Any]
    status: Callable[[RequestError], int] = lambda error: error.status
    empty_401: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self, error: RequestError) -> Reply:
        """The error with the headers that tell a client whether, and when, to try again."""
        status, headers = self.status(error), dict(self.headers)
        if error.retry_after is not None:
            seconds = min(max(error.retry_after, 0.001), 120)
            headers["retry-after"] = str(math.ceil(seconds))  # urllib3 takes whole seconds only
            headers["retry-after-ms"] = f"{1000 * seconds:.0f}"
        elif status >= 500:
            headers["x-should-retry"] = "false"
        if status in (408, 413):
            headers["connection"] = "close"
        if status == 401:
            headers["www-authenticate"] = "Bearer"
        if allowed := getattr(error, "allowed", ()):
            headers["allow"] = ", ".join(allowed)
        body = self.body(error)
        if status == 401 and self.empty_401:
            return Reply(b"", status, "text/plain", headers)
        return Reply.json(body, status, headers)


Handler = Callable[[Service, Request], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Operation:
    """``method`` on ``path``.

    ``body`` is the type of the request's JSON (a msgspec.Struct, or a union), None for requests
    without one; ``reply`` the type of the answer's JSON, None where it is none (``media_type``).
    ``statuses`` are those beside 200 that the handler may give, beyond what every operation may.
    ``public``: no key is needed. ``form``: the body may be an HTML form's. ``any_type``: it is JSON
    whatever its media type (curl's own is a form's). ``described``: it is in the OpenAPI document.
    """

    method: str
    path: str
    summary: str
    handle: Handler
    errors: ErrorFormat
    body: Any = None
    reply: Any = None
    statuses: frozenset[int] = frozenset()
    public: bool = False
    media_type: str = JSON
    form: bool = False
    any_type: bool = False
    described: bool = True
    queued: bool = True
