import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.statistics.moments import Moments


def filled(rows, cuts):
    moments = Moments(rows.shape[1])
    for block in np.split(rows, cuts):
        moments.add(block)
    return moments


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 60), max_size=5).map(sorted),
    offset=st.sampled_from([0.0, -3.0, 1e6]),
)
def test_blocks_of_any_size_give_the_moments_of_all_rows(n, cuts, offset):
    rows = np.random.default_rng(n).normal(size=(n, 4)) * [1, 2, 0.1, 5] + offset
    moments = filled(rows, cuts)
    centred = rows - rows.mean(axis=0)
    assert moments.n == n
    np.testing.assert_allclose(moments.mean, rows.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(moments.scatter, centred.T @ centred, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(moments.variance, rows.var(axis=0), rtol=1e-7, atol=1e-9)


def test_merging_is_adding_and_leaves_the_parts_alone():
    rows = np.random.default_rng(1).normal(size=(50, 3)) + 7
    parts = [filled(rows[:20], []), Moments(3), filled(rows[20:], [5])]
    merged = Moments.merged(parts)
    whole = filled(rows, [])
    assert merged.n == 50
    np.testing.assert_allclose(merged.scatter, whole.scatter, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
    assert [p.n for p in parts] == [20, 0, 30]
    np.testing.assert_allclose(parts[0].scatter, filled(rows[:20], []).scatter)


def test_a_far_offset_costs_no_digits():
    rows = np.random.default_rng(2).normal(size=(10_000, 2))
    far = filled(rows + 1e8, range(0, 10_000, 64))
    np.testing.assert_allclose(far.variance, rows.var(axis=0), rtol=1e-6)


def test_rows_given_are_not_changed():
    rows = np.ones((4, 2)) * [1, 5]
    filled(rows, [])
    np.testing.assert_array_equal(rows, np.ones((4, 2)) * [1, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_other_numbers_are_taken_as_float64(dtype):
    rows = np.arange(12).reshape(4, 3).astype(dtype)
    np.testing.assert_allclose(filled(rows, []).variance, [11.25] * 3)


def test_no_rows_have_no_variance():
    np.testing.assert_array_equal(Moments(2).variance, [0, 0])
