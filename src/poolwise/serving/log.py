"""The server's log: a line of JSON a request, without its text."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler
from queue import Empty, SimpleQueue
from typing import Any, cast

import orjson

LOG = logging.getLogger("poolwise.serving")

MAX_WAITING = 10_000
"""Lines that wait to be written; where whoever reads them is slower than that, some are lost."""

STDERR = 2

STOP_S = 1.0
"""Lines that are not written by then are lost."""

GATHER_S = 0.05
"""Lines of so long are written together: a waking of the thread for each would cost a request more
than all else about its line."""

_FACTS = ("route", "status", "seconds", "error", "reason")


def where(error: BaseException) -> str:
    """The kind of an error and the line that raised it; no message, which may quote a text."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return type(error).__name__
    code = traceback.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_qualname}, line {traceback.tb_lineno}"


def line(record: logging.LogRecord) -> bytes:
    """A record as JSON: time, event and what it carries; of an exception its kind and place."""
    if record.exc_info and record.exc_info[1] is not None:
        record.error = where(record.exc_info[1])
    facts = {name: value for name in _FACTS if (value := getattr(record, name, None)) is not None}
    event = {"time": f"{record.created:.3f}", "event": record.getMessage(), **facts}
    return orjson.dumps(event) + b"\n"


class Handler(QueueHandler):
    """Never waits: lines are written by a thread, and lost where too many wait for it."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record  # the thread makes the line

    def enqueue(self, record: logging.LogRecord) -> None:
        queue: Any = self.queue
        if queue.qsize() < MAX_WAITING:
            queue.put_nowait(record)


class Writer(threading.Thread):
    """Writes the queue's records to stderr until it is stopped, which ends even where nobody reads.

    Past ``sys.stderr``, whose lock a write that nobody reads would keep beyond the process's end.
    """

    def __init__(self, queue: SimpleQueue[logging.LogRecord | None]) -> None:
        super().__init__(name="log", daemon=True)
        self._queue, self._stopping = queue, threading.Event()

    def run(self) -> None:
        stopped = False
        while not stopped:
            records = [self._queue.get()]
            self._stopping.wait(GATHER_S)
            with suppress(Empty):
                while True:
                    records.append(self._queue.get_nowait())
            stopped = None in records
            _write(b"".join(line(record) for record in records if record is not None))

    def stop(self) -> None:
        self._stopping.set()
        self._queue.put(None)
        self.join(STOP_S)


def _write(content: bytes) -> None:
    with suppress(OSError):  # closed, or on a full disk: the server goes on
        while content:
            content = content[os.write(STDERR, content) :]


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Meanwhile, every request as a line on stderr."""
    queue: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
    handler, writer = Handler(cast(Any, queue)), Writer(queue)
    uvicorn = logging.getLogger("uvicorn.error")
    # A start that has failed is told by whoever started it.
    handler.addFilter(lambda record: not record.getMessage().startswith("Traceback"))
    for log, level in ((LOG, logging.INFO), (uvicorn, logging.ERROR)):
        log.addHandler(handler)
        log.setLevel(level)
        log.propagate = False
    writer.start()
    try:
        yield
    finally:
        for log in (LOG, uvicorn):
            log.removeHandler(handler)
        writer.stop()
