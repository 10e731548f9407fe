"""vLLM's /pooling: vectors of texts and of tokens, and its errors."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from starlette.testclient import TestClient

import poolwise
from poolwise.serving import app, serve_model, service

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def client(model):
    with TestClient(app(serve_model(model, ["mean@-1", "cls@2"], name="demo"))) as client:
        yield client


@pytest.fixture
def pool(client):
    """``pool(texts, …)``: the reply's JSON."""

    def call(texts, **options):
        reply = client.post("/pooling", json={"model": "demo", "input": texts, **options})
        assert reply.status_code == 200, reply.text
        return reply.json()

    return call


def states(model, texts, layer):
    """Of each text [t, d]."""
    return [next(iter(model.token_outputs([t], layers=[layer]))).hidden_states[0][0] for t in texts]


def unit(rows):
    return rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)


@pytest.mark.parametrize(("name", "layer"), [("demo", 3), ("cls@2", 2), ("mean@0", 0)])
def test_vectors_of_tokens_are_the_readouts_layer(pool, model, name, layer):
    expected = states(model, TEXTS, layer)
    for options in ({}, {"task": "token_embed"}):
        data = pool(TEXTS, model=name, **options)["data"]
        for i, (row, of_text) in enumerate(zip(data, expected, strict=True)):
            assert (row["index"], row["object"]) == (i, "pooling")
            assert np.allclose(row["data"], unit(of_text), atol=1e-6)
    plain = pool(TEXTS, model=name, use_activation=False)["data"]
    for row, of_text in zip(plain, expected, strict=True):
        assert np.array_equal(np.array(row["data"], np.float32), of_text)


def test_vectors_of_texts_are_those_of_embeddings(pool, client, model):
    reply = pool(TEXTS, task="embed")
    vectors = np.array([row["data"] for row in reply["data"]], np.float32)
    assert np.array_equal(vectors, model.embed(TEXTS, "mean@-1"))
    theirs = client.post("/v1/embeddings", json={"model": "demo", "input": TEXTS}).json()
    assert [row["embedding"] for row in theirs["data"]] == [row["data"] for row in reply["data"]]
    assert reply["usage"] == theirs["usage"]
    assert reply["readout"] == "mean@-1"
    normal = pool(TEXTS, task="embed", use_activation=True)["data"]
    expected = model.embed(TEXTS, "mean@-1|l2")
    assert np.array_equal(np.array([row["data"] for row in normal], np.float32), expected)


@pytest.mark.parametrize("task", ["embed", "token_embed"])
def test_base64_has_the_bits_of_floats(pool, task):
    floats = pool(TEXTS, task=task)["data"]
    encoded = pool(TEXTS, task=task, encoding_format="base64")["data"]
    for row, other in zip(floats, encoded, strict=True):
        expected = np.array(row["data"], "<f4").tobytes()
        assert base64.b64decode(other["data"]) == expected


def test_a_text_is_cut_as_asked(pool, model):
    (row,) = pool(TEXTS[2], truncate_prompt_tokens=5, use_activation=False)["data"]
    expected = states(model.limited(5), TEXTS[2:], 3)[0]
    assert np.array_equal(np.array(row["data"], np.float32), expected)


def test_the_tokens_of_a_request_are_bounded(client, monkeypatch):
    monkeypatch.setattr(service, "MAX_TOKEN_STATES", 20)
    body = {"model": "demo", "input": TEXTS * 2}
    reply = client.post("/pooling", json=body)
    assert reply.status_code == 400
    assert "at most 20" in reply.json()["error"]["message"]
    assert client.post("/pooling", json={**body, "task": "embed"}).status_code == 200


def test_messages_stand_for_texts(client, model):
    conversations = [
        [{"role": "user", "content": TEXTS[0]}],
        [{"role": "user", "content": [{"type": "text", "text": TEXTS[1]}]}],
    ]
    for messages, texts in ((conversations, TEXTS[:2]), (conversations[0], TEXTS[:1])):
        reply = client.post("/v1/embeddings", json={"model": "demo", "messages": messages})
        vectors = [row["embedding"] for row in reply.json()["data"]]
        assert np.array_equal(np.array(vectors, np.float32), model.embed(texts, "mean@-1"))


TEXT = {"role": "user", "content": "a"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}
BAD = [
    ({}, 400, "expected input, or messages"),
    ({"input": "a", "messages": [TEXT]}, 400, "found both"),
    ({"messages": []}, 400, "messages[0]"),
    ({"messages": [TEXT, TEXT]}, 400, "messages[0]"),
    ({"messages": [[TEXT], [TEXT, TEXT]]}, 400, "messages[1]"),
    ({"messages": [[TEXT], TEXT]}, 400, "messages[1]"),
    ({"messages": [{"role": "system", "content": "a"}]}, 400, "messages[0]"),
    ({"messages": [{"role": "user", "content": [IMAGE]}]}, 400, "messages[0]"),
    ({"messages": [{"role": "user", "content": 3}]}, 400, "content"),
    ({"input": []}, 400, "no input"),
    ({"input": ["a", ""]}, 400, "input[1] is empty"),
    ({"input": [[1, 2]]}, 400, "token ids"),
    ({"input": "a", "task": "classify"}, 400, "task"),
    ({"input": "a", "encoding_format": "bytes"}, 400, "encoding_format"),
    ({"input": "a", "dimensions": 8}, 400, "dimensions"),
    ({"input": "a", "dimensions": 8, "task": "embed"}, 400, "--shorten"),
    ({"input": "a", "truncate_prompt_tokens": 65}, 400, "64"),
    ({"input": "a", "model": "nope"}, 404, "not found"),
]


@pytest.mark.parametrize(("body", "status", "message"), BAD)
def test_errors_are_openais(client, body, status, message):
    reply = client.post("/pooling", json=body)
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert sorted(error) == ["code", "message", "param", "type"]
    assert message in error["message"]
