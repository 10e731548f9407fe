"""Replies to bert-as-service's clients, each held until its client listens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import zmq.asyncio

from poolwise.serving.log import LOG

HELD_S = 60.0
"""A reply waits so long for its client's subscription."""

MAX_HELD = 1 << 28
"""Bytes of replies that wait; the oldest are dropped beyond it."""


@dataclass(eq=False, slots=True)
class _Held:
    identity: bytes
    frames: Sequence[Any]
    size: int
    sent: bool = False


class Replies:
    """Sends replies through an XPUB socket.

    A reply sent before its client's subscription has arrived is lost: a client connects its two
    sockets at once, and its request may come first.
    """

    def __init__(self, publish: zmq.asyncio.Socket) -> None:
        self._publish = publish
        self._topics: set[bytes] = set()
        self._held: deque[_Held] = deque()
        self._bytes = 0

    def listens(self, identity: bytes) -> bool:
        """Whether this very identity is subscribed: one that begins it is another client's."""
        return identity in self._topics

    async def send(self, identity: bytes, frames: Sequence[Any]) -> None:
        """Send the frames after the identity, now or once it is subscribed."""
        if self.listens(identity):
            await self._publish.send_multipart([identity, *frames], copy=False)
            return
        held = _Held(identity, frames, sum(memoryview(frame).nbytes for frame in frames))
        self._held.append(held)
        self._bytes += held.size
        while self._bytes > MAX_HELD:
            self._drop(self._held[0], "no room")
        asyncio.get_running_loop().call_later(HELD_S, self._drop, held, f"{HELD_S:.0f} s")

    async def subscribed(self, identity: bytes) -> None:
        """Send what waits for this identity."""
        self._topics.add(identity)
        ready = [held for held in self._held if held.identity == identity]
        for held in ready:
            self._remove(held)
            await self._publish.send_multipart([identity, *held.frames], copy=False)

    def unsubscribed(self, identity: bytes) -> None:
        """Its replies are held from now on."""
        self._topics.discard(identity)

    def _remove(self, held: _Held) -> None:
        held.sent = True
        self._held.remove(held)
        self._bytes -= held.size

    def _drop(self, held: _Held, reason: str) -> None:
        if not held.sent:
            self._remove(held)
            LOG.warning(
                "bert-as-service", extra={"reason": f"a reply nobody subscribed to: {reason}"}
            )
