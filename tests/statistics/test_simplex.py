"""Weights on the simplex: as scipy finds them, optimal by their conditions, whatever the tokens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from poolwise.statistics import simplex
from poolwise.statistics.simplex import convex_weights, convex_weights_from_gram


def by_scipy(tokens, target):
    """Sequential quadratic programming from equal weights."""
    t = len(tokens)
    scale = np.square(tokens - target).sum(axis=1).max() or 1.0
    away = (tokens - target) / np.sqrt(scale)
    gram = away @ away.T
    found = minimize(
        lambda w: w @ gram @ w,
        np.full(t, 1 / t),
        jac=lambda w: 2 * gram @ w,
        bounds=[(0, 1)] * t,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    return found.x


def distance(tokens, target, weights):
    return np.linalg.norm(target - np.einsum("...t,...td->...d", weights, tokens), axis=-1)


def excess(tokens, target, weights):
    """By how much the squared distance may at most exceed the least, relative to the tokens'."""
    away = tokens - target[:, None]
    slope = np.einsum("ntd,nd->nt", away, np.einsum("nt,ntd->nd", weights, away))
    gap = np.einsum("nt,nt->n", slope, weights) - slope.min(axis=1)
    return gap / np.maximum(np.square(away).sum(axis=2).max(axis=1), 1e-300)


def check(tokens, target):
    weights = convex_weights(tokens, target)
    assert weights.shape == tokens.shape[:2]
    assert weights.dtype == np.float64
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    assert excess(tokens, target, weights).max() < 1e-8
    return weights


@pytest.mark.parametrize(("t", "d"), [(1, 3), (2, 1), (4, 6), (6, 6), (8, 3), (12, 40)])
def test_it_agrees_with_scipy(t, d):
    rng = np.random.default_rng(t)
    tokens = rng.normal(size=(25, t, d)) + rng.normal(size=d)
    target = rng.normal(size=(25, d))
    target[::3] = np.einsum("nt,ntd->nd", rng.dirichlet(np.ones(t), 9), tokens[::3])
    weights = check(tokens, target)
    for one, aim, found in zip(tokens, target, weights, strict=True):
        other = by_scipy(one, aim)
        assert distance(one, aim, found) == pytest.approx(distance(one, aim, other), abs=1e-6)
        if t <= d:
            np.testing.assert_allclose(found, other, atol=1e-6)


def test_planted_weights_come_back():
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(50, 9, 20)).astype(np.float32)
    planted = rng.dirichlet(np.ones(9) / 2, 50)
    planted[planted < 0.05] = 0
    planted /= planted.sum(axis=1, keepdims=True)
    target = np.einsum("nt,ntd->nd", planted, tokens.astype(np.float64))
    np.testing.assert_allclose(convex_weights(tokens, target), planted, atol=1e-7)


def degenerate(kind, rng):
    n, t, d = 40, 12, 5
    tokens = rng.normal(size=(n, t, d))
    target = rng.normal(size=(n, d))
    match kind:
        case "duplicates":
            tokens = tokens[:, rng.integers(0, 3, t)]
        case "all alike":
            tokens[:] = tokens[:, :1]
        case "zeros":
            tokens[:, ::2] = 0
        case "nothing but zeros":
            tokens[:], target[:] = 0, 0
        case "on a line":
            tokens = rng.normal(size=(n, t, 1)) * tokens[:, :1]
        case "integers":
            tokens, target = rng.integers(-1, 2, (n, t, d)) * 1.0, np.zeros((n, d))
        case "a token itself":
            target = tokens[:, 3].copy()
        case "inside":
            target = tokens.mean(axis=1)
        case "far away":
            tokens, target = tokens + 1e4, target + 1e4
        case "of all sizes":
            tokens *= 10.0 ** rng.integers(-4, 4, (n, t, 1))
    return tokens, target


KINDS = (
    "duplicates",
    "all alike",
    "zeros",
    "nothing but zeros",
    "on a line",
    "integers",
    "a token itself",
    "inside",
    "far away",
    "of all sizes",
)


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_tokens_have_an_answer(kind):
    tokens, target = degenerate(kind, np.random.default_rng(1))
    weights = check(tokens, target)
    size = np.linalg.norm(tokens - target[:, None], axis=2).max(axis=1)
    if kind in {"a token itself", "inside"}:
        assert (distance(tokens, target, weights) < 1e-6 * size).all()
    if kind == "nothing but zeros":
        assert np.isfinite(weights).all()


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 6), st.integers(1, 5))
def test_the_conditions_of_an_optimum_hold(data, t, d):
    numbers = st.floats(-100, 100, width=32) | st.sampled_from([0.0, 1.0, -1.0])
    tokens = data.draw(arrays(np.float64, (3, t, d), elements=numbers))
    target = data.draw(arrays(np.float64, (3, d), elements=numbers))
    check(tokens, target)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 30))
def test_products_give_what_vectors_give(seed, t, d):
    rng = np.random.default_rng(seed)
    tokens, target = rng.normal(size=(5, t, d)), rng.normal(size=(5, d))
    gram, cross = tokens @ tokens.transpose(0, 2, 1), np.einsum("ntd,nd->nt", tokens, target)
    weights = convex_weights_from_gram(gram, cross, np.square(target).sum(axis=1))
    assert excess(tokens, target, weights).max() < 1e-8
    own = convex_weights(tokens, target)
    np.testing.assert_allclose(
        distance(tokens, target, weights), distance(tokens, target, own), atol=1e-6
    )


def test_what_runs_in_circles_is_solved_one_by_one(monkeypatch):
    tokens, target = degenerate("integers", np.random.default_rng(2))
    usual = distance(tokens, target, check(tokens, target))
    monkeypatch.setattr(simplex, "ROUNDS", 1)
    np.testing.assert_allclose(distance(tokens, target, check(tokens, target)), usual, atol=1e-7)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    tokens, target = rng.normal(size=(17, 5, 8)), rng.normal(size=(17, 8))
    whole = convex_weights(tokens, target)
    monkeypatch.setattr(simplex, "CHUNK_BYTES", 1)
    np.testing.assert_array_equal(convex_weights(tokens, target), whole)
    assert convex_weights(tokens[:0], target[:0]).shape == (0, 5)
