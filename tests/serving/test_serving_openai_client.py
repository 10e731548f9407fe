"""OpenAI's own client, its third major, unmodified, against a server's process."""

from __future__ import annotations

import asyncio
import base64
import re
import urllib.request
from collections import Counter
from importlib.metadata import version

import numpy as np
import pytest

import poolwise

openai = pytest.importorskip("openai")

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("bert")


@pytest.fixture(scope="module")
def url(live_server, folder):
    return live_server(folder, "-r", "mean@-1", "-r", "cls@-2|l2")


@pytest.fixture
def client(url):
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any") as client:
        yield client


@pytest.fixture
def replies(url):
    """``replies()`` counts those of /v1/embeddings since the last call, by status."""
    told = Counter()

    def since():
        with urllib.request.urlopen(f"{url}/metrics", timeout=60) as reply:
            text = reply.read().decode()
        pattern = r'poolwise_requests_total\{code="(\d+)",route="/v1/embeddings"\} (\S+)'
        now = Counter({int(code): int(float(n)) for code, n in re.findall(pattern, text)})
        new = now - told
        told.update(new)
        return dict(new)

    since()
    return since


def vectors(reply):
    return np.array([row.embedding for row in reply.data], np.float32)


def test_major_is_the_third():
    assert int(version("openai").partition(".")[0]) >= 3


def test_default_asks_for_base64_and_gives_the_library_s_vectors(client, folder):
    reply = client.embeddings.create(model="mean@-1", input=TEXTS)
    expected = poolwise.load(folder).embed(TEXTS, "mean@-1")
    np.testing.assert_array_equal(vectors(reply), expected)
    assert [row.index for row in reply.data] == [0, 1, 2]
    assert reply.model == reply.readout == "mean@-1"


def test_base64_and_float_are_equal_bit_for_bit(client):
    as_text = client.embeddings.create(model="mean@-1", input=TEXTS, encoding_format="base64")
    assert all(isinstance(row.embedding, str) for row in as_text.data)
    as_numbers = client.embeddings.create(model="mean@-1", input=TEXTS, encoding_format="float")
    decoded = client.embeddings.create(model="mean@-1", input=TEXTS)
    np.testing.assert_array_equal(vectors(decoded), vectors(as_numbers))
    assert vectors(as_numbers).tobytes() == b"".join(
        base64.b64decode(row.embedding) for row in as_text.data
    )


def test_one_text_and_usage(client, folder):
    reply = client.embeddings.create(model=folder.name, input=TEXTS[0])
    assert len(reply.data) == 1
    n_tokens = poolwise.load(folder).tokenize([TEXTS[0]])[0].n_tokens
    assert (reply.usage.prompt_tokens, reply.usage.total_tokens) == (n_tokens, n_tokens)


def test_header_says_the_readout(client):
    raw = client.embeddings.with_raw_response.create(model="cls@-2|l2", input="a dog")
    assert raw.headers["x-poolwise-readout"] == raw.parse().readout == "cls@-2|l2"


def test_readout_of_the_request(client, folder):
    """Named at the start or not: any that needs no fit."""
    reply = client.embeddings.create(model=f"{folder.name}:max@1", input=TEXTS)
    np.testing.assert_array_equal(vectors(reply), poolwise.load(folder).embed(TEXTS, "max@1"))


def test_async_client(url, client):
    async def run():
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as several:
            calls = (several.embeddings.create(model="mean@-1", input=text) for text in TEXTS * 8)
            return await asyncio.gather(*calls)

    together = client.embeddings.create(model="mean@-1", input=TEXTS * 8)
    alone = np.concatenate([vectors(reply) for reply in asyncio.run(run())])
    np.testing.assert_array_equal(alone, vectors(together))


def test_models(client, folder):
    models = client.models.list()
    assert [model.id for model in models] == [folder.name, f"{folder.name}:cls@-2|l2"]
    first = models.data[0]
    assert (first.max_model_len, first.dimensions, first.readout) == (64, 32, "mean@-1")
    assert first.fingerprint == poolwise.load(folder).hash


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"model": "text-embedding-3-small", "input": "a"}, "NotFoundError", "cls@-2|l2"),
        ({"model": "mean@-9", "input": "a"}, "NotFoundError", "mean@-9"),
        ({"model": "mean@-1", "input": ""}, "BadRequestError", "input[0] is empty"),
        ({"model": "mean@-1", "input": ["a", ""]}, "BadRequestError", "input[1] is empty"),
        ({"model": "mean@-1", "input": []}, "BadRequestError", "no input"),
        ({"model": "mean@-1", "input": "a", "dimensions": 8}, "BadRequestError", "--shorten"),
        ({"model": "mean@-1", "input": [[1, 2]]}, "BadRequestError", "--accept-token-ids"),
        ({"model": "mean@-1", "input": "a", "encoding_format": "hex"}, "BadRequestError", "hex"),
    ],
)
def test_errors_are_the_client_s_own_and_are_sent_once(client, replies, arguments, error, says):
    kind = getattr(openai, error)
    with pytest.raises(kind, match=re.escape(says)) as caught:
        client.embeddings.create(**arguments)
    assert caught.value.type
    assert caught.value.code
    assert replies() == {caught.value.status_code: 1}


def test_key(live_server, folder, tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys.write_text("# of the test\nsecret-1\nsecret-2\n")
    url = live_server(folder, "-r", "mean@-1", "--api-key-file", keys)
    for key in ("secret-1", "secret-2"):
        with openai.OpenAI(base_url=f"{url}/v1", api_key=key) as client:
            assert len(client.embeddings.create(model="mean@-1", input="a").data) == 1
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="secret-3") as client,
        pytest.raises(openai.AuthenticationError, match="a wrong key"),
    ):
        client.embeddings.create(model="mean@-1", input="a")


def test_dimensions_and_token_ids_where_the_operator_allows_them(live_server, folder):
    url = live_server(folder, "-r", "mean@-1", "--shorten", "--accept-token-ids")
    model = poolwise.load(folder)
    ids = [text.windows[0].ids.tolist() for text in model.tokenize(TEXTS)]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any") as client:
        short = client.embeddings.create(model="mean@-1", input=TEXTS, dimensions=8)
        by_ids = client.embeddings.create(model="mean@-1", input=ids)
    whole = model.embed(TEXTS, "mean@-1")
    np.testing.assert_array_equal(vectors(short), whole[:, :8])
    np.testing.assert_array_equal(vectors(by_ids), whole)
