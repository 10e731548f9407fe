"""Labels from a server: TEI's /predict and poolwise's own reply, beside the classifier itself."""

from __future__ import annotations

import json
import shutil

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import softmax
from starlette.testclient import TestClient

import poolwise
from poolwise.classifier.classifier import load_classifier
from poolwise.serving import app, serve_model
from poolwise.serving.protocols.prediction import PredictionsReply
from poolwise.serving.protocols.tei_errors import TEIError

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea", "x"]
LONG = " ".join(["the cat sat on a mat and ran over the hill to the old house in the sea"] * 8)
LABELS = ["cat", "dog", "sea"]


@pytest.fixture(scope="module")
def checkpoint(tiny, tmp_path_factory):
    """``checkpoint(kind, readout, query=False)``: a folder that ``poolwise tune`` could have
    written."""

    def make(kind="classification", readout="mean@-1", *, query=False):
        folder = tmp_path_factory.mktemp("checkpoint") / "tuned"
        shutil.copytree(tiny("bert"), folder)
        labels = [] if kind == "regression" else LABELS
        rng = np.random.default_rng(0)
        k = len(labels) or 1
        head = {
            "classifier.weight": rng.normal(size=(k, 32)).astype("f4"),
            "classifier.bias": rng.normal(size=k).astype("f4"),
        }
        if query:
            head["classifier.query"] = rng.normal(size=32).astype("f4")
        path = folder / "model.safetensors"
        save_file({**load_file(path), **head}, path, metadata={"format": "pt"})
        about = {"format": 1, "kind": kind, "readout": readout, "asked": readout}
        about |= {"attention": query, "labels": labels, "made": {"seed": 1}}
        (folder / "poolwise.json").write_text(json.dumps(about))
        return folder

    return make


@pytest.fixture(scope="module")
def folder(checkpoint):
    return checkpoint()


@pytest.fixture(scope="module")
def server(folder):
    with TestClient(app(folder, max_inputs=32)) as server:
        yield server


def answer(server, body, path="/predict", status=200):
    reply = server.post(path, json=body)
    assert reply.status_code == status, reply.text
    return reply.json()


def ranked(scores):
    order = np.argsort(-scores)
    return [{"score": float(scores[i]), "label": LABELS[i]} for i in order]


HEADS = [
    {},
    {"readout": "cls@avg(1,3)"},
    {"readout": "pooler"},
    {"readout": "mean[words]@-1"},
    {"readout": "token[5]@-1"},
    {"query": True},
    {"kind": "multilabel"},
]


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_scores_are_the_classifiers_own(checkpoint, head):
    folder = checkpoint(**head)
    classifier = load_classifier(folder)
    expected, outputs = classifier.predict_proba(TEXTS), classifier.outputs(TEXTS)
    with TestClient(app(folder)) as server:
        scores = answer(server, {"inputs": [[text] for text in TEXTS]})
        raw = answer(server, {"inputs": [[text] for text in TEXTS], "raw_scores": True})
        own = answer(server, {"texts": TEXTS})
    for of_text, row in zip(scores, expected, strict=True):
        assert {one["label"]: np.float32(one["score"]) for one in of_text} == dict(
            zip(LABELS, row, strict=True)
        )
        assert [one["score"] for one in of_text] == sorted(row.tolist(), reverse=True) or (
            [np.float32(one["score"]) for one in of_text] == sorted(row, reverse=True)
        )
    for of_text, row in zip(raw, outputs, strict=True):
        assert {one["label"]: np.float32(one["score"]) for one in of_text} == dict(
            zip(LABELS, row, strict=True)
        )
    assert [one["label"] for one in own["predictions"]] == classifier.predict(TEXTS)


def test_one_text_and_several(server, folder):
    expected = softmax(load_classifier(folder).outputs(TEXTS), axis=1)
    single = answer(server, {"inputs": TEXTS[0]})
    assert [one["label"] for one in single] == [one["label"] for one in ranked(expected[0])]
    assert [one["score"] for one in single] == pytest.approx(
        [one["score"] for one in ranked(expected[0])], abs=1e-6
    )
    assert answer(server, {"inputs": [TEXTS[0]]}) == single
    assert answer(server, {"inputs": [[TEXTS[0]]]}) == [single]


@pytest.mark.parametrize("path", ["/", "/invocations"])
def test_the_root_of_a_classifiers_server_predicts(server, path):
    body = {"inputs": [[text] for text in TEXTS]}
    assert answer(server, body, path) == answer(server, body)
    assert server.get("/info").json()["model_type"] == {
        "classifier": {
            "id2label": dict(zip("012", LABELS, strict=True)),
            "label2id": {label: i for i, label in enumerate(LABELS)},
        }
    }
    similar = {"inputs": {"source_sentence": TEXTS[0], "sentences": [TEXTS[0]]}}
    assert answer(server, similar, path) == pytest.approx([1.0])


def test_poolwises_own_reply(server, folder):
    classifier = load_classifier(folder)
    reply = server.post("/predict", json={"texts": TEXTS, "model": "tuned"})
    found = msgspec.convert(reply.json(), PredictionsReply)
    shares = classifier.predict_proba(TEXTS)
    for one, label, row in zip(found.predictions, classifier.predict(TEXTS), shares, strict=True):
        assert one.label == label
        assert one.probabilities == pytest.approx(dict(zip(LABELS, row, strict=True)))
        assert one.probability == max(one.probabilities.values())
    assert (found.model, found.readout) == ("tuned", "mean@-1")
    assert reply.headers["x-poolwise-readout"] == "mean@-1"


def test_several_labels_and_numbers(checkpoint):
    multilabel, regression = checkpoint("multilabel"), checkpoint("regression")
    with TestClient(app(multilabel)) as server:
        found = answer(server, {"texts": TEXTS})["predictions"]
    assert [one["label"] for one in found] == load_classifier(multilabel).predict(TEXTS)
    assert not any("probability" in one for one in found)
    numbers = load_classifier(regression).predict(TEXTS)
    with TestClient(app(regression)) as server:
        own = answer(server, {"texts": TEXTS})["predictions"]
        tei = answer(server, {"inputs": [[text] for text in TEXTS]})
    assert np.array_equal(np.array([one["label"] for one in own], np.float32), numbers)
    assert [{*one} for one in own] == [{"label"}] * len(TEXTS)
    assert np.array_equal(np.array([row[0]["score"] for row in tei], np.float32), numbers)
    assert [row[0]["label"] for row in tei] == ["LABEL_0"] * len(TEXTS)


@pytest.mark.parametrize("head", [{}, {"query": True}], ids=str)
def test_long_texts_are_cut_where_asked_or_refused(checkpoint, head):
    folder = checkpoint(**head)
    words = LONG.split()
    ends = {"right": " ".join(words[:62]), "left": " ".join(words[-62:])}
    expected = dict(zip(ends, load_classifier(folder).outputs(ends.values()), strict=True))
    with TestClient(app(folder)) as server:
        for side, row in expected.items():
            body = {"inputs": LONG, "truncation_direction": side, "raw_scores": True}
            found = {one["label"]: np.float32(one["score"]) for one in answer(server, body)}
            assert found == dict(zip(LABELS, row, strict=True))
        refused = answer(server, {"inputs": LONG, "truncate": False}, status=422)
    assert refused["error_type"] == "Validation"


def test_a_classifier_beside_an_encoder(tiny, folder):
    encoder = serve_model(tiny("bert"), ["mean@-1"], name="encoder")
    tuned = serve_model(folder, name="tuned")
    body = {"inputs": TEXTS[0]}
    with TestClient(app([encoder, tuned])) as server:
        assert answer(server, body) == answer(server, body | {"model": "tuned"})
        vectors = np.array(answer(server, body, "/"), np.float32)
        unknown = answer(server, body | {"model": "encoder"}, status=404)
        assert "embedding" in server.get("/info").json()["model_type"]
        named = server.post("/predict", json=body, headers={"x-poolwise-model": "nothing"})
    expected = poolwise.load(tiny("bert")).embed(TEXTS[0], "mean@-1")
    assert vectors[0] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert "tuned" in unknown["error"]
    assert named.status_code == 404


BAD = [
    ({"inputs": []}, 400, "Empty"),
    ({"inputs": ""}, 400, "Empty"),
    ({"inputs": [[]]}, 400, "Empty"),
    ({"inputs": [[""]]}, 400, "Empty"),
    ({"texts": []}, 400, "Empty"),
    ({"texts": ["a", ""]}, 400, "Empty"),
    ({}, 422, "Validation"),
    ({"inputs": "a", "texts": ["a"]}, 422, "Validation"),
    ({"inputs": ["a", "a pair"]}, 422, "Validation"),
    ({"inputs": [["a", "a pair"]]}, 422, "Validation"),
    ({"inputs": [["a"], "b"]}, 422, "Validation"),
    ({"inputs": ["a", ["b"]]}, 422, "Validation"),
    ({"inputs": [1]}, 422, "Validation"),
    ({"texts": "a"}, 422, "Validation"),
    ({"inputs": [["a"]] * 33}, 422, "Validation"),
    ({"inputs": "a", "raw_scores": 1}, 422, "Validation"),
    ({"inputs": "a", "model": "nothing"}, 404, "Validation"),
]


@pytest.mark.parametrize(("body", "status", "kind"), BAD)
def test_what_is_refused(server, body, status, kind):
    told = answer(server, body, status=status)
    assert {*told} == {"error", "error_type"}
    assert msgspec.convert(told, TEIError).error_type == kind


@pytest.mark.parametrize("query", [False, True])
def test_outputs_that_are_not_finite_are_no_prediction(checkpoint, tiny, query):
    folder = checkpoint(query=query)
    tensors = load_file(folder / "model.safetensors")
    signs = np.sign(poolwise.load(tiny("bert")).embed("the cat", "mean@-1"))
    tensors["classifier.weight"] = np.float32(3e38) * np.tile(signs, (3, 1))
    tensors["classifier.query"] = np.zeros(32, np.float32)  # the mean, too
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert not np.isfinite(load_classifier(folder).outputs(["the cat"])).all()
    with TestClient(app(folder)) as server:
        told = answer(server, {"inputs": "the cat"}, status=424)
    assert told["error_type"] == "Backend"
