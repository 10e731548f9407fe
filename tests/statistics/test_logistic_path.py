import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import poolwise
from poolwise.statistics.logistic_path import STRENGTHS, LogisticPath

BANKING77 = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"

SHAPES = [(400, 30, 5), (300, 20, 2), (60, 100, 3), (20, 50, 2)]


def labelled(n=400, d=30, classes=5, seed=0, apart=0.5):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    centres = np.random.default_rng(99).normal(size=(classes, d))
    x = (apart * centres[y] + rng.normal(size=(n, d))) * np.geomspace(0.1, 9, d) + 5
    return x.astype(np.float32), y


def scikit_learns(x, y, rows, strength, scale):
    """Log-probabilities of scikit-learn, solved tightly, for the labels that y holds."""
    x, rows = x.astype(np.float64), rows.astype(np.float64)
    if scale == "standard":
        scaler = StandardScaler().fit(x)
        x, rows = scaler.transform(x), scaler.transform(rows)
    else:
        common = np.sqrt(x.var(axis=0).mean())
        x, rows = (x - x.mean(axis=0)) / common, (rows - x.mean(axis=0)) / common
    model = LogisticRegression(C=strength, tol=1e-10, max_iter=20_000).fit(x, y)
    return model.predict_log_proba(rows)


def assert_equal_to_scikit_learn(x, y, rows, n_classes, scale, atol=2e-3):
    path = LogisticPath(x, y, n_classes, scale=scale, tolerance=1e-10)
    found = np.exp(path.log_probabilities(rows))
    for i, strength in enumerate(STRENGTHS):
        expected = np.exp(scikit_learns(x, y, rows, strength, scale))
        np.testing.assert_allclose(found[i][:, np.unique(y)], expected, atol=atol)


@pytest.mark.parametrize("scale", ["none", "standard"])
@pytest.mark.parametrize(
    ("n", "d", "classes"), [(400, 30, 5), (300, 20, 2), (60, 100, 3), (20, 50, 2)]
)
def test_is_scikit_learns_solved_tightly(n, d, classes, scale):
    x, y = labelled(n, d, classes)
    assert_equal_to_scikit_learn(x, y, labelled(200, d, classes, seed=1)[0], classes, scale)


@pytest.fixture(scope="module")
def banking77():
    """Vectors [800, 384] of the demo model and the intents 0 … 76."""
    with BANKING77.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # the file is sorted by label
    chosen = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:800]]
    names = sorted({row["category"] for row in rows})
    labels = np.array([names.index(row["category"]) for row in chosen])
    return poolwise.load("demo").embed([row["text"] for row in chosen], "mean@-1"), labels


def test_real_vectors_of_77_labels(banking77):
    x, y = banking77
    assert len(np.unique(y[:300])) > 65
    assert_equal_to_scikit_learn(x[:300], y[:300], x[600:], 77, "none")


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_its_own_tolerance_predicts_what_a_tight_one_does(banking77, scale):
    x, y = banking77
    quick = LogisticPath(x[:600], y[:600], 77, scale=scale).log_probabilities(x[600:])
    tight = LogisticPath(x[:600], y[:600], 77, scale=scale, tolerance=1e-9)
    differ = quick.argmax(axis=2) != tight.log_probabilities(x[600:]).argmax(axis=2)
    assert np.all(differ.mean(axis=1) <= 0.03)


def test_labels_of_which_few_rows_have_one():
    x, _ = labelled(300, 20, 2)
    y = (x[:, 0] > np.quantile(x[:, 0], 0.97)).astype(int)
    assert_equal_to_scikit_learn(x, y, x, 2, "none")


def test_labels_that_a_plane_separates():
    x, y = labelled(100, 20, 3, apart=9)
    assert_equal_to_scikit_learn(x, y, x, 3, "standard")


def test_a_label_without_rows_has_no_probability():
    x, y = labelled(120, 10, 3)
    path = LogisticPath(x, np.array([1, 3, 4])[y], 6)
    found = path.log_probabilities(x)
    assert found.shape == (len(STRENGTHS), 120, 6)
    assert np.all(found[:, :, [0, 2, 5]] == -np.inf)
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1)
    without_gaps = LogisticPath(x, y, 3).log_probabilities(x)
    np.testing.assert_allclose(found[:, :, [1, 3, 4]], without_gaps)


def test_one_label_is_certain():
    x, _ = labelled(20, 5, 2)
    found = LogisticPath(x, np.full(20, 1), 3).log_probabilities(x)
    np.testing.assert_array_equal(np.exp(found), np.tile([0.0, 1.0, 0.0], (len(STRENGTHS), 20, 1)))


def test_needs_rows():
    with pytest.raises(ValueError, match="no rows"):
        LogisticPath(np.zeros((0, 3)), [], 2)


def test_a_feature_of_a_tiny_spread_counts_by_its_own_scale():
    x, y = labelled(300, 5, 3)
    tiny = x.copy()
    tiny[:, 0] = (tiny[:, 0] - tiny[:, 0].mean()) * 1e-30
    found = LogisticPath(tiny, y, 3, scale="standard", tolerance=1e-10).log_probabilities(tiny)
    expected = LogisticPath(x, y, 3, scale="standard", tolerance=1e-10).log_probabilities(x)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_constant_features_change_nothing(scale):
    x, y = labelled(200, 6, 3)
    wide = np.c_[x, np.full(200, 0.1, np.float32), np.zeros(200, np.float32)]
    found = LogisticPath(wide, y, 3, scale=scale, tolerance=1e-10)
    assert np.all(found.coefficients[:, 6:] == 0)
    constant = np.ones((200, 4), np.float32)
    prior = LogisticPath(constant, y, 3, scale=scale).log_probabilities(constant)
    expected = np.tile(np.bincount(y) / 200, (4, 200, 1))
    np.testing.assert_allclose(np.exp(prior), expected, rtol=1e-5)


def test_a_later_penalty_is_as_if_solved_alone():
    x, y = labelled(300, 40, 4)
    path = LogisticPath(x, y, 4, tolerance=1e-10)
    for i, strength in enumerate(STRENGTHS):
        alone = LogisticPath(x, y, 4, [strength], tolerance=1e-10)
        np.testing.assert_allclose(alone.coefficients[0], path.coefficients[i], atol=2e-3)
