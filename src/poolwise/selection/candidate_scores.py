"""Candidates scored on one task: each row's pseudo-value of every readout and baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.readouts import Readout
from poolwise.selection.candidates import (
    Candidate,
    encoders_of,
    find,
    find_up_to_l2,
    short_names,
)
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.task import Task, estimate_on
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.max_t import DRAWS
from poolwise.statistics.paired import Difference, paired_differences

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CandidateScores:
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

    @property
    def chance_scores(self) -> Array:
        """``chance``, where it is known."""
        assert self.chance is not None, "nothing is said of chance where it is not known"
        return self.chance

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
