"""The convex combination of some vectors that is nearest to another: many problems at once.

Moved so that the target lies at 0, a combination's distance is its norm, and Σw = 1 makes (Σw)² a
constant. So the weights minimise wᵀMw over the simplex, where M = YYᵀ/s + 11ᵀ, Y holds tokens less
target and s > 0 is any number. Their optimality conditions, Mw ≥ μ with μ = wᵀMw ≥ 1 and equality
where w > 0, are those of u = w/μ in

    min ½ uᵀMu − 1ᵀu,  u ≥ 0,

which is non-negative least squares (Lawson & Hanson 1974, "Solving Least Squares Problems", chapter
23, turn least distances into it in the same way), and w = u / Σu. It is solved by block principal
pivoting (Portugal, Júdice & Vicente 1994, "A comparison of block pivoting and interior-point
algorithms for linear least squares problems with nonnegative variables"): an active-set method that
exchanges every variable of the wrong sign at once, and so takes a few rounds for a thousand
problems together. The rare problem in which it runs in circles goes to scipy's Lawson-Hanson.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]

CHUNK_BYTES = 1 << 20
"""Gram matrices worked on at a time: what stays in a core's cache."""

RIDGE = 1e-13
"""Added to M's diagonal, whose entries are about 2: tokens that lie in fewer dimensions than their
number then have one answer. A squared residual moves by less than this times the tokens' mean
squared distance from the target."""

SIGN = 1e-9
"""What is negative by less, relatively, counts as 0: a digit or two above rounding."""

ROUNDS = 24
"""Block exchanges; four or five are usual, and what has not settled by then may never."""


def convex_weights(tokens: ArrayLike, target: ArrayLike) -> Array:
    """Weights w ≥ 0, Σw = 1 that minimise |target − tokensᵀw|², float64 [n, t].

    ``tokens`` [n, t, d], ``target`` [n, d]: n problems of t tokens each, at least one. Where
    several combinations come equally near (tokens alike, more tokens than dimensions) they are one
    of them.
    """
    x, y = np.asarray(tokens), np.asarray(target)
    n, t, d = x.shape
    weights = np.empty((n, t))
    for rows in _chunks(n, t * max(t, d)):
        away = (x[rows] - y[rows, None]).astype(np.float64)
        weights[rows] = _nearest(away @ away.transpose(0, 2, 1))
    return weights


def convex_weights_from_gram(gram: ArrayLike, cross: ArrayLike, square: ArrayLike) -> Array:
    """The same from products: of tokens with each other, ``gram`` [n, t, t], of tokens with the
    target, ``cross`` [n, t], and of the target with itself, ``square`` [n].

    For tokens far from 0 and close together, subtract a common vector before the products are
    taken: the weights stay, and digits are kept.
    """
    g, c, q = (np.asarray(array, np.float64) for array in (gram, cross, square))
    weights = np.empty(c.shape)
    for rows in _chunks(len(c), c.shape[1] ** 2):
        sides = c[rows, :, None] + c[rows, None]
        weights[rows] = _nearest(g[rows] - sides + q[rows, None, None])
    return weights


def _chunks(n: int, floats: int) -> list[slice]:
    size = max(CHUNK_BYTES // (8 * floats), 1)
    return [slice(start, start + size) for start in range(0, n, size)]


def _nearest(products: Array) -> Array:
    """Convex weights [n, t] of the point nearest to 0, from products of vectors [n, t, t]."""
    t = products.shape[1]
    scale = np.einsum("ijj->i", products) / t
    scale = np.where(scale > 0, scale, 1)
    m = products / scale[:, None, None] + 1
    m[:, np.arange(t), np.arange(t)] += RIDGE
    u = np.maximum(_pivoted(m), 0)
    return np.asarray(u / u.sum(axis=1, keepdims=True))


def _pivoted(m: Array) -> Array:
    """u [n, t] that minimises ½ uᵀmu − 1ᵀu, u ≥ 0, for positive definite m [n, t, t]."""
    n, t = m.shape[:2]
    weights = np.empty((n, t))
    rows, free = np.arange(n), np.ones((n, t), np.bool_)
    for _ in range(ROUNDS):
        here = m[rows]
        u = _solved(here, free)
        slope = (here @ u[..., None])[..., 0] - 1
        size = np.where(free, np.abs(u).max(axis=1, keepdims=True), 1)
        wrong = np.where(free, u, slope) < -SIGN * size
        going = wrong.any(axis=1)
        weights[rows[~going]] = u[~going]
        rows, free = rows[going], (free ^ wrong)[going]
        if not len(rows):
            break
    for row in rows:
        weights[row] = _one_by_one(m[row])
    return weights


def _solved(m: Array, free: NDArray[np.bool_]) -> Array:
    """u [n, t] with (mu)ᵢ = 1 where ``free``, else uᵢ = 0."""
    t = m.shape[1]
    system = np.where(free[:, :, None] & free[:, None], m, np.eye(t))
    return np.asarray(np.linalg.solve(system, free[..., None].astype(np.float64))[..., 0])


def _one_by_one(m: Array) -> Array:
    """The same for one m [t, t], u [t], slow and sure."""
    values, vectors = np.linalg.eigh(m)
    positive = values > RIDGE * values[-1]
    root, axes = np.sqrt(values[positive]), vectors[:, positive].T
    u, _ = nnls(root[:, None] * axes, axes.sum(axis=1) / root, maxiter=100 * len(m))
    return np.asarray(u)
