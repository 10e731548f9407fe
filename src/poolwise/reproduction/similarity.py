"""Figures of unsupervised STS: Spearman of the cosine over a data set's subsets."""

from __future__ import annotations

import numpy as np

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.reproduction.presets import PublishedRow
from poolwise.reproduction.scored_pairs import ScoredPairs
from poolwise.statistics.aggregation import aggregate
from poolwise.transforms import fit


def measure_similarity(
    model: Model, pairs: ScoredPairs, row: PublishedRow, precision: Precision
) -> float:
    """Spearman x 100, in the row's aggregation. Raises StudyError where it is undefined."""
    readout = parse(row.readout or "")
    texts = list(dict.fromkeys([*pairs.first, *pairs.second, *pairs.fitting]))
    vectors = model.pooled(
        [row.template.format(text) for text in texts], readout, precision=precision
    )
    index = {text: i for i, text in enumerate(texts)}
    if readout.steps:
        fitting = vectors[[index[text] for text in pairs.fitting]]
        vectors = fit(readout, fitting, model.dense_stack).apply(vectors)
    first, second = (
        vectors[[index[text] for text in side]].astype(np.float64)
        for side in (pairs.first, pairs.second)
    )
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines = np.einsum("nd,nd->n", first, second) / np.where(norms > 0, norms, 1)
    spearman = aggregate(cosines, pairs.scores, pairs.subsets, row.aggregation)
    if spearman.value is None:
        raise StudyError(f"its Spearman is undefined: {spearman.note}")
    return 100 * spearman.value
