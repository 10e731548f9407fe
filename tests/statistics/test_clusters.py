"""What rows that hang together can say: exact where none do, honest where copies are counted."""

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from poolwise.statistics.aggregation import aggregate
from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.clusters import clusters, count_independent, factorize, standard_error
from poolwise.statistics.codelength import codelength
from poolwise.statistics.correlation import linear_regression, pearson, spearman
from poolwise.statistics.crossed_effects import crossed_effects_difference, crossed_effects_mean
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.eta_squared import eta_squared
from poolwise.statistics.folds import assign_folds
from poolwise.statistics.geometry import alignment
from poolwise.statistics.paired import (
    mean_differences,
    mean_estimates,
    paired_differences,
    spearman_differences,
    spearman_influences,
)
from poolwise.statistics.selectivity import selectivity

RUNS = 1000
TEXTS = 60
COPIES = (5, 10)


def copied(rng, k, *columns):
    """k copies of every row, in random order, and which row each one copies."""
    order = rng.permutation(np.repeat(np.arange(len(columns[0])), k))
    return order, *(column[order] for column in columns)


def covered(rng, statistic, true, runs=RUNS):
    """Percent of runs whose interval holds the truth."""
    held = 0
    for _ in range(runs):
        found = statistic(rng)
        held += found.low <= true <= found.high
    return 100 * held / runs


def of_mean(rng, k, grouped=True):
    groups, x = copied(rng, k, rng.exponential(size=TEXTS) ** 0.5)
    return mean_estimates(x[:, None], groups if grouped else None)[0]


def of_share(rng, k, grouped=True):
    groups, hits = copied(rng, k, (rng.random(TEXTS) < 0.6).astype(float))
    return mean_estimates(hits[:, None], groups if grouped else None)[0]


def of_rank_correlation(rng, k, grouped=True):
    x = rng.normal(size=TEXTS)
    groups, a, b = copied(rng, k, x, 0.6 * x + 0.8 * rng.normal(size=TEXTS))
    return spearman(a, b, groups if grouped else None)


def of_slope(rng, k, grouped=True):
    x = rng.normal(size=TEXTS)
    groups, a, b = copied(rng, k, x, x + rng.normal(size=TEXTS))
    return linear_regression(a, b, groups if grouped else None).slope


def of_difference(rng, k, grouped=True):
    hits = (rng.random((TEXTS, 2)) < 0.6).astype(float)
    groups, both = copied(rng, k, hits)
    return mean_differences(both, 0, groups if grouped else None)[1].value


def of_correlations_apart(rng, k, grouped=True):
    y = rng.normal(size=TEXTS)
    x = y[:, None] + rng.normal(size=(TEXTS, 2))
    groups, a, b = copied(rng, k, x, y)
    return spearman_differences(a, b, 0, groups if grouped else None)[1].value


def of_resamples(rng, k, grouped=True):
    groups, x = copied(rng, k, rng.normal(size=TEXTS) + 1)
    draws = resampled_means(
        x[:, None], groups if grouped else None, resamples=400, seed=int(rng.integers(1 << 30))
    )
    low, high = percentiles(draws[:, 0])
    return Estimate(float(x.mean()), float(low), float(high))


def of_seeds_and_rows(rng, k, grouped=True):
    scores = rng.normal(size=(3, 1)) * 0.02 + rng.normal(size=(3, TEXTS)) * 0.1
    scores = scores + rng.normal(size=TEXTS)
    groups, x = copied(rng, k, scores.T)
    return crossed_effects_mean(x.T, groups if grouped else None)


CASES = {
    of_mean: np.sqrt(np.pi) / 2,
    of_share: 0.6,
    of_rank_correlation: 6 / np.pi * np.arcsin(0.3),
    of_slope: 1.0,
    of_difference: 0.0,
    of_correlations_apart: 0.0,
    of_resamples: 1.0,
    of_seeds_and_rows: 0.0,
}


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("statistic", CASES)
def test_an_interval_of_copies_holds_the_truth_in_95_of_100_runs(statistic, copies):
    rng = np.random.default_rng(copies)
    assert 93 <= covered(rng, lambda r: statistic(r, copies), CASES[statistic]) <= 97


@pytest.mark.parametrize("statistic", CASES)
def test_copies_counted_as_rows_would_miss_it_often(statistic):
    rng = np.random.default_rng(1)
    assert covered(rng, lambda r: statistic(r, 5, grouped=False), CASES[statistic], 200) < 80


def test_texts_with_few_copies_and_many():
    """From 1 to 20 copies a text, as a corpus has them."""

    def of_uneven(rng):
        sizes = 1 + (19 * rng.random(TEXTS) ** 4).astype(int)
        groups = np.repeat(np.arange(TEXTS), sizes)
        return mean_estimates(rng.normal(size=TEXTS)[groups][:, None], groups)[0]

    assert 93 <= covered(np.random.default_rng(0), of_uneven, 0.0) <= 97


def sharing(rng, sentences, pairs, effect, copies=1):
    """Pairs of random sentences: what each is and both names, [n] and [n, 2]."""
    first = rng.integers(0, sentences, pairs)
    second = (first + rng.integers(1, sentences, pairs)) % sentences
    own = effect * rng.normal(size=sentences)
    x = own[first] + own[second] + rng.normal(size=pairs)
    both = np.stack([first, second], axis=1)
    return np.repeat(x, copies), np.repeat(both, copies, axis=0)


@pytest.mark.parametrize("effect", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("sentences", "pairs", "copies"), [(60, 100, 1), (200, 400, 1), (100, 100, 5), (60, 60, 10)]
)
def test_pairs_with_sentences_in_common(sentences, pairs, copies, effect):
    def of_pairs(rng):
        x, both = sharing(rng, sentences, pairs, effect, copies)
        return mean_estimates(x[:, None], both)[0]

    assert 93 <= covered(np.random.default_rng(2), of_pairs, 0.0) <= 97


def test_correlations_over_pairs_with_sentences_in_common():
    """Each sentence stands in four pairs, and both numbers of a pair follow its sentences."""

    def of_pairs(rng):
        cosines, both = sharing(rng, 100, 200, 0.7)
        own = 0.7 * rng.normal(size=100)
        scores = own[both].sum(axis=1) + rng.normal(size=200)
        return spearman(cosines, scores, both)

    assert 93 <= covered(np.random.default_rng(3), of_pairs, 0.0) <= 97


def test_the_order_of_a_pair_says_nothing():
    x, both = sharing(np.random.default_rng(0), 30, 100, 1.0)
    turned = np.where(np.random.default_rng(1).random((100, 1)) < 0.5, both, both[:, ::-1])
    (a,), (b,) = mean_estimates(x[:, None], both), mean_estimates(x[:, None], turned)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-12)


def test_pairs_of_one_sentence_with_all_others_are_never_certain():
    """Its own sum is zero, and leaves nothing of the others but what each gives alone."""
    x = np.random.default_rng(0).normal(size=50)
    both = np.column_stack([np.zeros(50, int), np.arange(1, 51)])
    hub, apart = mean_estimates(x[:, None], both)[0], mean_estimates(x[:, None])[0]
    assert hub.high - hub.low >= apart.high - apart.low


def every(rng, n, groups):
    """Each statistic that takes groups, on rows of its own."""
    x, y = rng.normal(size=(n, 3)), rng.normal(size=n)
    hits = (rng.random((n, 3)) < 0.6).astype(float)
    folds = assign_folds(np.arange(n), 5, 0)
    yield mean_estimates(x, groups), mean_estimates(hits, groups)
    yield mean_differences(hits, 1, groups), spearman_differences(x, y, 0, groups)
    yield paired_differences(*spearman_influences(x, y), 0, groups)
    yield (
        spearman(x[:, 0], y, groups),
        pearson(x[:, 0], y, groups),
        linear_regression(x[:, 0], y, groups),
    )
    yield aggregate(x[:, 0], y, ["a", "b"] * (n // 2), "mean", groups=groups)
    yield eta_squared(x, y[:, None], folds, groups)
    yield resampled_means(x, groups, resamples=50).tolist()
    yield crossed_effects_mean(x.T, groups), crossed_effects_mean(hits.T, groups)
    yield crossed_effects_difference(x.T, hits.T, groups), crossed_effects_mean(x.T[:1], groups)
    yield selectivity(hits[:, 0], hits[:, 1], groups), alignment(x, x[::-1], groups)
    yield codelength(x, hits[:, 0], groups)


@pytest.mark.parametrize("names", [np.arange(80), np.arange(80)[::-1] * 7, [*map(str, range(80))]])
def test_where_every_row_is_alone_nothing_changes(names):
    plain = every(np.random.default_rng(5), 80, None)
    named = every(np.random.default_rng(5), 80, np.asarray(names))
    for a, b in zip(plain, named, strict=True):
        assert repr(a) == repr(b)  # as == does, but for what is undefined


def test_pairs_that_share_nothing_are_rows():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    error, degrees = standard_error(rows, np.arange(100).reshape(50, 2))
    plain, free = standard_error(rows)
    assert (error.tolist(), degrees) == (plain.tolist(), free)


def test_equal_clusters_give_the_interval_of_their_means():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    (found,) = mean_estimates(np.repeat(x, 6)[:, None], np.repeat(np.arange(40), 6))
    (plain,) = mean_estimates(x[:, None])
    assert found.low == pytest.approx(plain.low, rel=1e-9)
    assert found.high == pytest.approx(plain.high, rel=1e-9)
    hits = (x > 0).astype(float)
    (share,) = mean_estimates(np.repeat(hits, 6)[:, None], np.repeat(np.arange(40), 6))
    mean, p = standard_error(hits[:, None] - hits.mean())[0][0], hits.mean()
    effective, z = p * (1 - p) / mean**2, t.ppf(0.975, 39)
    centre = (p + z**2 / 2 / effective) / (1 + z**2 / effective)
    assert (share.low + share.high) / 2 == pytest.approx(centre)


def test_the_correlation_is_still_that_of_all_rows():
    rng = np.random.default_rng(0)
    groups, x, y = copied(rng, 3, rng.normal(size=50), rng.normal(size=50))
    assert spearman(x, y, groups).value == pytest.approx(spearmanr(x, y).statistic)


def test_one_text_has_no_interval():
    one = np.zeros(30, int)
    x, hits = np.random.default_rng(0).normal(size=(30, 2)), np.eye(2)[np.arange(30) % 2]
    for found in (
        *mean_estimates(x, one),
        *mean_estimates(hits, one),
        spearman(x[:, 0], x[:, 1], one),
        crossed_effects_mean(x.T[[0, 1, 1]], one),
    ):
        assert found.value is not None
        assert (found.low, found.high) == (None, None)
        assert "copies of one text" in found.note
    assert mean_differences(hits, 0, one)[1].p == 1
    assert crossed_effects_difference(x.T, hits.T, one).p == 1


def test_few_texts_that_differ_cannot_show_much():
    """Three texts, ten copies each, all on one side: no sign test goes below 1/4."""
    hits = np.ones((300, 2))
    hits[:30, 0] = 0
    groups = np.arange(300) // 10
    assert mean_differences(hits, 0, groups)[1].p >= 0.25
    assert mean_differences(hits, 0)[1].p < 0.001


def test_a_code_learns_nothing_from_copies_of_random_labels():
    rng = np.random.default_rng(0)
    groups, x, y = copied(rng, 5, rng.normal(size=(80, 60)), rng.integers(0, 2, 80))
    assert codelength(x, y, groups).compression.value < 1
    assert codelength(x, y).compression.value > 1.5


def test_a_curve_has_as_many_bins_as_texts_fill():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = (x + rng.normal(size=200))[:, None]
    folds, groups = assign_folds(np.arange(200), 5, 0), np.tile(np.arange(200), 10)
    plain = eta_squared(x[:, None], y, folds)[0][0]
    found = eta_squared(np.tile(x, 10)[:, None], np.tile(y, (10, 1)), folds[groups], groups)[0][0]
    assert found.value == pytest.approx(plain.value, abs=0.02)
    assert found.high - found.low == pytest.approx(plain.high - plain.low, rel=0.1)


def test_names_and_numbers():
    assert clusters(None) is None
    assert clusters(["a", "b", "c"]) is None
    assert clusters(["b", "a", "b"]).codes.tolist() == [0, 1, 0]
    assert factorize([7, 3, 7, 3, 9]).tolist() == [0, 1, 0, 1, 2]
    assert count_independent([4, 4, 5]).tolist() == [2]
    assert count_independent([[0, 1], [1, 0], [2, 3]]).tolist() == [2]
    assert count_independent([[0, 1], [0, 2], [0, 3]]).tolist() == [2]
    assert count_independent([4, 4, 5], [[1, 0], [1, 0], [0, 0]]).tolist() == [1, 0]
    assert count_independent([[0, 1], [1, 0], [2, 3]], [[1, 0], [1, 0], [0, 1]]).tolist() == [1, 1]


@pytest.mark.parametrize("groups", [np.zeros(9), np.zeros((10, 3)), np.zeros((10, 2, 2))])
def test_groups_of_another_shape_are_refused(groups):
    with pytest.raises(ValueError, match=r"expected \[n\] or \[n, 2\]"):
        standard_error(np.zeros((10, 1)), groups)


def test_degrees_of_freedom_fall_where_one_text_has_most_rows():
    even, uneven = (
        clusters(np.arange(40) // 2),
        clusters(np.r_[np.zeros(21, int), np.arange(1, 20)]),
    )
    assert even.degrees_of_freedom == pytest.approx(19)
    assert even.correction == pytest.approx(20 / 19)
    assert 1 < uneven.degrees_of_freedom < 4
