"""One token's hidden state, approximated by linear combinations of other tokens' states."""

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

COMBINATIONS = (OWN, OTHER, EQUAL, SHIFTED, OTHER_SHIFTED, BELOW, WORD, SPAN, OTHER_SPAN)
"""What approximates [CLS]; under ``WORD`` another token in its place."""

WEIGHTED = (OWN, SHIFTED, BELOW)
"""The combinations whose weights are returned."""


class Approximation(NamedTuple):
    """The best combinations at one layer of n sentences of t tokens.

    ``residuals`` [n, combinations]: |r|² of each of ``COMBINATIONS``, NaN where it is undefined.
    ``weights`` of each of ``WEIGHTED``: of the tokens after [CLS], [n, t − 1], and under ``BELOW``
    of all, [n, t], NaN at layer 0.
    """

    residuals: Array
    weights: Mapping[str, Array]


class LeastSquares(NamedTuple):
    """Inner products of tokens and a target: ``gram`` [n, t, t], ``cross`` [n, t], ``square`` [n].

    The origin may be any point, for weights that sum to 1.
    """

    gram: Array
    cross: Array
    square: Array

    @property
    def convex(self) -> Array:
        """The best weights on the simplex, [n, t]."""
        return convex_weights_from_gram(self.gram, self.cross, self.square)

    @property
    def unconstrained(self) -> Array:
        """The best weights of any sign and sum, [n, t]."""
        t = self.cross.shape[1]
        scale = np.einsum("ijj->i", self.gram)[:, None] / t
        scale = np.where(scale > 0, scale, 1)
        gram = self.gram / scale[..., None] + RIDGE * np.eye(t)
        return np.asarray(np.linalg.solve(gram, (self.cross / scale)[..., None])[..., 0])

    def residual(self, weights: Array) -> Array:
        """|target − tokensᵀ·weights|², [n]."""
        gradient = (self.gram @ weights[..., None])[..., 0] - 2 * self.cross
        return np.asarray(np.maximum(self.square + np.einsum("ni,ni->n", weights, gradient), 0))


class LayerStates:
    """n + 1 sentences at one layer, ``states`` [n + 1, t, d]; the last is only a neighbour.

    ``offset`` [d] is the constant of ``SHIFTED``, the same for every sentence.
    """

    def __init__(self, states: Floats, offset: Array) -> None:
        self._tokens = states.astype(np.float64)
        self._gram: Array = self._tokens @ self._tokens.transpose(0, 2, 1)
        self._along: Array = self._tokens @ offset
        self._offset = float(offset @ offset)

    def approximate(self, word: Rows, below: LayerStates | None) -> Approximation:
        """``word`` [n] is the position of the token in the place of [CLS] under ``WORD``."""
        tokens, gram = self._tokens, self._gram
        own = LeastSquares(gram[:-1, 1:, 1:], gram[:-1, 1:, 0], gram[:-1, 0, 0])
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
        weights = {name: problem.convex for name, problem in convex.items()}
        residuals = {name: problem.residual(weights[name]) for name, problem in convex.items()}
        residuals[EQUAL] = own.residual(np.full_like(own.cross, 1 / own.cross.shape[1]))
        residuals[SPAN] = own.residual(own.unconstrained)
        residuals[OTHER_SPAN] = other.residual(other.unconstrained)
        residuals.setdefault(BELOW, np.full(len(word), np.nan))
        weights.setdefault(BELOW, np.full(gram.shape[:2], np.nan)[:-1])
        return Approximation(np.stack([residuals[name] for name in COMBINATIONS], axis=1), weights)

    def _by(self, gram: Array, tokens: Array) -> LeastSquares:
        """[CLS] by tokens [n, t, d]."""
        cross = (tokens @ self._tokens[:-1, 0, :, None])[..., 0]
        return LeastSquares(gram, cross, self._gram[:-1, 0, 0])

    def _shifted(self, problem: LeastSquares, along: Array) -> LeastSquares:
        """The same for [CLS] less the offset; ``along`` [n, t] are the tokens' products with it."""
        square = problem.square - 2 * self._along[:-1, 0] + self._offset
        return LeastSquares(problem.gram, problem.cross - along, square)

    def _word(self, word: Rows) -> LeastSquares:
        """The token at ``word`` by all others of its sentence."""
        t = self._gram.shape[1]
        tokens = np.arange(t - 1) + (np.arange(t - 1) >= word[:, None])
        rows = np.arange(len(word))[:, None]
        return LeastSquares(
            self._gram[rows[..., None], tokens[:, :, None], tokens[:, None]],
            self._gram[rows, tokens, word[:, None]],
            self._gram[rows[:, 0], word, word],
        )
