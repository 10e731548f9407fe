from itertools import combinations

import numpy as np
import pytest

from poolwise.statistics.geometry import (
    alignment,
    anisotropy,
    dominance,
    uniformity,
    unit_vectors,
)


def cloud(n=60, d=6, seed=0):
    """A narrow cone: two dimensions with large means."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.arange(1, d + 1) + [9, 0, 0, 4, 0, 0][:d]


def pairs(x):
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    return [(u[i], u[j]) for i, j in combinations(range(len(u)), 2)]


def test_means_over_pairs_are_those_of_every_pair():
    x = cloud()
    products = np.array([a * b for a, b in pairs(x)])
    assert anisotropy(x).value == pytest.approx(products.sum(axis=1).mean())
    top = np.sort(products.mean(axis=0))[::-1]
    assert dominance(x, 2).value == pytest.approx(top[:2].sum() / top.sum())
    potential = np.mean([np.exp(-2 * np.sum((a - b) ** 2)) for a, b in pairs(x)])
    assert uniformity(x).value == pytest.approx(np.log(potential))


@pytest.mark.parametrize(
    "statistic",
    [
        anisotropy,
        lambda x: dominance(x, 1),
        uniformity,
        lambda x: alignment(x, x[:, ::-1]),
    ],
    ids=["anisotropy", "dominance", "uniformity", "alignment"],
)
def test_intervals_are_those_of_the_jackknife(statistic):
    x = cloud(150)
    left_out = [statistic(np.delete(x, i, axis=0)).value for i in range(len(x))]
    error = np.sqrt((len(x) - 1) * np.var(left_out))
    found = statistic(x)
    assert (found.high - found.low) / 2 == pytest.approx(1.976 * error, rel=0.06)
    assert found.value == pytest.approx((found.low + found.high) / 2)


def test_the_interval_of_anisotropy_covers_the_truth():
    truth = anisotropy(cloud(20_000)).value
    found = [anisotropy(cloud(80, seed=seed)) for seed in range(1, 301)]
    assert 0.91 <= np.mean([e.low <= truth <= e.high for e in found]) <= 0.98


def test_isotropic_vectors_have_no_direction_and_nothing_to_share_out():
    x = np.random.default_rng(0).normal(size=(400, 100))
    found = anisotropy(x)
    assert found.low < 0 < found.high
    assert dominance(x, 3).value is None
    assert "not clearly above" in dominance(x, 3).note
    assert uniformity(x).value == pytest.approx(-4, abs=0.1)


def test_one_vector_has_no_shape():
    x = np.tile(np.array([1.0, -2.0, 3.0], np.float32), (20, 1))
    x[3] *= 1 + 2e-7
    shapes = [anisotropy(x), dominance(x, 1), uniformity(x)]
    assert all(e.value is None and e.note == "constant" for e in shapes)


def test_alignment_is_zero_for_equal_directions():
    x = cloud()
    assert alignment(x, 3 * x).value == pytest.approx(0, abs=1e-12)
    assert alignment(x, -x).value == pytest.approx(4)


def test_a_row_of_zeros_has_no_direction():
    np.testing.assert_array_equal(unit_vectors([[0, 0], [3, 4]]), [[0, 0], [0.6, 0.8]])
