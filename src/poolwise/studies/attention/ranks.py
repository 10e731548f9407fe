"""Rank correlations within many sentences at once, and their mean over sentences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.estimate import Estimate

Array = NDArray[np.float64]

FEWEST = 4
"""Tokens or words that are ranked: below, a correlation is mostly 1, 0 or −1."""


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
    found: Array = np.divide(rho, scale, out=np.full(rho.shape, np.nan), where=usable)
    return found


def means(table: ArrayLike) -> list[Estimate]:
    """The mean of what is defined in each column [n, c], with bootstrap intervals over rows.

    A mean of some rows is a ratio of two means of all, and so are its resamples.
    """
    x = np.asarray(table, np.float64)
    known = ~np.isnan(x)
    columns = np.hstack([np.where(known, x, 0), known])
    whole, drawn = columns.mean(axis=0), resampled_means(columns)
    c = x.shape[1]
    low, high = percentiles(drawn[:, :c] / np.maximum(drawn[:, c:], 1 / len(x)))
    value = whole[:c] / np.maximum(whole[c:], 1 / len(x))
    ends = zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
    enough = known.sum(axis=0) >= FEWEST_ROWS
    undefined = Estimate(None, note=f"fewer than {FEWEST_ROWS} sentences have such a value")
    return [Estimate(*each) if e else undefined for each, e in zip(ends, enough, strict=True)]


def _centred_ranks(x: Array) -> Array:
    ranks: Array = np.asarray(rankdata(x, axis=-1), np.float64)
    centred: Array = ranks - ranks.mean(axis=-1, keepdims=True)
    return centred
