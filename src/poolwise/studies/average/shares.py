"""Statistics of the fits at one layer, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.records import Bools, Floats
from poolwise.statistics.estimate import ROUNDING, Estimate
from poolwise.statistics.paired import Difference, mean_differences, mean_estimates
from poolwise.studies.average.combinations import (
    BELOW,
    COMBINATIONS,
    OTHER,
    OTHER_SHIFTED,
    OTHER_SPAN,
    OWN,
    SHIFTED,
    SPAN,
    WEIGHTED,
    WORD,
)
from poolwise.studies.average.sentence_fits import SentenceFits
from poolwise.studies.token_classes import CLASSES, ITSELF

Array = NDArray[np.float64]

LEAST_SPREAD = 0.01
"""Share of a state's mean squared norm that must lie between sentences for shares to be defined.

Below, 99 % of the vector is the same in every sentence, and the residual of a combination that
misses that part is many times what there is to explain: at 1 % a residual as long as the vector
gives −99. Rounding of a constant in float32, 1e-12 of the square, is far below.
"""

TINY = float(np.finfo(np.float64).tiny)

FEWEST = 30
"""Sentences below which nothing is estimated."""

PAIRS = ((OWN, OTHER), (SHIFTED, OTHER_SHIFTED))
"""Combinations, each with its control."""


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """One layer's statistics.

    ``spread``            [CLS]'s mean squared distance from its mean over its mean squared norm.
    ``explained``         1 − Σ|r|² / Σ|state − mean|² of each combination.
    ``relative``          mean of |r| / |state| of each combination.
    ``explained_gains``   of each of ``PAIRS``, how much more is explained than by its control, on
                          the sentences that have one.
    ``residual_gains``    of each of ``PAIRS``, how much smaller the relative residual is.
    ``weights``           of each weighted combination and class, the mean weight.
    ``per_token``         that weight over the class's share of the tokens.
    ``effective_tokens``  of each weighted combination, the mean of 1 / Σw².
    """

    index: int
    spread: float
    explained: Mapping[str, Estimate]
    relative: Mapping[str, Estimate]
    explained_gains: Mapping[str, Estimate]
    residual_gains: Mapping[str, Difference]
    weights: Mapping[tuple[str, str], Estimate]
    per_token: Mapping[tuple[str, str], Estimate]
    effective_tokens: Mapping[str, Estimate]

    @property
    def defined(self) -> bool:
        """Whether [CLS] differs enough between sentences for shares of that to be given."""
        return self.spread >= LEAST_SPREAD


def layer_statistics(fits: SentenceFits) -> Iterator[LayerStatistics]:
    """Of every layer, 0 first."""
    for k in range(len(fits.residuals)):
        yield _layer(fits, k)


def _layer(fits: SentenceFits, k: int) -> LayerStatistics:
    cls, word = (_Spread.of(fits.vectors[i, k]) for i in range(2))
    state = {combination: word if combination == WORD else cls for combination in COMBINATIONS}
    residuals = dict(zip(COMBINATIONS, fits.residuals[k].T, strict=True))
    rows = {
        combination: _usable(fits, combination) & ~np.isnan(residuals[combination])
        for combination in COMBINATIONS
    }
    relative = {
        combination: np.sqrt(residuals[combination] / np.maximum(state[combination].square, TINY))
        for combination in COMBINATIONS
    }
    weights = {
        (combination, name): (fits.weights[i, k, :, c], _share(fits, c, combination))
        for i, combination in enumerate(WEIGHTED)
        for c, name in enumerate(CLASSES)
        if (k or combination != BELOW) and (name != CLASSES[ITSELF] or combination == BELOW)
    }
    return LayerStatistics(
        index=k,
        spread=cls.spread,
        explained={
            combination: state[combination].explained(residuals[combination], rows[combination])
            for combination in COMBINATIONS
        },
        relative={
            combination: _mean(relative[combination][rows[combination]])
            for combination in COMBINATIONS
        },
        explained_gains={
            own: cls.gain(residuals[own], residuals[other], rows[other]) for own, other in PAIRS
        },
        residual_gains={
            own: _difference(relative[other][rows[other]], relative[own][rows[other]])
            for own, other in PAIRS
        },
        weights={key: mean_weight(weight) for key, (weight, _) in weights.items()},
        per_token={key: ratio(weight, share) for key, (weight, share) in weights.items()},
        effective_tokens={
            combination: _mean(fits.effective_tokens[i, k])
            for i, combination in enumerate(WEIGHTED)
            if k or combination != BELOW
        },
    )


@dataclass(frozen=True)
class _Spread:
    """Squared norms [n] of a token's states, and squared distances [n] from their mean."""

    square: Array
    deviation: Array

    @classmethod
    def of(cls, vectors: Floats) -> _Spread:
        """``vectors`` [n, d]. Distances are taken of vectors and not of their squares: where states
        hardly vary, squares would have no digits left."""
        mean = vectors.mean(axis=0, dtype=np.float64)
        square, deviation = np.empty(len(vectors)), np.empty(len(vectors))
        for start in range(0, len(vectors), 1024):
            rows = slice(start, start + 1024)
            x = vectors[rows].astype(np.float64)
            square[rows] = (x**2).sum(axis=1)
            deviation[rows] = ((x - mean) ** 2).sum(axis=1)
        return cls(square, deviation)

    @property
    def spread(self) -> float:
        return float(self.deviation.sum() / max(self.square.sum(), TINY))

    def explained(self, residuals: Array, rows: Bools) -> Estimate:
        if (undefined := self._undefined(rows)) is not None:
            return undefined
        unexplained = ratio(residuals[rows], self.deviation[rows])
        if unexplained.value is None or unexplained.low is None or unexplained.high is None:
            return unexplained
        return Estimate(1 - unexplained.value, 1 - unexplained.high, 1 - unexplained.low)

    def gain(self, residuals: Array, control: Array, rows: Bools) -> Estimate:
        """How much more of the spread is explained."""
        return self._undefined(rows) or ratio((control - residuals)[rows], self.deviation[rows])

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
    influence = (above - value * below) / mean
    n = len(influence)
    margin = float(t.ppf(0.975, n - 1) * np.sqrt((influence**2).sum() / (n - 1) / n))
    return Estimate(float(value), float(value) - margin, float(value) + margin)


def mean_weight(weights: Array) -> Estimate:
    """The mean of weights [n], whose interval stays within 0 and 1."""
    mean = _mean(weights)
    if mean.low is None or mean.high is None:
        return mean
    return Estimate(mean.value, max(mean.low, 0), min(mean.high, 1))


def _mean(values: Array) -> Estimate:
    if len(values) < FEWEST:
        return Estimate(None, note=_few(len(values)))
    (estimate,) = mean_estimates(values[:, None])
    return estimate


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


def _usable(fits: SentenceFits, combination: str) -> Bools:
    """The sentences for which ``combination`` is defined."""
    usable = np.ones(len(fits), np.bool_)
    if combination in (OTHER, OTHER_SHIFTED, OTHER_SPAN):
        usable &= fits.paired
    if combination in (SPAN, OTHER_SPAN):
        # As many vectors as dimensions reach everything.
        usable &= fits.lengths - 1 < fits.vectors.shape[-1]
    return usable


def _share(fits: SentenceFits, c: int, combination: str) -> Array:
    """The share of class c among the tokens of the combination, [n]."""
    return np.asarray(fits.counts[:, c] / (fits.lengths - (combination != BELOW)))
