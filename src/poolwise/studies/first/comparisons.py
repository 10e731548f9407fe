"""Who is compared with whom: at the last layer, and each at its best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.selection.selection import Selection, sort_value
from poolwise.studies.first.tokens import ALONE, layers

AT_LAST, AT_BEST = "last layer", "best layers"

Rivals = Sequence[tuple[str, str]]
"""Two contenders each: what the first scores less what the second does."""


def named(name: str, other: str, scope: str = AT_LAST) -> str:
    """A comparison's name."""
    return f"{name} less {other}, {scope}"


class Contenders:
    """A selection in which all take part at every layer measured, but the control, at one."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    def places(self, name: str) -> Sequence[int]:
        """Where this one takes part, from the lowest layer measured to the last."""
        if name == ALONE:
            return [self.selection.names.index(name)]
        return [self.selection.names.index(f"{name}@{k}") for k in layers(self.selection.encoder)]

    def last(self, name: str) -> int:
        return self.places(name)[-1]

    def best(self, name: str) -> int:
        """Where it scores best on dev."""
        return max(self.places(name), key=lambda i: sort_value(self.selection.dev_scores[i]))

    def compare(self, rivals: Rivals) -> ComparisonFamily:
        """At the last layer; and each at its best, where that is another comparison."""
        moved = [
            (name, other)
            for name, other in rivals
            if name != ALONE
            and (self.best(name), self.best(other)) != (self.last(name), self.last(other))
        ]
        at_last = self._compared(rivals, AT_LAST, self.last)
        return ComparisonFamily([*at_last, *self._compared(moved, AT_BEST, self.best)])

    def _compared(
        self, rivals: Rivals, scope: str, at: Callable[[str], int]
    ) -> Iterator[Comparison]:
        for name, other in rivals:
            i, j = at(name), at(other)
            where = {
                "readout": self.selection.names[i],
                "against": self.selection.names[j],
                "part": "test",
            }
            difference = self.selection.differences_from(j)[i]
            yield Comparison(named(name, other, scope), difference, where, control=name == ALONE)
