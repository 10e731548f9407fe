"""How many directions vectors use, by the entropy of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from scipy.special import entr

Array = NDArray[np.float64]

RIDGE = 1e-4
"""Of the mean variance within: LiDAR adds 1e-4 itself, which would depend on the vectors' unit."""


def rank_me(x: ArrayLike) -> float:
    """exp of the entropy of the singular values of rows [n, d], 1 to min(n, d).

    Garrido, Balestriero, Najman & LeCun 2023, "RankMe: Assessing the Downstream Performance of
    Pretrained Self-Supervised Representations by Their Rank".
    """
    rows = np.asarray(x, np.float64)
    products = rows.T @ rows if len(rows) >= rows.shape[1] else rows @ rows.T
    return _exp_entropy(np.sqrt(np.linalg.eigvalsh(products).clip(min=0)))


def lidar(views: ArrayLike) -> float:
    """exp of the entropy of the spectrum of Σ_w^(−1/2) Σ_b Σ_w^(−1/2) of ``views`` [q, n, d]: q
    versions of each of n texts.

    Σ_b is the covariance of the texts' means, Σ_w that of versions about them. Thilak et al. 2024,
    "LiDAR: Sensing Linear Probing Performance in Joint Embedding SSL Architectures". NaN where
    versions do not differ.
    """
    x = np.asarray(views, np.float64)
    means = x.mean(axis=0)
    within, between = (x - means).reshape(-1, x.shape[2]), means - means.mean(axis=0)
    covariance = within.T @ within / len(within)
    scale = float(np.trace(covariance)) / len(covariance)
    if scale <= 0:
        return float("nan")
    covariance[np.diag_indices(len(covariance))] += RIDGE * scale
    spectrum = eigh(between.T @ between / len(between), covariance, eigvals_only=True)
    return _exp_entropy(np.asarray(spectrum).clip(min=0))


def _exp_entropy(values: Array) -> float:
    total = values.sum()
    return float(np.exp(entr(values / total).sum())) if total > 0 else float("nan")
