"""bert-as-service's own sockets, over ZeroMQ.

Requests go to one port, replies come from another, to whoever has subscribed to the identity.
https://github.com/jina-ai/clip-as-service/tree/bert-as-service
"""

from __future__ import annotations

import json
import math
import re
import socket
import time
import uuid
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.endpoints.address import Address
from poolwise.doctor.endpoints.bert_http import check_no_model
from poolwise.doctor.endpoints.connection import MAX_BODY
from poolwise.doctor.endpoints.transport_errors import reason_of
from poolwise.doctor.endpoints.vectors import checked
from poolwise.errors import EndpointError, OptionError, RefusedTextError, needs

PORT = 5555

DTYPES = {"float16", "float32", "float64", "int8", "uint8", "int32", "int64"}

ASK_AGAIN_S = 1.0
"""A reply is lost that comes before the subscription has arrived: the original sends it once."""


class BertSocketsEndpoint:
    """A VectorSource; ``model`` is None, since requests name none.

    ``tcp://host:5555`` has its replies at the next port, ``tcp://host:5555/5560`` at that one.
    Raises OptionError, MissingExtraError, and EndpointError where nothing answers.
    """

    def __init__(self, address: Address, model: str | None, timeout: float) -> None:
        with needs("serve", "a bert-as-service endpoint"):
            import zmq  # noqa: PLC0415 - an optional part
        check_no_model(model)
        self.model, self.timeout, self.address = None, timeout, address
        self.ports = ports_of(address)
        for port in self.ports:
            self._reach(port)
        context = zmq.Context()
        self.close = weakref.finalize(self, context.destroy, linger=0)
        self._push, self._subscribe = context.socket(zmq.PUSH), context.socket(zmq.SUB)
        # 36 letters that begin no other's identity.
        self._identity = str(uuid.uuid4()).encode()
        self._subscribe.set(zmq.MAXMSGSIZE, MAX_BODY)
        for one, port in zip((self._push, self._subscribe), self.ports, strict=True):
            one.set(zmq.LINGER, 0)
            one.set(zmq.IPV6, ":" in address.host)
            one.connect(f"{Address('tcp', address.host, port)}")
        self._subscribe.subscribe(self._identity)
        self._requests = 0
        self._check_answers()

    @property
    def description(self) -> str:
        """``tcp://127.0.0.1:5555 (bert-as-service)``"""
        return f"{self.address.origin} (bert-as-service)"

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """As of VectorSource: at least one text, one request. Raises EndpointError."""
        message = json.dumps(list(texts)).encode()
        frames = self._answer(self._send(message, len(texts)), self.timeout)
        if frames is None:
            raise self._error(
                f"no vectors within {self.timeout:g} s, and the protocol has no errors: see the "
                "server's log, or allow more time"
            )
        return checked(self._vectors(frames), len(texts), self._error)

    def _vectors(self, frames: Sequence[bytes]) -> NDArray[Any]:
        """The vectors in a reply, of whatever shape."""
        try:
            facts, content = json.loads(frames[0]), frames[1]
            name, shape = str(facts["dtype"]), [int(size) for size in facts["shape"]]
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            raise self._error(
                "the reply is none of bert-as-service, expected a dtype, a shape and the vectors: "
                "check the port"
            ) from None
        if name not in DTYPES:
            raise self._refusal(name)
        dtype = np.dtype(name).newbyteorder("<")
        n_values = 1
        for size in shape:
            n_values *= size
        if min(shape, default=-1) < 0 or n_values * dtype.itemsize != len(content):
            raise self._error(
                f"the reply has {len(content):,} bytes, expected {name} of the shape {shape}: see "
                "the server's log"
            )
        return np.frombuffer(content, dtype).reshape(shape).astype(name)

    def _refusal(self, words: str) -> EndpointError:
        """poolwise's server has its errors where the type of number stands."""
        status = re.match(r"poolwise error, status (\d{3}): ", words)
        error = self._error(f"the server refuses the texts ({' '.join(words.split()):.300})")
        refused = status is not None and status[1] in {"400", "413", "422"}
        return RefusedTextError(str(error)) if refused else error

    def _check_answers(self) -> None:
        """Ask for the configuration until it comes: the subscription has arrived by then."""
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            request = self._send(b"SHOW_CONFIG", 1)
            if self._answer(request, min(left, ASK_AGAIN_S)) is not None:
                return
        raise self._error(
            f"no answer within {self.timeout:g} s, though something listens at the ports "
            f"{self.ports[0]} and {self.ports[1]}; expected those of bert-as-service, whose "
            "replies have a port of their own: tcp://host:5555/5556"
        )

    def _send(self, message: bytes, n_texts: int) -> bytes:
        """Send a request; its number."""
        self._requests += 1
        number = b"%d" % self._requests
        self._push.send_multipart([self._identity, message, number, b"%d" % n_texts])
        return number

    def _answer(self, request: bytes, seconds: float) -> list[bytes] | None:
        """The frames of the reply between identity and number; None if there is none in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._subscribe.poll(math.ceil(1000 * left)):
                _, *frames, number = self._subscribe.recv_multipart()
                if number == request:
                    return frames
        return None

    def _reach(self, port: int) -> None:
        """Raise EndpointError unless something listens: ZeroMQ itself would wait for it."""
        try:
            socket.create_connection((self.address.host, port), self.timeout).close()
        except OSError as error:
            where = Address("tcp", self.address.host, port)
            raise EndpointError(f"{where}: {reason_of(error, self.timeout)}") from error

    def _error(self, message: str) -> EndpointError:
        return EndpointError(f"{self.address.origin}: {message}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def ports_of(address: Address) -> tuple[int, int]:
    """Where requests go, and where replies come from. Raises OptionError."""
    port = PORT if address.port is None else address.port
    if not address.path:
        return port, port + 1
    if not re.fullmatch(r"/\d{1,5}", address.path) or int(address.path[1:]) > 65535:
        raise OptionError(
            f"{address}: expected the port of replies after the slash, as tcp://host:5555/5556"
        )
    return port, int(address.path[1:])
