"""What a sample's numbers say: every norm against every length, and whole vectors beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.correlation import LinearFit, linear_regression, spearman
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.eta_squared import eta_squared
from poolwise.statistics.folds import assign_folds
from poolwise.statistics.ridge import nested_cross_validation
from poolwise.studies.length.layers import BEFORE_GAIN, IDENTITY, NORM, Series
from poolwise.studies.length.sample import TARGETS, TOKENS, Sample

Array = NDArray[np.float64]

FEWEST = 30
"""Rows below which nothing is said."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A norm against a length.

    ``regression`` is that of the norm on the length; ``eta2`` the share of the length's variance
    that the best curve from the norm explains, held out. ``spread`` is the norm's standard
    deviation over its mean: a norm may follow the length closely and yet hardly vary.
    """

    spread: float
    regression: LinearFit
    spearman: Estimate
    eta2: Estimate


@dataclass(frozen=True, slots=True)
class Best:
    """The layer chosen on one half of the sentences, with what it shows on the other."""

    layer: int
    r2: Estimate
    eta2: Estimate


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one group of texts.

    ``deviations``: for each layer made by a LayerNorm that can be undone, the largest relative
    distance of the norm before gain and bias from √d. ``ridge``: how well the full vector predicts
    each target.
    """

    n: int
    measured: Mapping[tuple[Series, str], Measured]
    ridge: Mapping[tuple[str, str], Estimate]
    deviations: Mapping[int, float]
    best: Best | None

    def norm(self, readout: str, layer: int, target: str = TOKENS) -> Measured:
        return self.measured[Series(readout, layer), target]


def measure(sample: Sample, seed: int) -> Measures:
    """Every statistic of a sample of at least ``FEWEST`` rows."""
    norms, targets, groups = sample.norms, sample.targets, sample.groups
    deviations = _deviations(sample, norms)
    norms = _with_identity(sample.series, norms, deviations)
    curves = eta_squared(norms, targets, sample.folds, groups, seed=seed)
    measured = {
        (series, name): Measured(
            float(norms[:, i].std() / (norms[:, i].mean() or 1)),
            linear_regression(targets[:, j], norms[:, i], groups),
            spearman(norms[:, i], targets[:, j], groups),
            curves[i][j],
        )
        for i, series in enumerate(sample.series)
        for j, name in enumerate(TARGETS)
    }
    ridge = {
        (readout, name): held_out.r2
        for readout, moments in sample.moments.items()
        for name, held_out in zip(
            TARGETS, nested_cross_validation(moments, len(TARGETS)), strict=True
        )
    }
    return Measures(sample.n, measured, ridge, deviations, _best(sample, norms, seed))


def _deviations(sample: Sample, norms: Array) -> dict[int, float]:
    roots = {layer.index: layer.root for layer in sample.layers}
    return {
        series.layer: float(np.abs(norms[:, i] / root - 1).max())
        for i, series in enumerate(sample.series)
        if series.of == BEFORE_GAIN and (root := roots[series.layer])
    }


def _with_identity(
    all_series: Sequence[Series], norms: Array, deviations: Mapping[int, float]
) -> Array:
    """The norms, exactly √d (and so constant) where they are that up to ``IDENTITY``.

    What is left of eps and of rounding has a relation to length of its own, which says nothing.
    """
    flat = [s.of == BEFORE_GAIN and deviations.get(s.layer, np.inf) <= IDENTITY for s in all_series]
    return np.where(flat, 1.0, norms)


def _best(sample: Sample, norms: Array, seed: int) -> Best | None:
    """The layer whose [CLS] norm says most of the length in tokens.

    None where the norm is constant in all of them, or where half of the rows are too few.
    """
    halves = assign_folds(sample.groups, 2, seed + 2) == 0
    if min(len(np.unique(sample.groups[half])) for half in (halves, ~halves)) < FEWEST:
        return None
    candidates = [
        i for i, s in enumerate(sample.series) if s.of == NORM and s.readout.startswith("cls")
    ]

    def curves(rows: NDArray[np.bool_], columns: Sequence[int]) -> list[Estimate]:
        found = eta_squared(
            norms[rows][:, columns],
            sample.targets[rows][:, :1],
            sample.folds[rows],
            sample.groups[rows],
            seed=seed,
        )
        return [estimate for (estimate,) in found]

    scores = [e.value for e in curves(halves, candidates)]
    known = [(score, i) for score, i in zip(scores, candidates, strict=True) if score is not None]
    if not known:
        return None
    _, chosen = max(known)
    other = ~halves
    (eta2,) = curves(other, [chosen])
    r2 = linear_regression(sample.targets[other, 0], norms[other, chosen], sample.groups[other]).r2
    return Best(sample.series[chosen].layer, r2, eta2)
