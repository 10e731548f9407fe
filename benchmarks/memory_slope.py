"""Whether a process' memory grows: sampled, then a line through the last two thirds."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from scipy import stats
from servers import Server

BLOCKS = 20
"""Samples in a row are alike; the line goes through the means of so many blocks of them."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Of the last two thirds, in per cent of their first value on the line; 95 % interval.

    ``first_mb`` is the memory at the start, ``last_mb`` at the end.
    """

    percent: float
    low: float
    high: float
    first_mb: float
    last_mb: float

    def flat(self, most: float) -> bool:
        return self.high < most


def growth(times: list[float], memory: list[int]) -> Growth:
    t, y = np.asarray(times), np.asarray(memory, float)
    later = t >= t[0] + (t[-1] - t[0]) / 3
    t, y = t[later], y[later]
    blocks = max(min(BLOCKS, len(t) // 2), 3)
    centres = np.array([part.mean() for part in np.array_split(t, blocks)])
    means = np.array([part.mean() for part in np.array_split(y, blocks)])
    line = stats.linregress(centres, means)
    start = line.intercept + line.slope * t[0]
    scale = 100 * (t[-1] - t[0]) / start
    reach = stats.t.ppf(0.975, blocks - 2) * line.stderr
    low, high = (scale * (line.slope + sign * reach) for sign in (-1, 1))
    megabytes = memory[0] / 2**20, memory[-1] / 2**20
    return Growth(float(scale * line.slope), float(low), float(high), *megabytes)


class Sampler:
    """The memory of a server, each ``pause`` seconds while it is in a ``with``."""

    def __init__(self, server: Server, pause: float) -> None:
        self.times: list[float] = []
        self.memory: list[int] = []
        self._server, self._pause, self._over = server, pause, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            if self._server.process.poll() is not None:
                return
            self.times.append(time.monotonic())
            self.memory.append(self._server.memory)
