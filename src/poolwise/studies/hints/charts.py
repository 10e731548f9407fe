"""Charts of the hints: what each choice costs, and whether the order agrees with labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, ForestPlot, ForestRow, TextTable
from poolwise.selection.charts import forest_rows
from poolwise.selection.selection import Selection
from poolwise.studies.hints.choices import AS_POOLED, HintChoice
from poolwise.studies.hints.label_free_scores import LABEL_FREE_SCORES
from poolwise.studies.hints.values import CONTROLS


def charts(selection: Selection, choices: Sequence[HintChoice]) -> Iterator[Chart]:
    reference = selection.names[selection.reference]
    yield ForestPlot(
        "What a score without labels would have chosen, and what that costs",
        [
            ForestRow(
                f"{choice.name}: {chosen_name(selection, choice)}",
                choice.against_used.value,
                control=choice.control,
                clear=choice.better or choice.worse,
                group=choice.among,
            )
            for choice in choices
        ],
        x_label=f"difference in {selection.task.score}",
        reference=reference,
        caption=f"Score by labels of the choice less that of {reference}, which is used now, "
        "paired by row, with 95 % intervals. Filled: not zero, corrected for all choices.",
    )
    ranked = [choice for choice in choices if choice.upper_less_lower.value.value is not None]
    yield ForestPlot(
        "Do readouts that it ranks higher score higher?",
        forest_rows(
            [(choice.name, choice.upper_less_lower) for choice in ranked],
            controls=CONTROLS,
            groups=[choice.among for choice in ranked],
        ),
        x_label=f"difference in {selection.task.score}",
        reference="the lower half",
        caption="Mean score by labels of the readouts that a score without labels ranks in the "
        "upper half, less that of the lower half. Intervals are over rows: the readouts are no "
        "sample of others. Filled: not zero after Holm.",
    )
    yield TextTable(
        "Scores without labels, and what each takes",
        ["score", "better is", "as in", "takes, as pooled"],
        [
            [
                score.name,
                "more" if score.higher else "less",
                score.source,
                _names(selection, choices, score.name),
            ]
            for score in LABEL_FREE_SCORES
        ],
        caption="The direction is that of the source, and is never turned to fit the labels.",
    )


def _names(selection: Selection, choices: Sequence[HintChoice], name: str) -> str:
    chosen = [c for c in choices if c.name == name and c.among == AS_POOLED]
    return chosen_name(selection, chosen[0]) if chosen else "undefined"


def chosen_name(selection: Selection, choice: HintChoice) -> str:
    """The readout chosen, or how many tie."""
    if len(choice.indices) == 1:
        return selection.names[choice.indices[0]]
    return f"any of {len(choice.indices)}"
