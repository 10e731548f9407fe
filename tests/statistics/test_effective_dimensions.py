import os

import numpy as np
import pytest

from poolwise.statistics.effective_dimensions import effective_dimensions

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"
DATA_SETS = 1000 if WHOLE else 200
"""``POOLWISE_SIMULATIONS=whole`` draws more data sets, and of more sizes."""

SPREADS = {
    "steep": 1 / np.arange(1, 101),
    "flat": np.ones(100),
    "between": np.arange(1, 101) ** -0.5,
}


def participation(spread):
    return np.sum(spread**2) ** 2 / np.sum(spread**4)


def pairwise(x):
    """The terms as means over sets of different rows, which makes them unbiased (Chen 2010)."""
    g = x @ x.T
    n = len(x)
    sets = [
        (i, j, k, m)
        for i in range(n)
        for j in range(n)
        for k in range(n)
        for m in range(n)
        if len({i, j, k, m}) == 4
    ]
    i, j, k, m = np.transpose(sets)

    def differences(a, b, c, d):
        """(x_a − x_b)·(x_c − x_d)"""
        return g[a, c] - g[a, d] - g[b, c] + g[b, d]

    squared_trace = np.mean(differences(i, j, i, j) * differences(k, m, k, m)) / 4
    trace_of_square = np.mean(differences(i, j, k, m) ** 2) / 4
    return squared_trace / trace_of_square


def test_value_is_the_jackknife_of_the_ratio_of_unbiased_traces():
    x = np.random.default_rng(0).normal(size=(8, 3)) * [1, 2, 4] + 3
    left_out = [pairwise(np.delete(x, i, axis=0)) for i in range(8)]
    found = effective_dimensions(x)
    value = 8 * pairwise(x) - 7 * np.mean(left_out)
    reach = 2.3646 * np.sqrt(7 * np.var(left_out))
    assert found.value == pytest.approx(np.clip(value, 1, 3))
    assert found.low == pytest.approx(np.clip(value - reach, 1, 3), rel=1e-4)
    assert found.high == pytest.approx(np.clip(value + reach, 1, 3), rel=1e-4)


@pytest.mark.parametrize("shape", list(SPREADS))
@pytest.mark.parametrize("n", [50, 100, 300, 1000] if WHOLE else [50, 300])
def test_the_number_of_rows_does_not_matter_and_the_interval_covers(shape, n):
    spread = SPREADS[shape]
    rng = np.random.default_rng(n)
    found = [effective_dimensions(rng.normal(size=(n, 100)) * spread) for _ in range(DATA_SETS)]
    truth = participation(spread)
    assert np.mean([e.value for e in found]) == pytest.approx(truth, rel=0.03)
    covered = np.mean([e.low <= truth <= e.high for e in found])
    assert covered >= (0.93 if WHOLE else 0.90)
    if shape != "flat":  # at the end of the range an interval covers more
        assert covered <= (0.97 if WHOLE else 0.99)


def test_the_interval_covers_under_heavy_tails_too():
    rng = np.random.default_rng(0)
    spread = SPREADS["between"]
    truth = participation(spread)
    found = []
    for _ in range(DATA_SETS):
        scale = np.sqrt(5 / rng.chisquare(7, size=(300, 1)))
        found.append(effective_dimensions(rng.normal(size=(300, 100)) * spread * scale))
    assert 0.90 <= np.mean([e.low <= truth <= e.high for e in found]) <= 0.98


def test_one_direction_fills_one_dimension():
    x = np.outer(np.random.default_rng(0).normal(size=50), np.ones(7)) + 3
    assert effective_dimensions(x).value == pytest.approx(1)


def test_fewer_rows_than_dimensions_show_as_many():
    x = np.random.default_rng(0).normal(size=(30, 400))
    found = effective_dimensions(x)
    assert found.low < 400
    assert found.value == pytest.approx(400, rel=0.1)


def test_without_a_shape():
    x = np.tile(np.array([1.0, -2.0, 3.0], np.float32), (20, 1))
    x[3] *= 1 + 2e-7
    assert effective_dimensions(x).note == "constant"
    assert effective_dimensions(np.eye(4)).note == "4 rows are too few"
