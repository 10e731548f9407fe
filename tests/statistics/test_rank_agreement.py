import numpy as np
import pytest
from scipy.stats import spearmanr

from poolwise.statistics.rank_agreement import rank_correlation, upper_less_lower


def test_the_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 20), rng.normal(size=20)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, rel=1e-12)
    assert rank_correlation(np.ones(5), np.arange(5)) is None
    assert rank_correlation([1, 2], [1, 2]) is None


def test_halves_leave_out_the_median_and_count_ties_with_their_half():
    scores = np.array([1.0, 2.0, 30.0, 4.0, 5.0])
    assert upper_less_lower([1, 2, 3, 4, 5]) @ scores == pytest.approx(4.5 - 1.5)
    assert upper_less_lower([1, 1, 2, 2]).tolist() == [-0.5, -0.5, 0.5, 0.5]
    assert upper_less_lower([0, 1, 1, 1]).tolist() == pytest.approx([-1, 1 / 3, 1 / 3, 1 / 3])
    assert upper_less_lower(np.ones(4)) is None
