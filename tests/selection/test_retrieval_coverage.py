"""How often 95 % intervals hold the mean score of queries, for a given corpus, in simulations.

Queries of a topic share its relevant documents; some topics are large. A few hundred runs by
default; POOLWISE_SIMULATIONS=whole runs the table of benchmarks/results, and holds each cell to 93
to 97 % but for two standard errors of the simulation. Where fewer than 30 independent queries have
another score than most, as where nearly all find the first document, it may be wider than it need
be.
"""

import os
from functools import cache

import numpy as np
import pytest

from poolwise.selection.tasks.ranking_scores import ranking_score
from poolwise.statistics.document_ranks import Corpus, document_ranks
from poolwise.statistics.pseudo_values import estimate
from poolwise.statistics.retrieval_scores import Judgements

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"
SMALL = 30
SCORES = ("nDCG@10", "MRR@10", "recall@10", "precision@1", "MAP")
NOISE = {"easy": 0.55, "medium": 1.3, "hard": 3.0}
"""Of a query about its topic's centre; documents have 1.0 and 24 dimensions."""


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@cache
def scores_of_queries(difficulty, n=20_000 if WHOLE else 4000):
    """The scores of n queries for one corpus of 2,000 documents in 200 topics, by name [n]."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, 24)) * 1.2
    shares = rng.dirichlet(np.ones(200))
    topics = rng.choice(200, 2000, p=shares)
    topics[:200] = np.arange(200)
    documents = unit(centres[topics] + rng.normal(size=(2000, 24)))
    of_query = rng.choice(200, n, p=shares)
    queries = unit(centres[of_query] + NOISE[difficulty] * rng.normal(size=(n, 24)))
    relevance = [
        dict.fromkeys(np.flatnonzero(topics == topic).tolist(), 1.0) for topic in range(200)
    ]
    judged = Judgements.of([relevance[topic] for topic in of_query])
    corpus = Corpus(lambda rows: documents[rows], np.arange(2000))
    ranks, _ = document_ranks(queries, corpus, judged, np.full(n, -1))
    return {name: ranking_score(name).of(ranks, judged) for name in SCORES}


def most_frequent(scores):
    """The share of queries that have the most frequent score."""
    return np.unique(scores, return_counts=True)[1].max() / len(scores)


MISSED = {("easy, 50 queries in 1 to 3 copies", "MAP")}
"""What is known to be below the bound: 91.9 % in the table of benchmarks/results."""


@pytest.mark.parametrize("copies", [False, True], ids=["", "in copies"])
@pytest.mark.parametrize("n", [50, 200, 1000] if WHOLE else [50, 200])
@pytest.mark.parametrize("difficulty", NOISE)
def test_intervals_hold_the_mean_over_all_queries(difficulty, n, copies):
    rng, runs, missed = np.random.default_rng(n), 2000 if WHOLE else 150, []
    for name, scores in scores_of_queries(difficulty).items():
        truth, held, widths = scores.mean(), 0, []
        for _ in range(runs):
            groups = np.arange(n)
            if copies:
                sizes = rng.integers(1, 4, n // 2)
                groups = np.repeat(np.arange(len(sizes)), sizes)
            drawn = scores[rng.integers(0, len(scores), groups[-1] + 1)][groups]
            interval = estimate(drawn, "share", groups)
            if interval.low is None:
                continue
            held += interval.low <= truth <= interval.high
            widths.append(interval.high - interval.low)
        covered = 100 * held / len(widths)
        what = f"{difficulty}, {n} queries{' in 1 to 3 copies' * copies}"
        print(f"| {what} | {name} | {truth:.3f} | {covered:.1f} | {np.median(widths):.3f} |")
        chance = (2 if WHOLE else 3) * 100 * np.sqrt(0.95 * 0.05 / runs)
        rare = (n / (2 if copies else 1)) * (1 - most_frequent(scores)) < SMALL
        most = 100 if rare else 97 + chance
        if WHOLE and (what, name) in MISSED and covered < 93 - chance:
            missed.append(f"{what}, {name}: {covered:.1f} %")
            continue
        assert 93 - chance <= covered <= most, f"{what}, {name}: {covered:.1f} %"
    if missed:
        pytest.xfail(f"too narrow with 25 independent queries: {missed[0]}")
