"""Charts of probing: curves over layers, a map of all readouts, differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import (
    Band,
    Chart,
    ForestPlot,
    HeatCell,
    HeatMap,
    PanelPoint,
    SmallMultiples,
)
from poolwise.selection.charts import forest_rows
from poolwise.statistics.estimate import Estimate
from poolwise.studies.probing.controls import LENGTH, WORDS
from poolwise.studies.probing.paired_tests import PairedTest, TaskResult
from poolwise.studies.probing.scores import ProbingScores

CAPTION = (
    "Differences in accuracy, paired by row, 95 % intervals. Filled: not zero after Holm over all "
    "rows."
)


def charts(results: Sequence[TaskResult]) -> list[Chart]:
    """Small multiples, the map, and three forests."""
    return [
        _multiples(results),
        _heat_map(results),
        _controls(results),
        _ends(results),
        _pools(results),
    ]


def _multiples(results: Sequence[TaskResult]) -> SmallMultiples:
    """Accuracy by layer, a panel a task, with bands of its controls."""
    return SmallMultiples(
        "What each layer knows",
        [point for result in results for point in _curve(result)],
        [band for result in results for band in _bands(result.scores)],
        x_label="layer",
        y_label="accuracy",
        shared_y=False,
        caption="Accuracy of a frozen linear probe on rows that it was not trained on, with 95 % "
        "intervals. Bands are the intervals of controls: shuffled labels; lengths or word counts, "
        "whichever predict more; the best readout of the same encoder with random weights.",
    )


def _curve(result: TaskResult) -> Iterator[PanelPoint]:
    selection = result.scores.selection
    for readout, estimate in zip(selection.readouts, selection.scores, strict=False):
        (layer,) = readout.layer_indices(selection.encoder.depth)
        yield PanelPoint(result.name, layer, str(readout.pool), estimate)


def _bands(scores: ProbingScores) -> Iterator[Band]:
    surface = [*scores.controls_named(LENGTH), *scores.controls_named(WORDS)]
    controls = {
        "shuffled labels": scores.shuffled_accuracy,
        "length or words": scores.best(surface).score,
        "untrained encoder": scores.best(scores.untrained).score,
    }
    for name, estimate in controls.items():
        yield Band(scores.task.name, name, estimate.low, estimate.high)


def _heat_map(results: Sequence[TaskResult]) -> HeatMap:
    """A row a task, a column a layer, a map a pool."""
    return HeatMap(
        "Where each task is read best",
        [cell for result in results for cell in _cells(result)],
        x_label="layer",
        y_label="task",
        value_label="share of the best readout's gain over chance,",
        caption="Accuracy less that of always predicting the most frequent label, as a share of "
        "what the task's best readout gains. Each task has one chosen cell; those within the line "
        "are not shown to be worse (paired differences, corrected for the readouts of the task). A "
        "task without numbers is at chance.",
    )


def _cells(result: TaskResult) -> Iterator[HeatCell]:
    scores, selection = result.scores, result.scores.selection
    best_gain = (
        scores.gains[scores.best_readout.index].value.value if result.majority.sign > 0 else None
    )
    for i, readout in enumerate(selection.readouts):
        yield HeatCell(
            result.name,
            str(readout.layer_indices(selection.encoder.depth)[0]),
            _share(scores.gains[i].value, best_gain),
            best=bool(best_gain) and i == scores.best_readout.index,
            tied=bool(best_gain) and bool(selection.tied[i]),
            panel=str(readout.pool),
        )


def _share(gain: Estimate, whole: float | None) -> Estimate:
    value, low, high = (
        x / whole if x is not None and whole else None for x in (gain.value, gain.low, gain.high)
    )
    return Estimate(value, low, high)


def _controls(results: Sequence[TaskResult]) -> ForestPlot:
    rows = [(result.name, result.best_control) for result in results]
    return _forest("More than a control can tell?", rows, "the best control")


def _ends(results: Sequence[TaskResult]) -> ForestPlot:
    rows = [
        *((result.name, result.first_layer) for result in results),
        *((result.name, result.last_layer) for result in results),
    ]
    headings = ("the chosen readout less the best of layer 0", "less the best of the last layer")
    groups = [heading for heading in headings for _ in results]
    return _forest("Low, in the middle, or high?", rows, "no difference", groups)


def _pools(results: Sequence[TaskResult]) -> ForestPlot:
    rows = [(result.name, result.mean_to_cls) for result in results]
    return _forest("The mean or [CLS]?", rows, "the best cls")


def _forest(
    title: str,
    rows: Sequence[tuple[str, PairedTest]],
    reference: str,
    groups: Sequence[str] | None = None,
) -> ForestPlot:
    """A row a task and its difference."""
    differences = [
        (f"{task}: {paired_test.first} less {paired_test.second}", paired_test.difference)
        for task, paired_test in rows
    ]
    return ForestPlot(
        title,
        forest_rows(differences, groups=groups),
        x_label="difference in accuracy",
        reference=reference,
        caption=CAPTION,
    )
