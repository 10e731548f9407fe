"""How often intervals for clusters hold the score that such texts have on average, in simulations.

At given clusters, and with k-means run again on every sample: then the truth is what k-means, over
ten seeds, scores on average on a sample of as many rows. A small table by default;
POOLWISE_SIMULATIONS=whole runs that of benchmarks/results/clustering-2026-11-28.md.
"""

import os

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from poolwise.selection.tasks.clustering_task import SEEDS, k_means
from poolwise.statistics.clustering_scores import adjusted_mutual_information, v_measure
from poolwise.statistics.paired import paired_differences
from poolwise.statistics.pseudo_values import estimate
from poolwise.statistics.seed_noise import mean_over_seeds

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"
DIMENSIONS = 10
GIVEN, AGAIN = "given clusters", "k-means again"
CASES = [
    (100, 3, 3, False),
    (100, 10, 4, False),
    (300, 6, 3, False),
    (300, 6, 5, False),
    (300, 6, 3, True),
    (1000, 10, 3, False),
    (1000, 10, 4, False),
    (1000, 6, 3, True),
    (2000, 20, 3, False),
]
"""Rows, labels, distance of their centres in standard deviations, whether in 5 to 10 copies."""
if not WHOLE:
    CASES = [CASES[2]]
APART = 4
"""Distance from which clusters lie apart: intervals may then be wider than they need be."""


def draw(rng, n, k, distance, copies):
    """Vectors [n, d] of k labels, the labels, and the groups."""
    centres = np.random.default_rng(k).normal(size=(k, DIMENSIONS))
    centres *= distance / np.sqrt(DIMENSIONS)
    sizes = rng.integers(5, 11, int(n / 7.5)) if copies else np.ones(n, int)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = rng.integers(0, k, len(sizes))
    x = centres[labels] + rng.normal(size=(len(sizes), DIMENSIONS))
    return x[groups].astype(np.float32), labels[groups], groups, centres


def clusters_of(x, centres, how):
    if how == GIVEN:
        return [((x[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)]
    return [k_means(x, len(centres), seed) for seed in range(SEEDS)]


def pseudo_values(score, labels, clusters, groups):
    scored = [score(labels, assigned, groups) for assigned in clusters]
    return mean_over_seeds([v for v, _ in scored], np.stack([i for _, i in scored]), groups)


@pytest.mark.parametrize("how", [GIVEN, AGAIN])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_intervals_hold_the_mean_score(case, how):
    n, k, distance, copies = case
    rng, found = np.random.default_rng(n + k), {v_measure: [], adjusted_mutual_information: []}
    runs = (500 if how == GIVEN or n <= 300 else 250) if WHOLE else 60
    with threadpool_limits(1):
        for _ in range(runs):
            x, labels, groups, centres = draw(rng, *case)
            clusters = clusters_of(x, centres, how)
            for score, estimates in found.items():
                values = pseudo_values(score, labels, clusters, groups)
                estimates.append(estimate(values, "share", groups))
    for score, estimates in found.items():
        true = np.mean([one.value for one in estimates])
        covered = 100 * np.mean([one.low <= true <= one.high for one in estimates])
        width = np.median([one.high - one.low for one in estimates])
        what = f"{n} rows{' in 5 to 10 copies' * copies}, {k} labels, {distance} apart, {how}"
        print(f"| {what} | {score.__name__} | {true:.3f} | {covered:.1f} | {width:.3f} |")
        noise = 200 * np.sqrt(0.95 * 0.05 / runs)
        wide = (how == AGAIN and distance >= APART) or copies or n < 10 * k * k
        low = 93 - noise if WHOLE else 87
        assert low <= covered <= (100 if wide or not WHOLE else 97 + noise), what


def test_a_difference_between_equal_readouts_is_seldom_significant():
    rng, n, k, found = np.random.default_rng(0), 300, 6, []
    with threadpool_limits(1):
        for _ in range(400 if WHOLE else 40):
            x, labels, groups, centres = draw(rng, n, k, 3, False)
            columns = []
            for _ in range(2):
                seen = (x + 0.5 * rng.normal(size=x.shape)).astype(np.float32)
                clusters = clusters_of(seen, centres, AGAIN)
                columns.append(pseudo_values(v_measure, labels, clusters, groups))
            table = np.column_stack(columns)
            values = table.mean(axis=0)
            found.append(paired_differences(values, table - values, 0, groups)[1].p)
    wrong = np.mean(np.array(found) < 0.05)
    print(f"| {n} rows, {k} labels, two equal readouts | p < 0.05 | {100 * wrong:.1f} |")
    assert wrong < (0.08 if WHOLE else 0.2)
