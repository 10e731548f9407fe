"""The shape of one readout's space, raw and standardised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.readouts import parse
from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.statistics.effective_dimensions import effective_dimensions
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.geometry import (
    alignment,
    anisotropy,
    dominance,
    uniformity,
)
from poolwise.transforms import fit

Vectors = Floats | NDArray[np.float64]

RAW, STANDARDIZED = "raw", "standardized"
DOMINANT = 3
FEWEST_PAIRS = 10
"""Pairs below which nothing is said of alignment."""

ANISOTROPY = "mean cosine of two random texts"
DOMINANCE = f"share of it that {DOMINANT} dimensions make"
FILLED = "dimensions filled"
UNIFORMITY = "uniformity"
ALIGNMENT = "squared distance of texts that are alike"
APART = "squared distance of two random texts"
STATISTICS = (ANISOTROPY, DOMINANCE, FILLED, UNIFORMITY, ALIGNMENT, APART)

Shape = Mapping[str, Estimate]
"""Each of these statistics, by its name."""


@dataclass(frozen=True, slots=True)
class View:
    """One readout, raw or standardised, and the shape of its space."""

    pool: str
    layer: int
    kind: str
    shape: Shape

    @property
    def source(self) -> str:
        """The readout without steps."""
        return f"{self.pool}@{self.layer}"

    @property
    def readout(self) -> str:
        return self.source if self.kind == RAW else f"{self.source}|standardize"

    @property
    def series(self) -> str:
        return f"{self.pool}, {self.kind}"


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a shelf: those that the standardising is fitted on, those measured, and both sides of
    the pairs that are alike, whose texts ``groups`` [m, 2] number. ``copies`` were left out."""

    fitted: RowIndices
    measured: RowIndices
    first: RowIndices
    second: RowIndices
    groups: RowIndices
    copies: int = 0

    @property
    def has_pairs(self) -> bool:
        return len(self.first) >= FEWEST_PAIRS

    def views(self, pool: str, layer: int, vectors: Floats) -> Iterator[View]:
        """The readout as it is, and standardised; ``vectors`` of every text of the shelf."""
        standardize = parse(f"{pool}@{layer}|standardize")
        scaled = fit(standardize, vectors[self.fitted]).apply(vectors)
        for kind, x in ((RAW, vectors), (STANDARDIZED, scaled)):
            pairs = (x[self.first], x[self.second], self.groups) if self.has_pairs else None
            yield View(pool, layer, kind, shape_of(x[self.measured], pairs))


def shape_of(x: Vectors, pairs: tuple[Vectors, Vectors, RowIndices] | None = None) -> Shape:
    """Of vectors [n, d]; alignment where there are ``pairs``, [m, d] each, of texts [m, 2]."""
    shape = {
        ANISOTROPY: anisotropy(x),
        DOMINANCE: dominance(x, DOMINANT),
        FILLED: effective_dimensions(x),
        UNIFORMITY: uniformity(x),
    }
    if pairs is not None:
        constant = shape[ANISOTROPY].value is None
        shape[ALIGNMENT] = Estimate.constant() if constant else alignment(*pairs)
        shape[APART] = _apart(shape[ANISOTROPY])
    return shape


def _apart(cosine: Estimate) -> Estimate:
    """‖u − v‖² = 2 − 2 cos(u, v)."""
    if cosine.value is None or cosine.low is None or cosine.high is None:
        return cosine
    return Estimate(2 - 2 * cosine.value, 2 - 2 * cosine.high, 2 - 2 * cosine.low)
