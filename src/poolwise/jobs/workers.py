"""Processes that make parts, each with a core, or a GPU, of its own.

Each takes the first part that nobody has made or claimed, and tells its parent through a pipe what
it does. A pipe whose other end is gone ends it, so that no worker outlives its parent.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import FrameType

from poolwise.engines.opening import gpu_count
from poolwise.engines.workers import limit_cores
from poolwise.errors import PoolwiseError
from poolwise.files import remove_unfinished
from poolwise.jobs.attempts import Attempts, WorkerProgress
from poolwise.jobs.making import make_parts
from poolwise.jobs.part_maker import Advance, PartMaker, Report
from poolwise.jobs.plan import Part
from poolwise.processes import environment, signals_deferred, was_killed

_ADVICE = (
    "what they wrote above says why. A script of your own must begin such work under "
    'if __name__ == "__main__":'
)

ONE_CORE = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


def make_parts_in_workers(
    maker: PartMaker, parts: Sequence[Part], count: int, report: Report
) -> None:
    """``make_parts`` in ``count`` processes.

    A part whose worker dies is made again by others; the third death over one part is a
    PoolwiseError that names it. An error in a worker, which is raised here, ends all of them.
    """
    missing = [part for part in parts if not maker.folder.has(part.number)]
    attempts = Attempts(maker.plan, _ADVICE)
    workers: list[Worker] = []
    try:
        for place in range(min(count, len(missing))):
            workers.append(Worker(maker, missing, place))  # noqa: PERF401 - each may be the last
        while workers:
            by_pipe = {worker.pipe: worker for worker in workers}
            for pipe in wait([*by_pipe]):
                worker = by_pipe[pipe]  # type: ignore[index]  # wait returns its arguments
                if worker.receive(report):
                    continue
                workers.remove(worker)
                if worker.process.exitcode == 0:
                    continue
                worker.progress.take_back(report)
                attempts.add(worker.progress.part, _how(worker.process.exitcode or 0))
                workers.append(Worker(maker, missing, worker.place))
    except BaseException:
        for worker in workers:
            worker.process.terminate()
        raise
    finally:
        for worker in workers:
            worker.process.join()
            worker.pipe.close()


class Worker:
    """The parent's side of a process, the ``place``-th of its kind."""

    def __init__(self, maker: PartMaker, parts: Sequence[Part], place: int) -> None:
        context = get_context("spawn")
        self.pipe, child_pipe = context.Pipe()
        self.place = place
        self.progress = WorkerProgress()
        self.process = context.Process(target=_work, args=(child_pipe, maker, parts), daemon=True)
        gpus = gpu_count()
        device = {"CUDA_VISIBLE_DEVICES": str(place % gpus)} if gpus else {}
        with environment(ONE_CORE | device), signals_deferred():
            self.process.start()
        child_pipe.close()

    def receive(self, report: Report) -> bool:
        """Take a message; False where the process has ended. Raises the worker's error."""
        try:
            message: int | Advance | Exception = self.pipe.recv()
        except (EOFError, OSError):  # OSError: it has been killed within a message
            self.process.join()
            return False
        if isinstance(message, Exception):
            raise message
        self.progress.take(message, report)
        return True


def _how(code: int) -> str:
    """How a process has ended."""
    if code >= 0:
        return f"with exit code {code}"
    memory = ", as the system does when memory runs out" if was_killed(code) else ""
    return f"by {signal.Signals(-code).name}{memory}"


def _work(pipe: Connection, maker: PartMaker, parts: Sequence[Part]) -> None:
    """The worker's side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where no signals can be blocked
    signal.signal(signal.SIGTERM, end_process)
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()
    limit_cores(1)

    def send(message: object) -> None:
        try:
            pipe.send(message)
        except OSError:  # the parent has ended, which this thread sees first
            end_process(signal.SIGTERM)

    try:
        make_parts(maker, parts, send, lambda part: send(part.number))
    except Exception as error:
        if not isinstance(error, PoolwiseError):
            error.add_note(traceback.format_exc())
        send(_portable(error))


def _portable(error: Exception) -> Exception:
    """The error, or where a pickle of it cannot be read, one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        same = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            same.add_note(note)
        return same
    return error


def end_process(number: int, _: FrameType | None = None) -> None:
    """End this process, as a signal does, without unfinished files."""
    remove_unfinished()
    os._exit(128 + number)


def _end_with_parent(pipe: Connection) -> None:
    with suppress(EOFError, OSError):
        pipe.recv()  # nothing is ever sent
    end_process(signal.SIGTERM)
