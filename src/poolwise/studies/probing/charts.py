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


def charts(answers: Sequence[TaskResult]) -> list[Chart]:
    """Small multiples, the map, and three forests."""
    return [
        _multiples(answers),
        _heat(answers),
        _controls(answers),
        _ends(answers),
        _pools(answers),
    ]


def _multiples(answers: Sequence[TaskResult]) -> Chart:
    """Kind ``multiples``: accuracy by layer, a panel a task, with bands of its controls."""
    lines = [row for answer in answers for row in _curve(answer)]
    bands = [row for answer in answers for row in _bands(answer.evidence)]
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


def _curve(answer: TaskResult) -> Iterator[dict[str, Any]]:
    selection = answer.evidence.selection
    for readout, found in zip(selection.readouts, selection.test_scores, strict=False):
        (layer,) = readout.layer_indices(selection.encoder.depth)
        yield {
            "panel": answer.name,
            "layer": layer,
            "series": str(readout.pool),
            "value": found.value,
            "low": found.low,
            "high": found.high,
        }


def _bands(e: ProbingScores) -> Iterator[dict[str, Any]]:
    tests = e.selection.test_scores
    controls = {
        "shuffled labels": e.on_shuffled,
        "length or words": tests[e.best([*e.called(LENGTH), *e.called(WORDS)])],
        "untrained encoder": tests[e.best(e.untrained)],
    }
    for name, found in controls.items():
        yield {"panel": e.task.name, "low": found.low, "high": found.high, "name": name}


def _heat(answers: Sequence[TaskResult]) -> Chart:
    """Kind ``heat``: a row a task, a column a layer, a map a pool."""
    return Chart(
        "heat",
        "Where each task is read best",
        {
            "x_label": "layer",
            "y_label": "task",
            "value_label": "share of the best readout's gain over chance,",
            **_columns([cell for answer in answers for cell in _cells(answer)]),
        },
        "Accuracy on dev less that of always naming the most frequent label, as a share of what "
        "the task's best readout gains. Each task has one chosen cell; those within the line "
        "cannot be told from it (paired differences, Holm over the readouts of the task). A task "
        "without numbers is at chance.",
    )


def _cells(answer: TaskResult) -> Iterator[dict[str, Any]]:
    e, selection = answer.evidence, answer.evidence.selection
    most = e.gains[e.chosen].value.value if answer.chance.sign > 0 else None
    for i, readout in enumerate(selection.readouts):
        gain = e.gains[i].value
        yield {
            "panel": str(readout.pool),
            "layer": answer.name,
            "pool": str(readout.layer_indices(selection.encoder.depth)[0]),
            "value": _share(gain.value, most),
            "low": _share(gain.low, most),
            "high": _share(gain.high, most),
            "best": bool(most) and i == e.chosen,
            "tied": bool(most) and bool(selection.tied[i]),
        }


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _controls(answers: Sequence[TaskResult]) -> Chart:
    rows = [(f"{a.name}: {a.control.first} less {a.control.second}", a.control) for a in answers]
    return _forest("More than a control can tell?", rows, "the best control")


def _ends(answers: Sequence[TaskResult]) -> Chart:
    rows = [(f"{a.name}: {a.start.first} less {a.start.second}", a.start) for a in answers]
    rows += [(f"{a.name}: {a.end.first} less {a.end.second}", a.end) for a in answers]
    chart = _forest("Low, in the middle, or high?", rows, "no difference")
    groups = ["the chosen readout less the best of layer 0", "less the best of the last layer"]
    group = [heading for heading in groups for _ in answers]
    return replace(chart, data={**chart.data, "group": group})


def _pools(answers: Sequence[TaskResult]) -> Chart:
    rows = [(f"{a.name}: {a.pool.first} less {a.pool.second}", a.pool) for a in answers]
    return _forest("The mean or [CLS]?", rows, "the best cls")


def _forest(title: str, rows: Sequence[tuple[str, PairedTest]], reference: str) -> Chart:
    return forest(
        title,
        [(name, duel.difference, False) for name, duel in rows],
        x_label="difference in accuracy, test",
        reference=reference,
        caption=CAPTION,
    )


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
