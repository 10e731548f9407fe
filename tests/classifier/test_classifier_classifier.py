"""A checkpoint that predicts: its outputs beside torch's, and folders that are none."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import expit, softmax

import poolwise
from poolwise.classifier.classifier import OUTPUTS, load_classifier
from poolwise.errors import EncoderError, OptionError, PoolwiseWarning, StudyError, TextError

TEXTS = ["the cat sat on the mat", "", "a dog", "tree " * 100, "a dog"]
LABELS = ["cat", "dog", "tree"]


@pytest.fixture(scope="session")
def theirs(tiny, tmp_path_factory):
    """``theirs(family, k, problem)``: a folder of transformers' own, and its model."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    made = {}

    def make(family="bert", k=3, problem=None):
        if (family, k, problem) not in made:
            folder = tmp_path_factory.mktemp(f"{family}-classifier")
            logging.set_verbosity_error()  # of the new head
            names = dict(enumerate(LABELS[:k])) if k > 1 else {0: "LABEL_0"}
            model = AutoModelForSequenceClassification.from_pretrained(
                tiny(family), id2label=names, problem_type=problem
            ).eval()
            logging.set_verbosity_warning()
            torch.manual_seed(1)
            with torch.no_grad():
                for parameter in model.classifier.parameters():
                    parameter.normal_(0.0, 1.0)
            model.save_pretrained(folder)
            AutoTokenizer.from_pretrained(tiny(family)).save_pretrained(folder)
            made[family, k, problem] = folder, model
        return made[family, k, problem]

    return make


def torch_logits(folder, model, texts):
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        read = [tokenizer(t, truncation=True, max_length=64, return_tensors="pt") for t in texts]
        return np.concatenate([model(**one).logits.numpy() for one in read])


@pytest.fixture
def ours(tiny, tmp_path):
    """``ours(about, …)``: an encoder's folder with a head and this poolwise.json."""

    def make(about, *, family="bert", query=False, **tensors):
        folder = shutil.copytree(tiny(family), tmp_path / "ours")
        about = {
            "format": 1,
            "kind": "classification",
            "readout": "mean@-1",
            "asked": "mean@-1",
            "attention": query,
            "labels": LABELS,
            "made": {"seed": 3},
            **about,
        }
        rng = np.random.default_rng(0)
        k = 1 if about["kind"] == "regression" else len(about["labels"])
        head = {"weight": (k, 32), "bias": (k,)} | ({"query": (32,)} if query else {})
        drawn = {f"classifier.{n}": rng.normal(size=s).astype("f4") for n, s in head.items()}
        path = folder / "model.safetensors"
        save_file({**load_file(path), **drawn, **tensors}, path, metadata={"format": "pt"})
        (folder / "poolwise.json").write_text(json.dumps(about), encoding="utf-8")
        return folder

    return make


def refusal(folder):
    with pytest.raises(EncoderError) as caught:
        load_classifier(folder)
    return str(caught.value)


@pytest.mark.parametrize("family", ["bert", "albert"])
def test_outputs_are_those_of_transformers(theirs, family):
    folder, model = theirs(family)
    classifier = load_classifier(folder)
    expected = torch_logits(folder, model, TEXTS)
    outputs = classifier.outputs(TEXTS)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_array_equal(outputs[2], outputs[4])
    assert str(classifier.readout) == classifier.spec == "pooler"
    assert classifier.predict(TEXTS) == [LABELS[i] for i in expected.argmax(1)]
    np.testing.assert_allclose(classifier.predict_proba(TEXTS), softmax(expected, 1), atol=1e-5)
    assert repr(classifier) == f"<Classifier {folder.name}: pooler → 3 labels>"


def test_several_labels(theirs):
    folder, model = theirs(problem="multi_label_classification")
    classifier = load_classifier(folder)
    expected = torch_logits(folder, model, TEXTS)
    assert classifier.output_space.kind == "multilabel"
    assert classifier.predict(TEXTS) == [
        [name for name, logit in zip(LABELS, row, strict=True) if logit > 0] for row in expected
    ]
    np.testing.assert_allclose(classifier.predict_proba(TEXTS), expit(expected), atol=1e-5)


def test_numbers(theirs):
    folder, model = theirs(k=1)
    classifier = load_classifier(folder)
    assert classifier.output_space.kind == "regression"
    expected = torch_logits(folder, model, TEXTS)[:, 0]
    np.testing.assert_allclose(classifier.predict(TEXTS), expected, atol=1e-5)
    with pytest.raises(StudyError, match="a number, which has no probability"):
        classifier.predict_proba(TEXTS)


def test_no_texts_and_one_text(theirs):
    classifier = load_classifier(theirs()[0])
    assert classifier.outputs([]).shape == (0, 3)
    assert classifier.predict([]) == []
    assert classifier.predict_proba([]).shape == (0, 3)
    with pytest.raises(TextError, match=r"write \[text\]"):
        classifier.predict("the cat")


def test_pickled_and_copied(ours):
    folder = ours({"readout": "mean@weights(0=0.25,-1=0.75)", "asked": "mean@weights(0=1,-1=1)"})
    classifier = load_classifier(folder)
    expected = classifier.outputs(TEXTS[:3])
    for twin in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        np.testing.assert_array_equal(twin.outputs(TEXTS[:3]), expected)
        assert twin.predict(TEXTS[:3]) == classifier.predict(TEXTS[:3])
        assert (twin.output_space, twin.provenance) == (
            classifier.output_space,
            classifier.provenance,
        )


@pytest.mark.parametrize("query", [False, True])
def test_inputs_are_those_of_the_model(ours, query):
    """With and without attention, which reads texts by a way of its own."""
    classifier = load_classifier(ours({}, query=query))
    expected = classifier.predict(TEXTS[:3])
    assert classifier.predict(pd.Series(TEXTS[:3], index=[2, 0, 1])) == expected
    assert classifier.predict(text for text in TEXTS[:3]) == expected
    for wrong in (pd.DataFrame({"text": TEXTS}), {"text": TEXTS}, None, {*TEXTS}, b"the cat"):
        with pytest.raises(TextError, match=r"found .*expected one text, or texts"):
            classifier.predict(wrong)
    with pytest.raises(TextError, match="row 1: found NaN"):
        classifier.predict(["a", float("nan")])
    with pytest.raises(OptionError, match="precision is 'float32'"):
        classifier.predict(TEXTS[:3], precision="float32")


def test_batches_come_with_marks(theirs):
    classifier = load_classifier(theirs()[0])
    (batch,) = classifier.batches(TEXTS)
    assert batch.vectors[OUTPUTS].shape == (5, 3)
    assert batch.truncated.tolist() == [False, False, False, True, False]
    assert batch.empty.tolist() == [False, True, False, False, False]
    assert not batch.nonfinite.any()
    assert [sentence.text for sentence in batch.sentences] == TEXTS


def test_a_described_folder(ours):
    about = {"readout": "mean@weights(0=0.25,-1=0.75)", "asked": "mean@weights(0=1,-1=1)"}
    folder = ours(about)
    classifier = load_classifier(folder)
    assert (classifier.spec, classifier.provenance) == (about["asked"], {"seed": 3})
    vectors = poolwise.load(folder).embed(TEXTS[:3], about["readout"])
    expected = vectors @ classifier.weight.T + classifier.bias
    np.testing.assert_allclose(classifier.outputs(TEXTS[:3]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("lacking", "nearest"), [("token[9]@-1", "sep@-1"), ("mean[words]@1", "mean@1")]
)
def test_a_text_that_lacks_what_is_read(ours, lacking, nearest):
    classifier = load_classifier(ours({"readout": lacking}))
    vectors = classifier.model.embed(["", "the " * 20], nearest)
    expected = vectors @ classifier.weight.T + classifier.bias
    found = classifier.outputs(["", "the " * 20])
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
    assert abs(found[1] - expected[1]).max() > 1e-3


def test_attention(ours):
    classifier = load_classifier(ours({"readout": "mean@avg(1,-1)"}, query=True))
    many = [*TEXTS, *(f"{'a ' * (n % 7)}cat" for n in range(2500))]
    outputs = classifier.outputs(many)
    for row in (0, 1, 3, 2504):
        (inside,) = classifier.model.token_outputs([many[row]], layers=[1, 3])
        hidden = inside.hidden_states.mean(axis=0)[0].astype(np.float64)
        vector = softmax(hidden @ classifier.query) @ hidden
        expected = classifier.weight @ vector + classifier.bias
        np.testing.assert_allclose(outputs[row], expected, atol=1e-4)
    first, second = classifier.batches(many)
    assert (len(first), len(second)) == (2048, 457)
    assert np.flatnonzero(first.empty).tolist() == [1]
    assert np.flatnonzero(first.truncated).tolist() == [3]


def test_outputs_that_are_not_finite_have_no_label(ours):
    huge = np.full((3, 32), 3e38, np.float32)
    folder = ours({}, **{"classifier.weight": huge})
    classifier = load_classifier(folder)
    with pytest.warns(PoolwiseWarning, match="2 texts have outputs that are not finite"):
        assert classifier.predict(["a cat", "the dog"]) == [None, None]


def test_classifiers_of_other_families_are_named(tiny, theirs, tmp_path):
    said = refusal(tiny("bert"))
    assert "found 'BertModel' as its architecture and no poolwise.json" in said
    assert "expected a folder that poolwise tune has written, or BertForSeq" in said
    folder = shutil.copytree(theirs()[0], tmp_path / "a")
    config = json.loads((folder / "config.json").read_text())
    for key, value, expected in [
        ("architectures", ["RobertaForSequenceClassification"], "'RobertaForSequenceClassific"),
        ("architectures", None, "found no class"),
        ("architectures", [["x"]], "found a list"),
        ("problem_type", "guess", "problem_type is 'guess', expected one of single_label_class"),
        ("problem_type", "regression", "a regression of 3 numbers, expected one"),
        ("id2label", {"0": "a", "1": "a", "2": "b"}, "two outputs have the label 'a'"),
        ("id2label", {"0": "a", "2": "b"}, "expected the numbers from 0 to 1"),
        ("id2label", {"0": "a", "1": 7}, "labels is a list, expected a list of names"),
        ("id2label", {"0": "a", "1": "b"}, "classifier.weight has shape (3, 32), but config.json"),
        ("id2label", ["a"], "id2label: holds a list, expected a JSON object"),
        ("id2label", {}, "0 labels, expected at least 2"),
    ]:
        (folder / "config.json").write_text(json.dumps({**config, key: value}))
        assert expected in refusal(folder), key


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"format": 2}, "its format is 2, expected 1"),
        ({"readout": 3}, "readout is 3, expected a str"),
        ({"attention": 1}, "attention is 1, expected a bool"),
        ({"readout": "mean@9"}, "no hidden state 9"),
        ({"readout": "mean@-1|l2"}, "has steps, expected none"),
        ({"readout": "moan@-1"}, "poolwise.json: "),
        ({"attention": True, "readout": "cls@-1"}, "found attention and the readout cls@-1"),
        ({"attention": True, "readout": "pooler"}, "found attention and the readout pooler"),
        ({"attention": True}, "has no classifier.query, which poolwise.json asks for"),
        ({"readout": "mean@concat(1,2)"}, "shape (3, 32), but poolwise.json asks for (3, 64)"),
        ({"kind": "ranking"}, "kind is 'ranking', expected classification, multilabel"),
        ({"kind": ["x"]}, "kind is a list"),
        ({"labels": "abc"}, "labels is 'abc', expected a list of names"),
        ({"labels": ["a"]}, "1 labels, expected at least 2"),
        ({"made": []}, "made: holds a list"),
    ],
)
def test_descriptions_that_do_not_fit(ours, about, said):
    assert said in refusal(ours(about))


def test_values_that_are_not_finite_are_refused(ours):
    weight = np.full((3, 32), np.nan, np.float32)
    assert "classifier.weight holds values that are not finite" in refusal(
        ours({}, **{"classifier.weight": weight})
    )


@pytest.mark.parametrize("query", [False, True])
def test_no_torch_is_needed(ours, query):
    """Not even where it is installed: an attentive classifier reads hidden states, too."""
    code = (
        "import sys; sys.modules.update(torch=None, transformers=None)\n"
        "import poolwise; classifier = poolwise.load_classifier(sys.argv[1])\n"
        "print(classifier.predict(['the cat']), 'poolwise.tuning' in sys.modules)"
    )
    run = [sys.executable, "-c", code, str(ours({}, query=query))]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert told.strip() in {f"['{label}'] False" for label in LABELS}
