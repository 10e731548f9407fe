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
    """A contest in which all take part at every layer measured, but the control, at one."""

    def __init__(self, held: Selection) -> None:
        self.held = held

    def places(self, name: str) -> Sequence[int]:
        """Where this one takes part, from the lowest layer measured to the last."""
        if name == ALONE:
            return [self.held.names.index(name)]
        return [self.held.names.index(f"{name}@{k}") for k in layers(self.held.encoder)]

    def last(self, name: str) -> int:
        return self.places(name)[-1]

    def best(self, name: str) -> int:
        """Where it scores best on dev."""
        return max(self.places(name), key=lambda i: sort_value(self.held.dev[i]))

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
                "readout": self.held.names[i],
                "against": self.held.names[j],
                "part": "test",
            }
            difference = self.held.against(j)[i]
            yield Comparison(named(name, other, scope), difference, where, control=name == ALONE)
