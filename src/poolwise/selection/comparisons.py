"""Some differences that are asked for together: corrected together, told in words, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan

from poolwise.charts import ForestPlot, ForestRow
from poolwise.records import Number
from poolwise.selection.charts import LEVEL
from poolwise.selection.finding import format_estimate
from poolwise.statistics.holm import holm
from poolwise.statistics.paired import Difference

NO_DIFFERENCE = "no difference that these data can show"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A contender's score less another's on test. ``where`` places it in a report."""

    name: str
    difference: Difference
    where: Mapping[str, str | int] = field(default_factory=dict)
    control: bool = False


@dataclass(frozen=True)
class ComparisonFamily:
    """All comparisons of a study: Holm over them."""

    comparisons: Sequence[Comparison]

    @cached_property
    def p(self) -> Mapping[str, float]:
        """The adjusted p-value of each, by name; NaN where there is nothing to test."""
        adjusted = holm([one.difference.p for one in self.comparisons]).tolist()
        return {one.name: p for one, p in zip(self.comparisons, adjusted, strict=True)}

    def sign(self, name: str) -> int | None:
        """1 or -1 where the difference is clearly above or below zero, else 0; None where one of
        the two has no score."""
        value = self[name].difference.value.value
        if value is None:
            return None
        if not self.p[name] < LEVEL:
            return 0
        return 1 if value > 0 else -1

    def __getitem__(self, name: str) -> Comparison:
        return next(one for one in self.comparisons if one.name == name)

    def told(self, name: str) -> str:
        """``+0.031 [+0.012, +0.050]``, or with what it cannot show before it."""
        value = self[name].difference.value
        found = format_estimate(value, sign=True)
        if value.value is None or self.sign(name):
            return found
        alone = value.low is not None and value.high is not None and value.low * value.high > 0
        corrected = f" once corrected for {self._tested} comparisons" if alone else ""
        return f"{NO_DIFFERENCE}{corrected}, {found}"

    @property
    def _tested(self) -> int:
        return sum(not isnan(p) for p in self.p.values())

    def numbers(self) -> Iterator[Number]:
        """A number each, its adjusted p-value in the note."""
        for one in self.comparisons:
            value, p = one.difference.value, self.p[one.name]
            note = value.note if isnan(p) else f"p {_written(p)} after Holm over {self._tested}"
            yield Number.of(one.name, value, one.where, control=one.control, note=note)

    def row(self, name: str, *, label: str | None = None, group: str | None = None) -> ForestRow:
        """The comparison as a row of a forest plot, named ``label`` if that is given."""
        comparison = self[name]
        return ForestRow(
            label or name,
            comparison.difference.value,
            control=comparison.control,
            clear=bool(self.sign(name)),
            group=group,
        )

    def chart(
        self,
        title: str,
        *,
        x_label: str,
        reference: str,
        caption: str = "Differences on test, paired by row, with 95 % intervals. Filled: not zero "
        "after Holm over all of them.",
    ) -> ForestPlot:
        """Every comparison of the family, and no other."""
        rows = [self.row(comparison.name) for comparison in self.comparisons]
        return ForestPlot(title, rows, x_label=x_label, reference=reference, caption=caption)


def join_words(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _written(p: float) -> str:
    return "below 0.0001" if p < 1e-4 else f"{p:.4f}"
