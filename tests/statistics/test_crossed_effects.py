from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from poolwise.statistics.crossed_effects import crossed_effects_difference, crossed_effects_mean
from poolwise.statistics.paired import mean_differences, mean_estimates


def _drawn(random, seeds, rows, *, of_rows, of_seeds, rest):
    return (
        random.normal(0, of_rows, rows)
        + random.normal(0, of_seeds, (seeds, 1))
        + random.normal(0, rest, (seeds, rows))
    )


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("of_seeds", [0.0, 0.02, 0.1])
def test_intervals_cover_other_rows_and_other_seeds(seeds, of_seeds):
    random = np.random.default_rng(seeds)
    held = 0
    for _ in range(1200):
        y = _drawn(random, seeds, 200, of_rows=0.4, of_seeds=of_seeds, rest=0.4)
        found = crossed_effects_mean(y)
        held += found.low <= 0 <= found.high
    assert held / 1200 > 0.93


def test_rows_alone_do_not_cover_other_seeds():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        y = _drawn(random, 3, 200, of_rows=0.4, of_seeds=0.1, rest=0.4)
        found = mean_estimates(y.mean(axis=0)[:, None])[0]
        held += found.low <= 0 <= found.high
    assert held / 300 < 0.8


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_never_narrower_than_rows_alone(seeds):
    random = np.random.default_rng(seeds)
    for of_seeds in (0.0, 0.05):
        y = _drawn(random, seeds, 60, of_rows=0.2, of_seeds=of_seeds, rest=0.5)
        crossed, against = crossed_effects_difference(y, np.zeros_like(y)), np.zeros(60)
        alone = mean_differences(np.column_stack([y.mean(axis=0), against]), 1)[0]
        assert crossed.value.value == pytest.approx(alone.value.value)
        assert crossed.value.low <= alone.value.low
        assert crossed.value.high >= alone.value.high
        assert crossed.p >= alone.p


def test_seeds_that_agree_add_nothing():
    row = np.random.default_rng(0).normal(size=80)
    found = crossed_effects_mean([row, row, row])
    alone = mean_estimates(row[:, None])[0]
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


def test_rows_that_agree_leave_the_seeds():
    seeds = np.array([0.1, 0.25, 0.4])
    found = crossed_effects_mean(np.repeat(seeds[:, None], 50, axis=1))
    reach = t.ppf(0.975, 2) * seeds.std(ddof=1) / 3**0.5
    assert (found.low, found.high) == pytest.approx((0.25 - reach, 0.25 + reach))


def test_p_is_below_5_percent_where_the_interval_leaves_out_0():
    random = np.random.default_rng(3)
    for shift in (0.0, 0.02, 0.05, 0.1, 0.2, 3.0):
        y = shift + _drawn(random, 3, 100, of_rows=0.3, of_seeds=0.02, rest=0.3)
        found = crossed_effects_difference(y, np.zeros_like(y))
        assert (found.p < 0.05) == (found.value.low * found.value.high > 0)


def test_nothing_planted_is_seldom_found():
    random = np.random.default_rng(8)
    found = 0
    for _ in range(400):
        a, b = (random.random((3, 100)) < random.normal(0.8, 0.02, (3, 1)) for _ in range(2))
        found += crossed_effects_difference(a, b).p < 0.05
    assert found / 400 < 0.06


def test_one_seed_is_rows_alone_and_says_so():
    right = np.array([[1, 1, 0, 1, 1, 0, 1, 1.0]])
    other = np.array([[1, 0, 0, 1, 0, 0, 1, 1.0]])
    mean, difference = crossed_effects_mean(right), crossed_effects_difference(right, other)
    alone = mean_differences(np.vstack([right, other]).T, 1)[0]
    assert (mean.low, mean.high) == (
        mean_estimates(right.T)[0].low,
        mean_estimates(right.T)[0].high,
    )
    assert (difference.value.low, difference.p) == (alone.value.low, alone.p)
    assert mean.note.startswith("one seed")
    assert difference.value.note == mean.note


def test_shares_stay_within_0_and_1():
    right = np.ones((3, 40))
    assert crossed_effects_mean(right).high == 1
    assert 0.85 < crossed_effects_mean(right).low <= mean_estimates(np.ones((40, 1)))[0].low
    right[0, :3] = right[1, 5] = 0
    found = crossed_effects_mean(right)
    assert 0.5 < found.low < found.value < found.high < 1


def test_equal_tables_do_not_differ():
    y = np.random.default_rng(0).normal(size=(3, 20))
    found = crossed_effects_difference(y, y)
    assert (found.value.value, found.value.low, found.value.high, found.p) == (0, 0, 0, 1)


def test_what_differs_in_one_row_only_is_not_clear():
    a, b = np.ones((3, 50)), np.ones((3, 50))
    b[:, 4] = 0
    assert crossed_effects_difference(a, b).p == 1


def test_tables_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        crossed_effects_difference(np.ones((3, 9)), np.ones((2, 9)))
    with pytest.raises(ValueError, match="3 rows or more"):
        crossed_effects_mean(np.ones((3, 2)))
