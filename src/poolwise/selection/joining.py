"""Selections of several models on the same rows, joined into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.selection.baselines import ENCODER_BASELINES
from poolwise.selection.candidates import short_names
from poolwise.selection.selection import Selection

Array = NDArray[np.float64]


def join(selections: Sequence[Selection]) -> Selection:
    """One selection among the candidates of all, in their order; the task is that of the first.

    Each is of one model, and their tasks have the same rows in the same folds. A baseline that
    reads a model's word table is one of each model; of the others the first stays.
    """
    first = selections[0]
    if len(selections) == 1:
        return first
    baselines = list(_baselines(selections))
    readout_scores = [s.row_scores[:, : len(s.readouts)] for s in selections]
    widths = [width for s in selections for width in s.dimensions[: len(s.readouts)]]
    screens = [s.screen for s in selections if s.screen is not None]
    return Selection(
        candidates=[candidate for s in selections for candidate in s.candidates],
        task=first.task,
        baselines=[name for name, _, _ in baselines],
        dimensions=[*widths, *(width for _, width, _ in baselines)],
        row_scores=np.column_stack([*readout_scores, *(scores for _, _, scores in baselines)]),
        chance=first.chance,
        screen=np.hstack(screens) if len(screens) == len(selections) else None,
        notes=list(dict.fromkeys(note for s in selections for note in s.notes)),
    )


def _baselines(selections: Sequence[Selection]) -> Iterator[tuple[str, int, Array]]:
    """Name, width and pseudo-values [n] of each."""
    labels = short_names([s.encoder.name for s in selections])
    seen: set[str] = set()
    for selection, label in zip(selections, labels, strict=True):
        c = len(selection.readouts)
        for k, name in enumerate(selection.baselines, c):
            full = f"{name} of {label}" if name in ENCODER_BASELINES else name
            if full not in seen:
                seen.add(full)
                yield full, selection.dimensions[k], selection.row_scores[:, k]
