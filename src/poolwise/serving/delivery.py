"""Results from the threads that compute to the event loops that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from poolwise.serving.jobs import Waiting

AT_ONCE = 8
"""Replies that the event loop makes before it looks at its connections again."""


def deliver(results: Sequence[tuple[Waiting, object]]) -> None:
    """Wake the loops that wait, each once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, object]]] = {}
    for job, result in results:
        by_loop.setdefault(job.future.get_loop(), []).append((job, result))
    for loop, own in by_loop.items():
        with suppress(RuntimeError):  # a loop that has been closed has nobody who waits
            loop.call_soon_threadsafe(_set, loop, own)


def _set(loop: asyncio.AbstractEventLoop, results: Sequence[tuple[Waiting, object]]) -> None:
    for job, result in results[:AT_ONCE]:
        future: asyncio.Future[Any] = job.future
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
    if rest := results[AT_ONCE:]:
        loop.call_soon(_set, loop, rest)
