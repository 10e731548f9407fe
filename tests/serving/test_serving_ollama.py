"""Ollama's own client, unmodified, against a server's process; its errors; the port of its own."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from contextlib import nullcontext

import numpy as np
import pytest
from starlette.testclient import TestClient

import poolwise
from poolwise.serving import app, serve_model

ollama = pytest.importorskip("ollama")

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]
LONG = "the cat sat on a mat by the sea " * 40


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def server(live_server, tiny):
    """The URLs of both ports."""
    arguments = tiny("bert"), "-r", "mean@-1", "-r", "cls@-2", "--ollama-port", "0"
    url = live_server(*arguments)
    return url, re.search(r"Ollama's clients at (\S+)", live_server.told(*arguments))[1]


@pytest.fixture
def client(server):
    with ollama.Client(host=server[1]) as client:
        yield client


@pytest.fixture
def name(model):
    return model.name


@pytest.fixture(scope="module")
def bare(tiny):
    """A client of HTTP, of a server in this process."""
    with TestClient(app(serve_model(tiny("bert"), ["mean@-1"], name="demo"))) as client:
        yield client


def bits(values):
    return np.array(values, np.float32).tobytes()


def test_vectors_have_length_one(client, model, name):
    reply = client.embed(model=name, input=TEXTS)
    assert bits(reply.embeddings) == bits(model.embed(TEXTS, "mean@-1|l2"))
    assert reply.model == name
    assert reply.prompt_eval_count == sum(t.n_tokens for t in model.tokenize(TEXTS))
    assert 0 <= reply.load_duration <= reply.total_duration


def test_the_old_route_gives_the_readouts_own_vector(client, model, name):
    reply = client.embeddings(model=name, prompt=TEXTS[0])
    assert bits(reply.embedding) == bits(model.embed(TEXTS[0], "mean@-1"))
    assert client.embeddings(model=name, prompt="").embedding == []


def test_the_asynchronous_client(server, model, name):
    async def ask():
        async with ollama.AsyncClient(host=server[1]) as client:
            return await asyncio.gather(*[client.embed(model=name, input=t) for t in TEXTS])

    replies = asyncio.run(ask())
    expected = model.embed(TEXTS, "mean@-1|l2")
    assert bits([reply.embeddings[0] for reply in replies]) == bits(expected)


@pytest.mark.parametrize(
    ("tag", "readout"),
    [("", "mean@-1"), (":latest", "mean@-1"), (":cls@-2", "cls@-2"), (":max@1", "max@1")],
)
def test_tags_are_readouts(client, model, name, tag, readout):
    reply = client.embed(model=name + tag, input=TEXTS[:1])
    assert bits(reply.embeddings) == bits(model.embed(TEXTS[:1], f"{readout}|l2"))


def test_fewer_dimensions_are_cut_and_have_length_one(client, model, name):
    (vector,) = client.embed(model=name, input=TEXTS[0], dimensions=5).embeddings
    expected = model.embed(TEXTS[0], "mean@-1|l2|truncate(5)|l2")
    assert np.allclose(vector, expected, atol=1e-7)
    whole = bits(model.embed(TEXTS[:1], "mean@-1|l2"))
    for dimensions in (0, -1, 32, 4096):
        reply = client.embed(model=name, input=TEXTS[0], dimensions=dimensions)
        assert bits(reply.embeddings) == whole


def test_nothing_gives_nothing_and_an_empty_text_among_others_a_vector(client, model, name):
    assert client.embed(model=name, input="").embeddings == []
    assert client.embed(model=name, input=[]).embeddings == []
    reply = client.embed(model=name, input=[TEXTS[0], ""])
    assert bits(reply.embeddings) == bits(model.embed([TEXTS[0], ""], "mean@-1|l2"))


def test_long_texts_are_cut_unless_told_not_to(client, model, name):
    with pytest.warns(poolwise.errors.PoolwiseWarning):
        expected = model.embed([LONG], "mean@-1|l2")
    assert bits(client.embed(model=name, input=LONG).embeddings) == bits(expected)
    with pytest.raises(ollama.ResponseError, match=r"input: .*tokens") as caught:
        client.embed(model=name, input=LONG, truncate=False)
    assert caught.value.status_code == 400


def test_num_ctx_bounds_the_tokens(client, name):
    short = client.embed(model=name, input=LONG, options={"num_ctx": 9, "temperature": 0})
    assert short.prompt_eval_count == 9
    whole = client.embed(model=name, input=LONG, options={"num_ctx": 100_000})
    assert whole.prompt_eval_count == 64


def test_an_unknown_model_is_404(client):
    for ask in (
        lambda: client.embed(model="nope:latest", input="a"),
        lambda: client.embeddings(model="nope", prompt="a"),
        lambda: client.show("nope"),
    ):
        with pytest.raises(ollama.ResponseError, match="model 'nope' not found") as caught:
            ask()
        assert caught.value.status_code == 404


def test_models_are_listed_shown_and_running(client, model, name):
    names = [f"{name}:latest", f"{name}:cls@-2"]
    assert [listed.model for listed in client.list().models] == names
    running = client.ps().models
    assert [entry.name for entry in running] == names
    assert running[0].context_length == model.max_length
    assert running[0].digest == model.hash
    shown = client.show(names[1])
    assert shown.capabilities == ["embedding"]
    assert shown.modelinfo["bert.embedding_length"] == 32
    assert shown.details.family == "bert"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_its_own_port_says_that_it_runs(server, method):
    url, own = server
    with urllib.request.urlopen(urllib.request.Request(own, method=method)) as reply:
        assert reply.headers["content-length"] == "17"
        assert reply.read() == (b"Ollama is running" if method == "GET" else b"")
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as reply:
        assert reply.status == 200
        assert reply.headers["content-length"] != "17"


def test_both_ports_serve_everything(server):
    for url in server:
        for path in ("/api/tags", "/api/version", "/v1/models", "/readyz"):
            for method in ("GET", "HEAD"):
                request = urllib.request.Request(url + path, method=method)
                with urllib.request.urlopen(request) as reply:
                    assert reply.status == 200


def test_a_file_sets_the_port(tiny, tmp_path, monkeypatch):
    from poolwise.serving import startup
    from poolwise.serving.config import read_config

    file = tmp_path / "serve.toml"
    file.write_text(
        f"port = 0\nollama_port = 0\n[models.a]\nmodel = {str(tiny('bert'))!r}\n"
        'readouts = ["mean@-1"]\n'
    )
    told, ports = [], []

    def run(application, settings, sockets, *, zeromq):
        ports.extend(bound.getsockname()[1] for bound in sockets)

    monkeypatch.setattr(startup, "run", run)
    monkeypatch.setattr(startup, "log_to_stderr", nullcontext)
    startup.serve(read_config(file), told.append)
    assert [told[0].url, told[0].ollama_url] == [f"http://127.0.0.1:{port}" for port in ports]


def test_a_port_in_use_names_the_option(tiny):
    import socket

    from poolwise.errors import OptionError
    from poolwise.serving.config import ModelConfig, ServeConfig
    from poolwise.serving.startup import serve

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        models = {"a": ModelConfig(str(tiny("bert")))}
        with pytest.raises(OptionError, match="choose another --ollama-port"):
            serve(ServeConfig(port=0, ollama_port=port, models=models))


BAD = [
    ("/api/embed", {}, 400, "model"),
    ("/api/embed", {"model": ""}, 400, "model is required"),
    ("/api/embed", {"model": 3, "input": "a"}, 400, "model"),
    ("/api/embed", {"model": "demo", "input": 3}, 400, "input"),
    ("/api/embed", {"model": "demo", "input": [3]}, 400, "input"),
    ("/api/embed", {"model": "demo", "input": [["a"]]}, 400, "input"),
    ("/api/embed", {"model": "demo", "input": "a", "truncate": "yes"}, 400, "truncate"),
    ("/api/embed", {"model": "demo", "input": "a", "dimensions": "3"}, 400, "dimensions"),
    ("/api/embed", {"model": "demo", "input": "a", "options": {"num_ctx": 1}}, 400, "max_length"),
    ("/api/embed", {"model": "demo:nope", "input": "a"}, 404, "model 'demo:nope' not found"),
    ("/api/embed", {"model": "demo", "input": ["a"] * 2049}, 400, "2,049 inputs"),
    ("/api/embeddings", {"model": "demo", "prompt": ["a"]}, 400, "prompt"),
    ("/api/embeddings", {"prompt": "a"}, 400, "model"),
    ("/api/show", {}, 400, "model is required"),
    ("/api/show", {"model": "nope"}, 404, "not found"),
    ("/api/chat", {"model": "demo"}, 404, "nothing is served"),
    ("/api/tags", {}, 405, "POST"),
]


@pytest.mark.parametrize(("path", "body", "status", "message"), BAD)
def test_errors_are_ollamas(bare, path, body, status, message):
    reply = bare.post(path, json=body)
    assert reply.status_code == status, reply.text
    assert list(reply.json()) == ["error"]
    assert message in reply.json()["error"]


def test_the_media_type_does_not_matter(bare, model):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b'{"model": "demo", "prompt": "a small dog"}'
    reply = bare.post("/api/embeddings", content=body, headers=headers)
    broken = bare.post("/api/embeddings", content=body[:-1], headers=headers)
    assert bits(reply.json()["embedding"]) == bits(model.embed("a small dog", "mean@-1"))
    assert broken.status_code == 400
    assert list(broken.json()) == ["error"]


def test_replies_name_the_readout(bare):
    reply = bare.post("/api/embed", json={"model": "demo:max@1", "input": "a"})
    assert reply.headers["x-poolwise-readout"] == reply.json()["readout"] == "max@1"
