"""One token's state as a combination of others: what remains of it, in some sentences at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats
from poolwise.statistics.simplex import RIDGE, convex_weights_from_gram

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

OWN = "own tokens"
OTHER = "another sentence's tokens"
EQUAL = "own tokens, equal weights"
SHIFTED = "own tokens and a constant"
OTHER_SHIFTED = "another sentence's tokens and a constant"
BELOW = "all tokens of the layer below"
WORD = "a random word, by its sentence's tokens"
SPAN = "own tokens, any weights"
OTHER_SPAN = "another sentence's tokens, any weights"

WAYS = (OWN, OTHER, EQUAL, SHIFTED, OTHER_SHIFTED, BELOW, WORD, SPAN, OTHER_SPAN)
"""How [CLS] is explained, or under ``WORD`` another token in its place."""

WEIGHED = (OWN, SHIFTED, BELOW)
"""The ways whose weights are kept."""


class Explained(NamedTuple):
    """What was found at one layer of n sentences of t tokens.

    ``residuals`` [n, ways]: |r|² of each of ``WAYS``, NaN where there is nothing to explain with.
    ``weights`` of each of ``WEIGHED``: of the tokens after [CLS], [n, t − 1], and under ``BELOW``
    of all, [n, t], NaN at layer 0.
    """

    residuals: Array
    weights: Mapping[str, Array]


class Problem(NamedTuple):
    """Tokens and a target as their products: ``gram`` [n, t, t], ``cross`` [n, t], ``square`` [n].

    They may be taken about any point, for weights that sum to 1.
    """

    gram: Array
    cross: Array
    square: Array

    @property
    def convex(self) -> Array:
        """The best weights on the simplex, [n, t]."""
        return convex_weights_from_gram(self.gram, self.cross, self.square)

    @property
    def unbound(self) -> Array:
        """The best weights of any sign and sum, [n, t]."""
        t = self.cross.shape[1]
        scale = np.einsum("ijj->i", self.gram)[:, None] / t
        scale = np.where(scale > 0, scale, 1)
        gram = self.gram / scale[..., None] + RIDGE * np.eye(t)
        return np.asarray(np.linalg.solve(gram, (self.cross / scale)[..., None])[..., 0])

    def left(self, weights: Array) -> Array:
        """|target − tokensᵀ·weights|², [n]."""
        moved = (self.gram @ weights[..., None])[..., 0] - 2 * self.cross
        return np.asarray(np.maximum(self.square + np.einsum("ni,ni->n", weights, moved), 0))


class Layer:
    """n + 1 sentences at one layer, ``states`` [n + 1, t, d]; the last only lends its tokens.

    ``offset`` [d] is what [CLS] may be off a combination, the same in every sentence.
    """

    def __init__(self, states: Floats, offset: Array) -> None:
        self._tokens = states.astype(np.float64)
        self._gram: Array = self._tokens @ self._tokens.transpose(0, 2, 1)
        self._along: Array = self._tokens @ offset
        self._offset = float(offset @ offset)

    def explained(self, word: Rows, below: Layer | None) -> Explained:
        """``word`` [n] is the position of the token in the place of [CLS] under ``WORD``."""
        tokens, gram = self._tokens, self._gram
        own = Problem(gram[:-1, 1:, 1:], gram[:-1, 1:, 0], gram[:-1, 0, 0])
        other = self._by(gram[1:, 1:, 1:], tokens[1:, 1:])
        convex = {
            OWN: own,
            OTHER: other,
            SHIFTED: self._shifted(own, self._along[:-1, 1:]),
            OTHER_SHIFTED: self._shifted(other, self._along[1:, 1:]),
            WORD: self._word(word),
        }
        if below:
            convex[BELOW] = self._by(below._gram[:-1], below._tokens[:-1])
        weights = {way: problem.convex for way, problem in convex.items()}
        left = {way: problem.left(weights[way]) for way, problem in convex.items()}
        left[EQUAL] = own.left(np.full_like(own.cross, 1 / own.cross.shape[1]))
        left[SPAN] = own.left(own.unbound)
        left[OTHER_SPAN] = other.left(other.unbound)
        left.setdefault(BELOW, np.full(len(word), np.nan))
        weights.setdefault(BELOW, np.full(gram.shape[:2], np.nan)[:-1])
        return Explained(np.stack([left[way] for way in WAYS], axis=1), weights)

    def _by(self, gram: Array, tokens: Array) -> Problem:
        """[CLS] by tokens [n, t, d]."""
        cross = (tokens @ self._tokens[:-1, 0, :, None])[..., 0]
        return Problem(gram, cross, self._gram[:-1, 0, 0])

    def _shifted(self, of: Problem, along: Array) -> Problem:
        """The same for [CLS] less the offset; ``along`` [n, t] are the tokens' products with it."""
        square = of.square - 2 * self._along[:-1, 0] + self._offset
        return Problem(of.gram, of.cross - along, square)

    def _word(self, word: Rows) -> Problem:
        """The token at ``word`` by all others of its sentence."""
        t = self._gram.shape[1]
        others = np.arange(t - 1) + (np.arange(t - 1) >= word[:, None])
        rows = np.arange(len(word))[:, None]
        return Problem(
            self._gram[rows[..., None], others[:, :, None], others[:, None]],
            self._gram[rows, others, word[:, None]],
            self._gram[rows[:, 0], word, word],
        )
