import numpy as np
import pytest
from scipy.linalg import inv, sqrtm
from scipy.stats import entropy

from poolwise.statistics.effective_rank import RIDGE, lidar, rank_me


@pytest.mark.parametrize("shape", [(50, 8), (6, 20)])
def test_rank_me_is_the_entropy_of_the_singular_values(shape):
    x = np.random.default_rng(0).normal(size=shape)
    singular = np.linalg.svd(x, compute_uv=False)
    assert rank_me(x) == pytest.approx(np.exp(entropy(singular)), rel=1e-9)


def test_rank_me_counts_equal_directions():
    assert rank_me(np.eye(7)[:, :4]) == pytest.approx(4)
    assert rank_me(np.outer(np.arange(5.0), np.ones(3))) == pytest.approx(1, abs=1e-6)
    assert np.isnan(rank_me(np.zeros((4, 3))))


def test_lidar_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(40, 6)) * np.arange(1, 7)
    views = texts + 0.3 * rng.normal(size=(3, 40, 6))
    means = views.mean(axis=0)
    between = np.cov(means.T, bias=True)
    within = sum(np.outer(v, v) for v in (views - means).reshape(-1, 6)) / 120
    root = inv(sqrtm(within + RIDGE * np.trace(within) / 6 * np.eye(6)).real)
    spectrum = np.linalg.eigvalsh(root @ between @ root)
    assert lidar(views) == pytest.approx(np.exp(entropy(spectrum)), rel=1e-9)
    assert lidar(1e-3 * views) == pytest.approx(lidar(views), rel=1e-9)
    assert np.isnan(lidar([texts, texts]))
