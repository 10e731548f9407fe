"""Figures of unsupervised STS: Spearman of the cosine over a data set's subsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.reproduction.presets import PublishedRow
from poolwise.statistics.aggregation import aggregate
from poolwise.texts import open_pairs
from poolwise.transforms import fit


def measure_similarity(
    model: Model, path: Path, data: str, row: PublishedRow, precision: Precision
) -> float:
    """Spearman x 100, in the row's aggregation. Raises StudyError where it is undefined."""
    pairs = open_pairs(str(path))
    readout = parse(row.readout or "")
    texts = list(dict.fromkeys([*pairs.first, *pairs.second]))
    vectors = model.pooled(
        [row.template.format(text) for text in texts], readout, precision=precision
    )
    if readout.steps:
        vectors = fit(readout, vectors, model.dense_stack).apply(vectors)
    index = {text: i for i, text in enumerate(texts)}
    first, second = (
        vectors[[index[text] for text in side]].astype(np.float64)
        for side in (pairs.first, pairs.second)
    )
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines = np.einsum("nd,nd->n", first, second) / np.where(norms > 0, norms, 1)
    subsets = pairs.subsets if data.startswith("STS1") else [""] * len(pairs)
    spearman = aggregate(cosines, pairs.scores, subsets, row.aggregation)
    if spearman.value is None:
        raise StudyError(f"the Spearman on {data} is undefined: {spearman.note}")
    return 100 * spearman.value
