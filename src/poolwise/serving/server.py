"""Runs the application with uvicorn, and ends it so that nobody is left without an answer."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import math
import os
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette

from poolwise.errors import OptionError
from poolwise.serving.application import operations
from poolwise.serving.http_protocol import Protocol
from poolwise.serving.refusals import Refusals
from poolwise.serving.service import Service
from poolwise.serving.settings import Settings

STOP_GRACE_S = 0.1
"""What has arrived by the time that the server stops listening is read within this."""


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT: not ready; what has been accepted is answered; exit code 0.

    Requests that were there before the signal are finished, at most for ``drain_seconds``; until
    then later ones are told, with 503, to come again elsewhere. Then it stops listening. A second
    signal ends the process at once, with the code 128 + signal.
    """

    def __init__(
        self, config: uvicorn.Config, service: Service, sockets: Sequence[socket.socket]
    ) -> None:
        super().__init__(config)
        self._service = service
        self._listening = [bound.dup() for bound in sockets]
        self._signalled = False
        self._until = 0.0
        self._accepted: frozenset[asyncio.Task[None]] | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self._signalled:
            os._exit(128 + sig)
        self._signalled = True
        if self.started:
            self._service.draining = True  # on_tick sees it
        else:
            self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()  # what is there now stays: no collection need look at it again, which would
        gc.freeze()  # stop every thread for a tenth of a second

    async def on_tick(self, counter: int) -> bool:
        if self._signalled and not self.should_exit:
            now, tasks = time.monotonic(), self.server_state.tasks
            if self._accepted is None:
                self._accepted = frozenset(tasks)
                self._until = now + self._service.settings.drain_seconds
            self.should_exit = tasks.isdisjoint(self._accepted) or now > self._until
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.draining = True
        await self._stop_listening()
        await asyncio.sleep(STOP_GRACE_S)
        remaining = self._until - time.monotonic()
        if remaining <= 0:  # what still waits is answered with 503
            await asyncio.to_thread(self._service.batcher.stop)
        self.config.timeout_graceful_shutdown = max(math.ceil(remaining), 1)
        await super().shutdown(sockets)

    async def _stop_listening(self) -> None:
        """Take the connections that the kernel has accepted already: closed, they would be reset.

        The server's own sockets are closed first, and these copies keep the queue until it is
        empty.
        """
        loop = asyncio.get_running_loop()
        for server in self.servers:
            server.close()
        accepted = []
        for bound in self._listening:
            bound.setblocking(False)
            with suppress(OSError):
                while True:
                    accepted.append(bound.accept()[0])
            bound.close()
        for connection in accepted:
            with suppress(OSError):
                await loop.connect_accepted_socket(self._connection, connection)

    def _connection(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def run(
    application: Starlette,
    settings: Settings,
    sockets: Sequence[socket.socket],
    *,
    zeromq: bool = False,
) -> None:
    """Serve until a signal; what has been accepted by then is answered. ``zeromq``: sockets of
    ZeroMQ are served beside. Raises PoolwiseError where a model cannot be warmed up."""
    service: Service = application.state.service

    refusals = Refusals(service, operations(settings))
    protocol = partial(Protocol, service=service, refusals=refusals)
    config = uvicorn.Config(
        application,
        http=cast(type[asyncio.Protocol], protocol),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        lifespan="on",
        server_header=False,
        timeout_keep_alive=75,
        backlog=2048,
    )
    try:
        _run(Server(config, service, sockets), sockets, zeromq)
    except SystemExit:
        if service.failure is None:
            raise
    if service.failure is not None:  # of which old versions of uvicorn do not exit
        raise service.failure


def _run(server: uvicorn.Server, sockets: Sequence[socket.socket], zeromq: bool) -> None:
    if sys.platform != "win32" or not zeromq:
        server.run(sockets=list(sockets))
        return
    # The loop that Windows has by default cannot wait for ZeroMQ's sockets.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(server.serve(list(sockets)))


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
    if sys.platform == "win32":  # where SO_REUSEADDR lets two servers have one port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
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
