"""A request's body: read within bounds, parsed, checked against its type."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson

from poolwise.serving.errors import (
    BodyTooLargeError,
    InvalidRequestError,
    MediaTypeError,
    RequestTimeoutError,
)
from poolwise.serving.settings import Settings

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

FORM = "application/x-www-form-urlencoded"

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"missing required field `(.*?)`")


class ClientLeftError(Exception):
    """The connection closed before the body was whole."""


async def read_body(receive: Receive, headers: Mapping[str, str], settings: Settings) -> bytes:
    """All bytes of the body. Raises BodyTooLargeError, RequestTimeoutError, MediaTypeError,
    ClientLeftError."""
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise MediaTypeError(f"found a body with Content-Encoding {encoding!r:.50}; send it plain")
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > settings.max_body):
        raise _too_large(settings)
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeftError
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > settings.max_body:
                    raise _too_large(settings)
    except TimeoutError as error:
        raise _too_slow(settings) from error
    return bytes(body)


def _too_large(settings: Settings) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body has more than {settings.max_body:,} bytes; divide it")


def _too_slow(settings: Settings) -> RequestTimeoutError:
    return RequestTimeoutError(f"the body did not arrive within {settings.body_seconds:g} s")


def parse(
    body: bytes,
    kind: Any,
    headers: Mapping[str, str],
    *,
    form: bool = False,
    any_type: bool = False,
) -> Any:
    """The body as ``kind``; ``any_type`` takes JSON whatever the headers call it.

    Raises MediaTypeError, InvalidRequestError.
    """
    media_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if form and media_type == FORM:
        return convert(_form(body), kind, strict=False)
    if not (any_type or media_type == "application/json" or media_type.endswith("+json")):
        raise MediaTypeError(
            f"found a body of type {media_type!r:.60}, expected application/json: send the header "
            "Content-Type: application/json"
        )
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(
            f"the body is no JSON: {error.msg} at byte {error.pos}"
        ) from error
    return convert(value, kind)


def _form(body: bytes) -> dict[str, str | list[str]]:
    """The fields of an HTML form; of a repeated one all values."""
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace")):
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def convert(value: Any, kind: Any, *, strict: bool = True) -> Any:
    """Parsed JSON as ``kind``. Raises InvalidRequestError, which names the field."""
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        message = str(error)
        match = _PLACE.search(message)
        place = match[1] if match else ""
        if missing := _MISSING.search(message):
            place = f"{place}.{missing[1]}" if place else missing[1]
        text = _PLACE.sub("", message).replace("`", "").replace(", got ", ", found ")
        text = text[:1].lower() + text[1:]
        raise InvalidRequestError(f"{place}: {text}" if place else text, param=place) from error
