"""Processes that train side by side.

A training's steps are short: on a CPU two processes with a core each do more than one with two.
Each is told what to do through a pipe, and notices by it that nobody listens any more, however that
came about: none outlives its parent by more than a step.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import current_thread, main_thread
from typing import Any

import torch

from poolwise.errors import PoolwiseError, StudyError
from poolwise.model import Model
from poolwise.tuning.memory import out_of_memory
from poolwise.tuning.records import Setting, Trial
from poolwise.tuning.run_store import Kept
from poolwise.tuning.schedule import ToDo
from poolwise.tuning.task import Task
from poolwise.tuning.training import train_and_keep

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
"""What a step allots and frees stays with the process for the next one, which saves a tenth of the
time with texts of a hundred tokens. malloc reads it as the process starts; see mallopt(3)."""

Lock = AbstractContextManager[Any]


@dataclass(frozen=True)
class Order:
    """All that a worker is given to begin with."""

    model: Model
    task: Task
    kept: Kept
    threads: int


def work_through(todo: ToDo, order: Order, count: int, report: Callable[[float], None]) -> None:
    """Train all there is to do in ``count`` processes; ``report`` is told as in ``train``.

    Whatever goes wrong ends all of them: an error in one of them, which is raised here, or Ctrl-C.
    """
    with _workers(order, count) as workers:
        while True:
            for idle in (worker for worker in workers if worker.at is None):
                if (setting := todo.next()) is not None:
                    idle.begin(setting)
            busy = {worker.pipe: worker for worker in workers if worker.at is not None}
            if not busy:
                return
            for pipe in wait([*busy]):
                worker = busy[pipe]  # type: ignore[index]  # these are what was given
                told = worker.hear()
                if isinstance(told, Trial):
                    todo.ended(told)
                else:
                    report(told)


class Worker:
    """A process, seen from its parent. ``at`` is the training that it is busy with."""

    def __init__(self, order: Order, lock: Lock) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.at: Setting | None = None
        self._kept, self._longest = order.kept, order.model.max_length
        self.process = context.Process(target=_work, args=(theirs, order, lock), daemon=True)
        with _environment(MALLOC), _undisturbed():
            self.process.start()
        theirs.close()

    def begin(self, setting: Setting) -> None:
        self.at = setting
        self.pipe.send(setting)

    def hear(self) -> float | Trial:
        """What it has to tell: so many more texts have passed, or what came of the training."""
        try:
            told: float | Trial | Exception = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            raise self._death() from None
        if isinstance(told, Exception):
            raise told
        if isinstance(told, Trial):
            self.at = None
        return told

    def _death(self) -> StudyError:
        if self.process.exitcode == -signal.SIGKILL:  # as the kernel does when memory runs out
            kept = self._kept.folder is not None
            return out_of_memory(self._kept.recipe.batch, self._longest, kept=kept)
        return StudyError(
            f"a process that was training ended with exit code {self.process.exitcode}; what it "
            "wrote above says why. A script of your own must begin such work under "
            'if __name__ == "__main__":'
        )


def _work(pipe: Connection, order: Order, lock: Lock) -> None:
    """What a worker does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where no signals can be blocked
    torch.set_num_threads(order.threads)
    try:
        while True:
            setting = pipe.recv()
            pipe.send(
                train_and_keep(order.model, order.task, order.kept, setting, pipe.send, lock=lock)
            )
    except (EOFError, ConnectionError):
        return  # nobody listens
    except Exception as error:
        if not isinstance(error, PoolwiseError):
            error.add_note(traceback.format_exc())
        pipe.send(error)


@contextmanager
def _workers(order: Order, count: int) -> Iterator[list[Worker]]:
    lock = get_context("spawn").Lock()
    workers: list[Worker] = []
    try:
        for _ in range(count):
            workers.append(Worker(order, lock))  # noqa: PERF401 - each may be the last
        yield workers
    except BaseException:
        for worker in workers:
            worker.process.terminate()
        raise
    finally:
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.process.join()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits for a process that is being started, which would end with a traceback.

    The process itself never sees it, nor a terminal's end: its parent decides. What is blocked
    stays so in a child, from its first moment on.
    """
    if not hasattr(signal, "pthread_sigmask") or current_thread() is not main_thread():
        yield
        return
    numbers = [n for n in (signal.SIGINT, signal.SIGHUP) if callable(signal.getsignal(n))]
    came: list[int] = []
    handlers = {n: signal.signal(n, lambda number, _: came.append(number)) for n in numbers}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
