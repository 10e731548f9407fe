"""What thresholds decide: sentence-transformers' numbers, and derivatives."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from poolwise.statistics.threshold_scores import accuracy_threshold, binary_f1, f1_threshold


def draw(n, seed=0, decimals=8):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    return np.round(rng.normal(size=n) + 1.2 * positive, decimals), positive


def evaluator():
    from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator

    return BinaryClassificationEvaluator


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [8, 1])
def test_thresholds_are_as_good_as_sentence_transformers(seed, decimals):
    pytest.importorskip("sentence_transformers")
    scores, positive = draw(200, seed, decimals)
    labels = positive.astype(int)
    accuracy, _ = evaluator().find_best_acc_and_threshold(scores, labels, True)
    called = scores > accuracy_threshold(scores, positive)
    assert np.mean(called == positive) >= accuracy - 1e-12
    f1, *_ = evaluator().find_best_f1_and_threshold(scores, labels, True)
    called = scores > f1_threshold(scores, positive)
    assert f1_score(positive, called) >= f1 - 1e-12
    if decimals == 8:
        assert binary_f1(called, positive)[0] == pytest.approx(f1, abs=1e-12)


def test_f1_is_scikit_learns_and_its_influence_the_derivative():
    scores, positive = draw(300)
    called = scores > 0.6
    value, influence = binary_f1(called, positive)
    assert value == pytest.approx(f1_score(positive, called), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    for row in (0, 7, int(np.flatnonzero(called & positive)[0])):
        weights = np.ones(300)
        weights[row] += 1e-6
        moved = (f1_score(positive, called, sample_weight=weights) - value) / 1e-6
        assert influence[row] == pytest.approx(300 * moved, abs=1e-4)


def test_without_a_match_there_is_no_f1():
    assert np.isnan(binary_f1([False, False], [False, False])[0])
