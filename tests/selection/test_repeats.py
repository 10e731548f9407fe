"""Choices of halves of the rows: by hand, and by simulation against independent samples.

``POOLWISE_SIMULATIONS=whole`` prints the table of benchmarks/results/repeats-2026-11-28.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pytest

from poolwise.readouts import parse
from poolwise.selection.candidates import candidates_of
from poolwise.selection.folds import fold_rows
from poolwise.selection.outcome import Decision
from poolwise.selection.repeats import agreement, repeat_choice, share
from poolwise.selection.repeats_part import repeats_part
from poolwise.selection.row_samples import chosen_on
from poolwise.selection.selection import Selection

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"


class Encoder:
    """What a selection asks of an encoder."""

    depth = 12
    width = 4
    name = "drawn"
    declared = None


class Scores:
    """A task whose scores are drawn."""

    name, score, scale, notes, strata = "drawn", "R²", "real", (), None

    def __init__(self, n, groups=None):
        self.groups = np.arange(n) if groups is None else groups
        self.folds = fold_rows([""] * n, [(g,) for g in self.groups.tolist()], 0)


def selection_of(scores, groups=None):
    c = scores.shape[1]
    readouts = [parse("mean@-1"), *(parse(f"mean@{k}") for k in range(c - 1))]
    candidates = candidates_of(Encoder(), readouts, None)
    return Selection(candidates, Scores(len(scores), groups), (), [1] * c, scores)


def normal_scores(rng, n, gains):
    """[n, c]: scores of the means ``gains`` [c] in standard errors of a difference, correlated."""
    noise = 2 * rng.standard_normal((n, 1)) + rng.standard_normal((n, len(gains)))
    return noise + np.asarray(gains) * np.sqrt(2 / n)


def test_halves_hold_every_row_once_and_whole_clusters():
    groups = np.repeat(np.arange(60), 3)
    scores = np.random.default_rng(0).standard_normal((180, 3))
    repeats = repeat_choice(selection_of(scores, groups), 4, seed=3)
    assert len(repeats.pairs) == len(repeats.equal_pairs) == 4
    assert repeats.n_rows == 90
    assert sum(repeats.frequencies.values()) == 8


def test_a_half_chooses_as_a_selection_of_its_rows_alone():
    rng = np.random.default_rng(1)
    scores = normal_scores(rng, 400, [0, 0, 8, 8])
    rows = np.arange(400) < 200
    half, alone = chosen_on(selection_of(scores), rows), selection_of(scores[:200])
    assert half.chosen_index == alone.chosen_index
    np.testing.assert_array_equal(half.choice_rows, np.arange(200))
    np.testing.assert_allclose(half.choice_scores, alone.choice_scores, rtol=1e-12)
    np.testing.assert_allclose(half.better.errors, alone.better.errors, rtol=1e-12)


def test_one_that_is_far_better_is_chosen_by_every_half_and_loses_nothing():
    scores = normal_scores(np.random.default_rng(0), 300, [0, 30, 0, 0])
    repeats = repeat_choice(selection_of(scores), 20)
    assert repeats.frequencies == {1: 40}
    assert not repeats.losses.any()
    assert agreement(repeats.pairs, lambda half: half.decision) == 20
    assert repeats.pairs[0][0].decision is Decision.CHANGE
    # Equal ones of the same noise are chosen no oftener than 5 % allow.
    assert sum(h.chosen != 0 for pair in repeats.equal_pairs for h in pair) <= 8
    part = repeats_part(repeats)
    assert "both chose mean@0 in 20 of 20 repeats" in part.sentence
    assert part.charts[0].data["rows"] == [("mean@0", "40", "100%", "1", "0%")]


def test_a_loss_is_what_the_choice_of_all_rows_scores_more_on_the_other_half():
    scores = normal_scores(np.random.default_rng(2), 200, [0, 4, 3.5])
    selection = selection_of(scores)
    repeats = repeat_choice(selection, 10)
    halves = [half for pair in repeats.pairs for half in pair]
    assert {h.loss == 0 for h in halves if h.chosen == selection.chosen_index} <= {True}
    # The two halves of a pair that choose the same lose in sum twice what they lose on all rows.
    gap = scores[:, selection.chosen_index].mean()
    for first, second in repeats.pairs:
        if first.chosen == second.chosen:
            expected = 2 * (gap - scores[:, first.chosen].mean())
            assert first.loss + second.loss == pytest.approx(expected, abs=1e-9)


def test_the_seed_alone_decides_the_repeats():
    selection = selection_of(normal_scores(np.random.default_rng(5), 200, [0, 3, 3, 3]))
    first, again, other = (repeat_choice(selection, 8, seed=seed) for seed in (1, 1, 2))
    assert first.pairs == again.pairs
    assert first.equal_pairs == again.equal_pairs
    assert first.pairs != other.pairs


@pytest.mark.parametrize(("count", "low", "high"), [(87, 0.7902, 0.9224), (100, 0.9630, 1.0)])
def test_shares_have_wilson_s_interval(count, low, high):
    estimate = share(count, 100)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-4)


@dataclass
class Agreement:
    """Shares: two independent samples choose the same, of n rows and of half as many; what two
    halves of one sample say, and what a bootstrap of it says; that of halves between samples."""

    truth: float
    truth_of_half: float
    halves: float
    halves_error: float
    bootstrap: float
    spread: float


def simulate(n, gains, repetitions, repeats, seed=0):
    rng = np.random.default_rng(seed)

    def choice(rows):
        return chosen_on(selection_of(rows), np.ones(len(rows), np.bool_)).chosen_index

    truth, half_truth, halves, bootstrap = [], [], [], []
    scale = np.sqrt(0.5) * np.asarray(gains)
    for k in range(repetitions):
        scores = normal_scores(rng, n, gains)
        chosen = choice(scores)
        truth.append(chosen == choice(normal_scores(rng, n, gains)))
        # The same gains in units of the rows' scores.
        pair = (choice(normal_scores(rng, n // 2, scale)) for _ in range(2))
        half_truth.append(next(pair) == next(pair))
        done = repeat_choice(selection_of(scores), repeats, seed=k)
        halves.append(agreement(done.pairs, lambda half: half.chosen) / repeats)
        drawn = (scores[rng.integers(0, n, n)] for _ in range(repeats))
        bootstrap.append(np.mean([choice(rows) == chosen for rows in drawn]))
    error = np.hypot(np.std(halves), np.std(half_truth)) / np.sqrt(repetitions)
    means = map(float, map(np.mean, (truth, half_truth, halves)))
    return Agreement(*means, error, float(np.mean(bootstrap)), float(np.std(halves)))


def plateau(c, k, gain):
    """None of c is better than the first, but for k that are all as much better."""
    return [gain if 1 <= i <= k else 0.0 for i in range(c)]


def test_halves_say_how_often_independent_samples_agree_and_a_bootstrap_says_more():
    result = simulate(100, plateau(6, 4, 8), 200 if WHOLE else 40, 3)
    print(result)
    assert abs(result.halves - result.truth_of_half) <= 3.5 * result.halves_error
    assert result.bootstrap > result.truth + 0.1


CANDIDATES, CORRELATION, DRAWN = 130, 0.8, 1500
ERROR = np.sqrt(2 * (1 - CORRELATION))
"""Of a difference of two candidates' means, of n rows, where a mean's own is 1."""


def noise(rng, *shape):
    """Errors of the means of all candidates, [..., CANDIDATES]."""
    common = rng.standard_normal((*shape, 1))
    own = rng.standard_normal((*shape, CANDIDATES))
    return np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * own


def rule(means, scale, critical):
    """The candidate chosen from means [..., CANDIDATES] with errors ``scale`` as large."""
    t = (means - means[..., :1]) / (ERROR * scale)
    better = np.where(t > critical, means, -np.inf)
    better[..., 0] = np.where((t[..., 1:] > critical).any(axis=-1), -np.inf, 0)
    return better.argmax(axis=-1)


@pytest.mark.skipif(not WHOLE, reason="a million choices: POOLWISE_SIMULATIONS=whole")
@pytest.mark.parametrize("chooses", ["rule", "highest"])
@pytest.mark.parametrize(
    ("k", "gain"), [(0, 0), (1, 2), (1, 4), (1, 6), (1, 9), (5, 4), (5, 9), (20, 9)]
)
def test_the_table_of_agreement(chooses, k, gain):
    """As a selection sees them, means with normal errors; a bootstrap's and halves' have the spread
    that those of n rows drawn again, and of half of them, have."""
    rng, root = np.random.default_rng(0), np.sqrt(2)
    equal = noise(rng, 20_000)
    largest = ((equal - equal[:, :1]) / ERROR).max(axis=1)
    critical = np.quantile(largest, 0.95) if chooses == "rule" else -np.inf
    choose = (
        (lambda means, scale: rule(means, scale, critical))
        if chooses == "rule"
        else (lambda means, scale: means.argmax(axis=-1))
    )
    true = ERROR * np.array(plateau(CANDIDATES, k, gain))
    samples, others = (true + noise(rng, DRAWN) for _ in range(2))
    chosen = choose(samples, 1)
    truth = np.mean(chosen == choose(others, 1))
    first, second = (choose(true + root * noise(rng, DRAWN), root) for _ in range(2))
    bootstrap, halves = np.empty(DRAWN), np.empty(DRAWN)
    for i in range(DRAWN):
        errors = noise(rng, 100)
        bootstrap[i] = np.mean(choose(samples[i] + errors, 1) == chosen[i])
        pairs = (choose(samples[i] + sign * errors, root) for sign in (1, -1))
        halves[i] = np.mean(next(pairs) == next(pairs))
    print(
        f"| {chooses} | {k} | {gain} | {100 * truth:.0f} | {100 * bootstrap.mean():.0f} "
        f"| {100 * np.mean(first == second):.0f} | {100 * halves.mean():.0f} "
        f"| {100 * halves.std():.0f} |"
    )
    error = np.hypot(halves.std(), np.std(first == second)) / np.sqrt(DRAWN)
    assert abs(halves.mean() - np.mean(first == second)) <= 3.5 * error + 0.002
