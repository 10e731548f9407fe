"""How often intervals for pairs that are a match or none hold the true score, in simulations.

Pairs that share sentences depend on each other through both (``groups`` [n, 2]). A small table by
default; POOLWISE_SIMULATIONS=whole runs that of benchmarks/results/clustering-2026-11-28.md.
"""

import os
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

from poolwise.statistics.pseudo_values import estimate
from poolwise.statistics.rankings import average_precisions
from poolwise.statistics.score_intervals import score_estimate
from poolwise.statistics.threshold_scores import binary_f1

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"
SHARES = (0.05, 0.2, 0.5)
CASES = [
    (n, share, kind)
    for n in (100, 300, 1000, 2000)
    for share in SHARES
    for kind in ("pairs of their own texts", "pairs among n / 2 texts", "pairs among n texts")
]
if not WHOLE:
    CASES = [(300, 0.2, CASES[0][2]), (300, 0.5, CASES[1][2]), (1000, 0.05, CASES[2][2])]
FEW = 20
"""Matches below which there is no interval."""


def draw(rng, n, share, kind):
    """Scores, which pairs are a match, and both texts of each: the texts move both."""
    texts = {"pairs of their own texts": 2 * n, "pairs among n texts": n}.get(kind, n // 2)
    if kind == "pairs of their own texts":
        both = np.arange(2 * n).reshape(n, 2)
    else:
        first = rng.integers(0, texts, n)
        both = np.stack([first, (first + rng.integers(1, texts, n)) % texts], axis=1)
    own = rng.normal(size=(texts, 2)) @ np.array([[0.5, 0.3], [0, 0.4]])
    matching, scores = own[both].sum(axis=1).T + rng.normal(size=(2, n))
    spread = np.sqrt(1 + 2 * 0.25)
    positive = matching > spread * NormalDist().inv_cdf(1 - share)
    return scores + 1.5 * positive, positive, both


def measure(scores, positive):
    value, moved = average_precisions(scores[None], positive[None])
    return {
        "average precision": (float(value[0]), moved[0] * len(scores)),
        "F1 at a given threshold": binary_f1(scores > 1.2, positive),
    }


@pytest.mark.parametrize(
    ("n", "dimensions", "noise"),
    [(100, 8, 0.6), (300, 8, 1), (100, 16, 1.2), (500, 16, 1.2), (1000, 16, 1)][
        : 5 if WHOLE else 2
    ],
)
def test_intervals_hold_the_accuracy_of_the_nearest(n, dimensions, noise):
    """Of bitext mining: each sample has a corpus of its own, as large."""
    rng, estimates = np.random.default_rng(n), []
    for _ in range((1000 if n < 500 else 300) if WHOLE else 100):
        first = rng.normal(size=(n, dimensions))
        second = first + noise * rng.normal(size=first.shape)
        cosines = first @ (second / np.linalg.norm(second, axis=1, keepdims=True)).T
        hits = cosines.argmax(axis=1) == np.arange(n)
        estimates.append(estimate(hits, "share"))
    true = np.mean([one.value for one in estimates])
    covered = 100 * np.mean([one.low <= true <= one.high for one in estimates])
    width = np.median([one.high - one.low for one in estimates])
    what = f"{n} sentences and their translations"
    print(f"| {what} | accuracy@1 | {true:.3f} | {covered:.1f} | {width:.3f} |")
    wide = 200 * np.sqrt(0.95 * 0.05 / len(estimates))
    assert 93 - wide <= covered <= 97 + wide


@cache
def truth(share, kind):
    rng = np.random.default_rng(7)
    large = [measure(*draw(rng, 40_000, share, kind)[:2]) for _ in range(20 if WHOLE else 5)]
    return {name: np.mean([one[name][0] for one in large]) for name in large[0]}


@pytest.mark.parametrize(("n", "share", "kind"), CASES)
def test_intervals_hold_the_true_score(n, share, kind):
    rng = np.random.default_rng(n)
    runs = 1000 if WHOLE else 200
    found = {name: [] for name in truth(share, kind)}
    for _ in range(runs):
        scores, positive, both = draw(rng, n, share, kind)
        if positive.any():
            for name, score in measure(scores, positive).items():
                found[name].append(score_estimate(*score, positive, both))
    for name, estimates in found.items():
        given = [one for one in estimates if one.low is not None]
        true = truth(share, kind)[name]
        line = f"| {n} {kind}, {share:.0%} matches | {name} | {true:.3f} |"
        if len(given) < 0.5 * runs:
            print(f"{line} no interval in {100 - 100 * len(given) / runs:.0f} % of runs | |")
            continue
        covered = 100 * np.mean([one.low <= true <= one.high for one in given])
        width = np.median([one.high - one.low for one in given])
        print(f"{line} {covered:.1f} | {width:.3f} |")
        noise = 200 * np.sqrt(0.95 * 0.05 / len(given))
        low, high = (93 - noise, 97 + noise) if WHOLE else (89, 99.5)
        rare = n * share < 2 * FEW
        assert low <= covered <= (100 if rare else high), line
