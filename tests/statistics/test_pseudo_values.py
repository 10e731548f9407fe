"""Means of pseudo-values have the intervals of the scores that they are made of."""

import numpy as np
import pytest

from poolwise.statistics.correlation import spearman, spearman_influence
from poolwise.statistics.label_scores import auc
from poolwise.statistics.paired import mean_estimates
from poolwise.statistics.pseudo_values import estimate
from poolwise.statistics.score_intervals import score_estimate


def ends(found):
    return found.value, found.low, found.high


def test_each_scale_has_its_interval():
    rng = np.random.default_rng(0)
    groups, targets = np.arange(120) // 2, (np.arange(120) % 4 == 0).astype(int)
    x = rng.normal(size=120) + targets
    hits = (rng.random(120) < 0.8).astype(float)
    assert estimate(hits, "share", groups) == mean_estimates(hits[:, None], groups)[0]
    assert estimate(x, "real", groups) == mean_estimates(x[:, None], groups)[0]
    rho, influence = spearman_influence(x, targets)
    found = estimate(rho + influence, "correlation", groups)
    assert ends(found) == pytest.approx(ends(spearman(x, targets, groups)))
    value, influence = auc(np.stack([-x, x], axis=1), targets)
    for labels in (None, targets):
        found = estimate(value + influence, "share", groups, labels)
        expected = score_estimate(value, influence, labels, groups)
        assert ends(found) == pytest.approx(ends(expected))


def test_an_undefined_score_stays_so():
    assert estimate([np.nan, 1, 0], "share").value is None
    assert estimate([1.0, 0], "share").value is None


def test_a_mean_beyond_its_scale_has_the_nearest_interval():
    found = estimate(np.tile([0.9, 1.15], 20), "share")
    assert found.value == found.high == 1
    assert 0.9 < found.low < 1
