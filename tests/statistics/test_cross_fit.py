"""The score of a choice that is made without the fold it is read in."""

import numpy as np
import pytest

from poolwise.statistics.cross_fit import FOLDS, REPEATS, cross_fit
from poolwise.statistics.folds import assign_folds


def drawn(n=90, c=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=(n, c))


@pytest.mark.parametrize("clusters", [None, np.arange(90) // 3], ids=["rows", "clusters"])
def test_it_is_the_slow_loop(clusters):
    scores = drawn()
    codes = np.arange(90) if clusters is None else clusters
    expected, counts = np.empty((REPEATS, 90)), np.zeros(7)
    for repeat in range(REPEATS):
        folds = assign_folds(codes, FOLDS, 5 + repeat)
        for fold in range(FOLDS):
            inside = folds == fold
            chosen = scores[~inside].mean(axis=0).argmax()
            expected[repeat, inside] = scores[inside, chosen]
            counts[chosen] += inside.sum()
    found = cross_fit(scores, clusters, seed=5)
    np.testing.assert_allclose(found.scores, expected.mean(axis=0))
    assert found.value == pytest.approx(expected.mean())
    assert found.spread == pytest.approx(expected.mean(axis=1).std(ddof=1))
    np.testing.assert_allclose(found.frequencies, counts / 90 / REPEATS)


def test_of_one_contender_it_is_the_mean():
    scores = drawn(c=1)
    found = cross_fit(scores)
    assert found.value == pytest.approx(scores.mean())
    assert found.spread == pytest.approx(0)
    assert found.frequencies == [1]
    np.testing.assert_allclose(found.scores, scores[:, 0])


def test_what_has_no_score_is_never_chosen():
    scores = drawn()
    scores[:, 2] += 9
    scores[4, 2] = np.nan
    assert cross_fit(scores).frequencies[2] == 0


def test_of_equals_it_is_not_too_good():
    chosen, best = zip(
        *((cross_fit(s).value, s.mean(axis=0).max()) for s in (drawn(seed=k) for k in range(60))),
        strict=True,
    )
    error = np.std(chosen) / np.sqrt(60)
    assert abs(np.mean(chosen)) < 3 * error
    assert np.mean(best) > 0.1
