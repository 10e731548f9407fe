"""The vectors that the doctor is judged by: sentence-transformers makes the same, faults do not."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter

import numpy as np
import pytest
from faulty_server import FAULTS
from oracles import (
    DEPTH,
    POOLER_FAMILIES,
    Setup,
    draw,
    encoder_of,
    expected,
    same_as,
    vectors,
)
from tiny_models import DOCTOR_FAMILIES, POSITIONS

import poolwise

TEXTS = [
    "The Cat sat on the small red hill and ran over it, no?",
    "a big house was not in the sea you saw",
    "Dog",
    "the cat sat on the small red hill and ran over it, no?",
    " ".join(["we saw two old trees, one bird and a man in a House."] * 9),
]
MODES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "sqrtmean",
    "weightedmean": "wmean",
    "lasttoken": "sep",
}
"""sentence-transformers' modes, in the order in which it sets them side by side."""
DENSE = [("Dense", 32, "Tanh"), ("Dense", 32, "Identity"), "Normalize"]


def unit(vectors):
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def theirs(folder, **options):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu").encode(TEXTS, **options)


@pytest.mark.parametrize("family", DOCTOR_FAMILIES)
def test_pools_are_those_of_sentence_transformers(family, sentence_folder):
    folder = sentence_folder(family, "+".join(MODES))
    ours = [vectors(folder, Setup(pool=name), TEXTS) for name in MODES.values()]
    np.testing.assert_allclose(np.hstack(ours), theirs(folder), atol=2e-5)


@pytest.mark.parametrize("family", DOCTOR_FAMILIES)
def test_dense_prompts_and_cuts_are_those_of_sentence_transformers(family, sentence_folder):
    folder = sentence_folder(family, "mean", *DENSE, prompts={"query": "query: "})
    setup = Setup(steps=("dense", "l2", "truncate(8)"), prompt="query: ")
    ours = vectors(folder, setup, TEXTS)
    np.testing.assert_allclose(ours, theirs(folder, prompt_name="query", truncate_dim=8), atol=2e-5)


@pytest.mark.parametrize("family", [*DOCTOR_FAMILIES, "mpnet", "bert-cased"])
def test_layers_and_pools_can_be_told_apart(family, distinct):
    pools = ["cls", "sep", "mean", "mean[words]", "max", "wmean"]
    setups = [Setup(layers=(k,), pool=p) for k in range(1, DEPTH + 1) for p in pools]
    made = np.stack([unit(vectors(distinct(family), setup, TEXTS)) for setup in setups])
    cosines = np.einsum("and,bnd->abn", made, made).min(2)
    np.fill_diagonal(cosines, 0)
    assert cosines.max() < 0.99
    texts = unit(made[setups.index(Setup())])[[0, 1, 2, 4]]
    assert np.triu(texts @ texts.T, 1).max() < 0.99


@pytest.mark.parametrize("family", [*DOCTOR_FAMILIES, "mpnet"])
def test_a_batch_gives_the_vectors_of_single_texts(family, distinct):
    encoder = encoder_of(distinct(family))
    for setup in (Setup(), Setup(pool="sep", special="none"), Setup(length=9, long="windows")):
        alone = vectors(distinct(family), setup, [*TEXTS, ""])
        np.testing.assert_allclose(
            encoder.vectors(setup, [*TEXTS, ""], batched=True), alone, atol=2e-5
        )


def test_tokens_are_cut_as_asked(distinct):
    encoder = encoder_of(distinct("bert"))
    words = encoder.tokenizers["model"](TEXTS[0], add_special_tokens=False)["input_ids"]
    found = {
        (special, side): encoder.tokens(Setup(special=special, length=6, side=side), TEXTS[0])
        for special in ("all", "none", "no closing")
        for side in ("right", "left")
    }
    assert found["all", "right"] == [([2, *words[:4], 3], [1, 0, 0, 0, 0, 1])]
    assert found["all", "left"] == [([2, *words[-4:], 3], [1, 0, 0, 0, 0, 1])]
    assert found["none", "left"] == [(words[-6:], [0] * 6)]
    assert found["no closing", "right"] == [([2, *words[:5]], [1, 0, 0, 0, 0, 0])]
    windows = encoder.tokens(Setup(length=6, long="windows"), TEXTS[0])
    assert [i for ids, _ in windows for i in ids[1:-1]] == words
    ((longest, _),) = encoder.tokens(Setup(), TEXTS[-1])
    assert len(longest) == POSITIONS
    kept = encoder.tokens(Setup(casing="kept"), TEXTS[0])
    assert kept != encoder.tokens(Setup(), TEXTS[0]) == encoder.tokens(Setup(), TEXTS[3])


def test_precisions(distinct):
    def made(precision):
        return vectors(distinct("bert"), Setup(precision=precision), TEXTS)

    exact = made("float32")
    assert made("float16").dtype == np.float16
    assert made("int8").dtype == np.int8
    assert np.abs(made("int8").astype(int)).max() == 127
    errors = {
        p: np.abs(made(p) - exact).max() / np.abs(exact).max()
        for p in ("decimals6", "digits6", "float16", "half", "bfloat16")
    }
    assert all(0 < error < 0.02 for error in errors.values()), errors
    assert errors["digits6"] < 1e-5 < errors["float16"] < errors["bfloat16"]


@pytest.mark.filterwarnings("ignore:.* leaves out dense", "ignore:.* were cut to")
@pytest.mark.parametrize("family", DOCTOR_FAMILIES)
def test_drawn_setups_differ_and_their_equals_are_equal(family, sentence_folder):
    """What poolwise reads is compared too: a spec of ``same_as`` that is not the same is a bug."""
    folder = sentence_folder(family, "mean", *DENSE)
    model = poolwise.load(folder)
    drawn = [draw(seed, family) for seed in range(24)]
    assert drawn == [draw(seed, family) for seed in range(24)]
    assert len(set(drawn)) > 20
    made = [vectors(folder, setup, TEXTS) for setup in drawn]
    assert all(np.isfinite(m.astype(float)).all() and m.any(1).all() for m in made)
    plain = Counter()
    for setup in drawn:
        specs = same_as(setup)
        assert (expected(setup)["readout"] in specs) == bool(specs)
        for spec in specs:
            poolwise.parse(spec)
        if setup.special == "all":
            right = encoder_of(folder).vectors(plainly(setup), TEXTS, batched=True)
            for spec in sorted(specs)[:2]:
                plain[spec] += 1
                np.testing.assert_allclose(model.embed(TEXTS, spec), right, atol=1e-4, err_msg=spec)
    assert len(plain) > 12


def plainly(setup):
    """What the grammar of readouts says of it: nothing of prompts, length, casing and rounding."""
    return Setup(setup.layers, setup.combine, setup.pool, setup.steps)


def asked(server, texts, **options):
    body = json.dumps({"model": "tiny", "input": texts, **options}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/embeddings", body, headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return np.array([row["embedding"] for row in json.load(reply)["data"]])


def right_setup(fault):
    """A Setup that the fault shows in, and the family it needs."""
    family = "roberta" if fault == "cached lower-cased" else "bert"
    steps = ("dense", "l2") if fault.startswith("dense") else ("l2",)
    assert FAULTS[fault].shows(Setup(steps=steps), family)
    return family, Setup(steps=steps)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_changes_vectors(fault, sentence_folder, faulty_server):
    family, setup = right_setup(fault)
    folder = sentence_folder(family, "mean", *DENSE)
    server = faulty_server(folder, setup)
    right = asked(server, TEXTS)
    np.testing.assert_allclose(right, vectors(folder, setup, TEXTS), atol=2e-5)
    server.fault = fault
    wrong = asked(server, TEXTS)
    assert np.abs(wrong - right).max() > (1e-5 if fault == "half" else 1e-3)
    if server.served != setup:
        np.testing.assert_allclose(wrong, vectors(folder, server.served, TEXTS), atol=2e-3)
    again = asked(server, TEXTS)
    assert np.allclose(wrong, again, atol=1e-6) == (fault != "dropout")
    alone = np.concatenate([asked(server, [text]) for text in TEXTS[:3]])
    if fault.startswith("padding"):
        np.testing.assert_allclose(alone, right[:3], atol=2e-5)
    server.fault = None
    np.testing.assert_allclose(asked(server, TEXTS), right, atol=1e-6)


def test_the_server_speaks_the_protocol(distinct, faulty_server):
    from openai import OpenAI

    server = faulty_server(distinct("bert"))
    client = OpenAI(base_url=server.url, api_key="k", max_retries=0)
    with client:
        assert client.models.list().data[0].id == "tiny"
        rows = client.embeddings.create(model="tiny", input=TEXTS[:2]).data  # base64 underneath
    found = np.array([row.embedding for row in rows])
    np.testing.assert_allclose(found, asked(server, TEXTS[:2]), atol=1e-6)
    assert server.requests == [2, 2]


def test_the_server_refuses(distinct, faulty_server):
    server = faulty_server(distinct("bert"))
    for change, texts, status in [({}, [""], 400), ({"key": "k"}, "a", 401), ({}, [], 400)]:
        vars(server).update(change)
        with pytest.raises(urllib.error.HTTPError) as caught:
            asked(server, texts)
        with caught.value as error:
            assert error.code == status
            assert json.load(error)["error"]["message"]
        server.key = None


def test_another_model_is_another(distinct):
    made = [
        unit(vectors(distinct("bert", **options), Setup(), TEXTS))
        for options in ({}, {"noise": 0.05}, {"seed": 1}, {"seed": 2})
    ]
    cosines = np.einsum("and,bnd->abn", made, made)
    assert 0.9 < cosines[0, 1].min() < cosines[0, 1].max() < 0.9999
    assert np.abs(cosines[2:, :2]).max() < 0.8 > np.abs(cosines[2, 3]).max()


def test_families_have_a_pooler_or_not(distinct):
    for family in DOCTOR_FAMILIES:
        has = hasattr(encoder_of(distinct(family)).model, "pooler")
        assert has == (family in POOLER_FAMILIES)
