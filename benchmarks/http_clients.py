"""HTTP clients that cost little: one thread, sockets kept open and a selector.

They share their CPUs with the server that they load. Requests are whole messages, made beforehand;
of a reply the status and the length are read.
"""

from __future__ import annotations

import errno
import select
import selectors
import socket
from array import array
from collections import deque
from collections.abc import Sequence
from time import monotonic, sleep

REFUSED, BROKEN, UNANSWERED = -1, -2, -3
"""In a status' place: no connection; closed before the reply; no reply at the end."""

AT_ONCE = 16_384


class Connection:
    __slots__ = ("due", "length", "reply", "sent", "socket", "unsent")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.due, self.sent, self.length = 0.0, 0.0, 0
        self.unsent, self.reply = b"", b""


class Clients:
    """Up to ``most`` connections; more requests than that wait for one.

    ``due``, ``sent``, ``done`` (seconds of the monotonic clock) and ``status`` have an entry a
    request, in the order in which they ended. ``sent`` is 0 where a request was not wholly sent.
    """

    def __init__(self, port: int, requests: Sequence[bytes], most: int) -> None:
        self.busy = 0
        self.due, self.sent, self.done = array("d"), array("d"), array("d")
        self.status = array("h")
        self._port, self._requests, self._most, self._next = port, requests, most, 0
        self._selector = selectors.DefaultSelector()
        self._wait = (self._selector.fileno(),)
        self._idle: list[Connection] = []
        self._waiting: deque[float] = deque()

    def open(self, count: int) -> None:
        """Connections to start with, made before the clock runs."""
        for _ in range(count):
            connection = Connection()
            connection.socket = self._ready(socket.create_connection(("127.0.0.1", self._port)))
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            self._idle.append(connection)

    def send(self, due: float) -> None:
        """The next request, which should leave at ``due``."""
        while self._idle:
            connection = self._idle.pop()
            if connection.socket is not None:  # the server may have closed it meanwhile
                self._begin(connection, due)
                return
        if self.busy >= self._most:
            self._waiting.append(due)
            return
        connection = Connection()
        connection.socket = self._ready(socket.socket())
        if connection.socket.connect_ex(("127.0.0.1", self._port)) == errno.ECONNREFUSED:
            connection.socket.close()
            self._note(due, 0.0, REFUSED)
            return
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._begin(connection, due)

    def poll(self, seconds: float, *, asleep: float = 0) -> None:
        """Take replies; returns when there are some, or after ``seconds``.

        First it is ``asleep``, whatever comes: many requests then cost one waking.
        """
        if asleep:
            sleep(asleep)
        elif seconds > 0:  # by select, whose clock is finer than a selector's milliseconds
            select.select(self._wait, (), (), seconds)
        for key, events in self._selector.select(0):
            if events & selectors.EVENT_WRITE:
                self._flush(key.data)
            if events & selectors.EVENT_READ:
                self._receive(key.data)
        while self._waiting and self.busy < self._most:
            self.send(self._waiting.popleft())

    def finish(self, seconds: float) -> None:
        """Wait so long for the replies that are missing, then close every connection."""
        end = monotonic() + seconds
        while self.busy and (left := end - monotonic()) > 0:
            self.poll(left)
        for key in [*self._selector.get_map().values()]:
            connection = key.data
            if connection.due:
                self._ended(connection, UNANSWERED)
            self._close(connection)
        while self._waiting:
            self._note(self._waiting.popleft(), 0.0, UNANSWERED)

    def _ready(self, made: socket.socket) -> socket.socket:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _begin(self, connection: Connection, due: float) -> None:
        self.busy += 1
        connection.due, connection.sent = due, 0.0
        request = self._requests[self._next]
        self._next = (self._next + 1) % len(self._requests)
        self._write(connection, request)

    def _write(self, connection: Connection, message: bytes) -> None:
        assert connection.socket is not None
        try:
            count = connection.socket.send(message)
        except BlockingIOError:  # the connection is not there yet
            count = 0
        except OSError as error:
            self._lost(connection, error)
            return
        if count == len(message):
            connection.sent = monotonic()
            return
        if not connection.unsent:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(connection.socket, both, connection)
        connection.unsent = message[count:]

    def _flush(self, connection: Connection) -> None:
        message, connection.unsent = connection.unsent, b""
        assert connection.socket is not None
        self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
        self._write(connection, message)

    def _receive(self, connection: Connection) -> None:
        if connection.socket is None:
            return
        try:
            data = connection.socket.recv(AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(connection, error)
            return
        if not data or not connection.due:
            self._lost(connection, None)
            return
        if connection.reply:
            data = connection.reply + data
        if not connection.length:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                connection.reply = data
                return
            connection.length = head + 4 + _content_length(data[:head])
        if len(data) < connection.length:
            connection.reply = data
            return
        self._ended(connection, int(data[9:12]))
        if b"\nconnection: close" in data[: data.find(b"\r\n\r\n")].lower():
            self._close(connection)
        else:
            self._idle.append(connection)

    def _lost(self, connection: Connection, error: OSError | None) -> None:
        if connection.due:
            refused = isinstance(error, ConnectionRefusedError)
            self._ended(connection, REFUSED if refused else BROKEN)
        self._close(connection)

    def _ended(self, connection: Connection, status: int) -> None:
        self._note(connection.due, connection.sent, status)
        self.busy -= 1
        connection.due, connection.length, connection.reply = 0.0, 0, b""

    def _note(self, due: float, sent: float, status: int) -> None:
        self.due.append(due)
        self.sent.append(sent)
        self.done.append(monotonic())
        self.status.append(status)

    def _close(self, connection: Connection) -> None:
        if connection.socket is not None:
            self._selector.unregister(connection.socket)
            connection.socket.close()
            connection.socket = None


def _content_length(head: bytes) -> int:
    _, name, rest = head.lower().partition(b"\ncontent-length:")
    if not name:
        raise ValueError(f"a reply without Content-Length: {head.decode('latin-1')}")
    return int(rest.split(b"\r", 1)[0])
