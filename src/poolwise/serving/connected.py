"""A request is worth no more work once its client has left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from poolwise.serving.bodies import ClientLeftError, Receive
from poolwise.serving.operations import Reply

Leave = Callable[[], None]

LEAVING = "poolwise.leaving"
"""Our own server's extension of ASGI: a list of what is called when the connection has ended. A
task that waits for that, as other servers need it, costs a request more than its lookup does."""

UNWATCHED_S = 0.1
"""Replies that take less are worth no look at whether their client is still there."""


async def while_connected(
    handling: Awaitable[Reply], scope: MutableMapping[str, Any], receive: Receive
) -> Reply:
    """The handler's reply; it is cancelled where the client leaves. Raises ClientLeftError."""
    task = asyncio.current_task()
    assert task is not None
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        task.cancel()

    leaving = (scope.get("extensions") or {}).get(LEAVING)
    with _watched(receive, leave) if leaving is None else _listed(leaving, leave):
        try:
            return await handling
        except asyncio.CancelledError:
            if not left or task.uncancel():  # somebody else, or somebody else too, cancelled it
                raise
            raise ClientLeftError from None


@contextmanager
def _listed(leaving: list[Leave], leave: Leave) -> Iterator[None]:
    leaving.append(leave)
    try:
        yield
    finally:
        leaving.remove(leave)


@contextmanager
def _watched(receive: Receive, leave: Leave) -> Iterator[None]:
    """Under another server: a task that waits for the end of the connection."""
    loop = asyncio.get_running_loop()
    watcher: asyncio.Task[None] | None = None

    async def watch() -> None:
        message = await receive()
        while message["type"] != "http.disconnect":
            message = await receive()
        leave()

    def start() -> None:
        nonlocal watcher
        watcher = loop.create_task(watch())

    timer = loop.call_later(UNWATCHED_S, start)
    try:
        yield
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()
