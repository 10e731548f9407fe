"""How evenly vectors spread over directions: measures that are read off without labels.

Three of them say the same of vectors of as many dimensions: IsoScore, LOES' isotropy and the
participation ratio rise and fall together, for all are functions of (tr C)² / tr C² of the
covariance C.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from poolwise.statistics.geometry import same_rows

Array = NDArray[np.float64]


def participation_ratio(x: ArrayLike) -> float:
    """(tr C)² / tr C² of the covariance C of rows [n, d], 1 to d; NaN where all are the same.

    That of these rows; ``effective_dimensions`` estimates that of what they are drawn from.
    """
    rows = np.asarray(x, np.float64)
    if same_rows(rows):
        return float("nan")
    c = rows - rows.mean(axis=0)
    products = c.T @ c if len(c) >= c.shape[1] else c @ c.T
    return float(np.trace(products) ** 2 / np.sum(products**2))


def iso_score(x: ArrayLike) -> float:
    """IsoScore of rows [n, d]: 1 where all principal axes have the same variance, 0 where one has
    it all.

    Rudman, Gillman, Rayne & Eickhoff 2022, "IsoScore: Measuring the Uniformity of Embedding Space
    Utilization". With variances σ² of norm √d their defect δ = ‖σ² − 1‖ / √(2 (d − √d)) and
    φ = (d − δ² (d − √d))² / d² come to φ = r / d of the participation ratio r, so that
    (d φ − 1) / (d − 1) is (r − 1) / (d − 1).
    """
    d = np.shape(x)[1]
    return (participation_ratio(x) - 1) / (d - 1) if d > 1 else float("nan")


def eigenvalue_ratio(x: ArrayLike) -> float:
    """Mean over standard deviation of the eigenvalues of the covariance of rows [n, d].

    The isotropy of Batra et al. 2026, "Uncovering the Latent Potential of Deep Intermediate
    Representations" (LOES; arXiv 2605.23033), 1 / √(d / r − 1) of the participation ratio r;
    infinite where all variances are the same.
    """
    d, ratio = np.shape(x)[1], participation_ratio(x)
    excess = d / ratio - 1
    return float("inf") if excess <= 0 else float(1 / np.sqrt(excess))


def log_partition_ratio(x: ArrayLike) -> float:
    """log of min Z(a) / max Z(a), Z(a) the sum of exp(a·v) over rows v [n, d]; 0 where every
    direction is alike.

    Mu & Viswanath 2018, "All-but-the-Top: Simple and Effective Postprocessing for Word
    Representations": a are the eigenvectors of the rows' products, here in both signs, for the
    sign of an eigenvector is arbitrary.
    """
    rows = np.asarray(x, np.float64)
    axes = np.linalg.eigh(rows.T @ rows)[1]
    along = rows @ axes
    sums = np.concatenate([logsumexp(along, axis=0), logsumexp(-along, axis=0)])
    return float(sums.min() - sums.max())
