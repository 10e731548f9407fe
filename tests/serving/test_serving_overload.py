"""A full queue over HTTP: refused at once, from the headers alone, in the protocol's own words."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

LARGE = json.dumps({"input": ["the cat sat on the mat and ran over the hill " * 8] * 200}).encode()
SECONDS = 120


@pytest.fixture(scope="module")
def address(live_server, tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "serve.toml"
    path.write_text("[settings]\nqueue_tokens = 256\n")
    url = live_server(tiny("bert"), "-r", "mean@-1", "--config", path)
    return urlsplit(url).hostname, urlsplit(url).port


def head(path, body):
    lines = ["POST {} HTTP/1.1", "Host: here", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).format(path).encode()


def reply(connection):
    """Status, headers and body of the next reply."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    top, _, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += received(connection)
    return int(first.split()[1]), headers, json.loads(body)


def received(connection):
    data = connection.recv(1 << 20)
    assert data, "the connection has ended"
    return data


def until_full(address, path):
    """What a request is told whose body is not sent, on its connection, once the queue is full."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        connection = socket.create_connection(address, SECONDS)
        connection.sendall(head(path, LARGE))
        connection.settimeout(0.02)
        try:
            return connection, reply(connection)
        except TimeoutError:  # it waits for the body: there is room
            connection.close()
    raise AssertionError("the queue has never been full")


@pytest.fixture
def flood(address):
    """The statuses of requests that fill the queue again and again, until the test is over."""
    over, statuses = threading.Event(), []

    def send():
        with socket.create_connection(address, SECONDS) as connection:
            while not over.is_set():
                connection.sendall(head("/v1/embeddings", LARGE) + LARGE)
                statuses.append(reply(connection)[0])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield statuses
    over.set()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    assert set(statuses) <= {200, 429}
    assert 200 in statuses


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/embeddings", ("error", "code", "overloaded")),
        ("/embed", ("error_type", "Overloaded")),
        ("/api/embed", ("error", "tokens wait")),
        ("/v2/embed", ("message", "tokens wait")),
    ],
)
def test_a_full_queue_refuses_before_the_body(address, flood, path, kind):
    connection, (status, headers, body) = until_full(address, path)
    with connection:
        assert status == 429
        assert 0 < int(headers["retry-after"]) <= 120
        assert float(headers["retry-after-ms"]) > 0
        *keys, expected = kind
        for key in keys:
            body = body[key]
        assert expected in body
        connection.settimeout(SECONDS)
        connection.sendall(LARGE + b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
        status, _, body = reply(connection)
        assert (status, body) == (200, {"status": "alive"})


def metric(address, name):
    """The value of a metric of the server; 0 where it is not told yet."""
    with urllib.request.urlopen("http://{}:{}/metrics".format(*address), timeout=SECONDS) as reply:
        lines = [line for line in reply.read().decode().splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_who_leaves_is_dropped(address):
    gone = 'poolwise_requests_total{code="499"'
    before, deadline = metric(address, gone), time.monotonic() + SECONDS
    while metric(address, gone) == before:
        assert time.monotonic() < deadline, "nobody has been missed"
        connections = [socket.create_connection(address, SECONDS) for _ in range(2)]
        for connection in connections:
            connection.sendall(head("/v1/embeddings", LARGE) + LARGE)
        time.sleep(0.05)
        for connection in connections:
            connection.close()
        time.sleep(0.2)
    while metric(address, "poolwise_queue_tokens"):
        assert time.monotonic() < deadline, "the queue never empties"
        time.sleep(0.05)
