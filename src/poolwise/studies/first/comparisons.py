"""Comparisons of tokens: at the last layer, and each at its best layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from poolwise.selection.choice import Choice
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.selection.selection import Selection
from poolwise.studies.first.tokens import ALONE, layers

AT_LAST, AT_BEST = "last layer", "best layers"

Rivals = Sequence[tuple[str, str]]
"""Pairs of candidates: the first one's score less the second's."""


def comparison_name(name: str, reference: str, scope: str = AT_LAST) -> str:
    """A comparison's name."""
    return f"{name} less {reference}, {scope}"


class Candidates:
    """A selection with every token at every layer measured, and the control at one layer."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    def indices(self, name: str) -> Sequence[int]:
        """The indices of this token, from the lowest layer measured to the last."""
        if name == ALONE:
            return [self.selection.names.index(name)]
        return [self.selection.names.index(f"{name}@{k}") for k in layers(self.selection.encoder)]

    def last(self, name: str) -> int:
        return self.indices(name)[-1]

    def at_last(self, name: str) -> Choice:
        """It at the last layer."""
        return Choice(self.selection, [self.last(name)])

    def at_best(self, name: str) -> Choice:
        """It at the layer of its highest score; at the last layer where it has no score."""
        indices = self.indices(name)
        scored = np.isfinite(self.selection.choice_scores[list(indices)]).any()
        return Choice(self.selection, indices) if scored else self.at_last(name)

    def best(self, name: str) -> int:
        """The index at which it scores highest."""
        return self.at_best(name).index

    def compare(self, rivals: Rivals) -> ComparisonFamily:
        """At the last layer; and each at its best, where that is another comparison."""
        moved = [
            (name, reference)
            for name, reference in rivals
            if name != ALONE
            and (self.best(name), self.best(reference)) != (self.last(name), self.last(reference))
        ]
        at_last = self._comparisons(rivals, AT_LAST, self.at_last)
        return ComparisonFamily([*at_last, *self._comparisons(moved, AT_BEST, self.at_best)])

    def _comparisons(
        self, rivals: Rivals, scope: str, at: Callable[[str], Choice]
    ) -> Iterator[Comparison]:
        for name, reference in rivals:
            choice, other = at(name), at(reference)
            where = {
                "readout": self.selection.names[choice.index],
                "against": self.selection.names[other.index],
            }
            yield Comparison(
                comparison_name(name, reference, scope),
                choice.less(other),
                where,
                control=name == ALONE,
            )
