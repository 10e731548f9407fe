"""F1 with intervals, and differences of F1, over the same resamples of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.selection.splits import RowIndices
from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.clusters import count_independent
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference
from poolwise.studies.tagging.corpus import SpanCounts, f1

Array = NDArray[np.float64]


class F1Scores:
    """F1 of every mix and control on one split.

    ``counts`` maps a name to the counts of its restarts, [n sentences, 3] each (see
    ``TaggedCorpus.span_counts``); its F1 is the mean over restarts. Each resample draws sentences,
    the same for all names and those of one of ``groups`` [n] together, and restarts where there are
    several; so the intervals are over sentences and random starts.
    """

    def __init__(
        self,
        counts: Mapping[str, Sequence[SpanCounts]],
        seed: int,
        groups: RowIndices | None = None,
    ) -> None:
        rng = np.random.default_rng(seed)
        columns = np.concatenate([run for restarts in counts.values() for run in restarts], axis=1)
        means = resampled_means(columns, groups, seed=seed)
        self.n = len(columns)
        self._independent = self.n if groups is None else int(count_independent(groups)[0])
        self.values: dict[str, float] = {}
        self._resamples: dict[str, Array] = {}
        start = 0
        for name, restarts in counts.items():
            k = len(restarts)
            resampled_f1 = f1(means[:, start : start + 3 * k].reshape(-1, k, 3))
            sampled_restarts = rng.integers(0, k, resampled_f1.shape)
            averaged = np.take_along_axis(resampled_f1, sampled_restarts, axis=1).mean(axis=1)
            self.values[name] = float(np.mean([f1(run.sum(axis=0)) for run in restarts]))
            self._resamples[name] = averaged
            start += 3 * k

    def estimate(self, name: str) -> Estimate:
        """F1 with its 95 % interval (percentiles)."""
        return _estimate(self.values[name], self._resamples[name])

    def difference(self, name: str, baseline: str) -> Difference:
        """F1 less that of the baseline.

        The p-value is Student's, from the spread of the resampled differences: a count of resamples
        beyond 0 could not be smaller than one of a thousand.
        """
        value = self.values[name] - self.values[baseline]
        resamples = self._resamples[name] - self._resamples[baseline]
        spread = float(resamples.std(ddof=1))
        ratio = abs(value) / spread if spread > 0 else np.inf if value else 0.0
        return Difference(
            _estimate(value, resamples), float(2 * t.sf(ratio, self._independent - 1))
        )


def _estimate(value: float, resamples: Array) -> Estimate:
    low, high = percentiles(resamples)
    return Estimate(value, float(low), float(high))
