"""Runs the application with uvicorn, to a graceful end."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette

from poolwise.errors import OptionError
from poolwise.serving.application import operations
from poolwise.serving.http_protocol import Protocol
from poolwise.serving.service import Service
from poolwise.serving.settings import Settings

ACCEPT_S = 0.05
"""Between a signal and the end of listening: connections that wait to be accepted get in."""


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT: not ready, what has been accepted is finished, then exit 0. A second
    signal does not wait for that."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept what the kernel has accepted already, then no more."""
        await asyncio.sleep(ACCEPT_S)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: Any) -> None:
        # Not uvicorn's, which raises the signal once more when all is done.
        self._service.draining = True
        self.force_exit = self.should_exit
        self.should_exit = True


def run(application: Starlette, settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Serve until a signal; what has been accepted by then is answered."""
    service: Service = application.state.service

    queued = {o.path: o.errors for o in operations(settings) if o.body and o.queued}
    protocol = partial(Protocol, service=service, queued=queued)
    config = uvicorn.Config(
        application,
        http=cast(type[asyncio.Protocol], protocol),
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
