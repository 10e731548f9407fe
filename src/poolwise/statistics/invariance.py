"""How alike two versions of a text are, and how alike two layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from poolwise.statistics.geometry import unit_vectors

TEMPERATURE = 0.1


def info_nce(x: ArrayLike, y: ArrayLike) -> float:
    """Mean of −log softmax of the cosine of corresponding rows of x and y [n, d], over 0.1, among
    all rows; in both directions.

    0 where each row finds its other version surely, log n where it cannot tell it from others.
    Oord, Li & Vinyals 2018, "Representation Learning with Contrastive Predictive Coding"; as a
    score of layers in Skean et al. 2025, "Layer by Layer: Uncovering Hidden Representations in
    Language Models".
    """
    logits = unit_vectors(x) @ unit_vectors(y).T / TEMPERATURE
    own = np.diagonal(logits).mean()
    return float((logsumexp(logits, axis=0) + logsumexp(logits, axis=1)).mean() / 2 - own)


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Centred kernel alignment of rows [n, d] and [n, e] by inner products, 0 to 1; NaN where one
    of them is constant.

    Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited".
    """
    a, b = (rows - rows.mean(axis=0) for rows in (np.asarray(x, float), np.asarray(y, float)))
    norms = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(np.sum((a.T @ b) ** 2) / norms) if norms > 0 else float("nan")
