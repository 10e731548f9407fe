"""A request is worth no more work once its client has left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
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

    leaving: list[Leave] | None = (scope.get("extensions") or {}).get(LEAVING)
    if leaving is None:
        end = _watch(receive, leave)
    else:
        leaving.append(leave)
        end = partial(leaving.remove, leave)
    try:
        return await handling
    except asyncio.CancelledError:
        if not left or task.uncancel():  # somebody else, or somebody else too, cancelled it
            raise
        raise ClientLeftError from None
    finally:
        end()


def _watch(receive: Receive, leave: Leave) -> Callable[[], None]:
    """Under another server: a task that waits for the end of the connection; its end."""
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

    def end() -> None:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()

    return end
