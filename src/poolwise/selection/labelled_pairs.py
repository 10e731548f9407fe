"""Pairs made of labels: two texts of one label, or of two."""

from __future__ import annotations

import numpy as np

from poolwise.errors import StudyError
from poolwise.selection.duplicates import duplicate_keys
from poolwise.selection.splits import RowIndices, split_rows
from poolwise.selection.tasks import SHARES
from poolwise.texts import LabelledTexts, TextPairs

PAIRS = 2000
"""In each part, half of them of one label."""


def labelled_pairs(data: LabelledTexts, seed: int) -> TextPairs:
    """Score 1 for two texts of one label, 0 for others; drawn within train, dev and test, which
    are those of the labels' own task.

    Raises StudyError where a part has no two texts of one label, or only one label.
    """
    known = duplicate_keys(data.texts, data.groups)
    splits = split_rows(data.splits, [(key,) for key in known], SHARES, seed)
    rng = np.random.default_rng(seed)
    labels = np.unique(np.array(data.labels, dtype=object).astype(str), return_inverse=True)[1]
    drawn = {
        name: _drawn(labels, rows, rng, f"{data.name}: the {name} part")
        for name, rows in zip(("train", "dev", "test"), splits, strict=True)
    }
    rows = np.concatenate(list(drawn.values()))
    return TextPairs(
        name=f"{data.name} (same label or not)",
        first=[data.texts[i] for i in rows[:, 0].tolist()],
        second=[data.texts[i] for i in rows[:, 1].tolist()],
        scores=(labels[rows[:, 0]] == labels[rows[:, 1]]).astype(np.float64),
        subsets=[""] * len(rows),
        splits=[name for name, pairs in drawn.items() for _ in pairs],
        hash=data.hash,
        groups=data.groups,
    )


def _drawn(
    labels: RowIndices, rows: RowIndices, rng: np.random.Generator, where: str
) -> RowIndices:
    """Pairs of different rows, [PAIRS, 2]: half of one label, half of two."""
    own = labels[rows]
    counts = np.bincount(own)
    several = np.flatnonzero(counts[own] > 1)
    if not len(several) or len(np.flatnonzero(counts)) < 2:
        raise StudyError(f"{where} needs two texts of one label, and two labels, to make pairs")
    order = np.argsort(own, kind="stable")
    first_of = np.searchsorted(own[order], own)
    place = np.empty(len(own), np.intp)
    place[order] = np.arange(len(own))
    half = PAIRS // 2
    one = rng.choice(several, half)
    shift = rng.integers(1, counts[own[one]])
    within = (place[one] - first_of[one] + shift) % counts[own[one]]
    same = np.stack([one, order[first_of[one] + within]], axis=1)
    other = np.empty((0, 2), np.intp)
    while len(other) < half:
        more = rng.integers(0, len(own), (4 * PAIRS, 2))
        other = np.concatenate([other, more[own[more[:, 0]] != own[more[:, 1]]]])
    return np.asarray(rows[np.concatenate([same, other[:half]])], np.intp)
