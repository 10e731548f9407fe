"""Starting processes that work for this one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from threading import current_thread, main_thread


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Defers SIGINT and SIGHUP while a process starts, which would end with a traceback.

    The child inherits the block and never sees them: its parent ends it.
    """
    if not hasattr(signal, "pthread_sigmask") or current_thread() is not main_thread():
        yield
        return
    resource_tracker.ensure_running()  # which would unblock SIGINT in between
    numbers = [n for n in (signal.SIGINT, signal.SIGHUP) if callable(signal.getsignal(n))]
    received: list[int] = []
    handlers = {n: signal.signal(n, lambda number, _: received.append(number)) for n in numbers}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


def was_killed(exit_code: int | None) -> bool:
    """Whether SIGKILL ended a process, as the system does when memory runs out; not on Windows,
    which has no signals between processes."""
    return hasattr(signal, "SIGKILL") and exit_code == -signal.SIGKILL


@contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Environment variables that processes started meanwhile have."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
