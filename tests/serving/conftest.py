"""Servers as users run them: processes of their own, reached over loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

START_SECONDS = 120


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    """``live_server(folder, "-r", "mean@-1")``: the URL of ``poolwise serve`` of these arguments.

    It is ready, and the session's: the same arguments give the same server. At the session's end
    each gets SIGTERM, and must exit 0. ``live_server.told(…)`` is what it has printed.
    """
    servers = {}

    def url_of(*arguments: object) -> str:
        texts = tuple(map(str, arguments))
        if texts not in servers:
            servers[texts] = Server(texts, tmp_path_factory.mktemp("server") / "log")
        return servers[texts].url

    url_of.told = lambda *arguments: servers[tuple(map(str, arguments))].log.read_text()
    yield url_of
    for server in servers.values():
        server.process.terminate()
    codes = {texts: server.process.wait(60) for texts, server in servers.items()}
    assert not any(codes.values()), codes


class Server:
    """A process that serves, ready by the time that ``url`` is read."""

    def __init__(self, arguments, log):
        command = [sys.executable, "-m", "poolwise", "serve", "--port", "0", *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
        self.log, self._url = log, None
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)

    @property
    def url(self):
        deadline = time.monotonic() + START_SECONDS
        while self._url is None or not self._is_ready():
            told = self.log.read_text()
            assert self.process.poll() is None, f"the server has ended:\n{told}"
            assert time.monotonic() < deadline, f"the server is not ready:\n{told}"
            found = re.search(r"serving at (http://\S+);", told)
            self._url = found[1] if found else None
            time.sleep(0.02)
        return self._url

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=START_SECONDS) as reply:
                return reply.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False
