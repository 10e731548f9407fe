"""Texts that are alike, as people say: pairs of a high score, texts of one label."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from poolwise.selection.label_kinds import has_numbers
from poolwise.texts import LabelledTexts, TextPairs

HIGH = 0.8
"""Where a score is high, between the lowest, 0, and the highest, 1: 4 on a scale from 0 to 5."""


@dataclass(frozen=True, slots=True)
class SimilarPairs:
    """Pairs of different texts, and the ``reason`` why they are alike; empty without either."""

    first: Sequence[str] = ()
    second: Sequence[str] = ()
    reason: str = ""

    def __len__(self) -> int:
        return len(self.first)


def similar_pairs(
    data: object, without: AbstractSet[str], limit: int, rng: np.random.Generator
) -> SimilarPairs:
    """At most ``limit`` pairs of ``data``, in random order, none with a text of ``without``."""
    match data:
        case TextPairs():
            pairs, reason = _scored(data)
        case LabelledTexts() if not has_numbers(data):
            pairs, reason = _of_one_label(data, without, rng), "texts of one label"
        case _:
            pairs, reason = [], ""
    fresh = [(a, b) for a, b in pairs if a != b and not {a, b} & without]
    sample = [fresh[i] for i in rng.permutation(len(fresh))[:limit].tolist()]
    return SimilarPairs([a for a, _ in sample], [b for _, b in sample], reason)


def _scored(data: TextPairs) -> tuple[list[tuple[str, str]], str]:
    low, high = float(data.scores.min()), float(data.scores.max())
    threshold = low + HIGH * (high - low)
    rows = np.flatnonzero(data.scores >= threshold).tolist()
    reason = f"pairs of a score of {threshold:g} or more (the scores run from {low:g} to {high:g})"
    return [(data.first[i], data.second[i]) for i in rows], reason


def _of_one_label(
    data: LabelledTexts, without: AbstractSet[str], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Each text in one pair at most."""
    waiting: dict[str, str] = {}
    pairs = []
    for i in rng.permutation(len(data)).tolist():
        text, label = data.texts[i], data.labels[i]
        if text in without:
            continue
        if label in waiting:
            pairs.append((waiting.pop(label), text))
        else:
            waiting[label] = text
    return pairs
