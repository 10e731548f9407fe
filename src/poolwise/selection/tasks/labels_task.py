"""The task of texts with labels: how well a frozen linear probe predicts them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.classes import checked_classes
from poolwise.selection.label_scores import LABEL_SCORES, default_score
from poolwise.selection.probes import Features, ProbeName, cross_fitted_log_probabilities
from poolwise.selection.tasks.labelled_task import LabelledTask
from poolwise.selection.tasks.task import fold_features, separate_rows
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.pseudo_values import Scale
from poolwise.texts import LabelledTexts

Array = NDArray[np.float64]


class LabelsTask(LabelledTask):
    """A score of a linear probe on frozen vectors: accuracy, or what imbalance asks for.

    ``probe`` names the probe. Its penalty is chosen without the fold that it is scored on.
    """

    scale: Scale = "share"
    screening = (
        "of a linear discriminant, by which the best third was found and scored again by logistic "
        "regression"
    )

    def __init__(
        self,
        data: LabelledTexts,
        seed: int,
        *,
        score: str | None = None,
        probe: ProbeName = "logistic regression",
    ) -> None:
        self.classes, self.probe = checked_classes(data), probe
        super().__init__(data, seed)
        default, reason = default_score(data.labels)
        self.score = score or default
        self.notes: Sequence[str] = [
            *[reason] * (not score and bool(reason)),
            *self.folds.notes,
            f"the probe is a {probe}; intervals are for probes trained on these texts, and another "
            "sample of texts to train on may move the score further",
        ]

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        return (self.name, self.data.hash, self.score, self.probe, self._seed)

    def by(self, probe: ProbeName) -> LabelsTask:
        """The same task with another probe."""
        task = copy(self)
        task.probe = probe
        return task

    def screen(self) -> LabelsTask:
        """By the discriminant: a logistic regression takes ten times as long."""
        return self.by("discriminant")

    @property
    def strata(self) -> NDArray[np.intp] | None:
        """The labels, for all scores but accuracy."""
        return None if self.score == "accuracy" else self.targets

    @cached_property
    def targets(self) -> NDArray[np.intp]:
        """Each row's label as an index into ``classes``, [n]."""
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.data.labels], np.intp)

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        rows = cache.rows(self.data.texts)
        x, features = fold_features(vectors[rows], steps, cache.dense_stack)
        return self.probe_scores(x, cache.usable[rows], features=features)

    def probe_scores(
        self,
        x: Floats | Array,
        usable: NDArray[np.bool_],
        targets: NDArray[np.intp] | None = None,
        features: Features | None = None,
    ) -> Array:
        """The pseudo-values of a probe on rows x [n, d] that is trained on ``targets`` [n], by
        default the labels."""
        labels = self.targets if targets is None else targets
        probabilities = cross_fitted_log_probabilities(
            x,
            labels,
            len(self.classes),
            folds=self.folds,
            usable=usable & np.isfinite(x).all(axis=1),
            features=features or (lambda _: lambda rows: rows),
            probe=self.probe,
        )
        if probabilities is None:
            return np.full(len(self), np.nan)
        return self.pseudo_values(probabilities, labels)

    def pseudo_values(self, log_probabilities: Array, targets: NDArray[np.intp]) -> Array:
        """Of the score, [n], from log-probabilities [n, k]."""
        values = np.full(len(self), np.nan)
        for rows in separate_rows(self.folds):
            value, influence = LABEL_SCORES[self.score](log_probabilities[rows], targets[rows])
            values[rows] = value + influence
        return values

    @property
    def constant_prediction(self) -> str:
        """What to predict without reading the texts."""
        return repr(self.classes[self.majority])

    @cached_property
    def majority(self) -> int:
        """The most frequent of the ``classes`` among the rows chosen on."""
        return int(np.bincount(self.targets[self.folds.choice_rows]).argmax())

    def chance_scores(self) -> Array:
        """Of always predicting the most frequent label."""
        constant = np.zeros((len(self), len(self.classes)))
        constant[:, self.majority] = 1.0
        return self.pseudo_values(constant, self.targets)
