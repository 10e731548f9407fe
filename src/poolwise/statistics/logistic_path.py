"""Multinomial logistic regression at several penalties, fast enough to choose among readouts.

The features are rotated to their principal axes, where the Hessian is nearly diagonal; each penalty
starts from the solution before it, and so do the curvature pairs of L-BFGS. Products with the rows
are float32, everything that is added up is float64.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]

Scale = Literal["none", "standard"]

STRENGTHS: tuple[float, ...] = (0.003, 0.01, 0.05, 0.3)
"""scikit-learn's ``C``, for features of unit variance: the larger, the freer.

Sentiment data (two labels) do best at the smallest two, Banking77's 77 labels at the largest two;
from 1.0 on thousands of rows overfit.
"""

TOLERANCE = 1e-3
"""Where the solver stops: twice the loss a row that a Newton step would still gain, about."""

ITERATIONS = 200

_PAIRS = 10


class LogisticPath:
    """Trained on rows x [n, d] with labels y [n] of 0 … n_classes - 1, at each of ``strengths``.

    The objective is that of scikit-learn's ``LogisticRegression(C=strength)``: multinomial, with
    two labels binomial; the intercept is not penalised. ``scale="standard"`` standardises each
    feature on the rows trained on, ``"none"`` divides all of them by one number, the root of their
    mean variance.

    ``coefficients`` [p, d, n_classes] and ``intercepts`` [p, n_classes] are for features that are
    not scaled. A label without rows has coefficients of 0 and an intercept of -inf. ``converged``
    [p]: whether the solver came to its end. ValueError without rows.
    """

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        n_classes: int,
        strengths: Sequence[float] = STRENGTHS,
        scale: Scale = "none",
        *,
        tolerance: float = TOLERANCE,
    ) -> None:
        features, labels = np.asarray(x, np.float32), np.asarray(y, np.intp)
        if not len(labels):
            raise ValueError("no rows to train on")
        self.strengths = tuple(sorted(strengths))
        present, codes = np.unique(labels, return_inverse=True)
        axes = _PrincipalAxes(features, scale)
        solver = _Solver(axes.rows, codes, len(present))
        self._mean = axes.mean
        shape = (len(self.strengths), features.shape[1], n_classes)
        self.coefficients: Array = np.zeros(shape)
        self.intercepts: Array = np.full((shape[0], n_classes), -np.inf)
        self.converged: NDArray[np.bool_] = np.zeros(shape[0], bool)
        for i, strength in enumerate(self.strengths):
            # Two softmax columns share one logit between them: half of it each, a quarter of its
            # square, where the binomial objective penalises the whole.
            penalty = (2 if len(present) == 2 else 1) / strength
            self.converged[i] = solver.minimise(penalty, tolerance)
            weights = axes.directions @ solver.weights[:-1]
            self.coefficients[i][:, present] = weights
            self.intercepts[i, present] = solver.weights[-1] - axes.mean @ weights

    def log_probabilities(self, x: ArrayLike) -> Array:
        """Of each label for rows [m, d], at each strength, [p, m, n_classes]."""
        # Centred, as rows were in training: a large common offset would cost float32 its digits.
        rows = (np.asarray(x) - self._mean).astype(np.float32)
        scores = (rows @ self.coefficients.astype(np.float32)).astype(np.float64)
        scores += (self.intercepts + self._mean @ self.coefficients)[:, None]
        scores -= scores.max(axis=2, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=2, keepdims=True))
        return np.asarray(scores)


class _PrincipalAxes:
    """Centred, scaled features along their principal axes, with a last column of ones.

    ``rows`` [n, r + 1], r the least of n and d; ``directions`` [d, r] take centred rows there.
    A feature is constant, and left out, if it varies by no more than its own rounding.
    """

    def __init__(self, x: Array32, scale: Scale) -> None:
        self.mean: Array = x.mean(axis=0, dtype=np.float64)
        centred = x - self.mean
        deviation = np.sqrt(np.einsum("nd,nd->d", centred, centred) / len(x))
        varies = deviation > np.finfo(np.float32).eps * np.abs(self.mean)
        if scale == "none":
            common = np.sqrt(np.mean(deviation**2))
            deviation = np.full(len(deviation), common)
        by = np.divide(1, deviation, out=np.zeros(len(deviation)), where=varies & (deviation > 0))
        scaled = (centred * by).astype(np.float32)
        basis = np.eye(len(by))
        if len(x) < len(by):  # the solution lies in the space of the rows
            basis = np.linalg.qr(scaled.T.astype(np.float64))[0]
            scaled = scaled @ basis.astype(np.float32)
        # float32 will do for the Gram: it chooses the axes, and any axes have the same solution
        turn = eigh((scaled.T @ scaled).astype(np.float64), driver="evd", check_finite=False)[1]
        self.directions: Array = by[:, None] * (basis @ turn)
        self.rows: Array32 = np.ones((len(x), turn.shape[1] + 1), np.float32)
        self.rows[:, :-1] = scaled @ turn.astype(np.float32)


class _Solver:
    """L-BFGS on a softmax of k columns, the diagonal of the Hessian for a first guess.

    Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4. A curvature pair holds the
    change of the gradient without its penalty, so it serves the next penalty too.
    """

    def __init__(self, rows: Array32, y: NDArray[np.intp], k: int) -> None:
        self._rows, self._y = rows, y
        one_hot = np.zeros((len(y), k), np.float32)
        one_hot[np.arange(len(y)), y] = 1
        self._sums: Array = (rows.T @ one_hot).astype(np.float64)
        self._squares = rows**2
        self._penalised = np.ones((rows.shape[1], 1))
        self._penalised[-1] = 0
        self.weights: Array = np.zeros((rows.shape[1], k))
        self.weights[-1] = np.log(np.bincount(y, minlength=k) / len(y))
        self._pairs: deque[tuple[Array, Array]] = deque(maxlen=_PAIRS)
        self._loss, self._gradient, self._probabilities = self._at(self.weights)

    def minimise(self, penalty: float, tolerance: float) -> bool:
        """Move ``weights`` to the minimum of loss + penalty / 2 * squares; whether it got there."""
        ridge = penalty * self._penalised
        spread = self._probabilities * (1 - self._probabilities)
        diagonal = (self._squares.T @ spread).astype(np.float64)
        # a label that all rows are sure of has no curvature of its own
        diagonal = np.maximum(diagonal, 1e-3 * diagonal.max(axis=1, keepdims=True)) + ridge
        diagonal = np.maximum(diagonal, np.finfo(np.float32).tiny)
        for _ in range(ITERATIONS):
            gradient = self._gradient + ridge * self.weights
            if np.sum(gradient**2 / diagonal) <= tolerance * len(self._y):
                return True
            if not self._step(gradient, ridge, self._direction(gradient, ridge, diagonal)):
                return True
        return False

    def _direction(self, gradient: Array, ridge: Array, diagonal: Array) -> Array:
        """The inverse Hessian, as the pairs know it, times the gradient."""
        direction = gradient.copy()
        if not self._pairs:
            return direction / diagonal
        pairs = [(s, y + ridge * s, 1 / np.vdot(s, y + ridge * s)) for s, y in self._pairs]
        shares = []
        for s, y, inverse in reversed(pairs):
            shares.append(inverse * np.vdot(s, direction))
            direction -= shares[-1] * y
        _, y, inverse = pairs[-1]
        direction /= diagonal * (inverse * np.vdot(y, y / diagonal))
        for (s, y, inverse), share in zip(pairs, reversed(shares), strict=True):
            direction += (share - inverse * np.vdot(y, direction)) * s
        return direction

    def _step(self, gradient: Array, ridge: Array, direction: Array) -> bool:
        """Go against the direction, less far until the objective falls; False if it never does."""
        slope = float(np.vdot(gradient, direction))
        before = self._loss + float(np.sum(ridge * self.weights**2)) / 2
        noise = np.finfo(np.float32).eps * abs(before)
        length = 1.0
        while length > 1e-4:
            weights = self.weights - length * direction
            loss, plain, probabilities = self._at(weights)
            after = loss + float(np.sum(ridge * weights**2)) / 2
            if after <= before - 1e-4 * length * slope + noise:
                self._pairs.append((weights - self.weights, plain - self._gradient))
                self.weights, self._loss = weights, loss
                self._gradient, self._probabilities = plain, probabilities
                return True
            # the minimum of the parabola through both values and the slope
            parabola = length * length * slope / (2 * (after - before + length * slope))
            length = float(np.clip(parabola, 0.1 * length, 0.5 * length))
        return False

    def _at(self, weights: Array) -> tuple[float, Array, Array32]:
        """Loss, its gradient and the probabilities [n, k], without the penalty."""
        scores = self._rows @ weights.astype(np.float32)
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[np.arange(len(self._y)), self._y].sum(dtype=np.float64)
        np.exp(scores, out=scores)
        total = scores.sum(axis=1, keepdims=True)
        scores /= total
        loss = float(np.log(total).sum(dtype=np.float64) - own)
        return loss, (self._rows.T @ scores).astype(np.float64) - self._sums, scores
