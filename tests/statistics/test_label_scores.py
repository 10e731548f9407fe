"""Scores of predicted labels: scikit-learn's values, and derivatives in the rows' weights."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    roc_auc_score,
)

from poolwise.statistics import label_scores

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"


def sklearn_score(name, scores, targets, weights=None):
    """What scikit-learn gives, with weights of the rows."""
    k, predicted, named = scores.shape[1], scores.argmax(axis=1), {"sample_weight": weights}
    labels = np.unique(targets)
    if name == "accuracy":
        return accuracy_score(targets, predicted, **named)
    if name == "balanced_accuracy":
        return balanced_accuracy_score(targets, predicted, **named)
    if name == "macro_f1":
        return f1_score(targets, predicted, average="macro", zero_division=0, **named)
    if name == "auc":
        ranked = [1] if k == 2 else labels
        return np.mean([roc_auc_score(targets == c, scores[:, c], **named) for c in ranked])
    ranked = [int((targets == 1).mean() <= 0.5)] if k == 2 else labels
    return np.mean([average_precision_score(targets == c, scores[:, c], **named) for c in ranked])


SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "auc", "average_precision")


def drawn(kind, n=180):
    """Log-probabilities [n, k] and labels: even, rare, absent from rows or predictions, tied."""
    rng = np.random.default_rng(3)
    k = 2 if kind in ("two", "two tied", "rare") else 6
    share = np.full(k, 1 / k) if kind != "rare" else np.array([0.93, 0.07])
    targets = rng.choice(k, n, p=share)
    if kind == "absent":
        targets[targets == 2] = 3
    scores = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[targets]
    if kind == "never predicted":
        scores[:, 4] = -9 + rng.normal(size=n)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return (scores.round(0) if "tied" in kind else scores), targets


KINDS = ("two", "two tied", "rare", "six", "six tied", "absent", "never predicted")


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_scikit_learns(name, kind):
    scores, targets = drawn(kind)
    value, influence = getattr(label_scores, name)(scores, targets)
    assert value == pytest.approx(sklearn_score(name, scores, targets), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("kind", KINDS)
def test_influences_are_derivatives_in_the_rows_weights(name, kind):
    scores, targets = drawn(kind, 60)
    _, influence = getattr(label_scores, name)(scores, targets)
    step, some = 1e-5, np.arange(0, 60, 5)
    numeric = np.empty(len(some))
    for at, i in enumerate(some):
        ends = [
            sklearn_score(name, scores, targets, np.ones(60) + sign * step * (np.arange(60) == i))
            for sign in (1, -1)
        ]
        numeric[at] = 60 * (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(influence[some], numeric, atol=1e-6)


def test_several_labels_are_scikit_learns_one_against_the_rest():
    scores, targets = drawn("six")
    chances = np.exp(scores)
    theirs = roc_auc_score(targets, chances, multi_class="ovr", average="macro")
    assert label_scores.auc(scores, targets)[0] == pytest.approx(theirs, abs=1e-12)


def test_predicted_labels_serve_where_nothing_is_ranked():
    scores, targets = drawn("six")
    for name in SCORES[:3]:
        score = getattr(label_scores, name)
        by_rank, by_label = score(scores, targets), score(scores.argmax(axis=1), targets)
        assert by_rank[0] == by_label[0]
        np.testing.assert_array_equal(by_rank[1], by_label[1])
    with pytest.raises(ValueError, match="a column for each label"):
        label_scores.auc(scores.argmax(axis=1), targets)


def test_one_label_leaves_only_accuracy():
    scores, targets = drawn("six")[0], np.full(180, 2)
    assert label_scores.accuracy(scores, targets)[0] == np.mean(scores.argmax(axis=1) == 2)
    for name in SCORES[1:]:
        value, influence = getattr(label_scores, name)(scores, targets)
        assert np.isnan(value)
        assert np.isnan(influence).all()


def test_what_does_not_fit_is_refused():
    scores, targets = drawn("six")
    with pytest.raises(ValueError, match="targets of"):
        label_scores.accuracy(scores, targets[:-1])
    with pytest.raises(ValueError, match="label 6, but scores for 6"):
        label_scores.auc(scores, np.where(targets == 5, 6, targets))


@pytest.fixture(scope="module")
def questions(demo):
    """Vectors of 480 bank customers' questions and their 12 labels."""
    with BANKING77.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = sorted({row["category"] for row in rows})[:12]
    chosen = [row for label in labels for row in rows if row["category"] == label]
    picked = np.random.default_rng(0).permutation(len(chosen))[:480]
    texts = [chosen[i]["text"] for i in picked]
    return demo.embed(texts, "mean@-1"), np.array(
        [labels.index(chosen[i]["category"]) for i in picked]
    )


def test_real_questions_are_scored_as_scikit_learn_does(questions):
    vectors, labels = questions
    probe = LogisticRegression(max_iter=500).fit(vectors[:240], labels[:240])
    scores, targets = probe.predict_log_proba(vectors[240:]), labels[240:]
    for name in SCORES:
        value, _ = getattr(label_scores, name)(scores, targets)
        assert 0.5 < value < 1
        assert value == pytest.approx(sklearn_score(name, scores, targets), abs=1e-9)
