"""Requests that are refused from their headers alone, while the queue is full.

To read, parse and tokenize a request costs ten times as much as to refuse it so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from poolwise.serving.operations import Operation, Reply
from poolwise.serving.service import Service

FRESH_S = 0.05
"""A reply that says how long to wait is written anew after as long."""


class Refusals:
    """Which requests find no room, and what they are told."""

    def __init__(self, service: Service, operations: Iterable[Operation]) -> None:
        self._service = service
        self._formats = {o.path.encode(): o.errors for o in operations if o.body and o.queued}
        self._written: dict[bytes, tuple[float, bytes]] = {}

    def path(
        self, method: bytes, url: bytes, headers: Sequence[tuple[bytes, bytes]]
    ) -> bytes | None:
        """That of a request that is refused; None where it may find room, or is another kind.

        A request of fewer bytes than one that was refused since the queue last shrank may.
        """
        size = self._service.batcher.refused_characters
        if size is None or method != b"POST":
            return None
        length = next((value for name, value in headers if name == b"content-length"), b"")
        if not length.isdigit() or int(length) < size:
            return None
        path = url.partition(b"?")[0]
        return path if path in self._formats else None

    def message(self, path: bytes) -> bytes:
        """The whole reply to such a request, which is counted."""
        service, now = self._service, time.monotonic()
        service.metrics.rejected("overloaded")
        service.metrics.answered(path.decode("ascii"), HTTPStatus.TOO_MANY_REQUESTS, 0.0)
        until, content = self._written.get(path, (0.0, b""))
        if now > until or service.draining:
            reply = self._formats[path].reply(service.batcher.overloaded())
            content = message(reply, last=service.draining)
            self._written[path] = now + FRESH_S, content
        return content


def message(reply: Reply, *, last: bool = False) -> bytes:
    """A reply as HTTP/1.1; ``last``: no more requests on this connection."""
    headers: Mapping[str, str] = {
        "content-type": reply.media_type,
        "content-length": str(len(reply.content)),
        **reply.headers,
        **({"connection": "close"} if last else {}),
    }
    status = HTTPStatus(reply.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.content
