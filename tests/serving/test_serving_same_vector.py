"""One vector everywhere: library, command line and every protocol give the same bits."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

import poolwise

TEXTS = [
    "the cat sat on a mat",
    "no",
    "we saw the sea and the big red house, and it was old!",
    "Ünïcode is in it too",
    "you and they and we ran over the small hill to the old house in a tree",
]

BERT_FLAGS = {
    "mean@-1": {"pooling_layer": "-1"},
    "pooler": {"pooling_strategy": "CLS_POOLED"},
    "mean@concat(-2,-1)": {"pooling_layer": "-2,-1"},
}
"""bert-as-service's own flags where they can say the readout."""

READOUTS = ["mean@-1", "cls@-2|l2", "pooler", "mean@concat(-2,-1)"]


@dataclass(frozen=True)
class Route:
    """A request of texts, and the vectors in its reply; ``l2`` where the protocol promises length
    one."""

    path: str
    body: Callable
    vectors: Callable
    l2: bool = False


def of_base64(text):
    return np.frombuffer(base64.b64decode(text), "<f4").tolist()


def cohere(kind):
    def body(readout, texts):
        asked = {"input_type": "search_document", "embedding_types": [kind]}
        return {"model": readout, "texts": texts, **asked}

    return body


ROUTES = {
    "OpenAI, numbers": Route(
        "/v1/embeddings",
        lambda readout, texts: {"model": readout, "input": texts, "encoding_format": "float"},
        lambda reply: [row["embedding"] for row in reply["data"]],
    ),
    "OpenAI, base64": Route(
        "/v1/embeddings",
        lambda readout, texts: {"model": readout, "input": texts, "encoding_format": "base64"},
        lambda reply: [of_base64(row["embedding"]) for row in reply["data"]],
    ),
    "TEI": Route(
        "/embed",
        lambda _, texts: {"inputs": texts, "normalize": False},
        lambda reply: reply,
    ),
    "TEI, normalised": Route(
        "/embed", lambda _, texts: {"inputs": texts}, lambda reply: reply, l2=True
    ),
    "TEI at its root": Route("/", lambda _, texts: {"inputs": texts}, lambda reply: reply, l2=True),
    "Ollama": Route(
        "/api/embed",
        lambda readout, texts: {"model": readout, "input": texts},
        lambda reply: reply["embeddings"],
        l2=True,
    ),
    "vLLM": Route(
        "/pooling",
        lambda readout, texts: {"model": readout, "input": texts, "task": "embed"},
        lambda reply: [row["data"] for row in reply["data"]],
    ),
    "Cohere, numbers": Route(
        "/v2/embed", cohere("float"), lambda reply: reply["embeddings"]["float"]
    ),
    "Cohere, base64": Route(
        "/v2/embed",
        cohere("base64"),
        lambda reply: [of_base64(row) for row in reply["embeddings"]["base64"]],
    ),
    "bert-as-service": Route(
        "/encode",
        lambda _, texts: {"id": 1, "texts": texts, "is_tokenized": False},
        lambda reply: reply["result"],
    ),
}


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("bert")


@pytest.fixture(scope="module", params=READOUTS)
def readout(request):
    return request.param


@pytest.fixture(scope="module")
def expected(folder, readout):
    """The library's vectors, and those of length one."""
    model = poolwise.load(folder)
    assert model.engine_for("exact").name == "native"
    with_length = readout if readout.endswith("|l2") else f"{readout}|l2"
    return {False: model.embed(TEXTS, readout), True: model.embed(TEXTS, with_length)}


@pytest.fixture(scope="module")
def url(live_server, folder, readout):
    flags = []
    if readout in BERT_FLAGS:
        of_bert = {**BERT_FLAGS[readout], "port": 0, "port_out": 0, "max_seq_len": "NONE"}
        flags = [f"--bert={name}={value}" for name, value in of_bert.items()]
        flags.append("--bert-as-service")
    return live_server(folder, "-r", readout, *flags)


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        return json.load(reply)


def test_length_one_by_rows():
    """A row's bits do not depend on those beside it, whose length may be one already."""
    from poolwise.serving.vectors import normalised

    rows = np.random.default_rng(0).normal(size=(200, 24)).astype(np.float32)
    rows[::2] = normalised(rows[::2]) * np.float32(1 + 5e-7)
    alone = np.concatenate([normalised(row[None]) for row in rows])
    together = normalised(rows)
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together[::2], rows[::2])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_library_alone_and_among_others(folder, readout, expected):
    model = poolwise.load(folder)
    alone = np.stack([model.embed(text, readout) for text in TEXTS])
    np.testing.assert_array_equal(alone, expected[False])


def test_command_line(folder, readout, expected, tmp_path):
    texts, vectors = tmp_path / "texts.txt", tmp_path / "vectors.npy"
    texts.write_text("\n".join(TEXTS) + "\n", "utf-8")
    command = [sys.executable, "-m", "poolwise", "embed", folder, texts, "-o", vectors]
    subprocess.run([*command, "-r", readout], check=True, capture_output=True, timeout=300)
    np.testing.assert_array_equal(np.load(vectors), expected[False])


@pytest.mark.parametrize("name", ROUTES)
def test_protocol(url, readout, expected, name):
    """Each text alone, and all together; at once, so that they share passes."""
    if name == "bert-as-service" and readout not in BERT_FLAGS:
        pytest.skip("bert-as-service has no flag for this readout")
    route = ROUTES[name]
    requests = [[text] for text in TEXTS] + [TEXTS] * 3 + [TEXTS[::-1]]

    def vectors(texts):
        reply = post(f"{url}{route.path}", route.body(readout, texts))
        return np.array(route.vectors(reply), np.float32)

    with ThreadPoolExecutor(len(requests)) as threads:
        found = list(threads.map(vectors, requests))
    wanted, n = expected[route.l2], len(TEXTS)
    np.testing.assert_array_equal(np.concatenate(found[:n]), wanted)
    for together in found[n : n + 3]:
        np.testing.assert_array_equal(together, wanted)
    np.testing.assert_array_equal(found[-1], wanted[::-1])
