"""What a selection looks like: heat map, ranking, differences, curves over layers."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.readouts import Readout
from poolwise.records import Chart
from poolwise.selection.grid import without_l2
from poolwise.selection.selection import Selection, sort_value
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.holm import holm
from poolwise.statistics.paired import Difference

RANKED = 20
LEVEL = 0.05
STEPS = "as pooled"


def heat(selection: Selection) -> Chart:
    """Kind ``heat``: every single-layer readout's score on dev, a panel a chain of steps."""
    rows = []
    normalised = all(readout != without_l2(readout) for readout in selection.readouts)
    for i, readout in enumerate(selection.readouts):
        if readout.layers is None or readout.layers.combine != "one":
            continue
        (layer,) = readout.layer_indices(selection.encoder.depth)
        found = selection.dev_scores[i]
        rows.append(
            {
                "panel": _panel(readout, normalised),
                "layer": layer,
                "pool": str(readout.pool),
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "best": i == selection.chosen_index,
                "tied": bool(selection.tied[i]),
            }
        )
    names = ("panel", "layer", "pool", "value", "low", "high", "best", "tied")
    task = selection.task
    return Chart(
        "heat",
        f"Every layer and pool: {task.score} on {task.name}",
        {
            "x_label": "pool",
            "y_label": "layer",
            "value_label": f"{task.score} x 100, dev",
            **{name: [row[name] for row in rows] for name in names},
        },
        f"Scores on the {len(task.splits.dev):,} rows of dev, on which the readout is chosen "
        "(thick outline). Thin outlines: cannot be told from the best (paired differences, Holm "
        "over the grid)."
        + (" Every vector is normalised at the end, as the model declares." * normalised),
    )


def _panel(readout: Readout, normalised: bool) -> str:
    """The chain of steps; where all readouts end in ``l2`` it goes without saying."""
    steps = (without_l2(readout) if normalised else readout).steps
    return "|".join(map(str, steps)) or STEPS


def ranking(selection: Selection) -> Chart:
    """Kind ``ranking``: the best readouts and every baseline, with what they cost."""
    c = len(selection.readouts)
    shown = selection.ranking[:RANKED]
    shown += [
        i
        for i in (*selection.references.values(), *range(c, len(selection.names)))
        if i not in shown
    ]
    shown = sorted(set(shown), key=lambda i: -sort_value(selection.test_scores[i]))
    tests = [selection.test_scores[i] for i in shown]
    names = [selection.names[i] for i in shown]
    return Chart(
        "ranking",
        f"What the best readouts score on {selection.task.name}, and what they cost",
        {
            "value_label": f"{selection.task.score}, test",
            "name": names,
            "value": [e.value for e in tests],
            "low": [e.low for e in tests],
            "high": [e.high for e in tests],
            "whole": [_value(selection.all_rows_scores[i]) for i in shown],
            "best": [i == selection.chosen_index for i in shown],
            "tied": [i < c and bool(selection.tied[i]) for i in shown],
            "baseline": [i >= c for i in shown],
            "dimensions": [selection.dimensions[i] for i in shown],
            "cost": [selection.cost(i) for i in shown],
        },
        f"Scores on the {len(selection.task.splits.test):,} rows of test, held apart until the "
        "choice was made. Cost: share of the encoder's blocks that must run.",
    )


def forest(
    title: str,
    rows: Sequence[tuple[str, Difference, bool]],
    *,
    x_label: str,
    reference: str,
    caption: str = "",
) -> Chart:
    """Kind ``forest``: differences (name, difference, is it a control?), Holm over all of them."""
    clear = cleared([difference for _, difference, _ in rows])
    values: Sequence[Estimate] = [difference.value for _, difference, _ in rows]
    return Chart(
        "forest",
        title,
        {
            "x_label": x_label,
            "reference": reference,
            "name": [name for name, _, _ in rows],
            "value": [e.value for e in values],
            "low": [e.low for e in values],
            "high": [e.high for e in values],
            "control": [control for _, _, control in rows],
            "clear": clear,
        },
        caption,
    )


def cleared(differences: Sequence[Difference]) -> list[bool]:
    """Whether each difference is not 0, at 5 % after Holm over all of them."""
    return [bool(p < LEVEL) for p in holm([d.p for d in differences])]


def _value(found: Estimate | None) -> float | None:
    return None if found is None else found.value
