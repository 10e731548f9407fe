"""The best readout of each model: what it scores, against the one used now, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from poolwise.charts import Cell, TextTable
from poolwise.records import Number
from poolwise.selection.choice import Choice
from poolwise.selection.selection import Selection
from poolwise.statistics.estimate import Estimate, format_estimate, format_p
from poolwise.statistics.paired import Difference


@dataclass(frozen=True, slots=True)
class BestOfModel:
    """The readout of the highest score of a model, candidate ``index``.

    ``score`` and ``difference``, from the one used now, are of rows that it was not chosen on;
    ``p``, of being better than that, is corrected for all readouts of all models.
    """

    model: str
    index: int
    score: Estimate
    difference: Difference
    p: float


def best_of_models(selection: Selection) -> list[BestOfModel]:
    """One for each model that has a score, highest first."""
    rows = []
    for encoder in selection.encoders:
        indices = [
            i
            for i, candidate in enumerate(selection.candidates)
            if candidate.encoder is encoder and np.isfinite(selection.choice_scores[i])
        ]
        if indices:
            choice = Choice(selection, indices)
            i = choice.index
            p = float(selection.better.p[i])
            difference = choice.difference_from(selection.reference)
            rows.append(BestOfModel(selection.models[i], i, choice.score, difference, p))
    return sorted(rows, key=lambda row: -selection.choice_scores[row.index])


def models_table(selection: Selection) -> TextTable:
    """A row a model: its best readout, what that scores and what it costs; the chosen one bold."""
    score, reference = selection.task.score, selection.names[selection.reference]
    rows: list[list[Cell]] = [
        [
            [(row.model, row.index == selection.chosen_index)],
            [(str(selection.readouts[row.index]), row.index == selection.chosen_index)],
            _unbroken(format_estimate(row.score)),
            _change(row),
            "" if row.difference.value.value is None else format_p(row.p),
            f"{selection.dimensions[row.index]:,}",
            f"{selection.candidates[row.index].bytes_of(selection.dimensions[row.index]):,}",
            *_speed(selection, row.index),
            f"{selection.cost(row.index):.0%}",
        ]
        for row in best_of_models(selection)
    ]
    speed = ["texts a second"] * bool(selection.milliseconds)
    columns = ["model", "its best readout", score, f"less {reference}", "p", "dimensions"]
    return TextTable(
        f"The best readout of each model on {selection.task.name}",
        [*columns, "bytes a vector", *speed, "blocks run"],
        rows,
        caption="Scores and differences, with 95 % intervals, are of rows that the readout was not "
        "chosen on. p: that readouts no better than the one used now show so large a gain, among "
        f"all {len(selection.readouts):,} (max-T)."
        + " Speeds were measured on this machine, the models in turn."
        * bool(speed),
    )


def model_numbers(selection: Selection) -> Iterator[Number]:
    """The score of each model's best readout, and its difference from the one used now."""
    where: dict[str, str | int] = {"part": selection.task.folds.part}
    for row in best_of_models(selection):
        place = {"readout": selection.names[row.index], **where}
        yield Number.of(f"{selection.task.score} of a model's best readout", row.score, place)
        if row.difference.value.value is not None:
            note = f"p {format_p(row.p)} by max-T over {len(selection.readouts):,} readouts"
            name = "a model's best readout less the one used now"
            yield Number.of(name, row.difference.value, place, note=note)


def _change(row: BestOfModel) -> str:
    """Against the readout used now, which is told by that."""
    value = row.difference.value
    return "used now" if value.value is None else _unbroken(format_estimate(value, sign=True))


def _unbroken(text: str) -> str:
    """The text with no line break inside its interval."""
    return text.replace(", ", ",\N{NO-BREAK SPACE}")


def _speed(selection: Selection, index: int) -> list[str]:
    return [f"{1000 / selection.milliseconds[index]:,.0f}"] if selection.milliseconds else []
