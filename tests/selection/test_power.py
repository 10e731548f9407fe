"""How often a truly better readout is found, and how often one of equals is: by simulation.

A few repetitions in every run; ``POOLWISE_SIMULATIONS=whole`` makes thousands, prints the table and
holds the rates to what is promised.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import norm

from poolwise.readouts import parse
from poolwise.selection.candidates import candidates_of
from poolwise.selection.folds import fold_rows
from poolwise.selection.selection import Selection
from poolwise.statistics.max_t import DRAWS
from poolwise.statistics.paired import mean_differences, not_significantly_worse

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"
CONTENDERS = 130
BASE = 0.85
CORRELATION = 0.5
"""Of the latent normal scores of two contenders on a row."""

BETTER = 7

MODELS, EACH = 4, 125
WITHIN, BETWEEN = 0.8, 0.4
"""Correlation of the latent scores of two readouts of one model, and of two models."""


class Encoder:
    """What a selection asks of an encoder."""

    name, depth, width = "drawn", 12, 8
    declared = None


class Hits:
    """A task whose hits are drawn."""

    name, score, scale, notes, strata = "drawn", "accuracy", "share", (), None

    def __init__(self, n, groups=None):
        self.groups = np.arange(n) if groups is None else groups
        self.folds = fold_rows([""] * n, [(g,) for g in self.groups.tolist()], 0)


def drawn_hits(rng, n, gain):
    """0 or 1, [n, c]: all contenders are right as often, one of them more often."""
    common = rng.standard_normal((n, 1))
    latent = np.sqrt(CORRELATION) * common
    latent = latent + np.sqrt(1 - CORRELATION) * rng.standard_normal((n, CONTENDERS))
    rates = np.full(CONTENDERS, BASE)
    rates[BETTER] += gain
    return (latent < norm.ppf(rates)).astype(float)


def drawn_hits_of_models(rng, n):
    """0 or 1, [n, c] for the readouts of several models, model by model: all are right as often."""
    common, own = rng.standard_normal((n, 1)), rng.standard_normal((n, MODELS * EACH))
    of_model = np.repeat(rng.standard_normal((n, MODELS)), EACH, axis=1)
    latent = np.sqrt(BETWEEN) * common + np.sqrt(WITHIN - BETWEEN) * of_model
    return (latent + np.sqrt(1 - WITHIN) * own < norm.ppf(BASE)).astype(float)


def selection_of(hits, models=1, n_draws=DRAWS):
    """The readouts of each model stand side by side in ``hits``."""
    n, each = len(hits), hits.shape[1] // models
    readouts = [parse("mean@-1"), *(parse(f"token[{i}]@-1") for i in range(each - 1))]
    candidates = [c for _ in range(models) for c in candidates_of(Encoder(), readouts, None)]
    return Selection(candidates, Hits(n), (), [1] * len(candidates), hits, n_draws=n_draws)


def chosen_before(hits):
    """The rule that this one replaced: chosen on a fifth of the rows, Holm over all contenders."""
    dev = hits[: len(hits) // 5]
    best = int(dev.mean(axis=0).argmax())
    tied = not_significantly_worse(mean_differences(dev, best))
    return 0 if tied[0] else best


@dataclass
class Rates:
    """Shares of repetitions: the better one was taken, before and now; any other was taken; what
    the reported score of the choice misses its true one by, and how often its interval holds it."""

    before: float
    now: float
    taken: float
    bias: float
    bias_error: float
    coverage: float


def simulate(n, gain, repetitions, seed=0):
    rng = np.random.default_rng(seed)
    before, now, taken, errors, covered = [], [], [], [], []
    for _ in range(repetitions):
        hits = drawn_hits(rng, n, gain)
        selection = selection_of(hits)
        chosen = selection.chosen_index
        before.append(chosen_before(hits) == BETTER)
        now.append(chosen == BETTER)
        taken.append(chosen != 0)
        rate = BASE + gain * (selection.best_index == BETTER)
        score = selection.choice.score
        errors.append(score.value - rate)
        covered.append(score.low <= rate <= score.high)
    error = np.std(errors) / np.sqrt(repetitions)
    return Rates(*map(np.mean, (before, now, taken, errors)), error, np.mean(covered))


def test_equal_contenders_are_seldom_told_apart():
    rates = simulate(300, 0.0, 2000 if WHOLE else 40)
    print(rates)
    if WHOLE:
        assert 0.03 <= rates.taken <= 0.06
        assert rates.coverage >= 0.93
    assert rates.taken <= 0.2
    assert abs(rates.bias) <= 3 * rates.bias_error
    assert rates.coverage >= 0.85


@pytest.mark.parametrize("n", [300, 1000])
def test_equal_contenders_of_four_models_are_seldom_told_apart(n):
    """One of 500 readouts of four models is taken for better than the one used now."""
    rng = np.random.default_rng(4)
    taken = []
    for _ in range(2000 if WHOLE else 20):
        selection = selection_of(drawn_hits_of_models(rng, n), MODELS, n_draws=2000)
        taken.append(selection.chosen_index != selection.reference)
    rate, error = np.mean(taken), np.std(taken) / np.sqrt(len(taken))
    print(f"| {n:,} | {len(taken):,} | {100 * rate:.1f} ± {100 * error:.1f} |")
    if WHOLE:
        assert 0.03 <= rate <= 0.06
    assert rate <= 0.2


def test_eight_points_are_found_on_300_rows_where_none_were_before():
    rates = simulate(300, 0.08, 500 if WHOLE else 20)
    print(rates)
    assert rates.before <= 0.1
    assert rates.now >= 0.5
    assert abs(rates.bias) <= 3 * rates.bias_error + 0.005


@pytest.mark.skipif(not WHOLE, reason="thousands of repetitions: POOLWISE_SIMULATIONS=whole")
@pytest.mark.parametrize("n", [300, 2000])
@pytest.mark.parametrize("gain", [0.0, 0.02, 0.04, 0.08])
def test_the_table_of_power(n, gain):
    rates = simulate(n, gain, 500)
    print(
        f"| {n:,} | {100 * gain:g} | {100 * rates.before:.0f} | {100 * rates.now:.0f} "
        f"| {100 * rates.taken:.1f} | {rates.bias:+.4f} ± {rates.bias_error:.4f} "
        f"| {100 * rates.coverage:.1f} |"
    )
    assert rates.now >= min(2 * rates.before, 0.95)
    # Choosing on four fifths of the rows finds the better one less often than all rows do.
    assert abs(rates.bias) <= 3 * rates.bias_error + gain / 5
    if gain == 0:
        assert 0.02 <= rates.taken <= 0.07
