"""Tests of all candidates of a selection together, by max-T over what they have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.max_t import DRAWS, MaxT, max_t

Array = NDArray[np.float64]


def exceeding(
    scores: Array,
    index: int,
    groups: NDArray[np.intp],
    *,
    sign: float = 1.0,
    bound: float = 0.0,
    screen: Array | None = None,
    n_draws: int = DRAWS,
) -> MaxT:
    """Tests that the columns of pseudo-values [n, c], less column ``index``, times ``sign``, exceed
    a bound.

    A column without scores is tested by its column of ``screen`` [n, c], where there is a screen.
    """
    moved = scores - scores[:, [index]]
    if screen is not None:
        screened = np.isnan(scores).any(axis=0)
        moved[:, screened] = (screen - screen[:, [index]])[:, screened]
    changes = moved.mean(axis=0)
    return max_t(sign * changes, sign * (moved - changes), groups, bound=bound, n_draws=n_draws)


def any_above(scores: Array, chance: Array, groups: NDArray[np.intp], n_draws: int = DRAWS) -> bool:
    """Whether any column of pseudo-values [n, c] is shown to be above those of chance, [n]."""
    moved = scores - chance[:, None]
    changes = moved.mean(axis=0)
    return bool(max_t(changes, moved - changes, groups, n_draws=n_draws).significant.any())
