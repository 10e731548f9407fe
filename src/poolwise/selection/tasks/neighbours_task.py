"""The task of texts with labels, without training: is what is near of the same label?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.classes import checked_classes
from poolwise.selection.duplicates import factorize
from poolwise.selection.label_kinds import check_classes
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.labelled_task import LabelledTask
from poolwise.selection.tasks.task import fitted_steps, separate_rows
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.neighbour_scores import (
    mean_average_precision,
    nearest_neighbours_accuracy,
    same_label_auc,
)
from poolwise.statistics.pseudo_values import Scale
from poolwise.texts import LabelledTexts

Array = NDArray[np.float64]

Score = Callable[[Floats, RowIndices, RowIndices], tuple[float, Array]]
"""Cosines [n, n], labels [n], groups [n] → the score, and each text's influence on it [n]."""

OTHER_SCORES: Mapping[str, Score] = {
    "accuracy of the 5 nearest neighbours": nearest_neighbours_accuracy,
    "AUC of same against other label": same_label_auc,
}

MAX_TEXTS = 1500
"""Every text is compared with every other, under every readout."""


class NeighboursTask(LabelledTask):
    """Mean average precision: how far above the others do texts of a text's own label rank?

    Every text is a query and the others, but for copies of it, are ranked by their cosine. A row's
    pseudo-value counts both of its roles, query and document, so texts are independent where pairs
    made of them would not be. At most ``MAX_TEXTS`` are drawn.
    """

    score = "mean average precision"
    scale: Scale = "share"
    strata: RowIndices | None = None

    def __init__(self, data: LabelledTexts, seed: int) -> None:
        check_classes(data, "similarity")
        checked_classes(data)
        super().__init__(data, seed)
        self._labels = factorize(data.labels)
        self.notes: Sequence[str] = self.folds.notes
        rng = np.random.default_rng(seed)
        self._sampled = [_sample(rows, rng) for rows in separate_rows(self.folds)]
        for rows in self._sampled:
            self._check(rows)
        drawn, n = sum(map(len, self._sampled)), len(data)
        if drawn < n:
            self.notes = [
                *self.notes,
                f"similarity is measured among {drawn:,} of the {n:,} texts, drawn by seed {seed}",
            ]

    def _check(self, rows: RowIndices) -> None:
        counts = np.bincount(self._labels[rows])
        if (counts > 1).sum() < 1 or (counts > 0).sum() < 2:
            raise StudyError(
                f"{self.name}: no two texts of one label beside texts of another, so there is "
                "nothing to rank; give more rows"
            )

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        return (self.name, self.data.hash, self.score, self._seed)

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        return self.scores_by(mean_average_precision, cache, vectors, steps)

    def scores_by(
        self, score: Score, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        """As ``row_scores``, by another of the scores of ``statistics.neighbour_scores``."""
        values = np.full(len(self), np.nan)
        rows = cache.rows(self.data.texts)
        x, usable = vectors[rows], cache.usable[rows]
        for sample in self._sampled:
            texts = sample[usable[sample]]
            similarities = np.empty((len(texts), len(texts)), np.float32)
            for queries, fitted in self._divisions(texts, steps):
                apply = fitted_steps(steps, x[fitted[usable[fitted]]], cache.dense_stack)
                if apply is None:
                    return np.full(len(self), np.nan)
                unit = _unit(apply(x[texts]))
                similarities[queries] = _cosines(unit[queries], unit)
            if not similarities.size or np.ptp(similarities) < FLAT:
                continue
            value, influence = score(similarities, self._labels[texts], self.groups[texts])
            values[texts] = value + influence
        return values

    def chance_scores(self) -> Array:
        """Of texts ranked at random, the mean of some draws."""
        rng, values = np.random.default_rng(self._seed), np.full(len(self), np.nan)
        for texts in self._sampled:
            draws = []
            for _ in range(CHANCE_DRAWS):
                similarities = rng.random((len(texts), len(texts)), np.float32)
                value, influence = mean_average_precision(
                    similarities, self._labels[texts], self.groups[texts]
                )
                draws.append(value + influence)
            values[texts] = np.mean(draws, axis=0)
        return values

    def _divisions(
        self, texts: RowIndices, steps: Readout | None
    ) -> Iterator[tuple[NDArray[np.intp], RowIndices]]:
        """Positions of queries among ``texts``, and the rows that steps are fitted on for them."""
        if steps is None or not steps.needs_fit:
            yield np.arange(len(texts)), texts
            return
        for fold, fitted, _ in self.folds.divisions():
            queries = np.flatnonzero(self.folds.codes[texts] == fold)
            if len(queries):
                yield queries, fitted


CHANCE_DRAWS = 3

FLAT = 1e-6
"""Cosines, and values of unit vectors, that differ by less are the same, but for rounding."""


def _sample(rows: RowIndices, rng: np.random.Generator) -> RowIndices:
    return rows if len(rows) <= MAX_TEXTS else np.sort(rng.permutation(rows)[:MAX_TEXTS])


def _cosines(queries: Floats, unit: Floats) -> Floats:
    """Of unit vectors [n, d], the queries among them; 1 where all are the same, which a product in
    float32 may miss by more than ``FLAT``."""
    if np.ptp(unit, axis=0).max(initial=0) < FLAT:
        return np.ones((len(queries), len(unit)), np.float32)
    return np.asarray(queries @ unit.T)


def _unit(vectors: Floats | Array) -> Floats:
    x = np.nan_to_num(np.asarray(vectors, np.float32))
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(norms > 0, norms, 1), np.float32)
