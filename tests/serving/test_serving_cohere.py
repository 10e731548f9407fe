"""Cohere's own client, unmodified, against a server's process; its types of number; its errors."""

from __future__ import annotations

import base64
import json
import shutil
import warnings

import httpx
import numpy as np
import pytest
from sentence_transformers.util import quantize_embeddings
from starlette.testclient import TestClient

import poolwise
from poolwise.readouts import parse
from poolwise.serving import app, serve_model
from poolwise.transforms.fitted_readout import FittedReadout

cohere = pytest.importorskip("cohere")

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]
TYPES = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
WORDS = "the cat sat on a mat we saw sea and big red house small dog".split()
LONG = " ".join(WORDS[i * i % len(WORDS)] for i in range(200))


@pytest.fixture(scope="module")
def folder(tiny, modules, tmp_path_factory):
    """With prompts, one of them the default."""
    folder = tmp_path_factory.mktemp("cohere") / "folder"
    shutil.copytree(tiny("bert"), folder)
    modules(folder, "mean")
    prompts = {"query": "big red ", "document": "small ", "clustering": "the sea "}
    said = {"prompts": {**prompts, "other": "we saw "}, "default_prompt_name": "other"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return poolwise.load(folder)


@pytest.fixture
def client(live_server, folder):
    url = live_server(folder, "-r", "mean@-1", "-r", "mean@-1|binary")
    with httpx.Client(timeout=120) as http:
        yield cohere.ClientV2(api_key="any", base_url=url, httpx_client=http)


@pytest.fixture
def embed(client):
    """``embed(texts, …)``: the embeddings as Cohere's client has them."""

    def call(texts, **options):
        given = {"model": "mean@-1", "input_type": "classification", "texts": texts}
        return client.embed(**{**given, **options}).embeddings

    return call


@pytest.fixture(scope="module")
def served(folder, model):
    """``served(**settings)``: a client of HTTP, of a server in this process."""
    clients = []

    def make(**settings):
        fitted = model.prompted("").fit(TEXTS * 3 + WORDS, "mean@-1|int8")
        provenance = {"model_hash": model.hash}
        readouts = ["mean@-1", FittedReadout(parse("mean@-1|int8"), fitted, provenance)]
        clients.append(TestClient(app(serve_model(folder, readouts, name="demo"), **settings)))
        return clients[-1].__enter__()

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def bare(served):
    return served()


def bits(values):
    return np.array(values, np.float32).tobytes()


def test_floats_and_base64_have_the_same_bits(embed, model):
    reply = embed(TEXTS, embedding_types=["float", "base64"])
    expected = model.embed(TEXTS, "mean@-1")
    assert bits(reply.float_) == expected.tobytes()
    assert b"".join(map(base64.b64decode, reply.base64)) == expected.astype("<f4").tobytes()
    assert reply.int8 is None


def test_floats_are_the_default(client, model):
    reply = client.embed(model="mean@-1", input_type="classification", texts=TEXTS)
    assert bits(reply.embeddings.float_) == model.embed(TEXTS, "mean@-1").tobytes()
    assert reply.texts == TEXTS
    assert reply.meta.api_version.version == "2"
    read = model.prompted(name="other").tokenize(TEXTS)
    assert reply.meta.billed_units.input_tokens == sum(text.n_tokens for text in read)
    assert reply.id != client.embed(model="mean@-1", input_type="clustering", texts=TEXTS).id


def test_all_types_in_one_reply(embed, model):
    reply = embed(TEXTS, embedding_types=TYPES)
    vectors = model.embed(TEXTS, "mean@-1")
    unit = model.embed(TEXTS, "mean@-1|l2").astype(np.float64)
    assert bits(reply.float_) == vectors.tobytes()
    assert np.array_equal(reply.int8, np.rint(unit * 127))
    assert np.array_equal(np.array(reply.uint8) - 128, reply.int8)
    assert np.array_equal(reply.binary, quantize_embeddings(vectors, "binary"))
    assert np.array_equal(reply.ubinary, quantize_embeddings(vectors, "ubinary"))


def test_int8_is_near_and_alone_the_same(embed, model):
    many = embed(TEXTS, embedding_types=["int8"]).int8
    assert [embed([text], embedding_types=["int8"]).int8[0] for text in TEXTS] == many
    rows = np.array(many, float)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    unit = model.embed(TEXTS, "mean@-1|l2")
    assert np.allclose(rows @ rows.T, unit @ unit.T, atol=0.01)


@pytest.mark.parametrize(
    ("input_type", "prompt"),
    [
        ("search_query", "query"),
        ("search_document", "document"),
        ("clustering", "clustering"),
        ("classification", "other"),
        ("query", "query"),
    ],
)
def test_the_input_type_picks_the_prompt(embed, model, input_type, prompt):
    reply = embed(TEXTS, input_type=input_type)
    assert bits(reply.float_) == bits(model.embed(TEXTS, "mean@-1", prompt_name=prompt))


@pytest.mark.parametrize(("truncate", "side"), [("START", "left"), ("END", "right")])
def test_long_texts_are_cut_at_either_end(embed, model, truncate, side):
    limited = model.limited(9, side)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", poolwise.errors.PoolwiseWarning)
        expected, short = (m.embed([LONG], "mean@-1") for m in (model.limited(None, side), limited))
    assert bits(embed([LONG], truncate=truncate).float_) == bits(expected)
    assert bits(embed([LONG], truncate=truncate, max_tokens=9).float_) == bits(short)
    assert bits(embed([LONG], truncate=truncate, max_tokens=10_000).float_) == bits(expected)
    assert short.tobytes() != expected.tobytes()


def test_long_texts_are_refused_where_they_may_not_be_cut(embed):
    for options in ({}, {"max_tokens": 9}):
        with pytest.raises(cohere.BadRequestError, match=r"texts\[1\]: .*tokens"):
            embed(["a", LONG], truncate="NONE", **options)


def test_errors_have_the_clients_classes(embed):
    with pytest.raises(cohere.NotFoundError) as caught:
        embed(TEXTS, model="nope")
    assert list(caught.value.body) == ["message"]
    assert "model 'nope' not found" in caught.value.body["message"]
    with pytest.raises(cohere.BadRequestError, match="97 texts in one request; at most 96"):
        embed(["a"] * 97)
    assert len(embed(["a"] * 96).float_) == 96


def test_a_quantized_readout_gives_its_own_type(embed, model, bare):
    reply = embed(TEXTS, model="mean@-1|binary", embedding_types=["binary", "ubinary"])
    expected = model.embed(TEXTS, "mean@-1|binary")
    assert np.array_equal(reply.binary, expected)
    assert np.array_equal(np.array(reply.ubinary) - 128, expected)
    with pytest.raises(
        cohere.BadRequestError, match="gives embedding_types binary, ubinary; found float"
    ):
        embed(TEXTS, model="mean@-1|binary")
    body = {"model": "mean@-1|int8", "texts": TEXTS, "embedding_types": ["int8", "uint8"]}
    fitted = bare.post("/v2/embed", json=body).json()["embeddings"]
    steps = model.prompted("").fit(TEXTS * 3 + WORDS, "mean@-1|int8")
    assert np.array_equal(fitted["int8"], steps.apply(model.embed(TEXTS, "mean@-1")))
    assert np.array_equal(np.array(fitted["uint8"]) - 128, fitted["int8"])


def test_inputs_of_text_are_texts(bare):
    inputs = [{"content": [{"type": "text", "text": text}]} for text in TEXTS]
    replies = [
        bare.post("/v2/embed", json={"model": "demo", "input_type": "search_query", **given}).json()
        for given in ({"inputs": inputs}, {"texts": TEXTS})
    ]
    assert replies[0]["embeddings"] == replies[1]["embeddings"]


def test_fewer_dimensions_where_the_operator_says_so(served, bare, model):
    body = {"model": "demo", "texts": TEXTS, "output_dimension": 8, "embedding_types": TYPES}
    assert bare.post("/v2/embed", json=body).status_code == 400
    reply = served(shorten=True).post("/v2/embed", json=body).json()["embeddings"]
    assert bits(reply["float"]) == bits(model.embed(TEXTS, "mean@-1")[:, :8])
    assert {name: len(rows[0]) for name, rows in reply.items()} == {
        **dict.fromkeys(("float", "int8", "uint8"), 8),
        **dict.fromkeys(("binary", "ubinary"), 1),
        "base64": 44,
    }


def test_replies_name_the_readout(bare):
    reply = bare.post("/v2/embed", json={"model": "demo", "readout": "max@1", "texts": ["a"]})
    assert reply.headers["x-poolwise-readout"] == reply.json()["readout"] == "max@1"


IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}
BAD = [
    ({"texts": ["a"]}, 400, "model"),
    ({"model": "demo"}, 400, "texts or inputs"),
    ({"model": "demo", "texts": []}, 400, "no input"),
    ({"model": "demo", "texts": ["a", ""]}, 400, "texts[1] is empty"),
    ({"model": "demo", "texts": "a"}, 400, "texts"),
    ({"model": "demo", "texts": [3]}, 400, "texts"),
    ({"model": "demo", "texts": ["a"], "inputs": []}, 400, "one of them"),
    ({"model": "demo", "images": ["data:"]}, 400, "images"),
    ({"model": "demo", "inputs": [{"content": [IMAGE]}]}, 400, "inputs[0].content"),
    ({"model": "demo", "texts": ["a"], "input_type": "nope"}, 400, "expected one of search_query"),
    ({"model": "demo", "texts": ["a"], "truncate": "end"}, 400, "truncate"),
    ({"model": "demo", "texts": ["a"], "embedding_types": ["fp16"]}, 400, "embedding_types"),
    ({"model": "demo", "texts": ["a"], "output_dimension": 8}, 400, "--shorten"),
    ({"model": "demo", "texts": ["a"], "output_dimension": 0}, 400, "output_dimension"),
    ({"model": "demo", "texts": ["a"], "max_tokens": 1}, 400, "max_length"),
    ({"model": "demo:nope", "texts": ["a"]}, 404, "not found"),
    ({"model": "demo", "texts": ["a"], "readout": "nope"}, 404, "not found"),
]


@pytest.mark.parametrize(("body", "status", "message"), BAD)
def test_errors_are_coheres(bare, body, status, message):
    reply = bare.post("/v2/embed", json=body)
    assert reply.status_code == status, reply.text
    assert list(reply.json()) == ["message"]
    assert message in reply.json()["message"]


def test_what_is_not_served_is_said_as_cohere_would(bare):
    for reply in (bare.post("/v2/rerank", json={}), bare.get("/v2/embed")):
        assert reply.status_code in (404, 405)
        assert list(reply.json()) == ["message"]
