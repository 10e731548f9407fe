"""Requests byte by byte: what is no HTTP/1.1 is refused, what is slow is ended."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
import urllib.request
from contextlib import suppress

import pytest

HEADER_SECONDS, BODY_SECONDS = 1.0, 1.5
MAX_BODY = 300_000
PATIENCE = 30
BODY = b'{"input": "the cat", "model": "tiny"}'
HEADERS = b"Host: a\r\nContent-Type: application/json\r\n"
POST = b"POST /v1/embeddings HTTP/1.1\r\n" + HEADERS


def posted(body, headers=b""):
    return POST + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*parts):
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


CLOSE = b"Connection: close\r\n"
ALIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def port(live_server, tiny, tmp_path_factory):
    config = tmp_path_factory.mktemp("framing") / "serve.toml"
    config.write_text(
        f"[settings]\nheader_seconds = {HEADER_SECONDS}\nbody_seconds = {BODY_SECONDS}\n"
        f"max_body = {MAX_BODY}\n"
    )
    url = live_server(f"tiny={tiny('bert')}", "-r", "mean@-1", "--config", config)
    yield int(url.rpartition(":")[2])
    with urllib.request.urlopen(f"{url}/readyz", timeout=PATIENCE) as reply:  # after all of it
        assert reply.status == 200


def connected(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(PATIENCE)
    return connection


def replies(data):
    """``(status, headers, body)`` of each reply in these bytes."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert re.fullmatch(r"HTTP/1\.1 \d{3} [ -~]+", first), data[:200]
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        found.append((int(first.split()[1]), headers, rest[:length]))
        data = rest[length:]
    return found


def until_closed(connection):
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def talk(port, *parts):
    """All replies until the server closes; the parts are sent one after another."""
    with connected(port) as connection:
        for part in parts:
            connection.sendall(part)
        return replies(until_closed(connection))


def is_error(reply, status):
    """Of OpenAI's schema, and the last on its connection."""
    code, headers, body = reply
    assert code == status, reply
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert headers["connection"] == "close"
    return True


NOT_HTTP = {
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "folded header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /livez HTTP/1.1\nHost: a\n\n",
    "two lengths": POST + b"Content-Length: 37\r\nContent-Length: 5\r\n\r\n" + BODY,
    "the same length twice": POST + b"Content-Length: 37\r\nContent-Length: 37\r\n\r\n" + BODY,
    "a list of lengths": POST + b"Content-Length: 37, 37\r\n\r\n" + BODY,
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "length with a sign": POST + b"Content-Length: +37\r\n\r\n" + BODY,
    "endless length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + BODY,
    "chunks of HTTP/1.0": POST.replace(b"1.1", b"1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk without a size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/0.9 by name": b"GET /livez HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2 by name": b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n",
    "space before the colon": b"GET /livez HTTP/1.1\r\nHost : a\r\n\r\n",
    "zero byte": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "every byte": bytes(range(256)),
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_no_http_is_refused(port, name):
    (reply,) = talk(port, NOT_HTTP[name])
    assert is_error(reply, 400)


@pytest.mark.parametrize("parts", [1, 7], ids=["at once", "in parts"])
def test_headers_have_a_bound(port, parts):
    request = b"GET /livez HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"X: " + b"a" * 100_000 + b"\r\n\r\n"
    size = -(-len(request) // parts)
    (reply,) = talk(port, *(request[i : i + size] for i in range(0, len(request), size)))
    assert is_error(reply, 431)
    (reply,) = talk(port, request.replace(b"a" * 100_000, b"a" * 60_000))
    assert reply[0] == 200


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", ALIVE[:-2], b"\r\n\r\n"])
def test_slow_headers_end(port, sent):
    started = time.monotonic()
    (reply,) = talk(port, sent)
    assert is_error(reply, 408)
    assert time.monotonic() - started > 0.9 * HEADER_SECONDS


def test_slow_headers_after_a_reply_end(port):
    first, second = talk(port, ALIVE, b"GET /livez")
    assert first[0] == 200
    assert is_error(second, 408)


def test_blank_lines_keep_no_connection_open(port):
    """One now and then is not the beginning of a request."""
    with connected(port) as connection:
        connection.sendall(ALIVE)
        received = b""
        while b"alive" not in received:
            received += connection.recv(65536)
        connection.settimeout(0.2)
        received, deadline = b"", time.monotonic() + PATIENCE
        while not received and time.monotonic() < deadline:
            connection.sendall(b"\r\n")
            with suppress(TimeoutError):
                received = connection.recv(65536)
    (reply,) = replies(received)
    assert is_error(reply, 408)


@pytest.mark.parametrize(
    "request_",
    [posted(BODY)[:-3], chunked(BODY)[:-7], posted(BODY, b"Expect: 100-continue\r\n")[:-9]],
)
def test_a_slow_body_ends(port, request_):
    started = time.monotonic()
    *_, reply = talk(port, request_)
    assert is_error(reply, 408)
    assert time.monotonic() - started > 0.9 * BODY_SECONDS


@pytest.mark.parametrize(
    "request_",
    [
        posted(b" " * (MAX_BODY + 1)),
        posted(b" " * 30 * MAX_BODY),
        chunked(*[b" " * 10_000] * 31),
        chunked(*[b" " * 50_000] * 200),
    ],
    ids=["by its length", "by far", "while it arrives", "while far more arrives"],
)
def test_a_large_body_is_refused_and_the_client_told(port, request_):
    """The reply arrives although the client has not finished sending."""
    (reply,) = talk(port, request_)
    assert is_error(reply, 413)


def test_a_body_of_the_largest_size_is_read(port):
    (reply,) = talk(port, posted(BODY.ljust(MAX_BODY), CLOSE))
    assert reply[0] == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Content-Encoding: gzip\r\n", 415),
        (b"Content-Encoding: identity\r\n", 200),
        (b"Content-Type: text/plain\r\n", 415),
        (b"Content-Type: application/json; charset=utf-8\r\n", 200),
    ],
)
def test_only_plain_json_is_read(port, header, status):
    (reply,) = talk(port, posted(BODY, header + CLOSE))
    assert reply[0] == status
    assert status == 200 or is_error(reply, status)


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": NaN}',
        b'{"input": "a", "dimensions": 1e999}',
        b'{"input": "\\ud800"}',
        b'{"input": "\xff"}',
        b'{"input": "\xed\xa0\x80"}',
        b'{"input": ' + b"[" * 1025 + b"]" * 1025 + b"}",
        b'{"input": "a"} {}',
        b"\xef\xbb\xbf" + BODY,
        b"",
    ],
)
def test_what_is_no_json_is_refused(port, body):
    (reply,) = talk(port, posted(body, CLOSE))
    assert is_error(reply, 400)


def test_pipelined_requests_are_answered_in_order(port):
    texts = ["the cat", "a", "the old cat sat on a mat", "sea"]
    bodies = [json.dumps({"input": text}).encode() for text in texts]
    last = ALIVE.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")
    *several, alive = talk(port, b"".join(map(posted, bodies)) + last)
    assert [reply[0] for reply in several] == [200] * 4
    counts = [json.loads(reply[2])["usage"]["total_tokens"] for reply in several]
    alone = [talk(port, posted(body, CLOSE))[0] for body in bodies]
    assert counts == [json.loads(reply[2])["usage"]["total_tokens"] for reply in alone]
    assert len(set(counts)) > 2
    assert json.loads(alive[2]) == {"status": "alive"}


@pytest.mark.parametrize("bad", [b"GET /livez HTTP/1.1\r\n\r\n", NOT_HTTP["chunk without a size"]])
def test_what_was_asked_before_an_error_is_answered(port, bad):
    answered = talk(port, posted(BODY) + posted(BODY) + bad + posted(BODY))
    assert [reply[0] for reply in answered] == [200, 200]


def test_a_client_that_waits_is_told_to_go_on(port):
    with connected(port) as connection:
        connection.sendall(posted(BODY, b"Expect: 100-continue\r\n" + CLOSE)[: -len(BODY)])
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        (reply,) = replies(until_closed(connection))
    assert reply[0] == 200


def test_head_has_no_body(port):
    for path, status in ((b"/livez", 200), (b"/nothing", 404), (b"/v1/embeddings", 405)):
        with connected(port) as connection:
            connection.sendall(b"HEAD " + path + b" HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n")
            head, _, body = until_closed(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d" % status)
        assert not body


def test_a_host_that_is_none_is_not_used(port):
    request = b"GET /livez/ HTTP/1.1\r\nHost: [::1\r\n" + CLOSE + b"\r\n"
    (reply,) = talk(port, request)
    assert is_error(reply, 404)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("length", [20, 130, None])
def test_a_client_may_leave_at_any_time(port, length, reset):
    for _ in range(20):
        connection = connected(port)
        connection.sendall(posted(json.dumps({"input": ["the cat"] * 300}).encode())[:length])
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    (reply,) = talk(port, posted(BODY, CLOSE))
    assert reply[0] == 200
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        (metrics,) = talk(port, b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n")
        if b"poolwise_queue_tokens 0.0" in metrics[2]:
            return
    pytest.fail("tokens of clients that have left are still counted")
