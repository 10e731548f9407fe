"""The front of scores against time: the readouts that no other beats in both."""

from __future__ import annotations

import numpy as np

from poolwise.charts import CostFront, CostPoint
from poolwise.selection.selection import Selection


def front(selection: Selection) -> list[int]:
    """The readouts than which none scores as high in less time, or higher in as little; fastest
    first."""
    scores, times = selection.choice_scores, selection.milliseconds
    scored = [i for i in range(len(selection.readouts)) if np.isfinite(scores[i])]
    kept: list[int] = []
    for i in sorted(scored, key=lambda i: (times[i], -scores[i], selection.dimensions[i])):
        if not kept or scores[i] > scores[kept[-1]]:
            kept.append(i)
    return kept


def cost_front(selection: Selection) -> CostFront:
    """The front, and the readouts that score as high as the fastest of it or higher."""
    fastest, *others = front(selection)
    on_front, scores = {fastest, *others}, selection.choice_scores
    shown = on_front | {selection.chosen_index, selection.reference}
    points = [
        CostPoint(
            selection.names[i],
            selection.models[i],
            selection.milliseconds[i],
            selection.scores[i],
            front=i in on_front,
            best=i == selection.chosen_index,
            reference=i == selection.reference,
        )
        for i in range(len(selection.readouts))
        if i in shown or scores[i] >= scores[fastest]
    ]
    return CostFront(
        f"What a text's time buys: {selection.task.score} on {selection.task.name}",
        points,
        y_label=selection.task.score,
        caption="The line joins the readouts that no other beats in both score and time; 95 % "
        "intervals. What scores less than the fastest of them is left out. Times were measured on "
        "this machine up to the first and the last layer, the models in turn, and grow evenly "
        "between; a step after pooling takes next to none.",
    )
