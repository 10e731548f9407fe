"""Which protocol a server speaks, which model it has, what it is sent, and what nobody is told."""

from __future__ import annotations

import base64
import logging

import pytest

from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.errors import EndpointError, OptionError

INFO = {"model_id": "BAAI/bge-m3", "model_type": {"embedding": {"pooling": "cls"}}}
TAGS = {"models": [{"name": "nomic-embed-text:latest", "model": "nomic-embed-text:latest"}]}
STATUS = {"server_version": "1.10.0"}


def models(*names):
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


@pytest.mark.parametrize(
    ("url", "answers", "found"),
    [
        ("", {"/info": INFO}, "/embed (model BAAI/bge-m3)"),
        ("", {"/info": INFO, "/v1/models": models("x")}, "/embed (model BAAI/bge-m3)"),
        ("/tei/", {"/tei/info": INFO}, "/tei/embed (model BAAI/bge-m3)"),
        ("/embed", {"/info": INFO}, "/embed (model BAAI/bge-m3)"),
        ("/embed", {}, "/embed"),
        (
            "",
            {"/api/tags": TAGS, "/v1/models": models("x")},
            "/api/embed (model nomic-embed-text:latest)",
        ),
        ("/api", {"/api/tags": TAGS}, "/api/embed (model nomic-embed-text:latest)"),
        ("", {"/v1/models": models("demo")}, "/v1/embeddings (model demo)"),
        ("/v1", {"/v1/models": models("demo")}, "/v1/embeddings (model demo)"),
        ("", {"/models": models("demo")}, "/embeddings (model demo)"),
        ("/embeddings", {"/models": models("demo")}, "/embeddings (model demo)"),
        (
            "/openai/v3beta",
            {"/openai/v3beta/models": models("d")},
            "/openai/v3beta/embeddings (model d)",
        ),
        (
            "",
            {"/info": {"name": "my service"}, "/v1/models": models("d")},
            "/v1/embeddings (model d)",
        ),
        ("", {"/status/server": STATUS}, "/encode"),
        ("/encode", {}, "/encode"),
        ("/v2/embed", {"/v1/models": {"models": [{"name": "e4"}]}}, "/v2/embed (model e4)"),
    ],
)
def test_protocols_are_known_by_path_and_by_asking(scripted, url, answers, found):
    scripted.answers = {path: (200, value) for path, value in answers.items()}
    with open_endpoint(scripted.url + url) as endpoint:
        assert endpoint.description == scripted.url + found


def test_no_protocol_that_is_known(scripted):
    with pytest.raises(EndpointError) as caught:
        open_endpoint(scripted.url)
    assert "no protocol that is known here" in str(caught.value)
    assert "asked: /info, /api/tags, /v1/models, /models, /status/server" in str(caught.value)
    assert "--api: openai, tei, ollama, cohere, bert-as-service" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "headers", "found"),
    [
        (200, {"content-type": "text/html"}, "the answer is an HTML page, expected JSON"),
        (401, {}, "the server wants a key (401)"),
        (301, {"location": "https://example.com/"}, "redirects to https://example.com"),
        (500, {}, "the server fails (500)"),
    ],
)
@pytest.mark.parametrize("api", [None, "openai", "ollama", "cohere"])
def test_a_server_that_refuses_to_say_what_it_is(scripted, status, headers, found, api):
    paths = ("/info", "/api/tags", "/v1/models", "/models", "/status/server")
    scripted.answers = dict.fromkeys(paths, (status, b"", headers))
    with pytest.raises(EndpointError) as caught:
        open_endpoint(scripted.url, api)
    assert found in str(caught.value)


def test_of_several_models_one_must_be_named(scripted):
    names = [f"llm-{i}" for i in range(20)]
    scripted.answers["/v1/models"] = 200, models(*names, "text-embed")
    with pytest.raises(OptionError) as caught:
        open_endpoint(scripted.url)
    assert "/v1 has 21 models: text-embed, llm-0," in str(caught.value)
    assert "and 13 more; give the name of one with --endpoint-model" in str(caught.value)
    with open_endpoint(scripted.url, model="llm-3") as endpoint:
        assert endpoint.model == "llm-3"
    scripted.answers["/api/tags"] = 200, {"models": []}
    with pytest.raises(OptionError, match="lists no models; give the name"):
        open_endpoint(scripted.url, "ollama")
    del scripted.answers["/v1/models"]
    with pytest.raises(OptionError, match="lists no models; give the name"):
        open_endpoint(scripted.url, "openai")


def test_a_server_of_openais_api_that_lists_no_models(scripted):
    """Its path is found by its route, which has another method."""
    scripted.answers["/embeddings"] = 405, b""
    with open_endpoint(scripted.url, "openai", "demo") as endpoint:
        assert endpoint.url == f"{scripted.url}/embeddings"


def test_tei_serves_one_model(scripted):
    scripted.answers["/info"] = 200, INFO
    with pytest.raises(OptionError, match="serves BAAI/bge-m3, not demo; leave"):
        open_endpoint(scripted.url, "tei", "demo")


@pytest.mark.parametrize(
    ("api", "path", "reply", "request_body"),
    [
        ("tei", "/embed", [[0.5]], {"inputs": ["é"]}),
        (
            "openai",
            "/v1/embeddings",
            {"data": [{"embedding": [0.5]}]},
            {"input": ["é"], "model": "m", "encoding_format": "float"},
        ),
        ("ollama", "/api/embed", {"embeddings": [[0.5]]}, {"model": "m", "input": ["é"]}),
        (
            "cohere",
            "/v2/embed",
            {"embeddings": {"float": [[0.5]]}},
            {
                "model": "m",
                "input_type": "search_document",
                "texts": ["é"],
                "embedding_types": ["float"],
            },
        ),
        (
            "bert-as-service",
            "/encode",
            {"results": [[0.5]], "status": 200},
            {"id": 1, "texts": ["é"], "is_tokenized": False},
        ),
    ],
)
def test_what_a_server_is_sent(scripted, api, path, reply, request_body):
    scripted.answers[path] = 200, reply
    model = None if api == "bert-as-service" else "m"
    with open_endpoint(f"{scripted.url}?version=1", api, model, key="sesame") as endpoint:
        assert endpoint.embed(["é"]).tolist() == [[0.5]]
    place, headers, body = scripted.requests[-1]
    assert (place, body) == (f"{path}?version=1", request_body)
    assert headers["authorization"] == "Bearer sesame"
    assert headers["content-type"] == "application/json"
    assert "version=1" not in endpoint.description


def test_credentials_of_the_url_are_sent_and_not_shown(scripted):
    scripted.answers["/embed"] = 500, b"user me, password s@same, aGVsbG8"
    url = scripted.url.replace("//", "//me:s%40same@") + "/embed?token=aGVsbG8"
    with open_endpoint(url) as endpoint, pytest.raises(EndpointError) as caught:
        endpoint.embed(["a"])
    _, headers, _ = scripted.requests[-1]
    assert headers["authorization"] == f"Basic {base64.b64encode(b'me:s@same').decode()}"
    assert "user me, password …, " in str(caught.value)
    for text in (str(caught.value), endpoint.description, repr(endpoint.connection.address)):
        assert not any(secret in text for secret in ("s@same", "s%40same", "aGVsbG8"))


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_the_key_is_in_no_message(scripted, status, caplog):
    """Even where the server repeats it."""
    caplog.set_level(logging.DEBUG)
    scripted.answers["/embed"] = status, {"error": "the key sesame-1234 of Bearer sesame-1234"}
    with (
        open_endpoint(scripted.url, "tei", key="sesame-1234") as endpoint,
        pytest.raises(EndpointError) as caught,
    ):
        endpoint.embed(["a"])
    error = caught.value
    shown = [str(error), repr(error), repr(error.__cause__), repr(vars(endpoint)), caplog.text]
    assert not any("sesame" in text for text in shown)
    if status in {401, 404}:
        assert "the key … of Bearer …" in str(error)
    if status == 401:
        assert "the server refuses the key (401, " in str(error)


def test_a_key_that_is_cut_is_not_shown_in_part(scripted):
    scripted.answers["/embed"] = 500, b"x" * 290 + b" sesame-1234"
    with (
        open_endpoint(scripted.url, "tei", key="sesame-1234") as endpoint,
        pytest.raises(EndpointError, match=r"x …\); see") as caught,
    ):
        endpoint.embed(["a"])
    assert "sesame" not in str(caught.value)


def test_a_key_of_one_letter_leaves_messages_readable(scripted):
    scripted.answers["/embed"] = 401, {"error": "the key e is wrong"}
    with (
        open_endpoint(scripted.url, "tei", key="e") as endpoint,
        pytest.raises(EndpointError, match=r"refuses the key \(401, the key … is wrong\)"),
    ):
        endpoint.embed(["a"])


def test_loopback_is_reached_without_a_proxy(scripted, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    scripted.answers["/embed"] = 200, [[0.5]]
    with open_endpoint(scripted.url, "tei") as endpoint:
        assert endpoint.embed(["a"]).tolist() == [[0.5]]
