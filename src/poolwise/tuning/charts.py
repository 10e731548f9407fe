"""Charts of fine-tuning: scores by size, differences, what fine-tuning gains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, ForestPlot, ForestRow, LearningCurve, LearningPoint
from poolwise.tuning.analysis import FROZEN, TuningAnalysis, versus

CAPTION = (
    "Differences on test, paired by row and by seed; 95 % intervals cover both. Filled: not zero "
    "after Holm over all comparisons of the same size."
)


def charts(analysis: TuningAnalysis) -> Iterator[Chart]:
    """The learning curve, then differences of the largest size and what fine-tuning gains."""
    yield learning_curve(analysis)
    others = [name for name in analysis.readouts if name != analysis.reference]
    if others:
        title = f"Fine-tuned, against {analysis.reference}"
        yield _against(analysis, title, others, analysis.reference)
    if (
        analysis.other_tokens and analysis.first_token != analysis.reference
    ):  # else the plot before has it
        title = "Why the first token: others, fine-tuned"
        yield _against(analysis, title, analysis.other_tokens, analysis.first_token)
    if analysis.gain_comparisons[analysis.largest_size].comparisons:
        yield _gains(analysis)


def learning_curve(analysis: TuningAnalysis) -> LearningCurve:
    """Every readout by size, and its frozen probe."""
    points = [
        LearningPoint(n, name, estimate, frozen)
        for frozen, scores in ((False, analysis.tuned_scores), (True, analysis.frozen_scores))
        for (name, n), estimate in scores.items()
    ]
    single = len(analysis.sizes) == 1
    sizes = f"on {analysis.largest_size:,} rows" if single else "by the rows learned from"
    return LearningCurve(
        f"Fine-tuned and frozen, {sizes}: {analysis.task.name}",
        points,
        x_label="rows of train",
        y_label=f"{analysis.task.metric}, test",
        caption=f"Mean over {analysis.n_seeds} seed{'s' * (analysis.n_seeds > 1)} on "
        f"{len(analysis.task.splits.test):,} rows of test, with 95 % intervals. Frozen: a linear "
        "probe on the vectors where training began, of the same rows.",
    )


def _against(analysis: TuningAnalysis, title: str, names: Sequence[str], other: str) -> ForestPlot:
    """Readouts less ``other``, trained on the most rows."""
    n = analysis.largest_size
    family = analysis.readout_comparisons[n]
    rows = [family.row(versus(name, other, n), label=name) for name in names]
    return _forest(analysis, f"{title}, n = {n:,}", rows, other)


def _gains(analysis: TuningAnalysis) -> ForestPlot:
    """Fine-tuned less frozen, a group a size where there are several."""
    several = len(analysis.sizes) > 1
    rows = [
        analysis.gain_comparisons[n].row(
            comparison.name,
            label=str(comparison.where["readout"]),
            group=f"n = {n:,}" if several else None,
        )
        for n in reversed(analysis.sizes)
        for comparison in analysis.gain_comparisons[n].comparisons
    ]
    return _forest(analysis, "What fine-tuning gains", rows, f"the {FROZEN} probe")


def _forest(
    analysis: TuningAnalysis, title: str, rows: Sequence[ForestRow], reference: str
) -> ForestPlot:
    return ForestPlot(
        title,
        rows,
        x_label=f"difference in {analysis.task.metric}, test",
        reference=reference,
        caption=CAPTION,
    )
