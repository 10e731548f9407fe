"""Many contenders tested together: Student's t, the multivariate t, sign flips of the rows."""

import numpy as np
import pytest
from scipy.stats import multivariate_t, ttest_1samp

from poolwise.statistics.max_t import max_t

MONTE_CARLO = 0.008
"""More than four standard errors of a p of 0.05 … 0.5 among 20,000 draws, but for the middle."""


def rows_of(n=200, c=6, shift=0.0, seed=3):
    """Scores of rows that have much in common, [n, c]."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=(n, c)) + shift


def from_rows(rows, groups=None, **options):
    changes = rows.mean(axis=0)
    return max_t(changes, rows - changes, groups, **options)


@pytest.mark.parametrize("n", [8, 30, 300])
def test_of_one_contender_it_is_students_t(n):
    rows = rows_of(n, c=1, shift=0.35)
    found = from_rows(rows)
    expected = ttest_1samp(rows, 0, alternative="greater").pvalue
    assert found.p == pytest.approx(expected, abs=MONTE_CARLO)
    assert found.errors == pytest.approx(rows.std(axis=0, ddof=1) / np.sqrt(n))


def test_the_critical_value_is_that_of_the_multivariate_t():
    n, c = 25, 4
    rows = rows_of(n, c)
    found = from_rows(rows)
    law = multivariate_t(shape=np.corrcoef(rows.T), df=n - 1, seed=0)
    assert law.cdf(np.full(c, found.critical)) == pytest.approx(0.95, abs=MONTE_CARLO)


def test_p_values_are_those_of_flipped_signs_step_by_step():
    rows = rows_of(shift=np.array([0.3, 0.2, 0.15, 0.1, 0.0, -0.2]))
    n, c = rows.shape
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (10_000, n))

    def statistic(means):
        return means / np.sqrt(((rows**2).mean(axis=0) - means**2) / (n - 1))

    t, flipped = statistic(rows.mean(axis=0)), statistic(signs @ rows / n)
    order, expected, largest = np.argsort(-t), np.empty(c), 0.0
    for place, i in enumerate(order):
        still_tested = order[place:]
        largest = max(largest, (flipped[:, still_tested].max(axis=1) >= t[i]).mean())
        expected[i] = largest
    np.testing.assert_allclose(from_rows(rows).p, expected, atol=0.02)


def test_adjusted_p_rise_as_t_falls_and_are_never_below_the_plain_ones():
    rows = rows_of(60, 10, shift=np.linspace(-0.3, 0.6, 10))
    found = from_rows(rows)
    t = rows.mean(axis=0) / found.errors
    assert (np.diff(found.p[np.argsort(t)]) <= 0).all()
    plain = ttest_1samp(rows, 0, alternative="greater").pvalue
    assert (found.p >= plain - MONTE_CARLO).all()
    assert (found.p[t.argmax()] <= 0.05) == (t.max() >= found.critical)


def test_identical_contenders_cost_nothing():
    rows = rows_of(c=1, shift=0.2)
    alone, many = from_rows(rows), from_rows(np.repeat(rows, 50, axis=1))
    assert many.p == pytest.approx(np.full(50, alone.p[0]), abs=MONTE_CARLO)
    assert many.critical == pytest.approx(alone.critical, abs=0.04)


def test_copies_of_rows_that_are_named_change_nothing():
    rows, groups = rows_of(40, shift=0.2), np.arange(40)
    plain, copied = from_rows(rows), from_rows(np.tile(rows, (5, 1)), np.tile(groups, 5))
    np.testing.assert_allclose(copied.errors, plain.errors)
    np.testing.assert_allclose(copied.p, plain.p, atol=2e-4)
    assert (from_rows(np.tile(rows, (5, 1))).errors < plain.errors / 2).all()


def test_pairs_without_a_common_text_are_rows():
    rows = rows_of(40, shift=0.2)
    pairs = np.arange(80).reshape(40, 2)
    np.testing.assert_allclose(from_rows(rows, pairs).errors, from_rows(rows).errors)


def test_a_bound_shifts_what_is_tested():
    rows = rows_of(c=3)
    np.testing.assert_array_equal(from_rows(rows, bound=-0.1).p, from_rows(rows + 0.1).p)


def test_what_is_undefined_or_certain():
    rows = rows_of(c=4, shift=0.2)
    rows[:, 1] = np.nan
    rows[:, 2], rows[:, 3] = 0.5, 0.0
    found = from_rows(rows)
    assert found.p[1:].tolist() == [1, 0, 1]
    assert found.significant.tolist() == [found.p[0] <= 0.05, False, True, False]
    assert found.p[0] == pytest.approx(from_rows(rows[:, :1]).p[0], abs=MONTE_CARLO)
    nothing = from_rows(np.zeros((20, 2)))
    assert nothing.p.tolist() == [1, 1]
    assert nothing.critical == np.inf


def test_three_rows_that_differ_cannot_show_anything():
    hits = np.zeros((100, 2))
    hits[:3, 0] = 1
    assert from_rows(hits).p[0] >= 0.25
