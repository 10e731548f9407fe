"""A family of comparisons: differences corrected together, as sentences, numbers and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan

from poolwise.charts import ForestPlot, ForestRow
from poolwise.records import Number
from poolwise.selection.charts import LEVEL
from poolwise.statistics.estimate import format_estimate
from poolwise.statistics.holm import holm
from poolwise.statistics.paired import Difference

NO_DIFFERENCE = "no difference that these data can show"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate's score less another's. ``where`` is that of its ``Number``."""

    name: str
    difference: Difference
    where: Mapping[str, str | int] = field(default_factory=dict)
    control: bool = False


@dataclass(frozen=True)
class ComparisonFamily:
    """Comparisons whose p-values are adjusted together, by Holm's method."""

    comparisons: Sequence[Comparison]

    @cached_property
    def adjusted_p(self) -> Mapping[str, float]:
        """The adjusted p-value of each comparison, by name; NaN where there is nothing to test."""
        adjusted = holm([comparison.difference.p for comparison in self.comparisons]).tolist()
        return dict(zip([c.name for c in self.comparisons], adjusted, strict=True))

    def sign(self, name: str) -> int | None:
        """1 or -1 where the difference is significantly above or below zero, else 0; None where one
        of the two candidates has no score."""
        value = self[name].difference.value.value
        if value is None:
            return None
        if not self.adjusted_p[name] < LEVEL:
            return 0
        return 1 if value > 0 else -1

    def __getitem__(self, name: str) -> Comparison:
        return next(comparison for comparison in self.comparisons if comparison.name == name)

    def describe(self, name: str) -> str:
        """``+0.031 [+0.012, +0.050]``, after ``NO_DIFFERENCE`` where it is not significant."""
        estimate = self[name].difference.value
        text = format_estimate(estimate, sign=True)
        if estimate.value is None or self.sign(name):
            return text
        low, high = estimate.low, estimate.high
        unadjusted = low is not None and high is not None and low * high > 0
        correction = f" once corrected for {self._n_tests} comparisons" if unadjusted else ""
        return f"{NO_DIFFERENCE}{correction}, {text}"

    @property
    def _n_tests(self) -> int:
        return sum(not isnan(p) for p in self.adjusted_p.values())

    def numbers(self) -> Iterator[Number]:
        """Each difference, its adjusted p-value in the note."""
        for c in self.comparisons:
            estimate, p = c.difference.value, self.adjusted_p[c.name]
            note = (
                estimate.note if isnan(p) else f"p {_format_p(p)} after Holm over {self._n_tests}"
            )
            yield Number.of(c.name, estimate, c.where, control=c.control, note=note)

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
        caption: str = "Differences paired by row, with 95 % intervals. Filled: not zero "
        "after Holm over all of them.",
    ) -> ForestPlot:
        """Every comparison of the family, and no other."""
        rows = [self.row(comparison.name) for comparison in self.comparisons]
        return ForestPlot(title, rows, x_label=x_label, reference=reference, caption=caption)


def join_words(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *initial, last = words
    return f"{', '.join(initial)} and {last}" if initial else last


def _format_p(p: float) -> str:
    return "below 0.0001" if p < 1e-4 else f"{p:.4f}"
