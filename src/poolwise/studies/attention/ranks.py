"""Rank correlations within many sentences at once, and their mean over sentences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.estimate import Estimate

Array = NDArray[np.float64]

FEWEST = 4
"""Tokens or words to rank: with fewer, a correlation is mostly 1, 0 or −1."""

FEWEST_ROWS = 20
"""Sentences below which a bootstrap's interval means little."""


def spearmans(x: ArrayLike, y: ArrayLike) -> Array:
    """Spearman's rho of each row of x [n, t] with its row of y, [n]; NaN where one is constant.

    Also NaN for rows shorter than ``FEWEST``.
    """
    a, b = (_centred_ranks(np.asarray(values, np.float64)) for values in (x, y))
    scale = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    usable = (scale > 0) & (a.shape[-1] >= FEWEST)
    rho = (a * b).sum(axis=-1)
    scaled: Array = np.divide(rho, scale, out=np.full(rho.shape, np.nan), where=usable)
    return scaled


def means(table: ArrayLike) -> list[Estimate]:
    """The mean of what is defined in each column [n, c], with bootstrap intervals over rows.

    A mean of some rows is a ratio of two means of all, and so are its resamples.
    """
    x = np.asarray(table, np.float64)
    defined = ~np.isnan(x)
    columns = np.hstack([np.where(defined, x, 0), defined])
    mean, resampled = columns.mean(axis=0), resampled_means(columns)
    c = x.shape[1]
    low, high = percentiles(resampled[:, :c] / np.maximum(resampled[:, c:], 1 / len(x)))
    value = mean[:c] / np.maximum(mean[c:], 1 / len(x))
    estimates = zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
    enough = defined.sum(axis=0) >= FEWEST_ROWS
    undefined = Estimate(None, note=f"fewer than {FEWEST_ROWS} sentences have such a value")
    return [Estimate(*e) if ok else undefined for e, ok in zip(estimates, enough, strict=True)]


def _centred_ranks(x: Array) -> Array:
    ranks: Array = np.asarray(rankdata(x, axis=-1), np.float64)
    centred: Array = ranks - ranks.mean(axis=-1, keepdims=True)
    return centred
