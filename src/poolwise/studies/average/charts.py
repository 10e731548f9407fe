"""What explains [CLS] at every layer, and where its weights fall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Chart
from poolwise.selection.by_layer import Curve, by_layer
from poolwise.statistics.estimate import Estimate
from poolwise.studies.average.explain import (
    BELOW,
    EQUAL,
    OTHER,
    OTHER_SHIFTED,
    OWN,
    SHIFTED,
    SPAN,
    WEIGHED,
    WORD,
)
from poolwise.studies.average.numbers import CONTROLS
from poolwise.studies.average.sample import Sample
from poolwise.studies.average.shares import FEWEST, Layer, mean_weight
from poolwise.studies.token_classes import CLASSES, ITSELF

Rows = NDArray[np.intp]

DRAWN = (OWN, SHIFTED, BELOW, OTHER, OTHER_SHIFTED, EQUAL, WORD, SPAN)
"""The ways that have a line; the others are among the numbers."""

FLOOR = -3.0
"""Shares below are left out of the picture, which they would flatten."""

LENGTHS = 6
"""Groups of sentences by length, as equal in size as whole lengths allow."""


def charts(layers: Sequence[Layer], sample: Sample) -> Iterator[Chart]:
    """``layers`` from 0 up."""
    yield _lines(
        {way: [_drawable(layer.explained[way]) for layer in layers] for way in DRAWN},
        title="How much of [CLS] an average of tokens explains",
        y_label="share of how [CLS] differs between sentences",
        caption="1 − Σ|r|² / Σ|[CLS] − mean|²: 1 is exact, 0 what one vector for all sentences "
        "would explain. Left out: layers at which [CLS] hardly differs between sentences, where no "
        f"share can be given, and shares below −{-FLOOR:.0f}.",
    )
    yield _lines(
        {way: [layer.relative[way] for layer in layers] for way in DRAWN},
        title="How far [CLS] is from an average of tokens",
        y_label="|r| / |[CLS]|, mean",
        caption="0 is exact. Here what [CLS] has in common in all sentences counts too.",
    )
    yield _heat(
        WEIGHED,
        [(layer.index, layer.weights) for layer in layers],
        title="Where the weights fall",
        value_label="weight x 100",
        caption="Mean weight of all tokens of a class; a sentence's weights sum to 100. Where "
        "[CLS] hardly differs between sentences they explain what it has in common in all.",
    )
    yield _heat(
        (OWN, SHIFTED),
        [(layer.index, layer.per_token) for layer in layers],
        title="Where the weights fall, token for token",
        value_label="weight / share of the tokens x 100",
        caption="100: as much weight as the class has tokens.",
    )
    yield _by_length(sample)


def _drawable(found: Estimate) -> Estimate:
    return found if found.value is not None and found.value >= FLOOR else Estimate(None)


def _lines(
    found: Mapping[str, Sequence[Estimate]], *, title: str, y_label: str, caption: str
) -> Chart:
    curves = [Curve(way, values, way in CONTROLS) for way, values in found.items()]
    return by_layer(curves, title=title, caption=caption, y_label=y_label)


def _heat(
    ways: Sequence[str],
    found: Sequence[tuple[int, Mapping[tuple[str, str], Estimate]]],
    *,
    title: str,
    value_label: str,
    caption: str,
) -> Chart:
    cells = [
        (way, layer, kind, one.value, one.low, one.high, False, False)
        for way in ways
        for layer, weights in found
        for kind in CLASSES
        if (one := weights.get((way, kind)))
    ]
    names = ("panel", "layer", "pool", "value", "low", "high", "best", "tied")
    data = {"x_label": "tokens", "y_label": "layer", "value_label": value_label}
    return Chart("heat", title, {**data, **_columns(names, cells)}, caption)


def _by_length(sample: Sample) -> Chart:
    """Kind ``multiples``, of the last layer; sentences in groups of like length along x."""
    names = ("panel", "layer", "series", "value", "low", "high")
    points = []
    for i, way in enumerate(WEIGHED):
        for rows in _groups(sample.lengths):
            length = round(float(sample.lengths[rows].mean()))
            for c, kind in enumerate(CLASSES):
                if kind != CLASSES[ITSELF] or way == BELOW:
                    one = mean_weight(sample.weights[i, -1, rows, c])
                    points.append((way, length, kind, one.value, one.low, one.high))
    return Chart(
        "multiples",
        "Where the weights fall at the last layer, by the sentence's length",
        {
            "x_label": "the sentence's length in tokens",
            "y_label": "weight",
            "shared_y": True,
            **_columns(names, points),
            "bands": _columns(("panel", "low", "high", "name"), []),
        },
        "Mean weight of all tokens of a class, in groups of sentences of like length.",
    )


def _groups(lengths: Rows) -> list[Rows]:
    """Sentences of like length, shortest first; those of one length stay together."""
    ends = np.unique(np.quantile(lengths, np.arange(1, LENGTHS + 1) / LENGTHS, method="higher"))
    group = np.searchsorted(ends, lengths)
    found = [np.flatnonzero(group == g) for g in range(len(ends))]
    return [rows for rows in found if len(rows) >= FEWEST]


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
