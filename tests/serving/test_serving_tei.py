"""TEI's routes: its vectors, tokens and words of errors, and its clients, unmodified."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import tokenizers
from starlette.testclient import TestClient

import poolwise
from poolwise.errors import PoolwiseWarning
from poolwise.serving import app, serve_model
from poolwise.serving.protocols.tei_errors import TEIError
from poolwise.serving.protocols.tei_server import InfoReply
from poolwise.serving.vectors import normalised

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]
LONG = " ".join(["the cat sat on a mat and ran over the hill to the old house in the sea"] * 8)
PROMPT = "the big house: "


@pytest.fixture(scope="module")
def folder(tiny, modules, tmp_path_factory):
    """Mean pooling without normalisation, and a prompt by name."""
    folder = tmp_path_factory.mktemp("tei") / "encoder"
    shutil.copytree(tiny("bert"), folder)
    modules(folder, "mean")
    prompts = {"prompts": {"query": PROMPT}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return poolwise.load(folder)


@pytest.fixture(scope="module")
def served(model):
    return serve_model(model, ["mean@-1", "cls@-2|l2", "cls@-1|binary"])


@pytest.fixture
def client(served):
    """``client(**settings)``: a client of a server of its own."""
    opened = []

    def client(**settings):
        opened.append(TestClient(app(served, **settings)))
        return opened[-1].__enter__()

    yield client
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture
def post(client):
    server = client()

    def post(path, body, status=200, **headers):
        reply = server.post(path, json=body, headers=headers)
        assert reply.status_code == status, reply.text
        return reply

    return post


def floats(reply):
    return np.array(reply.json(), np.float32)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_embed_is_the_models_own_vectors_normalised(post, model):
    expected = model.embed(TEXTS)
    reply = post("/embed", {"inputs": TEXTS})
    assert np.array_equal(floats(reply), normalised(expected))
    assert floats(reply) == pytest.approx(unit(expected), abs=1e-6)
    assert np.array_equal(floats(post("/embed", {"inputs": TEXTS, "normalize": False})), expected)
    assert np.array_equal(floats(post("/embed", {"inputs": TEXTS[0]})), floats(reply)[:1])


def test_dimensions_are_cut_before_they_are_normalised(post, model):
    expected = unit(model.embed(TEXTS)[:, :5])
    assert floats(post("/embed", {"inputs": TEXTS, "dimensions": 5})) == pytest.approx(
        expected, abs=1e-6
    )
    whole = post("/embed", {"inputs": TEXTS, "dimensions": 32})
    assert np.array_equal(floats(whole), floats(post("/embed", {"inputs": TEXTS})))


def test_headers_say_what_a_request_took_and_which_readout_made_its_vectors(post, model):
    headers = post("/embed", {"inputs": TEXTS}).headers
    assert headers["x-poolwise-readout"] == "mean@-1"
    assert headers["x-compute-type"] == "cpu"
    assert int(headers["x-compute-characters"]) == sum(map(len, TEXTS))
    assert int(headers["x-compute-tokens"]) == sum(t.n_tokens for t in model.tokenize(TEXTS))
    times = {name: int(headers[f"x-{name}-time"]) for name in ("total", "compute", "queue")}
    assert times["compute"] == times["total"] >= times["queue"] >= 0
    assert {"x-tokenization-time", "x-inference-time"} <= {*headers}


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"model": "cls@-2|l2"}, {}),
        ({"model": "encoder:cls@-2|l2"}, {}),
        ({"readout": "cls@-2|l2"}, {}),
        ({}, {"x-poolwise-model": "cls@-2|l2"}),
    ],
)
def test_a_field_or_a_header_names_another_readout(post, model, fields, headers):
    reply = post("/embed", {"inputs": TEXTS, **fields}, **headers)
    assert np.array_equal(floats(reply), model.embed(TEXTS, "cls@-2|l2"))
    assert reply.headers["x-poolwise-readout"] == "cls@-2|l2"


def test_prompts_by_name(post, model):
    reply = post("/embed", {"inputs": TEXTS, "prompt_name": "query", "normalize": False})
    assert np.array_equal(floats(reply), model.embed(TEXTS, prompt_name="query"))
    by_hand = post("/embed", {"inputs": [PROMPT + text for text in TEXTS], "normalize": False})
    assert np.array_equal(floats(reply), floats(by_hand))
    assert not np.array_equal(floats(reply), model.embed(TEXTS))


@pytest.mark.parametrize("direction", ["Left", "left", "Right", "right"])
def test_long_texts_are_cut_on_the_side_that_is_asked(post, model, direction):
    words = LONG.split()
    assert len(words) > 62
    short = " ".join(words[-62:] if direction.lower() == "left" else words[:62])
    body = {"inputs": [LONG], "truncation_direction": direction, "normalize": False}
    assert np.array_equal(floats(post("/embed", body)), model.embed([short]))


def test_whether_long_texts_are_cut_is_the_servers_choice_unless_a_request_says(client):
    refusing, cutting = client(auto_truncate=False), client()
    body = {"inputs": LONG}
    assert [s.post("/embed", json=body).status_code for s in (refusing, cutting)] == [422, 200]
    body["truncate"] = None
    assert [s.post("/embed", json=body).status_code for s in (refusing, cutting)] == [422, 200]
    body["truncate"] = True
    assert refusing.post("/embed", json=body).status_code == 200
    body["truncate"] = False
    reply = cutting.post("/embed", json=body)
    assert (reply.status_code, reply.json()["error_type"]) == (422, "Validation")
    assert refusing.get("/info").json()["auto_truncate"] is False


def test_token_ids_are_decoded_and_tokenized_again(post, model):
    own = [tokens.windows[0].ids.tolist() for tokens in model.tokenize(TEXTS)]
    expected = post("/embed", {"inputs": TEXTS})
    assert np.array_equal(floats(post("/embed", {"inputs": own})), floats(expected))
    assert np.array_equal(floats(post("/embed", {"inputs": own[0]})), floats(expected)[:1])
    mixed = post("/embed", {"inputs": [TEXTS[0], own[1], TEXTS[2]]})
    assert np.array_equal(floats(mixed), floats(expected))
    bare = post("/embed", {"inputs": [own[0][1:-1]], "normalize": False})
    without = model.without_special_tokens().embed(TEXTS[:1])
    assert np.array_equal(floats(bare), without)
    assert not np.array_equal(without, model.embed(TEXTS[:1]))


def test_token_ids_after_a_prompt_are_a_text(post, model):
    own = [tokens.windows[0].ids.tolist() for tokens in model.tokenize(TEXTS)]
    body = {"inputs": own, "prompt_name": "query", "normalize": False}
    assert np.array_equal(floats(post("/embed", body)), model.embed(TEXTS, prompt_name="query"))


@pytest.mark.parametrize("spec", ["mean@-1", "mean@-2", "cls@concat(1,2)"])
def test_embed_all_gives_every_tokens_vector(post, model, spec):
    readout = poolwise.parse(spec)
    reply = post("/embed_all", {"inputs": TEXTS, "readout": spec})
    for row, text in zip(reply.json(), TEXTS, strict=True):
        (outputs,) = model.token_outputs([text])
        states = {k: outputs.hidden_states[i, 0] for i, k in enumerate(outputs.layers)}
        layers = [states[layer] for layer in readout.layer_indices(model.depth)]
        assert np.array_equal(np.array(row, np.float32), np.concatenate(layers, axis=1))
    assert reply.headers["x-poolwise-readout"] == spec
    single = post("/embed_all", {"inputs": TEXTS[0], "readout": spec})
    assert single.json() == reply.json()[:1]


def test_embed_all_refuses_what_would_not_fit_a_reply(post, monkeypatch):
    monkeypatch.setattr("poolwise.serving.service.MAX_TOKEN_STATES", 20)
    refused = post("/embed_all", {"inputs": [TEXTS[0]] * 3}, 422).json()
    assert "at most 20" in refused["error"]
    post("/embed_all", {"inputs": TEXTS[0]})
    post("/embed", {"inputs": [TEXTS[0]] * 3})


@pytest.mark.parametrize("path", ["/similarity", "/", "/invocations"])
def test_similarity_is_the_cosine(post, model, path):
    source, *sentences = TEXTS
    body = {"inputs": {"source_sentence": source, "sentences": [*sentences, source]}}
    vectors = unit(model.embed(TEXTS).astype(np.float64))
    reply = post(path, body)
    assert reply.json() == pytest.approx([*(vectors[1:] @ vectors[0]), 1.0], abs=1e-6)
    assert reply.headers["x-poolwise-readout"] == "mean@-1"
    prompted = unit(model.embed(TEXTS, prompt_name="query").astype(np.float64))
    reply = post(path, body | {"parameters": {"prompt_name": "query"}})
    assert reply.json()[:2] == pytest.approx(prompted[1:] @ prompted[0], abs=1e-6)


def test_similarity_of_long_texts(post, model):
    parameters = {"truncate": False}
    body = {"inputs": {"source_sentence": LONG, "sentences": ["a"]}, "parameters": parameters}
    assert "inputs[0]" in post("/similarity", body, 422).json()["error"]
    parameters |= {"truncate": True, "truncation_direction": "left"}
    last = " ".join(LONG.split()[-62:])
    vectors = unit(model.embed([last, "a"]))
    assert post("/similarity", body).json() == pytest.approx([vectors[0] @ vectors[1]], abs=1e-6)


def test_the_source_of_a_similarity_counts_as_an_input(client):
    server = client(max_inputs=3)
    body = {"inputs": {"source_sentence": "a", "sentences": ["a", "a"]}}
    assert server.post("/similarity", json=body).status_code == 200
    body["inputs"]["sentences"] += ["a"]
    assert server.post("/similarity", json=body).status_code == 422
    assert server.get("/info").json()["max_client_batch_size"] == 3


@pytest.mark.parametrize("path", ["/", "/invocations"])
def test_the_root_embeds(post, path):
    body = {"inputs": TEXTS, "dimensions": 7, "prompt_name": "query"}
    reply = post(path, body)
    assert reply.content == post("/embed", body).content
    assert {"x-compute-tokens", "x-poolwise-readout"} <= {*reply.headers}


@pytest.mark.parametrize("prompt", ["", PROMPT])
@pytest.mark.parametrize(
    "text", ["the cat", "Übergröße und 😀 naïve 東京 cat", "  a 😀😀 [SEP] typed,  and catsing "]
)
@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_tokens_stand_at_their_bytes_of_prompt_and_text(
    tiny, modules, tmp_path, family, text, prompt
):
    folder = shutil.copytree(tiny(family), tmp_path / family)
    modules(folder, "mean")
    settings = {"prompts": {"query": prompt}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    whole = prompt + text
    expected = library.encode(whole)
    body = {"inputs": text, "prompt_name": "query"}
    with TestClient(app(serve_model(folder, ["mean@-1"]))) as server:
        (tokens,) = server.post("/tokenize", json=body).json()
        bare = server.post("/tokenize", json=body | {"add_special_tokens": False}).json()
        decoded = server.post("/decode", json={"ids": expected.ids}).json()
        kept = server.post(
            "/decode", json={"ids": [expected.ids], "skip_special_tokens": False}
        ).json()
    assert [token["id"] for token in tokens] == expected.ids
    assert [token["special"] for token in tokens] == [s == 1 for s in expected.special_tokens_mask]
    inner = [token for token in tokens if not token["special"]]
    assert bare == [inner]
    for token, (start, stop) in zip(inner, expected.offsets[1:-1], strict=True):
        assert token["start"] == len(whole[:start].encode())
        assert token["stop"] == len(whole[:stop].encode())
        assert token["text"] == whole[start:stop]
        assert whole.encode()[token["start"] : token["stop"]].decode() == token["text"]
    first, last = tokens[0], tokens[-1]
    assert [first["text"], last["text"]] == [expected.tokens[0], expected.tokens[-1]]
    assert (first["start"], first["stop"], last["start"]) == (None, None, None)
    assert decoded == [library.decode(expected.ids)]
    assert kept == [library.decode(expected.ids, skip_special_tokens=False)]


def test_tokens_of_several_texts_are_those_that_are_read(post, model):
    texts = [*TEXTS, LONG]
    rows = post("/tokenize", {"inputs": texts}).json()
    for row, text in zip(rows, TEXTS, strict=False):
        assert [token["id"] for token in row] == model.tokenize([text])[0].windows[0].ids.tolist()
    assert len(rows[-1]) == len(LONG.split()) + 2  # beyond the 64 that are read
    assert post("/decode", {"ids": [[t["id"] for t in row] for row in rows]}).json() == texts


def test_tokenizing_has_bounds(client):
    few = client(max_request_tokens=20)  # the text to warm up with has as many
    assert few.post("/tokenize", json={"inputs": TEXTS * 3}).status_code == 422
    assert few.post("/tokenize", json={"inputs": TEXTS[0]}).status_code == 200
    hasty = client()
    service = hasty.app.state.service
    service.settings = replace(service.settings, request_seconds=1e-9)
    reply = hasty.post("/tokenize", json={"inputs": TEXTS})
    assert (reply.status_code, reply.json()["error_type"]) == (504, "Overloaded")


BAD = [
    ("/embed", {"inputs": []}, 400, "Empty"),
    ("/embed", {"inputs": ""}, 400, "Empty"),
    ("/embed", {"inputs": ["a", ""]}, 400, "Empty"),
    ("/embed", {"inputs": [[]]}, 400, "Empty"),
    ("/embed", {}, 422, "Validation"),
    ("/embed", [], 422, "Validation"),
    ("/embed", {"inputs": None}, 422, "Validation"),
    ("/embed", {"inputs": 3}, 422, "Validation"),
    ("/embed", {"inputs": ["a", 1]}, 422, "Validation"),
    ("/embed", {"inputs": [True]}, 422, "Validation"),
    ("/embed", {"inputs": [[1, "a"]]}, 422, "Validation"),
    ("/embed", {"inputs": ["a"] * 33}, 422, "Validation"),
    ("/embed", {"inputs": "a", "dimensions": 0}, 422, "Validation"),
    ("/embed", {"inputs": "a", "dimensions": -1}, 422, "Validation"),
    ("/embed", {"inputs": "a", "dimensions": 33}, 422, "Validation"),
    ("/embed", {"inputs": "a", "dimensions": 1.5}, 422, "Validation"),
    ("/embed", {"inputs": "a", "truncate": "yes"}, 422, "Validation"),
    ("/embed", {"inputs": "a", "normalize": None}, 422, "Validation"),
    ("/embed", {"inputs": "a", "truncation_direction": "LEFT"}, 422, "Validation"),
    ("/embed", {"inputs": "a", "prompt_name": "nothing"}, 422, "Validation"),
    ("/embed", {"inputs": LONG, "truncate": False}, 422, "Validation"),
    ("/embed", {"inputs": [[-1]]}, 422, "Tokenizer"),
    ("/embed", {"inputs": [10**6]}, 422, "Tokenizer"),
    ("/embed", {"inputs": [2] * 16_001}, 422, "Validation"),
    ("/embed", {"inputs": "a", "model": "nothing"}, 404, "Validation"),
    ("/embed", {"inputs": "a", "readout": "mean@9"}, 404, "Validation"),
    ("/embed_all", {"inputs": []}, 400, "Empty"),
    ("/embed_all", {"inputs": {}}, 422, "Validation"),
    ("/similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, 400, "Empty"),
    ("/similarity", {"inputs": {"source_sentence": "a"}}, 422, "Validation"),
    ("/similarity", {"inputs": "a"}, 422, "Validation"),
    (
        "/similarity",
        {"inputs": {"source_sentence": "a", "sentences": ["a"]}, "model": "cls@-1|binary"},
        424,
        "Backend",
    ),
    ("/tokenize", {"inputs": []}, 400, "Empty"),
    ("/tokenize", {"inputs": ""}, 400, "Empty"),
    ("/tokenize", {"inputs": ["a"] * 33}, 422, "Validation"),
    ("/tokenize", {"inputs": "a" * 16_001}, 422, "Validation"),
    ("/tokenize", {"inputs": [1]}, 422, "Validation"),
    ("/tokenize", {"inputs": "a", "prompt_name": "nothing"}, 422, "Validation"),
    ("/decode", {"ids": []}, 400, "Empty"),
    ("/decode", {"ids": [[], [1]]}, 400, "Empty"),
    ("/decode", {"ids": "a"}, 422, "Validation"),
    ("/decode", {"ids": [10**6]}, 422, "Tokenizer"),
    ("/decode", {"ids": [1, [1]]}, 422, "Validation"),
    ("/", {"inputs": {"sentences": ["a"]}}, 422, "Validation"),
    ("/", {"inputs": [["a"]]}, 422, "Validation"),
    ("/rerank", {"query": "a", "texts": ["b"]}, 424, "Backend"),
    ("/embed_sparse", {"inputs": "a"}, 424, "Backend"),
    ("/predict", {"inputs": "a"}, 424, "Backend"),
    ("/embed/nothing", {}, 404, "Validation"),
    ("/info", {}, 405, "Validation"),
]


@pytest.fixture(scope="module")
def strict_server(served):
    with TestClient(app(served, max_inputs=32)) as server:
        yield server


@pytest.mark.parametrize(("path", "body", "status", "kind"), BAD)
def test_what_is_refused_is_told_in_teis_words(strict_server, path, body, status, kind):
    reply = strict_server.post(path, json=body)
    assert (reply.status_code, reply.json().get("error_type")) == (status, kind), reply.text
    told = msgspec.convert(reply.json(), TEIError, strict=True)
    assert {*reply.json()} == {"error", "error_type"}
    assert told.error
    # The statuses are those of the description.
    operation = strict_server.get("/openapi.json").json()["paths"].get(path, {}).get("post")
    assert operation is None or str(status) in operation["responses"]


def test_bytes_and_types_that_are_refused(strict_server, client):
    def status(server, content, **headers):
        reply = server.post("/embed", content=content, headers=headers)
        return reply.status_code, reply.json()["error_type"]

    assert status(strict_server, b"{", **{"content-type": "application/json"}) == (
        422,
        "Validation",
    )
    assert status(strict_server, b"{}", **{"content-type": "text/plain"})[0] == 415
    assert status(client(max_body=10), b'{"inputs": "a"}')[0] == 413


def test_a_wrong_key_gets_no_body(client):
    server = client(api_keys=("secret",))
    for headers in ({}, {"authorization": "Bearer wrong"}):
        reply = server.post("/embed", json={"inputs": "a"}, headers=headers)
        assert (reply.status_code, reply.content) == (401, b"")
        assert server.get("/info", headers=headers).status_code == 401
    right = {"authorization": "Bearer secret"}
    assert server.post("/embed", json={"inputs": "a"}, headers=right).status_code == 200
    for path in ("/health", "/ping", "/", "/metrics"):
        assert server.get(path).status_code == 200


def test_a_vector_that_is_not_finite_is_the_backends_fault(served, client, monkeypatch):
    server = client()
    monkeypatch.setattr(
        "poolwise.serving.passes.finite_rows", lambda vectors: np.zeros(len(vectors), bool)
    )
    reply = server.post("/embed", json={"inputs": "a"})
    assert (reply.status_code, reply.json()["error_type"]) == (424, "Backend")


def test_a_server_that_stops_is_unhealthy(client):
    server = client()
    server.app.state.service.draining = True
    reply = server.post("/embed", json={"inputs": "a"})
    assert (reply.status_code, reply.json()["error_type"]) == (503, "Unhealthy")
    assert server.get("/").status_code == server.get("/health").status_code == 503


def test_info_says_what_is_served(client, model):
    found = client(max_inputs=32, batch_tokens=1000).get("/info").json()
    assert msgspec.convert(found, InfoReply)
    assert found["model_id"] == found["served_model_name"] == model.name
    assert found["model_type"] == {"embedding": {"pooling": "mean"}}
    assert (found["max_input_length"], found["max_batch_tokens"]) == (64, 1000)
    assert (found["max_client_batch_size"], found["auto_truncate"]) == (32, True)
    assert (found["model_sha"], found["readout"]) == (model.hash, "mean@-1")
    other = client().get("/info", params={"model": "cls@-2|l2"}).json()
    assert other["model_type"] == {"embedding": {"pooling": "cls"}}


@pytest.fixture(scope="module")
def url(live_server, folder):
    return live_server(folder)


def test_huggingface_hubs_client(url, model):
    from huggingface_hub import InferenceClient

    hub = InferenceClient(model=url)
    assert np.array_equal(hub.feature_extraction(TEXTS[0]), normalised(model.embed(TEXTS[:1])))
    several = hub.feature_extraction(TEXTS, normalize=False, prompt_name="query")
    assert np.array_equal(several, model.embed(TEXTS, prompt_name="query"))
    cut = hub.feature_extraction(LONG, truncate=True, truncation_direction="left", dimensions=4)
    with pytest.warns(PoolwiseWarning):
        right = model.embed([LONG])
    left = model.embed([" ".join(LONG.split()[-62:])])
    assert cut == pytest.approx(unit(left[:, :4]), abs=1e-6)
    assert cut != pytest.approx(unit(right[:, :4]), abs=1e-6)
    vectors = unit(model.embed(TEXTS))
    told = hub.sentence_similarity(TEXTS[0], other_sentences=TEXTS[1:])
    assert told == pytest.approx(vectors[1:] @ vectors[0], abs=1e-6)


def test_huggingface_hubs_client_shows_an_error(url):
    from huggingface_hub import InferenceClient
    from huggingface_hub.errors import HfHubHTTPError

    with pytest.raises(HfHubHTTPError) as raised:
        InferenceClient(model=url).feature_extraction("a", prompt_name="nothing")
    assert raised.value.response.status_code == 422
    assert "nothing" in raised.value.response.json()["error"]


def test_llama_indexs_client(url, model):
    module = pytest.importorskip("llama_index.embeddings.text_embeddings_inference")
    client = module.TextEmbeddingsInference(
        "a model", base_url=url, text_instruction="", query_instruction=""
    )
    expected = normalised(model.embed(TEXTS))
    found = client.get_text_embedding_batch([*TEXTS, LONG])
    assert np.array_equal(np.array(found, np.float32)[:3], expected)
    query = np.array(client.get_query_embedding(TEXTS[1]), np.float32)
    assert np.array_equal(query, expected[1])
