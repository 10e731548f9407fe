"""The tasks that readouts are scored on: pairs that people scored, texts with labels.

A task turns the vectors of its texts into a pseudo-value a row: the mean over rows is the score,
and what a row differs from it is the row's influence. For accuracy it is 1 or 0, hit or miss. What
is fitted, a step or a probe, is fitted without the row's fold (see ``folds``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.encoders.modules.prompts import TextKind
from poolwise.errors import ReadoutError, StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.folds import Folds, fold_rows
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.correlation import spearman_influence
from poolwise.statistics.estimate import Estimate, is_constant
from poolwise.statistics.pseudo_values import Scale, estimate
from poolwise.texts import TextPairs
from poolwise.transforms import Transform, fit

Array = NDArray[np.float64]
Apply = Callable[[Floats], Floats | Array]
"""Vectors [n, d] → vectors [n, e], by steps that are fitted."""


class Task(Protocol):
    """``name`` of the data, ``score`` (its metric's name) and the ``scale`` of its interval.

    ``groups`` numbers the rows' texts, the same where the encoder gets the same tokens: [n] or, of
    pairs, [n, 2]. ``notes`` say how rows were divided.
    """

    name: str
    score: str
    scale: Scale
    folds: Folds
    groups: RowIndices
    notes: Sequence[str]

    @property
    def fit_kind(self) -> TextKind | None:
        """What ``fit_texts`` are read as where queries and documents have their own prompts."""
        ...

    def __len__(self) -> int:
        """Rows."""
        ...

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        ...

    @property
    def strata(self) -> RowIndices | None:
        """The rows' labels, [n], where the score counts label by label; else None."""
        ...

    @property
    def texts(self) -> Sequence[str]:
        """The texts of all rows."""
        ...

    @property
    def fit_texts(self) -> Sequence[str]:
        """The texts that the steps of the chosen readout are fitted on: all but those of test."""
        ...

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        """Each row's pseudo-value, float64 [n], from vectors [texts of the cache, d]; NaN where
        there is none. The steps of the readout ``steps`` are applied first.
        """
        ...

    def chance_scores(self) -> Array:
        """The pseudo-values of what does not read the texts, [n]."""
        ...


@runtime_checkable
class ScreenedTask(Task, Protocol):
    """A task with a cheaper form, by which the readouts are chosen that are scored by the task."""

    screening: str
    """What the cheaper form is, and what the best third is then scored by, in a caption."""

    def screen(self) -> Task:
        """The cheaper form."""
        ...


class PairsTask:
    """Spearman's rho between the cosine of a pair and the score that people gave it."""

    score = "Spearman"
    scale: Scale = "correlation"
    fit_kind: TextKind | None = None

    def __init__(self, pairs: TextPairs, seed: int) -> None:
        """Raises StudyError where all pairs that are chosen or reported on have the same score."""
        self.name, self.pairs, self._seed = pairs.name, pairs, seed
        keys = duplicate_keys([*pairs.first, *pairs.second], pairs.groups)
        self.groups = factorize(keys).reshape(2, -1).T
        key_pairs = list(zip(keys[: len(pairs)], keys[len(pairs) :], strict=True))
        if (self.groups[:, 0] == self.groups[:, 1]).all():
            raise StudyError(
                f"{self.name}: both sides of every pair are the same text as the encoder reads it, "
                "so every cosine is 1; name the two columns with --columns"
            )
        self.folds = fold_rows(pairs.splits, key_pairs, seed)
        self.notes: Sequence[str] = self.folds.notes
        for rows in (self.folds.choice_rows, self.folds.report_rows):
            if is_constant(pairs.scores[rows]):
                raise StudyError(
                    f"{self.name}: the pairs all have the score {pairs.scores[rows[0]]:g}; a "
                    "correlation needs scores that differ"
                )

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        return (self.name, self.pairs.hash, self.score, self._seed)

    @property
    def strata(self) -> RowIndices | None:
        """None: a correlation does not count label by label."""
        return None

    @property
    def texts(self) -> Sequence[str]:
        return [*self.pairs.first, *self.pairs.second]

    @property
    def fit_texts(self) -> Sequence[str]:
        sides = (self.pairs.first, self.pairs.second)
        return [side[i] for i in self.folds.choice_rows.tolist() for side in sides]

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        return self.pseudo_values(self.cosines(cache, vectors, steps))

    def cosines(self, cache: VectorCache, vectors: Floats, steps: Readout | None = None) -> Array:
        """The cosine of each pair, [n]; NaN where a text is empty or its vector not finite, and
        everywhere where the vectors lack the directions that a step needs."""
        first, second = cache.rows(self.pairs.first), cache.rows(self.pairs.second)
        cosines = np.full(len(self), np.nan)
        for rows, fitted in self._divisions(steps):
            known = np.unique(np.concatenate([first[fitted], second[fitted]]))
            apply = fitted_steps(steps, vectors[known[cache.usable[known]]], cache.dense_stack)
            if apply is None:
                return np.full(len(self), np.nan)
            unique, inverse = np.unique(
                np.concatenate([first[rows], second[rows]]), return_inverse=True
            )
            a, b = np.split(np.asarray(apply(vectors[unique]), np.float64)[inverse], 2)
            cosines[rows] = _cosines(a, b)
        unusable = ~(cache.usable[first] & cache.usable[second])
        cosines[np.isnan(cosines)] = 0.0
        cosines[unusable] = np.nan
        return cosines

    def _divisions(self, steps: Readout | None) -> list[tuple[RowIndices, RowIndices]]:
        """Rows, and the rows that steps are fitted on for them; all at once without such steps."""
        every = np.arange(len(self))
        if steps is None or not steps.needs_fit:
            return [(every, every)]
        return [(rows, fitted) for _, fitted, rows in self.folds.divisions()]

    def chance_scores(self) -> Array:
        return np.zeros(len(self))

    def pseudo_values(self, cosines: Array) -> Array:
        """Of Spearman's rho, [n], for the rows chosen and reported on separately."""
        values = np.full(len(self), np.nan)
        for rows in separate_rows(self.folds):
            usable = rows[np.isfinite(cosines[rows])]
            scores = self.pairs.scores[usable]
            if len(usable) >= 3 and not (is_constant(cosines[usable]) or is_constant(scores)):
                rho, influence = spearman_influence(cosines[usable], scores)
                values[usable] = rho + influence
        return values


def separate_rows(folds: Folds) -> list[RowIndices]:
    """The rows chosen on and, where they are others, those reported on."""
    return [folds.choice_rows, folds.report_rows] if folds.has_test else [folds.choice_rows]


def _cosines(x: Array, y: Array) -> Array:
    """The cosine of corresponding rows [n, d], [n]; NaN where one is zero or not finite."""
    product = np.einsum("nd,nd->n", x, y)
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(norms > 0, product / norms, np.nan))


def estimate_on(task: Task, row_scores: Array, rows: RowIndices) -> Estimate:
    """The score on ``rows`` from pseudo-values of all rows [n], with its interval."""
    strata = None if task.strata is None else task.strata[rows]
    return estimate(row_scores[rows], task.scale, task.groups[rows], strata)


def fitted_steps(
    steps: Readout | None, vectors: Floats, dense_stack: DenseStack | None
) -> Apply | None:
    """The steps of a readout, fitted on vectors [n, d]; None where these lack the directions that
    a step needs, as where all are equal."""
    if steps is None or not steps.steps:
        return lambda rows: rows
    try:
        transform: Transform = fit(steps, vectors, dense_stack)
    except ReadoutError:
        return None
    return transform.apply


def fold_features(
    x: Floats, steps: Readout | None, dense_stack: DenseStack | None
) -> tuple[Floats | Array, Callable[[RowIndices], Apply | None] | None]:
    """Vectors [n, d] of a task's rows, with steps that learn nothing applied at once; and how those
    that do are fitted on rows, None where none does."""
    if steps is None or not steps.needs_fit:
        apply = fitted_steps(steps, x, dense_stack)
        assert apply is not None, "steps that learn nothing lack nothing"
        return apply(x), None
    return x, lambda rows: fitted_steps(steps, x[rows], dense_stack)
