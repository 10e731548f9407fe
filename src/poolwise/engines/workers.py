"""How many workers there can be; batches handed to them, and taken back as they get done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Condition

from poolwise.engines.engine import Pooled
from poolwise.records import TokenBatch


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Forks:
    """What a fork waits for: work within ``kept_off``, and none begins until the fork is over.

    A child has the locks of libraries as they stood, and no thread of its parent: what a thread
    held there, nobody gives back. A fork waits for ``PATIENCE_S`` at most.
    """

    PATIENCE_S = 10.0

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As in a process in which nothing runs."""
        self._changed = Condition()
        self._running = self._forking = 0

    @contextmanager
    def kept_off(self) -> Iterator[None]:
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
        after_in_child=forks.begin,
    )


class Threads:
    """``count`` threads that stay, each begun with ``first``.

    A fork leaves none of them in the child, which gets its own when it first asks for them.
    """

    def __init__(self, count: int, first: Callable[[], None]) -> None:
        self._count, self._first = count, first
        self._process, self._executor = os.getpid(), self._made()

    @property
    def executor(self) -> ThreadPoolExecutor:
        """This process's own."""
        if self.forked:
            self._process, self._executor = os.getpid(), self._made()
        return self._executor

    @property
    def forked(self) -> bool:
        """Whether this process is a child that has not asked for its threads yet."""
        return self._process != os.getpid()

    def _made(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._count, initializer=self._first)


def as_done(
    workers: Executor, pool: Callable[[TokenBatch], Pooled], batches: Sequence[TokenBatch]
) -> Iterator[tuple[int, Pooled]]:
    """Each batch's index with what ``pool`` made of it; who stops listening cancels the rest."""
    index_of = {workers.submit(pool, batch): index for index, batch in enumerate(batches)}
    try:
        for done in as_completed(list(index_of)):
            yield index_of.pop(done), done.result()
    finally:
        for waiting in index_of:
            waiting.cancel()
