"""The task of texts with labels, without any training: does k-means find the labels?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

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
from poolwise.statistics.clustering_scores import adjusted_mutual_information, v_measure
from poolwise.statistics.pseudo_values import Scale
from poolwise.statistics.seed_noise import mean_over_seeds
from poolwise.texts import LabelledTexts

Array = NDArray[np.float64]

Score = Callable[[ArrayLike, ArrayLike, ArrayLike], tuple[float, Array]]
"""Labels [n], clusters [n], groups [n] → the score, and each row's influence on it [n]."""

CLUSTERING_SCORES: Mapping[str, tuple[Score, Scale]] = {
    "V-measure": (v_measure, "share"),
    "adjusted mutual information": (adjusted_mutual_information, "share"),
}

SEEDS = 10
"""Runs of k-means; MTEB's clustering tasks have as many."""

SCREEN_SEEDS = 3
"""Runs by which the readouts are chosen that get all of them."""

BATCH = 512
"""Rows of a step of mini-batch k-means, as in MTEB."""


class ClusteringTask(LabelledTask):
    """V-measure of mini-batch k-means with as many clusters as there are labels.

    The mean over ``seeds`` runs, each of all rows; rows declared test are clustered by themselves.
    k-means is scikit-learn's, with the settings of MTEB 2's ``AbsTaskClustering``, which clusters
    samples of the rows, drawn with replacement, in each of its ten runs. Steps that learn are
    fitted on the rows chosen on: they see no label.
    """

    strata: RowIndices | None = None
    screening = (
        f"with {SCREEN_SEEDS} seeds, by which the best third was found and scored again with "
        f"{SEEDS}"
    )

    def __init__(
        self, data: LabelledTexts, seed: int, *, score: str = "V-measure", seeds: int = SEEDS
    ) -> None:
        check_classes(data, "clustering")
        self.n_classes = len(checked_classes(data))
        super().__init__(data, seed)
        self.score, self.seeds = score, seeds
        self._score, self.scale = CLUSTERING_SCORES[score]
        self._labels = factorize(data.labels)
        for rows in separate_rows(self.folds):
            self._check(rows)
        self.notes: Sequence[str] = [
            f"k-means makes {self.n_classes:,} clusters, as many as there are labels, of all texts "
            f"at once; it sees no label. The score is the mean over {seeds} seeds, the same for "
            "every readout, and the interval holds what other seeds would change",
            *self.folds.notes[not self.folds.has_test :],
        ]

    def _check(self, rows: RowIndices) -> None:
        if np.ptp(self._labels[rows]) == 0:
            raise StudyError(
                f"{self.name}: the {len(rows):,} rows of one split all have the label "
                f"{self.data.labels[rows[0]]!r:.60}; clusters are compared with two labels or more"
            )

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        return (self.name, self.data.hash, self.score, self.seeds, self._seed)

    def with_score(self, score: str) -> ClusteringTask:
        """The same task by another of the ``CLUSTERING_SCORES``."""
        task = copy(self)
        task.score, (task._score, task.scale) = score, CLUSTERING_SCORES[score]
        return task

    def screen(self) -> ClusteringTask:
        """With the first of its seeds alone."""
        task = copy(self)
        task.seeds = min(SCREEN_SEEDS, self.seeds)
        return task

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        clusters = self.clusters(cache, vectors, steps)
        return np.full(len(self), np.nan) if clusters is None else self.pseudo_values(clusters)

    def clusters(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> RowIndices | None:
        """Each row's cluster with each seed, [s, n], −1 for a row without a vector; None where the
        vectors of a split are all the same, or lack the directions that a step needs."""
        rows = cache.rows(self.data.texts)
        usable = cache.usable[rows]
        known = self.folds.choice_rows
        apply = fitted_steps(steps, vectors[rows[known[usable[known]]]], cache.dense_stack)
        if apply is None:
            return None
        clusters = np.full((self.seeds, len(self)), -1)
        for part in separate_rows(self.folds):
            texts = part[usable[part]]
            x = np.ascontiguousarray(apply(vectors[rows[texts]]), np.float32)
            if not len(x) or np.ptp(x, axis=0).max() <= FLAT * np.abs(x).max():
                return None
            count = len(np.unique(self._labels[texts]))
            for i in range(self.seeds):
                clusters[i, texts] = k_means(x, count, self._seed + i)
        return clusters

    def pseudo_values(self, clusters: RowIndices, labels: RowIndices | None = None) -> Array:
        """Of the score, [n], from clusters [s, n]; ``labels`` [n] are by default the texts' own."""
        values, own = np.full(len(self), np.nan), self._labels if labels is None else labels
        for part in separate_rows(self.folds):
            texts = part[clusters[0, part] >= 0]
            groups = self.groups[texts]
            scored = [self._score(own[texts], assigned[texts], groups) for assigned in clusters]
            scores, influences = zip(*scored, strict=True)
            values[texts] = mean_over_seeds(scores, np.stack(influences), groups)
        return values

    def shuffled_labels(self, seed: int) -> RowIndices:
        """The labels in another order, [n], within each split."""
        rng, labels = np.random.default_rng(seed), self._labels.copy()
        for part in separate_rows(self.folds):
            labels[part] = rng.permutation(labels[part])
        return labels

    def chance_scores(self) -> Array:
        """Of clusters drawn at random, all equally likely; copies of a text are in one cluster."""
        rng = np.random.default_rng(self._seed)
        drawn = rng.integers(0, self.n_classes, (self.seeds, int(self.groups.max()) + 1))
        return self.pseudo_values(drawn[:, self.groups])


FLAT = 1e-6
"""Vectors that differ by a smaller share of the largest number are the same, but for rounding."""


def k_means(x: Floats, clusters: int, seed: int) -> RowIndices:
    """The cluster of each row of x [n, d], [n], by one run of mini-batch k-means."""
    from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415 - slow to import

    model = MiniBatchKMeans(
        clusters, init="k-means++", n_init=1, batch_size=BATCH, random_state=seed
    )
    with threadpool_limits(1, "openmp"):
        return np.asarray(model.fit_predict(x), np.intp)
