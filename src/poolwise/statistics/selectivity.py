"""Is it in the vectors, or would this probe learn anything?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.paired import Difference, mean_differences


def control_task(items: Sequence[str], labels: ArrayLike, seed: int = 0) -> NDArray[np.generic]:
    """A label for each of n rows that depends on the row's item alone, and means nothing, [n].

    Every different item (a word, a text) draws one of ``labels`` [n] as often as these occur and
    keeps it, in training as in test: Hewitt & Liang 2019, "Designing and Interpreting Probes with
    Control Tasks". Where no item occurs twice the control can only be answered by chance.
    """
    different, at = np.unique(np.asarray(items, np.str_), return_inverse=True)
    drawn = np.random.default_rng(seed).choice(np.asarray(labels), len(different))
    return np.asarray(drawn[at])


def selectivity(
    hits: ArrayLike, control_hits: ArrayLike, groups: ArrayLike | None = None
) -> Difference:
    """Accuracy on the task less accuracy on the control task, of the same rows, both 0 or 1 [n]."""
    both = np.column_stack([np.asarray(control_hits), np.asarray(hits)])
    return mean_differences(both, 0, groups)[1]
