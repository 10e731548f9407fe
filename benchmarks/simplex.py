"""How fast convex weights are found, on vectors made to resemble hidden states; and how exactly.

    python benchmarks/simplex.py [--sentences 20000] [--layers 7] [--width 384]

Sentences of 4 to 128 tokens, 20 on average, on two threads, products of the tokens included. A
sample is held against scipy's sequential quadratic programming, one sentence after another.
Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from machine import describe
from numpy.typing import NDArray
from scipy.optimize import minimize

from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.simplex import convex_weights

HERE = Path(__file__).parent
THREADS, GROUP, SAMPLE = 2, 128, 100
COMMON, NOISE = 2.0, 0.5
"""How long, to a token's own part, is what all share, and what a target is off its combination."""

Group = tuple[NDArray[np.float32], NDArray[np.float32]]


def lengths(sentences: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Tokens a sentence: many short, few long."""
    return np.clip(rng.gamma(2.5, 6.5, sentences) + 4, 4, 128).astype(np.intp)


def groups(sizes: NDArray[np.intp], width: int, rng: np.random.Generator) -> Iterator[Group]:
    """Tokens [n, t, d] with a direction in common, and targets [n, d] near a few of them."""
    shared = COMMON * rng.standard_normal(width, np.float32)
    for t in np.unique(sizes).tolist():
        left = int((sizes == t).sum())
        while left:
            n = min(left, GROUP)
            tokens = shared + rng.standard_normal((n, t, width), np.float32)
            weights = rng.dirichlet(np.full(t, 0.3), n).astype(np.float32)
            mixture = (weights[:, None] @ tokens)[:, 0]
            yield tokens, mixture + NOISE * rng.standard_normal((n, width), np.float32)
            left -= n


def by_scipy(tokens: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """The distance that scipy's minimiser comes to."""
    away = tokens - target
    gram = away @ away.T / np.square(away).sum(axis=1).max()
    solution = minimize(
        lambda w: w @ gram @ w,
        np.full(len(tokens), 1 / len(tokens)),
        jac=lambda w: 2 * gram @ w,
        bounds=[(0, 1)] * len(tokens),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return float(np.linalg.norm(solution.x @ away))


def beside_scipy(tokens: NDArray[np.float32], target: NDArray[np.float32]) -> dict[str, float]:
    """How much longer our residuals are than scipy's at most, relative to them; and how long scipy
    takes, relative to us."""
    began = time.perf_counter()
    weights = convex_weights(tokens, target)
    between = time.perf_counter()
    pairs = zip(tokens.astype(np.float64), target.astype(np.float64), strict=True)
    theirs = np.array([by_scipy(*pair) for pair in pairs])
    ended = time.perf_counter()
    away = target - np.einsum("nt,ntd->nd", weights, tokens.astype(np.float64))
    return {
        "residual longer than scipy's by at most": float(
            (np.linalg.norm(away, axis=1) / theirs - 1).max()
        ),
        "times as fast as scipy": (ended - between) / (between - began),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--width", type=int, default=384)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    sizes = lengths(arguments.sentences, rng)
    sample = next(groups(np.full(SAMPLE, round(sizes.mean())), arguments.width, rng))
    seconds = 0.0
    with single_blas_thread(), ThreadPoolExecutor(THREADS) as workers:
        for tokens, target in groups(np.tile(sizes, arguments.layers), arguments.width, rng):
            halves = np.array_split(tokens, THREADS), np.array_split(target, THREADS)
            began = time.perf_counter()
            list(workers.map(convex_weights, *halves))
            seconds += time.perf_counter() - began
        beside = beside_scipy(*sample)
    results = {
        "machine": describe(),
        "sentences": arguments.sentences,
        "layers": arguments.layers,
        "width": arguments.width,
        "tokens a sentence": float(sizes.mean()),
        "threads": THREADS,
        "seconds": seconds,
        "microseconds a problem and thread": seconds
        * THREADS
        / sizes.size
        / arguments.layers
        * 1e6,
        **beside,
    }
    out = HERE / "results" / f"simplex-{results['machine']['date']}.json"
    out.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
