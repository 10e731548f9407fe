"""How many workers a process may have, how they survive a fork, and batches run by them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Condition

from poolwise import machine
from poolwise.engines.engine import BatchOutputs
from poolwise.records import TokenBatch

_limit: int | None = None


def limit_cores(count: int) -> None:
    """Let this process use ``count`` cores from now on: others compute beside it."""
    global _limit  # noqa: PLW0603 - it is the process's
    _limit = count


def cores() -> int:
    """Cores that this process may use."""
    available = machine.cores()
    return available if _limit is None else min(available, _limit)


class Forks:
    """A fork waits for the work within ``held_off``, and none begins until the fork is over.

    A child has the locks of libraries as they stood, and no thread of its parent: a lock that a
    thread held there is never released. A fork waits for ``PATIENCE_S`` at most.
    """

    PATIENCE_S = 10.0

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The state of a process in which nothing runs."""
        self._changed = Condition()
        self._running = self._forking = 0

    @contextmanager
    def held_off(self) -> Iterator[None]:
        """Around work in libraries with locks and threads of their own."""
        with self._changed:
            self._changed.wait_for(lambda: not self._forking)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def before(self) -> None:
        self._changed.acquire()
        self._forking += 1
        self._changed.wait_for(lambda: not self._running, self.PATIENCE_S)

    def after_in_parent(self) -> None:
        self._forking -= 1
        self._changed.notify_all()
        self._changed.release()


forks = Forks()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=forks.before,
        after_in_parent=forks.after_in_parent,
        after_in_child=forks.reset,
    )


class Threads:
    """``count`` threads that live as long as this object, each started with ``initializer``.

    Who runs several things at once shares them: no core has more than one to compute.

    A fork leaves none of them in the child, which starts its own at the first use.
    """

    def __init__(self, count: int, initializer: Callable[[], None] | None = None) -> None:
        self._count, self._initializer = count, initializer
        self._process, self._executor = os.getpid(), self._start()

    @property
    def executor(self) -> ThreadPoolExecutor:
        """This process's own."""
        if self.forked:
            self._process, self._executor = os.getpid(), self._start()
        return self._executor

    @property
    def forked(self) -> bool:
        """Whether this process is a child that has not started its threads yet."""
        return self._process != os.getpid()

    def _start(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._count, initializer=self._initializer)


def run_batches(
    workers: Executor, run: Callable[[TokenBatch], BatchOutputs], batches: Sequence[TokenBatch]
) -> Iterator[tuple[int, BatchOutputs]]:
    """Each batch's index with its outputs, as they finish; those left are cancelled on close."""
    index_of = {workers.submit(run, batch): index for index, batch in enumerate(batches)}
    try:
        for future in as_completed(list(index_of)):
            yield index_of.pop(future), future.result()
    finally:
        for future in index_of:
            future.cancel()
