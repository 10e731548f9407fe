import numpy as np
import pytest

from poolwise.statistics.eta_squared import bin_edges, cross_fit, eta_squared
from poolwise.statistics.folds import assign_folds


def folds_of(n):
    return assign_folds(np.arange(n), 5, seed=0)


def test_a_curve_that_the_line_misses_is_found():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, 4000)
    y = x**2 + rng.normal(scale=6 / np.sqrt(5), size=4000)
    (curve,), (line_like,), (noise,) = eta_squared(
        np.column_stack([x, x**2, rng.normal(size=4000)]), y[:, None], folds_of(4000)
    )
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.05
    assert curve.value == pytest.approx(1 / 2, abs=0.03)
    assert line_like.value == pytest.approx(1 / 2, abs=0.03)
    assert curve.low < curve.value < curve.high
    assert noise.value == pytest.approx(0, abs=0.01)


def test_of_unrelated_series_it_is_centred_at_0():
    values = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        ((found,),) = eta_squared(
            rng.normal(size=(500, 1)), rng.poisson(9, (500, 1)), folds_of(500)
        )
        values.append(found.value)
    assert -0.06 < np.mean(values) <= 0


def test_a_row_is_fitted_from_the_other_folds_only():
    rng = np.random.default_rng(0)
    x, y, folds = rng.normal(size=200), rng.normal(size=(200, 2)), folds_of(200)
    before = cross_fit(x, y, folds)
    held = folds == 2
    changed = np.where(held[:, None], y + 100, y)
    after = cross_fit(x, changed, folds)
    np.testing.assert_array_equal(after[held], before[held])
    assert (after[~held] != before[~held]).mean() > 0.95


def test_fitted_means_are_the_means_of_the_bins():
    x = np.repeat([1.0, 2.0, 3.0], 40)
    y = np.column_stack([x * 10, -x])
    np.testing.assert_allclose(cross_fit(x, y, np.tile([0, 1], 60)), y)


def test_bins_hold_equal_numbers_of_rows_and_few_rows_make_few_bins():
    inner = bin_edges(np.arange(1000.0))
    assert len(inner) == 19
    assert set(np.bincount(np.searchsorted(inner, np.arange(1000), "right"))) == {50}
    assert len(bin_edges(np.arange(30.0))) == 2
    assert len(bin_edges(np.zeros(1000))) == 1


def test_constants_are_called_constant():
    rng = np.random.default_rng(0)
    y = rng.poisson(9, 300)
    series = np.column_stack([np.full(300, 4.0), y + 0.1])
    (still, _), (moving, against_still) = eta_squared(
        series, np.column_stack([y, np.full(300, 3)]), folds_of(300)
    )
    assert moving.value > 0.9
    for found in (still, against_still):
        assert (found.value, found.note) == (None, "constant")


def test_each_target_is_judged_as_if_alone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 2)), rng.normal(size=(400, 2))
    together = eta_squared(x, y, folds_of(400))
    for j in range(2):
        alone = eta_squared(x, y[:, [j]], folds_of(400))
        assert [t[j].value for t in together] == pytest.approx([a[0].value for a in alone])


def test_the_interval_covers_what_the_curve_explains_of_new_rows():
    covered = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 4, 800).astype(float)
        y = x % 2 + rng.normal(size=800)
        ((found,),) = eta_squared(x[:, None], y[:, None], folds_of(800), seed=seed)
        covered.append(found.low <= 0.2 <= found.high)
    assert np.mean(covered) >= 0.90
