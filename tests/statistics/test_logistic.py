import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from poolwise.statistics import logistic as module
from poolwise.statistics.logistic import STRENGTHS, LogisticModel


def labelled(n=400, d=10, classes=3, seed=0, apart=1.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    centres = np.random.default_rng(99).normal(size=(classes, d))
    return (apart * centres[y] + rng.normal(size=(n, d))) * rng.uniform(0.1, 9, d) + 5, y


@pytest.mark.parametrize("strength", STRENGTHS)
def test_is_scikit_learns_on_standardised_rows(strength):
    x, y = labelled()
    rows = labelled(seed=1)[0]
    model = LogisticModel(x, y, strength)
    scaler = StandardScaler().fit(x)
    expected = LogisticRegression(C=strength, max_iter=500).fit(scaler.transform(x), y)
    np.testing.assert_array_equal(model.predict(rows), expected.predict(scaler.transform(rows)))
    np.testing.assert_allclose(
        model.probabilities(rows), expected.predict_proba(scaler.transform(rows))
    )
    assert model.converged


def test_labels_may_be_words_and_some_may_be_rare():
    x, y = labelled(60)
    words = np.array(["yes", "no", "perhaps"])[y]
    words[7] = "once"
    assert set(LogisticModel(x, words, 1.0).predict(x)) <= {"yes", "no", "perhaps", "once"}


def test_says_that_the_solver_was_stopped(monkeypatch):
    monkeypatch.setattr(module, "ITERATIONS", 1)
    assert not LogisticModel(*labelled(), 1.0).converged


def test_one_label_only():
    x = labelled(20)[0]
    model = LogisticModel(x, np.full(20, 7), 1.0)
    assert model.predict(x).tolist() == [7] * 20
