"""What the page asks of the server, without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import poolwise
from poolwise.serving.page.assets import names
from poolwise.serving.page.compare import cosines, directions
from poolwise.serving.page.tokens import read_text
from poolwise.serving.root import prefers_html

pytest.importorskip("httpx")

TEXTS = ["the cat sat on the mat", "a dog", "the sea is old"]
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture(scope="module")
def served(tiny):
    from poolwise.serving.catalogue import serve_model

    return serve_model(tiny("bert"), ["mean@-1", "cls@-1|binary"])


@pytest.fixture
def client(served):
    """``client(**settings)``: a client of a server of its own."""
    from starlette.testclient import TestClient

    from poolwise.serving import app

    opened = []

    def client(**settings):
        opened.append(TestClient(app(served, **settings)))
        return opened[-1].__enter__()

    yield client
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (CHROME, True),
        ("text/html", True),
        ("text/html, application/json;q=0.9", True),
        ("TEXT/HTML ; q=0.7, */*;q=0.1", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0, */*;q=0", False),
        ("text/html;q=much", False),
        ("text/plain", False),
    ],
)
def test_a_browser_is_known_by_what_it_accepts(accept, html):
    assert prefers_html({"accept": accept}) is html


def test_the_root_is_the_page_for_a_browser_and_health_for_others(client):
    server = client(api_keys=("secret",))
    page = server.get("/", headers={"accept": CHROME})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert "accept" in page.headers["vary"]
    assert page.content == server.get("/page").content
    assert server.get("/").json() == server.get("/readyz").json() == {"status": "ready"}


def test_every_file_that_the_page_names_is_served(client):
    server, found = client(), set()
    for page in ("/page", "/docs"):
        text = server.get(page).text
        found |= {part.split('"')[0] for part in text.replace("href=", "src=").split('src="')[1:]}
        assert "http:" not in text
        assert "https:" not in text
        assert "style=" not in text
    files = {path for path in found if "/" in path}
    assert {path.split("/")[1] for path in files} == {"web", "inspector"}
    for path in sorted(found):
        assert server.get(f"/{path}").status_code == 200, path
    for folder in ("web", "inspector"):
        for name in names(folder):
            assert server.get(f"/page/{folder}/{name}").content
    assert server.get("/page/web/../routes.py").status_code == 404
    assert server.get("/page/web/routes.py").status_code == 404


def test_the_page_can_be_switched_off(client):
    server = client(page=False)
    for path in ("/page", "/docs", "/page/status", "/page/web/page.js"):
        assert server.get(path).status_code == 404
    assert server.post("/page/compare", json={"texts": TEXTS}).status_code == 404
    assert server.get("/", headers={"accept": CHROME}).json() == {"status": "ready"}
    assert not [path for path in server.get("/openapi.json").json()["paths"] if "page" in path]


def test_all_readouts_come_from_one_pass(client):
    server = client()
    before = server.get("/page/status").json()["requests"]
    reply = server.post(
        "/page/compare", json={"texts": TEXTS, "readouts": ["max@1", "cls@-1", "mean@-2|l2"]}
    ).json()
    assert [found["readout"] for found in reply["readouts"]] == ["max@1", "cls@-1", "mean@-2|l2"]
    assert server.get("/page/status").json()["requests"] == before + 1


def test_cosines_of_bits_are_those_of_their_signs(served, client):
    readout = served.readouts["cls@-1|binary"]
    signs = np.where(served.model.embed(TEXTS, "cls@-1") > 0, 1.0, -1.0)
    packed = served.model.embed(TEXTS, "cls@-1|binary")
    np.testing.assert_allclose(cosines(directions(readout, packed)), signs @ signs.T / 32)
    reply = client().post("/page/compare", json={"texts": TEXTS, "readouts": [readout.name]}).json()
    np.testing.assert_allclose(reply["readouts"][0]["cosine"], signs @ signs.T / 32, atol=1e-5)


def test_a_vector_of_length_zero_has_no_cosine():
    found = cosines(np.array([[0.0, 0.0], [3.0, 4.0]]))
    assert np.isnan(found[0]).all()
    assert found[1, 1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"texts": []}, "no sentence"),
        ({"texts": ["a dog", " "]}, "texts[1] is empty"),
        ({"texts": ["a"] * 41}, "found 41 sentences, expected at most 40"),
        ({"texts": ["a" * 20_001]}, "texts[0] has 20,001 characters"),
        ({"texts": ["a"], "query": "a" * 20_001}, "query has 20,001 characters"),
        ({"texts": ["a"], "readouts": [f"mean@{k}" for k in range(5)]}, "at most 4 side by side"),
        ({"texts": ["a"], "readouts": ["mean@-1|whiten(2)"]}, "whiten"),
        ({"texts": ["a"], "model": "none"}, "model 'none' not found"),
        ({"texts": ["\ud800"]}, ""),
    ],
)
def test_what_cannot_be_compared_is_told(client, body, words):
    content = json.dumps(body)
    headers = {"content-type": "application/json"}
    reply = client().post("/page/compare", content=content, headers=headers)
    assert reply.status_code in (400, 404)
    assert words in reply.json()["error"]["message"]


def test_inside_is_the_document_of_inspect(client, tiny):
    from poolwise.json_values import short, to_plain

    reply = client().post("/page/inside", json={"texts": TEXTS}).json()
    expected = poolwise.inspect(tiny("bert"), TEXTS, ["mean@-1"], weights=True)
    del expected["cosine"], expected["verdict"]
    assert reply.keys() == expected.keys()
    plain = short(to_plain(dict(expected)), 5)
    assert reply["special_tokens"] == plain["special_tokens"]
    assert reply["methods"] == plain["methods"]
    for found, wanted in zip(reply["sentences"], plain["sentences"], strict=True):
        assert found.keys() == wanted.keys()
        assert found["tokens"] == wanted["tokens"]
        np.testing.assert_allclose(found["norms"]["tokens"], wanted["norms"]["tokens"], rtol=1e-3)


def test_inside_takes_a_few_short_sentences(tiny):
    from starlette.testclient import TestClient

    from poolwise.serving import app
    from poolwise.serving.catalogue import serve_model

    served = serve_model(tiny("bert", max_position_embeddings=512), ["mean@-1"])
    with TestClient(app(served)) as server:
        many = server.post("/page/inside", json={"texts": ["a"] * 9})
        assert "found 9 sentences, expected at most 8" in many.json()["error"]["message"]
        long = server.post("/page/inside", json={"texts": ["a", "the cat " * 140]})
        assert long.status_code == 400
        assert "texts[1] has 282 tokens; up to 256" in long.json()["error"]["message"]


def test_what_is_cut_on_the_left_stands_before(tiny, tmp_path):
    folder = tmp_path / "left"
    shutil.copytree(tiny("bert"), folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "truncation_side": "left"}))
    model, text = poolwise.load(folder, max_length=6), "the old dog ran over the hill"
    read = read_text(model, text, model.tokenize([text])[0])
    assert [token.text for token in read.tokens] == ["[CLS]", "ran", "over", "the", "hill", "[SEP]"]
    assert (read.cut_before.strip(), read.cut_after) == ("the old dog", "")
    assert (read.n_tokens, read.n_all) == (6, 9)


def test_a_prompt_is_among_the_tokens(tiny):
    model = poolwise.load(tiny("bert")).prompted("the sea ")
    read = read_text(model, "a dog", model.tokenize(["a dog"])[0])
    assert [token.text for token in read.tokens[1:-1]] == ["the", "sea", "a", "dog"]
    (sentence,) = poolwise.inspect(model, ["a dog"])["sentences"]
    assert [token["text"] for token in sentence["tokens"]][1:-1] == ["the", "sea", "a", "dog"]


def test_a_server_starts_without_what_only_the_page_takes():
    code = (
        "import sys, poolwise.serving; poolwise.serving.app\n"
        "slow = {'altair', 'jinja2', 'torch', 'sklearn', 'poolwise.inspection'} & {*sys.modules}\n"
        "sys.exit(str(slow) if slow else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
