"""Parts made on a Ray cluster: Ray starts the workers, the folder makes each part once."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from warnings import warn

from poolwise.errors import PoolwiseError, PoolwiseWarning, StoreError
from poolwise.files import AtomicFile, os_errors_as
from poolwise.jobs.attempts import Attempts, WorkerProgress
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.job import MakeParts
from poolwise.jobs.making import POLL_S
from poolwise.jobs.part_maker import PartMaker, Report
from poolwise.jobs.plan import Part
from poolwise.jobs.ray_actor import ActorJob, News, PartActor
from poolwise.jobs.ray_cluster import ray_cluster, worker_count
from poolwise.version import __version__

START_S = 600.0
"""Seconds that the first worker may take: a cluster may have to start nodes."""

SEEN_S = 180.0
"""Seconds after which every node sees a new name in a folder: NFS keeps lists of names for 60."""

END_S = 0.5
"""Seconds that workers have to remove unfinished files: an interruption leaves 2 for everything."""

_ADVICE = "Ray's logs on that node say why: /tmp/ray/session_latest/logs"


def make_parts_on_ray(
    maker: PartMaker, parts: Sequence[Part], address: str, count: int | None, report: Report
) -> None:
    """``make_parts`` by ``count`` actors of the cluster at ``address``; see ``ray_cluster``.

    A part whose actor dies is made again by others; the third death over one part is a
    PoolwiseError that names it. An error in an actor, which is raised here, ends all of them, and
    so does the end of this process.
    """
    maker = replace(maker, folder=JobFolder(maker.folder.path.absolute()))
    missing = [part for part in parts if not maker.folder.has(part.number)]
    if not missing:
        return
    with ray_cluster(address) as ray, _mark(maker.folder) as (mark, sign):
        resources = ray.cluster_resources()
        gpus = _gpus(maker, resources.get("GPU", 0))
        count = min(worker_count(resources.get("CPU", 0), gpus, count), len(missing))
        pickled = pickle.dumps((maker, missing))
        job = ActorJob(
            __version__, Path.cwd(), maker.folder.path, mark, sign, pickled, on_gpu=bool(gpus)
        )
        _Pool(ray, maker, job, count).run(report)
        _wait_until_seen(maker.folder, missing)


def on_ray(address: str, count: int | None) -> MakeParts:
    """Makes parts in so many actors of this cluster."""
    return lambda maker, parts, report: make_parts_on_ray(maker, parts, address, count, report)


class _Pool:
    def __init__(self, ray: Any, maker: PartMaker, job: ActorJob, count: int) -> None:
        self._ray, self._folder, self._count = ray, maker.folder, count
        self._attempts = Attempts(maker.plan, _ADVICE)
        self._job = ray.put(job)
        self._kind = ray.remote(
            num_cpus=1,
            num_gpus=int(job.on_gpu),
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,  # it can be ended while it is asked
        )(PartActor)
        self._workers: list[_RayWorker] = []
        self._done = False

    def run(self, report: Report) -> None:
        """Until all parts are there."""
        deadline = time.monotonic() + START_S
        try:
            for place in range(self._count):
                self._start(place)
            while self._workers:
                waited = {worker.answer: worker for worker in self._workers}
                ready, _ = self._ray.wait([*waited], num_returns=1, timeout=POLL_S)
                for answer in ready:
                    self._receive(waited[answer], report)
                if self._done:
                    for worker in [w for w in self._workers if not w.begun]:
                        self._retire(worker)
                elif not any(w.begun for w in self._workers) and time.monotonic() > deadline:
                    raise self._no_room()
        finally:
            self._end()

    def _start(self, place: int) -> None:
        self._workers.append(_RayWorker(self._kind.remote(), self._job, place, self._count))

    def _receive(self, worker: _RayWorker, report: Report) -> None:
        try:
            news: News | PoolwiseError | None = self._ray.get(worker.answer)
        except self._ray.exceptions.RayError as error:
            self._replace(worker, _first_line(error), report)
            return
        if isinstance(news, PoolwiseError):
            raise news
        if news is not None:
            for message in news.messages:
                worker.progress.take(message, report)
            if news.error is not None:
                raise news.error
            if news.ended:
                self._done = True
                self._retire(worker)
                return
        worker.ask()

    def _replace(self, worker: _RayWorker, how: str, report: Report) -> None:
        """One that has died, or is out of reach."""
        self._retire(worker)
        part = worker.progress.part
        if part is None or not self._folder.has(part):
            worker.progress.take_back(report)
        if self._done:
            return
        self._attempts.add(part, how)
        self._start(worker.place)

    def _retire(self, worker: _RayWorker) -> None:
        self._workers.remove(worker)
        self._ray.kill(worker.actor)

    def _end(self) -> None:
        """End those that are left, and let them clean up."""
        left = self._workers
        if left:
            ends = [worker.actor.end.remote() for worker in left]
            self._ray.wait(ends, num_returns=len(ends), timeout=END_S)
        for worker in left:
            self._ray.kill(worker.actor)

    def _no_room(self) -> PoolwiseError:
        free = self._ray.available_resources().get("CPU", 0)
        return PoolwiseError(
            f"none of {self._count} workers has started within {START_S:.0f} s: the Ray cluster "
            f"has {free:.0f} free CPUs. Wait for what else runs there (ray status), or ask for "
            "fewer --workers"
        )


class _RayWorker:
    """The driver's side of an actor. ``answer`` is what it was last asked for; it has ``begun``
    when it has answered once."""

    def __init__(self, actor: Any, job: Any, place: int, count: int) -> None:
        self.actor, self.place = actor, place
        self.progress = WorkerProgress()
        self.begun = False
        self.answer = actor.begin.remote(job, place, count)

    def ask(self) -> None:
        self.begun = True
        self.answer = self.actor.news.remote()


@contextmanager
def _mark(folder: JobFolder) -> Iterator[tuple[Path, bytes]]:
    """A hidden file in the folder and what it holds, by which actors know the folder."""
    sign = os.urandom(16)
    with os_errors_as(folder.path):
        file = AtomicFile(folder.state / "ray", overwrite=True)
        try:
            file.file.write(sign)
            file.file.flush()
            os.fsync(file.file.fileno())
            yield Path(file.file.name), sign
        finally:
            file.discard()


def _gpus(maker: PartMaker, gpus: float) -> int:
    """How many of the cluster's GPUs are used: none where the plan is for the native engine."""
    if gpus and maker.plan.fingerprint["engine"] != "transformers":
        warn(
            f"the {gpus:.0f} GPUs of the Ray cluster are not used: this machine has none, and the "
            "job was planned for it; start the job on a node with a GPU",
            PoolwiseWarning,
            stacklevel=2,
        )
        return 0
    return int(gpus)


def _wait_until_seen(folder: JobFolder, parts: Sequence[Part]) -> None:
    """Other nodes have made the parts, but a network file system may show them later.

    Raises StoreError where it does not.
    """
    deadline = time.monotonic() + SEEN_S
    while unseen := [part for part in parts if not folder.has(part.number)]:
        if time.monotonic() > deadline:
            raise StoreError(
                f"{len(unseen)} parts were made on other nodes, and do not appear in {folder.path} "
                f"within {SEEN_S:.0f} s: --resume makes them where they are not"
            )
        time.sleep(POLL_S)
        with suppress(OSError), os.scandir(folder.path) as names:  # has the list read anew
            for _ in names:
                pass


def _first_line(error: Exception) -> str:
    """What Ray says of a death."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    node = next((line for line in lines if line.startswith("ip: ")), "")
    reason = next((line for line in lines if "Worker exit type" in line), lines[0] if lines else "")
    return f"on node {node.removeprefix('ip: ')}: {reason:.200}" if node else f"{reason:.200}"
