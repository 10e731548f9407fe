"""The tokens that are compared, and where in a text they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.arrangement import MAX_MIDDLE, Positions, middle
from poolwise.readouts import Readout, parse
from poolwise.records import Floats
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.folds import hash_uniform

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

FIRST = "cls"
MEAN = "mean"
FIXED = (FIRST, "token[1]", "token[2]", "sep", MEAN)
MIDDLE, RANDOM = "a middle token", "a random token"
OTHERS = ("token[1]", "token[2]", MIDDLE, RANDOM, "sep")
ALONE = "token[1]@0"
"""The control: the first word by itself, before any block has read the text."""


def layers(encoder: Encoder) -> Sequence[int]:
    """A quarter of the way up, half, three quarters, the last, which is −1."""
    below = {max(1, round(encoder.depth * part / 4)) for part in (1, 2, 3)}
    return [*sorted(below - {encoder.depth}), -1]


def fixed(encoder: Encoder) -> list[Readout]:
    """The readouts of ``FIXED`` at every layer measured, and the control."""
    return [parse(f"{name}@{k}") for name in FIXED for k in layers(encoder)] + [parse(ALONE)]


def reach(encoder: Encoder) -> list[Readout]:
    """Every position at which a middle or a random token may stand, at every layer measured."""
    return [parse(f"token[{i}]@{k}") for k in layers(encoder) for i in range(1, MAX_MIDDLE + 1)]


def within_reach(n_tokens: NDArray[np.integer]) -> Positions:
    """The middle of each text as ``reach`` can read it; empty texts, which have none, are left
    out elsewhere."""
    return np.maximum(middle(n_tokens), 1)


def token_vectors(cache: VectorCache, positions: Positions, layer: int) -> Floats:
    """Each text's token at its position, [texts of the cache, d]."""
    vectors = np.empty_like(cache[f"token[1]@{layer}"])
    for i in np.unique(positions).tolist():
        rows = positions == i
        vectors[rows] = cache[f"token[{i}]@{layer}"][rows]
    return vectors


class TokenPositions:
    """The ``positions`` [texts of the cache] at which the middle and the random token stand.

    They are tokens of the text itself, not special ones, as far as ``MAX_MIDDLE``.
    """

    def __init__(self, cache: VectorCache, texts: Sequence[str], seed: int) -> None:
        self._n_tokens = cache.n_tokens[rows := cache.rows(dict.fromkeys(texts))]
        within = np.clip(cache.n_tokens.astype(np.intp) - 2, 1, MAX_MIDDLE)
        draws = np.zeros(len(cache))
        draws[rows] = hash_uniform(np.arange(len(rows)), seed)
        self.positions: Mapping[str, Positions] = {
            MIDDLE: within_reach(cache.n_tokens),
            RANDOM: 1 + (draws * within).astype(np.intp),
        }

    def notes(self) -> Iterator[str]:
        """What was done with texts too long or too short."""
        n = self._n_tokens
        all_texts = f"of {len(n):,} texts"
        if n_cut := int(np.sum(n - 2 > MAX_MIDDLE)):
            beyond = int(np.sum((n - 1) // 2 > MAX_MIDDLE))
            middles = (
                f", and so is the middle one of the {beyond:,} whose middle lies beyond"
                if beyond
                else ""
            )
            yield (
                f"{n_cut:,} {all_texts} have more than {MAX_MIDDLE} tokens: the random token is "
                f"one of the first {MAX_MIDDLE}{middles}"
            )
        if n_short := int(np.sum(n == 3)):
            yield f"{n_short:,} {all_texts} are one token long: their token[2] is the closing one"
