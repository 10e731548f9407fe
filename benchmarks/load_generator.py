"""Loads a server from a process of its own; ``load.py`` starts it and reads what it notes.

With ``phases`` requests leave on a schedule, whether or not earlier ones were answered, and a
latency counts from the time at which its request was due: a server that stalls is not asked less.
Without, so many connections each send their next request when they have their reply.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from http_clients import Clients

AHEAD = 0.05
"""Seconds from the making of the schedule to its first request."""


def main() -> None:
    job: dict[str, Any] = json.load(sys.stdin)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    most = min(job["most"], most_files - 64)
    clients = Clients(job["port"], [text.encode() for text in job["requests"]], most)
    clients.open(job["connections"])
    gc.disable()
    cpu = time.process_time()
    if job["phases"]:
        began = monotonic() + AHEAD
        times = [began + due for due in schedule(job["phases"], job["spacing"])]
        offer(clients, times, job["tick"])
    else:
        began = monotonic()
        saturate(clients, job["connections"], began + job["seconds"])
    ended = monotonic()
    clients.finish(job["drain"])
    spent = time.process_time() - cpu
    with Path(job["notes"]).open("wb") as notes:
        for column in (clients.due, clients.sent, clients.done, array("d", clients.status)):
            column.tofile(notes)
    print(json.dumps({"began": began, "ended": ended, "cpu_seconds": spent}))


def schedule(phases: Sequence[tuple[float, float]], spacing: str) -> array[float]:
    """When each request leaves, in seconds from the start; ``spacing`` is poisson or constant."""
    chance = random.Random(0)
    times, start = array("d"), 0.0
    for rate, seconds in phases:
        due, end = start, start + seconds
        while (due := due + (chance.expovariate(rate) if spacing == "poisson" else 1 / rate)) < end:
            times.append(due)
        start = end
    return times


def offer(clients: Clients, times: Sequence[float], tick: float) -> None:
    sent = 0
    while sent < len(times):
        now = monotonic()
        while sent < len(times) and times[sent] <= now:
            clients.send(times[sent])
            sent += 1
        if sent < len(times):
            clients.poll(times[sent] - monotonic(), asleep=tick)


def saturate(clients: Clients, connections: int, end: float) -> None:
    while (now := monotonic()) < end:
        while clients.busy < connections:
            clients.send(now)
        clients.poll(end - now)


if __name__ == "__main__":
    main()
