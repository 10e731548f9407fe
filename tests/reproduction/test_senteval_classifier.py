"""The accuracies of SentEval's own procedure, with scikit-learn's solver."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

import poolwise
from poolwise.errors import StudyError
from poolwise.reproduction import reproduce
from poolwise.reproduction.presets import Preset, PublishedRow
from poolwise.reproduction.senteval_classifier import (
    Split,
    cross_validated_accuracy,
    nested_accuracy,
    validated_accuracy,
)


@pytest.fixture
def splits():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 6)) * 0.4

    def split(n, k):
        labels = rng.integers(0, k, n)
        return Split((centres[labels] + rng.normal(size=(n, 6)) + 5).astype(np.float32), labels)

    return split


def folds():
    return StratifiedKFold(n_splits=10, shuffle=True, random_state=1111)


def fitted(x, y, c):
    return LogisticRegression(C=c, max_iter=1000, tol=1e-8).fit(x, y)


def chosen(x, y, strengths):
    """As KFoldClassifier and InnerKFoldClassifier choose."""
    scores = []
    for c in strengths:
        each = [fitted(x[a], y[a], c).score(x[b], y[b]) for a, b in folds().split(x, y)]
        scores.append(round(100 * np.mean(each), 2))
    return strengths[int(np.argmax(scores))]


def test_without_splits(splits):
    train = splits(120, 2)
    x, y = train.features, train.labels
    expected = []
    for a, b in folds().split(x, y):
        c = chosen(x[a], y[a], [2.0**t for t in range(-2, 4)])
        expected.append(fitted(x[a], y[a], c).score(x[b], y[b]))
    assert nested_accuracy(train) == pytest.approx(np.mean(expected), abs=1e-9)


def test_with_a_test_split(splits):
    train, test = splits(200, 3), splits(150, 3)
    c = chosen(train.features, train.labels, [2.0**t for t in range(-1, 6)])
    expected = fitted(train.features, train.labels, c).score(test.features, test.labels)
    assert cross_validated_accuracy(train, test) == pytest.approx(expected, abs=1e-9)


def test_with_a_dev_split(splits):
    train, dev, test = splits(200, 2), splits(80, 2), splits(150, 2)
    regressions = [fitted(train.features, train.labels, 2.0**t) for t in range(-2, 4)]
    scores = [round(100 * r.score(dev.features, dev.labels), 2) for r in regressions]
    expected = regressions[int(np.argmax(scores))].score(test.features, test.labels)
    assert validated_accuracy(train, dev, test) == pytest.approx(expected, abs=1e-9)


def test_a_label_needs_an_example_a_fold(splits):
    few = Split(splits(40, 2).features, np.array([0] * 31 + [1] * 9))
    with pytest.raises(StudyError, match="a label has 9 examples to train, 10 folds need 10"):
        nested_accuracy(few)


def test_pairs_are_told_by_their_difference_and_product(tiny, tmp_path):
    (tmp_path / "MRPC").mkdir()
    animals = "cat dog bird tree house sea".split()
    rows = [(int(a == b), f"the {a} was old", f"old {b}") for a in animals for b in animals] * 4
    text = "header\n" + "".join(f"{y}\t1\t2\t{a}\t{b}\n" for y, a, b in rows)
    for split in ("train", "test"):
        (tmp_path / "MRPC" / f"msr_paraphrase_{split}.txt").write_text(text)
    model = poolwise.load(tiny("bert"))
    row = PublishedRow("mean", "mean@-1", {"MRPC": 50.0, "SST": 50.0}, "here")
    table = Preset("transfer", "t", "demo", "accuracy", 0.5, [row])
    paraphrases, sst = reproduce(table, tmp_path, lambda: model)
    assert paraphrases.reason == "144 of 4,076 examples to train, 144 of 1,725 examples to test"

    def features(examples):
        u, v = (model.embed([pair[i] for pair in examples], "mean@-1") for i in (1, 2))
        return Split(np.hstack([abs(u - v), u * v]), np.array([pair[0] for pair in examples]))

    # in SentEval's order: by the numbers of words, then by label
    both = features(sorted(rows, key=lambda r: (len(r[1].split()), len(r[2].split()), r[0])))
    assert paraphrases.measured == pytest.approx(100 * cross_validated_accuracy(both, both))
    assert sst.reason.startswith("there is no SST/binary/sentiment-train or sentiment-dev or")
