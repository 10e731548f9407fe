"""Rows left out because a field is missing: how many, and the numbers of the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_LISTED = 5


@dataclass(slots=True)
class OmittedRows:
    """The rows of one source that have no text, no label or no score.

    ``unit`` is what their numbers count; ``source_note`` is a remark about the source itself, or
    empty.
    """

    unit: str = "row"
    source_note: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    _numbers: dict[str, list[int]] = field(default_factory=dict)

    def add(self, missing: str, number: int) -> None:
        """Row (or line) ``number`` has no ``missing``, such as ``text``."""
        self.counts[missing] = self.counts.get(missing, 0) + 1
        numbers = self._numbers.setdefault(missing, [])
        if len(numbers) < _LISTED:
            numbers.append(number)

    def notes(self) -> Iterator[str]:
        """``3 rows have no text; left out: lines 5, 17, 20``."""
        for missing, count in self.counts.items():
            rows = counted(count, "row has", "rows have")
            unit = self.unit if count == 1 else f"{self.unit}s"
            ellipsis = " …" if count > _LISTED else ""
            numbers = ", ".join(f"{number}" for number in self._numbers[missing])
            yield f"{rows} no {missing}; left out: {unit} {numbers}{ellipsis}"


def counted(number: int, one: str, several: str) -> str:
    """``1 row has`` or ``1,234 rows have``."""
    return f"1 {one}" if number == 1 else f"{number:,} {several}"
