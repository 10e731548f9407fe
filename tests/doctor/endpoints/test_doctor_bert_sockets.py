"""bert-as-service's sockets, of a server that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import zmq

from poolwise.doctor.endpoints import bert_sockets
from poolwise.doctor.endpoints.address import parse_address
from poolwise.doctor.endpoints.bert_sockets import ports_of
from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.errors import EndpointError, OptionError, RefusedTextError

VECTORS = np.array([[0.5, 1.5], [2.5, 3.5]], np.float32)


@contextmanager
def answering(reply, *, silent_configs=0):
    """The URL of a server that gives the frames ``reply`` to every encode, None for no answer.

    It publishes as the original does (PUB), and leaves so many questions for its configuration
    unanswered.
    """
    with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUB) as pub:
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (pull, pub)]
        pub.linger = 0
        ended = threading.Event()

        def work():
            configs = 0
            while not ended.is_set():
                if not pull.poll(20):
                    continue
                identity, message, number, _ = pull.recv_multipart()
                if message == b"SHOW_CONFIG":
                    configs += 1
                    if configs > silent_configs:
                        pub.send_multipart([identity, b"{}", number])
                elif reply is not None:
                    pub.send_multipart([identity, b"stale", b"", b"999"])
                    pub.send_multipart([identity, *reply, number])

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{ports[0]}/{ports[1]}"
        finally:
            ended.set()
            thread.join()


def frames(vectors=VECTORS, **facts):
    described = {"dtype": str(vectors.dtype), "shape": vectors.shape, "tokens": ""}
    return [json.dumps(described | facts).encode(), vectors.tobytes()]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(bert_sockets, "ASK_AGAIN_S", 0.1)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_vectors_are_of_the_type_that_was_sent(dtype):
    sent = VECTORS.astype(dtype)
    with answering(frames(sent), silent_configs=1) as url, open_endpoint(url) as endpoint:
        found = endpoint.embed(["a", "b"])
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, sent)


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (frames(VECTORS[:1]), "1 vectors for 2 texts"),
        (frames(VECTORS[None].repeat(2, 0)), "nested: 2 for one text, as of its tokens"),
        (frames(VECTORS * np.nan), "vector 0 has nan at 0"),
        (frames(shape=[2, 3]), "16 bytes, expected float32 of the shape [2, 3]"),
        (frames(shape=[-2, -2]), "expected float32 of the shape [-2, -2]"),
        (frames(shape=[4]), "have the shape [4], expected [2, d]"),
        (frames(dtype="O"), "refuses the texts (O)"),
        ([b"no JSON", b""], "none of bert-as-service"),
        ([b"[]", b""], "none of bert-as-service"),
        ([b"{}"], "none of bert-as-service"),
        (None, "no vectors within 0.5 s"),
    ],
)
def test_replies_that_are_no_vectors(reply, found):
    with answering(reply) as url, open_endpoint(url, timeout=0.5 if reply is None else 60) as end:
        with pytest.raises(EndpointError) as caught:
            end.embed(["a", "b"])
        assert found in str(caught.value)
        assert type(caught.value) is EndpointError
        assert str(caught.value).startswith("tcp://127.0.0.1:")


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RefusedTextError), (413, RefusedTextError), (500, EndpointError)]
)
def test_errors_of_poolwises_server(status, kind):
    words = f"poolwise error, status {status}: texts[0] is empty"
    with (
        answering(frames(dtype=words)) as url,
        open_endpoint(url) as endpoint,
        pytest.raises(EndpointError, match="is empty") as caught,
    ):
        endpoint.embed(["a", "b"])
    assert type(caught.value) is kind


def test_the_port_of_replies():
    assert ports_of(parse_address("tcp://host")) == (5555, 5556)
    assert ports_of(parse_address("tcp://host:7000/")) == (7000, 7001)
    assert ports_of(parse_address("tcp://[::1]:7000/8000")) == (7000, 8000)
    with pytest.raises(OptionError, match="after the slash"):
        ports_of(parse_address("tcp://host:7000/99999"))
