"""bert-as-service's two sockets, and the frames of its requests."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import zmq

from poolwise.errors import OptionError

MAX_IDENTITY = 255
MAX_DIGITS = 18

LINGER_MS = 2_000
"""Time for the last replies to leave."""


@dataclass(frozen=True, slots=True)
class BertRequest:
    """A request's four frames; ``peer`` is the address that it came from, "" if unknown."""

    identity: bytes
    message: bytes
    request_id: bytes
    n_texts: int
    peer: str


def request_of(frames: Sequence[zmq.Frame]) -> BertRequest | None:
    """The frames as a request; None for frames that are none."""
    if len(frames) != 4:
        return None
    identity, message, request_id, length = (frame.bytes for frame in frames)
    digits = (request_id, length)
    if not 0 < len(identity) <= MAX_IDENTITY:
        return None
    if not all(frame.isdigit() and len(frame) <= MAX_DIGITS for frame in digits):
        return None
    try:
        peer = str(frames[0].get("Peer-Address"))
    except zmq.ZMQError:
        peer = ""
    return BertRequest(identity, message, request_id, int(length), peer)


def address(host: str, *, insecure: bool) -> str:
    """Where the sockets are bound: this machine alone, unless ``insecure`` and ``host`` say
    otherwise, as the protocol has no key."""
    loopback = host == "localhost" or is_loopback(host)
    return host if insecure and not loopback else "127.0.0.1"


class BertSockets:
    """The two sockets, bound. Raises OptionError where an address cannot be had."""

    def __init__(self, host: str, port: int, port_out: int, *, max_message: int) -> None:
        self.host, self._context = host, zmq.Context()
        self.pull = self._context.socket(zmq.PULL)
        self.publish = self._context.socket(zmq.XPUB)
        self.pull.set(zmq.MAXMSGSIZE, max_message)
        self.pull.set(zmq.RCVHWM, 16)
        self.publish.set(zmq.SNDHWM, 0)
        for socket in (self.pull, self.publish):
            socket.set(zmq.TCP_KEEPALIVE, 1)
            socket.set(zmq.TCP_KEEPALIVE_IDLE, 60)
            socket.set(zmq.IPV6, ":" in host)
        try:
            self.port = _bind(self.pull, host, port, "port")
            self.port_out = _bind(self.publish, host, port_out, "port_out")
        except OptionError:
            self._context.destroy(linger=0)
            raise

    def close(self) -> None:
        """Close what is open, and wait for replies to leave, ``LINGER_MS`` at most."""
        for socket in (self.pull, self.publish):
            if not socket.closed:
                socket.close(linger=0)
        self._context.term()


def _bind(socket: zmq.Socket[bytes], host: str, port: int, flag: str) -> int:
    try:
        socket.bind(f"tcp://{f'[{host}]' if ':' in host else host}:{port or '*'}")
    except zmq.ZMQError as error:
        raise OptionError(
            f"bert_as_service: {host}:{port} cannot be served at: {error}; choose another {flag}"
        ) from error
    endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
    return int(endpoint.rpartition(":")[2])


def is_loopback(peer: str) -> bool:
    """Whether the address is this machine's own."""
    try:
        found = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
