"""Intervals of scores: what they rest on, and when there is none."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import kurtosis, t

from poolwise.statistics.clusters import standard_error
from poolwise.statistics.estimate import FEW
from poolwise.statistics.label_scores import auc, balanced_accuracy
from poolwise.statistics.paired import mean_estimates
from poolwise.statistics.score_intervals import kurtosis_degrees, score_estimate


def drawn(n=200, share=0.3, seed=0, distance=1.5):
    """Log-probabilities of two labels and the true ones."""
    rng = np.random.default_rng(seed)
    targets = (np.arange(n) < share * n).astype(int)
    x = rng.normal(size=n) + distance * targets
    return np.stack([-np.logaddexp(0, x - 1), -np.logaddexp(0, 1 - x)], axis=1), targets


def test_without_labels_it_is_students_on_the_logit_scale():
    value, influence = auc(*drawn())
    error, _ = standard_error(influence[:, None])
    degrees = min(199, 2 * 200 / (kurtosis(influence, fisher=False) - 1))
    reach = t.ppf(0.975, degrees) * error[0] / (value * (1 - value))
    found = score_estimate(value, influence)
    assert found.value == value
    assert found.low == pytest.approx(expit(logit(value) - reach))
    assert found.high == pytest.approx(expit(logit(value) + reach))


def test_with_labels_the_error_allows_for_the_means_of_their_rows():
    scores, targets = drawn()
    value, influence = balanced_accuracy(scores, targets)
    hits = scores.argmax(axis=1) == targets
    unbiased = sum(hits[targets == c].var(ddof=1) / np.sum(targets == c) for c in (0, 1)) / 4
    found = score_estimate(value, influence, targets)
    reach = (logit(found.high) - logit(found.low)) / 2 * value * (1 - value)
    of_labels = (1 / 60 + 1 / 140) ** 2 / (1 / 60**3 + 1 / 140**3)
    kurtosis_of = influence * np.sqrt(np.where(targets == 1, 60 / 59, 140 / 139))
    degrees = min(of_labels, kurtosis_degrees(kurtosis_of))
    assert reach / t.ppf(0.975, degrees) == pytest.approx(np.sqrt(unbiased * 200 / 199), rel=1e-6)


def test_few_rows_that_carry_the_variance_make_it_wider():
    even = np.tile([-1.0, 1.0], 100)
    rare = np.where(np.arange(200) < 4, 7.0, -7 / 49) / np.sqrt(even @ even / (4 * 7**2 + 4))
    rare *= np.sqrt(even @ even / (rare @ rare))
    assert kurtosis_degrees(even) == np.inf
    assert kurtosis_degrees(rare) == pytest.approx(8.5, abs=0.5)
    narrow, wide = score_estimate(0.7, even), score_estimate(0.7, rare)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_copies_count_once():
    value, influence = auc(*drawn())
    once = score_estimate(value, influence)
    copies = np.repeat(np.arange(200), 5)
    again = score_estimate(value, np.repeat(influence, 5), groups=copies)
    assert (again.low, again.high) == pytest.approx((once.low, once.high))
    targets = np.repeat(drawn()[1], 5)
    labelled = score_estimate(value, np.repeat(influence, 5), targets, copies)
    expected = score_estimate(value, influence, drawn()[1])
    assert (labelled.low, labelled.high) == pytest.approx((expected.low, expected.high))
    pairs = np.arange(400).reshape(200, 2)
    paired = score_estimate(value, influence, groups=pairs)
    assert (paired.low, paired.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize(
    ("n", "share", "note"),
    [
        (100, 0.03, "only 3 rows of the rarest label"),
        (300, 0.003, "only 1 row of the"),
        (100, 0.2, ""),
    ],
)
def test_a_rare_label_leaves_no_interval(n, share, note):
    scores, targets = drawn(n, share)
    found = score_estimate(*auc(scores, targets), targets)
    assert found.value is not None
    assert note in found.note
    assert (found.low is None) == bool(note)


def test_many_labels_of_few_rows_have_one_together():
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(77), 4)
    scores = rng.normal(size=(308, 77)) + 3 * np.eye(77)[targets]
    found = score_estimate(*balanced_accuracy(scores, targets), targets)
    hits = (scores.argmax(axis=1) == targets).astype(float)
    shares = mean_estimates(hits[:, None])[0]
    # Even labels: the value is the accuracy. Its spread is told from within labels only.
    assert found.value == pytest.approx(shares.value)
    assert 0.9 < (found.high - found.low) / (shares.high - shares.low) < 1.1


def test_a_perfect_score_has_a_bound():
    scores, targets = drawn(60, 0.5, distance=40)
    found = score_estimate(*auc(scores, targets), targets)
    assert found.value == found.high == 1
    assert 0.9 < found.low < 0.95
    value, influence = balanced_accuracy(targets, targets)
    assert score_estimate(value, influence, targets).low == found.low


def test_a_label_without_any_spread_leaves_no_interval():
    scores, targets = drawn(100, 0.2)
    scores[targets == 1] = [0, -9]
    found = score_estimate(*balanced_accuracy(scores, targets), targets)
    assert found.low is None
    assert found.note == "no interval: all rows of a rare label are scored alike"


def test_nothing_to_compare():
    targets = np.zeros(20, int)
    found = score_estimate(*auc(np.zeros((20, 2)), targets), targets)
    assert found.value is None
    assert found.note.startswith("undefined")
    value, influence = auc(*drawn(40, 0.5))
    assert score_estimate(value, influence, groups=np.zeros(40)).note == FEW
