"""Pseudo-values that carry the seed's noise: it is there, once, and paired by seed."""

import numpy as np
import pytest

from poolwise.statistics.clusters import standard_error
from poolwise.statistics.seed_noise import COUNTED, mean_over_seeds

SEEDS, ROWS = 10, 1000


def error_of(values, groups=None):
    return float(standard_error((values - values.mean())[:, None], groups)[0][0])


@pytest.fixture
def draws():
    rng = np.random.default_rng(0)
    return rng.normal(size=SEEDS), rng.normal(size=(SEEDS, ROWS)) / 10


def test_the_mean_is_the_mean_over_seeds(draws):
    scores, influences = draws
    influences -= influences.mean(axis=1, keepdims=True)
    assert mean_over_seeds(scores, influences).mean() == pytest.approx(scores.mean(), abs=1e-12)


@pytest.mark.parametrize("copies", [False, True])
def test_the_error_is_that_of_seeds_and_rows(draws, copies):
    scores, influences = draws
    groups = np.repeat(np.arange(ROWS // 4), 4) if copies else np.arange(ROWS)
    seeds = np.sqrt(COUNTED / SEEDS) * scores.std(ddof=1)
    none = mean_over_seeds(scores, np.zeros((SEEDS, ROWS)), groups)
    assert error_of(none, groups) == pytest.approx(seeds, rel=0.01)
    rows = mean_over_seeds(np.zeros(SEEDS), influences, groups)
    both = mean_over_seeds(scores, influences, groups)
    assert error_of(both, groups) == pytest.approx(np.hypot(error_of(rows, groups), seeds), rel=0.1)


def test_a_difference_has_the_noise_of_its_own_differences(draws):
    scores, _ = draws
    nothing = np.zeros((SEEDS, ROWS))
    shift = np.linspace(-0.1, 0.1, SEEDS)
    moved = mean_over_seeds(scores + shift, nothing) - mean_over_seeds(scores, nothing)
    assert error_of(moved) == pytest.approx(np.sqrt(COUNTED / SEEDS) * shift.std(ddof=1), rel=0.01)
    same = mean_over_seeds(scores + 1, nothing) - mean_over_seeds(scores, nothing)
    np.testing.assert_allclose(same, 1, atol=1e-12)


def test_one_seed_has_no_noise_to_tell():
    influences = np.array([[0.5, -0.5, 0.0]])
    np.testing.assert_allclose(mean_over_seeds([2.0], influences), [2.5, 1.5, 2.0])
