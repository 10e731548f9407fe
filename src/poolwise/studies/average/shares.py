"""What a sample's residuals and weights come to at one layer, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.records import Bools, Floats
from poolwise.statistics.estimate import ROUNDING, Estimate
from poolwise.statistics.paired import Difference, mean_differences, mean_estimates
from poolwise.studies.average.explain import (
    BELOW,
    OTHER,
    OTHER_SHIFTED,
    OTHER_SPAN,
    OWN,
    SHIFTED,
    SPAN,
    WAYS,
    WEIGHED,
    WORD,
)
from poolwise.studies.average.sample import Sample
from poolwise.studies.token_classes import CLASSES, ITSELF

Array = NDArray[np.float64]

LEAST_SPREAD = 0.01
"""Share of a state's mean squared norm that must lie between sentences for a share of it to be one.

Below, 99 % of the vector is the same everywhere, and a combination that misses that part, whatever
it knows of the sentence, leaves many times what there is to explain: at 1 % a residual as long as
the vector gives −99. What float32 leaves of a constant, 1e-12 of the square, is far below.
"""

TINY = float(np.finfo(np.float64).tiny)

FEWEST = 30
"""Sentences below which nothing is said."""

PAIRS = ((OWN, OTHER), (SHIFTED, OTHER_SHIFTED))
"""What is held against its control."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's statistics.

    ``spread``    [CLS]'s mean squared distance from its mean over its mean squared norm.
    ``explained`` 1 − Σ|r|² / Σ|state − mean|² of each way.
    ``relative``  mean of |r| / |state| of each way.
    ``gains``     of each of ``PAIRS``, how much more is explained than by its control, on the
                  sentences that have one.
    ``nearer``    the same in relative residuals, how much smaller they are.
    ``weights``   of each weighed way and class, the mean weight; ``per_token``, that weight over
                  the class's share of the tokens.
    ``in_use``    of each weighed way, the mean of 1 / Σw².
    """

    index: int
    spread: float
    explained: Mapping[str, Estimate]
    relative: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]
    nearer: Mapping[str, Difference]
    weights: Mapping[tuple[str, str], Estimate]
    per_token: Mapping[tuple[str, str], Estimate]
    in_use: Mapping[str, Estimate]

    @property
    def defined(self) -> bool:
        """Whether [CLS] differs enough between sentences for shares of that to be given."""
        return self.spread >= LEAST_SPREAD


def layers(sample: Sample) -> Iterator[Layer]:
    """Layer 0 first."""
    for k in range(len(sample.residuals)):
        yield _layer(sample, k)


def _layer(sample: Sample, k: int) -> Layer:
    cls, word = (_State.of(sample.vectors[i, k]) for i in range(2))
    state = {way: word if way == WORD else cls for way in WAYS}
    left = dict(zip(WAYS, sample.residuals[k].T, strict=True))
    rows = {way: _usable(sample, way) & ~np.isnan(left[way]) for way in WAYS}
    relative = {way: np.sqrt(left[way] / np.maximum(state[way].square, TINY)) for way in WAYS}
    weights = {
        (way, name): (sample.weights[i, k, :, c], _share(sample, c, way))
        for i, way in enumerate(WEIGHED)
        for c, name in enumerate(CLASSES)
        if (k or way != BELOW) and (name != CLASSES[ITSELF] or way == BELOW)
    }
    return Layer(
        index=k,
        spread=cls.spread,
        explained={way: state[way].explained(left[way], rows[way]) for way in WAYS},
        relative={way: _mean(relative[way][rows[way]]) for way in WAYS},
        gains={own: cls.gain(left[own], left[other], rows[other]) for own, other in PAIRS},
        nearer={
            own: _difference(relative[other][rows[other]], relative[own][rows[other]])
            for own, other in PAIRS
        },
        weights={key: mean_weight(weight) for key, (weight, _) in weights.items()},
        per_token={key: ratio(weight, share) for key, (weight, share) in weights.items()},
        in_use={
            way: _mean(sample.in_use[i, k]) for i, way in enumerate(WEIGHED) if k or way != BELOW
        },
    )


@dataclass(frozen=True)
class _State:
    """Squared norms [n] of a token's states, and squared distances [n] from their mean."""

    square: Array
    away: Array

    @classmethod
    def of(cls, vectors: Floats) -> _State:
        """``vectors`` [n, d]. Distances are taken of vectors and not of their squares: where states
        hardly vary, squares would have no digits left."""
        mean = vectors.mean(axis=0, dtype=np.float64)
        square, away = np.empty(len(vectors)), np.empty(len(vectors))
        for start in range(0, len(vectors), 1024):
            rows = slice(start, start + 1024)
            x = vectors[rows].astype(np.float64)
            square[rows] = (x**2).sum(axis=1)
            away[rows] = ((x - mean) ** 2).sum(axis=1)
        return cls(square, away)

    @property
    def spread(self) -> float:
        return float(self.away.sum() / max(self.square.sum(), TINY))

    def explained(self, left: Array, rows: Bools) -> Estimate:
        if (undefined := self._undefined(rows)) is not None:
            return undefined
        found = ratio(left[rows], self.away[rows])
        if found.value is None or found.low is None or found.high is None:
            return found
        return Estimate(1 - found.value, 1 - found.high, 1 - found.low)

    def gain(self, left: Array, control: Array, rows: Bools) -> Estimate:
        """How much more of the spread is explained."""
        return self._undefined(rows) or ratio((control - left)[rows], self.away[rows])

    def _undefined(self, rows: Bools) -> Estimate | None:
        if self.spread < LEAST_SPREAD:
            return Estimate(
                None,
                note=f"between sentences lies {self.spread:.1g} of the mean square: too little",
            )
        if rows.sum() < FEWEST:
            return Estimate(None, note=_few(int(rows.sum())))
        return None


def ratio(above: Array, below: Array) -> Estimate:
    """Σ above / Σ below of n rows, with the interval of a ratio estimator.

    From the rows' influences (Cochran 1977, "Sampling Techniques", section 6.4); undefined where
    the lower sum is 0.
    """
    mean = below.mean()
    if mean == 0:
        return Estimate(None, note="there are none")
    value = above.mean() / mean
    moved = (above - value * below) / mean
    n = len(moved)
    reach = float(t.ppf(0.975, n - 1) * np.sqrt((moved**2).sum() / (n - 1) / n))
    return Estimate(float(value), float(value) - reach, float(value) + reach)


def mean_weight(weights: Array) -> Estimate:
    """The mean of weights [n], whose interval stays within 0 and 1."""
    found = _mean(weights)
    if found.low is None or found.high is None:
        return found
    return Estimate(found.value, max(found.low, 0), min(found.high, 1))


def _mean(values: Array) -> Estimate:
    if len(values) < FEWEST:
        return Estimate(None, note=_few(len(values)))
    (found,) = mean_estimates(values[:, None])
    return found


def _difference(values: Array, control: Array) -> Difference:
    if len(values) < FEWEST:
        return Difference(Estimate(None, note=_few(len(values))), np.nan)
    # Between sentences of the same tokens, only the order of sums makes a difference.
    same = np.abs(values - control) <= ROUNDING
    return mean_differences(
        np.stack([np.where(same, control, values), control], axis=1), reference=1
    )[0]


def _few(n: int) -> str:
    return f"{n} sentences have one, {FEWEST} are needed" if n else "there is none"


def _usable(sample: Sample, way: str) -> Bools:
    """The sentences that have what ``way`` explains with."""
    usable = np.ones(len(sample), np.bool_)
    if way in (OTHER, OTHER_SHIFTED, OTHER_SPAN):
        usable &= sample.paired
    if way in (SPAN, OTHER_SPAN):
        # As many vectors as dimensions reach everything.
        usable &= sample.lengths - 1 < sample.vectors.shape[-1]
    return usable


def _share(sample: Sample, c: int, way: str) -> Array:
    """How many of the tokens that explain are of class c, as a share, [n]."""
    return np.asarray(sample.counts[:, c] / (sample.lengths - (way != BELOW)))
