"""bert-as-service's sockets: ZeroMQ in the server's own event loop.

Clients push ``[identity, message, request id, length]`` to a PULL socket and subscribe to their
identity at an XPUB socket. https://github.com/jina-ai/clip-as-service/tree/bert-as-service

A SUB socket takes every message whose first frame begins with its topic: a client whose identity
begins another's gets the other's replies too. Identities are random unless clients choose them.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
import zmq
import zmq.asyncio

from poolwise.errors import PoolwiseError
from poolwise.serving.errors import (
    BodyTooLargeError,
    ComputationError,
    RequestError,
    UnavailableError,
)
from poolwise.serving.log import LOG, where
from poolwise.serving.protocols.bert_encoding import BertEncoding, texts_of
from poolwise.serving.protocols.bert_replies import HELD_S, Replies
from poolwise.serving.protocols.bert_sockets import (
    LINGER_MS,
    BertRequest,
    BertSockets,
    is_loopback,
    request_of,
)
from poolwise.serving.protocols.bert_status import Statistics, description

SHOW_CONFIG, SHOW_STATUS, TERMINATION = b"SHOW_CONFIG", b"SHOW_STATUS", b"TERMINATION"

MAX_REQUESTS = 512
MAX_BYTES = 1 << 27
"""Requests, and bytes of them, that are being answered; further ones stay in the sockets."""

GRACE_S = 5.0
"""A client that has unsubscribed may come back within it, after a lost connection."""


class BertServer:
    """Answers bert-as-service's clients between ``start`` and ``stop``."""

    def __init__(
        self,
        encoding: BertEncoding,
        host: str = "127.0.0.1",
        on_termination: Callable[[], object] = lambda: signal.raise_signal(signal.SIGTERM),
    ) -> None:
        self.encoding, self.host = encoding, host
        self.statistics = Statistics()
        self.on_termination = on_termination
        self._requests: dict[asyncio.Task[None], BertRequest] = {}
        self._bytes = 0
        self._room = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._sockets: BertSockets | None = None

    @property
    def sockets(self) -> BertSockets:
        """The sockets, bound where they were not yet. Raises OptionError."""
        if self._sockets is None:
            settings, limit = self.encoding.settings, self.encoding.service.settings.max_body
            self._sockets = BertSockets(
                self.host, settings.port, settings.port_out, max_message=8 * limit
            )
        return self._sockets

    @property
    def pending(self) -> int:
        """Requests of clients that are being answered."""
        return len(self._requests)

    @property
    def announcement(self) -> str:
        """Where it is served, and what its vectors are. Raises OptionError as ``sockets`` does."""
        encoding, flags = self.encoding, self.encoding.settings
        layers = " ".join(map(str, flags.pooling_layer))
        given = f"-pooling_layer {layers} -pooling_strategy {flags.pooling_strategy}"
        return (
            f"bert-as-service at {self.host}, ports {self.sockets.port} and "
            f"{self.sockets.port_out}: {encoding.readout} of {encoding.served.name}, "
            f"{encoding.max_length} tokens ({given})"
        )

    def close(self) -> None:
        """Free the ports, where they are bound."""
        if self._sockets is not None:
            self._sockets.close()
            self._sockets = None

    async def start(self) -> None:
        """Take requests from now on. Raises OptionError where a port is taken."""
        self._pull = zmq.asyncio.Socket.from_socket(self.sockets.pull)
        self._publish = zmq.asyncio.Socket.from_socket(self.sockets.publish)
        self._replies = Replies(self._publish)
        self._loops = [
            asyncio.create_task(self._receive()),
            asyncio.create_task(self._follow_subscriptions()),
        ]

    async def stop(self) -> None:
        """Answer what has arrived, what has not begun with an error, and close the sockets."""
        receiving, following = self._loops
        await _cancel(receiving)
        seconds = self.encoding.service.settings.drain_seconds
        if self._requests:
            await asyncio.wait([*self._requests], timeout=seconds)
        for task in [*self._requests]:
            task.cancel()
        while await self._pull.poll(0):
            request = self._parsed(await self._pull.recv_multipart(copy=False))
            if request is not None:
                await self._refuse(request, UnavailableError("the server stops"))
        await asyncio.sleep(0)
        await _cancel(following)
        self._pull.close(linger=0)
        self._publish.close(linger=LINGER_MS)
        await asyncio.to_thread(self.close)

    def describe(self, client: bytes, *, statistic: bool) -> dict[str, Any]:
        """The reply to SHOW_CONFIG, or to SHOW_STATUS."""
        ports = {"port": self.sockets.port, "port_out": self.sockets.port_out}
        reply = description(self.encoding, client, **ports)
        return reply | {"statistic": self.statistics.as_dict()} if statistic else reply

    async def _receive(self) -> None:
        while True:
            while len(self._requests) >= MAX_REQUESTS or self._bytes > MAX_BYTES:
                self._room.clear()
                await self._room.wait()
            try:
                request = self._parsed(await self._pull.recv_multipart(copy=False))
            except zmq.ZMQError as error:  # one message less; the next may be whole
                LOG.warning("bert-as-service", extra={"error": str(error)})
                await asyncio.sleep(0.01)
                continue
            if request is not None:
                self._begin(request)

    def _parsed(self, frames: Sequence[zmq.Frame]) -> BertRequest | None:
        request = request_of(frames)
        if request is None:
            LOG.warning(
                "bert-as-service", extra={"reason": "dropped: not identity, message, id, length"}
            )
        return request

    def _begin(self, request: BertRequest) -> None:
        task = asyncio.create_task(self._answer(request))
        self._requests[task] = request
        self._bytes += len(request.message)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._bytes -= len(self._requests.pop(task).message)
        self._room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("failure", extra={"route": "bert-as-service", "error": where(error)})

    async def _answer(self, request: BertRequest) -> None:
        """Reply to one request, whatever happens."""
        system = request.message in (SHOW_CONFIG, SHOW_STATUS, TERMINATION)
        self.statistics.requested(request.identity, None if system else request.n_texts)
        if request.message == TERMINATION:
            self._terminate(request)
            return
        started, metrics = time.perf_counter(), self.encoding.service.metrics
        route = f"bert-as-service {request.message.decode() if system else 'encode'}"
        status = 200
        metrics.inflight.inc()
        try:
            if system:
                reply = self.describe(request.identity, statistic=request.message == SHOW_STATUS)
                await self._send(request, orjson.dumps(reply))
            else:
                await self._encode(request)
        except RequestError as error:
            status = error.status
            await self._refuse(request, error)
        except PoolwiseError as error:
            status = 500
            await self._refuse(request, ComputationError(str(error)))
        except Exception as error:  # the reply says so, and the server goes on
            status = 500
            # Without its traceback, whose message may quote a text.
            LOG.error("failure", extra={"route": route, "error": where(error)})
            kind = type(error).__name__
            await self._refuse(request, ComputationError(f"an error of the server ({kind})"))
        finally:
            metrics.inflight.dec()
        seconds = time.perf_counter() - started
        metrics.answered(route, status, seconds)
        LOG.info("request", extra={"route": route, "status": status, "seconds": round(seconds, 6)})

    async def _encode(self, request: BertRequest) -> None:
        limit = self.encoding.service.settings.max_body
        if len(request.message) > limit:
            raise BodyTooLargeError(f"the message has more than {limit:,} bytes; divide it")
        encoded = await self.encoding.encode(texts_of(request.message))
        facts = {
            "dtype": str(encoded.vectors.dtype),
            "shape": encoded.vectors.shape,
            "tokens": encoded.tokens or "",
            "readout": str(self.encoding.readout),
        }
        await self._send(request, orjson.dumps(facts), encoded.vectors)

    async def _refuse(self, request: BertRequest, error: RequestError) -> None:
        """The error where the client looks for a number type, so that it raises ValueError.

        NumPy raises it, quoting the text whole, for a text with a comma whose first two words no
        comma divides.
        """
        text = " ".join(f"poolwise error, status {error.status}: {error}".split())
        ascii_only = text.encode("ascii", "backslashreplace").decode()
        facts = {"dtype": ascii_only, "shape": [0], "tokens": ""}
        await self._send(request, orjson.dumps(facts), b"")

    async def _send(self, request: BertRequest, *frames: Any) -> None:
        await self._replies.send(request.identity, [*frames, request.request_id])

    def _terminate(self, request: BertRequest) -> None:
        allowed = self.encoding.settings.allow_termination and is_loopback(request.peer)
        if allowed:
            self.on_termination()
        reason = "TERMINATION obeyed" if allowed else "TERMINATION ignored"
        LOG.log(
            logging.INFO if allowed else logging.WARNING,
            "bert-as-service",
            extra={"reason": reason},
        )

    async def _follow_subscriptions(self) -> None:
        """Send what was held for a client once it listens; forget a client that has left."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await self._publish.recv()
            except zmq.ZMQError:
                await asyncio.sleep(0.01)
                continue
            identity = frame[1:]
            if frame[:1] == b"\x01":
                await self._replies.subscribed(identity)
            elif frame[:1] == b"\x00":
                self._replies.unsubscribed(identity)
                loop.call_later(GRACE_S, self._forget, identity)

    def _forget(self, identity: bytes) -> None:
        if self._replies.listens(identity):
            return
        for task, request in self._requests.items():
            if request.identity == identity:
                task.cancel()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


assert HELD_S > GRACE_S
