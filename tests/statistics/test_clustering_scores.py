"""V-measure and adjusted mutual information: scikit-learn's values, the jackknife's influences."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, v_measure_score

from poolwise.statistics.clustering_scores import adjusted_mutual_information, v_measure

ORACLES = {v_measure: v_measure_score, adjusted_mutual_information: adjusted_mutual_info_score}


def draw(n, k, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    return labels, np.where(rng.random(n) < 0.6, labels, rng.integers(0, k + 2, n))


@pytest.mark.parametrize("score", ORACLES)
@pytest.mark.parametrize(("n", "k"), [(20, 2), (60, 3), (500, 10), (3000, 77)])
def test_values_are_scikit_learns(score, n, k):
    labels, clusters = draw(n, k)
    value, influence = score(labels, clusters)
    assert value == pytest.approx(ORACLES[score](labels, clusters), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("score", ORACLES)
def test_names_may_be_anything(score):
    labels, clusters = draw(50, 3)
    names = np.array(["red", "green", "blue"])[labels]
    assert score(names, 7 - clusters)[0] == pytest.approx(score(labels, clusters)[0], abs=1e-12)


def test_an_influence_is_what_the_score_loses_without_the_row():
    labels, clusters = draw(80, 4)
    value, influence = v_measure(labels, clusters)
    others = [np.arange(80) != i for i in range(80)]
    without = np.array([v_measure_score(labels[o], clusters[o]) for o in others])
    moved = 79 * (value - without)
    np.testing.assert_allclose(influence, moved - moved.mean(), atol=1e-9)


def test_copies_leave_together():
    labels, clusters = draw(40, 3)
    groups = np.repeat(np.arange(40), np.arange(40) % 5 + 1)
    labels, clusters = labels[groups], clusters[groups]
    labels[-1] += 1
    value, influence = v_measure(labels, clusters, groups)
    n, moved = len(groups), np.empty(len(groups))
    for group in range(40):
        rest, own = groups != group, groups == group
        lost = value - v_measure_score(labels[rest], clusters[rest])
        moved[own] = (n - own.sum()) / own.sum() * lost
    np.testing.assert_allclose(influence, moved - moved.mean(), atol=1e-9)


def test_perfect_clusters_score_1_and_one_cluster_0():
    labels = np.arange(60) % 3
    for score in ORACLES:
        value, influence = score(labels, labels + 5)
        assert value == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(influence, 0, atol=1e-9)
        value, influence = score(labels, np.zeros(60))
        assert value == pytest.approx(0, abs=1e-12)
        np.testing.assert_allclose(influence, 0, atol=1e-9)


def test_one_label_has_no_score():
    value, influence = v_measure(["a"] * 9, np.arange(9) % 2)
    assert np.isnan(value)
    assert np.isnan(influence).all()


def test_random_clusters_score_above_0_by_v_measure_alone():
    rng = np.random.default_rng(0)
    drawn = [(rng.integers(0, 10, 200), rng.integers(0, 10, 200)) for _ in range(100)]
    assert np.mean([v_measure(*both)[0] for both in drawn]) > 0.08
    adjusted = [adjusted_mutual_information(*both)[0] for both in drawn]
    assert np.mean(adjusted) == pytest.approx(0, abs=0.005)


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="expected three"):
        v_measure([0, 1, 1], [0, 1])
