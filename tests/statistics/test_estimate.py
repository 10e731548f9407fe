import numpy as np
import pytest

from poolwise.statistics.estimate import Estimate, is_constant


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.2, 0.4, (0.04, 0.16)), (-0.4, -0.2, (0.04, 0.16)), (-0.3, 0.1, (0, 0.09))],
)
def test_squaring_maps_the_interval(low, high, expected):
    squared = Estimate((low + high) / 2, low, high).squared
    assert (squared.low, squared.high) == pytest.approx(expected)
    assert squared.low <= squared.value <= squared.high


def test_the_square_of_nothing_is_nothing():
    assert Estimate.constant().squared == Estimate.constant()


def test_constant_means_up_to_float32_rounding():
    rng = np.random.default_rng(0)
    vectors = np.float32(rng.normal(size=(1, 384))) * (1 + 1e-7 * rng.normal(size=(100, 1)))
    assert is_constant(np.linalg.norm(vectors, axis=1))
    assert is_constant(np.zeros(5))
    assert not is_constant([100, 100, 100.01])
    assert not is_constant([0, 0, 1e-9])
