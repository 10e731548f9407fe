"""The selection of a readout: candidates scored on one task, and the test for a better one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.readouts import Readout
from poolwise.selection.candidates import (
    Candidate,
    encoders_of,
    find,
    find_up_to_l2,
    short_names,
)
from poolwise.selection.choice import Choice
from poolwise.selection.corrected_tests import any_above, exceeding
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.task import Task, estimate_on
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.max_t import DRAWS, MaxT
from poolwise.statistics.paired import Difference, paired_differences

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Array = NDArray[np.float64]

REFERENCE_READOUTS = ("declared", "mean@-1")
"""The readouts that people take without measuring: first what the model's folder declares."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Candidates on one task: c readouts of one or several models, then b ``baselines``.

    ``row_scores`` float64 [n, c + b]: each candidate's pseudo-value of each row (see ``tasks``);
    NaN for what has no score. ``dimensions`` [c + b]: widths of their vectors. ``chance`` [n]:
    pseudo-values of what does not read the texts; None where that is not known. ``screen`` [n, c]:
    pseudo-values by a cheaper probe, of all readouts, where only the best of them may have been
    scored by the task's own; None where there is no such probe. ``notes`` say what could not
    be scored. ``milliseconds`` [c]: the time measured to read a text with each readout; empty where
    it was not measured. ``n_draws`` of the largest t: see ``max_t``.

    The readout that is used now is one of the first model.
    """

    candidates: Sequence[Candidate]
    task: Task
    baselines: Sequence[str]
    dimensions: Sequence[int]
    row_scores: Array
    chance: Array | None = None
    screen: Array | None = None
    notes: Sequence[str] = ()
    milliseconds: Sequence[float] = ()
    n_draws: int = DRAWS

    @cached_property
    def readouts(self) -> list[Readout]:
        """Of all models, [c]."""
        return [candidate.readout for candidate in self.candidates]

    @cached_property
    def encoders(self) -> list[Encoder]:
        """The models, in order."""
        return encoders_of(self.candidates)

    @property
    def encoder(self) -> Encoder:
        """The first model: that of the readout that is used now."""
        return self.candidates[0].encoder

    @property
    def cache(self) -> VectorCache:
        """The vectors of the first model."""
        return self.candidates[0].cache

    @cached_property
    def models(self) -> list[str]:
        """The name of each candidate's model, [c]: short where that tells the models apart."""
        labels = short_names([encoder.name for encoder in self.encoders])
        names = {id(e): label for e, label in zip(self.encoders, labels, strict=True)}
        return [names[id(candidate.encoder)] for candidate in self.candidates]

    @cached_property
    def names(self) -> list[str]:
        """Of all candidates, [c + b]: the readout, and of several models ``mean@-1 of MODEL``."""
        if len(self.encoders) == 1:
            return [*map(str, self.readouts), *self.baselines]
        pairs = zip(self.readouts, self.models, strict=True)
        return [*(f"{readout} of {model}" for readout, model in pairs), *self.baselines]

    @cached_property
    def choice_rows(self) -> RowIndices:
        """The rows chosen on that any candidate has a score on."""
        return self._scored(self.task.folds.choice_rows)

    @cached_property
    def report_rows(self) -> RowIndices:
        """The rows reported on that any candidate has a score on: those of choice, or of test."""
        return self._scored(self.task.folds.report_rows)

    def _scored(self, rows: RowIndices) -> RowIndices:
        return rows[np.isfinite(self.row_scores[rows]).any(axis=1)]

    @cached_property
    def report_scores(self) -> Array:
        """The pseudo-values of the rows reported on, [rows, c + b]."""
        return self.row_scores[self.report_rows]

    @property
    def report_groups(self) -> RowIndices:
        """Their groups, [rows] or [rows, 2]."""
        return self.task.groups[self.report_rows]

    @cached_property
    def scores(self) -> Sequence[Estimate]:
        """Each candidate's score on the rows reported on, [c + b]."""
        return [estimate_on(self.task, column, self.report_rows) for column in self.row_scores.T]

    @property
    def is_screened(self) -> bool:
        """Whether the cheaper probe left out any readout."""
        unscored = np.isnan(self.row_scores[:, : len(self.readouts)]).all(axis=0)
        return self.screen is not None and bool(np.isfinite(self.screen[:, unscored]).any())

    @cached_property
    def choice_scores(self) -> Array:
        """Each candidate's score on the rows chosen on, [c + b]; NaN where it has none."""
        return np.asarray(self.row_scores[self.choice_rows].mean(axis=0))

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

    @property
    def chance_scores(self) -> Array:
        """``chance``, where it is known."""
        assert self.chance is not None, "nothing is said of chance where it is not known"
        return self.chance

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

    def differences_from(self, index: int) -> Sequence[Difference]:
        """Each candidate's score less candidate ``index``'s, paired by row, [c + b]."""
        if index not in self._differences:
            values = self.report_scores.mean(axis=0)
            self._differences[index] = paired_differences(
                values, self.report_scores - values, index, self.report_groups
            )
        return self._differences[index]

    @cached_property
    def _differences(self) -> dict[int, Sequence[Difference]]:
        """By index: every chain of steps is compared with the same few readouts."""
        return {}

    def find(self, readout: str | Readout, encoder: Encoder | None = None) -> int | None:
        """The index of this readout of the encoder, by default the first, however its layers are
        written; None if it is no candidate."""
        return find(self.candidates, readout, encoder or self.encoder)

    def find_up_to_l2(self, readout: str | Readout, encoder: Encoder | None = None) -> int | None:
        """The index of this readout, or else of the same with or without a last ``l2``."""
        return find_up_to_l2(self.candidates, readout, encoder or self.encoder)

    @cached_property
    def references(self) -> Mapping[str, int]:
        """The indices of the first model's readouts to compare with: the reference readouts and
        [CLS]."""
        indices = {name: self.find_up_to_l2(name) for name in ("mean@-1", "cls@-1")}
        if self.encoder.declared is not None:
            indices["declared"] = self.find_up_to_l2(self.encoder.declared)
        return {name: index for name, index in indices.items() if index is not None}

    @property
    def ranking(self) -> list[int]:
        """The indices of all candidates, best first, those without a score last, [c + b]."""
        values = np.nan_to_num(self.choice_scores, nan=-np.inf)
        return sorted(range(len(self.names)), key=lambda i: -values[i])

    def cost(self, index: int) -> float:
        """Share of its encoder's blocks that a candidate needs, 0 … 1; baselines need none."""
        return self.candidates[index].cost if index < len(self.candidates) else 0.0

    def work(self, index: int) -> int:
        """What costs of candidates of several models are compared by; see ``Candidate.work``."""
        return self.candidates[index].work if index < len(self.candidates) else 0
