"""What every protocol refuses alike: the status of each, and its own form of error."""

from __future__ import annotations

import msgspec
import orjson
import pytest
from starlette.testclient import TestClient

from poolwise.serving import app, serve_model
from poolwise.serving.application import operations
from poolwise.serving.settings import Settings

KEY = {"authorization": "Bearer secret"}

# path: the field of texts, the other fields of a request that is right
PROTOCOLS = {
    "/v1/embeddings": ("input", {"model": "tiny"}),
    "/embeddings": ("input", {"model": "tiny"}),
    "/embed": ("inputs", {}),
    "/embed_all": ("inputs", {}),
    "/api/embed": ("input", {"model": "tiny"}),
    "/v2/embed": ("texts", {"model": "tiny", "input_type": "search_document"}),
    "/pooling": ("input", {"model": "tiny"}),
}
NAMING = [path for path, (_, others) in PROTOCOLS.items() if "model" in others]
TEI = {"/embed", "/embed_all"}
LONG = " ".join(["cat"] * 200)
NOT_TO_CUT = {
    "/embed": {"truncate": False},
    "/embed_all": {"truncate": False},
    "/api/embed": {"truncate": False},
    "/v2/embed": {"truncate": "NONE"},
}


@pytest.fixture(scope="module")
def client(tiny):
    settings = Settings(api_keys=("secret", "other"))
    application = app(serve_model(tiny("bert"), ["mean@-1", "cls@-2"], name="tiny"), settings)
    with TestClient(application, headers=KEY) as client:
        yield client


FORMATS = {operation.path: operation.errors for operation in operations(Settings())}


def refused(reply, path):
    """The status, and the text of an error of the protocol's own form."""
    if reply.status_code == 401 and FORMATS[path].empty_401:
        return 401, reply.text
    assert reply.headers["content-type"] == "application/json", reply.text
    msgspec.convert(orjson.loads(reply.content), FORMATS[path].schema)
    return reply.status_code, reply.text


def body_of(path, texts, **changes):
    field, others = PROTOCOLS[path]
    return {field: texts, **others, **changes}


@pytest.mark.parametrize("path", PROTOCOLS)
def test_the_right_request_of_each_protocol(client, path):
    reply = client.post(path, json=body_of(path, ["the cat", "a"]))
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-poolwise-readout"] == "mean@-1"


@pytest.mark.parametrize("given", ["", "Bearer wrong", "Bearer", "secret", "Basic secret"])
@pytest.mark.parametrize("path", PROTOCOLS)
def test_a_wrong_key(client, path, given):
    reply = client.post(path, json=body_of(path, ["the cat"]), headers={"authorization": given})
    status, _ = refused(reply, path)
    assert status == 401
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["nothing", "tiny:cls@9", "mean@", "other:mean@-1", "whiten"])
@pytest.mark.parametrize("path", NAMING)
def test_a_model_or_readout_that_is_not_served(client, path, name):
    status, text = refused(client.post(path, json=body_of(path, ["the cat"], model=name)), path)
    assert status == 404
    assert name in text
    if path != "/api/embed":  # Ollama's clients compare the message
        assert "tiny" in text
        assert "cls@-2" in text


@pytest.mark.parametrize("path", PROTOCOLS)
def test_an_empty_text_is_named(client, path):
    if path == "/api/embed":
        pytest.skip("Ollama gives an empty text a vector")
    status, text = refused(client.post(path, json=body_of(path, ["the cat", "", "a"])), path)
    assert status in (400, 422)
    assert "[1]" in text


@pytest.mark.parametrize("path", NOT_TO_CUT)
def test_a_text_that_may_not_be_cut(client, path):
    whole = body_of(path, ["a", LONG], **NOT_TO_CUT[path])
    status, text = refused(client.post(path, json=whole), path)
    assert status == (422 if path in TEI else 400)
    assert "64" in text
    assert client.post(path, json=body_of(path, ["a", LONG])).status_code == 200


BROKEN = [b"", b"{", b"[", b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": 1e999}', b"\xff", b"{} {}"]


@pytest.mark.parametrize("content", BROKEN)
@pytest.mark.parametrize("path", PROTOCOLS)
def test_what_is_no_json(client, path, content):
    reply = client.post(path, content=content, headers={"content-type": "application/json"})
    status, _ = refused(reply, path)
    assert status == (422 if path in TEI else 400)


@pytest.mark.parametrize("wrong", [None, 1.5, True, {}, {"a": "b"}, [None], [{}], [["a"]], [[[1]]]])
@pytest.mark.parametrize("path", PROTOCOLS)
def test_texts_of_a_wrong_type(client, path, wrong):
    if path == "/api/embed" and wrong is None:
        pytest.skip("Ollama gives no text no vector")
    status, text = refused(client.post(path, json=body_of(path, wrong)), path)
    assert status == (422 if path in TEI else 400), text


@pytest.mark.parametrize("path", PROTOCOLS)
def test_a_body_that_is_not_announced_as_json(client, path):
    if FORMATS[path] is FORMATS["/api/embed"]:
        pytest.skip("Ollama reads any type")
    content = orjson.dumps(body_of(path, ["the cat"]))
    reply = client.post(path, content=content, headers={"content-type": "text/plain"})
    assert refused(reply, path)[0] == 415
