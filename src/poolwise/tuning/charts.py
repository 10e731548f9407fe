"""What the trainings look like: scores by size, differences, what fine-tuning gains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from poolwise.records import Chart
from poolwise.selection.charts import forest
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.tuning.outcomes import FROZEN, Outcomes, versus

CAPTION = (
    "Differences on test, paired by row and by seed; 95 % intervals cover both. Filled: not zero "
    "after Holm over all comparisons of the same size."
)


def charts(held: Outcomes) -> Iterator[Chart]:
    yield learning_curve(held)
    others = [name for name in held.readouts if name != held.reference]
    if others:
        yield _against(held, f"Fine-tuned, against {held.reference}", others, held.reference)
    if held.tokens and held.first != held.reference:  # else it is in the picture before
        title = "Why the first token: others, fine-tuned"
        yield _against(held, title, held.tokens, held.first)
    if held.gains[held.most].comparisons:
        yield _gains(held)


def learning_curve(held: Outcomes) -> Chart:
    """Kind ``learning_curve``: every readout by size, and its frozen probe."""
    rows = [
        {
            "n": n,
            "series": name,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "frozen": frozen,
        }
        for frozen, scores in ((False, held.tuned), (True, held.frozen))
        for (name, n), found in scores.items()
    ]
    columns = ("n", "series", "value", "low", "high", "frozen")
    one = len(held.sizes) == 1
    title = f"on {held.most:,} rows" if one else "by the rows learned from"
    return Chart(
        "learning_curve",
        f"Fine-tuned and frozen, {title}: {held.task.name}",
        {
            "x_label": "rows of train",
            "y_label": f"{held.task.score}, test",
            **{column: [row[column] for row in rows] for column in columns},
        },
        f"Mean over {held.seeds} seed{'s' * (held.seeds > 1)} on {len(held.task.splits.test):,} "
        "rows of test, with 95 % intervals. Frozen: a linear probe on the vectors where training "
        "began, of the same rows.",
    )


def _against(held: Outcomes, title: str, names: Sequence[str], other: str) -> Chart:
    family = held.against[held.most]
    rows = {name: family[versus(name, other, held.most)] for name in names}
    return _forest(held, f"{title}, n = {held.most:,}", [("", family, rows)], other)


def _gains(held: Outcomes) -> Chart:
    parts = []
    for n in reversed(held.sizes):
        family = held.gains[n]
        rows = {str(one.where["readout"]): one for one in family.comparisons}
        parts.append((f"n = {n:,}", family, rows))
    return _forest(held, "What fine-tuning gains", parts, f"the {FROZEN} probe")


def _forest(
    held: Outcomes,
    title: str,
    parts: Sequence[tuple[str, ComparisonFamily, Mapping[str, Comparison]]],
    reference: str,
) -> Chart:
    """Kind ``forest``; clear is what its family, more than is drawn perhaps, lets count."""
    drawn = [(name, one) for *_, rows in parts for name, one in rows.items()]
    chart = forest(
        title,
        [(name, one.difference, False) for name, one in drawn],
        x_label=f"difference in {held.task.score}, test",
        reference=reference,
        caption=CAPTION,
    )
    data: dict[str, Any] = {
        **chart.data,
        "clear": [
            bool(family.sign(one.name)) for _, family, rows in parts for one in rows.values()
        ],
    }
    if len(parts) > 1:
        data["group"] = [heading for heading, _, rows in parts for _ in rows]
    return replace(chart, data=data)
