"""The threads that compute: dynamic batches by tokens, one pass for all readouts.

Requests wait in one queue. A thread takes the oldest and whatever else waits for the same model,
as many tokens as make a batch, and runs one pass over the union of their readouts. A long request
takes its turn in pieces. The queue has a bound: what finds no room is refused at once.

There are two threads: while one prepares its batch, or hands over its results, the other's keeps
the cores busy. The second takes a batch beside the first's only where a whole one waits.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from poolwise.errors import PoolwiseError
from poolwise.serving.delivery import deliver
from poolwise.serving.errors import (
    ComputationError,
    DeadlineError,
    OverloadedError,
    RequestError,
    UnavailableError,
)
from poolwise.serving.job_queue import Batch, JobQueue
from poolwise.serving.jobs import Call, Waiting
from poolwise.serving.metrics import Metrics
from poolwise.serving.passes import Piece, run_pass

THREADS = 2

HEARTBEAT_S = 1.0
"""A thread shows at least this often that it lives, unless a pass takes longer."""

STOP_S = 10.0
"""A pass that takes longer than this is not waited for when the threads are stopped."""

NICENESS = 10
"""Of the threads that compute: whatever the load, the event loop has the CPU when it needs it. So
have other processes of the same container, or of no container."""


class Batcher:
    """Jobs in, done jobs out. ``start`` before ``submit``; ``stop`` fails what still waits.

    ``refused_characters``: those of the smallest request that found no room since the queue last
    shrank, None for none.
    """

    def __init__(self, *, batch_tokens: int, queue_tokens: int, metrics: Metrics) -> None:
        self._queue = JobQueue(batch_tokens=batch_tokens, queue_tokens=queue_tokens)
        self._metrics = metrics
        # Entering a Condition runs Python, in which a thread may be killed with the lock in hand;
        # entering its lock does not.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._threads: list[_Thread] = []
        self._stopped = True
        self.refused_characters: int | None = None
        self._passed = 0.0  # when the last pass ended
        self._computed = self._computing = 0.0  # tokens, and seconds, of the last passes

    def start(self) -> None:
        """Start the threads."""
        with self._lock:
            self._stopped = False
        self.replace_dead()

    def replace_dead(self) -> None:
        """Start others in place of threads that have died; what those computed has failed."""
        with self._lock:
            if self._stopped:
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            lost = self._queue.lost(job for thread in self._threads for job in thread.jobs)
            while len(self._threads) < THREADS:
                thread = _Thread(self._work)
                thread.start()
                self._threads.append(thread)
        self._finish(lost, ComputationError("the thread that computed has died; another took over"))

    def stop(self) -> None:
        """End the threads after their passes; jobs that still wait fail with UnavailableError."""
        stopped = UnavailableError("the server stops", retry_after=5)
        with self._lock:
            self._stopped = True
            waiting = self._queue.clear()
            self._changed.notify_all()
        self._finish(waiting, stopped)
        end = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))
        with self._lock:
            unfinished = [*self._queue]  # between two of their passes, or in one without end
        self._finish(unfinished, stopped)

    @property
    def alive(self) -> bool:
        """Whether every thread lives."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    @property
    def heartbeat(self) -> float:
        """When the thread that has been silent longest last showed itself (time.monotonic)."""
        return min((thread.heartbeat for thread in self._threads), default=0.0)

    @property
    def waiting_tokens(self) -> int:
        """Tokens that wait or are being computed."""
        with self._lock:
            return sum(job.n_tokens for job in self._queue)

    @property
    def n_waiting(self) -> int:
        """Requests that wait or are being computed."""
        return len(self._queue)

    def check_room(self, characters: int) -> None:
        """Raises OverloadedError where a request of as many characters, or fewer, has found no room
        since the last batch left: before it is tokenized, which is most of what a refusal costs."""
        refused = self.refused_characters
        if refused is not None and characters >= refused:
            raise self.overloaded()

    def submit(self, job: Waiting) -> None:
        """Raises OverloadedError where the queue has no room for all of the job, UnavailableError
        where the threads have been stopped."""
        with self._lock:
            if self._stopped:
                raise UnavailableError("the server stops", retry_after=5)
            if not self._queue.admit(job):
                smallest = self.refused_characters or job.characters
                self.refused_characters = min(job.characters, smallest)
                raise self.overloaded()
            if self._has_work:
                self._changed.notify()

    def overloaded(self) -> OverloadedError:
        """What a request that finds no room is told."""
        waiting, most = self._queue.admitted_tokens, self._queue.queue_tokens
        return OverloadedError(
            f"{waiting:,} tokens wait of the {most:,} that may; try again later",
            retry_after=self._seconds(waiting),
        )

    def _seconds(self, tokens: int) -> float:
        """How long ``tokens`` take, about; from 0.05 to 60 s."""
        seconds = tokens * self._computing / self._computed if self._computed else 1.0
        return min(max(seconds, 0.05), 60.0)

    @property
    def _has_work(self) -> bool:
        """Whether a thread without a batch should take one."""
        if self._queue.is_empty:
            return False
        return self._queue.fills_a_batch or not any(thread.jobs for thread in self._threads)

    def _work(self, thread: _Thread) -> None:
        _be_nice()
        while True:
            with self._lock:
                thread.heartbeat = time.monotonic()
                while not self._has_work and not self._stopped:
                    self._changed.wait(HEARTBEAT_S)
                    thread.heartbeat = time.monotonic()
                if self._stopped:
                    return
                batch = self._queue.take()
                thread.jobs = batch.jobs
                if self._has_work:
                    self._changed.notify()
            self._run(batch)
            with self._lock:
                thread.jobs = []
                if self._has_work:
                    self._changed.notify()
            del batch

    def _run(self, batch: Batch) -> None:
        self._give_up(batch.given_up)
        if batch.call is not None:
            self._call(batch.call)
        if batch.pieces:
            self._compute(batch.pieces)

    def _give_up(self, jobs: Sequence[Waiting]) -> None:
        """Those that nobody waits for, or whose time is up."""
        now = time.monotonic()
        for job in jobs:
            if not job.future.done():
                self._metrics.rejected("deadline")
                waited = now - job.arrived
                error = DeadlineError(f"the request waited {waited:.1f} s and was given up")
                self._finish([job], error)
                continue
            if now < job.deadline:  # else it has been counted as late
                self._metrics.rejected("abandoned")
            self._release([job])

    def _compute(self, pieces: Sequence[Piece]) -> None:
        started, n_tokens = time.monotonic(), sum(piece.n_tokens for piece in pieces)
        n_texts = sum(piece.count for piece in pieces)
        self._pass(pieces)
        now = time.monotonic()
        with self._lock:
            self._metrics.passed(n_tokens, n_texts, now - started)
            since, self._passed = max(started, self._passed), now  # passes overlap
            self._computed = 0.8 * self._computed + n_tokens
            self._computing = 0.8 * self._computing + now - since
            ended = []
            for job in (piece.job for piece in pieces):
                if job.ended:
                    ended.append(job)
                elif not self._stopped:  # else stop answers it
                    self._queue.append(job)
        for job in ended:
            job.finished = now
        self._release(ended)
        deliver([(job, job.error or job) for job in ended])

    def _pass(self, pieces: Sequence[Piece]) -> None:
        """One pass; where it fails each job alone, so that only those fail that are to blame."""
        try:
            run_pass(pieces[0].job.served, pieces)
        except BaseException as error:
            if len(pieces) == 1:
                self._metrics.failed()
                pieces[0].job.error = _as_request_error(error)
                return
        else:
            return
        for piece in pieces:
            if piece.job.n_done == piece.start:  # it may have had its outputs before the failure
                self._pass([piece])

    def _call(self, call: Call) -> None:
        try:
            result = call.run()
        except BaseException as error:
            self._finish([call], _as_request_error(error))
            return
        self._release([call])
        deliver([(call, result)])

    def _finish(self, jobs: Sequence[Waiting], error: RequestError) -> None:
        self._release(jobs)
        deliver([(job, error) for job in jobs])

    def _release(self, jobs: Sequence[Waiting]) -> None:
        with self._lock:
            self._queue.release(jobs)
            self.refused_characters = None


class _Thread(threading.Thread):
    """``jobs`` are those that it computes, ``heartbeat`` is when it last showed itself."""

    def __init__(self, work: Any) -> None:
        super().__init__(target=work, args=(self,), name="batcher", daemon=True)
        self.jobs: list[Waiting] = []
        self.heartbeat = time.monotonic()


def _be_nice() -> None:
    """This thread, and those that it starts, leave the CPU to the event loop when it needs it."""
    if sys.platform == "linux":  # elsewhere niceness is the whole process's
        own = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, own)
        os.setpriority(os.PRIO_PROCESS, own, max(nice, NICENESS))


def _as_request_error(error: BaseException) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, PoolwiseError):
        return ComputationError(str(error))
    kind = type(error).__name__
    return ComputationError(f"the pass over this request failed ({kind})")
