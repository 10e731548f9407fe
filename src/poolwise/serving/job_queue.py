"""What waits: a bound on its tokens, and which pieces of which requests come next."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from poolwise.serving.catalogue import ServedModel
from poolwise.serving.jobs import Call, Job, Waiting
from poolwise.serving.passes import Piece

TURNS = 4
"""Where others wait, one request takes at most this share of a batch: a quarter."""

MAX_SHARE = 2
"""One request counts as at most this share of the queue, a half: it takes turns, so that others
wait for a part of it only, and a large one must not shut them out."""


@dataclass(slots=True)
class Batch:
    """A call, or pieces of one model's requests. ``given_up``: requests that nobody waits for any
    more, or whose time is up."""

    call: Call | None = None
    pieces: list[Piece] = field(default_factory=list)
    given_up: list[Waiting] = field(default_factory=list)

    @property
    def jobs(self) -> list[Waiting]:
        """Everything that has left the queue with it."""
        own: list[Waiting] = [] if self.call is None else [self.call]
        return [*own, *(piece.job for piece in self.pieces), *self.given_up]


class JobQueue:
    """Requests in the order of their arrival; whoever calls it holds a lock.

    ``admitted_tokens`` are those of all that waits or runs, as the bound counts them;
    ``waiting_tokens`` those that no batch has taken.
    """

    def __init__(self, *, batch_tokens: int, queue_tokens: int) -> None:
        self._batch_tokens, self.queue_tokens = batch_tokens, queue_tokens
        self._queue: deque[Waiting] = deque()
        self._admitted: dict[Waiting, None] = {}  # the oldest first
        self.admitted_tokens = self.waiting_tokens = 0

    def __len__(self) -> int:
        """Requests that wait or run."""
        return len(self._admitted)

    def __iter__(self) -> Iterator[Waiting]:
        """Requests that wait or run, the oldest first."""
        return iter(tuple(self._admitted))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._queue

    @property
    def fills_a_batch(self) -> bool:
        """Whether what waits fills one."""
        return self.waiting_tokens >= self._batch_tokens

    def admit(self, job: Waiting) -> bool:
        """Whether there was room for all of the job; it waits then."""
        counted = min(job.n_tokens, max(self.queue_tokens // MAX_SHARE, 1))
        if self.admitted_tokens and self.admitted_tokens + counted > self.queue_tokens:
            return False
        self.admitted_tokens += counted
        job.admitted = counted
        self._admitted[job] = None
        self.append(job)
        return True

    def append(self, job: Waiting) -> None:
        """An admitted request waits, for its first turn or its next."""
        self._queue.append(job)
        self.waiting_tokens += job.n_left

    def release(self, jobs: Iterable[Waiting]) -> None:
        """Their tokens no longer count."""
        for job in jobs:
            self.admitted_tokens -= job.admitted
            job.admitted = 0
            self._admitted.pop(job, None)

    def lost(self, running: Iterable[Waiting]) -> list[Waiting]:
        """Those that neither wait nor run: who took them has died, perhaps amid taking them."""
        self.waiting_tokens = sum(job.n_left for job in self._queue)
        known = {*self._queue, *running}
        return [job for job in self._admitted if job not in known]

    def clear(self) -> list[Waiting]:
        """Nothing waits any more; what did."""
        waiting = [*self._queue]
        self._queue.clear()
        self.waiting_tokens = 0
        return waiting

    def take(self) -> Batch:
        """The next batch."""
        now, budget = time.monotonic(), self._batch_tokens
        served: ServedModel | None = None
        batch, others = Batch(), list[Waiting]()
        while self._queue and budget > 0:
            job = self._queue.popleft()
            if job.future.done() or job.deadline < now:
                batch.given_up.append(job)
            elif isinstance(job, Call):
                if not batch.pieces:
                    batch.call = job
                    break
                others.append(job)
            elif served is not None and job.served is not served:
                others.append(job)
            else:
                served = job.served
                job.started = job.started or now
                share = bool(batch.pieces or self._queue or others)
                batch.pieces.append(piece := self._piece(job, budget, share=share))
                budget -= piece.n_tokens
        self._queue.extendleft(reversed(others))
        self.waiting_tokens -= sum(job.n_left for job in batch.jobs)
        return batch

    def _piece(self, job: Job, budget: int, *, share: bool) -> Piece:
        """The next texts of ``job``: as many as fit, and one at least. ``share``: others wait."""
        room = budget
        if share and job.n_tokens > budget:
            room = min(budget, self._batch_tokens // TURNS)
        count = 0
        for text in job.texts[job.n_done :]:
            room -= text.n_tokens
            if count and room < 0:
                break
            count += 1
        return Piece(job, job.n_done, count)
