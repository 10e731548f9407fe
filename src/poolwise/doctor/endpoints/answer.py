"""What a server answered, and its own words where it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from poolwise.errors import EndpointError

MAX_WORDS = 300
"""Characters of a server's own words in an error."""

_TITLE = re.compile(rb"<title[^>]*>(.{1,200}?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """A whole answer. ``error(message)`` makes an EndpointError that begins with its URL;
    ``redacted(text)`` is the text without a secret.

    ``value`` is the body as JSON has it, None where it is no JSON.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    error: Callable[[str], EndpointError]
    redacted: Callable[[str], str]

    @property
    def is_html(self) -> bool:
        """Is it a web page?"""
        start = self.body[:64].lstrip().lower()
        return start.startswith((b"<!doctype html", b"<html")) or "text/html" in self.headers.get(
            "content-type", ""
        )

    @cached_property
    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
            return None

    @property
    def json(self) -> Any:
        """The body of an answer that is JSON. Raises EndpointError for any other."""
        self.check_is_no_page()
        if self.value is None:
            excerpt = self.words or "nothing"
            raise self.error(
                f"the answer is no JSON ({excerpt}); expected vectors: check the URL and the "
                "protocol"
            )
        return self.value

    def check_is_no_page(self) -> None:
        """Raise EndpointError for a web page."""
        if self.is_html:
            raise self.error(
                f"the answer is {self.words}, expected JSON: the URL is that of a page or of a "
                "login; give the URL of the API"
            )

    @property
    def words(self) -> str:
        """What the body says, on one line and cut; "" where it says nothing."""
        if self.is_html:
            title = _TITLE.search(self.body)
            named = f" titled {self._line(title[1])!r}" if title else ""
            return f"an HTML page{named}"
        message = message_of(self.value)
        return self._line(message.encode(errors="replace") or self.body)

    def _line(self, text: bytes) -> str:
        """Secrets go first: half of one could be left by the cut."""
        start = text[: 1 << 16].decode(errors="replace")
        line = " ".join(self.redacted(start).split())
        return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"


def message_of(value: Any) -> str:
    """The message in an error of any of the protocols, or of FastAPI; "" where there is none."""
    match value:
        case {"error": {"message": str(text)} | str(text)} | {"message": str(text)}:
            return text
        case {"detail": {"message": str(text)} | str(text)} | {"description": str(text)}:
            return text
        case {"detail": [{"msg": str(text), "loc": [*places]}, *_]}:
            return f"{'.'.join(map(str, places))}: {text}"
    return ""


def wrong_field(value: Any) -> str:
    """The request's field that an error is about, "" where it does not say."""
    match value:
        case {"error": {"param": str(name)}} | {"param": str(name)}:
            return name
        case {"error": {"code": "model_not_found"}}:
            return "model"
        case {"detail": [{"loc": ["body", str(name), *_]}, *_]}:
            return name
    return ""
