import time

import numpy as np
import pytest
from scipy.stats import binomtest, norm, spearmanr, ttest_rel

from poolwise.statistics.estimate import Estimate
from poolwise.statistics.holm import holm
from poolwise.statistics.paired import (
    Difference,
    mean_differences,
    mean_estimates,
    not_significantly_worse,
    paired_differences,
    spearman_differences,
    spearman_influences,
)

ALIKE = 4
"""Contenders of the same true score in the simulations."""

RUNS = 250


def hits(rng, n, share, contenders=ALIKE):
    """Right or wrong [n, c], correlated as readouts of one model are: rows are hard or easy."""
    difficulty = 0.8 * rng.normal(size=(n, 1)) + 0.6 * rng.normal(size=(n, contenders))
    return (difficulty < norm.ppf(share)).astype(float)


def similarities(rng, n, contenders=ALIKE):
    """Cosines [n, c] of one encoder's readouts, and scores [n] in halves from 0 to 5."""
    latent = rng.normal(size=(n, 1))
    scores = np.round(2 * (1.5 + latent[:, 0] + 0.5 * rng.normal(size=n))) / 2
    x = latent + 0.5 * rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, contenders))
    return x, np.clip(scores, 0, 5)


SIMULATED = {
    "accuracy 0.6": lambda rng: mean_differences(hits(rng, 300, 0.6), 0),
    "accuracy 0.95": lambda rng: mean_differences(hits(rng, 300, 0.95), 0),
    "spearman": lambda rng: spearman_differences(*similarities(rng, 250), 0),
}


@pytest.mark.parametrize("kind", SIMULATED)
def test_intervals_of_differences_cover_and_holm_keeps_its_level(kind):
    rng = np.random.default_rng(6)
    found = [SIMULATED[kind](rng) for _ in range(RUNS)]
    covered = [d.value.low <= 0 <= d.value.high for run in found for d in run[1:]]
    assert 0.935 <= np.mean(covered) <= 0.975
    false = [np.nanmin(holm([d.p for d in run])) <= 0.05 for run in found]
    assert np.mean(false) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / RUNS)
    raw = [d.p <= 0.05 for run in found for d in run[1:]]
    assert 0.025 <= np.mean(raw) <= 0.065


def test_intervals_cover_a_real_difference_of_spearman():
    rng = np.random.default_rng(7)

    def draw(n):
        x, y = similarities(rng, n, 2)
        x[:, 1] += 0.6 * rng.normal(size=n)
        return spearman_differences(x, y, 0)[1]

    truth = draw(100_000).value.value
    found = [draw(300) for _ in range(300)]
    assert truth < -0.05
    assert 0.925 <= np.mean([d.value.low <= truth <= d.value.high for d in found]) <= 0.985
    assert np.mean([d.p < 0.05 for d in found]) > 0.9


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_intervals_of_shares_cover(share):
    columns = (np.random.default_rng(8).random((200, 2000)) < share).astype(float)
    covered = [e.low <= share <= e.high for e in mean_estimates(columns)]
    assert 0.93 <= np.mean(covered) <= 0.99


def test_plain_intervals_are_wilson_for_shares_and_student_for_others():
    column = np.repeat([1.0, 0.0], [27, 3])
    share, mean = mean_estimates(np.column_stack([column, 2 * column]))
    wilson = binomtest(27, 30).proportion_ci(method="wilson")
    assert (share.value, share.low, share.high) == pytest.approx((0.9, wilson.low, wilson.high))
    half = 2.045 * (2 * column).std(ddof=1) / np.sqrt(30)
    assert (mean.low, mean.high) == pytest.approx((1.8 - half, 1.8 + half), abs=1e-3)
    (certain,) = mean_estimates(np.ones((30, 1)))
    assert certain.high == pytest.approx(1)
    assert 0.85 < certain.low < 0.95


def test_differences_of_means_are_the_paired_t_test():
    scores = np.random.default_rng(0).normal([0, 0.2, 0.4], 1, (50, 3))
    found = mean_differences(scores, reference=1)
    for i in (0, 2):
        expected = ttest_rel(scores[:, i], scores[:, 1])
        assert found[i].p == pytest.approx(expected.pvalue)
        assert (found[i].value.low, found[i].value.high) == pytest.approx(
            tuple(expected.confidence_interval())
        )
    assert found[1].value == Estimate(0.0, 0.0, 0.0)
    assert np.isnan(found[1].p)


def test_spearman_differences_are_differences_of_spearman():
    x, y = similarities(np.random.default_rng(0), 200, 3)
    rho = spearmanr(np.column_stack([x, y])).statistic[-1, :3]
    found = spearman_differences(x, y, 2)
    assert [d.value.value for d in found] == pytest.approx((rho - rho[2]).tolist(), abs=1e-12)


def test_few_rows_that_differ_show_little():
    """Of 1,000 rows 4 differ, all in one direction: t says 0.046, the sign test 2/16."""
    right = np.ones((1000, 3))
    right[:4, 1] = 0
    right[:20, 2] = 0
    _, four, twenty = mean_differences(right, 0)
    assert four.p == 0.125
    assert 2.0**-19 <= twenty.p < 1e-4
    assert mean_differences(np.eye(2)[[0, 0, 0, 0]], 0)[1].p == 0.125


def test_the_same_answers_differ_by_nothing():
    one = hits(np.random.default_rng(0), 100, 0.7, 1)
    found = mean_differences(np.hstack([one, one]), 0)[1]
    assert found == Difference(Estimate(0.0, 0.0, 0.0), 1.0)


def test_constant_similarities_have_no_difference_and_no_tie():
    x, y = similarities(np.random.default_rng(0), 100, 3)
    x[:, 1] = 0.7
    found = spearman_differences(x, y, 0)
    assert found[1].value == Estimate.constant()
    assert not_significantly_worse(found).tolist() == [True, False, True]
    assert not not_significantly_worse(spearman_differences(x, y, 1)).any()


def test_ties_leave_out_who_is_worse_and_not_who_is_better():
    scores = np.random.default_rng(0).normal([0, -1, 0.02, 1], 1, (400, 4))
    assert not_significantly_worse(mean_differences(scores, 0)).tolist() == [
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("also_worse", [0, 30])
def test_ties_with_the_best_of_the_same_rows_hold_the_truly_best(also_worse):
    rng = np.random.default_rng(9)
    lost = []
    for _ in range(300):
        scores = rng.normal(size=(200, 20 + also_worse))
        scores[:, 20:] -= 1
        tied = not_significantly_worse(mean_differences(scores, int(scores.mean(axis=0).argmax())))
        lost.append(~tied[:20])
        assert not tied[20:].any()
    assert np.mean(lost) <= 0.05


def test_150_contenders_on_3000_pairs_are_quick():
    x, y = similarities(np.random.default_rng(0), 3000, 150)
    began = time.process_time()
    found = spearman_differences(x, y, 0)
    assert time.process_time() - began < 2
    assert len(found) == 150


def test_refuses_other_shapes():
    with pytest.raises(ValueError, match="with n of 3 or more"):
        mean_differences(np.ones((2, 4)), 0)
    with pytest.raises(ValueError, match="with n of 3"):
        spearman_influences(np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match="with n of 3"):
        paired_differences([0.1], np.ones(4), 0)
