"""Many comparisons at once: how small a p-value must be when one looks at all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def holm(p: ArrayLike) -> Array:
    """p-values [m] adjusted for their number, [m]: reject where the adjusted one is small.

    Whatever the dependence among the m tests, the chance of one false rejection or more stays
    below the level (Holm 1979, "A simple sequentially rejective multiple test procedure"). NaN, a
    test that could not be made, stays NaN and is not counted.
    """
    raw = np.asarray(p, np.float64)
    defined = np.flatnonzero(~np.isnan(raw))
    rising = defined[np.argsort(raw[defined], kind="stable")]
    remaining = np.arange(len(rising), 0, -1)
    adjusted = np.full(raw.shape, np.nan)
    adjusted[rising] = np.minimum(np.maximum.accumulate(remaining * raw[rising]), 1)
    return adjusted
