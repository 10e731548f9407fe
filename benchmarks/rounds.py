"""Time that is comparable: every round runs each contender once, in turn.

A figure is the median over rounds of a ratio within one round, so that a drifting machine cancels
out.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence

Seconds = dict[str, list[float]]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def interleaved(
    runs: Mapping[str, Callable[[], object]], rounds: int, title: str, *, calls: int = 1
) -> Seconds:
    """The seconds of each call, by name; a round makes ``calls`` of each before the next's turn."""
    times: Seconds = {name: [] for name in runs}
    for number in range(rounds):
        say(f"{title}: round {number + 1} of {rounds}")
        for name, run in runs.items():
            times[name] += [seconds(run) for _ in range(calls)]
    return times


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """Median of base / taken, round by round: how many times as fast."""
    return statistics.median(b / t for t, b in zip(times, base, strict=True))
