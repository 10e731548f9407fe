"""Rows that lack what is asked of them: counted, and told where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_SHOWN = 5


@dataclass(slots=True)
class LeftOut:
    """How many rows have no text, no label or no score, and the numbers of the first of them.

    ``found`` is what else was found out about their source; empty if there is nothing to say.
    """

    unit: str = "row"
    found: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    _numbers: dict[str, list[int]] = field(default_factory=dict)

    def add(self, lacks: str, number: int) -> None:
        """Row (or line) ``number`` has no ``lacks``."""
        self.counts[lacks] = self.counts.get(lacks, 0) + 1
        numbers = self._numbers.setdefault(lacks, [])
        if len(numbers) < _SHOWN:
            numbers.append(number)

    def notes(self) -> Iterator[str]:
        """``3 rows have no text; left out: lines 5, 17, 20``."""
        for lacks, count in self.counts.items():
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            unit = self.unit if count == 1 else f"{self.unit}s"
            more = " …" if count > _SHOWN else ""
            numbers = ", ".join(f"{number}" for number in self._numbers[lacks])
            yield f"{rows} no {lacks}; left out: {unit} {numbers}{more}"
