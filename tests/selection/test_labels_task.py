"""The task of texts with labels: scikit-learn's numbers, and no row that knows its own label."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

import poolwise
from poolwise.selection import probes
from poolwise.selection.label_scores import LABEL_SCORES
from poolwise.selection.probes import cross_fitted_log_probabilities
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.task import fitted_steps
from poolwise.selection.vector_cache import cache_vectors
from poolwise.statistics.discriminant_path import DiscriminantPath
from poolwise.statistics.logistic_path import STRENGTHS, LogisticPath
from poolwise.texts import LabelledTexts

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"
INTENTS = 4
STRENGTH = 0.05


@pytest.fixture(scope="module")
def data():
    """The texts of the most frequent intents."""
    with BANKING77.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    usual = {intent for intent, _ in Counter(intent for _, intent in rows).most_common(INTENTS)}
    texts, labels = zip(*((text, label) for text, label in rows if label in usual), strict=True)
    return LabelledTexts("intents", texts, labels, [""] * len(texts), "hash")


@pytest.fixture(scope="module")
def cache(demo, data):
    return cache_vectors(demo, data.texts, [poolwise.parse("mean@-1")])


@pytest.fixture(scope="module")
def x(cache, data):
    return cache["mean@-1"][cache.rows(data.texts)]


@pytest.fixture
def one_penalty(monkeypatch):
    """Both probes at one penalty, the regression solved tightly: there is nothing to choose."""

    def logistic(x, y, n_classes, strengths):
        return LogisticPath(x, y, n_classes, strengths, tolerance=1e-10)

    found = {
        "logistic regression": probes.Probe((STRENGTH,), logistic),
        "discriminant": probes.Probe((1e-2,), DiscriminantPath),
    }
    monkeypatch.setattr(probes, "PROBES", found)


def log_probabilities(task, x, targets=None, steps=None, probe="logistic regression"):
    return cross_fitted_log_probabilities(
        x,
        task.targets if targets is None else targets,
        len(task.classes),
        folds=task.folds,
        usable=np.ones(len(x), bool),
        features=lambda fitted: fitted_steps(steps, x[fitted], None),
        probe=probe,
    )


class CommonScale(LogisticRegression):
    """scikit-learn's, on features that are divided by the root of their mean variance."""

    def _scaled(self, x):
        return (np.asarray(x, np.float64) - self.mean_) / self.scale_

    def fit(self, x, y):
        self.mean_, self.scale_ = x.mean(axis=0), np.sqrt(x.var(axis=0).mean())
        return super().fit(self._scaled(x), y)

    def predict_proba(self, x):
        return super().predict_proba(self._scaled(x))

    def predict_log_proba(self, x):
        return np.log(self.predict_proba(x))


@pytest.fixture(scope="module")
def scikit_learns(data, x):
    """Its probabilities of every row, from the other folds of the task."""
    task = LabelsTask(data, 0)
    model = CommonScale(C=STRENGTH, tol=1e-6, max_iter=5000)
    return cross_val_predict(
        model,
        x.astype(np.float64),
        task.targets,
        cv=PredefinedSplit(task.folds.codes),
        method="predict_proba",
    )


def test_log_probabilities_are_scikit_learns_from_the_other_folds(
    data, x, one_penalty, scikit_learns
):
    found = np.exp(log_probabilities(LabelsTask(data, 0), x))
    np.testing.assert_allclose(found, scikit_learns, atol=2e-3)


SCORES = {
    "accuracy": lambda y, p: accuracy_score(y, p.argmax(axis=1)),
    "balanced accuracy": lambda y, p: balanced_accuracy_score(y, p.argmax(axis=1)),
    "macro-F1": lambda y, p: f1_score(y, p.argmax(axis=1), average="macro"),
    "AUC": lambda y, p: roc_auc_score(y, p, multi_class="ovr", average="macro"),
}


@pytest.mark.parametrize("score", SCORES)
def test_scores_are_scikit_learns(score, data, x, cache, one_penalty, scikit_learns):
    task = LabelsTask(data, 0, score=score)
    found = task.row_scores(cache, cache["mean@-1"]).mean()
    expected = SCORES[score](task.targets, scikit_learns)
    # A row or two may lie on the border between two labels.
    assert found == pytest.approx(expected, abs=1e-4 if score == "AUC" else 1.5 / len(data))


@pytest.mark.parametrize("steps", [None, "mean@-1|whiten(32)", "mean@-1|standardize"])
@pytest.mark.parametrize("probe", ["logistic regression", "discriminant"])
def test_no_row_is_scored_by_what_knows_its_label(data, x, one_penalty, steps, probe):
    task = LabelsTask(data, 0)
    steps = steps and poolwise.parse(steps)
    before = log_probabilities(task, x, steps=steps, probe=probe)
    fold = task.folds.codes == 2
    changed = task.targets.copy()
    changed[fold] = np.random.default_rng(0).permutation(changed[fold])
    after = log_probabilities(task, x, changed, steps=steps, probe=probe)
    np.testing.assert_array_equal(after[fold], before[fold])
    assert not np.array_equal(after[~fold], before[~fold])


def test_no_step_is_fitted_on_the_row_that_it_scores(data, x, one_penalty):
    task = LabelsTask(data, 0)
    steps = poolwise.parse("mean@-1|whiten(32)")
    fold = np.flatnonzero(task.folds.codes == 2)
    before = log_probabilities(task, x, steps=steps)
    moved = x.copy()
    moved[fold[1:]] = moved[fold[1:]] * 3 + 1
    after = log_probabilities(task, moved, steps=steps)
    np.testing.assert_allclose(after[fold[0]], before[fold[0]], atol=1e-4)
    others = task.folds.codes != 2
    assert np.abs(after[others] - before[others]).max() > 0.01


def test_a_folds_penalty_is_chosen_on_the_other_folds(data, x):
    task = LabelsTask(data, 0)
    chosen = log_probabilities(task, x)
    fits = {
        fold: LogisticPath(
            x[fitted], task.targets[fitted], len(task.classes), tolerance=probes.TOLERANCE
        )
        for fold, fitted, _ in task.folds.divisions()
    }
    held_out = np.empty((4, len(x), len(task.classes)))
    for fold, _, rows in task.folds.divisions():
        held_out[:, rows] = fits[fold].log_probabilities(x[rows])
    loss = -held_out[:, np.arange(len(x)), task.targets]
    for fold, _, rows in task.folds.divisions():
        best = loss[:, task.folds.codes != fold].sum(axis=1).argmin()
        np.testing.assert_allclose(chosen[rows], held_out[best, rows], atol=1e-4)


def test_of_many_rows_two_folds_choose_the_penalty_of_the_others(data, x, monkeypatch):
    monkeypatch.setattr(probes, "ENOUGH", 1)
    task = LabelsTask(data, 0)
    codes, n_labels = task.folds.codes, len(task.classes)
    chosen = log_probabilities(task, x)
    tolerance = probes.TOLERANCE
    paths = [
        LogisticPath(x[codes != f], task.targets[codes != f], n_labels, tolerance=tolerance)
        for f in (0, 1)
    ]
    held_out = [path.log_probabilities(x[codes == f]) for f, path in enumerate(paths)]
    losses = []
    for f, predictions in enumerate(held_out):
        own = np.flatnonzero(codes == f)
        losses.append(-predictions[:, np.arange(len(own)), task.targets[own]].sum(axis=1))
    for f in (0, 1):
        best = losses[1 - f].argmin()
        np.testing.assert_allclose(chosen[codes == f], held_out[f][best], atol=1e-4)
    strength = STRENGTHS[sum(losses).argmin()]
    y = task.targets[codes != 3]
    path = LogisticPath(x[codes != 3], y, n_labels, (strength,), tolerance=tolerance)
    expected = path.log_probabilities(x[codes == 3])[0]
    np.testing.assert_allclose(chosen[codes == 3], expected, atol=1e-4)


def test_a_row_without_a_vector_gets_the_shares_of_the_labels(data, x, cache, one_penalty):
    task = LabelsTask(data, 0)
    usable = np.ones(len(x), bool)
    usable[:3] = False
    broken = x.copy()
    broken[:3] = np.nan
    found = task.probe_scores(broken, usable)
    fold = task.folds.codes != task.folds.codes[0]
    frequent = np.bincount(task.targets[fold & usable]).argmax()
    assert found[0] == (task.targets[0] == frequent)
    assert np.isfinite(found).all()


def test_rows_of_test_are_predicted_by_all_others(data, x, one_penalty):
    n = len(data)
    task = LabelsTask(replace(data, splits=["train"] * (n - 40) + ["test"] * 40), 0)
    found = np.exp(log_probabilities(task, x))[n - 40 :]
    oracle = CommonScale(C=STRENGTH, tol=1e-6, max_iter=5000).fit(x[: n - 40], task.targets[:-40])
    np.testing.assert_allclose(found, oracle.predict_proba(x[n - 40 :]), atol=2e-3)


def imbalanced(share, n=200):
    texts = [f"text {i}" for i in range(n)]
    rare = int(n * (1 - share))
    labels = ["rare"] * rare + ["usual"] * (n - rare)
    return LabelledTexts("d", texts, labels, [""] * n, "h")


@pytest.mark.parametrize(("share", "score"), [(0.5, "accuracy"), (0.69, "accuracy"), (0.95, "AUC")])
def test_the_score_follows_the_imbalance_and_the_notes_say_why(share, score):
    task = LabelsTask(imbalanced(share), 0)
    assert task.score == score
    said = [note for note in task.notes if "scored by AUC, not accuracy: 95%" in note]
    assert len(said) == (score == "AUC")
    assert LabelsTask(imbalanced(share), 0, score="macro-F1").score == "macro-F1"


@pytest.mark.parametrize("score", LABEL_SCORES)
def test_chance_is_always_naming_the_most_frequent_label(score):
    data = imbalanced(0.95)
    task = LabelsTask(data, 0, score=score)
    expected = {
        "accuracy": 0.95,
        "balanced accuracy": 0.5,
        "macro-F1": f1_score(data.labels, ["usual"] * 200, average="macro", zero_division=0),
        "AUC": 0.5,
        "average precision": task.chance_scores().mean(),
    }
    assert task.chance_scores().mean() == pytest.approx(expected[score])
