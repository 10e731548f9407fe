"""The table that leads a sweep: the few best readouts of a selection and what they score."""

from __future__ import annotations

import numpy as np

from poolwise.charts import TextTable
from poolwise.selection.selection import Selection
from poolwise.statistics.estimate import Estimate

N_BEST = 5


def best_scores(selection: Selection) -> TextTable:
    """The chosen readout (bold), the highest scores, and the references; highest first."""
    scored = np.isfinite(selection.choice_scores)
    shown = {selection.chosen_index, *selection.references.values(), *selection.ranking[:N_BEST]}
    score = selection.task.score
    rows = [
        [
            [(selection.names[i], i == selection.chosen_index)],
            selection.scores[i].value,
            _interval(selection.scores[i]),
            str(selection.dimensions[i]),
            f"{selection.cost(i):.0%}",
        ]
        for i in selection.ranking
        if i in shown and scored[i]
    ]
    columns = ["readout", score, "95 % interval", "width", "blocks run"]
    return TextTable(f"The best readouts on {selection.task.name}", columns, rows)


def _interval(estimate: Estimate) -> str:
    return "" if estimate.low is None else f"[{estimate.low:.3f}, {estimate.high:.3f}]"
