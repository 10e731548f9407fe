import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from poolwise.statistics import logistic as module
from poolwise.statistics.logistic import STRENGTHS, LogisticModel, logistic_probe


def labelled(n=400, d=10, classes=3, seed=0, apart=1.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    centres = np.random.default_rng(99).normal(size=(classes, d))
    return (apart * centres[y] + rng.normal(size=(n, d))) * rng.uniform(0.1, 9, d) + 5, y


def test_is_scikit_learns_on_standardised_rows_at_the_strength_chosen():
    x, y = labelled()
    rows = labelled(seed=1)[0]
    found = logistic_probe(x, y, rows)
    scaler = StandardScaler().fit(x)
    expected = LogisticRegression(C=found.strength, max_iter=500).fit(scaler.transform(x), y)
    np.testing.assert_array_equal(found.predicted, expected.predict(scaler.transform(rows)))
    assert (found.converged, found.note) == (True, "")
    assert found.strength in STRENGTHS


def test_the_strength_comes_from_the_training_rows():
    """Many features and few rows: free weights fit noise, and the held-out fifths show it."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 150)
    x = rng.normal(size=(150, 120))
    x[:, 0] += y
    assert logistic_probe(x, y, x).strength < 1
    strong, later = labelled(600, apart=0.3), labelled(300, seed=3, apart=0.3)
    assert np.mean(logistic_probe(*strong, later[0]).predicted == later[1]) > 0.36


def test_labels_may_be_words_and_some_may_be_rare():
    x, y = labelled(60)
    words = np.array(["yes", "no", "perhaps"])[y]
    words[7] = "once"
    assert set(logistic_probe(x, words, x).predicted.tolist()) <= {"yes", "no", "perhaps", "once"}


def test_says_that_the_solver_was_stopped(monkeypatch):
    monkeypatch.setattr(module, "ITERATIONS", 1)
    x, y = labelled()
    found = logistic_probe(x, y, x)
    assert not found.converged
    assert found.note == "not converged after 1 iterations"


def test_one_label_only():
    x = labelled(20)[0]
    with pytest.raises(ValueError, match="20 rows with one label"):
        logistic_probe(x, np.zeros(20), x)
    model = LogisticModel(x, np.full(20, 7), 1.0)
    assert model.predict(x).tolist() == [7] * 20


def test_three_rows_are_enough_to_answer():
    x, _ = labelled(3)
    assert logistic_probe(x, np.array([0, 1, 1]), x).predicted.shape == (3,)
