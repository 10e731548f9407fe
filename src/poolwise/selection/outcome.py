"""What a selection decides: change, keep or nothing, and what its rows could have shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from scipy.stats import norm

from poolwise.selection.selection import Selection
from poolwise.statistics.clusters import standard_error
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference

MARGIN = 0.01
"""What a cheaper readout may lose and still be called as good: one point of a hundred."""

POWER = 0.8


class Decision(Enum):
    """Whether to change the readout that is used now."""

    CHANGE = "change"
    KEEP = "keep"
    NOTHING = "nothing"
    """No readout is shown to score above chance."""


@dataclass(frozen=True)
class Outcome:
    """The decision of a selection, and the numbers that it rests on."""

    selection: Selection

    @cached_property
    def decision(self) -> Decision:
        if not self.selection.above_chance:
            return Decision.NOTHING
        changes = self.selection.chosen_index != self.selection.reference
        return Decision.CHANGE if changes else Decision.KEEP

    @property
    def name(self) -> str:
        """The chosen readout."""
        return self.selection.names[self.selection.chosen_index]

    @property
    def reference(self) -> str:
        """The readout that is used now."""
        return self.selection.names[self.selection.reference]

    @property
    def score(self) -> Estimate:
        """The chosen readout's score, on rows that it was not chosen on."""
        return self.selection.chosen.score

    @cached_property
    def gain(self) -> Difference:
        """The chosen readout's score less that of the one used now; where that is kept, the best
        readout's less the one kept."""
        selection = self.selection
        changes = selection.chosen_index != selection.reference
        choice = selection.chosen if changes else selection.choice
        return choice.difference_from(selection.reference)

    @property
    def p(self) -> float:
        """Of the chosen readout, or else of the best, being better than the one used now;
        corrected for all readouts."""
        selection = self.selection
        changes = selection.chosen_index != selection.reference
        index = selection.chosen_index if changes else selection.best_index
        return float(selection.better.p[index])

    @cached_property
    def smallest_difference(self) -> float | None:
        """The difference between the best and the one used now that as many rows would show in four
        cases of five; None where the two are the same."""
        error = self._error
        reach = self.selection.better.critical + float(norm.ppf(POWER))
        return reach * error if error and np.isfinite(reach * error) else None

    @cached_property
    def rows_needed(self) -> int | None:
        """About how many rows would show the difference observed, in four cases of five; None where
        the one used now scores as high as the best."""
        difference = self.gain.value.value
        if not difference or difference <= 0 or self.smallest_difference is None:
            return None
        rows = len(self.selection.choice_rows)
        return int(np.ceil(rows * (self.smallest_difference / difference) ** 2))

    @property
    def _error(self) -> float:
        selection = self.selection
        rows = selection.choice_rows
        scores = selection.row_scores[rows]
        moved = scores[:, selection.best_index] - scores[:, selection.reference]
        error, _ = standard_error((moved - moved.mean())[:, None], selection.task.groups[rows])
        return float(error[0])

    @cached_property
    def cheapest(self) -> int | None:
        """The readout of the least work, then dimensions, that is shown to lose at most
        ``MARGIN`` against the chosen one and takes less work; None where there is none."""
        selection = self.selection
        chosen = selection.chosen_index
        candidates = [
            i
            for i in np.flatnonzero(selection.not_inferior(MARGIN)).tolist()
            if selection.work(i) < selection.work(chosen)
        ]
        return min(
            candidates,
            key=lambda i: (selection.work(i), selection.dimensions[i], -selection.choice_scores[i]),
            default=None,
        )
