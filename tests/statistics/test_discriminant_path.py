"""A discriminant at several penalties: Gaussians of one covariance, and scikit-learn's."""

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from poolwise.statistics.discriminant_path import DiscriminantPath

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)


@pytest.fixture(scope="module")
def data():
    """Rows [600, 8] of unequal spread, labels of 0 … 3, new rows [200, 8]."""
    rng = np.random.default_rng(0)
    y = rng.choice(4, 600, p=[0.5, 0.2, 0.2, 0.1])
    spread = np.geomspace(0.3, 3, 8)
    centres = rng.normal(size=(4, 8))
    return (rng.normal(size=(600, 8)) + centres[y]) * spread + 3, y, rng.normal(size=(200, 8)) + 3


def test_it_is_gaussians_of_one_covariance_with_the_penalty_added(data):
    x, y, new = data
    means = np.stack([x[y == k].mean(axis=0) for k in range(4)])
    within = (x - means[y]).T @ (x - means[y]) / len(x)
    found = DiscriminantPath(x, y, 4, PENALTIES).log_probabilities(new)
    assert found.shape == (4, 200, 4)
    for penalty, at_penalty in zip(PENALTIES, found, strict=True):
        covariance = within + penalty * x.var(axis=0).mean() * np.eye(8)
        densities = [multivariate_normal(mean, covariance).logpdf(new) for mean in means]
        expected = log_softmax(np.stack(densities, axis=1) + np.log(np.bincount(y) / 600), axis=1)
        np.testing.assert_allclose(np.exp(at_penalty), np.exp(expected), atol=1e-4)


def test_it_is_scikit_learns_where_the_penalty_is_nothing(data):
    x, y, new = data
    oracle = LinearDiscriminantAnalysis(solver="eigen", shrinkage=1e-9).fit(x, y)
    found = DiscriminantPath(x, y, 4, [1e-9]).log_probabilities(new)[0]
    np.testing.assert_allclose(np.exp(found), oracle.predict_proba(new), atol=1e-4)


def test_a_label_that_was_not_seen_has_no_probability(data):
    x, y, new = data
    found = DiscriminantPath(x, np.where(y == 1, 5, y), 6, PENALTIES).log_probabilities(new)
    assert np.isneginf(found[..., [1, 4]]).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1, rtol=1e-5)
