"""Charts of the average: what explains [CLS] at every layer, and where its weights fall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.charts import (
    Chart,
    HeatCell,
    HeatMap,
    LayerCurve,
    LayerCurves,
    PanelPoint,
    SmallMultiples,
)
from poolwise.statistics.estimate import Estimate
from poolwise.studies.average.combinations import (
    BELOW,
    EQUAL,
    OTHER,
    OTHER_SHIFTED,
    OWN,
    SHIFTED,
    SPAN,
    WEIGHTED,
    WORD,
)
from poolwise.studies.average.numbers import CONTROLS
from poolwise.studies.average.sentence_fits import SentenceFits
from poolwise.studies.average.shares import FEWEST, LayerStatistics, mean_weight
from poolwise.studies.token_classes import CLASSES, ITSELF

Rows = NDArray[np.intp]

SHOWN_COMBINATIONS = (OWN, SHIFTED, BELOW, OTHER, OTHER_SHIFTED, EQUAL, WORD, SPAN)
"""The ways that have a curve; the others are among the numbers."""

FLOOR = -3.0
"""Shares below are left out of the chart, which they would flatten."""

LENGTHS = 6
"""Groups of sentences by length, as equal in size as whole lengths allow."""


def charts(layers: Sequence[LayerStatistics], fits: SentenceFits) -> Iterator[Chart]:
    """``layers`` from 0 up."""
    yield _layer_curves(
        {
            combination: [_above_floor(layer.explained[combination]) for layer in layers]
            for combination in SHOWN_COMBINATIONS
        },
        title="How much of [CLS] an average of tokens explains",
        y_label="share of how [CLS] differs between sentences",
        caption="1 − Σ|r|² / Σ|[CLS] − mean|²: 1 is exact, 0 what one vector for all sentences "
        "would explain. Left out: layers at which [CLS] hardly differs between sentences, where no "
        f"share can be given, and shares below −{-FLOOR:.0f}.",
    )
    yield _layer_curves(
        {
            combination: [layer.relative[combination] for layer in layers]
            for combination in SHOWN_COMBINATIONS
        },
        title="How far [CLS] is from an average of tokens",
        y_label="|r| / |[CLS]|, mean",
        caption="0 is exact. Here what [CLS] has in common in all sentences counts too.",
    )
    yield _heat_map(
        WEIGHTED,
        [(layer.index, layer.weights) for layer in layers],
        title="Where the weights fall",
        value_label="weight x 100",
        caption="Mean weight of all tokens of a class; a sentence's weights sum to 100. Where "
        "[CLS] hardly differs between sentences they explain what it has in common in all.",
    )
    yield _heat_map(
        (OWN, SHIFTED),
        [(layer.index, layer.per_token) for layer in layers],
        title="Where the weights fall, token for token",
        value_label="weight / share of the tokens x 100",
        caption="100: as much weight as the class has tokens.",
    )
    yield _by_length(fits)


def _above_floor(estimate: Estimate) -> Estimate:
    in_range = estimate.value is not None and estimate.value >= FLOOR
    return estimate if in_range else Estimate(None)


def _layer_curves(
    estimates: Mapping[str, Sequence[Estimate]], *, title: str, y_label: str, caption: str
) -> LayerCurves:
    curves = [
        LayerCurve(combination, values, combination in CONTROLS)
        for combination, values in estimates.items()
    ]
    return LayerCurves(title, curves, y_label=y_label, caption=caption)


def _heat_map(
    combinations: Sequence[str],
    layers: Sequence[tuple[int, Mapping[tuple[str, str], Estimate]]],
    *,
    title: str,
    value_label: str,
    caption: str,
) -> HeatMap:
    """A panel a way, a row a layer, a column a class of tokens."""
    cells = [
        HeatCell(layer, name, estimate, panel=combination)
        for combination in combinations
        for layer, weights in layers
        for name in CLASSES
        if (estimate := weights.get((combination, name)))
    ]
    return HeatMap(
        title,
        cells,
        x_label="tokens",
        y_label="layer",
        value_label=value_label,
        caption=caption,
    )


def _by_length(fits: SentenceFits) -> SmallMultiples:
    """Weights at the last layer; sentences in groups of like length along x."""
    points = []
    for i, combination in enumerate(WEIGHTED):
        for rows in _groups(fits.lengths):
            length = round(float(fits.lengths[rows].mean()))
            for c, name in enumerate(CLASSES):
                if name != CLASSES[ITSELF] or combination == BELOW:
                    weight = mean_weight(fits.weights[i, -1, rows, c])
                    points.append(PanelPoint(combination, length, name, weight))
    return SmallMultiples(
        "Where the weights fall at the last layer, by the sentence's length",
        points,
        x_label="the sentence's length in tokens",
        y_label="weight",
        shared_y=True,
        caption="Mean weight of all tokens of a class, in groups of sentences of like length.",
    )


def _groups(lengths: Rows) -> list[Rows]:
    """Sentences of like length, shortest first; those of one length stay together."""
    ends = np.unique(np.quantile(lengths, np.arange(1, LENGTHS + 1) / LENGTHS, method="higher"))
    group = np.searchsorted(ends, lengths)
    groups = [np.flatnonzero(group == g) for g in range(len(ends))]
    return [rows for rows in groups if len(rows) >= FEWEST]
