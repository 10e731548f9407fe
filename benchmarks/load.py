"""A load on a server of this machine, and what became of its requests."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from http_clients import BROKEN, REFUSED, UNANSWERED
from numpy.typing import NDArray

GENERATOR = Path(__file__).parent / "load_generator.py"
MOST = 4096
"""Connections of one generator."""

NAMES = {REFUSED: "refused", BROKEN: "broken", UNANSWERED: "unanswered"}
Phases = Sequence[tuple[float, float]]
"""Requests a second, for so many seconds."""


@dataclass(frozen=True, slots=True)
class Load:
    """A request an entry, in order of ``due``; times in seconds from the start of the load."""

    seconds: float
    cpu_seconds: float
    due: NDArray[np.float64]
    sent: NDArray[np.float64]
    done: NDArray[np.float64]
    status: NDArray[np.int64]
    began: float

    def during(self, start: float, end: float) -> Load:
        """The requests due in this time, with their share of the generator's CPU time."""
        rows = (self.due >= start) & (self.due < end)
        columns = (column[rows] for column in (self.due, self.sent, self.done, self.status))
        cpu = self.cpu_seconds * float(rows.mean()) if len(rows) else 0.0
        return Load(end - start, cpu, *columns, self.began)

    def milliseconds(self, status: int = 200) -> NDArray[np.float64]:
        rows = self.status == status
        return 1e3 * (self.done[rows] - self.due[rows])

    def answered_per_s(self, start: float, end: float) -> float:
        """By 200, in this time: replies to what was sent before are counted, later ones are not."""
        good = (self.status == 200) & (self.done >= start) & (self.done < end)
        return float(good.sum()) / (end - start)

    def summary(self) -> dict[str, Any]:
        """``late_ms`` is how long after it was due the generator sent a request, p99."""
        found, counts = np.unique(self.status, return_counts=True)
        sent = self.sent > 0
        late = self.sent[sent] - self.due[sent]
        return {
            "seconds": self.seconds,
            "requests": len(self.status),
            "offered_per_s": len(self.status) / self.seconds,
            "answered": float((self.status == 200).mean()) if len(self.status) else None,
            "generator_cpu_s": self.cpu_seconds,
            "late_ms": 1e3 * float(np.percentile(late, 99)) if len(late) else None,
            "statuses": {
                NAMES.get(int(status), str(status)): {
                    "count": int(count),
                    **percentiles(self.milliseconds(int(status))),
                }
                for status, count in zip(found, counts, strict=True)
            },
        }


def percentiles(values: NDArray[np.float64]) -> dict[str, float]:
    parts = {f"p{part}_ms": float(np.percentile(values, part)) for part in (50, 90, 99)}
    return parts | {"max_ms": float(values.max())}


class Running:
    """A generator at work."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._notes = Path(self._folder.name) / "notes"
        command = [sys.executable, str(GENERATOR)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, **pipes)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job | {"notes": str(self._notes)}))
        self._process.stdin.close()
        self._process.stdin = None

    def finish(self) -> Load:
        out, errors = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"the load generator failed: {errors.strip()[-300:]}")
        said = json.loads(out)
        notes = np.fromfile(self._notes).reshape(4, -1)
        due, sent, done, status = notes[:, np.argsort(notes[0], kind="stable")]
        self._folder.cleanup()
        began = said["began"]
        sent = np.where(sent > 0, sent - began, -1)
        columns = (due - began, sent, done - began, status.astype(np.int64))
        return Load(said["ended"] - began, said["cpu_seconds"], *columns, began)


def offering(
    port: int,
    requests: Sequence[str],
    phases: Phases,
    *,
    spacing: str = "poisson",
    tick: float = 0,
    connections: int = 64,
    drain: float = 10,
) -> Running:
    """Requests at these rates, for these times, whatever becomes of them.

    With a ``tick`` (seconds) the generator looks that often: it takes less of the CPU, sends up to
    a tick late and sees a reply up to a tick late, and latencies have both in them.
    """
    job = {"phases": list(phases), "spacing": spacing, "tick": tick, "drain": drain, "most": MOST}
    return Running(job | {"port": port, "requests": list(requests), "connections": connections})


def saturating(
    port: int, requests: Sequence[str], *, connections: int, seconds: float, drain: float = 10
) -> Running:
    """So many connections, each of which sends its next request when it has its reply."""
    job = {"phases": [], "seconds": seconds, "drain": drain, "most": connections}
    return Running(job | {"port": port, "requests": list(requests), "connections": connections})


def message(path: str, body: bytes | str) -> str:
    """An HTTP request, whole."""
    text = body if isinstance(body, str) else body.decode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text.encode())}\r\n\r\n{text}"
    )
