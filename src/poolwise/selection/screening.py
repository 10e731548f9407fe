"""All readouts by a cheaper form of the task, the best of them by the task that is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.scoring import column_scores, score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.task import ScreenedTask
from poolwise.selection.vector_cache import VectorCache

FINALISTS = 1 / 3
"""Share of the readouts that the task scores."""

FEW = 12
"""Readouts of which none is left out."""


def screened_selection(
    encoder: Encoder,
    task: ScreenedTask,
    readouts: Sequence[Readout],
    cache: VectorCache,
    baselines: Mapping[str, Floats],
    *,
    notes: Sequence[str] = (),
    progress: bool = False,
) -> Selection:
    """The best third by the task's cheaper form, and the readouts that people take without
    measuring, scored by the task.

    What the screen leaves out takes part in corrections for many comparisons with its scores by the
    screen.
    """
    everything = score_readouts(encoder, task.screen(), readouts, cache, progress=progress)
    finalists = _finalists(everything)
    if len(finalists) == len(readouts):
        every = score_readouts(
            encoder, task, readouts, cache, baselines, notes=notes, progress=progress
        )
        return replace(every, screen=everything.row_scores)
    scores = np.full((len(task), len(readouts) + len(baselines)), np.nan)
    scored = [*finalists.tolist(), *range(len(readouts), scores.shape[1])]
    chosen = [readouts[i] for i in finalists]
    scores[:, scored] = column_scores(task, chosen, cache, baselines, progress=progress)
    widths = [vectors.shape[1] for vectors in baselines.values()]
    return replace(
        everything,
        task=task,
        baselines=tuple(baselines),
        dimensions=[*everything.dimensions, *widths],
        row_scores=scores,
        screen=everything.row_scores,
        chance=task.chance_scores(),
        notes=tuple(notes),
    )


def _finalists(selection: Selection) -> NDArray[np.intp]:
    """Indices of the readouts to score again, in order."""
    n = len(selection.readouts)
    count = n if n <= FEW else max(round(n * FINALISTS), FEW)
    return np.array(sorted({*selection.ranking[:count], *selection.references.values()}), np.intp)
