"""Against the published definitions step by step, and where the answer is known."""

import numpy as np
import pytest

from poolwise.statistics.isotropy import (
    eigenvalue_ratio,
    iso_score,
    log_partition_ratio,
    participation_ratio,
)


def cloud(n=200, d=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.linspace(0.1, 2, d) + rng.normal(size=d)


def rudman(x):
    """IsoScore by the seven steps of the paper."""
    d = x.shape[1]
    axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]
    variances = np.diag(np.cov((x @ axes.T).T))
    scaled = np.sqrt(d) * variances / np.linalg.norm(variances)
    defect = np.linalg.norm(scaled - np.ones(d)) / np.sqrt(2 * (d - np.sqrt(d)))
    phi = (d - defect**2 * (d - np.sqrt(d))) ** 2 / d**2
    return (d * phi - 1) / (d - 1)


def batra(x):
    c = x - x.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(c.T @ c / len(c))
    return eigenvalues.mean() / eigenvalues.std()


@pytest.mark.parametrize("seed", range(3))
def test_iso_score_is_that_of_the_paper(seed):
    x = cloud(seed=seed)
    assert iso_score(x) == pytest.approx(rudman(x), abs=1e-12)


@pytest.mark.parametrize("n", [200, 8])
def test_the_eigenvalue_ratio_is_mean_over_deviation(n):
    x = cloud(n)
    assert eigenvalue_ratio(x) == pytest.approx(batra(x), rel=1e-9)


def test_all_three_say_the_same_of_as_many_dimensions():
    clouds = [cloud(seed=seed) * np.linspace(1, seed + 1, 12) for seed in range(6)]
    orders = [
        np.argsort([measure(x) for x in clouds]).tolist()
        for measure in (participation_ratio, iso_score, eigenvalue_ratio)
    ]
    assert orders[0] == orders[1] == orders[2]


def test_known_spectra():
    cross = np.vstack([np.eye(5), -np.eye(5)])
    assert participation_ratio(cross) == pytest.approx(5)
    assert iso_score(cross) == pytest.approx(1)
    line = np.outer(np.arange(10.0), np.ones(5))
    assert participation_ratio(line) == pytest.approx(1)
    assert iso_score(line) == pytest.approx(0, abs=1e-12)
    assert eigenvalue_ratio(line) == pytest.approx(0.5)
    assert np.isnan(iso_score(np.ones((10, 5))))
    assert np.isnan(iso_score(np.arange(10.0)[:, None]))


def test_the_partition_ratio_sums_over_rows_for_every_eigenvector_in_both_signs():
    x = cloud()
    axes = np.linalg.eigh(x.T @ x)[1]
    sums = [np.exp(x @ a).sum() for a in (*axes.T, *-axes.T)]
    assert log_partition_ratio(x) == pytest.approx(np.log(min(sums) / max(sums)), rel=1e-9)
    assert log_partition_ratio(np.vstack([np.eye(5), -np.eye(5)])) == pytest.approx(0, abs=1e-12)
    assert np.isfinite(log_partition_ratio(1e4 * x))
