"""Corpus jobs in processes that are forked from one that has imported everything.

A job is a real process, a leader of its group; its workers are forked, too, as starting them anew
costs a second each. All that they compute they tell through a pipe, which ends with the last of
them: what a killed process has said stays in it.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import struct
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import poolwise
from poolwise.jobs import claims, part_maker, workers
from poolwise.jobs.part_maker import RunningMaker

PATIENCE_S = 120
BEGUN, COMPUTED, MADE, RESULT = range(4)
_EVENT = struct.Struct("iiii")


@dataclass(frozen=True)
class Event:
    """``kind`` of what process ``pid`` did of ``part``, and with how many ``rows``."""

    kind: int
    pid: int
    part: int
    rows: int


class ForkedWorkers:
    """The context of multiprocessing that forks. A forked worker would hold its parent's ends of
    all pipes, which one that is started anew does not: it closes them."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._ends: list[Any] = []

    def Pipe(self) -> Any:  # noqa: N802 - multiprocessing's name
        ends = self._context.Pipe()
        self._ends.append(ends[0])
        return ends

    def Process(self, *, target: Any, args: Any, daemon: bool) -> Any:  # noqa: N802
        def work() -> None:
            for end in self._ends:
                end.close()
            target(*args)

        return self._context.Process(target=work, daemon=daemon)


class JobProcess:
    """``embed_corpus`` in a process, begun at once; ``locks=False``: the file system has none."""

    def __init__(self, said: Path, asked: dict[str, Any], *, locks: bool = True) -> None:
        self._events, theirs = os.pipe()
        self.events: list[Event] = []
        self.ended = False
        self.pid = os.fork()
        if self.pid == 0:
            _become_job(theirs, said, asked, locks)
        os.close(theirs)

    def wait_for(self, count: int, *, seconds: float = PATIENCE_S) -> None:
        """Until it and its workers have told so many events, or have all ended."""
        deadline = time.monotonic() + seconds
        while len(self.events) < count and not self.ended:
            ready, _, _ = select.select([self._events], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"nothing happened for {seconds} s: {self.events[-3:]}"
            told = os.read(self._events, _EVENT.size * 256)
            self.events += [Event(*event) for event in _EVENT.iter_unpack(told)]
            if not told:
                self.ended = True
                os.close(self._events)

    def wait(self) -> int:
        """Until the process and its workers have ended; its exit code, or minus the signal."""
        self.wait_for(1 << 30)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self, *, group: bool) -> None:
        (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)

    def at_work(self) -> dict[int, int]:
        """The parts that processes had begun, and not made, by process."""
        parts: dict[int, int] = {}
        for event in self.events:
            if event.kind == BEGUN:
                parts[event.pid] = event.part
            elif event.kind == MADE:
                del parts[event.pid]
        return parts


def _become_job(pipe: int, said: Path, asked: dict[str, Any], locks: bool) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        with said.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        _tell(pipe)
        if not locks:
            claims.lock_byte = lambda *_: True
        result = poolwise.embed_corpus(**asked, resume=True)
        os.write(pipe, _EVENT.pack(RESULT, os.getpid(), 0, result.made_rows))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _tell(pipe: int) -> None:
    """From now on this process and its workers tell what they do."""
    forks = ForkedWorkers()
    workers.get_context = lambda _: forks  # type: ignore[assignment]
    make, compute = RunningMaker.make, part_maker.window_vectors
    current = 0

    def tell(kind: int, rows: int) -> None:
        os.write(pipe, _EVENT.pack(kind, os.getpid(), current, rows))

    def telling_make(self: RunningMaker, part: Any, report: Any) -> Any:
        nonlocal current
        current = part.number
        tell(BEGUN, 0)
        made = make(self, part, report)
        tell(MADE, part.rows)
        return made

    def telling_compute(extraction: Any, rows: Any) -> Any:
        computed = compute(extraction, rows)
        tell(COMPUTED, len(rows))
        return computed

    RunningMaker.make = telling_make  # type: ignore[method-assign]
    part_maker.window_vectors = telling_compute
