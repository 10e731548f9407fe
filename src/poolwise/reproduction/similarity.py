"""A figure of unsupervised STS: Spearman of the cosine over a set's subsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.reproduction.presets import Row
from poolwise.statistics.aggregation import aggregate
from poolwise.texts import open_pairs
from poolwise.transforms import fit


def similarity(model: Model, where: Path, data: str, row: Row, precision: Precision) -> float:
    """Spearman x 100, aggregated as the row has it. Raises StudyError where it is undefined."""
    pairs = open_pairs(str(where))
    readout = parse(row.readout or "")
    texts = list(dict.fromkeys([*pairs.first, *pairs.second]))
    vectors = model.pooled(
        [row.template.format(text) for text in texts], readout, precision=precision
    )
    if readout.steps:
        vectors = fit(readout, vectors, model.dense_stack).apply(vectors)
    number = {text: i for i, text in enumerate(texts)}
    first, second = (
        vectors[[number[text] for text in side]].astype(np.float64)
        for side in (pairs.first, pairs.second)
    )
    size = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines = np.einsum("nd,nd->n", first, second) / np.where(size > 0, size, 1)
    subsets = pairs.subsets if data.startswith("STS1") else [""] * len(pairs)
    found = aggregate(cosines, pairs.scores, subsets, row.how)
    if found.value is None:
        raise StudyError(f"the Spearman on {data} is undefined: {found.note}")
    return 100 * found.value
