import time

import numpy as np
import pytest

from poolwise.statistics.bootstrap import percentiles, resampled_means


def test_draws_spread_as_the_mean_does():
    x = np.random.default_rng(0).exponential(size=(5000, 3)) * [1, 1e-3, 1e3] + [0, 50, -5]
    draws = resampled_means(x, resamples=2000, seed=1)
    assert draws.shape == (2000, 3)
    np.testing.assert_allclose(draws.std(axis=0), x.std(axis=0) / np.sqrt(5000), rtol=0.06)
    np.testing.assert_allclose(draws.mean(axis=0), x.mean(axis=0), atol=x.std() / 500)


def test_columns_share_their_weights():
    x = np.random.default_rng(0).normal(size=(3000, 1))
    draws = resampled_means(np.column_stack([x, 2 * x + 1, -x]), seed=0)
    np.testing.assert_allclose(draws[:, 1], 2 * draws[:, 0] + 1, atol=1e-5)
    np.testing.assert_allclose(draws[:, 2], -draws[:, 0], atol=1e-5)


def test_the_seed_decides():
    x = np.random.default_rng(0).normal(size=(100, 2))
    np.testing.assert_array_equal(resampled_means(x, seed=4), resampled_means(x, seed=4))
    assert (resampled_means(x, seed=4) != resampled_means(x, seed=5)).any()


def test_percentile_intervals_of_a_ratio_cover_95_percent():
    rng = np.random.default_rng(3)
    covered = []
    for seed in range(400):
        a = rng.exponential(size=200)
        b = 2 + a + rng.exponential(size=200)
        draws = resampled_means(np.column_stack([a, b]), resamples=500, seed=seed)
        low, high = percentiles(draws[:, 0] / draws[:, 1])
        covered.append(low <= 1 / 4 <= high)
    assert 0.91 <= np.mean(covered) <= 0.985


def test_percentiles_are_those_of_each_column():
    low, high = percentiles(np.column_stack([np.arange(1001), -np.arange(1001)]), level=0.9)
    assert low == pytest.approx([50, -950])
    assert high == pytest.approx([950, -50])


def test_twenty_thousand_rows_a_thousand_times_are_quick():
    x = np.random.default_rng(0).normal(size=(20_000, 40))
    began = time.process_time()
    resampled_means(x, resamples=1000)
    assert time.process_time() - began < 5
