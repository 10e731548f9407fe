"""Probes trained anew in other folds: what the seed that divides the rows moves.

Only tasks that train a probe have such noise. Cosines of pairs, neighbours and rankings have none,
but for steps that are fitted; that of k-means is in its own interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.progress import Progress
from poolwise.records import Number
from poolwise.selection.finding_part import FindingPart
from poolwise.selection.folds import redrawn
from poolwise.selection.row_samples import row_scores, with_folds
from poolwise.selection.selection import Selection

Array = NDArray[np.float64]

N_SEEDS = 5

SEEDS = 3000
"""Between the selection's own seed and these."""


@dataclass(frozen=True)
class FoldSeeds:
    """Scores of the readout in use, ``reference``, and of the one that it is compared with,
    ``other``, [seeds]; the selection's own folds are the first."""

    selection: Selection
    other_index: int
    reference: Array
    other: Array


def retrain(selection: Selection, *, seed: int = 0, progress: bool = False) -> FoldSeeds:
    """Score the readout in use and the one chosen, or of the highest score beside it, in
    ``N_SEEDS`` other divisions into folds."""
    reference, rows = selection.reference, selection.report_rows
    other = next(
        i
        for i in (selection.chosen_index, *selection.ranking)
        if i != reference and i < len(selection.readouts)
    )
    indices = [reference, other]
    scores = [[float(selection.row_scores[rows, i].mean()) for i in indices]]
    bar = Progress(f"other folds of {selection.task.name}", 2 * N_SEEDS, show=progress)
    with bar:
        for k in range(N_SEEDS):
            folds = redrawn(selection.task.folds, seed + SEEDS + k)
            task = with_folds(selection.task, folds)
            scores.append([])
            for i in indices:
                scores[-1].append(float(row_scores(task, selection.candidates[i])[rows].mean()))
                bar.advance(1)
    return FoldSeeds(selection, other, *np.array(scores).T)


def fold_seeds_part(seeds: FoldSeeds) -> FindingPart:
    """The range of the difference, and the spread of both scores."""
    names = seeds.selection.names
    differences = seeds.other - seeds.reference
    low, high = (f"{value:+.3f}".replace("-", "−") for value in _ends(differences))
    return FindingPart(
        sentence=f"with probes trained in {N_SEEDS} other divisions into folds, "
        f"{names[seeds.other_index]} less {names[seeds.selection.reference]} lies between {low} "
        f"and {high} on the same rows",
        numbers=list(_numbers(seeds, differences)),
    )


def _ends(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _numbers(seeds: FoldSeeds, differences: Array) -> Iterator[Number]:
    selection, score = seeds.selection, seeds.selection.task.score
    where = {"part": f"{N_SEEDS + 1} divisions into folds"}
    for index, scores in ((selection.reference, seeds.reference), (seeds.other_index, seeds.other)):
        yield Number(
            f"standard deviation of {score} over fold seeds",
            float(scores.std(ddof=1)),
            where={**where, "readout": selection.names[index]},
        )
    yield Number(
        f"standard deviation of the difference in {score} over fold seeds",
        float(differences.std(ddof=1)),
        where=where,
        note=f"{int((np.sign(differences) == np.sign(differences[0])).sum())} of "
        f"{len(differences)} have the sign of the selection's own",
    )
