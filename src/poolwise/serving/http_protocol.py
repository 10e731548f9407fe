"""HTTP/1.1 of one connection: deadlines, strict headers, refusals before any work, a gentle end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from poolwise.serving.operations import ErrorFormat, Reply
from poolwise.serving.service import Service

MAX_HEADERS = 65_536
"""Bytes of a request's line and headers."""

IDLE_S = 0.5
"""While the server stops, a connection without a request for so long is closed: its client's next
request may be on its way."""


class Protocol(HttpToolsProtocol):
    """A connection of ``service``'s server.

    Headers must arrive within the deadline, with a Host, and bounded. ``queued`` are the paths that
    need room in the queue, with their error formats: where it is full a request is refused from its
    headers alone, for a tenth of what it costs to read it.
    """

    def __init__(
        self, *args: Any, service: Service, queued: Mapping[str, ErrorFormat], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._service, self._queued = service, queued
        self._timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._refused = self._stopping = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and self._between_requests():
            self._expect_headers()
        waiting = self._timer is not None
        super().data_received(data)
        if waiting and self._timer is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADERS:
                self._close_with(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        if not self._well_formed():
            self._close_with(HTTPStatus.BAD_REQUEST)
        elif (format_ := self._full_for_this()) is not None:
            self._refuse(format_)
        else:
            super().on_headers_complete()
            if self._stopping:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._refused:
            super().on_message_complete()
            return
        self._refused = False
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self._stopping or not self.parser.should_keep_alive():
            self.transport.close()
            return
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server stops: a request under way, or about to arrive, is answered; then close."""
        self._stopping = True
        if self._between_requests():
            self.loop.call_later(IDLE_S, self._close_idle)
        else:
            self.cycle.keep_alive = False

    def _close_idle(self) -> None:
        if self.transport.is_closing() or not self._between_requests():
            return
        if self._header_bytes or self._refused:  # one is arriving
            self.loop.call_later(IDLE_S, self._close_idle)
        else:
            self.transport.close()

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _well_formed(self) -> bool:
        """No HTTP/0.9, one Host (HTTP/1.0 may have none), one way to tell the body's length."""
        version = self.parser.get_http_version()
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if version == "0.9" or hosts > 1 or (version == "1.1" and not hosts):
            return False
        return not (b"transfer-encoding" in names and b"content-length" in names)

    def _full_for_this(self) -> ErrorFormat | None:
        """The format to refuse this request in; None where it may find room, or is another kind.

        A request of fewer bytes than one that was refused since the queue last shrank may.
        """
        size = self._service.batcher.refused_characters
        if size is None or self.expect_100_continue or not self._between_requests():
            return None
        length = next((value for name, value in self.headers if name == b"content-length"), b"")
        if not length.isdigit() or int(length) < size or self.parser.get_method() != b"POST":
            return None
        return self._queued.get(self.url.partition(b"?")[0].decode("ascii", "replace"))

    def _refuse(self, format_: ErrorFormat) -> None:
        """Answer now; the body is parsed and forgotten, and must arrive in time too."""
        path = self.url.partition(b"?")[0].decode("ascii", "replace")
        self._service.metrics.rejected("overloaded")
        self._service.metrics.answered(path, HTTPStatus.TOO_MANY_REQUESTS, 0.0)
        self._write(format_.reply(self._service.batcher.overloaded()))
        self._refused = True
        self._start_timer(self._service.settings.body_seconds, self.transport.close)

    def _write(self, reply: Reply) -> None:
        headers = {
            "content-type": reply.media_type,
            "content-length": str(len(reply.content)),
            **reply.headers,
        }
        if self._stopping:
            headers["connection"] = "close"
        status = HTTPStatus(reply.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + reply.content)

    def _close_with(self, status: HTTPStatus) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self._write(Reply(b"", status, "text/plain", {"connection": "close"}))
            self.transport.close()

    def _expect_headers(self) -> None:
        self._header_bytes = 0
        self._start_timer(
            self._service.settings.header_seconds,
            lambda: self._close_with(HTTPStatus.REQUEST_TIMEOUT),
        )

    def _start_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
