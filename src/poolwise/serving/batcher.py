"""The queue and the thread that computes: dynamic batches by tokens, one pass for all readouts.

Requests wait in one queue. The thread takes the oldest and whatever else waits for the same model,
as many tokens as make a batch, and runs one pass over the union of their readouts. A long request
takes its turn in pieces. The queue has a bound: what finds no room is refused at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from poolwise.errors import PoolwiseError
from poolwise.serving.catalogue import ServedModel
from poolwise.serving.errors import (
    ComputationError,
    DeadlineError,
    OverloadedError,
    RequestError,
    UnavailableError,
)
from poolwise.serving.jobs import Call, Job
from poolwise.serving.metrics import Metrics
from poolwise.serving.passes import Piece, run_pass

Waiting = Job | Call

HEARTBEAT_S = 1.0
"""The thread shows at least this often that it lives, unless a pass takes longer."""

STOP_S = 10.0
"""A pass that takes longer than this is not waited for when the thread is stopped."""

TURNS = 4
"""Where others wait, one request takes at most this share of a batch: a quarter."""

MAX_SHARE = 2
"""One request counts as at most this share of the queue, a half: it takes turns, so that others
wait for a part of it only, and a large one must not shut them out."""


class Batcher:
    """Jobs in, done jobs out. ``start`` before ``submit``; ``stop`` fails what still waits.

    ``rate`` is how many tokens a second the last passes computed, None before the first.
    ``refused_characters``: those of the smallest request that found no room since the queue last
    shrank, None for none.
    """

    def __init__(self, *, batch_tokens: int, queue_tokens: int, metrics: Metrics) -> None:
        self._batch_tokens, self._queue_tokens = batch_tokens, queue_tokens
        self._metrics = metrics
        self._queue: deque[Waiting] = deque()
        self._ready = threading.Condition()
        self._admitted: dict[Waiting, None] = {}  # all that waits or runs, the oldest first
        self._tokens = 0  # of all that is admitted, as the queue counts them
        self.refused_characters: int | None = None
        self._stopped = True
        self._thread: threading.Thread | None = None
        self.heartbeat = 0.0
        self.rate: float | None = None

    def start(self) -> None:
        """Start the thread, or another in place of one that has died."""
        with self._ready:
            if self._thread is not None and self._thread.is_alive():
                return
            waiting = set(self._queue)
            lost = [job for job in self._admitted if job not in waiting]
            self._stopped = False
            self.heartbeat = time.monotonic()
            self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
            self._thread.start()
        self._finish(lost, ComputationError("the thread that computes has died; another took over"))

    def stop(self) -> None:
        """End the thread after its pass; jobs that still wait fail with UnavailableError."""
        stopped = UnavailableError("the server stops", retry_after=5)
        with self._ready:
            self._stopped = True
            waiting = tuple(self._queue)
            self._queue.clear()
            self._ready.notify_all()
        self._finish(waiting, stopped)
        if self._thread is not None:
            self._thread.join(timeout=STOP_S)
        with self._ready:  # a request that was between two of its passes, or in a pass without end
            unfinished = tuple(self._admitted)
            self._queue.clear()
        self._finish(unfinished, stopped)

    @property
    def alive(self) -> bool:
        """Whether the thread lives; ``heartbeat`` is when it last showed itself."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    @property
    def waiting_tokens(self) -> int:
        """Tokens that wait or are being computed."""
        with self._ready:
            return sum(job.n_tokens for job in self._admitted)

    @property
    def n_waiting(self) -> int:
        """Requests that wait or are being computed."""
        return len(self._admitted)

    def check_room(self, characters: int) -> None:
        """Raises OverloadedError where a request of as many characters, or fewer, has found no room
        since the last batch left: before it is tokenized, which is most of what a refusal costs."""
        refused = self.refused_characters
        if refused is not None and characters >= refused:
            raise self.overloaded()

    def submit(self, job: Waiting) -> None:
        """Raises OverloadedError where the queue has no room for all of the job, UnavailableError
        where the thread has been stopped."""
        with self._ready:
            if self._stopped:
                raise UnavailableError("the server stops", retry_after=5)
            counted = min(job.n_tokens, self._queue_tokens // MAX_SHARE)
            if self._tokens and self._tokens + counted > self._queue_tokens:
                self.refused_characters = min(
                    job.characters, self.refused_characters or job.characters
                )
                raise self.overloaded()
            self._tokens += counted
            job.admitted = counted
            self._admitted[job] = None
            self._queue.append(job)
            self._ready.notify()

    def overloaded(self) -> OverloadedError:
        """What a request that finds no room is told."""
        return OverloadedError(
            f"{self._tokens:,} tokens wait of the {self._queue_tokens:,} that may; try again later",
            retry_after=self._seconds(self._tokens),
        )

    def _seconds(self, tokens: int) -> float:
        """How long ``tokens`` take, about; from 0.05 to 60 s."""
        return min(max(tokens / self.rate if self.rate else 1.0, 0.05), 60.0)

    def _work(self) -> None:
        while True:
            with self._ready:
                self.heartbeat = time.monotonic()
                while not self._queue and not self._stopped:
                    self._ready.wait(HEARTBEAT_S)
                    self.heartbeat = time.monotonic()
                if self._stopped:
                    return
                pieces = self._take()
            self._compute(pieces)
            del pieces

    def _take(self) -> list[Piece | Call]:
        """The next batch, in the queue's order."""
        now, budget = time.monotonic(), self._batch_tokens
        served: ServedModel | None = None
        taken: list[Piece | Call] = []
        remaining: list[Waiting] = []
        while self._queue and budget > 0:
            job = self._queue.popleft()
            if job.future.done() or job.deadline < now:
                self._drop(job, now)
            elif isinstance(job, Call):
                if not taken:
                    taken.append(job)
                    break
                remaining.append(job)
            elif served is not None and job.served is not served:
                remaining.append(job)
            else:
                served = job.served
                job.started = job.started or now
                others = bool(taken or self._queue or remaining)
                taken.append(piece := self._piece(job, budget, others=others))
                budget -= piece.n_tokens
        self._queue.extendleft(reversed(remaining))
        return taken

    def _piece(self, job: Job, budget: int, *, others: bool) -> Piece:
        """The next texts of ``job``: as many as fit, and one at least."""
        room = budget
        if others and job.n_tokens > budget:
            room = min(budget, self._batch_tokens // TURNS)
        count = 0
        for text in job.texts[job.n_done :]:
            room -= text.n_tokens
            if count and room < 0:
                break
            count += 1
        return Piece(job, job.n_done, count)

    def _drop(self, job: Waiting, now: float) -> None:
        """A job that nobody waits for, or whose time is up."""
        if job.future.done():
            if now < job.deadline:  # else it has been counted as late
                self._metrics.rejected("abandoned")
            self._release([job])
            return
        self._metrics.rejected("deadline")
        waited = now - job.arrived
        self._finish([job], DeadlineError(f"the request waited {waited:.1f} s and was given up"))

    def _compute(self, taken: Sequence[Piece | Call]) -> None:
        """A call, or a pass."""
        for call in taken:
            if isinstance(call, Call):
                self._call(call)
                return
        pieces = [piece for piece in taken if isinstance(piece, Piece)]
        if not pieces:
            return
        started, n_tokens = time.monotonic(), sum(piece.n_tokens for piece in pieces)
        n_texts = sum(piece.count for piece in pieces)
        self._pass(pieces)
        now = time.monotonic()
        seconds = max(now - started, 1e-6)
        rate = n_tokens / seconds
        self.rate = rate if self.rate is None else 0.8 * self.rate + 0.2 * rate
        self._metrics.passed(n_tokens, n_texts, seconds)
        jobs = [piece.job for piece in pieces]
        with self._ready:
            if not self._stopped:  # else stop answers them
                self._queue.extend(job for job in jobs if not job.ended)
        ended = [job for job in jobs if job.ended]
        for job in ended:
            job.finished = now
        self._release(ended)
        _deliver([(job, job.error or job) for job in ended])

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
        _deliver([(call, result)])

    def _finish(self, jobs: Sequence[Waiting], error: RequestError) -> None:
        self._release(jobs)
        _deliver([(job, error) for job in jobs])

    def _release(self, jobs: Iterable[Waiting]) -> None:
        """Their tokens no longer count in the queue."""
        with self._ready:
            for job in jobs:
                self._tokens -= job.admitted
                job.admitted = 0
                self._admitted.pop(job, None)
            self.refused_characters = None


def _as_request_error(error: BaseException) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, PoolwiseError):
        return ComputationError(str(error))
    kind = type(error).__name__
    return ComputationError(f"the pass over this request failed ({kind})")


def _deliver(results: Sequence[tuple[Waiting, object]]) -> None:
    """Wake the loops that wait, each once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, object]]] = {}
    for job, result in results:
        by_loop.setdefault(job.future.get_loop(), []).append((job, result))
    for loop, own in by_loop.items():
        with suppress(RuntimeError):  # a loop that has been closed has nobody who waits
            loop.call_soon_threadsafe(_set, own)


def _set(results: Sequence[tuple[Waiting, object]]) -> None:
    for job, result in results:
        future: asyncio.Future[Any] = job.future
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
