"""Worker processes that train in parallel.

A training's steps are short: on a CPU two processes with a core each do more than one with two.
Each gets its trainings through a pipe. A pipe whose other end is gone ends the worker, so that none
outlives its parent by more than a step.
"""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from poolwise.errors import PoolwiseError, StudyError
from poolwise.model import Model
from poolwise.processes import environment, signals_deferred, was_killed
from poolwise.tuning.out_of_memory import out_of_memory
from poolwise.tuning.records import TrainingResult, TrainingRun
from poolwise.tuning.run_store import RunStore
from poolwise.tuning.schedule import Schedule
from poolwise.tuning.task import TuningTask
from poolwise.tuning.training import train_and_save

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
"""Memory that a step frees stays with the process for the next one, which saves a tenth of the time
with texts of a hundred tokens. malloc reads these when the process starts; see mallopt(3)."""

Lock = AbstractContextManager[Any]


@dataclass(frozen=True)
class WorkerSetup:
    """Sent to each worker once; ``threads`` of torch, a process."""

    model: Model
    task: TuningTask
    store: RunStore
    threads: int


def train_in_workers(
    schedule: Schedule, setup: WorkerSetup, count: int, report: Callable[[float], None]
) -> None:
    """Train all of ``schedule`` in ``count`` processes; ``report`` is called as by ``train``.

    An error in one of them, which is raised here, and Ctrl-C end all of them.
    """
    with _workers(setup, count) as workers:
        while True:
            for idle in (worker for worker in workers if worker.run is None):
                if (run := schedule.next()) is not None:
                    idle.start(run)
            busy = {worker.pipe: worker for worker in workers if worker.run is not None}
            if not busy:
                return
            for pipe in wait([*busy]):
                message = busy[pipe].receive()  # type: ignore[index]  # wait returns its arguments
                if isinstance(message, TrainingResult):
                    schedule.record(message)
                else:
                    report(message)


class Worker:
    """The parent's side of a process. ``run`` is its current training."""

    def __init__(self, setup: WorkerSetup, lock: Lock) -> None:
        context = get_context("spawn")
        self.pipe, child_pipe = context.Pipe()
        self.run: TrainingRun | None = None
        self._store, self._max_length = setup.store, setup.model.max_length
        self.process = context.Process(target=_work, args=(child_pipe, setup, lock), daemon=True)
        with environment(MALLOC), signals_deferred():
            self.process.start()
        child_pipe.close()

    def start(self, run: TrainingRun) -> None:
        self.run = run
        self.pipe.send(run)

    def receive(self) -> float | TrainingResult:
        """The number of texts trained on since the last message, or the result of the training.

        Raises the worker's error, and StudyError where the process has ended.
        """
        try:
            message: float | TrainingResult | Exception = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            raise self._exit_error() from None
        if isinstance(message, Exception):
            raise message
        if isinstance(message, TrainingResult):
            self.run = None
        return message

    def _exit_error(self) -> StudyError:
        if was_killed(self.process.exitcode):
            batch_size, resumable = self._store.options.batch_size, self._store.folder is not None
            return out_of_memory(batch_size, self._max_length, resumable=resumable)
        return StudyError(
            f"a process that was training ended with exit code {self.process.exitcode}; what it "
            "wrote above says why. A script of your own must begin such work under "
            'if __name__ == "__main__":'
        )


def _work(pipe: Connection, setup: WorkerSetup, lock: Lock) -> None:
    """The worker's side: trains what comes through the pipe, and sends progress and results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where no signals can be blocked
    torch.set_num_threads(setup.threads)
    try:
        while True:
            run = pipe.recv()
            pipe.send(
                train_and_save(setup.model, setup.task, setup.store, run, pipe.send, lock=lock)
            )
    except (EOFError, ConnectionError):
        return  # nobody listens
    except Exception as error:
        if not isinstance(error, PoolwiseError):
            error.add_note(traceback.format_exc())
        pipe.send(error)


@contextmanager
def _workers(setup: WorkerSetup, count: int) -> Iterator[list[Worker]]:
    lock = get_context("spawn").Lock()
    workers: list[Worker] = []
    try:
        for _ in range(count):
            workers.append(Worker(setup, lock))  # noqa: PERF401 - each may be the last
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
