"""The table that leads a sweep: the few best readouts of a selection and what they score."""

from __future__ import annotations

import numpy as np

from poolwise.charts import Cell, TextTable
from poolwise.selection.best_of_models import best_of_models
from poolwise.selection.selection import Selection
from poolwise.statistics.estimate import Estimate, format_estimate

N_BEST = 5


def leading_table(selection: Selection) -> TextTable:
    """The best readouts; of several models the best of each."""
    return best_scores(selection) if len(selection.encoders) == 1 else model_scores(selection)


def model_scores(selection: Selection) -> TextTable:
    """A row a model: its best readout against the one used now, and what it costs."""
    rows: list[list[Cell]] = [
        [
            [(row.model, row.index == selection.chosen_index)],
            str(selection.readouts[row.index]),
            row.score.value,
            format_estimate(row.difference.value, sign=True) if row.difference.value.value else "",
            str(selection.dimensions[row.index]),
            f"{1000 / selection.milliseconds[row.index]:,.0f}" if selection.milliseconds else "",
        ]
        for row in best_of_models(selection)
    ]
    now = selection.names[selection.reference]
    columns = ["model", "readout", selection.task.score, "against now", "width", "texts/s"]
    return TextTable(
        f"The best readout of each model on {selection.task.name}; now: {now}", columns, rows
    )


def best_scores(selection: Selection) -> TextTable:
    """The chosen readout (bold), the highest scores, the references and the highest baseline;
    highest first."""
    scored = np.isfinite(selection.choice_scores)
    n_readouts = len(selection.readouts)
    baseline = [i for i in selection.ranking if i >= n_readouts and scored[i]][:1]
    shown = {selection.chosen_index, *selection.references.values(), *selection.ranking[:N_BEST]}
    shown.update(baseline)
    score = selection.task.score
    rows = [
        [
            [
                (selection.names[i], i == selection.chosen_index),
                (" (baseline)" * (i >= n_readouts), False),
            ],
            selection.scores[i].value,
            _interval(selection.scores[i]),
            str(selection.dimensions[i] or ""),
            f"{selection.cost(i):.0%}" if i < n_readouts else "",
        ]
        for i in selection.ranking
        if i in shown and scored[i]
    ]
    columns = ["readout", score, "95 % interval", "width", "blocks run"]
    return TextTable(f"The best readouts on {selection.task.name}", columns, rows)


def _interval(estimate: Estimate) -> str:
    return "" if estimate.low is None else f"[{estimate.low:.3f}, {estimate.high:.3f}]"
