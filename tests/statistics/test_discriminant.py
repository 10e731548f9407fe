import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from poolwise.statistics.discriminant import Discriminant
from poolwise.statistics.moments import Moments

N = 1500


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def trained(x, y, labels, **options):
    folds = [Moments(x.shape[1] + labels) for _ in range(5)]
    for i, fold in enumerate(folds):
        fold.add(np.hstack([x[i::5], np.eye(labels)[y[i::5]]]))
    return Discriminant(folds, labels, **options)


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_it_is_sklearns_where_the_penalty_is_nothing(rng, scale):
    y = rng.choice(4, N, p=[0.5, 0.2, 0.2, 0.1])
    x = rng.normal(size=(N, 6)) + y[:, None] * [1, 0.5, 0, 0, 0, 0] + 3
    oracle = LinearDiscriminantAnalysis().fit(x, y)
    assert (
        trained(x, y, 4, penalties=[1e-9], scale=scale).predict(x) == oracle.predict(x)
    ).mean() > 0.995


def test_the_middle_of_a_scale_is_named(rng):
    x = rng.normal(size=(N, 8))
    y = np.digitize(x[:, 0], [-1, -0.3, 0.3, 1])
    new = rng.normal(size=(N, 8))
    found = trained(x, y, 5).predict(new)
    assert (found == np.digitize(new[:, 0], [-1, -0.3, 0.3, 1])).mean() > 0.75


def test_a_label_that_was_not_seen_is_not_named(rng):
    y = rng.choice([0, 2], N)
    x = rng.normal(size=(N, 3)) + y[:, None]
    assert set(trained(x, y, 4).predict(x)) == {0, 2}
