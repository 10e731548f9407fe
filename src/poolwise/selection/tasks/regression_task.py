"""The task of texts with numbers: how well a ridge regression on frozen vectors predicts them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.label_scores import NUMBER_SCORES
from poolwise.selection.probes import Features, Predict, cross_fitted
from poolwise.selection.tasks.labelled_task import LabelledTask
from poolwise.selection.tasks.task import fold_features, separate_rows
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.estimate import is_constant
from poolwise.statistics.ridge import PENALTIES
from poolwise.statistics.ridge_path import RidgePath
from poolwise.texts import LabelledTexts
from poolwise.texts.fields import is_number

Array = NDArray[np.float64]


class RegressionTask(LabelledTask):
    """R² of a ridge regression on frozen vectors, or Spearman's rho of what it predicts.

    Its penalty is chosen without the fold that it is scored on.
    """

    constant_prediction = "the mean"

    def __init__(self, data: LabelledTexts, seed: int, *, score: str = "R²") -> None:
        """``score`` is one of ``NUMBER_SCORES``. Raises StudyError for a label that is no number,
        and where all rows that are chosen or reported on have the same."""
        self.score = score
        self._score, self.scale = NUMBER_SCORES[score]
        word = next((label for label in data.labels if not is_number(label)), None)
        if word is not None:
            raise StudyError(
                f"{data.name}: {score} is a score of numbers, but a label is {word!r:.60}; name "
                "another score, or the column of numbers with --label-column"
            )
        super().__init__(data, seed)
        for rows in separate_rows(self.folds):
            if is_constant(self.targets[rows]):
                raise StudyError(
                    f"{data.name}: all {len(rows):,} rows have the number "
                    f"{self.targets[rows[0]]:g}; a regression needs numbers that differ"
                )
        scale = f"{self.targets.min():g} to {self.targets.max():g}".replace("-", "−")
        self.notes: Sequence[str] = [
            f"the labels are numbers from {scale}: scored by {score} of a ridge regression; the "
            "score accuracy takes each as a class",
            *self.folds.notes,
            "intervals are for regressions trained on these texts, and another sample of texts to "
            "train on may move the score further",
        ]

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        return (self.name, self.data.hash, self.score, self._seed)

    @property
    def strata(self) -> None:
        """Numbers have none."""
        return

    @cached_property
    def targets(self) -> Array:
        """Each row's number, [n]."""
        return np.array(self.data.labels, np.float64)

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
        targets: Array | None = None,
        features: Features | None = None,
    ) -> Array:
        """The pseudo-values of a regression on rows x [n, d] that is trained on ``targets`` [n],
        by default the labels. A row that is not ``usable`` is predicted the mean."""
        numbers = self.targets if targets is None else targets

        def train(
            x: Floats | Array, rows: NDArray[np.intp], which: int | None
        ) -> tuple[Predict, float]:
            penalties = PENALTIES if which is None else [PENALTIES[which]]
            mean = float(numbers[rows].mean())
            return RidgePath(x, numbers[rows], penalties).predictions, mean

        def loss(predictions: Floats | Array, rows: NDArray[np.intp]) -> Array:
            return np.asarray((predictions - numbers[rows]) ** 2)

        finite = usable & np.isfinite(x).all(axis=1)
        keep = features or (lambda _: lambda rows: rows)
        predicted = cross_fitted(x, self.folds, finite, keep, train=train, loss=loss)
        if predicted is None:
            return np.full(len(self), np.nan)
        return self.pseudo_values(predicted, numbers)

    def pseudo_values(self, predicted: Array, targets: Array) -> Array:
        """Of the score, [n], for the rows chosen and reported on separately."""
        values = np.full(len(self), np.nan)
        for rows in separate_rows(self.folds):
            value, influence = self._score(predicted[rows], targets[rows])
            values[rows] = value + influence
        return values

    def chance_scores(self) -> Array:
        """Of always predicting the mean: 0, whichever the score."""
        return np.zeros(len(self))
