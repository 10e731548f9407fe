"""Answers that are no vectors: one sentence each, of what was found and what to do."""

from __future__ import annotations

import base64
import socket
import threading

import numpy as np
import pytest

from poolwise.doctor.endpoints import connection
from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.errors import EndpointError, OptionError, RefusedTextError

Refused = RefusedTextError
HTML = b"<!DOCTYPE html><html><head><title>Sign\n in</title></head></html>"


def asked(server, answer, texts=("a", "b"), api="tei", path="/embed", **options):
    """The vectors that the client reads from this answer."""
    server.answers[path] = answer
    with open_endpoint(server.url, api, **options) as endpoint:
        return endpoint.embed(texts)


def refused(server, answer, *arguments, **options):
    """The error of the client that gets this answer; it is one line that begins with the URL."""
    with pytest.raises(EndpointError) as caught:
        asked(server, answer, *arguments, **options)
    message = str(caught.value)
    assert message.startswith(f"{server.url}/")
    assert "\n" not in message
    return caught.value


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ([[1.0, 2.0]], "1 vectors for 2 texts, expected one each"),
        ([[1.0, 2.0]] * 3, "3 vectors for 2 texts"),
        ([], "0 vectors for 2 texts"),
        ([[1.0, 2.0], [1.0]], "vector 0 has 2 numbers and vector 1 1, expected as many"),
        ([[], []], "the vectors are empty"),
        ([[1.0, None], [1.0, 2.0]], "vector 0 has null at 1, expected a number; null is what"),
        ([[1.0, 2.0], [1.0, True]], "vector 1 has true or false at 1"),
        ([[1.0, 2.0], [1.0, "2"]], "vector 1 has a text at 1"),
        ([[1.0, 2.0], 1.0], "vector 1 is a number, expected a list of numbers"),
        ([1.0, 2.0], "vector 0 is a number, expected a list of numbers"),
        ([[[1.0], [2.0]], [[1.0]]], "nested: 2 for one text, as of its tokens"),
        ({"vectors": []}, "an object with 'vectors', expected a list of 2"),
        ([[1, 10**30], [1, 2]], "beyond 64 bits"),
        (b"[[NaN, 1.0], [1.0, 2.0]]", "vector 0 has nan at 0, expected finite"),
        (b"[[0.5, 1.0], [1.0, 1e999]]", "vector 1 has inf at 1"),
        (b"[[0.5, 1.0], ", "the answer is no JSON ([[0.5, 1.0],); expected vectors"),
        (b"", "the answer is no JSON (nothing)"),
        (b"[" * 100_000, "the answer is no JSON ([[["),
        (b"\xff\x00\x1b[31m", "the answer is no JSON (\ufffd\\x00\\x1b[31m)"),
        (HTML, "the answer is an HTML page titled 'Sign in', expected JSON"),
        (["!", "!"], "vector 0 is a text that is no base64 of float32"),
        ([base64.b64encode(b"abc").decode()] * 2, "no base64 of float32"),
    ],
)
def test_bodies_that_are_no_vectors(scripted, body, found):
    error = refused(scripted, (200, body))
    assert found in str(error)
    assert type(error) is EndpointError


@pytest.mark.parametrize(
    ("api", "path", "body", "found"),
    [
        ("openai", "/v1/embeddings", {"object": "list"}, "expected an object with data"),
        ("openai", "/v1/embeddings", [[1.0]], "the answer is a list, expected an object"),
        ("openai", "/v1/embeddings", {"data": [{"a": 1}]}, "data[0] is an object with 'a'"),
        ("ollama", "/api/embed", {"embedding": [1.0]}, "with 'embedding', expected embeddings"),
        ("cohere", "/v2/embed", {"embeddings": {"int8": [[1]]}}, "expected embeddings with float"),
        ("bert-as-service", "/encode", {"status": 200}, "expected result"),
    ],
)
def test_bodies_of_another_protocol(scripted, api, path, body, found):
    model = None if api == "bert-as-service" else "demo"
    assert found in str(refused(scripted, (200, body), "a", api=api, path=path, model=model))


def embeddings(*items):
    return {"data": [{"index": i, "embedding": vector} for i, vector in items]}


def openai(server, body, n_texts):
    path = "/v1/embeddings"
    return asked(server, (200, body), ["a"] * n_texts, api="openai", path=path, model="demo")


def test_embeddings_are_ordered_by_their_index(scripted):
    body = embeddings((2, [0.5]), (0, [1.5]), (1, [2.5]))
    np.testing.assert_array_equal(openai(scripted, body, 3), [[1.5], [2.5], [0.5]])
    unordered = {"data": [{"embedding": [0.5]}, {"embedding": [1.5]}]}
    np.testing.assert_array_equal(openai(scripted, unordered, 2), [[0.5], [1.5]])
    for items in ([(0, [0.5]), (0, [1.5])], [(1, [0.5]), (2, [1.5])], [(0, [0.5]), (None, [1.5])]):
        with pytest.raises(EndpointError, match="indices 0 to 1, each once"):
            openai(scripted, embeddings(*items), 2)


def test_numbers_are_as_received(scripted):
    decimals = asked(scripted, (200, [[0.1, 1], [0.3, 2]]))
    assert decimals.dtype == np.float64
    assert decimals.tolist() == [[0.1, 1.0], [0.3, 2.0]]
    whole = asked(scripted, (200, [[-128, 127], [0, 3]]))
    assert whole.dtype == np.int64
    assert whole.tolist() == [[-128, 127], [0, 3]]
    packed = np.array([[0.1, -2.5]], "<f4")
    coded = openai(scripted, embeddings((0, base64.b64encode(packed.tobytes()).decode())), 1)
    assert coded.dtype == np.float32
    np.testing.assert_array_equal(coded, packed)


@pytest.mark.parametrize(
    ("status", "body", "found", "kind"),
    [
        (400, {"error": {"message": "too long"}}, "refuses the texts (400, too", Refused),
        (422, {"error": "empty", "error_type": "Empty"}, "(422, empty)", Refused),
        (413, b"Payload Too Large", "(413, Payload Too Large)", Refused),
        (
            422,
            {"detail": [{"loc": ["body", "input", 0], "msg": "short"}]},
            "short",
            RefusedTextError,
        ),
        (400, {"error": {"message": "bad", "param": "input[3]"}}, "texts (400", Refused),
        (
            400,
            {"error": {"message": "bad", "param": "model"}},
            "refuses the request",
            EndpointError,
        ),
        (422, {"detail": [{"loc": ["body", "model"], "msg": "missing"}]}, "model", EndpointError),
        (400, HTML, "refuses the request (400, an HTML page titled 'Sign in')", EndpointError),
        (401, b"", "the server wants a key (401); set POOLWISE_ENDPOINT_KEY", EndpointError),
        (403, {"message": "no"}, "the server wants a key (403, no)", EndpointError),
        (
            404,
            {"error": "model 'x' not found"},
            "(404, model 'x' not found); correct",
            EndpointError,
        ),
        (405, b"", "does not have it (405); correct the path", EndpointError),
        (429, {"error": "busy"}, "takes no more requests now (429, busy)", EndpointError),
        (
            500,
            {"detail": "CUDA error"},
            "the server fails (500, CUDA error); see its log",
            EndpointError,
        ),
        (502, HTML, "the server fails (502, an HTML page", EndpointError),
        (204, b"", "the answer is no JSON (nothing)", EndpointError),
        (418, b"tea", "another status than 200 (418, tea)", EndpointError),
        (500, b"x" * 10_000, f"({500}, {'x' * 299}…)", EndpointError),
    ],
)
def test_statuses(scripted, status, body, found, kind):
    error = refused(scripted, (status, body))
    assert found in str(error)
    assert type(error) is kind
    assert len([request for request in scripted.requests if request[0] == "/embed"]) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_told_and_not_followed(scripted, status):
    target = "http://user:pass@127.0.0.1:9/v1/embed?token=abc"
    message = str(refused(scripted, (status, b"", {"location": target}), key="sesame"))
    assert f"redirects to http://127.0.0.1:9/v1/embed ({status}), which is not followed" in message
    assert not any(secret in message for secret in ("pass", "abc", "sesame"))
    local = str(refused(scripted, (status, b"", {"location": "/login?next=1"})))
    assert f"redirects to /login ({status})" in local
    assert f"redirects ({status})" in str(refused(scripted, (status, b"")))


def test_a_busy_server_is_asked_again_after_the_time_it_says(scripted):
    busy = (429, {"error": "busy"}, {"retry-after": "0"})
    found = asked(scripted, [busy, (503, b"", {"retry-after": "0.01"}), (200, [[0.5], [1.5]])])
    assert found.tolist() == [[0.5], [1.5]]
    scripted.requests.clear()
    assert "(429, busy)" in str(refused(scripted, busy))
    embeds = [request for request in scripted.requests if request[0] == "/embed"]
    assert len(embeds) == 1 + connection.RETRIES
    past = (503, b"", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert asked(scripted, [past, (200, [[0.5], [1.5]])]).tolist() == [[0.5], [1.5]]
    for value in ("3600", "Fri, 31 Dec 9999 23:59:59 GMT", "inf"):
        error = refused(scripted, (429, b"", {"retry-after": value}))
        assert "the server is busy for" in str(error)
    for value in ("soon", "nan", ""):
        assert "(429)" in str(refused(scripted, (429, b"", {"retry-after": value})))


def test_an_answer_beyond_the_bound_is_not_read(scripted, monkeypatch):
    monkeypatch.setattr(connection, "MAX_BODY", 1000)
    error = refused(scripted, (200, [[0.5] * 1000] * 2))
    assert "more than 1,000 bytes; expected vectors" in str(error)


def test_an_answer_that_is_cut_short(scripted):
    error = refused(scripted, (200, b"[[0.5]", {"content-length": 100}))
    assert "not whole HTTP" in str(error)


def test_an_answer_that_cannot_be_decompressed(scripted):
    error = refused(scripted, (200, b"[[0.5]]", {"content-encoding": "gzip"}))
    assert "cannot be decompressed" in str(error)


def test_a_port_where_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}"):
        with pytest.raises(EndpointError, match=f"^{url}.*: nothing listens there; start"):
            open_endpoint(url)


def test_a_host_that_is_not_known(monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for variable in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    for url in ("http://nowhere.invalid", "tcp://nowhere.invalid:5555"):
        with pytest.raises(EndpointError, match=r"host is not known \(Name or"):
            open_endpoint(url)


def test_a_server_that_does_not_answer():
    """Its backlog takes the connections."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}/{port}"):
            with pytest.raises(EndpointError, match=r"no answer within 0\.2 s"):
                open_endpoint(url, timeout=0.2)


def test_an_answer_that_drips(scripted, monkeypatch):
    """Each byte comes in time, and their end never."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def drip():
            one, _ = server.accept()
            with one:
                one.recv(10_000)
                one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                try:
                    while not ended.wait(0.02):
                        one.sendall(b" ")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            with pytest.raises(EndpointError, match=r"not whole after 0\.3 s"):
                open_endpoint(url, timeout=0.3)
        finally:
            ended.set()
            thread.join()


def test_https_where_there_is_none(scripted):
    with pytest.raises(EndpointError, match=r"no secure connection \(.*given as http://"):
        open_endpoint(scripted.url.replace("http://", "https://"), "tei")


def test_what_is_no_http():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            one, _ = server.accept()
            with one:
                one.sendall(b"\xff\0\0\0\0\0\0\0\x01\x7f\n\n")
                one.recv(10_000)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(EndpointError, match=r"not whole HTTP.*tcp://host:port"):
            open_endpoint(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"api": "grpc"}, "api is 'grpc', expected one of openai, tei"),
        ({"timeout": 0}, "timeout is 0, expected seconds"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"url": "localhost:8000"}, "expected a URL such as"),
        ({"url": "example"}, "it has no scheme; expected a URL such as"),
        ({"url": "ftp://host"}, "its scheme is another"),
        ({"url": "http://"}, "it names no host"),
        ({"url": "http://host:99999"}, "its port is no number"),
        ({"url": "http://user:sesame@[::1"}, "it is no URL"),
        ({"url": "http://host/a b"}, "a space or a control character"),
        ({"url": "tcp://host:5555", "api": "tei"}, "leave api out"),
        ({"url": "tcp://host:5555/x"}, "the port of replies after the slash"),
        ({"url": "http://me:sesame@host", "key": "k"}, "leave the other out"),
        ({"key": "sesame\n"}, "no header can hold"),
        ({"key": "sésame"}, "no header can hold"),
    ],
)
def test_arguments_that_are_wrong(options, found):
    with pytest.raises(OptionError) as caught:
        open_endpoint(**{"url": "http://127.0.0.1:9", **options})
    assert found in str(caught.value)
    assert "sesame" not in str(caught.value)
