"""Charts of a selection: heat map of all scores, ranking with costs, forest of differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.charts import ForestRow, HeatCell, HeatMap, Ranking, RankingRow
from poolwise.readouts import Readout
from poolwise.selection.grid import without_l2
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.task import ScreenedTask, estimate_on
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.holm import holm
from poolwise.statistics.paired import Difference

RANKED = 20
"""Readouts in a ranking, besides references and baselines."""

LEVEL = 0.05
NO_STEPS = "as pooled"


def heat_maps(selection: Selection) -> Iterator[HeatMap]:
    """Every single-layer readout's score: a map a model, a panel a chain of steps."""
    estimates = _map_scores(selection)
    for encoder in selection.encoders:
        indices = [i for i, c in enumerate(selection.candidates) if c.encoder is encoder]
        yield _heat_map(selection, indices, estimates)


def _heat_map(
    selection: Selection, indices: Sequence[int], estimates: Sequence[Estimate]
) -> HeatMap:
    """Of the candidates ``indices``, which are of one model."""
    task, readouts = selection.task, selection.readouts
    normalised = all(readouts[i] != without_l2(readouts[i]) for i in indices)
    cells = [
        HeatCell(
            readout.layer_indices(selection.candidates[i].encoder.depth)[0],
            str(readout.pool),
            estimates[i],
            best=i == selection.chosen_index,
            tied=bool(selection.tied[i]),
            panel=_panel(readout, normalised),
        )
        for i, readout in ((i, readouts[i]) for i in indices)
        if readout.layers is not None and readout.layers.combine == "single"
    ]
    of = f" of {selection.models[indices[0]]}" if len(selection.encoders) > 1 else ""
    screening = ""
    if selection.is_screened and isinstance(task, ScreenedTask):
        screening = f" {task.screening}"
    return HeatMap(
        f"Every layer and pool{of}: {task.score} on {task.name}",
        cells,
        x_label="pool",
        y_label="layer",
        value_label=f"{task.score} x 100",
        smallest_difference=selection.visible_difference,
        caption=f"Scores{screening}. Thick outline: chosen. Thin outlines: cannot be told "
        "from the highest (paired differences, corrected for all)."
        + (" Every vector is normalised at the end, as the model declares." * normalised),
    )


def _map_scores(selection: Selection) -> Sequence[Estimate]:
    """Of all readouts, by one probe."""
    if selection.screen is None or not selection.is_screened:
        return selection.scores
    rows = selection.report_rows
    return [estimate_on(selection.task, column, rows) for column in selection.screen.T]


def _panel(readout: Readout, normalised: bool) -> str:
    """The chain of steps; where all readouts end in ``l2`` it is not named."""
    steps = (without_l2(readout) if normalised else readout).steps
    return "|".join(map(str, steps)) or NO_STEPS


def ranking(selection: Selection) -> Ranking:
    """The best readouts and every baseline, with what they cost."""
    c, scored = len(selection.readouts), np.isfinite(selection.choice_scores)
    ranked = [i for i in selection.ranking if scored[i]][:RANKED]
    ranked += [
        i
        for i in (*selection.references.values(), *range(c, len(selection.names)))
        if i not in ranked
    ]
    rows = [
        RankingRow(
            selection.names[i],
            selection.scores[i],
            selection.dimensions[i],
            selection.cost(i),
            best=i == selection.chosen_index,
            tied=i < c and bool(selection.tied[i]),
            baseline=i >= c,
        )
        for i in sorted(
            set(ranked), key=lambda i: -np.nan_to_num(selection.choice_scores[i], nan=-1)
        )
    ]
    where = " of test" if selection.task.folds.has_test else ""
    return Ranking(
        f"What the best readouts score on {selection.task.name}, and what they cost",
        rows,
        value_label=selection.task.score,
        caption=f"Scores on {len(selection.report_rows):,} rows{where}, each by what was fitted "
        "without it; the highest of many is a little too good. Cost: share of the encoder's blocks "
        "that must run.",
    )


def forest_rows(
    differences: Sequence[tuple[str, Difference]],
    *,
    controls: Sequence[str] = (),
    groups: Sequence[str] | None = None,
) -> list[ForestRow]:
    """A row a named difference, Holm over all; those named in ``controls`` are controls.

    ``groups`` [n] are the headings that they stand under.
    """
    clear = cleared([difference for _, difference in differences])
    return [
        ForestRow(
            name,
            difference.value,
            control=name in controls,
            clear=clear[i],
            group=groups[i] if groups else None,
        )
        for i, (name, difference) in enumerate(differences)
    ]


def cleared(differences: Sequence[Difference]) -> list[bool]:
    """Whether each difference is not 0, at 5 % after Holm over all of them."""
    return [bool(p < LEVEL) for p in holm([d.p for d in differences])]
