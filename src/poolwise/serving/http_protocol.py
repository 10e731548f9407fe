"""One HTTP/1.1 connection: what uvicorn leaves without a bound has one here.

Headers must arrive in time and within a size, name one host and say in one way how long the body
is. A reply that comes before the body is whole closes the connection, and still arrives. A client
that no longer reads is left. Where the queue is full a request is refused from its headers alone,
for a tenth of what it costs to read it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from poolwise.serving.connected import LEAVING, Leave
from poolwise.serving.errors import InvalidRequestError, RequestError, RequestTimeoutError
from poolwise.serving.lingering import Lingering
from poolwise.serving.protocols import openai
from poolwise.serving.refusals import Refusals, message
from poolwise.serving.service import Service

MAX_HEADERS = 65_536
"""Bytes of a request's line and headers."""

MAX_OVERHEAD = 8
"""Bytes on the wire for one of the body: chunks of one byte have six."""

STALL_S = 30.0
"""A client that has read nothing of a reply for so long is left."""

IDLE_S = 0.5
"""While the server stops, a connection without a request for so long is closed: its client's next
request may be on its way."""


class HeadersTooLargeError(RequestError):
    """A request's line and headers of more bytes than are read."""

    status, code = 431, "headers_too_large"


class Protocol(HttpToolsProtocol):
    """A connection of ``service``'s server, which closes it with its next reply once it stops.

    ``refusals`` answers what finds no room in the queue.
    """

    def __init__(self, *args: Any, service: Service, refusals: Refusals, **options: Any) -> None:
        super().__init__(*args, **options)
        self._service, self._refusals = service, refusals
        self._in_headers = self._refused = self._discarding = False
        self._header_bytes = self._message_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._running: Any = None
        self._refusal: RequestError | None = None
        self._leaving: list[Leave] = []

    def connection_made(self, transport: Any) -> None:
        super().connection_made(Lingering(transport, self.loop, self._has_unread))  # type: ignore[arg-type]
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._stall is not None:
            self._stall.cancel()
        for leave in tuple(self._leaving):
            leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            return  # read, so that the reply that closes arrives, and forgotten
        self._message_bytes += len(data)
        more_headers = self._in_headers
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._discarding and self._timer is None:
            body_seconds = self._service.settings.body_seconds
            self._timer = self.loop.call_later(body_seconds, self.transport.close)
        if self._in_headers:
            self._header_bytes += len(data) if more_headers else 0
            if self._header_bytes > MAX_HEADERS:
                self._refuse(_too_large())
                return
        elif self._message_bytes > MAX_HEADERS + MAX_OVERHEAD * self._service.settings.max_body:
            self._refuse(InvalidRequestError("the body's chunks are far larger than the body"))
            return
        blank = not self._pending() and self.timeout_keep_alive_task is None
        if self._timer is None and (self._in_headers or blank):
            self._expect_headers()

    def on_message_begin(self) -> None:
        self._in_headers, self._header_bytes, self._message_bytes = True, 0, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_headers:  # not a trailer, which nothing here asks for
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._in_headers = False
        self._refusal = self._wrong()
        if self._refusal is not None:
            raise self._refusal
        if self._discards():
            return
        self.scope["extensions"] = {LEAVING: self._leaving}  # type: ignore[dict-item]
        super().on_headers_complete()
        if self._service.draining:
            self.cycle.keep_alive = False

    def _discards(self) -> bool:
        """Whether there is no room for this request: it is answered now, and its body, which must
        arrive in time too, is parsed and forgotten."""
        path = self._refusals.path(self.parser.get_method(), self.url, self.headers)
        if path is None or self.expect_100_continue or self._pending():
            return False
        self.transport.write(self._refusals.message(path))
        self._discarding = True
        return True

    def on_body(self, body: bytes) -> None:
        if not self._discarding:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._discarding:
            super().on_message_complete()
            return
        self._discarding = False
        self._stop_timer()
        if self._service.draining or not self.parser.should_keep_alive():
            self.transport.close()
        elif not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _wrong(self) -> RequestError | None:
        """Why the request that these headers begin is not read."""
        version, names = self.parser.get_http_version(), [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if version not in ("1.0", "1.1"):
            return InvalidRequestError(f"found HTTP/{version}, expected HTTP/1.1")
        if hosts > 1 or (version == "1.1" and not hosts):
            return InvalidRequestError(f"found {hosts} Host headers, expected one")
        if b"transfer-encoding" in names and (b"content-length" in names or version == "1.0"):
            return InvalidRequestError(
                "found a Transfer-Encoding where the length is, or must be, given by Content-Length"
            )
        if len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers) > MAX_HEADERS:
            return _too_large()
        return None

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle

        async def closing_early(scope: Any, receive: Any, send: Any) -> None:
            if not cycle.more_body:
                await app(scope, receive, send)
                return

            async def send_part(message: Any) -> None:
                if cycle.more_body and message["type"] == "http.response.start":
                    cycle.keep_alive = False  # the rest of the body is no next request
                await send(message)

            await app(scope, receive, send_part)

        super()._start_asgi_task(cycle, closing_early)

    def shutdown(self) -> None:
        """The server stops: a request under way, or about to arrive, is answered; then close."""
        if self._pending():
            super().shutdown()
        else:
            self.loop.call_later(IDLE_S, self._close_idle)

    def _close_idle(self) -> None:
        if self._in_headers or self._discarding:  # one is arriving, within its own deadline
            self.loop.call_later(IDLE_S, self._close_idle)
        elif not self._pending():
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader(-1)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _watch_reader(self, unread: int) -> None:
        """Leave a client that has read none of ``unread`` bytes meanwhile."""
        now = self.transport.get_write_buffer_size()
        if now == unread:
            self.transport.abort()
        else:
            self._stall = self.loop.call_later(STALL_S, self._watch_reader, now)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls where the parser gives up."""
        self._refuse(self._refusal or InvalidRequestError("this is no request of HTTP/1.1"))

    def _pending(self) -> list[Any]:
        """The requests that wait for their replies, the oldest first."""
        running = self._running
        first = [] if running is None or running.response_complete else [running]
        return first + [cycle for cycle, _ in reversed(self.pipeline)]

    def _has_unread(self) -> bool:
        return (
            self._refused
            or self._discarding
            or (self._running is not None and self._running.more_body)
        )

    def _expect_headers(self) -> None:
        self._timer = self.loop.call_later(self._service.settings.header_seconds, self._late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if self.flow.read_paused:  # it is the server that does not read: replies come first
            self._expect_headers()
            return
        self._refuse(
            RequestTimeoutError(
                f"the headers did not arrive within {self._service.settings.header_seconds:g} s"
            )
        )

    def _refuse(self, error: RequestError) -> None:
        """Answer with the error and close; after the replies to the requests before it, in its
        place the end of the connection."""
        self._stop_timer()
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        pending = self._pending()
        if pending and pending[-1].more_body:  # the error is in the body of this one
            cycle = pending.pop()
            if self.pipeline:
                self.pipeline.popleft()
            elif cycle.response_started:
                self.transport.close()
                return
        if pending:
            pending[-1].keep_alive = False
            return
        self.transport.write(message(openai.ERRORS.reply(error), last=True))
        self.transport.close()


def _too_large() -> HeadersTooLargeError:
    return HeadersTooLargeError(f"the headers have more than {MAX_HEADERS:,} bytes")
