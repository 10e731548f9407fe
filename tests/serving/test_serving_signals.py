"""SIGTERM and SIGINT under load: what has been accepted is answered, then the process exits with 0.

``POOLWISE_SIGTERMS`` servers are started and ended.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

COUNT = int(os.environ.get("POOLWISE_SIGTERMS", "4"))
PATIENCE = 120
LARGE = {"input": ["the old cat sat on a mat"] * 2000}
SMALL = {"input": "the cat"}


@pytest.fixture
def server(tiny, tmp_path):
    """``server()``: a process that serves, and its port. It is killed at the test's end."""
    started = []

    def start(settings=""):
        config = tmp_path / "serve.toml"
        config.write_text(f"[settings]\nqueue_tokens = 100000\nbatch_tokens = 256\n{settings}")
        log = tmp_path / f"log{len(started)}"
        command = [sys.executable, "-m", "poolwise", "serve", f"tiny={tiny('bert')}", "--port", "0"]
        command += ["-r", "mean@-1", "--config", str(config)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        with log.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        started.append(process)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            if found := re.search(r"serving at http://127.0.0.1:(\d+);", log.read_text()):
                port = int(found[1])
                try:
                    with urllib.request.urlopen(
                        f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE
                    ):
                        return process, port
                except OSError:
                    pass
            time.sleep(0.02)
        raise AssertionError(log.read_text())

    yield start
    for process in started:
        process.kill()
        process.wait(PATIENCE)


def posted(body):
    content = json.dumps(body).encode()
    return (
        b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(content)
    ) + content


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def answer(connection):
    """The status and body of the next reply; 0 where the connection ends without one."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            assert not received
            return 0, b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])
    while len(body) < length:
        part = connection.recv(1 << 20)
        assert part, "a reply that is not whole"
        body += part
    return int(head.split()[1]), body


def until_computing(port):
    """Return once a request has been accepted, and is not done."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as reply:
            if re.search(rb"^poolwise_queue_tokens [1-9]", reply.read(), re.MULTILINE):
                return
    raise AssertionError("nothing has been accepted")


@pytest.mark.parametrize("number", range(COUNT))
def test_what_has_been_accepted_is_answered(server, number):
    """Requests that were sent before the signal: all of them, on old connections and new ones, one
    of them long; until the last is done the server says that it is not ready."""
    chance = random.Random(number)
    process, port = server("header_seconds = 60.0")  # longer than it takes to stop
    before = [(connected(port), chance.choice([SMALL, SMALL, SMALL, LARGE])) for _ in range(30)]
    before.append((connected(port), LARGE))
    for connection, body in before:
        connection.sendall(posted(body))
    idle = connected(port)
    until_computing(port)
    time.sleep(chance.random() * 0.1)
    process.send_signal(signal.SIGTERM if number % 2 else signal.SIGINT)
    results, unready = [], []

    def ask():
        """Whether it is ready, as long as it listens."""
        while True:
            try:
                with connected(port) as connection:
                    connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
                    unready.append(answer(connection)[0])
            except OSError:
                return

    asking = threading.Thread(target=ask)
    asking.start()
    for connection, body in before:
        with connection:
            status, content = answer(connection)
            results.append(status)
            if status == 200:
                count = 1 if body is SMALL else len(LARGE["input"])
                assert len(json.loads(content)["data"]) == count
            else:
                assert json.loads(content)["error"]["code"] in ("unavailable", "overloaded")
    asking.join(PATIENCE)
    assert process.wait(PATIENCE) == 0
    with idle:
        assert answer(idle) == (0, b"")
    assert set(results) <= {200, 429, 503}
    assert results.count(200) > 0
    assert set(unready[1:]) <= {503, 0}  # the first may have come before the signal


def test_a_second_signal_does_not_wait(server):
    process, port = server("request_seconds = 600.0")
    with connected(port) as connection:
        connection.sendall(posted({"input": ["the old cat sat on a mat " * 4] * 2048}))
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_draining_ends(server):
    """A body that never ends holds the server no longer than it may."""
    process, port = server("drain_seconds = 1.0\nbody_seconds = 500.0")
    with connected(port) as connection:
        connection.sendall(posted(LARGE)[:-5])
        time.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status, content = answer(connection)
    assert process.wait(PATIENCE) == 0
    assert time.monotonic() - started < 30
    assert status == 503
    assert json.loads(content)["error"]["code"] == "unavailable"


def test_a_model_that_cannot_be_warmed_up_is_an_error(tiny, tmp_path):
    """Said in a line, with exit code 1, before anything is served."""
    import shutil

    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "bad"
    shutil.copytree(tiny("bert"), folder)
    weights = load_file(folder / "model.safetensors")
    (name,) = [name for name in weights if name.endswith("word_embeddings.weight")]
    weights[name][:] = 3e38
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    command = [sys.executable, "-m", "poolwise", "serve", str(folder), "--port", "0"]
    done = subprocess.run(
        [*command, "-r", "mean@1"], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert "not finite" in done.stderr
    assert "Traceback" not in done.stderr
