"""What the tasks look like: curves over layers, a map of all, differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from poolwise.records import Chart
from poolwise.selection.charts import forest
from poolwise.studies.probing.controls import LENGTH, WORDS
from poolwise.studies.probing.paired_tests import PairedTest, TaskResult
from poolwise.studies.probing.scores import ProbingScores

CAPTION = (
    "Accuracy on test, differences paired by row, 95 % intervals. Filled: not zero after Holm over "
    "all rows."
)


def charts(results: Sequence[TaskResult]) -> list[Chart]:
    """Small multiples, the map, and three forests."""
    return [
        _multiples(results),
        _heat(results),
        _controls(results),
        _ends(results),
        _pools(results),
    ]


def _multiples(results: Sequence[TaskResult]) -> Chart:
    """Kind ``multiples``: accuracy by layer, a panel a task, with bands of its controls."""
    lines = [row for result in results for row in _curve(result)]
    bands = [row for result in results for row in _bands(result.scores)]
    return Chart(
        "multiples",
        "What each layer knows",
        {
            "x_label": "layer",
            "y_label": "accuracy, test",
            "shared_y": False,
            "bands": _columns(bands),
            **_columns(lines),
        },
        "Accuracy of a frozen linear probe on rows of test, with 95 % intervals. Bands are the "
        "intervals of controls: labels dealt out at random; lengths or word counts, whichever "
        "names more on dev; the best readout, on dev, of the same encoder with random weights.",
    )


def _curve(result: TaskResult) -> Iterator[dict[str, Any]]:
    selection = result.scores.selection
    for readout, found in zip(selection.readouts, selection.test_scores, strict=False):
        (layer,) = readout.layer_indices(selection.encoder.depth)
        yield {
            "panel": result.name,
            "layer": layer,
            "series": str(readout.pool),
            "value": found.value,
            "low": found.low,
            "high": found.high,
        }


def _bands(scores: ProbingScores) -> Iterator[dict[str, Any]]:
    tests = scores.selection.test_scores
    surface = [*scores.controls_named(LENGTH), *scores.controls_named(WORDS)]
    controls = {
        "shuffled labels": scores.shuffled_accuracy,
        "length or words": tests[scores.best(surface)],
        "untrained encoder": tests[scores.best(scores.untrained)],
    }
    for name, found in controls.items():
        yield {"panel": scores.task.name, "low": found.low, "high": found.high, "name": name}


def _heat(results: Sequence[TaskResult]) -> Chart:
    """Kind ``heat``: a row a task, a column a layer, a map a pool."""
    return Chart(
        "heat",
        "Where each task is read best",
        {
            "x_label": "layer",
            "y_label": "task",
            "value_label": "share of the best readout's gain over chance,",
            **_columns([cell for result in results for cell in _cells(result)]),
        },
        "Accuracy on dev less that of always naming the most frequent label, as a share of what "
        "the task's best readout gains. Each task has one chosen cell; those within the line "
        "cannot be told from it (paired differences, Holm over the readouts of the task). A task "
        "without numbers is at chance.",
    )


def _cells(result: TaskResult) -> Iterator[dict[str, Any]]:
    scores, selection = result.scores, result.scores.selection
    most = scores.gains[scores.best_readout].value.value if result.majority.sign > 0 else None
    for i, readout in enumerate(selection.readouts):
        gain = scores.gains[i].value
        yield {
            "panel": str(readout.pool),
            "layer": result.name,
            "pool": str(readout.layer_indices(selection.encoder.depth)[0]),
            "value": _share(gain.value, most),
            "low": _share(gain.low, most),
            "high": _share(gain.high, most),
            "best": bool(most) and i == scores.best_readout,
            "tied": bool(most) and bool(selection.tied[i]),
        }


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _controls(results: Sequence[TaskResult]) -> Chart:
    rows = [_row(result, result.best_control) for result in results]
    return _forest("More than a control can tell?", rows, "the best control")


def _ends(results: Sequence[TaskResult]) -> Chart:
    rows = [_row(result, result.first_layer) for result in results]
    rows += [_row(result, result.last_layer) for result in results]
    chart = _forest("Low, in the middle, or high?", rows, "no difference")
    groups = ["the chosen readout less the best of layer 0", "less the best of the last layer"]
    group = [heading for heading in groups for _ in results]
    return replace(chart, data={**chart.data, "group": group})


def _pools(results: Sequence[TaskResult]) -> Chart:
    rows = [_row(result, result.mean_to_cls) for result in results]
    return _forest("The mean or [CLS]?", rows, "the best cls")


def _row(result: TaskResult, paired_test: PairedTest) -> tuple[str, PairedTest]:
    return f"{result.name}: {paired_test.first} less {paired_test.second}", paired_test


def _forest(title: str, rows: Sequence[tuple[str, PairedTest]], reference: str) -> Chart:
    return forest(
        title,
        [(name, paired_test.difference, False) for name, paired_test in rows],
        x_label="difference in accuracy, test",
        reference=reference,
        caption=CAPTION,
    )


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
