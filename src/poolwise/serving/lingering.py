"""A transport that closes after its reply has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LINGER_S = 2.0
"""How long a client that still sends is listened to after the reply that closes."""

FLUSH_S = 60.0
"""How long a closed connection may take to send what is left."""


class Lingering:
    """``transport``, with a ``close`` that does not lose what has been written.

    Where ``has_unread``, the kernel would answer bytes that nobody reads with a reset, and the
    client would lose the reply: the connection ends in one direction first, and reads on until the
    client has ended too.
    """

    def __init__(
        self, transport: Any, loop: asyncio.AbstractEventLoop, has_unread: Callable[[], bool]
    ) -> None:
        self._transport, self._loop, self._has_unread = transport, loop, has_unread
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._closed or bool(self._transport.is_closing())

    def write(self, data: bytes) -> None:
        if not self.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport.is_closing():
            self._transport.close()
        elif not self._closed:
            self._closed = True
            if self._has_unread():
                self._transport.resume_reading()
                self._transport.write_eof()
                self._loop.call_later(LINGER_S, self._end)
            else:
                self._end()

    def _end(self) -> None:
        if not self._transport.is_closing():
            unsent = self._transport.get_write_buffer_size()
            self._transport.close()
            if unsent:
                self._loop.call_later(FLUSH_S, self._transport.abort)
