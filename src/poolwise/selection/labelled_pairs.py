"""Text pairs from labelled texts: two of one label, or of two."""

from __future__ import annotations

import numpy as np

from poolwise.errors import StudyError
from poolwise.selection.duplicates import duplicate_keys
from poolwise.selection.splits import RowIndices, split_rows
from poolwise.selection.tasks import SHARES
from poolwise.texts import LabelledTexts, TextPairs

PAIRS = 2000
"""In each split, half of them of one label."""


def labelled_pairs(data: LabelledTexts, seed: int) -> TextPairs:
    """Pairs of texts with score 1 where both have one label, else 0.

    They are drawn within train, dev and test of the labels' own task. Raises StudyError where a
    split has no two texts of one label, or only one label.
    """
    keys = duplicate_keys(data.texts, data.groups)
    splits = split_rows(data.splits, [(key,) for key in keys], SHARES, seed)
    rng = np.random.default_rng(seed)
    labels = np.unique(np.array(data.labels, dtype=object).astype(str), return_inverse=True)[1]
    pairs = {
        split: _sampled_pairs(labels, rows, rng, f"{data.name}: the {split} part")
        for split, rows in zip(("train", "dev", "test"), splits, strict=True)
    }
    rows = np.concatenate(list(pairs.values()))
    return TextPairs(
        name=f"{data.name} (same label or not)",
        first=[data.texts[i] for i in rows[:, 0].tolist()],
        second=[data.texts[i] for i in rows[:, 1].tolist()],
        scores=(labels[rows[:, 0]] == labels[rows[:, 1]]).astype(np.float64),
        subsets=[""] * len(rows),
        splits=[split for split, sample in pairs.items() for _ in sample],
        hash=data.hash,
        groups=data.groups,
    )


def _sampled_pairs(
    labels: RowIndices, rows: RowIndices, rng: np.random.Generator, place: str
) -> RowIndices:
    """Pairs of different rows, [PAIRS, 2]: half of one label, half of two."""
    codes = labels[rows]
    counts = np.bincount(codes)
    repeated = np.flatnonzero(counts[codes] > 1)
    if not len(repeated) or len(np.flatnonzero(counts)) < 2:
        raise StudyError(f"{place} needs two texts of one label, and two labels, to make pairs")
    order = np.argsort(codes, kind="stable")
    first_of_label = np.searchsorted(codes[order], codes)
    rank = np.empty(len(codes), np.intp)
    rank[order] = np.arange(len(codes))
    half = PAIRS // 2
    first = rng.choice(repeated, half)
    shift = rng.integers(1, counts[codes[first]])
    within = (rank[first] - first_of_label[first] + shift) % counts[codes[first]]
    same = np.stack([first, order[first_of_label[first] + within]], axis=1)
    different = np.empty((0, 2), np.intp)
    while len(different) < half:
        draws = rng.integers(0, len(codes), (4 * PAIRS, 2))
        different = np.concatenate([different, draws[codes[draws[:, 0]] != codes[draws[:, 1]]]])
    return np.asarray(rows[np.concatenate([same, different[:half]])], np.intp)
