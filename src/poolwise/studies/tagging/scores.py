"""F1 with intervals, and differences of F1, over the same resamples of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.clusters import count_independent
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference
from poolwise.studies.tagging.corpus import Rows, SpanCounts, f1

Array = NDArray[np.float64]


class F1Scores:
    """F1 of every contender on one part.

    ``counts`` holds for each contender its restarts, [n sentences, 3] each (see
    ``TaggedCorpus.counts``).
    A contender's F1 is the mean over its restarts. Each resample draws sentences, the same for all
    (those of one of ``groups`` [n] together),
    and, where a contender has several restarts, which of them are averaged; so intervals speak of
    other sentences and of other random starts alike.
    """

    def __init__(
        self, counts: Mapping[str, Sequence[SpanCounts]], seed: int, groups: Rows | None = None
    ) -> None:
        rng = np.random.default_rng(seed)
        columns = np.concatenate([one for restarts in counts.values() for one in restarts], axis=1)
        means = resampled_means(columns, groups, seed=seed)
        self.n = len(columns)
        self._independent = self.n if groups is None else int(count_independent(groups)[0])
        self.values: dict[str, float] = {}
        self._draws: dict[str, Array] = {}
        start = 0
        for name, restarts in counts.items():
            k = len(restarts)
            drawn = f1(means[:, start : start + 3 * k].reshape(-1, k, 3))
            taken = rng.integers(0, k, drawn.shape)
            self.values[name] = float(np.mean([f1(one.sum(axis=0)) for one in restarts]))
            self._draws[name] = np.take_along_axis(drawn, taken, axis=1).mean(axis=1)
            start += 3 * k

    def estimate(self, name: str) -> Estimate:
        """F1 with its 95 % interval (percentiles)."""
        return _estimate(self.values[name], self._draws[name])

    def difference(self, name: str, against: str) -> Difference:
        """F1 of one contender less that of another.

        The p-value is Student's, from the spread of the resampled differences: a count of resamples
        beyond 0 could not be smaller than one of a thousand.
        """
        value = self.values[name] - self.values[against]
        draws = self._draws[name] - self._draws[against]
        spread = float(draws.std(ddof=1))
        ratio = abs(value) / spread if spread > 0 else np.inf if value else 0.0
        return Difference(_estimate(value, draws), float(2 * t.sf(ratio, self._independent - 1)))


def _estimate(value: float, draws: Array) -> Estimate:
    low, high = percentiles(draws)
    return Estimate(value, float(low), float(high))
