"""Charts of fine-tuning: scores by size, differences, what fine-tuning gains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, ForestPlot, ForestRow, LearningCurve, LearningPoint
from poolwise.tuning.outcomes import FROZEN, Outcomes, versus

CAPTION = (
    "Differences on test, paired by row and by seed; 95 % intervals cover both. Filled: not zero "
    "after Holm over all comparisons of the same size."
)


def charts(outcomes: Outcomes) -> Iterator[Chart]:
    """The learning curve, then differences of the largest size and what fine-tuning gains."""
    yield learning_curve(outcomes)
    others = [name for name in outcomes.readouts if name != outcomes.reference]
    if others:
        title = f"Fine-tuned, against {outcomes.reference}"
        yield _against(outcomes, title, others, outcomes.reference)
    if outcomes.tokens and outcomes.first != outcomes.reference:  # else the plot before has it
        title = "Why the first token: others, fine-tuned"
        yield _against(outcomes, title, outcomes.tokens, outcomes.first)
    if outcomes.gains[outcomes.most].comparisons:
        yield _gains(outcomes)


def learning_curve(outcomes: Outcomes) -> LearningCurve:
    """Every readout by size, and its frozen probe."""
    points = [
        LearningPoint(n, name, estimate, frozen)
        for frozen, scores in ((False, outcomes.tuned), (True, outcomes.frozen))
        for (name, n), estimate in scores.items()
    ]
    single = len(outcomes.sizes) == 1
    sizes = f"on {outcomes.most:,} rows" if single else "by the rows learned from"
    return LearningCurve(
        f"Fine-tuned and frozen, {sizes}: {outcomes.task.name}",
        points,
        x_label="rows of train",
        y_label=f"{outcomes.task.score}, test",
        caption=f"Mean over {outcomes.seeds} seed{'s' * (outcomes.seeds > 1)} on "
        f"{len(outcomes.task.splits.test):,} rows of test, with 95 % intervals. Frozen: a linear "
        "probe on the vectors where training began, of the same rows.",
    )


def _against(outcomes: Outcomes, title: str, names: Sequence[str], other: str) -> ForestPlot:
    """Readouts less ``other``, trained on the most rows."""
    n = outcomes.most
    family = outcomes.against[n]
    rows = [family.row(versus(name, other, n), label=name) for name in names]
    return _forest(outcomes, f"{title}, n = {n:,}", rows, other)


def _gains(outcomes: Outcomes) -> ForestPlot:
    """Fine-tuned less frozen, a group a size where there are several."""
    several = len(outcomes.sizes) > 1
    rows = [
        outcomes.gains[n].row(
            comparison.name,
            label=str(comparison.where["readout"]),
            group=f"n = {n:,}" if several else None,
        )
        for n in reversed(outcomes.sizes)
        for comparison in outcomes.gains[n].comparisons
    ]
    return _forest(outcomes, "What fine-tuning gains", rows, f"the {FROZEN} probe")


def _forest(
    outcomes: Outcomes, title: str, rows: Sequence[ForestRow], reference: str
) -> ForestPlot:
    return ForestPlot(
        title,
        rows,
        x_label=f"difference in {outcomes.task.score}, test",
        reference=reference,
        caption=CAPTION,
    )
