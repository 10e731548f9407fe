"""Places of a sample that is spread over the whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def spread_places(count: int, limit: int | None, seed: int) -> NDArray[np.int64]:
    """At most ``limit`` of the places 0 to ``count`` - 1, ascending: one drawn by ``seed`` in each
    of ``limit`` equal stretches."""
    if limit is None or count <= limit:
        return np.arange(count, dtype=np.int64)
    bounds = np.arange(limit + 1, dtype=np.int64) * count // limit
    return np.random.default_rng(seed).integers(bounds[:-1], bounds[1:], dtype=np.int64)


def spread_in_groups(
    sizes: Sequence[int], limit: int | None, seed: int, most_groups: int
) -> NDArray[np.int64]:
    """The same of rows that lie in groups of ``sizes``, of which at most ``most_groups`` have to be
    read."""
    counts = np.asarray(sizes, np.int64)
    if limit is None or counts.sum() <= limit or len(counts) <= most_groups:
        return spread_places(int(counts.sum()), limit, seed)
    groups = spread_places(len(counts), most_groups, seed)
    firsts = np.cumsum(counts) - counts
    ends = np.cumsum(counts[groups])
    places = spread_places(int(ends[-1]), limit, seed)
    group = np.searchsorted(ends, places, side="right")
    return firsts[groups][group] + places - (ends - counts[groups])[group]
