"""Scores of candidates from their scores by row: a hit rate, or a correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.correlation import spearman
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import mean_estimates, spearman_influences

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


class Measure(Protocol):
    """n rows of one split under c candidates. ``groups`` [n] or [n, 2] names rows that are not
    independent (see ``statistics.clusters``)."""

    @property
    def groups(self) -> Rows | None:
        """The groups of the rows that ``influences`` has."""
        ...

    def estimates(self) -> Sequence[Estimate]:
        """Each candidate's score, with its 95 % interval."""
        ...

    def influences(self) -> tuple[Array, Array]:
        """The scores [c], NaN where undefined, and each row's influence on them [n, c]."""
        ...


@dataclass(frozen=True)
class HitRates:
    """``hits`` [n, c], 0 or 1: the score is their mean. A column of NaN is a candidate that does
    not exist, as whitening does not where all vectors are the same."""

    hits: Array
    groups: Rows | None = None

    def estimates(self) -> Sequence[Estimate]:
        estimates = mean_estimates(np.nan_to_num(self.hits), self.groups)
        for i in np.flatnonzero(np.isnan(self.hits).any(axis=0)).tolist():
            estimates[i] = Estimate.constant()
        return estimates

    def influences(self) -> tuple[Array, Array]:
        values = self.hits.mean(axis=0)
        return values, self.hits - values


@dataclass(frozen=True)
class Correlations:
    """``cosines`` [n, c] and people's ``scores`` [n]: Spearman's rho.

    A candidate whose cosines are all the same has none.
    """

    cosines: Array
    scores: Array
    groups: Rows | None = None

    def estimates(self) -> Sequence[Estimate]:
        return [spearman(column, self.scores, self.groups) for column in self.cosines.T]

    def influences(self) -> tuple[Array, Array]:
        return spearman_influences(self.cosines, self.scores)
