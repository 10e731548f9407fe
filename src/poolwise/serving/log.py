"""The server's log: a line of JSON a request, without its text."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any, cast

import orjson

LOG = logging.getLogger("poolwise.serving")

MAX_WAITING = 10_000
"""Lines that wait to be written; where whoever reads them is slower than that, some are lost."""

STDERR = 2

STOP_S = 1.0
"""Lines that are not written by then are lost."""

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


class JsonLines:
    """Writes a record as one line to stderr: time, event and what it carries.

    Past ``sys.stderr``, whose lock a write that nobody reads would keep beyond the process's end.
    """

    level = logging.NOTSET

    def handle(self, record: logging.LogRecord) -> None:
        facts = {
            name: value for name in _FACTS if (value := getattr(record, name, None)) is not None
        }
        event = {"time": f"{record.created:.3f}", "event": record.getMessage(), **facts}
        line = orjson.dumps(event) + b"\n"
        with suppress(OSError):  # closed, or on a full disk: the server goes on
            while line:
                line = line[os.write(STDERR, line) :]


class Handler(QueueHandler):
    """Never waits: lines are written by a thread, and lost where too many wait for it."""

    def enqueue(self, record: logging.LogRecord) -> None:
        queue: Any = self.queue
        if queue.qsize() < MAX_WAITING:
            queue.put_nowait(record)


class Writer(QueueListener):
    """Ends even where nobody reads what it writes."""

    def stop(self) -> None:
        self.enqueue_sentinel()
        thread: Any = self._thread
        if thread is not None:
            thread.join(STOP_S)


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Meanwhile, every request as a line on stderr."""
    queue: Any = SimpleQueue()
    handler, writer = Handler(queue), Writer(queue, cast(logging.Handler, JsonLines()))
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
