from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from poolwise.statistics.folds import assign_folds
from poolwise.statistics.moments import Moments
from poolwise.statistics.ridge import nested_cross_validation

GRID = [1e-5, 1e-3, 1e-1, 1.0, 10.0]


def folded(x, y, folds):
    z = np.column_stack([x, y])
    parts = [Moments(z.shape[1]) for _ in range(5)]
    for fold, moments in enumerate(parts):
        for block in np.array_split(z[folds == fold], 3):
            moments.add(block)
    return parts


def planted(n=160, d=24, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) * rng.uniform(0.01, 10, d) - 4
    y = x @ rng.normal(size=d) / np.sqrt(d)
    y = y / y.std() + noise * rng.normal(size=n) + 20
    return x, y, rng


def refit(x, y, train, test, penalty):
    """Squared error of scikit-learn's Ridge, fitted on the rows, on the test rows."""
    scaler = StandardScaler().fit(x[train])
    model = Ridge(alpha=penalty * train.sum(), solver="svd").fit(
        scaler.transform(x[train]), y[train]
    )
    return ((y[test] - model.predict(scaler.transform(x[test]))) ** 2).sum()


def brute_force(x, y, folds):
    errors = totals = 0.0
    chosen = []
    for f in range(5):
        inner = [
            sum(refit(x, y, (folds != f) & (folds != g), folds == g, p) for g in range(5) if g != f)
            for p in GRID
        ]
        chosen.append(GRID[int(np.argmin(inner))])
        train, test = folds != f, folds == f
        errors += refit(x, y, train, test, chosen[-1])
        totals += ((y[test] - y[train].mean()) ** 2).sum()
    return 1 - errors / totals, tuple(chosen)


@pytest.mark.parametrize(("noise", "seed"), list(product([0.01, 1.0, 5.0], [0, 1])))
def test_equals_refitting_scikit_learn_on_the_rows_nested_choice_included(noise, seed):
    x, y, _ = planted(noise=noise, seed=seed)
    folds = assign_folds(np.arange(len(x)), 5, seed=seed)
    (found,) = nested_cross_validation(folded(x, y, folds), penalties=GRID)
    r2, chosen = brute_force(x, y, folds)
    assert found.penalties == pytest.approx(chosen, rel=1e-12)
    assert found.r2.value == pytest.approx(r2, abs=1e-8)
    assert found.r2.low < found.r2.value <= found.r2.high


def test_more_features_than_rows_equals_scikit_learn_too():
    x, y, _ = planted(n=45, d=80)
    folds = assign_folds(np.arange(len(x)), 5, seed=0)
    (found,) = nested_cross_validation(folded(x, y, folds), penalties=GRID)
    r2, chosen = brute_force(x, y, folds)
    assert (found.r2.value, found.penalties) == (
        pytest.approx(r2, abs=1e-8),
        pytest.approx(chosen),
    )


def test_each_target_is_judged_as_if_alone():
    x, y, rng = planted()
    targets = np.column_stack([y, rng.normal(size=len(y)), y**2])
    folds = assign_folds(np.arange(len(x)), 5, seed=0)
    together = nested_cross_validation(folded(x, targets, folds), targets=3)
    for found, target in zip(together, targets.T, strict=True):
        (alone,) = nested_cross_validation(folded(x, target, folds))
        assert found.penalties == alone.penalties
        assert found.r2.value == pytest.approx(alone.r2.value, abs=1e-10)


def test_noise_is_not_predicted():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(600, 50)), rng.normal(size=600)
    (found,) = nested_cross_validation(folded(x, y, assign_folds(np.arange(600), 5, seed=0)))
    assert -0.03 < found.r2.value < 0.02


def test_units_of_the_features_do_not_matter():
    x, y, rng = planted()
    folds = assign_folds(np.arange(len(x)), 5, seed=0)
    units = rng.uniform(0.5, 2, x.shape[1])
    (a,), (b,) = (nested_cross_validation(folded(v, y, folds)) for v in (x, x * units + 3))
    assert a.r2.value == pytest.approx(b.r2.value, abs=1e-9)


def test_what_is_constant_up_to_rounding_is_constant():
    x, y, rng = planted()
    folds = assign_folds(np.arange(len(x)), 5, seed=0)
    rounding = np.float32(1) + 1e-7 * rng.normal(size=x.shape)
    still = np.float32([1, 1e-4, -3] * 8) * rounding
    (vectors_alike,) = nested_cross_validation(folded(still, y, folds))
    (lengths_alike,) = nested_cross_validation(folded(x, np.full(len(y), 7.0), folds))
    for found in (vectors_alike, lengths_alike):
        assert found.r2.value is None
        assert found.r2.note == "constant"
    (padded,) = nested_cross_validation(folded(np.column_stack([x, still]), y, folds))
    (plain,) = nested_cross_validation(folded(x, y, folds))
    assert padded.r2.value == pytest.approx(plain.r2.value, abs=1e-9)


def test_features_a_billion_times_smaller_than_the_others_count():
    x, y, rng = planted()
    tiny = rng.normal([0.3, -1, 40], size=(len(x), 3)) * [1e-33, 9e-33, 2e-9]
    y = y + 3 * tiny[:, 0] / 1e-33
    x = np.column_stack([x, tiny])
    folds = assign_folds(np.arange(len(x)), 5, seed=0)
    (found,) = nested_cross_validation(folded(x, y, folds), penalties=GRID)
    r2, chosen = brute_force(x, y, folds)
    assert found.penalties == pytest.approx(chosen, rel=1e-12)
    assert found.r2.value == pytest.approx(r2, abs=1e-8)


def test_empty_folds_are_left_out():
    x, y, _ = planted()
    folds = assign_folds(np.arange(len(x)), 3, seed=0)
    (found,) = nested_cross_validation(folded(x, y, folds))
    assert len(found.penalties) == 3
    with pytest.raises(ValueError, match="2 folds hold rows"):
        nested_cross_validation(folded(x, y, folds % 2))


def test_the_interval_holds_the_r2_that_new_rows_would_show():
    """Nominal 95 %. The truth is the mean of the held-out R² over many data sets."""
    values, intervals = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(400, 8))
        y = x[:, 0] + 1.5 * rng.normal(size=400)
        (found,) = nested_cross_validation(
            folded(x, y, assign_folds(np.arange(400), 5, seed)), penalties=[1e-3]
        )
        values.append(found.r2.value)
        intervals.append((found.r2.low, found.r2.high))
    truth = np.mean(values)
    covered = np.mean([low <= truth <= high for low, high in intervals])
    assert 0.90 <= covered <= 0.99
