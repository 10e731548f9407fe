import numpy as np

from poolwise.statistics.folds import assign_folds, hash_uniform


def test_a_row_keeps_its_fold_however_rows_arrive():
    together = assign_folds(np.arange(1000), 5, seed=3)
    apart = np.concatenate(
        [assign_folds(np.arange(a, a + 100), 5, seed=3) for a in range(0, 1000, 100)]
    )
    np.testing.assert_array_equal(together, apart)


def test_folds_are_even_and_seeds_unrelated():
    rows = np.arange(100_000)
    counts = np.bincount(assign_folds(rows, 5, seed=0), minlength=5)
    assert abs(counts / 20_000 - 1).max() < 0.03
    u, v = hash_uniform(rows, 0), hash_uniform(rows, 1)
    assert 0 <= u.min() < 1e-3
    assert 1 - 1e-3 < u.max() < 1
    assert abs(u.mean() - 0.5) < 0.005
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.02
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.02
    assert abs(np.corrcoef(u[1:], v[:-1])[0, 1]) < 0.02
