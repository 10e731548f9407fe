"""A server of this machine: started, ready, watched and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import IO, Any

import numpy as np
import psutil
from load import Load

STARTS_WITHIN, STOPS_WITHIN = 180, 60
EMBEDDINGS = "/v1/embeddings"

Command = Callable[[int], Sequence[str]]
"""The command line for a port."""


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]
    said: IO[bytes]

    @property
    def cpu_seconds(self) -> float:
        """Of the process and those that it started."""
        return sum(sum(p.cpu_times()[:2]) for p in self._family())

    @property
    def memory(self) -> int:
        """Bytes that are resident."""
        return sum(p.memory_info().rss for p in self._family())

    def model_name(self) -> str:
        """What requests call its model."""
        status, answer = self.get("/v1/models")
        return str(json.loads(answer)["data"][0]["id"]) if status == 200 else "demo"

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask("GET", path)

    def post(self, path: str, body: Any) -> tuple[int, bytes]:
        return self._ask("POST", path, json.dumps(body).encode())

    def stop(self) -> int:
        """Its exit code; it is asked by SIGTERM, and killed only when that does nothing."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def last_words(self) -> str:
        self.said.seek(0)
        return " ".join(self.said.read().decode(errors="replace").split())[-600:]

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]


class Watch:
    """The CPU time of a server, noted twice a second while it is loaded."""

    def __init__(self, server: Server) -> None:
        self._server, self._over = server, threading.Event()
        self._times: list[float] = []
        self._cpu: list[float] = []

    def note(self) -> None:
        while True:
            self._times.append(time.monotonic())
            self._cpu.append(self._server.cpu_seconds)
            if self._over.wait(0.5):
                return

    def stop(self) -> None:
        self._over.set()

    def cores(self, load: Load, start: float, end: float) -> float:
        """Busy cores between these seconds of the load."""
        times = [load.began + start, load.began + end]
        first, last = np.interp(times, self._times, self._cpu)
        return float(last - first) / (end - start)


@contextmanager
def watched(server: Server) -> Iterator[Watch]:
    watch = Watch(server)
    thread = threading.Thread(target=watch.note)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()


@contextmanager
def running(
    command: Command, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server that has answered ``GET ready`` with 200. Raises RuntimeError where it does not."""
    port = free_port()
    variables = os.environ | {"HF_HUB_OFFLINE": "1"} | dict(environment or {})
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command(port),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=variables,
        )
        server = Server(port, process, said)
        try:
            _await(server, ready)
            yield server
        finally:
            server.stop()


def _await(server: Server, ready: str) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        if server.process.poll() is not None:
            code = server.process.returncode
            raise RuntimeError(f"it did not start (exit code {code}): {server.last_words()}")
        try:
            if server.get(ready)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"not ready after {STARTS_WITHIN} s: {server.last_words()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
