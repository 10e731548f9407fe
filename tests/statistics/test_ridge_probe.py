import time

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from poolwise.statistics.moments import Moments
from poolwise.statistics.ridge import PENALTIES
from poolwise.statistics.ridge_probe import RidgeProbe

CLASSES = 4


def classed(n=150, d=20, apart=0.7, seed=0, classes=CLASSES):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    x = apart * rng.normal(size=(classes, d))[labels] + rng.normal(size=(n, d))
    return x @ rng.normal(size=(d, d)) * rng.uniform(0.1, 10, d) + 30, labels, rng


def folded(x, labels, folds, classes=CLASSES):
    z = np.hstack([x, np.eye(classes)[labels]])
    parts = [Moments(z.shape[1]) for _ in range(5)]
    for fold, moments in enumerate(parts):
        moments.add(z[folds == fold])
    return parts


def refitted(x, labels, penalty, scale):
    """scikit-learn's Ridge on the rows, as a function of rows."""
    one = StandardScaler().fit(x)
    if scale == "none":
        one.scale_[:] = np.sqrt(x.var(axis=0).mean())
    model = Ridge(alpha=penalty * len(x), solver="svd")
    model.fit(one.transform(x), np.eye(CLASSES)[labels])
    return lambda rows: model.predict(one.transform(rows))


def brute_force(x, labels, folds, penalty, scale):
    errors = 0.0
    for fold in range(5):
        out = folds == fold
        scores = refitted(x[~out], labels[~out], penalty, scale)(x[out])
        errors += ((np.eye(CLASSES)[labels[out]] - scores) ** 2).sum()
    return errors / len(x)


@pytest.mark.parametrize("scale", ["none", "standard"])
@pytest.mark.parametrize(("n", "apart"), [(150, 0.7), (150, 0.0), (25, 0.7)])
def test_equals_refitting_scikit_learn_on_the_rows(scale, n, apart):
    x, labels, rng = classed(n, apart=apart)
    folds = rng.integers(0, 5, n)
    probe = RidgeProbe(folded(x, labels, folds), CLASSES, scale=scale)
    errors = [brute_force(x, labels, folds, p, scale) for p in probe.penalties]
    np.testing.assert_allclose(probe.errors, errors, rtol=0, atol=1e-8)
    assert probe.penalty == probe.penalties[int(np.argmin(errors))]
    again = refitted(x, labels, probe.penalty, scale)
    rows = classed(seed=1)[0]
    np.testing.assert_allclose(probe.scores(rows), again(rows), rtol=0, atol=1e-8)
    np.testing.assert_array_equal(probe.predict(rows), again(rows).argmax(axis=1))


def test_reads_what_is_there_and_not_what_is_not():
    x, labels, rng = classed(3000, apart=1)
    folds = rng.integers(0, 5, 3000)
    train, later = folds > 0, folds == 0
    for planted, at_least, at_most in ((labels, 0.9, 1.0), (rng.permutation(labels), 0.15, 0.35)):
        probe = RidgeProbe(folded(x[train], planted[train], folds[train]), CLASSES)
        assert at_least <= np.mean(probe.predict(x[later]) == planted[later]) <= at_most


def test_without_a_signal_the_largest_penalty_wins():
    x, _, rng = classed(200)
    probe = RidgeProbe(folded(x, rng.integers(0, CLASSES, 200), rng.integers(0, 5, 200)), CLASSES)
    assert probe.penalty == max(PENALTIES)


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_a_unit_of_length_changes_nothing(scale):
    x, labels, rng = classed()
    folds = rng.integers(0, 5, len(x))
    one = RidgeProbe(folded(x, labels, folds), CLASSES, scale=scale)
    other = RidgeProbe(folded(1e-3 * x, labels, folds), CLASSES, scale=scale)
    np.testing.assert_allclose(one.errors, other.errors, rtol=1e-9)
    assert one.penalty == other.penalty


def test_features_a_billion_times_smaller_than_the_others_count_once_standardised():
    x, labels, rng = classed(150)
    x = np.column_stack([x, (labels + rng.normal(size=150) - 7) * 1e-33])
    folds = rng.integers(0, 5, 150)
    probe = RidgeProbe(folded(x, labels, folds), CLASSES, scale="standard")
    again = refitted(x, labels, probe.penalty, "standard")
    np.testing.assert_allclose(probe.scores(x), again(x), rtol=0, atol=1e-8)
    assert probe.coefficients[-1].any()


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_features_that_do_not_vary_are_left_out(scale):
    x, labels, rng = classed()
    folds = rng.integers(0, 5, len(x))
    x[:, 3] = 0.1
    probe = RidgeProbe(folded(x, labels, folds), CLASSES, scale=scale)
    assert not probe.coefficients[3].any()
    shares = np.bincount(labels) / len(labels)
    none = RidgeProbe(folded(np.full((len(x), 2), 0.1), labels, folds), CLASSES, scale=scale)
    np.testing.assert_allclose(none.scores(np.ones((3, 2))), np.tile(shares, (3, 1)))


def test_empty_folds_are_left_out_and_one_is_not_enough():
    x, labels, rng = classed()
    folds = rng.integers(0, 2, len(x))
    probe = RidgeProbe(folded(x, labels, folds), CLASSES)
    assert np.isfinite(probe.errors).all()
    with pytest.raises(ValueError, match="1 folds hold rows"):
        RidgeProbe(folded(x, labels, np.zeros(len(x))), CLASSES)


def test_a_layer_of_384_and_77_classes_is_quick():
    x, labels, rng = classed(2000, 384, classes=77)
    parts = folded(x, labels, rng.integers(0, 5, 2000), classes=77)
    with threadpool_limits(1):
        began = time.process_time()
        RidgeProbe(parts, 77)
        assert time.process_time() - began < 1  # about 0.15 s where nothing else runs
