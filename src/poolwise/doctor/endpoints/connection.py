"""HTTP to one server: bounded in time and size, and no secret in what it says."""

from __future__ import annotations

import json
import math
import ssl
import time
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from poolwise.doctor.endpoints.address import Address
from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.credentials import authorization, secrets_pattern
from poolwise.doctor.endpoints.refusals import check_status
from poolwise.doctor.endpoints.transport_errors import reason_of
from poolwise.errors import EndpointError
from poolwise.version import __version__

MAX_BODY = 1 << 28
"""Bytes of an answer; 1,000 vectors of 4,096 decimals have a third of them."""

RETRIES = 3
"""Times that a request is sent again, where the server says after how long it may be."""

MAX_WAIT = 60.0
"""Seconds of such a wait."""

KEEP_ALIVE = 1.0
"""Seconds that a connection is kept: servers close idle ones after 5, at times as it is used."""

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Connection:
    """Requests to one server. ``key`` goes as ``Authorization: Bearer``, to this server alone.

    ``timeout`` are the seconds that an answer may take. Raises OptionError for a key that no
    header can hold, or where the URL has credentials and there is a key too.
    """

    def __init__(self, address: Address, key: str | None, timeout: float) -> None:
        self.address, self.timeout = address, timeout
        self.has_key = bool(key or address.user or address.password)
        headers = {
            "user-agent": f"poolwise/{__version__}",
            "accept": "application/json",
            "accept-encoding": "identity",
        }
        self._secrets = secrets_pattern(address, key)
        if self.has_key:
            headers["authorization"] = authorization(address, key)
        self._client = httpx.Client(
            headers=headers,
            timeout=timeout,
            follow_redirects=False,
            verify=_tls(),
            limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE),
            # No proxy stands between this machine and itself.
            mounts={f"all://{host}": None for host in _LOOPBACK},
        )
        self.close = weakref.finalize(self, self._client.close)

    def get(self, path: str) -> Answer:
        """The answer of whatever status. Raises EndpointError where there is none."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any], *, of_texts: bool = False) -> Answer:
        """The answer to ``body`` as JSON. Raises EndpointError unless it is a success; ``of_texts``
        as of ``check_status``."""
        answer = self._ask("POST", path, json.dumps(body).encode())
        check_status(answer, has_key=self.has_key, of_texts=of_texts)
        return answer

    def error(self, path: str, message: str) -> EndpointError:
        """The error of a request of this path, without a secret."""
        return EndpointError(self.redacted(f"{self.address.shown(path)}: {message}"))

    def redacted(self, text: str) -> str:
        """The text with the key and the URL's credentials as ``…``."""
        return text if self._secrets is None else self._secrets.sub("…", text)

    def _ask(self, method: str, path: str, content: bytes | None) -> Answer:
        """Send it, and again where a busy server says when."""
        for attempt in range(RETRIES + 1):
            answer = self._send(method, path, content)
            wait = retry_after(answer) if answer.status in {429, 503} else None
            if wait is None or attempt == RETRIES:
                return answer
            if wait > MAX_WAIT:
                raise answer.error(
                    f"the server is busy for {wait:,.0f} s ({answer.status}); try again after them"
                )
            time.sleep(wait)
        raise AssertionError

    def _send(self, method: str, path: str, content: bytes | None) -> Answer:
        deadline = time.monotonic() + self.timeout
        headers = {} if content is None else {"content-type": "application/json"}
        try:
            with self._client.stream(
                method, self.address.request_url(path), content=content, headers=headers
            ) as response:
                body = self._read(response, path, deadline)
        except httpx.HTTPError as error:
            raise self.error(path, reason_of(error, self.timeout)) from error
        return Answer(
            response.status_code,
            response.headers,
            body,
            lambda message: self.error(path, message),
            self.redacted,
        )

    def _read(self, response: httpx.Response, path: str, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY:
                raise self.error(
                    path,
                    f"the answer has more than {MAX_BODY:,} bytes; expected vectors: check the URL",
                )
            if time.monotonic() > deadline:
                raise self.error(
                    path, f"the answer is not whole after {self.timeout:g} s; see the server's log"
                )
        return bytes(body)


def retry_after(answer: Answer) -> float | None:
    """The seconds of the header ``Retry-After``, which has seconds or a date; None without one."""
    value = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a zone
            return None
    return max(seconds, 0.0) if not math.isnan(seconds) else None


@cache
def _tls() -> ssl.SSLContext:
    """The certificates that are trusted, which take 30 ms to read."""
    return httpx.create_ssl_context()
