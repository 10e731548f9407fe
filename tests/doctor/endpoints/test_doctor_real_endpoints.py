"""Every client against poolwise's own server, in a process of its own."""

from __future__ import annotations

import json
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest

import poolwise
from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.errors import EndpointError, OptionError, RefusedTextError

TEXTS = ["the cat sat on the mat", "a dog", "no one saw the big red tree"]


@pytest.fixture(scope="module")
def server(live_server, tiny):
    """Its URL, the model's name, and the ports of bert-as-service."""
    folder = tiny("bert")
    bert = ("--bert", "port=0", "--bert", "port_out=0", "--bert", "max_seq_len=9")
    url = live_server(folder, "-r", "mean@-1", *bert)
    with urllib.request.urlopen(f"{url}/status/server") as reply:
        status = json.load(reply)
    model = poolwise.load(folder)
    sockets = f"tcp://127.0.0.1:{status['port']}/{status['port_out']}"
    return SimpleNamespace(url=url, model=model, name=model.name, sockets=sockets)


@pytest.fixture(scope="module")
def vectors(server):
    """Of TEXTS, by the readout that each protocol gives."""
    model = server.model
    return {
        "mean": model.embed(TEXTS, "mean@-1"),
        "l2": model.embed(TEXTS, "mean@-1|l2"),
        "bert": model.limited(9).embed(TEXTS, "mean@-2"),
    }


@pytest.mark.parametrize(
    ("path", "api", "expected", "shown"),
    [
        ("", None, "mean", "/v1/embeddings"),
        ("/", None, "mean", "/v1/embeddings"),
        ("", "openai", "mean", "/v1/embeddings"),
        ("/v1", None, "mean", "/v1/embeddings"),
        ("/v1/", "openai", "mean", "/v1/embeddings"),
        ("/v1/embeddings", None, "mean", "/v1/embeddings"),
        ("", "tei", "l2", "/embed"),
        ("/embed", None, "l2", "/embed"),
        ("", "ollama", "l2", "/api/embed"),
        ("/api/embed", None, "l2", "/api/embed"),
        ("", "cohere", "mean", "/v2/embed"),
        ("/v2/embed", None, "mean", "/v2/embed"),
        ("/encode", None, "bert", "/encode"),
        ("", "bert-as-service", "bert", "/encode"),
    ],
)
def test_the_vectors_are_the_readouts_own_in_one_request(
    server, vectors, path, api, expected, shown
):
    with open_endpoint(server.url + path, api) as endpoint:
        found = endpoint.embed(TEXTS)
        alone = endpoint.embed(TEXTS[1:2])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found.astype(np.float32), vectors[expected])
    np.testing.assert_array_equal(alone, found[1:2])
    assert endpoint.description.startswith(server.url + shown)
    if shown != "/encode":
        assert server.name in endpoint.description
        assert endpoint.model.removesuffix(":latest") == server.name


def test_a_model_that_is_named_is_the_one_that_is_asked_for(server):
    named = f"{server.name}:cls@-2"
    for api in ("openai", "tei", "cohere"):
        with open_endpoint(server.url, api, named) as endpoint:
            found = endpoint.embed(TEXTS)
        readout = "cls@-2|l2" if api == "tei" else "cls@-2"
        expected = server.model.embed(TEXTS, readout)
        np.testing.assert_array_equal(found.astype(np.float32), expected)


def test_the_sockets_of_bert_as_service(server, vectors):
    with open_endpoint(server.sockets) as endpoint:
        found = endpoint.embed(TEXTS)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, vectors["bert"])
        with pytest.raises(RefusedTextError, match=r"^tcp://\S+: .* is empty"):
            endpoint.embed(["a", ""])
        np.testing.assert_array_equal(endpoint.embed(TEXTS[:1]), vectors["bert"][:1])
    assert endpoint.description.endswith("(bert-as-service)")


@pytest.mark.parametrize("api", ["openai", "tei", "cohere", "bert-as-service"])
def test_texts_that_are_refused(server, api):
    with (
        open_endpoint(server.url, api) as endpoint,
        pytest.raises(RefusedTextError, match="is empty") as caught,
    ):
        endpoint.embed(["a", ""])
    assert str(caught.value).startswith(f"{endpoint.url}: the server refuses the texts (4")


@pytest.mark.parametrize("api", ["openai", "tei", "ollama", "cohere"])
def test_a_model_that_is_not_there_is_no_refusal_of_the_texts(server, api):
    with (
        open_endpoint(server.url, api, "other") as endpoint,
        pytest.raises(EndpointError, match=r"\(404, .*other.*\); correct") as caught,
    ):
        endpoint.embed(TEXTS)
    assert type(caught.value) is EndpointError


@pytest.mark.parametrize("url", ["sockets", "url"])
def test_bert_as_service_takes_no_name_of_a_model(server, url):
    with pytest.raises(OptionError, match="leave it out"):
        open_endpoint(getattr(server, url), "bert-as-service", "demo")
