"""SIGTERM under load: every request that had arrived is answered, and the exit code is 0.

A request had arrived if its last byte was sent while the port was still listened at. The kernel's
own table of sockets tells until when that was; without it (not Linux) the signal's time counts.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from http_clients import BROKEN, REFUSED, UNANSWERED
from load import NAMES, offering
from servers import Server, running
from serving_load import requests_of
from serving_peers import Contender

TABLE = Path("/proc/net/tcp")
LISTENS = "0A"
CLOSES_WITHIN = 60.0
ANSWERS = (200, 429, 503)


@dataclass
class Terminations:
    """``lost`` requests had arrived and have no answer; ``other`` were answered by something else
    than 200, 429 or 503. ``open_ms`` is how long the port was listened at after the signal."""

    count: int = 0
    requests: int = 0
    lost: int = 0
    other: int = 0
    exit_codes: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    open_ms: list[float] = field(default_factory=list)
    drain_s: list[float] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.lost and not self.other and set(self.exit_codes) <= {0}

    def figures(self) -> dict[str, object]:
        figures = {name: getattr(self, name) for name in ("count", "requests", "lost", "other")}
        return figures | {
            "exit_codes": dict(self.exit_codes),
            "statuses": dict(self.statuses),
            "open_ms": float(np.max(self.open_ms, initial=0)),
            "drain_s": float(np.max(self.drain_s, initial=0)),
        }


def terminate(
    contender: Contender, texts: list[str], rate: float, found: Terminations, seed: int
) -> None:
    """Start the server, load it at this rate, end it in the middle; adds to ``found``."""
    assert contender.command is not None
    chance = random.Random(seed)
    with running(contender.command, contender.ready, contender.environment) as server:
        requests = requests_of(texts, server.model_name())
        connections = chance.choice((0, 16, 128))  # from none, each request makes its own
        load = offering(
            server.port, requests, [(rate, 2.0)], connections=connections, drain=CLOSES_WITHIN
        )
        time.sleep(0.5 + chance.random())
        signalled = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        listened = _listened_until(server, signalled)
        found.exit_codes[server.process.wait(CLOSES_WITHIN)] += 1
        found.drain_s.append(time.monotonic() - signalled)
        requested = load.finish()
    closed = listened - requested.began
    arrived = (requested.sent > 0) & (requested.sent < closed)
    unanswered = np.isin(requested.status, (REFUSED, BROKEN, UNANSWERED))
    found.count += 1
    found.requests += int(arrived.sum())
    found.lost += int((arrived & unanswered).sum())
    found.other += int((arrived & ~unanswered & ~np.isin(requested.status, ANSWERS)).sum())
    found.open_ms.append(1e3 * (listened - signalled))
    for status, count in zip(
        *np.unique(requested.status[arrived], return_counts=True), strict=True
    ):
        found.statuses[NAMES.get(int(status), str(status))] += int(count)


def _listened_until(server: Server, signalled: float) -> float:
    """When the port was last seen listened at, in seconds of the monotonic clock."""
    last = signalled
    while TABLE.exists() and server.process.poll() is None:
        looked = time.monotonic()
        if looked - signalled > CLOSES_WITHIN or not _listens(server.port):
            break
        last = looked
        time.sleep(0.001)
    return last


def _listens(port: int) -> bool:
    local = f":{port:04X}"
    for line in TABLE.read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == LISTENS and columns[1].endswith(local):
            return True
    return False
