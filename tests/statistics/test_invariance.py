import numpy as np
import pytest
from scipy.special import log_softmax

from poolwise.statistics.invariance import info_nce, linear_cka


def pair(n=30, d=6, e=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, e))


def test_info_nce_is_the_loss_in_both_directions():
    x, y = pair()
    a, b = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (x, y))
    logits = a @ b.T / 0.1
    both = [-np.diag(log_softmax(m, axis=1)).mean() for m in (logits, logits.T)]
    assert info_nce(x, y) == pytest.approx(np.mean(both), rel=1e-12)
    assert info_nce(np.ones((20, 3)), np.ones((20, 3))) == pytest.approx(np.log(20))
    assert info_nce(np.eye(5), np.eye(5)) == pytest.approx(np.log1p(4 * np.exp(-10)))


def test_cka_compares_centred_kernels():
    x, y = pair(e=4)
    centre = np.eye(30) - 1 / 30
    k, m = (centre @ z @ z.T @ centre for z in (x, y))
    expected = np.sum(k * m) / np.linalg.norm(k) / np.linalg.norm(m)
    assert linear_cka(x, y) == pytest.approx(expected, rel=1e-9)
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    assert linear_cka(x, 3 * x @ turned + 5) == pytest.approx(1)
    assert np.isnan(linear_cka(x, np.ones((30, 2))))
