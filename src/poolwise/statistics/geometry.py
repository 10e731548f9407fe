"""The shape of a cloud of vectors: its direction, and the dimensions that rule it.

Means over pairs of rows are taken over all pairs, not over drawn ones: their products of unit
vectors come from sums. Intervals are those of resampled rows, not pairs, by each row's influence on
the statistic (the infinitesimal jackknife; see ``correlation``). Where all rows are the same there
is no shape, and every statistic is the constant's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from poolwise.statistics.clusters import standard_error
from poolwise.statistics.estimate import ROUNDING, Estimate

Array = NDArray[np.float64]

LEAST = 0.01
NO_COSINE = f"the mean cosine is not clearly above {LEAST}: too little to be shared out"


def unit_vectors(x: ArrayLike) -> Array:
    """Rows [n, d] divided by their lengths; rows of zeros stay."""
    rows = np.asarray(x, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def anisotropy(x: ArrayLike) -> Estimate:
    """Mean cosine of two different rows of x [n, d].

    Ethayarajh 2019, "How Contextual are Contextualized Word Representations?".
    """
    rows = np.asarray(x, np.float64)
    if same_rows(rows):
        return Estimate.constant()
    contributions, influences = _contributions(unit_vectors(rows))
    return _within(float(contributions.sum()), influences.sum(axis=1))


def dominance(x: ArrayLike, dimensions: int) -> Estimate:
    """Share of the mean cosine of two rows of x [n, d] that the largest ``dimensions`` make.

    Timkey & van Schijndel 2021, "All Bark and No Bite: Rogue Dimensions in Transformer Language
    Models Obscure Representational Quality". None where the mean cosine is
    not clearly above ``LEAST``. Which dimensions are the largest is taken from the same rows.
    """
    rows = np.asarray(x, np.float64)
    whole = anisotropy(rows)
    if whole.value is None:
        return whole
    if whole.low is None or whole.low <= LEAST:
        return Estimate(None, note=NO_COSINE)
    contributions, influences = _contributions(unit_vectors(rows))
    top = np.argsort(-contributions)[:dimensions]
    share = float(contributions[top].sum() / whole.value)
    own, every = influences[:, top].sum(axis=1), influences.sum(axis=1)
    return _within(share, (own - share * every) / whole.value)


def uniformity(x: ArrayLike) -> Estimate:
    """log of the mean of exp(−2 ‖u − v‖²) over two different rows of x [n, d] of length 1.

    0 where all are the same, lower the more evenly they spread over the sphere; evenly spread
    vectors of many dimensions come to −4. Wang & Isola 2020, "Understanding Contrastive
    Representation Learning through Alignment and Uniformity on the Hypersphere". Memory is n²
    numbers.
    """
    rows = np.asarray(x, np.float64)
    if same_rows(rows):
        return Estimate.constant()
    u = unit_vectors(rows)
    near = np.exp(4 * (u @ u.T - 1))
    np.fill_diagonal(near, 0)
    of_row = near.sum(axis=1) / (len(rows) - 1)
    mean = float(of_row.mean())
    return _within(float(np.log(mean)), 2 * (of_row - mean) / mean)


def alignment(x: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """Mean of ‖u − v‖² over corresponding rows of x and y [n, d] of length 1; 0 is the best.

    Wang & Isola 2020, with the exponent 2. ``groups`` names the texts of each pair, [n, 2], where
    some stand in several (see ``clusters``).
    """
    apart = np.sum((unit_vectors(x) - unit_vectors(y)) ** 2, axis=1)
    return _within(float(apart.mean()), apart - apart.mean(), groups)


def _contributions(u: Array) -> tuple[Array, Array]:
    """What each dimension of rows of length 1 adds to the mean cosine of two of them, [d], and the
    rows' influences on that, [n, d]."""
    with_others = u * (u.sum(axis=0) - u) / (len(u) - 1)
    contributions = with_others.mean(axis=0)
    return contributions, 2 * (with_others - contributions)


def same_rows(rows: Array) -> bool:
    """Whether all rows are one vector, up to rounding."""
    apart = np.sqrt(np.mean((rows - rows.mean(axis=0)) ** 2))
    return bool(apart <= ROUNDING * np.sqrt(np.mean(rows**2)))


def _within(value: float, influences: Array, groups: ArrayLike | None = None) -> Estimate:
    error, degrees = standard_error(influences[:, None], groups)
    return Estimate.around(value, float(t.ppf(0.975, degrees) * error[0]))
