"""The worker's side of a job on Ray: an actor that makes parts on some node."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread

from poolwise.engines.workers import limit_cores
from poolwise.errors import PoolwiseError, StoreError
from poolwise.jobs.comparison import differences
from poolwise.jobs.making import make_parts
from poolwise.jobs.part_maker import Advance, PartMaker
from poolwise.jobs.plan import Part
from poolwise.jobs.workers import ONE_CORE, end_process
from poolwise.version import __version__

NEWS_S = 1.0
"""Seconds for which an actor gathers what it has to tell, unless it begins a part or ends."""


@dataclass(frozen=True, slots=True)
class ActorJob:
    """What an actor is told. ``mark`` is a file in the job's folder that holds ``sign``; a
    PartMaker and the parts to make are ``pickled``; ``on_gpu`` says whether the actor has one."""

    version: str
    directory: Path
    output: Path
    mark: Path
    sign: bytes
    pickled: bytes
    on_gpu: bool


@dataclass(frozen=True, slots=True)
class News:
    """What an actor has done since it was last asked: numbers are of parts that it begins. Where it
    has ``ended`` there is nothing left to make, or an ``error``."""

    messages: Sequence[int | Advance]
    ended: bool
    error: Exception | None


class PartActor:
    """Makes the parts that are not there, ``place`` of ``count`` actors, and tells what it does.

    Each begins with parts of its own, every ``count``-th: on file systems without locks no two then
    make the same one, but for the last. It makes no part before who asks has heard that it begins
    it: whatever it may die of, the part is known.
    """

    def __init__(self) -> None:
        self._messages: list[int | Advance] = []
        self._heard, self._told, self._ended = True, True, False
        self._error: Exception | None = None
        self._changed = Condition()

    def begin(self, job: ActorJob, place: int, count: int) -> PoolwiseError | None:
        """Begin to make parts. Returns an error where this node cannot."""
        os.environ.update(ONE_CORE if job.on_gpu else {**ONE_CORE, "CUDA_VISIBLE_DEVICES": ""})
        with suppress(OSError):  # only relative names need it
            os.chdir(job.directory)
        limit_cores(1)
        try:
            check_node(job)
            maker, parts = load(job)
        except PoolwiseError as error:
            return error
        mine = parts[place::count]
        others = [part for part in parts if part not in set(mine)]
        Thread(target=self._work, args=(maker, [*mine, *others]), daemon=True).start()
        return None

    def news(self) -> News:
        """What has been done; waits for some of it, ``NEWS_S`` at most."""
        with self._changed:
            self._heard = self._heard or self._told
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended or not self._heard, NEWS_S)
            messages, self._messages = self._messages, []
            self._told = True
            return News(messages, self._ended, self._error)

    def end(self) -> None:
        """End this process, without unfinished files."""
        end_process(signal.SIGTERM)

    def _work(self, maker: PartMaker, parts: Sequence[Part]) -> None:
        error: Exception | None = None
        try:
            make_parts(maker, parts, self._report, self._starting)
        except Exception as raised:  # sent home
            error = raised
            if not isinstance(error, PoolwiseError):
                error.add_note(traceback.format_exc())
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def _starting(self, part: Part) -> None:
        with self._changed:
            self._messages.append(part.number)
            self._heard = self._told = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._heard)

    def _report(self, advance: Advance) -> None:
        with self._changed:
            if self._messages and isinstance(last := self._messages[-1], Advance):
                self._messages[-1] = last + advance
            else:
                self._messages.append(advance)


def check_node(job: ActorJob) -> None:
    """Raise PoolwiseError where this node has another poolwise or does not see the job's folder."""
    node = socket.gethostname()
    if job.version != __version__:
        raise PoolwiseError(
            f"node {node} has poolwise {__version__}, and the job was started with {job.version}: "
            "install the same version on every node"
        )
    try:
        sign = job.mark.read_bytes()
    except OSError:
        sign = b""
    if sign != job.sign:
        raise StoreError(
            f"{job.output} on node {node} is not the folder in which the job was started: on Ray "
            "the output must be at the same path of a file system that all nodes share. Without "
            "one, run a job on each node, on inputs of its own"
        )


def load(job: ActorJob) -> tuple[PartMaker, Sequence[Part]]:
    """The job's PartMaker and parts. Raises PoolwiseError where model, inputs or engine are not
    those that it was planned with."""
    node = socket.gethostname()
    maker: PartMaker
    parts: Sequence[Part]
    try:
        maker, parts = pickle.loads(job.pickled)  # of the process that started this one
        plan = maker.plan
        found = [
            json.loads(json.dumps(source.identity(), default=str))
            for source in maker.corpus.sources
        ]
    except PoolwiseError as error:
        raise type(error)(
            f"on node {node}: {error}. On Ray, model and inputs must be at the same paths on all "
            "nodes"
        ) from error
    changed = [
        f"{now['name']} ({', '.join(differing)})"
        for before, now in zip(plan.inputs, found, strict=True)
        if (differing := differences(before, now, list(now)))
    ]
    if changed:
        raise StoreError(
            f"inputs on node {node} are not those of the plan: {'; '.join(changed)}. On Ray they "
            "must be at the same paths of a file system that all nodes share, or in an object store"
        )
    engine = maker.model.engine_for(maker.precision)
    facts = {"engine": engine.name, "precision": engine.precision}
    if differing := differences(plan.fingerprint, facts, list(facts)):
        raise PoolwiseError(
            f"node {node} computes otherwise than the plan says: {', '.join(differing)}. Start the "
            "job on a node of the kind that computes, or use nodes of one kind"
        )
    return maker, parts
