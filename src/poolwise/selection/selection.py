"""The selection of a readout: the best of the candidates, and the test for a better one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.selection.candidate_scores import CandidateScores
from poolwise.selection.choice import Choice
from poolwise.selection.corrected_tests import any_above, exceeding
from poolwise.statistics.max_t import MaxT

Array = NDArray[np.float64]

REFERENCE_READOUTS = ("declared", "mean@-1")
"""The readouts that people take without measuring: first what the model's folder declares."""


@dataclass(frozen=True, eq=False)
class Selection(CandidateScores):
    """The choice among scored candidates: what is used now, the best, and what is shown of them."""

    def best_of(self, indices: Sequence[int]) -> int:
        """The candidate of the highest score among these; of equals the cheapest.

        Raises StudyError where none has a score.
        """
        values = self.choice_scores[list(indices)]
        if not np.isfinite(values).any():
            raise StudyError(
                f"{self.task.name}: no readout has a {self.task.score}; every vector, or every "
                "pair's cosine, is the same"
            )
        highest = np.nanmax(values)
        return min(
            (i for i, value in zip(indices, values, strict=True) if value == highest),
            key=lambda i: (self.work(i), self.dimensions[i] if self.dimensions else 0),
        )

    @cached_property
    def choice(self) -> Choice:
        """The choice of the highest score among all readouts."""
        return Choice(self, range(len(self.readouts)))

    @property
    def best_index(self) -> int:
        """The readout of the highest score."""
        return self.choice.index

    @property
    def reference(self) -> int:
        """The readout that is used now: what the model declares, or else ``mean@-1``."""
        return next(self.references[n] for n in REFERENCE_READOUTS if n in self.references)

    @cached_property
    def better(self) -> MaxT:
        """Tests that each readout scores higher than the one used now, corrected for all, [c]."""
        return self._exceeding(self.reference, 1.0)

    @cached_property
    def above_chance(self) -> bool:
        """Whether any readout is shown to score above chance, after correction for all."""
        if self.chance is None:
            return True
        rows = self.choice_rows
        scores, groups = self.row_scores[rows, : len(self.readouts)], self.task.groups[rows]
        return any_above(scores, self.chance[rows], groups, self.n_draws)

    @cached_property
    def tied(self) -> NDArray[np.bool_]:
        """Whether each readout is not shown to be worse than the best, after correction; [c]."""
        scored = np.isfinite(self.choice_scores[: len(self.readouts)])
        return np.asarray(scored & ~self._worse.significant, np.bool_)

    @cached_property
    def _worse(self) -> MaxT:
        """Tests that each readout scores lower than the best."""
        return self._exceeding(self.best_index, -1.0)

    @property
    def visible_difference(self) -> float | None:
        """The difference from the best that tells a readout near it from it, corrected for all;
        readouts far below vary more. None where there is nothing to compare."""
        near = self.tied if (self.tied & (self._worse.errors > 0)).any() else True
        errors = self._worse.errors[near & (self._worse.errors > 0)]
        reach = self._worse.critical * float(np.median(errors)) if len(errors) else np.inf
        return reach if np.isfinite(reach) else None

    def tied_with(self, index: int, indices: Sequence[int]) -> list[int]:
        """Which of the candidates ``indices`` are not shown to be worse than ``index``, after
        correction for all of them."""
        rows = self.choice_rows
        scores = self.row_scores[rows][:, [index, *indices]]
        worse = exceeding(scores, 0, self.task.groups[rows], sign=-1.0)
        scored = np.isfinite(scores.mean(axis=0))
        return [
            i
            for i, has_score, significant in zip(
                indices, scored[1:], worse.significant[1:], strict=True
            )
            if has_score and not significant
        ]

    def _exceeding(self, index: int, sign: float, bound: float = 0.0) -> MaxT:
        """Tests that the readouts' scores less candidate ``index``'s, times ``sign``, exceed a
        bound. A readout that was only screened takes part with its scores by the screen."""
        rows, c = self.choice_rows, len(self.readouts)
        screen = None if self.screen is None else self.screen[rows]
        return exceeding(
            self.row_scores[rows, :c],
            index,
            self.task.groups[rows],
            sign=sign,
            bound=bound,
            screen=screen,
            n_draws=self.n_draws,
        )

    @cached_property
    def chosen(self) -> Choice:
        """The best of the readouts that are shown to be better than the one used now, or that:
        nobody should change for a difference that may be chance."""
        scored = np.isfinite(self.choice_scores[: len(self.readouts)])
        better = np.flatnonzero(self.better.significant & scored).tolist()
        if self.best_index in better:
            return self.choice
        if better:
            return Choice(self, better)
        has_score = np.isfinite(self.choice_scores[self.reference])
        return Choice(self, [self.reference]) if has_score else self.choice

    @property
    def chosen_index(self) -> int:
        """The index of the chosen readout."""
        return self.chosen.index

    def not_inferior(self, margin: float) -> NDArray[np.bool_]:
        """Whether each readout is shown to score at most ``margin`` less than the chosen one, after
        correction for all; [c]."""
        scored = np.isfinite(self.choice_scores[: len(self.readouts)])
        tests = self._exceeding(self.chosen_index, 1.0, bound=-margin)
        return np.asarray(tests.significant & scored, np.bool_)
