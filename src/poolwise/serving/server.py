"""Runs the application with uvicorn: header deadline, Host check, graceful end."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from poolwise.errors import OptionError
from poolwise.serving.service import Service
from poolwise.serving.settings import Settings

MAX_HEADERS = 65_536
"""Bytes of a request's line and headers."""


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose headers must arrive within the deadline, with a Host, and bounded."""

    header_seconds = 5.0

    def connection_made(self, transport: Any) -> None:
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if self._header_timer is None and self._between_requests():
            self._expect_headers()
        waiting = self._header_timer is not None
        super().data_received(data)
        if waiting and self._header_timer is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADERS:
                self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._stop_timer()
        version, names = self.parser.get_http_version(), {name for name, _ in self.headers}
        hosts = [value for name, value in self.headers if name == b"host"]
        if version == "0.9" or (version == "1.1" and len(hosts) != 1) or len(hosts) > 1:
            self._refuse(b"400 Bad Request")
            return
        if b"transfer-encoding" in names and b"content-length" in names:
            self._refuse(b"400 Bad Request")
            return
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_headers(self) -> None:
        self._header_bytes = 0
        self._header_timer = self.loop.call_later(
            self.header_seconds, self._refuse, b"408 Request Timeout"
        )

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, status: bytes) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.close()


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT: not ready, what has been accepted is finished, then exit 0. A second
    signal does not wait for that."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: Any) -> None:
        # Not uvicorn's, which raises the signal once more when all is done.
        self._service.draining = True
        self.force_exit = self.should_exit
        self.should_exit = True


def run(application: Starlette, settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Serve until a signal; what has been accepted by then is answered."""
    service: Service = application.state.service

    class Deadline(Protocol):
        header_seconds = settings.header_seconds

    config = uvicorn.Config(
        application,
        http=Deadline,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        backlog=2048,
    )
    server = Server(config, service)
    server.run(sockets=list(sockets))


def listen(
    host: str, port: int, *, has_key: bool, insecure: bool = False, option: str = "--port"
) -> socket.socket:
    """A socket bound to the address; ``option`` is what sets its port. Raises OptionError where it
    cannot be had, and for one that other machines reach where there is neither a key nor
    ``insecure``."""
    if not (has_key or insecure or _is_loopback(host)):
        raise OptionError(
            f"{host} can be reached from other machines, and there is no key: give --api-key-file, "
            "or --insecure where something else guards it"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise OptionError(
            f"{host}:{port} cannot be served at: {error.strerror or error}; choose another {option}"
        ) from error
    return bound


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
