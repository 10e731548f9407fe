"""Where a server is: a URL, and what of it may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from poolwise.errors import OptionError

SCHEMES = ("http", "https", "tcp")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL in parts. ``query`` may hold a secret, as ``user`` and ``password`` do, so that
    ``str`` shows none of the three.

    ``path`` begins with ``/`` and ends without one; that of the root is empty.
    """

    scheme: str
    host: str
    port: int | None
    path: str = ""
    query: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """``http://host:8000``"""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port is None else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path

    def shown(self, path: str) -> str:
        """The URL of another path of this server, as errors name it."""
        return self.origin + path

    def request_url(self, path: str) -> str:
        """The URL of that path, as it is requested: with the query, without the credentials."""
        return self.shown(path) + (f"?{self.query}" if self.query else "")

    def path_without(self, *ends: str) -> str:
        """The path without the first of ``ends`` that it ends with."""
        for end in ends:
            if self.path.endswith(end):
                return self.path.removesuffix(end)
        return self.path


def parse_address(url: str) -> Address:
    """The URL in parts. Raises OptionError, which shows nothing that may be a secret."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        reason = "its port is no number from 0 to 65535" if "ort" in str(error) else "it is no URL"
        raise _wrong("the endpoint cannot be read", reason) from error
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES or not parts.hostname:
        found = f"the endpoint begins {parts.scheme}:" if parts.scheme else "the endpoint"
        if scheme in SCHEMES:
            raise _wrong(found, "it names no host")
        raise _wrong(found, "it has no scheme" if not scheme else "its scheme is another")
    if any(ord(c) <= 32 or ord(c) == 127 for c in parts.netloc + parts.path + parts.query):
        raise _wrong("the endpoint", "it holds a space or a control character")
    return Address(
        scheme,
        parts.hostname,
        port,
        parts.path.rstrip("/"),
        parts.query,
        *_credentials(parts),
    )


def _credentials(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")


def _wrong(found: str, reason: str) -> OptionError:
    return OptionError(
        f"{found}: {reason}; expected a URL such as http://127.0.0.1:8000, "
        "https://api.example.com/v1, or tcp://127.0.0.1:5555 of bert-as-service"
    )
